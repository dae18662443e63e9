"""From a method and a URL to what it shows: table and key by declared patterns, first match wins.

Called by `connectors.weblog.translator` and by presets of SaaS logs that hold URLs. Pure. Must never give back a
URL, nor a piece of one but the values a pattern captures; what no pattern knows is reduced to a class
(`/customers/{number}`), made of words that the patterns themselves contain.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from quivive.model.access import Action, PatternClass

MAX_TARGET: Final = 8_192
"""Characters of a target; servers refuse longer request lines."""
MAX_SEGMENTS: Final = 64
"""Segments of a path; deeper ones are an attack on the reader, not a page."""
MAX_VALUES: Final = 4_096
"""Values one captured list may hold: the keys of one access part."""
MAX_PARAMETERS: Final = 512
"""Parameters of a query that are read."""
_UUID: Final = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
TYPES: Final[dict[str, str]] = {"": r"[^/]+", "int": r"-?[0-9]{1,30}", "uuid": _UUID, "word": r"[A-Za-z][A-Za-z_-]*"}
"""Types of a captured value, `{id:int}`."""
_CAPTURE: Final = re.compile(r"\{([a-z_][a-z0-9_]*)(\*)?(?::([a-z]+))?\}")
_NUMBER: Final = re.compile(r"-?[0-9]+")
_STATIC: Final = frozenset(
    {"css", "js", "map", "png", "jpg", "jpeg", "gif", "svg", "ico", "webp", "woff", "woff2", "ttf", "txt", "html"}
)
_WILD: Final = frozenset("*%?_ ")
Captured = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search field of a URL: its column, the parameter with the term, the form a plain term has."""

    column: str
    term: str
    form: PatternClass


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlPattern:
    """One page of an application.

    Fields:
        path: pattern of the whole normalised path.
        query: parameter → pattern of its value; all must hold.
        lists, integers: captured names that may hold several values; that are whole numbers (`007` is 7).
        methods: method → action; other methods do not match.
        records, identities: templates over captured values; table: what a listing shows.
        contact: template of the id of the call or ticket on the screen.
        ignored: why nothing is told ("static"); "" otherwise.
    """

    path: re.Pattern[str]
    methods: Mapping[str, Action]
    query: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    lists: frozenset[str] = frozenset()
    integers: frozenset[str] = frozenset()
    records: tuple[str, ...] = ()
    identities: tuple[tuple[str, str], ...] = ()  # kind, template
    tables: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    search: tuple[Search, ...] = ()
    contact: str = ""
    ignored: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a URL shows. `truncated` True when a list of keys was cut: then the records are not all."""

    action: Action
    tables: tuple[str, ...]
    records: tuple[str, ...]
    identities: tuple[tuple[str, str], ...]
    changed: tuple[str, ...]
    patterns: tuple[dict[str, Any], ...]
    contact: str
    ignored: str = ""
    truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlMap:
    """All patterns of one application. `base` is cut from the front; `words` may stand in a class in clear."""

    patterns: tuple[UrlPattern, ...]
    base: str = ""
    ignore_case: bool = False
    words: frozenset[str] = frozenset()

    def page(self, method: str, target: str) -> Page | None:
        """Find what a request shows; None when no pattern knows it."""
        parts = split_target(target)
        if parts is None:
            return None
        path, query = parts
        path = path.casefold() if self.ignore_case else path
        if self.base:
            if not (path == self.base or path.startswith(self.base + "/")):
                return None
            path = path[len(self.base) :] or "/"
        for pattern in self.patterns:
            found = _matched(pattern, method, path, query)
            if found is not None:
                return _page(pattern, method, found)
        return None

    def class_of(self, method: str, target: str) -> str:
        """Class of a URL that no pattern knows, without anything of a person in it."""
        parts = split_target(target)
        if parts is None:
            return f"{method} (unreadable)"
        path, query = parts
        shown = [self._segment(segment) for segment in path.split("/")[1:]]
        names = sorted(name for name in query if name in self.words)
        return (
            f"{method} /{'/'.join(shown[:8])}{'/…' if len(shown) > 8 else ''}{'?' + '&'.join(names) if names else ''}"
        )

    def _segment(self, segment: str) -> str:
        if not segment or segment in self.words:
            return segment
        _, dot, extension = segment.rpartition(".")
        if dot and extension.lower() in _STATIC:
            return f"{{file}}.{extension.lower()}"
        if _NUMBER.fullmatch(segment):
            return "{number}"
        return "{uuid}" if re.fullmatch(_UUID, segment) else "{text}"


def split_target(target: str) -> tuple[str, dict[str, list[str]]] | None:
    """Normalised path and decoded parameters: no scheme, no double slash, no dot segment; None when unreadable."""
    if len(target) > MAX_TARGET:
        return None
    if not target.startswith("/"):
        match = re.match(r"[a-z][a-z0-9+.-]*://[^/?#]*", target, re.IGNORECASE)
        if match is None:
            return None
        target = target[match.end() :] or "/"
    path, _, query = target.partition("#")[0].partition("?")
    segments: list[str] = []
    for raw in path.split("/"):
        segment = _decoded(raw.partition(";")[0])  # `;jsessionid=…` belongs to the session, not to the page
        if segment == "..":
            del segments[-1:]
        elif segment not in {"", "."}:
            segments.append(segment.replace("/", "%2F"))
    if len(segments) > MAX_SEGMENTS:
        return None
    return "/" + "/".join(segments), _parameters(query)


def _parameters(query: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in re.split(r"[&;]", query, maxsplit=MAX_PARAMETERS)[:MAX_PARAMETERS]:
        name, equals, value = pair.partition("=")
        if name:
            found.setdefault(_decoded(name.replace("+", " ")), []).append(
                _decoded(value.replace("+", " ")) if equals else ""
            )
    return found


def _decoded(text: str) -> str:
    """Percent-decode: UTF-8, or the Latin letters of an old application."""
    if "%" not in text:
        return text
    raw = unquote_to_bytes(text)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def segment_pattern(text: str) -> str:
    """Pattern of a path template: `{name}`, `{name:int}`, `*` one segment, `**` the rest.

    Raises:
        ValueError: a type that does not exist.
    """
    parts: list[str] = []
    for segment in text.strip("/").split("/") if text.strip("/") else ():
        if segment == "**":
            parts.append("(?:/.*)?")
        elif segment == "*":
            parts.append("/[^/]+")
        else:
            parts.append("/" + value_pattern(segment))
    return "".join(parts) or "/"


def value_pattern(text: str) -> str:
    """Pattern of one segment or parameter: literal text with captures.

    Raises:
        ValueError: a type that does not exist.
    """
    parts, at = [], 0
    for match in _CAPTURE.finditer(text):
        if (match[3] or "") not in TYPES:
            raise ValueError(match[3])
        one = TYPES[match[3] or ""]
        parts += [_literal(text[at : match.start()]), f"(?P<{match[1]}>{f'{one}(?:,{one})*' if match[2] else one})"]
        at = match.end()
    return "".join([*parts, _literal(text[at:])])


def _literal(text: str) -> str:
    return "[^/]*".join(re.escape(part) for part in text.split("*"))


def captures(texts: Iterable[str]) -> list[tuple[str, bool, str]]:
    """Names captured by templates, whether each may hold a list, and its type."""
    return [(match[1], bool(match[2]), match[3] or "") for text in texts for match in _CAPTURE.finditer(text)]


def _matched(
    pattern: UrlPattern, method: str, path: str, query: Mapping[str, list[str]]
) -> dict[str, list[str]] | None:
    if not pattern.ignored and method not in pattern.methods:
        return None
    match = pattern.path.fullmatch(path)
    if match is None:
        return None
    found = {name: [value] for name, value in match.groupdict().items() if value is not None}
    if not all(_parameter(found, query.get(name, ()), wanted) for name, wanted in pattern.query.items()):
        return None
    for name in pattern.lists & found.keys():
        found[name] = [part for value in found[name] for part in value.split(",") if part]
    if any(len(values) > 1 and name not in pattern.lists for name, values in found.items()):
        return None  # `?id=1&id=2` where one value was declared: which one is shown, nobody knows
    for name in pattern.integers & found.keys():
        found[name] = [str(int(value)) for value in found[name]]
    for search in pattern.search:
        found.setdefault(f"?{search.term}", query.get(search.term, []))
    return found


def _parameter(found: dict[str, list[str]], values: Sequence[str], wanted: re.Pattern[str]) -> bool:
    """Match one parameter, given once or several times, and take what it captures."""
    matches = [wanted.fullmatch(value) for value in values]
    if not matches or not all(matches) or (len(matches) > 1 and not wanted.groups):
        return False
    for match in matches:
        for key, value in (match.groupdict() if match else {}).items():
            found.setdefault(key, []).append(value)
    return True


def _page(pattern: UrlPattern, method: str, found: Mapping[str, list[str]]) -> Page:
    if pattern.ignored:
        return Page(
            action=Action.QUERY, tables=(), records=(), identities=(), changed=(), patterns=(), contact="",
            ignored=pattern.ignored,
        )  # fmt: skip
    records = [text for template in pattern.records for text in _filled(template, found)]
    identities = [(kind, text) for kind, template in pattern.identities for text in _filled(template, found)]
    return Page(
        action=pattern.methods[method],
        tables=pattern.tables,
        records=tuple(dict.fromkeys(records))[:MAX_VALUES],
        identities=tuple(dict.fromkeys(identities))[:MAX_VALUES],
        changed=pattern.changed,
        patterns=tuple(one for search in pattern.search if (one := _search(search, found)) is not None),
        contact=next(iter(_filled(pattern.contact, found)), "") if pattern.contact else "",
        truncated=len(records) > MAX_VALUES,
    )


def _filled(template: str, found: Mapping[str, list[str]]) -> list[str]:
    """Texts of a template; a list of values gives one each, in order, and lists of one length go together."""
    names = [match[1] for match in _CAPTURE.finditer(template)]
    lengths = {len(found.get(name, ())) for name in names}
    if 0 in lengths or len(lengths - {1}) > 1:
        return []
    texts = []
    for index in range(max(lengths, default=1)):
        values = {name: found[name][index if len(found[name]) > 1 else 0] for name in names}
        texts.append(_CAPTURE.sub(lambda match, values=values: values[match[1]], template))  # type: ignore[misc]
    return texts


def _search(search: Search, found: Mapping[str, list[str]]) -> dict[str, Any] | None:
    terms = [term for term in found.get(f"?{search.term}", ()) if term.strip()]
    if not terms:
        return None
    fixed = min(sum(letter not in _WILD for letter in term) for term in terms)
    form = search.form if fixed else PatternClass.ALL
    return {"column": search.column, "class": form.value, "fixed_chars": min(fixed, 256)}
