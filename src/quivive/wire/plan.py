"""Plan of a statement: the facts that `wire.sql` reads from a shape (DESIGN §6).

Built by `wire.sql` and `wire.dml`, read by capture. Pure data; must never hold a literal: operands are references
to slots and binds, evaluated at execution.
"""

from dataclasses import dataclass
from enum import StrEnum

from quivive.model.access import Action


class PlanKind(StrEnum):
    DML = "dml"  # SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES, TABLE, CTAS, SELECT INTO, TRUNCATE
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
    COMMIT_CHAIN = "commit_chain"
    ROLLBACK_CHAIN = "rollback_chain"
    PREPARE = "prepare"  # PREPARE TRANSACTION: the session leaves it, its fate stays open
    COMMIT_PREPARED = "commit_prepared"
    ROLLBACK_PREPARED = "rollback_prepared"


class Aggregate(StrEnum):
    """What the outputs of an aggregating query are made of."""

    NONE = ""
    FIGURES = "figures"  # count, sum, avg, min, max …
    VALUES = "values"  # json_agg, string_agg, array_agg: values of many rows in one


class OperandKind(StrEnum):
    SLOT = "slot"  # literals of `Shaped.slots[index]`
    BIND = "bind"  # $index, from 1
    WORD = "word"  # a bare word (SET x = word, TRUE): its text is in `word`
    NULL = "null"  # NULL, DEFAULT
    OTHER = "other"  # an expression or a column: no value to be had


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """Where a value comes from at execution."""

    kind: OperandKind
    index: int = 0
    negative: bool = False
    word: str = ""


class Comparison(StrEnum):
    EQUALS = "equals"
    IN = "in"
    ANY = "any"  # = ANY(array): the operand is one array value
    RANGE = "range"  # <, >, BETWEEN
    LIKE = "like"  # LIKE, ILIKE, SIMILAR TO: the operands, concatenated, are a pattern
    PREFIX = "prefix"  # starts_with, ^@: the operand is the prefix itself
    REGEX = "regex"  # ~, ~*
    ASSIGNED = "assigned"  # values of an INSERT column, one operand per row


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """A column compared with operands.

    Fields:
        sources: indexes into `StatementPlan.sources` the column may belong to; one when qualified or alone.
        column: its name; `#n` is the n-th column of an INSERT that names none.
        restricts: every row of that source shown or changed satisfies it (AND chain of WHERE or inner ON).
        paired: operands of several predicates belong together by position (rows of VALUES, row IN).
        wrapped: the column stands inside a function (lower, trim…): good for a pattern, not for a key.
    """

    sources: tuple[int, ...]
    column: str
    comparison: Comparison
    operands: tuple[Operand, ...]
    restricts: bool
    paired: bool = False
    wrapped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinEquality:
    """`left.left_column = right.right_column`; left and right are indexes into `StatementPlan.sources`."""

    left: int
    left_column: str
    right: int
    right_column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVariable:
    """One change of a session variable: SET, SET LOCAL, RESET, set_config().

    `name` is lower-case; "" with `name_operand` None means ALL. `value` None: RESET or TO DEFAULT.
    `local_operand`: third argument of set_config() when it is no keyword.
    """

    name: str
    value: Operand | None
    local: bool
    name_operand: Operand | None = None
    local_operand: Operand | None = None
    names: tuple[Operand, ...] = ()
    """All names of a list as SET takes it (`SET search_path = a, b`); `value` is the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPlan:
    """COPY: `outbound` rows leave the table; `server_side` towards or from a file or program of the server."""

    outbound: bool
    server_side: bool
    table: str  # "" when a query is copied
    columns: tuple[str, ...]
    format: str  # text, csv, binary
    delimiter: Operand | None = None
    null: Operand | None = None
    quote: Operand | None = None
    escape: Operand | None = None
    header: bool = False
    filtered: bool = False  # COPY FROM … WHERE: the server keeps only some rows


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPlan:
    """What one statement does.

    Fields:
        action: by form alone; `capture.resolve` refines read and list with the catalogue.
        sources: one table name (`schema.table` or `table`, as written) per occurrence, through CTEs and subqueries.
        shown: indexes of sources whose rows can reach the output (not those of WHERE, ON, EXISTS).
        target: index in `sources` of the table written, -1 when none.
        source_tables: tables read by INSERT…SELECT, CTAS, SELECT INTO: a bulk read of the source.
        changed: columns written, as written; ("*",) when the statement names none.
        set_operation: UNION, INTERSECT, EXCEPT at the top: the wire cannot tell base columns.
        returning: a write that shows rows.
        variables: session variables changed, also by set_config() inside a SELECT.
        name: prepared statement, cursor or savepoint; `all_names` for DEALLOCATE ALL, CLOSE ALL, DISCARD ALL.
        arguments: operands of SQL-level EXECUTE; the name of a prepared transaction.
        inner: plan of the statement inside PREPARE, DECLARE, COPY (query), EXPLAIN.
        executes: False for EXPLAIN without ANALYZE.
        functions: every word followed by a parenthesis, to be compared with the user functions of the database.
        called_from: the function that is the only source of the rows shown (`SELECT … FROM f(…)`), called once; "".
        called_columns: its columns by output position, "" for an expression; ("*",) for all of them.
        opaque: why the plan is not complete; "" when it is.
    """

    kind: PlanKind
    action: Action
    sources: tuple[str, ...] = ()
    shown: tuple[int, ...] = ()
    target: int = -1
    source_tables: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    predicates: tuple[Predicate, ...] = ()
    joins: tuple[JoinEquality, ...] = ()
    aggregate: Aggregate = Aggregate.NONE
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
    called_from: str = ""
    called_columns: tuple[str, ...] = ()
    ddl: bool = False
    opaque: str = ""

    @property
    def tables(self) -> tuple[str, ...]:
        """Distinct table names, as written, in order."""
        return tuple(dict.fromkeys(self.sources))

    @property
    def writes(self) -> bool:
        """True when the statement changes a table: in strict mode its trace comes first."""
        inner = self.inner is not None and self.executes and self.kind is PlanKind.EXPLAIN and self.inner.writes
        return inner or self.target >= 0 or (self.copy is not None and not self.copy.outbound)
