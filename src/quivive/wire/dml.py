"""Plan of a SELECT, INSERT, UPDATE, DELETE, MERGE, CTAS: the only statements given to sqlglot (DESIGN §6).

Called by `wire.sql` once per shape. Pure; what sqlglot cannot read becomes an opaque plan. Must never be given a
text with literals: placeholders of slots and binds go in as numbers and strings it hands back untouched.
"""

import logging
import re
from collections.abc import Iterator
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from quivive.model.access import Action
from quivive.wire.derived import called, column_values, merge_is_bound, values_columns
from quivive.wire.plan import Aggregate, JoinEquality, Operand, PlanKind, Predicate, StatementPlan
from quivive.wire.predicate import (
    BIND_BASE,
    SLOT_BASE,
    Reference,
    inserted,
    read_condition,
    set_config_variables,
)

MAX_PARSED: Final = 20_000
"""Characters of a shape given to sqlglot (about 60 ms of the relay's loop, once per shape); longer is opaque."""
MAX_DEPTH: Final = 12
"""Derived tables a column name is followed through."""

logging.getLogger("sqlglot").disabled = True  # it warns with statement text, and wire/ never logs (DESIGN §4)

_PLACEHOLDER: Final = re.compile(r'"(?:[^"]|"")*"|\'\?\d+\'|\?(\d+)|\$(\d+)')
_ONLY: Final = re.compile(r'\bonly\s*\(\s*((?:"[^"]+"|[\w$.])+)\s*\)')  # `ONLY (t)`, which sqlglot takes for a table
_FALLBACK: Final = re.compile(r'\b(?:from|join|into|update|only|table)\s+((?:"[^"]+"|[\w$]+)(?:\.(?:"[^"]+"|[\w$]+))?)')
_FAILURES: Final = (
    SqlglotError,
    RecursionError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    AssertionError,
)
_SCOPES: Final = (exp.Select, exp.Update, exp.Delete, exp.Insert, exp.Merge)
_WRITES: Final = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
_ACTIONS: Final[dict[type[exp.Expr], Action]] = {
    exp.Insert: Action.CREATE,
    exp.Update: Action.UPDATE,
    exp.Delete: Action.DELETE,
    exp.Merge: Action.UPDATE,
}
_COLLECTING: Final = (exp.ArrayAgg, exp.GroupConcat, exp.JSONArrayAgg, exp.JSONObjectAgg)
_COLLECTING_NAMES: Final = frozenset(
    {"json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg", "xmlagg", "string_agg", "array_agg"}
)


def plan_dml(text: str) -> StatementPlan:
    """Plan one statement of a shape. Never raises."""
    if len(text) > MAX_PARSED:
        return _unread(text, "too_long")
    try:
        text = _ONLY.sub(r"only \1", text)
        tree = sqlglot.parse_one(_PLACEHOLDER.sub(_stand_in, text), dialect="postgres")
        if isinstance(tree, exp.Command):
            return _unread(text, "unread")
        return _Walker(tree).plan()
    except _FAILURES:
        return _unread(text, "unread")


def identifier(name: str) -> str:
    """Fold a written name: `"Foo"."bar"` to `Foo.bar` (unquoted letters were folded by the shape)."""
    return ".".join(
        part[1:-1].replace('""', '"') if part.startswith('"') else part
        for part in re.findall(r'"(?:[^"]|"")+"|[^."]+', name)
    )


def _stand_in(match: re.Match[str]) -> str:
    if match[1] is not None:
        return str(SLOT_BASE + int(match[1]))
    if match[2] is not None:
        return str(BIND_BASE + int(match[2]))
    return match[0]


def _unread(text: str, why: str) -> StatementPlan:
    """Opaque plan that still names the tables it can see."""
    tables = tuple(dict.fromkeys(identifier(match[1]) for match in _FALLBACK.finditer(text[:MAX_PARSED])))
    word = text.split(None, 1)[0] if text.split() else ""
    action = {"insert": Action.CREATE, "update": Action.UPDATE, "delete": Action.DELETE, "merge": Action.UPDATE}
    known = tables[:1] if word in action and tables else ()
    return StatementPlan(
        kind=PlanKind.DML,
        action=action.get(word, Action.QUERY),
        sources=tables,
        shown=tuple(range(len(tables))),
        target=0 if known else -1,
        changed=("*",) if known and word != "delete" else (),
        opaque=why,
    )


class _Scope:
    """Names visible in one SELECT, UPDATE, DELETE, INSERT or MERGE: alias to source index or derived query."""

    __slots__ = ("aliases", "node")

    def __init__(self, node: exp.Expr) -> None:
        self.node = node
        self.aliases: dict[str, int | exp.Expr] = {}


class _Walker:
    def __init__(self, tree: exp.Expr) -> None:
        self._tree = tree
        self._scopes: dict[int, _Scope] = {}
        self._uses: dict[int, int] = {}  # references to one CTE
        self._table_index: dict[int, int] = {}
        self.sources: list[str] = []
        self.shown: list[int] = []
        for node in tree.find_all(*_SCOPES):
            self._scopes[id(node)] = _Scope(node)
        for node in tree.find_all(exp.Table, exp.Subquery, exp.Lateral, exp.Values):
            self._register(node)

    # Names ------------------------------------------------------------------------------------------------------

    def _register(self, node: exp.Expr) -> None:
        scope = self._scope_of(node)
        if not isinstance(node, exp.Table):
            if (
                scope is not None
                and node.alias
                and isinstance(node.parent, (exp.From, exp.Join, exp.Update, exp.Delete, exp.Merge))
            ):
                inner = node.this.this if isinstance(node.this, exp.Subquery) else node.this
                inner = node if isinstance(node, exp.Values) else inner
                scope.aliases[node.alias] = inner
            return
        if not isinstance(node.this, exp.Identifier):
            return  # a function in FROM
        cte = None if node.args.get("db") else self._visible_cte(node)
        if cte is not None:
            self._uses[id(cte.this)] = self._uses.get(id(cte.this), 0) + 1
            if scope is not None:
                renamed = cte.args["alias"].args.get("columns")
                scope.aliases[node.alias_or_name] = exp.Null() if renamed else cte.this
            return
        name = f"{node.db}.{node.name}" if node.db else node.name
        index = len(self.sources)
        self.sources.append(name)
        if _reaches_output(node):
            self.shown.append(index)
        self._table_index[id(node)] = index
        if scope is not None:
            scope.aliases[node.alias_or_name] = index

    def _scope_of(self, node: exp.Expr) -> _Scope | None:
        up = node.parent
        while up is not None:
            scope = self._scopes.get(id(up))
            if scope is not None and not (isinstance(up, (exp.Update, exp.Insert)) and isinstance(up.parent, exp.When)):
                return scope
            up = up.parent
        return None

    def _visible_cte(self, table: exp.Table) -> exp.CTE | None:
        """The CTE this name means here; inside its own definition the real table is meant, unless recursive."""
        child: exp.Expr = table
        up = table.parent
        while up is not None:
            if isinstance(up, exp.With):
                candidates = up.expressions
                if not up.args.get("recursive"):
                    candidates = candidates[: [id(e) for e in candidates].index(id(child))]
            else:
                with_ = up.args.get("with_")
                candidates = with_.expressions if with_ is not None and with_ is not child else []
            for cte in candidates:
                if cte.alias == table.name:
                    assert isinstance(cte, exp.CTE)
                    return cte
            child, up = up, up.parent
        return None

    def references(self, column: exp.Column) -> tuple[list[Reference], bool]:
        """Base columns a column may be, and whether a predicate on it restricts them."""
        scope = self._scope_of(column)
        return self._in_scope(column.table, column.name, scope, MAX_DEPTH)

    def constants(self, column: exp.Column) -> tuple[Operand, ...] | None:
        """Values of a qualified column of rows the statement makes up itself."""
        scope = self._scope_of(column)
        while scope is not None and column.table:
            meant = scope.aliases.get(column.table)
            if meant is not None:
                return None if isinstance(meant, int) else column_values(meant, column.name)
            scope = self._scope_of(scope.node)
        return None

    def _in_scope(self, qualifier: str, name: str, scope: _Scope | None, depth: int) -> tuple[list[Reference], bool]:
        while scope is not None:
            if qualifier:
                meant = scope.aliases.get(qualifier)
                found = [meant] if meant is not None else [self._by_table_name(qualifier, scope)]
            else:
                found = list(scope.aliases.values())
            known = [one for one in found if one is not None]
            if known:
                return self._through_all(known, name, depth)
            scope = self._scope_of(scope.node)
        return [], False

    def _by_table_name(self, qualifier: str, scope: _Scope) -> int | None:
        for meant in scope.aliases.values():
            if isinstance(meant, int) and self.sources[meant].rsplit(".", 1)[-1] == qualifier:
                return meant
        return None

    def _through_all(self, known: list[int | exp.Expr], name: str, depth: int) -> tuple[list[Reference], bool]:
        references: list[Reference] = []
        restricts = True
        for one in known:
            if isinstance(one, int):
                references.append(Reference(one, name))
                continue
            if isinstance(one, exp.Values) and name not in values_columns(one):
                continue
            below, certain = self._through(one, name, depth - 1)
            references += below
            restricts = restricts and certain and self._uses.get(id(one), 1) == 1
        return references, restricts

    def _through(self, query: exp.Expr, name: str, depth: int) -> tuple[list[Reference], bool]:
        """Follow an output column of a derived query to base columns."""
        while isinstance(query, exp.Subquery):
            query = query.this
        if depth <= 0 or not isinstance(query, exp.Select):
            return [], False  # set operations, VALUES, data-modifying CTEs
        scope = self._scopes[id(query)]
        for output in query.expressions:
            column = output.this if isinstance(output, exp.Alias) else output
            if (
                isinstance(column, exp.Column)
                and not isinstance(column.this, exp.Star)
                and output.alias_or_name == name
            ):
                return self._in_scope(column.table, column.name, scope, depth)
        for output in query.expressions:
            starred = isinstance(output, exp.Column) and isinstance(output.this, exp.Star)
            if starred or isinstance(output, exp.Star):
                return self._in_scope(output.table if starred else "", name, scope, depth)
        return [], False

    # Plan -------------------------------------------------------------------------------------------------------

    def plan(self) -> StatementPlan:
        tree = self._tree
        top = tree.expression if isinstance(tree, exp.Create) else tree
        while isinstance(top, (exp.Subquery, exp.Paren)):
            top = top.this
        predicates, joins = self._conditions()
        writes = [
            node
            for node in tree.find_all(*_WRITES)
            if not isinstance(node.parent, exp.When) and self._target(node) >= 0
        ]
        write = writes[0] if writes else None
        into = tree.find(exp.Into)
        made = isinstance(tree, exp.Create) or into is not None
        target = self._target(write) if write is not None else -1
        aggregate = Aggregate.NONE if write is not None else _aggregate(top)
        if isinstance(tree, exp.Create):
            target = self._table_index.get(id(tree.this.this if isinstance(tree.this, exp.Schema) else tree.this), -1)
        elif into is not None:
            target = self._table_index.get(id(into.this), -1)
        if write is not None and isinstance(write, exp.Insert):
            predicates += inserted(write, target)
        function, columns = called(top, tree)
        return StatementPlan(
            kind=PlanKind.DML,
            called_from=function,
            called_columns=columns,
            action=self._action(write, made, aggregate, predicates),
            sources=tuple(self.sources),
            shown=tuple(self.shown),
            target=target,
            source_tables=self._bulk(write, made, target),
            changed=_changed(write) if write is not None else (),
            predicates=tuple(predicates),
            joins=tuple(joins),
            aggregate=aggregate,
            set_operation=isinstance(top, exp.SetOperation),
            returning=write is not None and (write is not tree or bool(write.args.get("returning"))),
            variables=tuple(set_config_variables(tree)),
            opaque="several_writes" if len(writes) > 1 else "",
            ddl=made,
        )

    def _target(self, write: exp.Expr) -> int:
        this = write.this.this if isinstance(write.this, exp.Schema) else write.this
        return self._table_index.get(id(this), -1)

    def _bulk(self, write: exp.Expr | None, made: bool, target: int) -> tuple[str, ...]:
        fed = (
            isinstance(write, exp.Insert)
            and isinstance(write.expression, exp.Query)
            and not isinstance(write.expression, exp.Values)
        )
        if not fed and not made:
            return ()
        return tuple(dict.fromkeys(name for index, name in enumerate(self.sources) if index != target))

    def _action(self, write: exp.Expr | None, made: bool, aggregate: Aggregate, predicates: list[Predicate]) -> Action:
        if made:
            return Action.EXPORT
        if write is not None:
            return _ACTIONS[type(write)]
        if aggregate is not Aggregate.NONE or not self.sources:
            return Action.QUERY
        by_value = {"equals", "in", "any"}
        return Action.READ if any(p.restricts and p.comparison in by_value for p in predicates) else Action.LIST

    def _conditions(self) -> tuple[list[Predicate], list[JoinEquality]]:
        predicates: list[Predicate] = []
        joins: list[JoinEquality] = []
        for condition, restricts in self._all_conditions():
            read_condition(condition, restricts, self.references, predicates, joins, self.constants)
        return predicates, joins

    def _all_conditions(self) -> Iterator[tuple[exp.Expr, bool]]:
        for scope in self._scopes.values():
            where = scope.node.args.get("where")
            if where is not None:
                yield where.this, True
            for join in scope.node.args.get("joins") or ():
                if join.args.get("on") is not None:
                    yield join.args["on"], not join.side
            if isinstance(scope.node, exp.Merge) and scope.node.args.get("on") is not None:
                yield scope.node.args["on"], merge_is_bound(scope.node)
        for table in self._tree.find_all(exp.Table):
            for join in table.args.get("joins") or ():
                if join.args.get("on") is not None:
                    yield join.args["on"], not join.side


def _reaches_output(table: exp.Table) -> bool:
    child: exp.Expr = table
    up = table.parent
    while up is not None:
        if isinstance(up, (exp.Where, exp.Having, exp.Exists)) or (
            isinstance(up, exp.Join) and up.args.get("on") is child
        ):
            return False
        child, up = up, up.parent
    return True


def _changed(write: exp.Expr) -> tuple[str, ...]:
    names: list[str] = []
    if isinstance(write, exp.Insert):
        names += [e.name for e in write.this.expressions] if isinstance(write.this, exp.Schema) else ["*"]
        conflict = write.args.get("conflict")
        names += _assigned(conflict.expressions) if conflict is not None else []
    elif isinstance(write, exp.Update):
        names += _assigned(write.expressions)
    elif isinstance(write, exp.Merge):
        for node in write.find_all(exp.When):
            then = node.args.get("then")
            if isinstance(then, exp.Update):
                names += _assigned(then.expressions)
            elif isinstance(then, exp.Insert):
                names += [e.name for e in then.this.expressions] if isinstance(then.this, exp.Tuple) else ["*"]
    return tuple(dict.fromkeys(names))


def _assigned(assignments: list[exp.Expr]) -> list[str]:
    names: list[str] = []
    for assignment in assignments:
        left = assignment.this
        parts = left.expressions if isinstance(left, exp.Tuple) else [left]
        for part in parts:
            column = part if isinstance(part, exp.Column) else part.find(exp.Column)
            names.append(column.name if column is not None else part.name)
    return [name for name in names if name]


def _aggregate(top: exp.Expr | None) -> Aggregate:
    if not isinstance(top, exp.Select):
        return Aggregate.NONE
    found = Aggregate.NONE
    group = top.args.get("group")
    grouped = {e.sql() for e in group.expressions} if group is not None else set()
    numbers = bool(group is not None and any(isinstance(e, exp.Literal) for e in group.expressions))
    for output in top.expressions:
        bare = output.this if isinstance(output, exp.Alias) else output
        kind = _aggregated(bare)
        if kind is Aggregate.NONE:
            key = bare.sql() in grouped or output.alias_or_name in grouped or numbers
            if not key and not isinstance(bare, exp.Literal):
                return Aggregate.NONE
        elif found is not Aggregate.VALUES:
            found = kind
    return found if found is not Aggregate.NONE or group is None else Aggregate.FIGURES


def _aggregated(output: exp.Expr) -> Aggregate:
    kind = Aggregate.NONE
    for node in output.find_all(exp.AggFunc, exp.Anonymous):
        if node.find_ancestor(exp.Window, exp.Select) is not output.find_ancestor(exp.Window, exp.Select):
            continue  # a window function or a scalar subquery keeps one row per record
        if isinstance(node, _COLLECTING) or (
            isinstance(node, exp.Anonymous) and node.name.lower() in _COLLECTING_NAMES
        ):
            return Aggregate.VALUES
        if isinstance(node, exp.AggFunc):
            kind = Aggregate.FIGURES
    return kind
