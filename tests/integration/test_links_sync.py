"""Links read from declared key columns of a real PostgreSQL, with column privileges only."""

import asyncio
from typing import Any

import asyncpg
import pytest

from quivive.capture.links_sync import path_of, sync_links
from quivive.model.access import LinkBody
from quivive.model.catalogue import Alternate, Catalogue, Path, Table, TableKind
from quivive.privacy.pseudonym import ControllerKeys, alternate_key, record_key

pytestmark = pytest.mark.integration

KEYS = ControllerKeys(key_id="t1", record=b"r" * 32, agent=b"a" * 32)
CUSTOMER = Table(
    name="public.customer",
    kind=TableKind.PERSON,
    key=("id",),
    alternates=(Alternate(column="phone", kind="phone"), Alternate(column="customer_number", kind="customer_number")),
)
ORDERS = Table(
    name="public.orders", kind=TableKind.LINKED, key=("id",), path=Path(column="customer_id", to="public.customer")
)
LINE = Table(
    name="public.order_line",
    kind=TableKind.LINKED,
    key=("order_id", "line_no"),
    path=Path(column="order_id", to="public.orders"),
)
CATALOGUE = Catalogue(controller="aurore", version=1, tables=(CUSTOMER, ORDERS, LINE), not_protected=())


async def _all(dsn: str) -> set[LinkBody]:
    connection = await asyncpg.connect(dsn)
    try:
        return {link async for batch in sync_links(connection, CATALOGUE, KEYS, default_region="FR") for link in batch}
    finally:
        await connection.close()


def test_links_of_all_hops_with_column_privileges(pg18: Any) -> None:
    """Alternate to person, order to person, line to order and to its person; nothing but key columns is readable."""
    name = pg18.customer_database()
    pg18.execute(
        "CREATE ROLE link_reader LOGIN; GRANT SELECT (id, phone, customer_number) ON customer TO link_reader;"
        "GRANT SELECT (id, customer_id) ON orders TO link_reader; GRANT SELECT (order_id, line_no) ON order_line TO link_reader",
        name,
    )
    links = asyncio.run(_all(pg18.dsn(name, user="link_reader")))
    customer, order = record_key(KEYS, "public.customer", "8"), record_key(KEYS, "public.orders", "7")
    line = record_key(KEYS, "public.order_line", "7,1")
    assert {
        LinkBody(
            left=alternate_key(KEYS, "phone", "+33639980008"),
            left_kind="phone",
            right=customer,
            right_table="public.customer",
        ),
        LinkBody(
            left=alternate_key(KEYS, "customer_number", "c-000008"),
            left_kind="customer_number",
            right=customer,
            right_table="public.customer",
        ),
        LinkBody(left=order, left_kind="record", right=customer, right_table="public.customer"),
        LinkBody(left=line, left_kind="record", right=order, right_table="public.orders"),
        LinkBody(left=line, left_kind="record", right=customer, right_table="public.customer"),
    } <= links
    assert len(links) == 2_000 + 2_000 + 2 * 2_000


def test_a_path_that_turns_in_circles_leads_nowhere() -> None:
    """A wrongly declared path is no path, rather than an endless one."""
    a = Table(name="public.a", kind=TableKind.LINKED, key=("id",), path=Path(column="b_id", to="public.b"))
    b = Table(name="public.b", kind=TableKind.LINKED, key=("id",), path=Path(column="a_id", to="public.a"))
    catalogue = Catalogue(controller="x", version=1, tables=(a, b), not_protected=())
    assert path_of(catalogue, a) == ()
    assert path_of(CATALOGUE, LINE) == (ORDERS, CUSTOMER)
