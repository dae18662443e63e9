"""Claims on the back office: a ticket is assigned before its customer is opened, touched, closed."""

import asyncio

import pytest

from quivive.simulation.cases import work_on_ticket
from quivive.simulation.staff import Work, staff

AGENTS = [agent for agent in staff() if agent.work is Work.CASES]


@pytest.mark.parametrize("agent", AGENTS[:1] + AGENTS[-1:], ids=lambda a: a.team)
def test_a_ticket_from_assignment_to_closing(centre, agent):
    """Three versions of one ticket; every statement concerns its customer and states the ticket."""
    asyncio.run(work_on_ticket(centre, agent))
    versions = centre.helpdesk.rows
    assert [row["version"] for row in versions] == [1, 2, 3]
    assert versions[0]["agent"] == agent.logins["helpdesk"]
    assert "closed_at" in versions[2]
    assert "touched_at" not in versions[0]
    customer = int(versions[0]["records"][0].removeprefix("customer:"))
    asked = centre.desks[agent.controllers[0]].asked
    assert len(asked) >= 3
    assert all(customer in values and contact == versions[0]["id"] for _, values, _, contact in asked)


def test_a_failing_application_leaves_no_open_ticket(centre):
    """The helpdesk hears of the end also when the database went away."""
    centre.desks["aurore"].fail = TimeoutError()
    with pytest.raises(TimeoutError):
        asyncio.run(work_on_ticket(centre, AGENTS[0]))
    assert "closed_at" in centre.helpdesk.rows[-1]
