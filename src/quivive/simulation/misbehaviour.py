"""What the demonstration's agents do that no call, ticket or callback explains.

Called by `shifts.py`. Three are loud and repeat; the fourth hides in calls whose customer telephony does not
know, and shows only in comparison. Must stay harmless: whatever is read is thrown away.
"""

from typing import Final

from quivive.simulation.centre import IDENTIFIED, Centre, Script
from quivive.simulation.contacts import Call
from quivive.simulation.staff import Agent, Conduct

FILES_OPENED: Final = (8, 20)
FILES_OF_ANOTHER: Final = (4, 8)
WILDCARDS: Final = ("a%", "b%", "c%")
"""Searches for everyone whose name begins so; the customers reserved for visitors begin with D or later."""
HIDDEN: Final = (2, 3)
"""Further customers read during one unidentified call."""
HIDER_IDENTIFIED: Final = 0.4
"""The one who hides is glad of calls whose customer is not known."""


async def misbehave(centre: Centre, agent: Agent) -> None:
    """Do once what this agent's conduct says."""
    centre.counts[f"misconduct.{agent.conduct}"] += 1
    match agent.conduct:
        case Conduct.OPENS_WITHOUT_CALL:
            await open_without_call(centre, agent)
        case Conduct.READS_ANOTHER_CONTROLLER:
            await read_another_controller(centre, agent)
        case Conduct.SEARCHES_WILDCARD:
            await search_wildcard(centre, agent)
        case _:
            return


async def open_without_call(centre: Centre, agent: Agent) -> None:
    """Open one customer after another, at the pace of someone who photographs the screen."""
    for _ in range(centre.chance.randint(*FILES_OPENED)):
        await centre.open(agent, "aurore", "card", centre.a_customer("aurore"))
        await centre.think(0.8, 1.6)


async def read_another_controller(centre: Centre, agent: Agent) -> None:
    """Use an account that nobody closed to read an insurer's customers from the web shop's team."""
    for _ in range(centre.chance.randint(*FILES_OF_ANOTHER)):
        customer = centre.a_customer("sereni")
        await centre.open(agent, "sereni", "card", customer)
        await centre.think(0.8, 1.6)
        await centre.open(agent, "sereni", "policies", customer)
        await centre.think(0.8, 1.6)


async def search_wildcard(centre: Centre, agent: Agent) -> None:
    """List everyone whose name begins with one letter."""
    await centre.open(agent, "mercato", "wildcard", centre.chance.choice(WILDCARDS))
    await centre.think(2.0, 4.0)


def hiding(script: Script) -> Script:
    """The team's script, with further customers read in unidentified calls."""

    async def talk(centre: Centre, agent: Agent, call: Call) -> None:
        await script.talk(centre, agent, call)
        if call.identified:
            return
        centre.counts[f"misconduct.{agent.conduct}"] += 1
        for _ in range(centre.chance.randint(*HIDDEN)):
            await centre.think(0.5, 1.5)
            await centre.open(agent, call.controller, "open", centre.a_customer(call.controller), contact=call.id)

    return Script(identity=script.identity, talk=talk, wrap_up=script.wrap_up)


def identified_share(agent: Agent) -> float:
    """Share of an agent's calls whose customer is known."""
    return HIDER_IDENTIFIED if agent.conduct is Conduct.HIDES_IN_UNIDENTIFIED else IDENTIFIED
