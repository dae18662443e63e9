"""The back office: tickets that the helpdesk assigns, worked on without any call.

Used by the agents of `centre.py`.
"""

from typing import Final

from quivive.model.clock import HOUR_US, MINUTE_US, now_us
from quivive.simulation.centre import Centre
from quivive.simulation.contacts import Ticket
from quivive.simulation.staff import Agent

STEPS: Final = {
    "aurore": ("card", "contracts", "meters", "invoices"),
    "mercato": ("card", "orders", "address", "lines", "invoice"),
}


async def work_on_ticket(centre: Centre, agent: Agent) -> None:
    """One ticket: assigned, read into, touched, closed."""
    controller = agent.controllers[0]
    customer, now = centre.a_customer(controller), now_us()
    centre.counts["tickets"] += 1
    ticket = Ticket(
        id=centre.reference("T"),
        controller=controller,
        team=agent.team,
        login=agent.logins["helpdesk"],
        customer=customer,
        opened_at=now - int(centre.chance.uniform(10 * MINUTE_US, 3 * HOUR_US)),
        assigned_at=now,
    )
    centre.helpdesk.deliver(ticket.row(), covers_from=now)
    await centre.think(1.0, 3.0)
    try:
        steps = STEPS[controller]
        for step in steps[: centre.chance.randint(2, len(steps))]:
            # in Mercato's file, order n belongs to customer n
            await centre.open(agent, controller, step, customer, contact=ticket.id)
            await centre.think(1.0, 4.0)
        ticket.touched_at = now_us()
        centre.helpdesk.deliver(ticket.row(), covers_from=ticket.touched_at)
        await centre.think(1.0, 3.0)
        if controller == "mercato":
            await centre.open(agent, "mercato", "parcel", "retour enregistré", customer, contact=ticket.id)
        else:
            await centre.open(agent, "aurore", "note", customer, "DOSSIER", contact=ticket.id)
    finally:
        ticket.touched_at = ticket.closed_at = now_us()
        centre.helpdesk.deliver(ticket.row(), covers_from=ticket.closed_at)
