"""The invented centre works on its own databases, without the product: every statement of every script is right."""

import asyncio
import random
from collections import Counter

import pytest

from quivive.simulation import shifts
from quivive.simulation.applications import AuroreDesk, MercatoDesk, SereniDesk
from quivive.simulation.centre import Centre
from quivive.simulation.crm_log import AccessLog
from quivive.simulation.database import PostgresServer, wheel_programs
from quivive.simulation.feeds import Delay, Feed
from quivive.simulation.schema import companies
from quivive.simulation.seeding import Passwords, application_role, seed_all, seeded
from quivive.simulation.staff import Conduct, Work, staff

pytestmark = pytest.mark.integration


NOUNS = (
    "calls",
    "tickets",
    "callbacks",
    "statements",
    "log_lines",
    *(f"misconduct.{c}" for c in Conduct if c != "ordinary"),
)


class RecordingFeed(Feed):
    """A feed that keeps its rows instead of sending them."""

    def __init__(self):
        super().__init__(None, Delay(usual=1, most=2), random.Random(1))
        self.rows = []

    def deliver(self, row, *, covers_from):
        """Keep the row."""
        assert covers_from > 0
        self._expected.pop(row["id"], None)
        self.rows.append(row)


@pytest.fixture(scope="module")
def seeded_server(tmp_path_factory):
    server = PostgresServer(folder=tmp_path_factory.mktemp("centre"), programs=wheel_programs(), password="secret")
    server.start()
    try:
        small = companies(0.05)
        seed_all(server.dsn, small, {c.id: Passwords(application="app", links="links") for c in small}, lambda _: None)
        assert seeded(server.dsn, small)
        yield server, small
    finally:
        server.destroy()


@pytest.fixture
def quick(monkeypatch):
    """The same work without the pauses of people who read."""

    async def no_pause(self, low=0.0, high=0.0):
        await asyncio.sleep(0)

    monkeypatch.setattr(Centre, "think", no_pause)
    monkeypatch.setattr(Centre, "service_s", lambda self: 0.0)
    monkeypatch.setattr("quivive.simulation.centre.GAP_MEAN_S", 0.01)
    monkeypatch.setattr("quivive.simulation.campaign.CALLBACK_IN_S", 6)
    monkeypatch.setattr(shifts, "FIRST_MISCONDUCT_S", (0.0, 0.1))
    monkeypatch.setattr(shifts, "QUIET_S", 0.2)
    monkeypatch.setattr(shifts, "ORDINARY_SPELL_S", 0.5)


def test_every_kind_of_work_succeeds(seeded_server, quick, tmp_path):
    """Assistance, tracking, campaign, bookings, tickets and each misconduct run without one failed statement."""
    server, small = seeded_server

    async def work() -> tuple[Counter, RecordingFeed, RecordingFeed]:
        telephony, helpdesk = RecordingFeed(), RecordingFeed()
        dsn = {c.id: server.dsn(c.id, user=application_role(c.id), password="app") for c in small}
        desks = {
            "aurore": AuroreDesk(dsn["aurore"]),
            "mercato": MercatoDesk(dsn["mercato"]),
            "sereni": SereniDesk(dsn["sereni"]),
        }
        for desk in desks.values():
            await desk.open()
        centre = Centre(
            desks=desks,
            telephony=telephony,
            helpdesk=helpdesk,
            log=AccessLog(tmp_path / "voyage.ndjson"),
            customers={**{c.id: c.customers for c in small}, "voyage": 900},
            run="1",
            chance=random.Random(5),
        )
        # one or two of each work, and everyone who misbehaves
        chosen = [a for n, a in enumerate(staff()) if a.conduct != "ordinary" or n % 7 == 0]
        assert {a.work for a in chosen} == set(Work)
        tasks = [asyncio.create_task(shifts.shift(centre, agent)) for agent in chosen]
        for _ in range(1_200):
            await asyncio.sleep(0.1)
            if all(centre.counts[noun] for noun in NOUNS) and centre.counts["callbacks"]:
                break
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(r, asyncio.CancelledError) for r in results), results
        for desk in desks.values():
            await desk.close()
        return centre.counts, telephony, helpdesk

    counts, telephony, helpdesk = asyncio.run(work())
    assert counts["failures"] == 0, counts
    assert all(counts[noun] > 0 for noun in NOUNS), counts
    assert (tmp_path / "voyage.ndjson").read_text().count("\n") == counts["log_lines"]
    kinds = Counter(row["kind"] for row in telephony.rows + helpdesk.rows)
    assert set(kinds) == {"call", "ticket", "callback"}, kinds
