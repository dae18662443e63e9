"""Reads one node of a mapping's `fields:` from YAML: a source with its steps, an object, an array.

Called by `mapping.loader`. Must never accept a key, a pattern or a step that the translator would ignore.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from quivive.connectors.mapping.spec import UNSET, Branch, Condition, Each, Items, Node, Unit, Value
from quivive.model.errors import ConfigurationError

MAX_PATTERN: Final = 200
"""Characters of a pattern; a longer one is a programme, which belongs into a translator."""
MAX_DEPTH: Final = 8
"""Objects and arrays in one another; the API's deepest row has three."""
DATE_WORDS: Final = frozenset({"iso", "dmy", "mdy", "ymd", "serial", "epoch_s", "epoch_ms"})
SETTINGS: Final = frozenset({"controller", "namespace", "source"})
SOURCES: Final = ("column", "constant", "setting", "join", "first_of", "digest", "day")
_STEPS: Final = frozenset(
    {
        "with",
        "time",
        "strip_prefix",
        "regex",
        "case",
        "choice",
        "otherwise",
        "split",
        "prefix",
        "phone",
        "integer",
        "date",
        "zone",
        "plus",
        "unit",
        "after",
        "default",
        "optional",
    }
)
# `(a+)+` takes exponential time on a text that does not match: a repeated group may not hold a repetition.
_NESTED: Final = re.compile(r"\([^()]*[*+}][^()]*\)\s*[*+{]")

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in which file we are; makes the errors."""

    file: str
    key: str
    renamed: Mapping[str, str]

    def at(self, name: str) -> "Place":
        """One step down."""
        return replace(self, key=f"{self.key}.{name}" if self.key else name)

    def wrong(self, expected: str, found: str) -> ConfigurationError:
        """The error of this place."""
        return ConfigurationError(file=self.file, key=self.key or "(top)", expected=expected, found=found)

    def known(self, raw: Mapping[Any, Any], allowed: frozenset[str]) -> None:
        """Refuse keys that nobody reads."""
        for key in raw:
            if key not in allowed:
                raise self.at(str(key)).wrong("one of " + ", ".join(sorted(allowed)), "an unknown key")

    def mapping(self, raw: Any) -> dict[str, Any]:
        """Keys and values."""
        if not isinstance(raw, dict) or not all(isinstance(key, str) for key in raw):
            raise self.wrong("keys and values", "nothing" if raw is None else type(raw).__name__)
        return raw

    def text(self, raw: Any) -> str:
        """A text that is not empty."""
        if not isinstance(raw, str) or not raw:
            raise self.wrong("a text", "nothing" if raw is None else type(raw).__name__)
        return raw

    def texts(self, raw: Any) -> list[str]:
        """A list of texts; numbers count as they are written."""
        if not isinstance(raw, list) or not all(isinstance(item, (str, int)) for item in raw):
            raise self.wrong("a list of texts", type(raw).__name__)
        return [_word(item) for item in raw]

    def text_table(self, raw: Any) -> dict[str, str]:
        """Texts by text."""
        return {key: self.at(key).text(value) for key, value in self.mapping(raw).items()}

    def choice(self, raw: Any, kind: type[E]) -> E:
        """A member of a closed set."""
        try:
            return kind(raw)
        except ValueError:
            found = "nothing" if raw is None else raw if isinstance(raw, str) else type(raw).__name__
            raise self.wrong("one of " + ", ".join(kind), found) from None

    def boolean(self, raw: Any) -> bool:
        """True or false."""
        if not isinstance(raw, bool):
            raise self.wrong("true or false", type(raw).__name__)
        return raw

    def column(self, raw: Any) -> str:
        """A column's name, as this site calls it."""
        name = self.text(raw)
        return self.renamed.get(name, name)


def _word(item: object) -> str:
    """YAML reads `oui` as text but `yes` and `on` as true; what was meant is the word."""
    return {True: "true", False: "false"}[item] if isinstance(item, bool) else str(item)


def pattern_of(raw: Any, place: Place) -> re.Pattern[str]:
    """Compile a pattern that cannot run away.

    Raises:
        ConfigurationError: too long, no pattern, more than one group, or a repetition inside a repetition.
    """
    text = place.text(raw)
    if len(text) > MAX_PATTERN:
        raise place.wrong(f"at most {MAX_PATTERN} characters", "a longer pattern")
    if _NESTED.search(text):
        raise place.wrong("no repetition inside a repeated group", "one")
    try:
        pattern = re.compile(text, re.ASCII)
    except re.error as error:
        raise place.wrong("a regular expression", str(error)) from None
    if pattern.groups > 1:
        raise place.wrong("at most one group", f"{pattern.groups} groups")
    return pattern


def node_of(raw: Any, place: Place, depth: int = 0) -> Node:
    """Read a node: a column's name, a source with steps, an object, an array.

    Raises:
        ConfigurationError: it is none of them.
    """
    if depth > MAX_DEPTH:
        raise place.wrong(f"at most {MAX_DEPTH} levels", "more")
    if isinstance(raw, str):
        return Value(column=place.column(raw))
    if isinstance(raw, list):
        return Items(nodes=tuple(node_of(item, place.at(str(i)), depth + 1) for i, item in enumerate(raw)))
    fields = place.mapping(raw)
    if "each" in fields:
        return _each(fields, place, depth)
    if any(source in fields for source in SOURCES):
        return value_of(fields, place, depth)
    if not fields:
        raise place.wrong("a source or fields", "nothing")
    found = {name: node_of(item, place.at(name), depth + 1) for name, item in fields.items()}
    for name, below in found.items():
        if isinstance(below, Value) and below.after and below.after not in list(found)[: list(found).index(name)]:
            raise place.at(f"{name}.after").wrong("a field that stands above", below.after)
    return Branch(fields=found)


def _each(raw: dict[str, Any], place: Place, depth: int) -> Each:
    place.known(raw, frozenset({"each", "where", "item"}))
    return Each(
        path=place.at("each").text(raw["each"]),
        where=conditions(raw.get("where", []), place.at("where")),
        node=node_of(raw.get("item"), place.at("item"), depth + 1),
    )


def conditions(raw: Any, place: Place) -> tuple[Condition, ...]:
    """Read a list of conditions (`when:` of a mapping, `where:` of an array)."""
    if not isinstance(raw, list):
        raise place.wrong("a list of conditions", type(raw).__name__)
    return tuple(_condition(item, place.at(str(index))) for index, item in enumerate(raw))


def _condition(raw: Any, place: Place) -> Condition:
    raw = place.mapping(raw)
    place.known(raw, frozenset({"column", "in", "not_in", "present", "matches", "reason"}))
    tests = [key for key in ("in", "not_in", "present", "matches") if key in raw]
    if len(tests) != 1:
        raise place.wrong("one of in, not_in, present, matches", f"{len(tests)} of them")
    if "present" in raw and not isinstance(raw["present"], bool):
        raise place.at("present").wrong("true or false", type(raw["present"]).__name__)
    return Condition(
        column=place.column(raw.get("column")),
        in_=frozenset(word.casefold() for word in place.at("in").texts(raw.get("in", []))),
        not_in=frozenset(word.casefold() for word in place.at("not_in").texts(raw.get("not_in", []))),
        present=raw.get("present"),
        matches=pattern_of(raw["matches"], place.at("matches")) if "matches" in raw else None,
        reason=place.at("reason").text(raw.get("reason", "not meant for Quivive")),
    )


def value_of(raw: Any, place: Place, depth: int = 0) -> Value:
    """Read a leaf: a column's name, or one source with its steps."""
    if isinstance(raw, str):
        return Value(column=place.column(raw))
    raw = place.mapping(raw)
    place.known(raw, _STEPS | frozenset(SOURCES))
    sources = [name for name in SOURCES if name in raw]
    if len(sources) != 1:
        raise place.wrong("one source of " + ", ".join(SOURCES), f"{len(sources)} of them")
    if depth > MAX_DEPTH:
        raise place.wrong(f"at most {MAX_DEPTH} levels", "more")
    _check_steps(raw, place)
    setting = raw.get("setting", "")
    if setting and (not isinstance(setting, str) or setting not in SETTINGS):
        raise place.at("setting").wrong("one of " + ", ".join(sorted(SETTINGS)), "another word")
    return Value(
        column=place.column(raw["column"]) if "column" in raw else "",
        constant=_constant(raw.get("constant"), place.at("constant")),
        setting=setting,
        with_=raw.get("with", ""),
        join=_values(raw, "join", place, depth),
        first_of=_values(raw, "first_of", place, depth),
        digest=_values(raw, "digest", place, depth),
        day=value_of(raw["day"], place.at("day"), depth + 1) if "day" in raw else None,
        time=value_of(raw["time"], place.at("time"), depth + 1) if "time" in raw else None,
        strip_prefix=_prefixes(raw.get("strip_prefix", []), place.at("strip_prefix")),
        regex=pattern_of(raw["regex"], place.at("regex")) if "regex" in raw else None,
        case=raw.get("case", ""),
        choice=_choices(raw["choice"], place.at("choice")) if "choice" in raw else None,
        otherwise=raw.get("otherwise", UNSET),
        split=raw.get("split", ""),
        prefix=raw.get("prefix", ""),
        phone=place.at("phone").boolean(raw.get("phone", False)),
        integer=place.at("integer").boolean(raw.get("integer", False)),
        date=_dates(raw["date"], place.at("date")) if "date" in raw else (("ymd", "dmy") if "day" in raw else ()),
        zone=_zone(raw.get("zone", ""), place.at("zone")),
        plus=value_of(raw["plus"], place.at("plus"), depth + 1) if "plus" in raw else None,
        unit=place.at("unit").choice(raw["unit"], Unit) if "unit" in raw else None,
        after=raw.get("after", ""),
        default=_constant(raw.get("default"), place.at("default")),
        optional=place.at("optional").boolean(raw.get("optional", False)),
    )


def _check_steps(raw: dict[str, Any], place: Place) -> None:
    for name in ("with", "split", "prefix", "after", "case", "zone"):
        if name in raw:
            place.at(name).text(raw[name])
    if raw.get("case", "lower") not in ("lower", "upper"):
        raise place.at("case").wrong("lower or upper", "another word")
    if ("day" in raw) != ("time" in raw):
        raise place.wrong("day and time together", "one of them")
    if "otherwise" in raw and "choice" not in raw:
        raise place.at("otherwise").wrong("a choice beside it", "none")
    _check_dated(raw, place)


def _check_dated(raw: dict[str, Any], place: Place) -> None:
    dated = "date" in raw or "day" in raw
    if not dated and any(name in raw for name in ("plus", "after", "zone")):
        raise place.wrong("a date beside plus, after and zone", "none")
    if dated and any(name in raw for name in ("choice", "split", "phone", "integer")):
        raise place.wrong("no choice, split, phone or integer beside a date", "one of them")
    if "plus" in raw:
        inner = raw["plus"]
        if not isinstance(inner, dict) or "unit" not in inner:
            raise place.at("plus").wrong("a source with its unit", "no unit")
    elif "unit" in raw and not place.key.endswith(".plus"):
        raise place.at("unit").wrong("inside plus", "elsewhere")


def _values(raw: dict[str, Any], name: str, place: Place, depth: int) -> tuple[Value, ...]:
    if name not in raw:
        return ()
    items = raw[name]
    if not isinstance(items, list) or not items:
        raise place.at(name).wrong("a list of sources", type(items).__name__)
    return tuple(value_of(item, place.at(f"{name}.{index}"), depth + 1) for index, item in enumerate(items))


def _prefixes(raw: Any, place: Place) -> tuple[str, ...]:
    return (raw,) if isinstance(raw, str) else tuple(place.texts(raw))


def _choices(raw: Any, place: Place) -> dict[str, Any]:
    if not isinstance(raw, dict) or not raw:
        raise place.wrong("a table of words", type(raw).__name__)
    return {_word(key).casefold(): _constant(value, place.at(_word(key))) for key, value in raw.items()}


def _constant(raw: Any, place: Place) -> Any:
    if raw is not None and not isinstance(raw, (str, int, bool, list)):
        raise place.wrong("a text, a whole number, true, false or a list", type(raw).__name__)
    return raw


def _dates(raw: Any, place: Place) -> tuple[str, ...]:
    words = [raw] if isinstance(raw, str) else place.texts(raw)
    if not words:
        raise place.wrong("date formats", "nothing")
    for word in words:
        if word not in DATE_WORDS and "%" not in word:
            raise place.wrong("one of " + ", ".join(sorted(DATE_WORDS)) + ", or a format with %", word)
    if {"dmy", "mdy"} <= set(words):
        raise place.wrong("dmy or mdy: 12/03 is one of them", "both")
    return tuple(words)


def _zone(raw: Any, place: Place) -> str:
    if raw:
        try:
            ZoneInfo(raw)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise place.wrong("a time zone, for example Europe/Paris", str(raw)) from None
    return str(raw)
