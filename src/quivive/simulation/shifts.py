"""An agent's time: ordinary work according to the team, and misbehaviour between two quiet spells.

Called by `demo.py`, one task an agent. Must never end because an application failed: the agent waits and goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from quivive.simulation.campaign import dial_next
from quivive.simulation.cases import work_on_ticket
from quivive.simulation.centre import (
    DESK_ERRORS,
    FIRST_MISCONDUCT_S,
    ORDINARY_SPELL_S,
    QUIET_S,
    RETRY_S,
    Centre,
)
from quivive.simulation.misbehaviour import hiding, identified_share, misbehave
from quivive.simulation.scripts import SCRIPTS
from quivive.simulation.staff import Agent, Conduct, Work

_LOUD: Final = frozenset({Conduct.OPENS_WITHOUT_CALL, Conduct.READS_ANOTHER_CONTROLLER, Conduct.SEARCHES_WILDCARD})


async def shift(centre: Centre, agent: Agent) -> None:
    """Work until cancelled."""
    if agent.conduct in _LOUD:
        await asyncio.sleep(centre.chance.uniform(*FIRST_MISCONDUCT_S))
        while True:
            await _attempt(centre, misbehave, agent)
            await asyncio.sleep(QUIET_S)
            await _spell(centre, agent)
            await asyncio.sleep(QUIET_S)
    await asyncio.sleep(centre.chance.uniform(0, 4))
    while True:
        await _attempt(centre, _next_piece, agent)


async def _spell(centre: Centre, agent: Agent) -> None:
    until = asyncio.get_running_loop().time() + ORDINARY_SPELL_S
    while asyncio.get_running_loop().time() < until:
        await _attempt(centre, _next_piece, agent)


async def _next_piece(centre: Centre, agent: Agent) -> None:
    """One call, one member of a campaign or one ticket, and the pause before it."""
    if agent.work is Work.CASES:
        await centre.think(2.0, 8.0)
        await work_on_ticket(centre, agent)
    elif agent.work is Work.CAMPAIGN:
        await centre.think(0.5, 4.0)
        await dial_next(centre, agent)
    else:
        script = SCRIPTS[agent.controllers[0]]
        if agent.conduct is Conduct.HIDES_IN_UNIDENTIFIED:
            script = hiding(script)
        if agent.conduct is Conduct.ORDINARY and await centre.idle(agent, script):
            return
        await centre.think(0.3, 1.0)
        await centre.take_inbound(agent, script, identified=identified_share(agent))


async def _attempt(centre: Centre, work: Callable[[Centre, Agent], Awaitable[None]], agent: Agent) -> None:
    try:
        await work(centre, agent)
    except DESK_ERRORS:
        centre.counts["failures"] += 1
        await asyncio.sleep(RETRY_S)
