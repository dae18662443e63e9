"""Reads a mapping from YAML and refuses what it does not know, naming file, key, expected and found.

Called by the registry for presets and for a site's own files. Must never guess: a misspelt key, a step on the
wrong place, a date without a zone rule are errors before the first record is read.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from quivive.connectors.mapping.leaf import Place, conditions, node_of
from quivive.connectors.mapping.spec import (
    DEFAULT_ABSENT,
    Ambiguous,
    Branch,
    CompleteRule,
    Condition,
    VersionRule,
)
from quivive.connectors.mapping.spec import Mapping as Spec
from quivive.connectors.model import RowKind
from quivive.connectors.reading.model import FileType, Format
from quivive.model.access import Grade
from quivive.model.errors import ConfigurationError

MAX_MAPPING_BYTES: Final = 256 * 1024
"""Bytes of one mapping; the longest preset has 4 kB."""
MAX_EXTENDS: Final = 4
"""Mappings that extend one another in a row."""
DELIMITERS: Final[dict[str, str]] = {"semicolon": ";", "comma": ",", "tab": "\t", "pipe": "|"}
ENCODINGS: Final = ("utf-8", "cp1252", "utf-16")
SITE: Final = "site"
_LATENESS: Final = re.compile(r"(\d{1,6}) ?(h|min|s)", re.ASCII)

_TOP: Final = frozenset(
    {
        "name",
        "extends",
        "title",
        "kind",
        "format",
        "timezone",
        "ambiguous",
        "absent",
        "rename",
        "when",
        "fields",
        "version",
        "merge",
        "complete_to",
        "defaults",
        "sample",
        "grade",
        "lateness",
    }
)
_MERGED: Final = ("fields", "format", "defaults", "rename", "title")
_FORMAT: Final = frozenset({"type", "delimiter", "encoding", "sheet", "skip_lines", "columns", "array"})

Resolve = Callable[[str], dict[str, Any]]
"""Raw document of a preset, for `extends`."""


class _Loader(yaml.SafeLoader):
    """YAML without repeated keys: the second would silently win."""


def _unique(loader: _Loader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    seen = set()
    for key, _ in node.value:
        name = loader.construct_object(key, deep=True)
        if not isinstance(name, (str, int, bool)) or name in seen:
            raise yaml.constructor.ConstructorError(None, None, f"line {key.start_mark.line + 1}: repeated key")
        seen.add(name)
    return loader.construct_mapping(node, deep=deep)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique)


def read_document(text: str, file: str) -> dict[str, Any]:
    """Decode the YAML of a mapping.

    Raises:
        ConfigurationError: too long, no YAML, or no mapping of keys.
    """
    if len(text) > MAX_MAPPING_BYTES:
        raise ConfigurationError(
            file=file, key="(file)", expected=f"at most {MAX_MAPPING_BYTES} bytes", found="a longer file"
        )
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader that refuses repeated keys
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        found = f"line {line}: {error.problem}" if line else str(error.problem)
        raise ConfigurationError(file=file, key="(file)", expected="YAML", found=found) from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise ConfigurationError(file=file, key="(file)", expected="YAML", found="another text") from None
    if not isinstance(document, dict):
        raise ConfigurationError(file=file, key="(file)", expected="keys and values", found=type(document).__name__)
    return document


def load_mapping(path: Path, shown: str, resolve: Resolve) -> Spec:
    """Read one mapping file.

    Raises:
        ConfigurationError: the file is missing or wrong.
    """
    return parse_mapping(read_file_document(path, shown), shown, resolve)


def read_file_document(path: Path, shown: str) -> dict[str, Any]:
    """Decode the YAML of a file.

    Raises:
        ConfigurationError: the file is missing, or is no YAML of keys and values.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else type(error).__name__
        raise ConfigurationError(file=shown, key="(file)", expected="a readable file in UTF-8", found=reason) from None
    return read_document(text, shown)


def parse_mapping(document: dict[str, Any], file: str, resolve: Resolve) -> Spec:
    """Check a decoded document and build the mapping.

    Raises:
        ConfigurationError: an unknown key, a wrong type or a contradiction.
    """
    document = _extended(document, file, resolve)
    place = Place(file=file, key="", renamed=_renamed(document, file))
    place.known(document, _TOP)
    fields = place.at("fields").mapping(document.get("fields"))
    tree = node_of(fields, place.at("fields"))
    if not isinstance(tree, Branch):
        raise place.at("fields").wrong("canonical fields, each with its source", "one source")
    rule, node = _version(document, place)
    if node is not None:
        tree = Branch(fields={**tree.fields, "version": node})
    merge = place.at("merge").texts(document.get("merge", []))
    when = conditions(document.get("when", []), place.at("when"))
    return Spec(
        name=place.at("name").text(document.get("name", Path(file).stem)),
        kind=place.at("kind").choice(document.get("kind"), RowKind),
        title=place.at("title").text_table(document.get("title", {})),
        format=_format(document.get("format", {}), place.at("format"), _expected(tree, when)),
        fields=tree,
        timezone=_zone(document.get("timezone", ""), place.at("timezone")),
        ambiguous=place.at("ambiguous").choice(document.get("ambiguous", Ambiguous.EARLIER), Ambiguous),
        absent=frozenset(place.at("absent").texts(document["absent"])) if "absent" in document else DEFAULT_ABSENT,
        when=when,
        version=rule,
        merge=tuple(merge),
        complete_to=_complete(document, place),
        defaults=place.at("defaults").mapping(document.get("defaults", {})),
        grade=place.at("grade").choice(document.get("grade", _default_grade(document)), Grade),
        lateness_s=_seconds(document.get("lateness", "0 s"), place.at("lateness")),
        sample=place.at("sample").text(document.get("sample", "")) if document.get("sample") else "",
    )


def _extended(document: dict[str, Any], file: str, resolve: Resolve) -> dict[str, Any]:
    for _ in range(MAX_EXTENDS):
        base_name = document.get("extends")
        if base_name is None:
            return document
        if not isinstance(base_name, str):
            raise ConfigurationError(file=file, key="extends", expected="a preset", found=type(base_name).__name__)
        base = resolve(base_name)
        merged = {**base, **{key: value for key, value in document.items() if key != "extends"}}
        for key in _MERGED:
            if isinstance(base.get(key), dict) and isinstance(document.get(key), dict):
                merged[key] = {**base[key], **document[key]}
        document = merged
    raise ConfigurationError(file=file, key="extends", expected=f"at most {MAX_EXTENDS} in a row", found="more")


def _renamed(document: dict[str, Any], file: str) -> dict[str, str]:
    return Place(file=file, key="rename", renamed={}).text_table(document.get("rename", {}))


def _version(document: dict[str, Any], place: Place) -> tuple[VersionRule, Any]:
    raw = document.get("version", VersionRule.LATEST_INSTANT)
    at = place.at("version")
    if isinstance(raw, dict):
        return VersionRule.VALUE, node_of({"integer": True, **raw}, at)
    if isinstance(raw, int) and not isinstance(raw, bool):
        return VersionRule.VALUE, node_of({"constant": raw}, at)
    rule = at.choice(raw, VersionRule)
    if rule is VersionRule.VALUE:
        raise at.wrong("latest_instant, received, a number or a source", "value")
    return rule, None


def _complete(document: dict[str, Any], place: Place) -> CompleteRule:
    planned = document.get("kind") in (RowKind.DIRECTORY, RowKind.ROSTER)
    default = CompleteRule.FILE_TIME if planned else CompleteRule.LATEST_INSTANT
    return place.at("complete_to").choice(document.get("complete_to", default), CompleteRule)


def _default_grade(document: dict[str, Any]) -> Grade:
    """A file of accesses is written at leisure by the application it tells of, unless its mapping knows better."""
    return Grade.D if document.get("kind") == RowKind.ACCESSES else Grade.A


def _seconds(raw: Any, place: Place) -> int:
    found = _LATENESS.fullmatch(place.text(raw))
    if found is None:
        raise place.wrong("a time, for example 36 h, 90 min or 20 s", "another text")
    return int(found[1]) * {"h": 3_600, "min": 60, "s": 1}[found[2]]


def _zone(raw: Any, place: Place) -> str:
    zone = place.text(raw) if raw else ""
    if zone and zone != SITE:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise place.wrong("a time zone, for example Europe/Paris, or site", zone) from None
    return zone


def _expected(tree: Branch, when: Sequence[Condition]) -> tuple[str, ...]:
    return tuple(sorted(columns_of(tree, required=True) | {each.column for each in when}))


def _format(raw: Any, place: Place, expected: tuple[str, ...]) -> Format:
    raw = place.mapping(raw)
    place.known(raw, _FORMAT)
    delimiter = raw.get("delimiter", "")
    if delimiter and (not isinstance(delimiter, str) or delimiter not in DELIMITERS):
        raise place.at("delimiter").wrong("one of " + ", ".join(DELIMITERS), "another text")
    encoding = raw.get("encoding", "")
    if encoding and encoding not in ENCODINGS:
        raise place.at("encoding").wrong("one of " + ", ".join(ENCODINGS), "another text")
    skip = raw.get("skip_lines", 0)
    if not isinstance(skip, int) or not 0 <= skip <= 100:
        raise place.at("skip_lines").wrong("0 to 100", type(skip).__name__)
    return Format(
        type=place.at("type").choice(raw.get("type", FileType.AUTO), FileType),
        delimiter=DELIMITERS.get(delimiter, ""),
        encoding=encoding,
        sheet=place.at("sheet").text(raw["sheet"]) if raw.get("sheet") else "",
        skip_lines=skip,
        columns=tuple(place.at("columns").texts(raw.get("columns", []))),
        array=place.at("array").text(raw["array"]) if raw.get("array") else "",
        expected=expected,
    )


def columns_of(node: Any, *, required: bool) -> frozenset[str]:
    """Columns a tree reads from the record itself; `required`: without those that may be absent from the header."""
    found: set[str] = set()
    _gather(node, found, required=required)
    return frozenset(found)


def _gather(node: Any, found: set[str], *, required: bool) -> None:
    if isinstance(node, Branch):
        for below in node.fields.values():
            _gather(below, found, required=required)
        return
    if hasattr(node, "nodes"):
        for below in node.nodes:
            _gather(below, found, required=required)
        return
    if hasattr(node, "where"):
        return  # an array of JSON has no header
    if required and (node.optional or node.first_of):
        return
    if node.column:
        found.add(node.column)
    for below in (*node.join, *node.first_of, *node.digest, node.day, node.time, node.plus):
        if below is not None:
            _gather(below, found, required=required)
