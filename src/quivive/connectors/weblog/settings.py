"""Reads the YAML of a web log: its format, who is named, and the patterns of the application's URLs.

Called by the registry of the connectors, for a mapping whose `translator` is `weblog` (docs/access-logs.md). Must
never guess: a misspelt key, a template over a name that no pattern captures are errors before the first line.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from quivive.connectors.mapping.leaf import Place
from quivive.connectors.weblog.url_patterns import (
    Search,
    UrlMap,
    UrlPattern,
    captures,
    segment_pattern,
    value_pattern,
)
from quivive.model.access import Action, PatternClass
from quivive.rows import is_identifier

MAX_PATTERNS: Final = 1_000
"""URL patterns of one application: the largest route tables have some hundred pages that show a person."""
MAX_CAPTURES: Final = 3
"""Captures in one segment: each further one makes the match of a hostile URL slower."""
DEFAULT_METHODS: Final[dict[str, Action]] = {
    "GET": Action.READ,
    "POST": Action.UPDATE,
    "PUT": Action.UPDATE,
    "PATCH": Action.UPDATE,
    "DELETE": Action.DELETE,
}
_TOP: Final = frozenset({"translator", "title", "grade", "lateness", "log", "urls"})
_LOG: Final = frozenset({"format", "timezone", "agent", "address", "fields", "captured", "optional_request"})
_URLS: Final = frozenset({"base", "ignore_case", "ignore", "patterns"})
_PATTERN: Final = frozenset(
    {
        "path",
        "query",
        "methods",
        "action",
        "records",
        "identities",
        "tables",
        "table",
        "changed",
        "search",
        "contact",
        "ignore",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeblogSettings:
    """One web log. `agent`, `address`: names of fields of the format; `timezone` "" means the operator's.

    `optional_request`: lines without a URL are no error (GraphQL of a hosted application): they show no record.
    """

    format: str
    urls: UrlMap
    timezone: str = ""
    agent: str = "remote_user"
    address: str = "remote_addr"
    fields: Mapping[str, str] = field(default_factory=dict)
    captured: tuple[str, ...] = ()
    optional_request: bool = False


def weblog_settings(document: dict[str, Any], file: str) -> WeblogSettings:
    """Check the document.

    Raises:
        ConfigurationError: an unknown key, a wrong type, a template over nothing.
    """
    place = Place(file=file, key="", renamed={})
    place.known(document, _TOP)
    at = place.at("log")
    raw = at.mapping(document.get("log"))
    at.known(raw, _LOG)
    return WeblogSettings(
        format=at.at("format").text(raw.get("format")),
        timezone=at.at("timezone").text(raw["timezone"]) if "timezone" in raw else "",
        agent=at.at("agent").text(raw.get("agent", "remote_user")),
        address=at.at("address").text(raw.get("address", "remote_addr")),
        fields=at.at("fields").text_table(raw.get("fields", {})),
        captured=tuple(at.at("captured").texts(raw.get("captured", []))),
        optional_request=at.at("optional_request").boolean(raw.get("optional_request", False)),
        urls=url_map(document.get("urls"), place.at("urls")),
    )


def url_map(raw: Any, place: Place) -> UrlMap:
    """Check the patterns of an application.

    Raises:
        ConfigurationError: as `weblog_settings`.
    """
    raw = place.mapping(raw)
    place.known(raw, _URLS)
    items = raw.get("patterns")
    if not isinstance(items, list) or not 0 < len(items) <= MAX_PATTERNS:
        raise place.at("patterns").wrong(f"a list of 1 to {MAX_PATTERNS} patterns", type(items).__name__)
    ignore_case = place.at("ignore_case").boolean(raw.get("ignore_case", False))
    ignored = [{"path": path, "ignore": "ignored"} for path in place.at("ignore").texts(raw.get("ignore", []))]
    patterns = [_pattern(item, place.at(f"patterns.{number}"), ignore_case) for number, item in enumerate(items)]
    patterns = [_pattern(item, place.at("ignore"), ignore_case) for item in ignored] + patterns
    base = "/" + str(raw.get("base", "")).strip("/")
    return UrlMap(
        patterns=tuple(patterns),
        base="" if base == "/" else base.casefold() if ignore_case else base,
        ignore_case=ignore_case,
        words=frozenset(_words([*ignored, *items, {"path": base}])),
    )


def _words(items: list[dict[str, Any]]) -> set[str]:
    """Literal segments and parameter names of the patterns: words of the application, of nobody's data."""
    found: set[str] = set()
    for item in items:
        segments = str(item.get("path", "")).split("/")
        found.update(segment for segment in segments if segment and not re.search(r"[{*]", segment))
        found.update(str(name) for name in (item.get("query") or {}))
    return found


def _pattern(raw: Any, place: Place, ignore_case: bool) -> UrlPattern:
    raw = place.mapping(raw)
    place.known(raw, _PATTERN)
    path = place.at("path").text(raw.get("path", "/**"))
    query = place.at("query").text_table(
        {k: str(v) for k, v in place.at("query").mapping(raw.get("query", {})).items()}
    )
    taken = captures([path, *query.values()])
    names = {name for name, _, _ in taken}
    if len(names) != len(taken):
        raise place.wrong("each name captured once", "one twice")
    if any(len(captures([part])) > MAX_CAPTURES for part in (*path.split("/"), *query.values())):
        raise place.wrong(f"at most {MAX_CAPTURES} captures in a segment", "more")
    try:
        compiled = re.compile(segment_pattern(path.casefold() if ignore_case else path))
        parameters = {name: re.compile(value_pattern(text)) for name, text in query.items()}
    except (ValueError, re.error) as error:
        raise place.at("path").wrong("captures {name}, {name:int}, {name:uuid}, {name*}", str(error)[:40]) from None
    templates = _Templates(place, names)
    found = UrlPattern(
        path=compiled,
        query=parameters,
        lists=frozenset(name for name, several, _ in taken if several),
        integers=frozenset(name for name, _, kind in taken if kind == "int"),
        methods=_methods(raw, place),
        records=templates.of("records", raw.get("records", [])),
        identities=tuple(templates.pairs("identities", raw.get("identities", {}))),
        tables=_tables(raw, place),
        changed=tuple(place.at("changed").texts(raw.get("changed", []))),
        search=tuple(_search(item, place.at("search")) for item in raw.get("search", [])),
        contact=next(iter(templates.of("contact", [raw["contact"]])), "") if "contact" in raw else "",
        ignored=place.at("ignore").text(raw["ignore"]) if "ignore" in raw else "",
    )
    if not found.ignored and not (found.records or found.tables):
        raise place.wrong("records, a table or ignore", "none")
    return found


@dataclass(frozen=True, slots=True)
class _Templates:
    place: Place
    names: set[str]

    def of(self, key: str, raw: Any) -> tuple[str, ...]:
        place = self.place.at(key)
        texts = place.texts(raw)
        for text in texts:
            unknown = {name for name, _, _ in captures([text])} - self.names
            if unknown:
                raise place.wrong("names that the path or the query captures", "{" + min(unknown) + "}")
            if key == "records" and not (is_identifier(text.partition(":")[0]) and ":" in text):
                raise place.wrong("table:key, for example public.customer:{id}", "another text")
        return tuple(texts)

    def pairs(self, key: str, raw: Any) -> list[tuple[str, str]]:
        table = self.place.at(key).text_table(raw)
        return [(kind, self.of(key, [text])[0]) for kind, text in table.items()]


def _tables(raw: Mapping[str, Any], place: Place) -> tuple[str, ...]:
    names = list(place.at("tables").texts(raw.get("tables", [])))
    names += [place.at("table").text(raw["table"])] if "table" in raw else []
    names += [str(text).partition(":")[0] for text in raw.get("records", [])]
    for name in names:
        if not is_identifier(name):
            raise place.at("tables").wrong("tables as the catalogue names them", "another text")
    return tuple(dict.fromkeys(names))


def _methods(raw: Mapping[str, Any], place: Place) -> dict[str, Action]:
    if "methods" in raw:
        at = place.at("methods")
        return {
            method.upper(): at.at(method).choice(word, Action) for method, word in at.mapping(raw["methods"]).items()
        }
    if "action" in raw:
        action = place.at("action").choice(raw["action"], Action)
        return {"GET": action, "POST": action}
    reads = Action.READ if raw.get("records") else Action.LIST
    return {**DEFAULT_METHODS, "GET": reads}


def _search(raw: Any, place: Place) -> Search:
    raw = place.mapping(raw)
    place.known(raw, frozenset({"column", "term", "as"}))
    return Search(
        column=place.at("column").text(raw.get("column")),
        term=place.at("term").text(raw.get("term")),
        form=place.at("as").choice(raw.get("as", PatternClass.CONTAINS), PatternClass),
    )
