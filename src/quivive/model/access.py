"""What a source saw an account do, and to whom it is attributed (DESIGN §5, §6).

Built by capture and the access intake, projected and judged downstream. Must never hold a
value read from a row, a literal, a bind or a search string: keys are pseudonyms, shapes are hashes.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_KEYS_PER_PART: Final = 4_096
"""Record keys in one access part. A larger execution gives several parts (DESIGN §6)."""
MAX_SUBJECTS_FOR_ALTERNATES: Final = 20
"""Alternate keys are extracted only where an execution shows at most so many subjects (DESIGN §6)."""


class Action(StrEnum):
    """Numbered as OCSF 6005 activities (see `OCSF_ACTIVITY`)."""

    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    CREATE = "create"
    QUERY = "query"
    LIST = "list"
    EXPORT = "export"
    CONNECT = "connect"


OCSF_ACTIVITY: Final[dict[Action, int]] = {
    Action.READ: 1,
    Action.UPDATE: 2,
    Action.CONNECT: 3,
    Action.QUERY: 4,
    Action.EXPORT: 99,
    Action.CREATE: 6,
    Action.DELETE: 7,
    Action.LIST: 8,
}


class CoverageClass(StrEnum):
    """How well the records shown could be told (capture truth table). Never reported as "no records"."""

    EXACT = "exact"
    ALTERNATE = "alternate"
    PREDICATE = "predicate"
    COUNT_ONLY = "count_only"
    AGGREGATE = "aggregate"
    OPAQUE = "opaque"


class Grade(StrEnum):
    """Grade of a source: A wire, B server log, C client-batched, D file."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class AttributionSource(StrEnum):
    """What named the agent, best first. NONE is `unattributed`: visible, counted, never guessed."""

    SESSION_VARIABLE = "session_variable"
    QUERY_ATTRIBUTE = "query_attribute"
    COMMENT = "comment"
    APPLICATION_NAME = "application_name"
    ACCOUNT = "account"
    DECLARED = "declared"
    NOT_INFORMED = "not_informed"
    DRY = "dry"
    NONE = "none"


class Outcome(StrEnum):
    """How the execution ended. ATTEMPTED: a change whose transaction was rolled back."""

    OK = "ok"
    ERROR = "error"
    DENIED = "denied"
    ABORTED = "aborted"
    CANCELLED = "cancelled"
    ATTEMPTED = "attempted"


class CaptureMode(StrEnum):
    """OBSERVE: loss bounded and counted. STRICT: no row and no write passes before its trace is on disk."""

    OBSERVE = "observe"
    STRICT = "strict"


class PatternClass(StrEnum):
    """Form of a search predicate, never its text."""

    EQUALS = "equals"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    CONTAINS = "contains"
    RANGE = "range"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One predicate of a statement: `column` as `table.column`, fixed characters in its literal."""

    column: str
    pattern_class: PatternClass
    fixed_chars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordGroup:
    """Records of one table shown or changed by one access part. `keys` are RecordKeys, distinct, in order seen."""

    table: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessBody:
    """Body of an `access` entry: one part of one attributed execution.

    Fields:
        access: identifier of the execution, the same in all its parts; unique within the source.
        part: 0, 1, …; `final` marks the last, the only one whose outcome, rows and bytes are complete.
        at, ended_at: start and end of the execution, integer microseconds UTC; `ended_at` 0 while running.
        agent: AgentKey or "" (dropped, withheld or unattributed: see `attribution`).
        account: pseudonym of a declared service account or of an informed agent's own login, else "".
        contact: ContactKey stated by the application (`quivive.contact`), or "".
        session: opaque id of the connection, "" in dry.
        shape: 16 hex digits, fingerprint of the statement with literals removed.
        tables: `schema.table` names touched; columns: `schema.table.column` shown; changed: columns written.
        records: keys by table, at most MAX_KEYS_PER_PART in a part.
        rows, rows_bytes: rows and bytes that passed towards the account so far.
        distinct: distinct records over the parts so far.
        neighbourhoods: HMAC(table ‖ key >> 6), 16 hex digits each, for integer keys (enumeration rule).
        zone: name of the declared network (`[zones.NAME]`) the access came from, "other" when none holds the
            address, "" when the source does not know; the address itself is never kept.
        workstation: keyed pseudonym of the workstation (32 hex digits) or "".
        program: name of a declared application, "other" when it names itself otherwise, "" when not known.
    """

    access: str
    part: int
    final: bool
    at: int
    ended_at: int
    agent: str
    account: str
    contact: str
    session: str
    attribution: AttributionSource
    action: Action
    mode: CaptureMode
    grade: Grade
    shape: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    changed: tuple[str, ...]
    coverage: CoverageClass
    records: tuple[RecordGroup, ...]
    rows: int
    rows_bytes: int
    distinct: int
    patterns: tuple[Pattern, ...]
    neighbourhoods: tuple[str, ...]
    outcome: Outcome
    zone: str = ""
    workstation: str = ""
    program: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessCountBody:
    """Body of `access.count`: statements per shape and minute that touch no protected table, or all of them in dry.

    `minute_at` is the start of the minute; `tables` holds table names only; coverage and attributed
    share let the state of play (état des lieux) be computed without any identity.
    """

    minute_at: int
    shape: str
    action: Action
    tables: tuple[str, ...]
    coverage: CoverageClass
    statements: int
    statements_attributed: int
    rows: int
    wildcards: int
    dry: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkBody:
    """Body of `link`: two keys of the same controller seen on one row, call or ticket.

    `left` is a RecordKey of a linked table or an AlternateKey; `right` is the RecordKey of the person
    (or of the next table on the path to a person). Hashes only.
    """

    left: str
    left_kind: str
    right: str
    right_table: str


MAX_LINKS_PER_BATCH: Final = 2_048
"""Pairs in one `link.batch` entry: 128 KiB of hexadecimal digits, a record of the spool holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkBatchBody:
    """Body of `link.batch`: many links of one kind, as `quivive links sync` reads them.

    `pairs` is left then right, 32 hexadecimal digits each, pair after pair, at most MAX_LINKS_PER_BATCH pairs.
    """

    left_kind: str
    right_table: str
    pairs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GapBody:
    """Body of `gap`: an interval in which a source may have missed something. Losing sight is an event.

    `cause` is a GapCause code; `lost` counts what is known to be lost, -1 when unknown. `of` names the
    source whose sight was lost when another one writes the gap for it, "" when it writes its own.
    """

    from_at: int
    to_at: int
    cause: str
    lost: int
    of: str = ""


class GapCause(StrEnum):
    """Why sight was lost."""

    SOURCE_KILLED = "source_killed"
    SPOOL_FULL = "spool_full"
    CODEC = "codec"
    CONNECTOR_DEAD = "connector_dead"
    SPOOL_DAMAGED = "spool_damaged"
    PURGED_DAY = "purged_day"
