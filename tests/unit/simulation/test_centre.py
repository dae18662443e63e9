"""Claims on the centre's own rules: whom it calls, what it never touches, what it knows of relatives."""

import asyncio
import random

from quivive.simulation.centre import REGULARS, SERVICE_MAX_S, SERVICE_MIN_S, Centre
from quivive.simulation.schema import RESERVED, companies, relative_of


class Desk:
    async def run(self, name, *values, agent, contact=""):
        return []


class Agent:
    crm = "lil-001"


def centre():
    return Centre(
        desks={"mercato": Desk()}, telephony=None, helpdesk=None, log=None,
        customers={"mercato": 900}, run="4", chance=random.Random(2),
    )  # fmt: skip


def test_reserved_customers_are_left_alone():
    """Nobody but visitors opens customers 1 to 50; regulars come back."""
    drawn = [centre_.a_customer("mercato") for centre_ in [centre()] for _ in range(2_000)]
    assert min(drawn) > RESERVED
    assert max(drawn) <= 900
    regular = sum(customer <= RESERVED + REGULARS for customer in drawn)
    assert 0.2 < regular / len(drawn) < 0.4


def test_references_carry_the_run():
    """Two starts never give the same reference, and none holds nine digits in a row."""
    room = centre()
    assert [room.reference("A"), room.reference("A"), room.reference("T")] == ["A4-00001", "A4-00002", "T4-00001"]


def test_service_times_are_bounded():
    """Log-normal as measured, cut at both ends."""
    room = centre()
    times = [room.service_s() for _ in range(2_000)]
    assert min(times) >= SERVICE_MIN_S
    assert max(times) <= SERVICE_MAX_S
    assert 6 < sorted(times)[1_000] < 11


def test_a_relative_is_known_only_after_both_were_shown(monkeypatch):
    """The tie of a household must be older than the access that it explains."""
    monkeypatch.setattr("quivive.simulation.centre.TIE_AGE_S", 0.02)
    room = centre()

    async def run():
        assert not room.relative_known("mercato", 70)
        await room.open(Agent, "mercato", "card", 71)
        assert not room.relative_known("mercato", 70)
        await asyncio.sleep(0.03)
        assert room.relative_known("mercato", 70)

    asyncio.run(run())


def test_relatives_are_those_of_the_file():
    """Two customers of one household, in the seeded rows."""
    for company in companies(0.02)[:2]:
        table = next(t for t in company.rows(1) if t.name == "customer")
        homes = dict(zip(table.values[0], table.values[table.columns.index("household_id")], strict=True))
        for customer in range(RESERVED + 3, company.customers - 1):
            relative = relative_of(customer)
            assert not relative or homes[relative] == homes[customer]
