"""The labelled feed: a folder that says what a centre's systems told, and the truth behind it (docs/labelled-feed.md).

Written by `quivive simulate`, read by `quivive bench detection`; any other program may do either. Must never guess:
a file, a line or a field that is not as documented is named with what was expected and what was found.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from quivive.model.access import Grade
from quivive.model.catalogue import TableKind
from quivive.model.clock import Micros, from_rfc3339, to_rfc3339
from quivive.model.errors import QuiviveError

FORMAT: Final = "quivive-labelled-feed"
VERSION: Final = 1
MAX_LINE_BYTES: Final = 1 << 20
"""Bytes of one line: what the API takes for one row."""
ROW_FILES: Final = ("directory", "roster", "links", "contacts", "accesses", "heartbeats")
"""Files of rows that a system told, in the order in which rows of one instant are taken."""
OPTIONAL_FILES: Final = frozenset({"links", "roster"})

T = TypeVar("T")


class FeedError(QuiviveError):
    """One place of a feed is not as documented."""

    def __init__(self, *, file: str, line: int, field: str, expected: str, found: str) -> None:
        self.file, self.line, self.field, self.expected, self.found = file, line, field, expected, found
        super().__init__(f"{file}:{line}: {field}: expected {expected}, found {found}")


class FeedRow(NamedTuple):
    """One row of the API as a source told it: `value` without `source` and `received_at`."""

    received_at: int
    source: str
    value: dict[str, Any]


class FeedTable(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One table of a catalogue, as in `controllers/<id>.toml`. `alternates`: column → kind of identity."""

    name: str
    kind: TableKind
    key: list[str]
    alternates: dict[str, str] = {}
    path: dict[str, str] = {}


class FeedController(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One controller. `canaries`: records that no work needs. `queues`: share of calls with a known customer."""

    id: str
    tables: list[FeedTable]
    region: str = "FR"
    not_protected: list[str] = []
    canaries: list[str] = []


class FeedSource(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One source. `lateness_s`: what it tells arrives at most so long after the event, outages apart."""

    name: str
    kind: str
    namespace: str
    controllers: list[str]
    grade: Grade = Grade.B
    lateness_s: int = 0


class FeedMeta(
    msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, rename={"from_at": "from", "to_at": "to"}
):
    """The head of a feed: `meta.json`. `parameters` is whatever its author wants to remember."""

    format: str
    version: int
    timezone: str
    from_at: str
    to_at: str
    controllers: list[FeedController]
    sources: list[FeedSource]
    groups: dict[str, list[str]] = {}
    parameters: dict[str, Any] = {}


class Label(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Why one access happened: `why` (a template, or `stray`) with the `contacts` that caused it, or a `campaign`."""

    source: str
    access: str
    why: str = ""
    contacts: list[str] = []
    campaign: str = ""


class Campaign(
    msgspec.Struct,
    forbid_unknown_fields=True,
    omit_defaults=True,
    frozen=True,
    rename={"from_at": "from", "to_at": "to"},
):
    """One misuse: a scenario of the catalogue by one agent. `per_day` 0: once. `agent` is the directory's id."""

    id: str
    scenario: int
    agent: str
    controller: str
    mode: str
    per_day: int
    from_at: str
    to_at: str


@dataclass(slots=True, kw_only=True)
class LabelledFeed:
    """A feed in memory. `rows` by file of ROW_FILES."""

    meta: FeedMeta
    rows: dict[str, list[FeedRow]] = field(default_factory=dict)
    labels: list[Label] = field(default_factory=list)
    campaigns: list[Campaign] = field(default_factory=list)


def write_feed(feed: LabelledFeed, folder: Path) -> None:
    """Write a feed. The same feed gives the same bytes.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    meta = msgspec.json.format(msgspec.json.encode(feed.meta), indent=1)
    (folder / "meta.json").write_bytes(meta + b"\n")
    for name in ROW_FILES:
        rows = sorted(feed.rows.get(name, ()), key=lambda row: row.received_at)
        stamped = ({"source": r.source, "received_at": to_rfc3339(Micros(r.received_at)), **r.value} for r in rows)
        _write_lines(folder / f"{name}.ndjson", stamped)
    _write_lines(folder / "labels.ndjson", feed.labels)
    _write_lines(folder / "campaigns.ndjson", feed.campaigns)


def read_feed(folder: Path) -> LabelledFeed:
    """Read a feed strictly.

    Raises:
        FeedError: the first place that is not as documented.
    """
    meta = _read_meta(folder)
    feed = LabelledFeed(meta=meta)
    sources = {source.name: source for source in meta.sources}
    for name in ROW_FILES:
        feed.rows[name] = _read_rows(folder, name, sources)
    feed.labels = list(_read_lines(folder, "labels.ndjson", Label))
    feed.campaigns = list(_read_lines(folder, "campaigns.ndjson", Campaign))
    _check_truth(feed)
    return feed


def instant(text: str) -> int:
    """Microseconds of an instant of `meta.json` or `campaigns.ndjson`, checked when it was read."""
    return from_rfc3339(text)


def _write_lines(path: Path, values: Iterable[object]) -> None:
    encoder = msgspec.json.Encoder()
    with path.open("wb") as file:
        for value in values:
            file.write(encoder.encode(value) + b"\n")


def _read_meta(folder: Path) -> FeedMeta:
    data = _bytes(folder, "meta.json", required=True)
    head = _decoded("meta.json", 1, data, dict[str, Any])
    if head.get("format") != FORMAT:
        raise FeedError(file="meta.json", line=1, field="format", expected=FORMAT, found="another text")
    if head.get("version") != VERSION:
        found = f"version {head.get('version')}" if isinstance(head.get("version"), int) else "another type"
        raise FeedError(file="meta.json", line=1, field="version", expected=f"{VERSION}", found=found)
    meta = _decoded("meta.json", 1, data, FeedMeta)
    for name in ("from_at", "to_at"):
        _instant("meta.json", 1, name.removesuffix("_at"), getattr(meta, name))
    known = {controller.id for controller in meta.controllers}
    for source in meta.sources:
        if source.kind not in {"directory", "roster", "contacts", "accesses", "links"}:
            expected = "directory, roster, links, contacts or accesses"
            raise FeedError(file="meta.json", line=1, field="sources.kind", expected=expected, found="another text")
        if not set(source.controllers) <= known:
            expected = "ids of `controllers`"
            raise FeedError(file="meta.json", line=1, field="sources.controllers", expected=expected, found="another")
    return meta


def _read_rows(folder: Path, name: str, sources: Mapping[str, FeedSource]) -> list[FeedRow]:
    file = f"{name}.ndjson"
    rows = []
    for line, value in _lines(folder, file, dict[str, Any], required=name not in OPTIONAL_FILES):
        source = value.pop("source", None)
        if source not in sources:
            raise FeedError(file=file, line=line, field="source", expected="a source of meta.json", found=_kind(source))
        if name not in {"heartbeats", sources[source].kind}:
            expected = f"a source of kind {name}"
            raise FeedError(file=file, line=line, field="source", expected=expected, found=sources[source].kind)
        received_at = _instant(file, line, "received_at", value.pop("received_at", None))
        rows.append(FeedRow(received_at, source, value))
    return rows


def _read_lines(folder: Path, file: str, kind: type[T]) -> Iterable[T]:
    return (value for _, value in _lines(folder, file, kind, required=True))


def _lines(folder: Path, file: str, kind: type[T], *, required: bool) -> Iterable[tuple[int, T]]:
    for line, data in enumerate(_bytes(folder, file, required=required).split(b"\n"), start=1):
        if len(data) > MAX_LINE_BYTES:
            expected = f"at most {MAX_LINE_BYTES} bytes"
            raise FeedError(file=file, line=line, field="$", expected=expected, found=f"{len(data)} bytes")
        if data.strip():
            yield line, _decoded(file, line, data, kind)


def _bytes(folder: Path, file: str, *, required: bool) -> bytes:
    path = folder / file
    if not required and not path.exists():
        return b""
    try:
        return path.read_bytes()
    except OSError as error:
        raise FeedError(file=file, line=0, field="$", expected="a readable file", found=type(error).__name__) from error


def _decoded(file: str, line: int, data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        # msgspec says "Expected `str`, got `int` - at `$.why`", or "Object contains unknown field `x`".
        what, _, path = str(error).partition(" - at ")
        expected, _, found = what.partition(", got ")
        raise FeedError(
            file=file,
            line=line,
            field=path.strip("`") or "$",
            expected=expected.removeprefix("Expected ").replace("Object contains unknown field", "no field"),
            found=found or "what is not documented",
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FeedError(file=file, line=line, field="$", expected="one JSON object", found="damaged JSON") from error


def _instant(file: str, line: int, name: str, value: object) -> int:
    expected = "an RFC 3339 instant with an offset"
    if not isinstance(value, str):
        raise FeedError(file=file, line=line, field=name, expected=expected, found=_kind(value))
    try:
        return from_rfc3339(value)
    except ValueError as error:
        raise FeedError(file=file, line=line, field=name, expected=expected, found="another text") from error


def _check_truth(feed: LabelledFeed) -> None:
    campaigns = {campaign.id for campaign in feed.campaigns}
    people = {row.value.get("id") for row in feed.rows["directory"]}
    for line, campaign in enumerate(feed.campaigns, start=1):
        for name in ("from_at", "to_at"):
            _instant("campaigns.ndjson", line, name.removesuffix("_at"), getattr(campaign, name))
        if campaign.agent not in people:
            expected = "an id of directory.ndjson"
            raise FeedError(file="campaigns.ndjson", line=line, field="agent", expected=expected, found="another text")
    accesses = {(row.source, str(row.value.get("id"))) for row in feed.rows["accesses"]}
    for line, label in enumerate(feed.labels, start=1):
        if bool(label.why) == bool(label.campaign):
            expected = "either why or campaign"
            raise FeedError(file="labels.ndjson", line=line, field="why", expected=expected, found="both or none")
        if label.campaign and label.campaign not in campaigns:
            expected = "an id of campaigns.ndjson"
            raise FeedError(file="labels.ndjson", line=line, field="campaign", expected=expected, found="another text")
        if (label.source, label.access) not in accesses:
            expected = "an id of accesses.ndjson of this source"
            raise FeedError(file="labels.ndjson", line=line, field="access", expected=expected, found="another text")


def _kind(value: object) -> str:
    names = {type(None): "nothing", bool: "boolean", int: "integer", float: "number", str: "another text"}
    return names.get(type(value), "another type")
