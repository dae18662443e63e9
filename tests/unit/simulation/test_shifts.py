"""Claims on an agent's time: a failing application never ends it, misbehaviour comes between quiet spells."""

import asyncio

from quivive.simulation import shifts
from quivive.simulation.staff import Conduct, Work, staff


def run_for(work, seconds):
    async def run():
        task = asyncio.create_task(work)
        await asyncio.sleep(seconds)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_an_application_that_fails_is_tried_again(centre, monkeypatch):
    """Failures are counted, telephony hears the end of each call, the agent goes on."""
    monkeypatch.setattr(shifts, "RETRY_S", 0.01)
    monkeypatch.setattr("quivive.simulation.centre.GAP_MEAN_S", 0.01)
    monkeypatch.setattr(centre.chance, "uniform", lambda low, high: 0.0)
    centre.desks["mercato"].fail = ConnectionError()
    agent = next(a for a in staff() if a.work is Work.TRACKING and a.conduct is Conduct.ORDINARY)
    run_for(shifts.shift(centre, agent), 1.5)
    assert centre.counts["failures"] >= 2
    ended = {row["id"] for row in centre.telephony.rows if "ended_at" in row}
    assert len(ended) >= centre.counts["failures"]


def test_misbehaviour_alternates_with_quiet_and_ordinary_spells(centre, monkeypatch):
    """First soon after the start, without any call before it; ordinary calls come after the quiet."""
    monkeypatch.setattr(shifts, "FIRST_MISCONDUCT_S", (0.0, 0.01))
    monkeypatch.setattr(shifts, "QUIET_S", 0.05)
    monkeypatch.setattr(shifts, "ORDINARY_SPELL_S", 0.1)
    agent = next(a for a in staff() if a.conduct is Conduct.OPENS_WITHOUT_CALL)
    run_for(shifts.shift(centre, agent), 1.0)
    asked = centre.desks["aurore"].asked
    assert asked[0][0] == "card"
    assert centre.counts["misconduct.opens_without_call"] >= 1
    assert centre.counts["calls"] >= 1
