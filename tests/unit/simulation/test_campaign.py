"""Claims on the outbound campaign: preview before dialling, outcome after, promises kept."""

import asyncio

from quivive.simulation import campaign
from quivive.simulation.campaign import dial_next
from quivive.simulation.schema import CALLED_EVERY, RESERVED
from quivive.simulation.staff import Work, staff

AGENT = next(agent for agent in staff() if agent.work is Work.CAMPAIGN)


def test_a_member_is_previewed_dialled_and_noted(centre, monkeypatch):
    """Two versions: dialling, then over; the preview comes first and is told; statements name the call."""
    monkeypatch.setattr(campaign, "PROMISED", 0.0)
    asyncio.run(dial_next(centre, AGENT))
    first, last = centre.telephony.rows
    assert first["campaign"] == "RENOUV"
    assert first["preview_at"] <= first["offered_at"]
    assert "ended_at" not in first
    assert last["wrapped_at"] >= last["ended_at"]
    names = [name for name, *_ in centre.desks["sereni"].asked]
    assert (names[0], names[-1]) == ("preview", "outcome")
    assert {contact for *_, contact in centre.desks["sereni"].asked} == {first["id"]}
    (record,) = first["records"]
    customer = int(record.removeprefix("customer:"))
    assert customer > RESERVED
    assert customer % CALLED_EVERY == 0
    assert centre.telephony.expected == {}


def test_a_promise_is_kept(centre, monkeypatch):
    """A callback row for the same customer, then the file is read without any call of its own."""
    monkeypatch.setattr(campaign, "PROMISED", 1.0)
    monkeypatch.setattr(campaign, "NO_ANSWER", 0.0)
    monkeypatch.setattr(campaign, "CALLBACK_IN_S", 6)
    asyncio.run(dial_next(centre, AGENT))
    (callback,) = (row for row in centre.telephony.rows if row["kind"] == "callback")
    assert callback["records"] == centre.telephony.rows[0]["records"]
    assert callback["due_at"] > callback["opened_at"]
    assert any(name == "card" and not contact for name, _, _, contact in centre.desks["sereni"].asked)
