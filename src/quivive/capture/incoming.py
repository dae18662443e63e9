"""Keys inside the rows of COPY … FROM STDIN: which columns of the stream hold them.

Called by `capture.statements` on what `capture.resolve` made of a COPY. Pure. The keys are those the account sends, so
the class is that of an INSERT's values; must never claim more where the server may keep only some rows.
"""

from dataclasses import replace

from quivive.capture.resolve import Extraction, KeySpec, LinkSpec
from quivive.capture.snapshot import CatalogueSnapshot, Relation
from quivive.model.access import CoverageClass
from quivive.model.catalogue import Table, TableKind
from quivive.wire.plan import StatementPlan


def with_incoming(snapshot: CatalogueSnapshot, plan: StatementPlan, extraction: Extraction) -> Extraction:
    """Add where a COPY from the account shows keys; the extraction itself for every other statement."""
    copy = plan.copy
    if copy is None or copy.outbound or copy.server_side:
        return extraction
    relation = snapshot.named(copy.table)
    if relation is None or relation.table is None or not relation.protected:
        return extraction
    names = copy.columns or _columns(relation)
    specs = _specs(snapshot, relation, relation.table, names)
    if not specs:
        return extraction
    cut = sorted({index for spec in specs for index in spec.positions})
    own = specs[0].table == relation.table.name
    placed = tuple(replace(s, positions=tuple(cut.index(i) for i in s.positions)) for s in specs)
    return replace(
        extraction,
        column_indexes=tuple(cut),
        keys=placed,
        links=(LinkSpec(left=0, right=1),) if own and len(specs) > 1 else (),
        coverage=CoverageClass.PREDICATE if own and not copy.filtered else CoverageClass.COUNT_ONLY,
        needs_describe=False,
    )


def _columns(relation: Relation) -> tuple[str, ...]:
    """Columns of a COPY that names none: all in order, but generated ones."""
    return tuple(relation.columns[n].name for n in sorted(relation.columns) if not relation.columns[n].generated)


def _specs(snapshot: CatalogueSnapshot, relation: Relation, table: Table, names: tuple[str, ...]) -> list[KeySpec]:
    types = {column.name: column.type_oid for column in relation.columns.values()}

    def spec(of: str, columns: tuple[str, ...]) -> KeySpec:
        return KeySpec(
            table=of,
            positions=tuple(names.index(name) for name in columns),
            types=tuple(types.get(name, 0) for name in columns),
        )

    found = [spec(table.name, table.key)] if all(name in names for name in table.key) else []
    path = table.path
    if path is not None and path.column in names:
        target = snapshot.declared.table(path.to)
        if target is not None and len(target.key) == 1 and target.kind is not TableKind.GROUP:
            found.append(spec(target.name, (path.column,)))
    return found
