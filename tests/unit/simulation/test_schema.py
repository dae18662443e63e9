"""Claims on the companies' rows: whole, consistent, deterministic."""

import pytest

from quivive.simulation.configuration import CATALOGUES, NOT_PROTECTED
from quivive.simulation.schema import RESERVED, companies

COMPANIES = companies(0.05)


@pytest.mark.parametrize("company", COMPANIES, ids=lambda c: c.id)
def test_references_point_to_rows(company):
    """Each declared path of the catalogue leads to an existing row, and keys are unique."""
    tables = {t.name: dict(zip(t.columns, t.values, strict=True)) for t in company.rows(1)}
    for declared in CATALOGUES[company.id]:
        if declared.table not in tables:
            assert declared.table == "note"  # filled by the agents
            continue
        rows = tables[declared.table]
        keys = list(zip(*(rows[c] for c in declared.key), strict=True))
        assert len(set(keys)) == len(keys)
        if declared.path:
            column, target = declared.path
            assert set(rows[column]) <= set(tables[target]["id"])


@pytest.mark.parametrize("company", COMPANIES, ids=lambda c: c.id)
def test_every_created_table_is_declared(company):
    """No table of the DDL is missing from the catalogue: unmapped tables would never count as explained."""
    created = {line.split()[2] for line in company.ddl[0].split("\n") if line.startswith("CREATE TABLE")}
    assert created == {d.table for d in CATALOGUES[company.id]} | set(NOT_PROTECTED[company.id])


def test_order_n_belongs_to_customer_n():
    """The scripts name orders by their customer; the reserved have exactly one order each."""
    mercato = COMPANIES[1]
    orders = next(t for t in mercato.rows(1) if t.name == "orders")
    owners = orders.values[orders.columns.index("customer_id")]
    assert list(owners[: mercato.customers]) == list(range(1, mercato.customers + 1))
    assert all(owner > RESERVED for owner in owners[mercato.customers :])


def test_rows_are_the_same_each_time_and_safe_for_copy():
    """Same seed, same bytes; no value breaks the COPY text format."""
    for company in COMPANIES:
        for table, again in zip(company.rows(3), company.rows(3), strict=True):
            text = table.copy_text()
            assert text == again.copy_text()
            assert text.count(b"\n") == len(table.values[0])
            assert b"\\" not in text
            assert text.count(b"\t") == len(table.values[0]) * (len(table.columns) - 1)


def test_more_than_fifty_thousand_customers_at_full_size():
    """The demonstration's files are of a realistic size."""
    assert sum(company.customers for company in companies()) >= 50_000
