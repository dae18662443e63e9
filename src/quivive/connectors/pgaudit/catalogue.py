"""The declared catalogue as a snapshot, for a log whose database nobody may ask (DESIGN §6 "from a row to a person").

Called by `connectors.pgaudit.statement`. It knows the declared columns only: a statement's other columns are added
for the form of its search, never for a key. Pure.
"""

from dataclasses import replace

from quivive.capture.snapshot import CatalogueSnapshot, Column, Relation, is_protected
from quivive.model.catalogue import Catalogue
from quivive.wire.plan import StatementPlan

_FIRST_OID = 1_000_000  # any numbers: no wire names them
_FIRST_FURTHER = 1_000


def declared_snapshot(catalogue: Catalogue, search_path: tuple[str, ...] = ()) -> CatalogueSnapshot:
    """Relations of all tables declared, and of those listed as not protected. Types are not known: keys are texts."""
    relations: dict[int, Relation] = {}
    declared = {table.name: table for table in catalogue.tables}
    for oid, name in enumerate((*declared, *catalogue.not_protected), start=_FIRST_OID):
        table = declared.get(name)
        names = () if table is None else (*table.key, *(alternate.column for alternate in table.alternates))
        if table is not None and table.path is not None:
            names = (*names, table.path.column)
        columns = {
            number: Column(name=column, attnum=number, type_oid=0)
            for number, column in enumerate(dict.fromkeys(names), start=1)
        }
        relations[oid] = Relation(
            oid=oid,
            name=name,
            kind="r",
            root=oid,
            columns=columns,
            primary_key=tuple(range(1, len(table.key) + 1)) if table is not None else (),
            table=table,
            protected=is_protected(catalogue, name, table),
        )
    schemas = dict.fromkeys(relation.name.partition(".")[0] for relation in relations.values())
    return CatalogueSnapshot(
        declared=catalogue,
        relations=relations,
        search_path=search_path or tuple(dict.fromkeys(("public", *schemas))),
        by_name={relation.name: oid for oid, relation in relations.items()},
    )


def with_searched_columns(snapshot: CatalogueSnapshot, plan: StatementPlan) -> CatalogueSnapshot:
    """The relations a plan names, with the columns that its predicates name of one source for certain."""
    named = {relation.oid: relation for name in plan.sources if (relation := snapshot.named(name)) is not None}
    relations = dict(named)
    for predicate in plan.predicates:
        if len(predicate.sources) != 1 or predicate.column.startswith("#"):
            continue
        found = snapshot.named(plan.sources[predicate.sources[0]])
        relation = None if found is None else relations[found.oid]
        if relation is None or relation.column_named(predicate.column) is not None:
            continue
        number = _FIRST_FURTHER + len(relation.columns)
        column = Column(name=predicate.column, attnum=number, type_oid=0)
        relations[relation.oid] = replace(relation, columns={**relation.columns, number: column})
    by_name = {relation.name: oid for oid, relation in relations.items()}
    return replace(snapshot, relations=relations, by_name=by_name)
