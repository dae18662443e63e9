"""A catalogue and its snapshot, made from rows as pg_catalog gives them; shared by the tests of capture."""

from quivive.capture.catalogue import RawCatalogue, build_snapshot
from quivive.model.catalogue import Alternate, Catalogue, Path, Table, TableKind
from quivive.privacy.pseudonym import ControllerKeys
from quivive.wire.fields import Field
from quivive.wire.shape import Shaped, shape_of
from quivive.wire.sql import StatementPlan, plan_of

KEYS = ControllerKeys(key_id="t1", record=b"r" * 32, agent=b"a" * 32)
CUSTOMER, ORDERS, LINE, CODE, NOTES, CARD, VISIT, PART, HIDDEN, TEMP, MINE, HOUSE = range(20_001, 20_013)
INT8, INT4, TEXT, DATE = 20, 23, 25, 1082

CATALOGUE = Catalogue(
    controller="aurore",
    version=1,
    tables=(
        Table(
            name="public.customer",
            kind=TableKind.PERSON,
            key=("id",),
            alternates=(Alternate(column="phone", kind="phone"), Alternate(column="email", kind="email")),
            path=Path(column="household_id", to="public.household"),
        ),
        Table(
            name="public.orders",
            kind=TableKind.LINKED,
            key=("id",),
            alternates=(Alternate(column="number", kind="order_number"),),
            path=Path(column="customer_id", to="public.customer"),
        ),
        Table(
            name="public.line",
            kind=TableKind.LINKED,
            key=("order_id", "no"),
            path=Path(column="order_id", to="public.orders"),
        ),
        Table(
            name="public.visit",
            kind=TableKind.LINKED,
            key=("id", "at"),
            path=Path(column="customer_id", to="public.customer"),
        ),
        Table(name="public.household", kind=TableKind.GROUP, key=("id",)),
        Table(name="public.code", kind=TableKind.REFERENCE, key=("id",)),
        Table(name="public.gone", kind=TableKind.PERSON, key=("id",)),
    ),
    not_protected=("public.price", "public.harmless"),
)
_COLUMNS: dict[int, list[tuple[int, str, int]]] = {
    CUSTOMER: [
        (1, "id", INT8),
        (2, "last_name", TEXT),
        (3, "phone", TEXT),
        (4, "email", TEXT),
        (6, "household_id", INT8),
    ],
    ORDERS: [(1, "id", INT8), (2, "number", TEXT), (3, "customer_id", INT8), (4, "total", 1700)],
    LINE: [(1, "order_id", INT8), (2, "no", INT4), (3, "label", TEXT)],
    CODE: [(1, "id", INT4)],
    NOTES: [(1, "id", INT4), (2, "body", TEXT)],
    CARD: [(1, "number", INT8), (2, "last_name", TEXT), (3, "shouted", TEXT)],
    VISIT: [(1, "id", INT8), (2, "at", DATE), (3, "customer_id", INT8)],
    PART: [(1, "customer_id", INT8), (2, "at", DATE), (3, "id", INT8)],
    HIDDEN: [(1, "id", INT8)],
    TEMP: [(1, "id", INT8)],
    MINE: [(1, "id", INT8)],
    HOUSE: [(1, "id", INT8), (2, "label", TEXT)],
}
_RELATIONS: list[tuple[int, str, str, str, str, int]] = [
    (CUSTOMER, "public", "customer", "r", "p", CUSTOMER),
    (ORDERS, "public", "orders", "r", "p", ORDERS),
    (LINE, "public", "line", "r", "p", LINE),
    (CODE, "public", "code", "r", "p", CODE),
    (NOTES, "public", "notes", "r", "p", NOTES),
    (CARD, "public", "card", "v", "p", CARD),
    (VISIT, "public", "visit", "p", "p", VISIT),
    (PART, "public", "visit_2026", "r", "p", VISIT),
    (HIDDEN, "private", "hidden", "r", "p", HIDDEN),
    (TEMP, "pg_temp_3", "t1", "r", "t", TEMP),
    (MINE, "public", "pg_mine", "r", "p", MINE),
    (HOUSE, "public", "household", "r", "p", HOUSE),
]
SNAPSHOT = build_snapshot(
    RawCatalogue(
        relations=[(str(o), s, n, k, p, str(root), None, "1") for o, s, n, k, p, root in _RELATIONS],
        columns=[(str(oid), str(n), name, str(t)) for oid, rows in _COLUMNS.items() for n, name, t in rows],
        view_bases=[(str(CARD), str(CUSTOMER))],
        view_fields={
            CARD: (
                Field("number", CUSTOMER, 1, INT8),
                Field("last_name", CUSTOMER, 2, TEXT),
                Field("shouted", 0, 0, TEXT),
            )
        },
        functions=[("public", "get_customer"), ("public", "harmless")],
        search_path=("public",),
    ),
    CATALOGUE,
)


def fields_of(*columns: tuple[int, str]) -> tuple[Field, ...]:
    """Fields of (relation OID, column name); OID 0 is an expression, name `*` a whole row."""
    fields = []
    for oid, name in columns:
        found = [(n, t) for n, column, t in _COLUMNS.get(oid, []) if column == name]
        number, type_oid = found[0] if found else (0, 2249 if oid else TEXT)
        fields.append(Field(name, oid, number, type_oid))
    return tuple(fields)


def planned(sql: str) -> tuple[StatementPlan, Shaped]:
    """The only plan of a text, and its shape."""
    shaped = shape_of(sql)
    (plan,) = plan_of(shaped.text)
    return plan, shaped
