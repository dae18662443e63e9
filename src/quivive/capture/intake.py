"""Rows of an application's own access log become access bodies: same keys, entries and gates as the relay's.

Called by `quivive.intake` for `POST /v1/accesses` and for access files (DESIGN §6 "Access intake";
docs/access-api.md). Pure: time and policy are arguments. Must never let a value of a row through but the
closed sets, the names of the catalogue and the instants; everything else leaves as a keyed pseudonym.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from quivive.capture.place import NO_PROGRAMS, NO_ZONES, Programs, Zones, read_place
from quivive.capture.told import Told, column_name, read_told, table_name
from quivive.model.access import (
    MAX_KEYS_PER_PART,
    AccessBody,
    AccessCountBody,
    Action,
    AttributionSource,
    CaptureMode,
    CoverageClass,
    Grade,
    LinkBody,
    Outcome,
    PatternClass,
    RecordGroup,
)
from quivive.model.clock import MINUTE_US
from quivive.model.errors import RefusedError
from quivive.model.gate import CapturePolicy
from quivive.privacy.pseudonym import access_key, agent_key, contact_key
from quivive.privacy.subject import KeyedRecord, SubjectKeyer, is_not_protected, links_to_person
from quivive.rows import FieldError, Row, text_item

MAX_AHEAD_US: Final = 10 * MINUTE_US
"""How far a sender's clock may run ahead of ours, microseconds; beyond it the row is refused."""
MAX_LINKED_RECORDS: Final = 20
"""Records of a row above which no link is made: it is a listing, not one customer's page (DESIGN §6)."""
MAX_NEIGHBOURHOODS: Final = 1_024
"""Neighbourhoods kept of one row: 65,536 consecutive keys; more says nothing new about enumeration."""


_WILDCARDS: Final = frozenset({PatternClass.PREFIX, PatternClass.SUFFIX, PatternClass.CONTAINS, PatternClass.ALL})


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessContext:
    """What is settled before the row: the source, its declared grade and login space, the controller's keys."""

    source: str
    namespace: str
    grade: Grade
    keyer: SubjectKeyer
    zones: Zones = NO_ZONES
    programs: Programs = NO_PROGRAMS


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedAccess:
    """One row. `native` is its keyed id, for idempotence. Without `parts` it is only counted (dry, or unprotected)."""

    native: str
    at: int
    parts: tuple[AccessBody, ...]
    links: tuple[LinkBody, ...]
    count: AccessCountBody


@dataclass(frozen=True, slots=True, kw_only=True)
class _Who:
    agent: str
    account: str
    contact: str
    source: AttributionSource


@dataclass(frozen=True, slots=True, kw_only=True)
class _What:
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    changed: tuple[str, ...]
    records: tuple[KeyedRecord, ...]
    by_key: bool  # the records are named by their primary key, not by an alternate one
    told: Told
    free: bool  # every table named is declared `not_protected`


def map_access(row: Row, context: AccessContext, policy: CapturePolicy, now: int) -> MappedAccess:
    """Map one row of docs/access-api.md; the caller has read `controller`.

    Raises:
        FieldError: the first field that is wrong.
    """
    keys = context.keyer.keys
    native = access_key(keys, context.source, row.native_id())
    at = row.instant("at", latest=now + MAX_AHEAD_US)
    action = row.choice("action", Action)
    outcome = row.choice("outcome", Outcome, default=Outcome.OK)
    who = _who(row, context, policy, at)
    withheld = who.source is AttributionSource.NOT_INFORMED
    place = read_place(row, context.zones, context.programs, keys, withheld=withheld)
    what = _what(row, context.keyer)
    rows = row.integer("rows", default=len(what.records))
    row.done()
    coverage = what.told.coverage_of(records=what.by_key)
    shape = _shape(action, what)
    count = AccessCountBody(
        minute_at=at - at % MINUTE_US,
        shape=shape,
        action=action,
        tables=what.tables,
        coverage=coverage,
        statements=1,
        statements_attributed=int(row.has("agent")),
        rows=rows,
        wildcards=int(any(pattern.pattern_class in _WILDCARDS for pattern in what.told.patterns)),
        dry=not policy.active,
    )
    if what.free or not policy.active:
        return MappedAccess(native=native, at=at, parts=(), links=(), count=count)
    whole = AccessBody(
        access=native,
        part=0,
        final=True,
        at=at,
        ended_at=at,
        agent=who.agent,
        account=who.account,
        contact=who.contact,
        session="",
        attribution=who.source,
        action=action,
        mode=CaptureMode.OBSERVE,
        grade=context.grade,
        shape=shape,
        tables=what.tables,
        columns=what.columns,
        changed=what.changed,
        coverage=coverage,
        records=(),
        rows=rows,
        rows_bytes=0,
        distinct=0,
        patterns=what.told.patterns,
        neighbourhoods=(),
        outcome=outcome,
        zone=place.zone,
        workstation=place.workstation,
        program=place.program,
    )
    few = len(what.records) <= MAX_LINKED_RECORDS
    links = links_to_person(what.records, ()) if few and coverage is CoverageClass.EXACT else ()
    return MappedAccess(native=native, at=at, parts=_parts(whole, what.records), links=links, count=count)


def merge_counts(counts: Iterable[AccessCountBody]) -> tuple[AccessCountBody, ...]:
    """Add up counts of the same minute, shape, tables and coverage: all that remains of rows in `dry`."""
    totals: dict[AccessCountBody, Counter[str]] = {}
    for count in counts:
        total = totals.setdefault(replace(count, statements=0, statements_attributed=0, rows=0), Counter())
        total["statements"] += count.statements
        total["attributed"] += count.statements_attributed
        total["rows"] += count.rows
    return tuple(
        replace(key, statements=t["statements"], statements_attributed=t["attributed"], rows=t["rows"])
        for key, t in totals.items()
    )


def _who(row: Row, context: AccessContext, policy: CapturePolicy, at: int) -> _Who:
    """Attribute: a service account is no person; a person is kept only if the policy says so (DESIGN §11)."""
    login = row.text("agent", default="")
    namespace = row.text("namespace", default=context.namespace)
    stated = row.native_id("contact") if row.has("contact") else ""
    keys = context.keyer.keys
    contact = contact_key(keys, stated) if stated else ""
    if not login:
        return _Who(agent="", account="", contact=contact, source=AttributionSource.NONE)
    key = agent_key(keys, namespace, login)
    if login.casefold() in {account.casefold() for account in policy.service_accounts}:
        return _Who(agent="", account=key, contact=contact, source=AttributionSource.ACCOUNT)
    if policy.agent_may_be_kept(key, at):
        return _Who(agent=key, account="", contact=contact, source=AttributionSource.DECLARED)
    # The contact names its agent as well: withheld with him.
    return _Who(agent="", account="", contact="", source=AttributionSource.NOT_INFORMED)


def _what(row: Row, keyer: SubjectKeyer) -> _What:
    catalogue = keyer.catalogue
    named, free = list[str](), list[str]()

    def record(value: Any, path: str) -> KeyedRecord | None:
        text = text_item(value, path)
        if is_not_protected(catalogue, text.partition(":")[0]):
            free.append(text.partition(":")[0])
            return None
        return _refusing(path, lambda: keyer.record(text))

    records = [found for found in row.items("records", record) if found]
    if row.has("table"):
        table = row.identifier("table")
        if is_not_protected(catalogue, table):
            free.append(table)
            row.items("keys", _key_parts)
        else:
            named.append(table_name(catalogue, table, row.where("table")))
            records += row.items("keys", lambda v, p: _refusing(p, lambda: keyer.record_of(named[0], _key_parts(v, p))))
    elif row.has("keys"):
        raise FieldError(row.where("table"), "the table whose keys these are", "nothing")
    columns, changed = (
        tuple(name for name in row.items(field, lambda v, p: column_name(catalogue, v, p)) if name)
        for field in ("columns", "changed")
    )
    told = read_told(row, keyer)
    by_key = bool(records)
    # A page found by a telephone number is its record; beside record keys the number tells nothing more.
    records = records or list(told.alternates)
    named += [record.table for record in records] + [name.rpartition(".")[0] for name in (*columns, *changed)]
    named += [*told.tables, *(alternate.table for alternate in told.alternates)]
    if not named and not free and not told.free:
        raise FieldError(row.where("records"), "records, table or columns: what was shown", "nothing")
    return _What(
        tables=tuple(sorted(set(named))),
        columns=tuple(sorted(set(columns))),
        changed=tuple(sorted(set(changed))),
        records=tuple({record.key: record for record in records}.values()),
        by_key=by_key,
        told=told,
        free=not named,
    )


def _refusing(path: str, key: Callable[[], KeyedRecord]) -> KeyedRecord:
    try:
        return key()
    except RefusedError as refusal:
        raise FieldError(path, _RECORD_EXPECTED.get(refusal.code, "table:key"), "string") from None


_RECORD_EXPECTED: Final[Mapping[str, str]] = {
    "record_notation": "a record as table:key, for example customer:2",
    "record_table_unknown": "a table of the controller's catalogue before the colon",
    "record_table_ambiguous": "schema.table before the colon: several schemas hold this table",
    "record_key_parts": "as many key parts, joined by commas, as the table's primary key has columns",
}


def _key_parts(value: Any, path: str) -> tuple[str, ...]:
    """Read one item of `keys`: a text, an integer, or an array for a composite key."""
    if isinstance(value, list):
        return tuple(text_item(part, f"{path}[{index}]") for index, part in enumerate(value))
    return (text_item(value, path),)


def _parts(whole: AccessBody, records: tuple[KeyedRecord, ...]) -> tuple[AccessBody, ...]:
    """Cut a long listing into parts of at most MAX_KEYS_PER_PART keys; the last alone is final."""
    chunks = [records[i : i + MAX_KEYS_PER_PART] for i in range(0, len(records), MAX_KEYS_PER_PART)] or [()]
    parts, seen = [], 0
    for number, chunk in enumerate(chunks):
        seen += len(chunk)
        by_table: dict[str, list[str]] = {}
        for record in chunk:
            by_table.setdefault(record.table, []).append(record.key)
        near = tuple(dict.fromkeys(record.neighbourhood for record in chunk if record.neighbourhood))
        parts.append(
            replace(
                whole,
                part=number,
                final=number == len(chunks) - 1,
                records=tuple(RecordGroup(table=table, keys=tuple(keys)) for table, keys in by_table.items()),
                distinct=seen,
                neighbourhoods=near[:MAX_NEIGHBOURHOODS],
            )
        )
    return tuple(parts)


def _shape(action: Action, what: _What) -> str:
    """Fingerprint of what the application showed, so that like accesses group as a relay's statements do."""
    text = "\n".join((action, *what.tables, "", *what.columns, "", *what.changed))
    return sha256(b"intake\n" + text.encode()).hexdigest()[:16]
