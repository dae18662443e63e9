"""Plan of a statement shape: what it does, to which tables, restricted by which operands (DESIGN §6).

Called once per shape by the relay, which caches plans by fingerprint. Pure; must never raise: what is not
understood is an opaque plan, visible and counted. sqlglot sees DML only; the rest is read by hand.
"""

from dataclasses import dataclass
from enum import StrEnum

from quivive.model.access import Action


class PlanKind(StrEnum):
    DML = "dml"  # SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES, TABLE, CTAS, SELECT INTO
    SET = "set"  # SET, SET LOCAL, RESET
    DISCARD = "discard"
    TRANSACTION = "transaction"
    PREPARE = "prepare"
    EXECUTE = "execute"
    DEALLOCATE = "deallocate"
    DECLARE = "declare"
    FETCH = "fetch"  # FETCH, MOVE
    CLOSE = "close"
    COPY = "copy"
    EXPLAIN = "explain"
    DDL = "ddl"
    UTILITY = "utility"  # SHOW, LISTEN, VACUUM, LOCK …: shows no record
    EMPTY = "empty"
    OPAQUE = "opaque"  # DO, CALL, unreadable text


class Verb(StrEnum):
    """Transaction verbs, savepoints included."""

    NONE = ""
    BEGIN = "begin"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    SAVEPOINT = "savepoint"
    RELEASE = "release"
    ROLLBACK_TO = "rollback_to"
    PREPARE = "prepare"
    COMMIT_CHAIN = "commit_chain"
    ROLLBACK_CHAIN = "rollback_chain"


class OperandKind(StrEnum):
    SLOT = "slot"  # literals of `Shaped.slots[index]`
    BIND = "bind"  # $index, from 1
    NULL = "null"  # NULL, DEFAULT
    OTHER = "other"  # an expression or a column: no value to be had


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """Where the value of a comparison comes from at execution."""

    kind: OperandKind
    index: int = 0
    negative: bool = False


class Comparison(StrEnum):
    EQUALS = "equals"
    IN = "in"
    ANY = "any"  # = ANY(array): the operand is one array value, or an array constructor's items
    RANGE = "range"  # <, >, BETWEEN
    LIKE = "like"  # LIKE, ILIKE, SIMILAR TO, ~, starts_with: the operand is a pattern
    REGEX = "regex"
    ASSIGNED = "assigned"  # value of an INSERT column
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """A column compared with operands.

    `candidates` are the tables (as written) the column may belong to: one when qualified or alone in its scope.
    `restricts` is True when every row shown or changed must satisfy it (top-level AND chain of its scope,
    not under OR, NOT, or an outer join's condition).
    """

    candidates: tuple[str, ...]
    column: str
    comparison: Comparison
    operands: tuple[Operand, ...]
    restricts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinEquality:
    """`left_table.left_column = right_table.right_column`, tables as written."""

    left_table: str
    left_column: str
    right_table: str
    right_column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVariable:
    """One change of a session variable: SET, SET LOCAL, RESET, set_config(). `name` lower-case; "" is ALL.

    `operand` None is RESET / SET … TO DEFAULT.
    """

    name: str
    operand: Operand | None
    local: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPlan:
    """COPY: `to_client` rows leave towards the client; `server_side` COPY to or from a file or program."""

    outbound: bool
    server_side: bool
    table: str  # "" when a query is copied
    columns: tuple[str, ...]
    format: str  # text, csv, binary
    delimiter: str
    null: str
    quote: str
    escape: str
    header: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPlan:
    """What one statement does.

    Fields:
        action: by form alone; `capture.resolve` refines read/list with the catalogue.
        tables: all tables read or written, as written (`schema.table` or `table`), through CTEs and subqueries.
        occurrences: how often each of `tables` stands in the statement (2 and more: self-join).
        target: the table written, or "".
        source_tables: tables read by INSERT…SELECT, CTAS, SELECT INTO: a bulk read of the source.
        changed: columns written, as written; ("*",) when the statement names none (INSERT without columns).
        aggregate: every output is an aggregate or a group key.
        set_operation: UNION, INTERSECT, EXCEPT at the top: the wire cannot tell base columns.
        returning: a write that shows rows.
        variables: session variables changed, also by set_config() inside a SELECT.
        name: prepared statement, cursor or savepoint; "" is unnamed or ALL (see `all_names`).
        arguments: operands of SQL-level EXECUTE.
        inner: plan of the statement inside PREPARE, DECLARE, COPY (query), EXPLAIN.
        executes: EXPLAIN ANALYZE really runs `inner`.
        functions: functions called in FROM or with side effects unknown (dblink, lo_get…), lower-case.
        opaque: why the plan is not complete; "" when it is.
    """

    kind: PlanKind
    action: Action
    tables: tuple[str, ...] = ()
    occurrences: tuple[int, ...] = ()
    target: str = ""
    source_tables: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    predicates: tuple[Predicate, ...] = ()
    joins: tuple[JoinEquality, ...] = ()
    aggregate: bool = False
    set_operation: bool = False
    returning: bool = False
    variables: tuple[SetVariable, ...] = ()
    verb: Verb = Verb.NONE
    name: str = ""
    all_names: bool = False
    arguments: tuple[Operand, ...] = ()
    inner: "StatementPlan | None" = None
    executes: bool = True
    copy: CopyPlan | None = None
    functions: tuple[str, ...] = ()
    ddl: bool = False
    opaque: str = ""

    @property
    def writes(self) -> bool:
        """True when the statement changes a table (its trace comes before it in strict mode)."""
        return self.target != "" and self.action in {Action.UPDATE, Action.DELETE, Action.CREATE}


def plan_of(shape_text: str) -> tuple[StatementPlan, ...]:
    """Plan each statement of a shape (`Shaped.text`). Never raises."""
    raise NotImplementedError


def copy_query(sql: str) -> str | None:
    """Return the query inside `COPY (query) TO …` of an original text, to be described aside; None when there is none."""
    raise NotImplementedError
