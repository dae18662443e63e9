"""`quivive source map` on real schemas: what it proposes, and that the proposal can be loaded."""

import asyncio
import tomllib
from importlib.resources import files
from typing import Any

import asyncpg
import pytest

from quivive.capture.source_map import Proposal, propose, read_tables, to_toml
from quivive.model.catalogue import TableKind

pytestmark = pytest.mark.integration


def _propose(dsn: str) -> Proposal:
    async def run() -> Proposal:
        connection = await asyncpg.connect(dsn)
        try:
            return propose(await read_tables(connection))
        finally:
            await connection.close()

    return asyncio.run(run())


def test_customer_file(pg18: Any, customer_db: str) -> None:
    """Person, linked tables over two hops, group and reference data are told apart, with keys and alternates."""
    proposal = _propose(pg18.dsn(customer_db, user="side_user"))
    tables = {p.table.name: p.table for p in proposal.tables}
    customer = tables["public.customer"]
    assert customer.kind is TableKind.PERSON
    assert customer.key == ("id",)
    assert {(a.column, a.kind) for a in customer.alternates} == {
        ("customer_number", "customer_number"),
        ("phone", "phone"),
        ("email", "email"),
    }
    assert tables["public.orders"].path is not None
    assert tables["public.orders"].path.to == "public.customer"
    assert tables["public.order_line"].path is not None
    assert tables["public.order_line"].path.to == "public.orders"
    assert tables["public.household"].kind is TableKind.GROUP
    assert tables["public.reason_code"].kind is TableKind.REFERENCE
    decoded = tomllib.loads(to_toml(proposal))
    assert {t["name"] for t in decoded["tables"]} == set(tables)


@pytest.mark.parametrize("company", ["aurore", "mercato", "sereni"])
def test_demonstration_schemas(pg18: Any, company: str) -> None:
    """On the three companies of the demonstration, the customer is a person and nothing linked is left out."""
    script = (files("quivive.simulation") / "sql" / f"{company}.sql").read_text(encoding="utf-8")
    name = pg18.create_database(schema=script)
    proposal = _propose(pg18.dsn(name))
    kinds = {p.table.name: p.table.kind for p in proposal.tables}
    assert kinds["public.customer"] is TableKind.PERSON
    assert sum(kind is TableKind.LINKED for kind in kinds.values()) >= 2
