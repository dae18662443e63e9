"""Claims on misbehaviour: what each does and, for the hider, when."""

import asyncio
from collections import Counter

from quivive.simulation.misbehaviour import FILES_OPENED, hiding, identified_share, misbehave
from quivive.simulation.schema import RESERVED
from quivive.simulation.scripts import SCRIPTS
from quivive.simulation.staff import Conduct, staff


def agent_who(conduct):
    return next(agent for agent in staff() if agent.conduct is conduct)


def test_opening_without_a_call_names_no_contact_and_spares_the_reserved(centre):
    """8 to 20 files, each under the agent's own login."""
    agent = agent_who(Conduct.OPENS_WITHOUT_CALL)
    asyncio.run(misbehave(centre, agent))
    asked = centre.desks["aurore"].asked
    assert FILES_OPENED[0] <= len(asked) <= FILES_OPENED[1]
    assert all(values[0] > RESERVED and login == agent.crm and not contact for _, values, login, contact in asked)


def test_another_controller_and_a_wildcard(centre):
    """The one reads the insurer only, the other searches by one letter only."""
    asyncio.run(misbehave(centre, agent_who(Conduct.READS_ANOTHER_CONTROLLER)))
    assert Counter(name for name, *_ in centre.desks["sereni"].asked)["card"] >= 4
    assert centre.desks["mercato"].asked == []
    asyncio.run(misbehave(centre, agent_who(Conduct.SEARCHES_WILDCARD)))
    ((name, (pattern,), _, _),) = centre.desks["mercato"].asked
    assert name == "wildcard"
    assert pattern.endswith("%")
    assert pattern[0] < "d"


def test_the_hider_reads_more_only_when_the_caller_is_unknown(centre):
    """Identified calls are ordinary; unidentified ones show further customers."""
    agent = agent_who(Conduct.HIDES_IN_UNIDENTIFIED)
    script = hiding(SCRIPTS["aurore"])
    opened = {}
    for identity in ({}, {"phone": "01 99 00 00 01"}):
        centre.desks["aurore"].asked.clear()
        call = centre.new_call(agent, "aurore", 99, identity)
        asyncio.run(script.talk(centre, agent, call))
        opened[bool(identity)] = sum(name == "open" for name, *_ in centre.desks["aurore"].asked)
    assert opened[False] >= 2
    assert opened[True] == 0
    assert identified_share(agent) < identified_share(staff()[0])
