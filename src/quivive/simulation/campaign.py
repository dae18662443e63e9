"""Séréni's outbound campaign: preview, dial, talk, note the outcome; now and then promise a callback and keep it.

Used by the agents of `centre.py`.
"""

import asyncio
from typing import Final

from quivive.model.clock import SECOND_US, now_us
from quivive.simulation.centre import Centre
from quivive.simulation.contacts import Call, Leg, callback_row
from quivive.simulation.schema import CALLED_EVERY, RESERVED
from quivive.simulation.staff import Agent

NO_ANSWER: Final = 0.35
PROMISED: Final = 0.15
CALLBACK_IN_S: Final = 35
"""Seconds until a promised callback; hours in life."""
CAMPAIGN: Final = "RENOUV"


async def dial_next(centre: Centre, agent: Agent) -> None:
    """One member of the campaign, from the preview to the outcome."""
    customer = centre.chance.randrange(RESERVED // CALLED_EVERY + 1, centre.customers["sereni"] // CALLED_EVERY)
    customer *= CALLED_EVERY
    answered = await _call(centre, agent, customer, preview="preview")
    if answered and centre.chance.random() < PROMISED:
        await _keep_promise(centre, agent, customer)


async def _call(centre: Centre, agent: Agent, customer: int, *, preview: str) -> bool:
    previewed = now_us()
    call = centre.new_call(agent, "sereni", customer, {"records": [f"customer:{customer}"]})
    call.direction, call.campaign, call.preview_at = "outbound", CAMPAIGN, previewed
    try:
        await centre.open(agent, "sereni", preview, customer, contact=call.id)
        await centre.think(1.5, 3.5)
        call.offered_at = now_us()
        call.legs = [Leg(login=agent.logins["telephony"], from_at=previewed)]
        centre.send_call(call, previewed)
        await centre.think(1.5, 4.0)
        answered = centre.chance.random() >= NO_ANSWER
        if answered:
            call.started_at = now_us()
            await _talk(centre, agent, call)
        centre.hang_up(call)
        await centre.think(0.4, 1.2)
        outcome = "joint" if answered else "sans réponse"
        await centre.open(agent, "sereni", "outcome", outcome, customer, contact=call.id)
    finally:
        if not call.ended_at:
            centre.hang_up(call)
        call.wrapped_at = now_us()
        centre.send_call(call, call.ended_at)
    return answered


async def _talk(centre: Centre, agent: Agent, call: Call) -> None:
    over = asyncio.get_running_loop().time() + centre.service_s()
    for step in ("card", *centre.chance.sample(("policies", "claims"), centre.chance.randint(1, 2))):
        await centre.open(agent, "sereni", step, call.customer, contact=call.id)
        await centre.think()
    if centre.chance.random() < 0.1:
        await centre.open(agent, "sereni", "campaigns", contact=call.id)
    await asyncio.sleep(max(0.2, over - asyncio.get_running_loop().time()))


async def _keep_promise(centre: Centre, agent: Agent, customer: int) -> None:
    """A callback is due: the file is read beforehand, then the customer is called, or only left a message."""
    now = now_us()
    centre.counts["callbacks"] += 1
    centre.telephony.deliver(
        callback_row(
            native_id=centre.reference("R"),
            controller="sereni",
            team=agent.team,
            login=agent.logins["telephony"],
            customer=customer,
            opened_at=now,
            due_at=now + CALLBACK_IN_S * SECOND_US,
        ),
        covers_from=now,
    )
    await asyncio.sleep(CALLBACK_IN_S - 6)
    for step in ("card", "policies"):
        await centre.open(agent, "sereni", step, customer)
        await centre.think()
    if centre.chance.random() < 0.5:
        await _call(centre, agent, customer, preview="card")
