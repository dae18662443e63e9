"""Claims on what telephony knows: the same numbers as in the seeded customer files."""

import random

import pytest

from quivive.simulation.schema import companies
from quivive.simulation.scripts import customer_number, mercato_identity, phone_of
from quivive.simulation.seeding import SEED


@pytest.mark.parametrize("company", companies(0.05), ids=lambda c: c.id)
def test_phone_and_number_are_those_of_the_file(company):
    """Derived without the database, equal to what the database holds."""
    table = next(t for t in company.rows(SEED + company.slot) if t.name == "customer")
    rows = dict(zip(table.columns, table.values, strict=True))
    for customer in (1, 60, company.customers):
        assert rows["phone"][customer - 1] == phone_of(company.id, customer)
        assert rows["customer_number"][customer - 1] == customer_number(company.id, customer)


def test_the_shop_identifies_by_phone_number_or_order():
    """All three ways occur."""

    class Centre:
        chance = random.Random(2)

    found = [mercato_identity(Centre(), 77) for _ in range(60)]
    kinds = {row["identities"][0]["kind"] if "identities" in row else "phone" for row in found}
    assert kinds == {"phone", "customer_number", "order_number"}
