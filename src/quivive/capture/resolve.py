"""From the columns of a result to the records shown: the coverage truth table (capture reference §4).

Called once per (shape, fields) by the relay, which caches the Extraction. Pure. Must never report "no records" for
rows it cannot key: they are classed and counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from quivive.capture.functions import called_function, hidden_functions, key_field
from quivive.capture.shown import Occurrence, Shown, shown_tables
from quivive.capture.snapshot import FIRST_USER_OID, CatalogueSnapshot, Column, Relation
from quivive.model.access import Action, CoverageClass
from quivive.model.catalogue import Table, TableKind
from quivive.wire.fields import Field
from quivive.wire.plan import Aggregate, Comparison, PlanKind, StatementPlan

_SILENT: Final = frozenset(
    {
        PlanKind.SET,
        PlanKind.DISCARD,
        PlanKind.TRANSACTION,
        PlanKind.PREPARE,
        PlanKind.DEALLOCATE,
        PlanKind.DECLARE,
        PlanKind.CLOSE,
        PlanKind.UTILITY,
        PlanKind.EMPTY,
    }
)
"""Statements that show and change no record by themselves."""
_WORST: Final = (
    CoverageClass.EXACT,
    CoverageClass.ALTERNATE,
    CoverageClass.PREDICATE,
    CoverageClass.COUNT_ONLY,
    CoverageClass.AGGREGATE,
    CoverageClass.OPAQUE,
)
_BY_VALUE: Final = frozenset({Comparison.EQUALS, Comparison.IN, Comparison.ANY})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpec:
    """Where a row shows a record key: positions among the cut columns.

    `attributes` is non-empty for a whole-row column: ordinals of the key columns inside the composite value.
    `shown` False: the key only serves a link (the household of a customer is named by the row, not shown by it).
    """

    table: str
    positions: tuple[int, ...]
    types: tuple[int, ...]
    attributes: tuple[int, ...] = ()
    shown: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternateSpec:
    """Where a row shows an alternate key, and which KeySpec (index) is its record's; -1 when not shown."""

    table: str
    kind: str
    position: int
    type_oid: int
    owner: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSpec:
    """Two KeySpecs (indexes) of one row that belong together: linked record, then the next table on its path."""

    left: int
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What to cut from each row and what the result may be called.

    Fields:
        column_indexes: the only columns the row scanner cuts, ascending; collectors take their values in this order.
        protected: False when no protected table is touched: counted per shape and minute, without an entry.
        predicate: True when keys may come from predicates: ask `predicate_keys` at execution.
        needs_describe: fields are missing, or name relations the snapshot does not know: describe aside, refresh.
        tables, columns, changed: `schema.table`, `schema.table.column` names for the entry.
    """

    column_indexes: tuple[int, ...] = ()
    keys: tuple[KeySpec, ...] = ()
    alternates: tuple[AlternateSpec, ...] = ()
    links: tuple[LinkSpec, ...] = ()
    coverage: CoverageClass
    action: Action
    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    protected: bool
    predicate: bool = False
    needs_describe: bool = False


def resolve(snapshot: CatalogueSnapshot, plan: StatementPlan, fields: Sequence[Field] | None) -> Extraction:
    """Resolve one (plan, fields). `fields` None: the statement returns no rows, or they are not known yet."""
    if plan.kind in _SILENT:
        return Extraction(coverage=CoverageClass.AGGREGATE, action=plan.action, protected=False)
    if plan.kind is PlanKind.EXPLAIN:
        return _explained(snapshot, plan)
    named = _named(snapshot, plan)
    if plan.kind is PlanKind.OPAQUE and not plan.sources and not fields:
        hidden = plan.opaque in {"do", "call", "too_deep", "too_many_statements"} or named.hidden or not plan.functions
        return Extraction(coverage=CoverageClass.OPAQUE, action=plan.action, tables=named.tables, protected=hidden)
    if not fields:
        return _rowless(snapshot, plan, named)
    shown = shown_tables(snapshot, fields)
    return _shown(snapshot, plan, named, shown, tuple(fields))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """Tables a plan names, resolved: base relations per source, unknown names, hidden functions."""

    per_source: tuple[tuple[Relation, ...], ...]
    tables: tuple[str, ...]
    protected: bool
    unknown: bool
    hidden: bool


def _named(snapshot: CatalogueSnapshot, plan: StatementPlan) -> _Named:
    per_source: list[tuple[Relation, ...]] = []
    names: dict[str, None] = {}
    protected = unknown = False
    for index, name in enumerate(plan.sources):
        relation = snapshot.named(name)
        bases = () if relation is None else snapshot.bases(relation)
        per_source.append(bases)
        protected = protected or any(base.protected for base in bases)
        names.update((base.name, None) for base in bases)
        if relation is None and not snapshot.is_system(name):
            names[name if "." in name else f"?.{name}"] = None
            made = plan.ddl and index == plan.target
            unknown = unknown or not made
        if relation is None or relation.table is None:
            names.update(dict.fromkeys(snapshot.made_of(name)))
    function, hidden = called_function(snapshot, plan), hidden_functions(snapshot, plan)
    names.update(dict.fromkeys(hidden))
    if function is not None:
        names[function.table] = None
    return _Named(
        per_source=tuple(per_source),
        tables=tuple(names),
        protected=protected or unknown or bool(hidden) or function is not None,
        unknown=unknown,
        hidden=bool(hidden),
    )


def _explained(snapshot: CatalogueSnapshot, plan: StatementPlan) -> Extraction:
    """EXPLAIN shows a plan, not a record; EXPLAIN ANALYZE executes: figures of a read, and a write writes."""
    if plan.executes and plan.inner is not None:
        if plan.inner.writes:
            return resolve(snapshot, replace(plan.inner, returning=False), None)
        named = _named(snapshot, plan)
        coverage = CoverageClass.OPAQUE if named.hidden else CoverageClass.AGGREGATE
        return Extraction(coverage=coverage, action=Action.QUERY, tables=named.tables, protected=named.protected)
    return Extraction(coverage=CoverageClass.AGGREGATE, action=Action.QUERY, protected=False)


def _changed(plan: StatementPlan, named: _Named) -> tuple[str, ...]:
    if plan.target < 0 or not plan.changed or plan.target >= len(named.per_source):
        return ()
    bases = named.per_source[plan.target]
    if len(bases) != 1:
        return tuple(f"{plan.sources[plan.target]}.{name}" for name in plan.changed)
    base = bases[0]
    names = [column.name for column in base.columns.values()] if "*" in plan.changed else list(plan.changed)
    return tuple(f"{base.name}.{name}" for name in names)


def _rowless(snapshot: CatalogueSnapshot, plan: StatementPlan, named: _Named) -> Extraction:
    """Writes, bulk copies inside the server, and reads whose columns are not known yet."""
    shows = plan.target < 0 or plan.returning
    outbound = plan.copy is not None and plan.copy.outbound and not plan.copy.server_side
    needs = (shows or outbound or plan.kind in {PlanKind.FETCH, PlanKind.EXECUTE}) and not plan.ddl
    opaque = named.hidden or bool(plan.opaque) or (plan.copy is not None and plan.copy.server_side)
    return Extraction(
        coverage=CoverageClass.OPAQUE if opaque else CoverageClass.COUNT_ONLY,
        action=_action(snapshot, plan),
        tables=named.tables,
        changed=_changed(plan, named),
        protected=named.protected or plan.kind in {PlanKind.FETCH, PlanKind.EXECUTE},
        predicate=bool(plan.predicates),
        needs_describe=needs or (named.unknown and not plan.ddl),
    )


def _shown(
    snapshot: CatalogueSnapshot, plan: StatementPlan, named: _Named, shown: Shown, fields: tuple[Field, ...]
) -> Extraction:
    builder = _Builder(snapshot, plan, named, shown)
    builder.build()
    builder.called(fields)
    coverage = builder.coverage()
    tables = dict.fromkeys((*named.tables, *shown.names))
    protected = named.protected or shown.protected or shown.unknown
    cut = sorted(
        {index for spec in builder.keys for index in spec.positions} | {a.position for a in builder.alternates}
    )
    place = {index: position for position, index in enumerate(cut)}
    figures = plan.aggregate is Aggregate.FIGURES
    return Extraction(
        column_indexes=tuple(cut),
        keys=tuple(replace(s, positions=tuple(place[i] for i in s.positions)) for s in builder.keys),
        alternates=tuple(replace(a, position=place[a.position]) for a in builder.alternates),
        links=tuple(builder.links),
        coverage=coverage,
        action=_action(snapshot, plan),
        tables=tuple(tables),
        columns=shown.columns,
        changed=_changed(plan, named),
        protected=protected,
        predicate=_WORST.index(coverage) > 1 and bool(plan.predicates) and not (figures and not shown.tables),
        needs_describe=shown.unknown or named.unknown,
    )


class _Builder:
    """Keys, alternates and links of one result, then the class it deserves."""

    def __init__(self, snapshot: CatalogueSnapshot, plan: StatementPlan, named: _Named, shown: Shown) -> None:
        self._snapshot = snapshot
        self._plan = plan
        self._named = named
        self._shown = shown
        self.keys: list[KeySpec] = []
        self.alternates: list[AlternateSpec] = []
        self.links: list[LinkSpec] = []
        self._own: dict[str, list[int]] = {}  # table → KeySpecs from its own columns
        self._reached: dict[str, int] = {}  # table → KeySpec from a foreign key to it
        self._expected = self._expectations()

    def _expectations(self) -> dict[str, int]:
        """How often each protected table's rows can reach the output."""
        expected: dict[str, int] = {}
        for index in self._plan.shown:
            for base in self._named.per_source[index]:
                if base.protected:
                    expected[base.name] = expected.get(base.name, 0) + 1
        for name, occurrences in self._shown.tables.items():
            if occurrences[0].relation.protected:
                expected.setdefault(name, 1)
        return expected

    def build(self) -> None:
        for occurrences in self._shown.tables.values():
            for occurrence in occurrences:
                if occurrence.relation.table is not None and occurrence.relation.protected:
                    self._own_key(occurrence.relation.table, occurrence)
        for occurrences in self._shown.tables.values():
            single = len(occurrences) == 1 and self._expected.get(occurrences[0].relation.name, 1) == 1
            for occurrence in occurrences:
                table = occurrence.relation.table
                if table is not None and occurrence.relation.protected:
                    self._path(table, occurrence, single)
                    self._alternates(table, occurrence, single)
        self._joined_links()

    def called(self, fields: tuple[Field, ...]) -> None:
        """Rows of a declared function: its key column, where it is shown as it is."""
        function = called_function(self._snapshot, self._plan)
        if function is None:
            return
        self._expected[function.table] = self._expected.get(function.table, 0) + 1
        found = key_field(function, self._plan, fields)
        if found is not None:
            self._own.setdefault(function.table, []).append(len(self.keys))
            self.keys.append(KeySpec(table=function.table, positions=(found[0],), types=(found[1],)))

    def _own_key(self, table: Table, occurrence: Occurrence) -> None:
        if occurrence.whole_row >= 0:
            ordinals = occurrence.ordinals(table.key)
            types = occurrence.types(table.key)
            spec = KeySpec(table=table.name, positions=(occurrence.whole_row,), types=types, attributes=ordinals)
            if not ordinals:
                return
        else:
            if any(name not in occurrence.columns for name in table.key):
                return
            several = self._expected.get(table.name, 1) > 1
            if len(table.key) > 1 and several:
                return  # columns of a self-join cannot be paired without guessing
            chosen = [occurrence.columns[name] for name in table.key]
            spec = KeySpec(table=table.name, positions=tuple(i for i, _ in chosen), types=tuple(t for _, t in chosen))
        self._own.setdefault(table.name, []).append(len(self.keys))
        self.keys.append(spec)

    def _path(self, table: Table, occurrence: Occurrence, single: bool) -> None:
        """A foreign key shown is the key of the next table on the path, usually the person's."""
        path = table.path
        if path is None or path.column not in occurrence.columns:
            return
        target = self._snapshot.declared.table(path.to)
        if target is None or len(target.key) != 1:
            return
        index, type_oid = occurrence.columns[path.column]
        own = self._own.get(table.name, [])
        right, shown = len(self.keys), target.kind is not TableKind.GROUP
        if not shown and not (single and len(own) == 1):
            return
        self.keys.append(KeySpec(table=target.name, positions=(index,), types=(type_oid,), shown=shown))
        if shown:
            self._reached[target.name] = right
        if single and len(own) == 1:
            self.links.append(LinkSpec(left=own[0], right=right))

    def _alternates(self, table: Table, occurrence: Occurrence, single: bool) -> None:
        own = self._own.get(table.name, [])
        for alternate in table.alternates:
            if alternate.column not in occurrence.columns:
                continue
            if own and not single:
                continue  # whose it is cannot be told in a self-join
            index, type_oid = occurrence.columns[alternate.column]
            self.alternates.append(
                AlternateSpec(
                    table=table.name,
                    kind=alternate.kind,
                    position=index,
                    type_oid=type_oid,
                    owner=own[0] if own else -1,
                )
            )

    def _joined_links(self) -> None:
        """Own keys of a linked table and of the next on its path, joined by that very column in the statement."""
        for name, own in self._own.items():
            table = self._snapshot.declared.table(name)
            if table is None or table.path is None or len(own) != 1 or self._expected.get(name, 1) > 1:
                continue
            right = self._own.get(table.path.to, [])
            if len(right) == 1 and self._expected.get(table.path.to, 1) == 1 and self._joined(table):
                link = LinkSpec(left=own[0], right=right[0])
                if all(known.left != link.left for known in self.links):
                    self.links.append(link)

    def _joined(self, table: Table) -> bool:
        path = table.path
        target = self._snapshot.declared.table(path.to) if path is not None else None
        if path is None or target is None or len(target.key) != 1:
            return False
        wanted = {(table.name, path.column), (target.name, target.key[0])}
        for join in self._plan.joins:
            sides = {self._side(join.left, join.left_column), self._side(join.right, join.right_column)}
            if sides == wanted:
                return True
        return False

    def _side(self, source: int, column: str) -> tuple[str, str]:
        bases = self._named.per_source[source]
        return (bases[0].name if len(bases) == 1 else "", column)

    # Class -------------------------------------------------------------------------------------------------------

    def coverage(self) -> CoverageClass:
        """The worst class over the protected tables whose rows are shown."""
        plan, shown = self._plan, self._shown
        copied = any(o.relation.temporary for found in shown.tables.values() for o in found)
        if self._named.hidden or shown.unknown or copied:
            return CoverageClass.OPAQUE
        if plan.aggregate is Aggregate.FIGURES and not self.keys and not self.alternates:
            return CoverageClass.AGGREGATE
        if not self._expected:
            return CoverageClass.OPAQUE if self._named.protected else CoverageClass.AGGREGATE
        classes = [self._class_of(name, count) for name, count in self._expected.items()]
        known = [one for one in classes if one is not None]
        if not known:
            return CoverageClass.OPAQUE if shown.expressions else CoverageClass.COUNT_ONLY
        worst = max(known, key=_WORST.index)
        incomplete = bool(plan.opaque) and plan.opaque != "several_writes"
        return CoverageClass.OPAQUE if incomplete and worst is not CoverageClass.EXACT else worst

    def _class_of(self, name: str, count: int) -> CoverageClass | None:
        """Class of one table; None when nothing of it is shown."""
        own = len(self._own.get(name, []))
        if own >= count or (own and any(self.keys[i].attributes for i in self._own[name])):
            return CoverageClass.EXACT
        table = self._snapshot.declared.table(name)
        visible = name in self._shown.tables
        if not visible and (name in self._reached or not self._shown.expressions):
            return CoverageClass.EXACT if name in self._reached else None
        if own == 0 and table is not None and self._through_path(table, visible):
            return CoverageClass.EXACT
        if own == 0 and self._behind_a_key(name):
            return CoverageClass.EXACT
        if own == 0 and any(a.table == name and a.owner < 0 for a in self.alternates):
            return CoverageClass.ALTERNATE
        return CoverageClass.COUNT_ONLY if visible else CoverageClass.OPAQUE

    def _behind_a_key(self, name: str) -> bool:
        """A keyed record of the row leads to it by its path: the customer of an order, the household of a customer."""
        keyed = (self._snapshot.declared.table(own) for own in self._own)
        return any(t is not None and t.path is not None and t.path.to == name and self._joined(t) for t in keyed)

    def _through_path(self, table: Table, visible: bool) -> bool:
        """Its person's key is in the row: by the foreign key itself, or by a join along it."""
        path = table.path
        if path is None or table.kind is not TableKind.LINKED:
            return False
        if visible and path.to in self._reached:
            return True
        return path.to in self._own and self._joined(table)


def _action(snapshot: CatalogueSnapshot, plan: StatementPlan) -> Action:
    """Read by key, or list: a search, a range, a page (DESIGN §5)."""
    if plan.action not in {Action.READ, Action.LIST}:
        return plan.action
    if plan.kind is PlanKind.FETCH:
        return Action.LIST
    for predicate in plan.predicates:
        if not predicate.restricts or predicate.comparison not in _BY_VALUE:
            continue
        for index in predicate.sources:
            if _is_key(snapshot, plan.sources[index], predicate.column):
                return Action.READ
    known = any(relation is not None and relation.table for relation in map(snapshot.named, plan.sources))
    return Action.LIST if known else plan.action


def _is_key(snapshot: CatalogueSnapshot, source: str, column: str) -> bool:
    found = key_column(snapshot, source, column)
    if found is None:
        return False
    table, name = found[0].table, found[1].name
    if table is None:
        return False
    alternates = {alternate.column for alternate in table.alternates}
    return name in table.key or name in alternates or (table.path is not None and table.path.column == name)


def key_column(snapshot: CatalogueSnapshot, source: str, column: str) -> tuple[Relation, Column] | None:
    """Base relation and column behind a column of a source, as written; None when there is none."""
    relation = snapshot.named(source)
    found = relation.column_named(column) if relation is not None else None
    return None if relation is None or found is None else snapshot.base_column(relation, found.attnum)


def is_user_oid(oid: int) -> bool:
    """True for objects that users made."""
    return oid >= FIRST_USER_OID
