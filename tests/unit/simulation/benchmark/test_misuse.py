"""Each scenario does what its story says, as often as it is told."""

from dataclasses import replace

import numpy as np
import pytest

from quivive.model.clock import SECOND_US
from quivive.simulation.benchmark.centre import CUSTOMERS, build_centre
from quivive.simulation.benchmark.generate import Options, ordinary_work
from quivive.simulation.benchmark.misuse import SCENARIOS, Plan, plan_misuse

DAYS = 10


@pytest.fixture(scope="module")
def work():
    """Ten days of two companies; somebody leaves during them."""
    options = Options(seed=0, days=DAYS, agents=44, controllers=3)
    for seed in range(1, 60):
        chance = np.random.default_rng((seed, 1))
        centre = build_centre(chance, days=DAYS, agents=options.agents, companies=options.controllers, identity=None)
        if any(agent.last_day < DAYS - 2 for agent in centre.agents):
            return ordinary_work(replace(options, seed=seed))
    raise AssertionError("nobody leaves in sixty centres")


def misuse(work, scenario, mode, per_day=8):
    """One plan over all ten days."""
    plan = Plan(scenario=scenario, per_day=per_day, mode=mode, from_day=0, days=DAYS)
    return plan_misuse(work, plan, 1, np.random.default_rng(3))


@pytest.mark.parametrize(("scenario", "mode"), SCENARIOS)
def test_every_scenario_can_be_acted(work, scenario, mode):
    """It has a campaign, accesses of that campaign alone, and no reason written on any of them."""
    made = misuse(work, scenario, mode)
    names = {campaign.id for campaign in made.campaigns}
    assert made.accesses
    assert {access.campaign for access in made.accesses} == names
    assert {access.why for access in made.accesses} == {""}


def test_idle_looks_happen_between_calls(work):
    """Eight a worked day, outside the agent's calls."""
    made = misuse(work, 1, "idle")
    agent = made.accesses[0].agent
    assert len(made.accesses) == 8 * len(agent.shifts)
    free = [work.gap_at(agent, access.at, SECOND_US) for access in made.accesses]
    assert np.mean(free) > 0.95


def test_hidden_looks_happen_in_calls_whose_caller_is_not_known(work):
    """And one each as long as there are calls enough."""
    made = misuse(work, 25, "hidden")
    agent = made.accesses[0].agent
    unknown = [call for call in work.calls[agent.number] if not call.known]
    inside = [any(c.instants["offered_at"] <= a.at <= c.instants["ended_at"] for c in unknown) for a in made.accesses]
    assert np.mean(inside) > 0.95


def test_laundering_makes_up_a_contact_for_each_record(work):
    """A ticket of one's own closed in seconds; a call from one telephone."""
    tickets = misuse(work, 26, "tickets")
    assert len(tickets.contacts) == len(tickets.accesses)
    assert all(ticket.self_made for ticket in tickets.contacts)
    calls = misuse(work, 24, "calls")
    assert len({call.phone for call in calls.contacts}) == 1


def test_a_ring_opens_the_same_records(work):
    """Two agents or three."""
    made = misuse(work, 23, "idle")
    by_agent = {}
    for access in made.accesses:
        by_agent.setdefault(access.agent.number, set()).update(access.records)
    assert len(by_agent) > 1
    assert set.intersection(*by_agent.values())


def test_previews_are_looked_at_and_not_dialled(work):
    """No offer in the contact."""
    assert all("offered_at" not in contact.instants for contact in misuse(work, 27, "preview").contacts)


def test_the_canary_is_a_record_no_work_needs(work):
    """After the last customer."""
    numbers = [int(record[9:]) for access in misuse(work, 32, "idle").accesses for record in access.records]
    assert max(numbers) > CUSTOMERS
    ordinary = [int(r[9:]) for access in work.accesses for r in access.records if r.startswith("customer:")]
    assert max(ordinary) <= CUSTOMERS


def test_an_account_is_used_after_its_holder_left(work):
    """Not before."""
    made = misuse(work, 21, "left")
    agent = made.accesses[0].agent
    assert min(access.at for access in made.accesses) >= work.centre.calendar.at(agent.last_day, 0)


def test_an_unknown_scenario_is_refused(work):
    """Before anything is made."""
    with pytest.raises(ValueError, match="scenario 40"):
        misuse(work, 40, "idle")
