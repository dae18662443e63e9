"""What each team does in a call: statements of its application, lines of its CRM's log.

Used by the agents of `centre.py`. Must never touch a record that the call is not about (that is `misbehaviour.py`).
"""

from collections.abc import Callable
from typing import Any, Final

from quivive.model.clock import now_us
from quivive.simulation.centre import Centre, Script
from quivive.simulation.contacts import Call
from quivive.simulation.crm_log import access_row
from quivive.simulation.people import FIRST_NAMES, LAST_NAMES, fiction_phone, national_phone, phone_offset
from quivive.simulation.seeding import SEED
from quivive.simulation.staff import Agent

_NUMBER_LETTERS: Final = {"aurore": "AE", "mercato": "MC", "sereni": "SE"}
_SLOTS: Final = {"aurore": 1, "mercato": 2, "sereni": 3}
_NATIONAL: Final = ("aurore", "sereni")


RELATIVES: Final = 0.6
"""Share of calls about a household of two in which the other one is looked up, once both are known."""


def phone_of(controller: str, customer: int) -> str:
    """Telephone number that the seeded customer file holds for a customer."""
    number = phone_offset(SEED + _SLOTS[controller]) + customer - 1
    return (national_phone if controller in _NATIONAL else fiction_phone)(number)


def customer_number(controller: str, customer: int) -> str:
    """Customer number in the seeded file."""
    return f"{_NUMBER_LETTERS[controller]}{customer:06d}"


def by_phone_or_number(controller: str) -> Callable[[Centre, int], dict[str, Any]]:
    """Telephony knows the number that calls, or the customer number typed at the voice menu."""

    def identity(centre: Centre, customer: int) -> dict[str, Any]:
        if centre.chance.random() < 0.6:
            return {"phone": phone_of(controller, customer)}
        number = customer_number(controller, customer)
        return {"identities": [{"kind": "customer_number", "value": number}]}

    return identity


# --- Aurore Énergie: assistance


async def aurore_talk(centre: Centre, agent: Agent, call: Call) -> None:
    """Find the customer, then look at what the call is about."""
    customer, contact = call.customer, call.id
    if "phone" in call.identity:
        await centre.open(agent, "aurore", "popup", call.identity["phone"], contact=contact)
    elif call.identified or centre.chance.random() < 0.6:
        await centre.open(agent, "aurore", "by_number", customer_number("aurore", customer), contact=contact)
    else:
        customer = call.customer = await _found_by_name(centre, agent, call)
    await centre.think()
    await centre.open(agent, "aurore", "card", customer, contact=contact)
    steps = centre.chance.sample(("contracts", "meters", "invoices"), centre.chance.randint(1, 3))
    for step in steps:
        await centre.think()
        await centre.open(agent, "aurore", step, customer, contact=contact)
    if call.identified and centre.relative_known(call.controller, customer) and centre.chance.random() < RELATIVES:
        await centre.open(agent, "aurore", "household", customer, contact=contact)
    if centre.chance.random() < 0.2:
        await centre.open(agent, "aurore", "offers", contact=contact)


async def _found_by_name(centre: Centre, agent: Agent, call: Call) -> int:
    """The caller says a name: the agent searches, and picks among the few who bear it."""
    # names from D on are also those of the customers reserved for visitors
    last = centre.chance.choice([name for name in LAST_NAMES if name < "D"]).lower()
    first = centre.chance.choice(FIRST_NAMES).lower()
    rows = await centre.open(agent, "aurore", "search", last, first, contact=call.id)
    return int(centre.chance.choice(rows)[0]) if rows else call.customer


async def aurore_wrap_up(centre: Centre, agent: Agent, call: Call) -> None:
    """Note the reason of the call; now and then correct an e-mail address."""
    reason = centre.chance.choice(("FACTURE", "RELEVE", "CONTRAT"))
    await centre.open(agent, "aurore", "note", call.customer, reason, contact=call.id)
    if centre.chance.random() < 0.2:
        address = f"client{call.customer}@courriel.invalid"
        await centre.open(agent, "aurore", "email", call.customer, address, contact=call.id)


# --- Mercato: order tracking


def mercato_identity(centre: Centre, customer: int) -> dict[str, Any]:
    """The web shop's voice menu also asks for the order number."""
    if centre.chance.random() < 0.2:
        return {"identities": [{"kind": "order_number", "value": f"CMD-{customer:06d}"}]}
    return by_phone_or_number("mercato")(centre, customer)


async def mercato_talk(centre: Centre, agent: Agent, call: Call) -> None:
    """Open the customer and the orders, follow one of them."""
    customer, contact = call.customer, call.id
    if "phone" in call.identity:
        await centre.open(agent, "mercato", "popup", call.identity["phone"], contact=contact)
    elif call.identified or centre.chance.random() < 0.5:
        await centre.open(agent, "mercato", "by_number", customer_number("mercato", customer), contact=contact)
    else:
        await centre.open(agent, "mercato", "by_order", f"CMD-{customer:06d}", contact=contact)
    await centre.think()
    card = await centre.open(agent, "mercato", "card", customer, contact=contact)
    await centre.think()
    orders = await centre.open(agent, "mercato", "orders", customer, contact=contact)
    order, number = centre.chance.choice(orders)[:2]
    await centre.think()
    await centre.open(agent, "mercato", "tracking", number, contact=contact)
    for step in centre.chance.sample(("lines", "invoice", "address"), centre.chance.randint(0, 2)):
        await centre.think()
        await centre.open(agent, "mercato", step, customer if step == "address" else order, contact=contact)
    if call.identified and centre.relative_known(call.controller, customer) and centre.chance.random() < RELATIVES:
        await centre.open(agent, "mercato", "household", card[0][5], contact=contact)
    if centre.chance.random() < 0.1:
        await centre.open(agent, "mercato", "statuses", contact=contact)


async def mercato_wrap_up(centre: Centre, agent: Agent, call: Call) -> None:
    """Move the parcel on, or change the newsletter's choice."""
    if centre.chance.random() < 0.7:
        await centre.open(agent, "mercato", "parcel", "réexpédition demandée", call.customer, contact=call.id)
    else:
        await centre.open(agent, "mercato", "newsletter", call.customer, contact=call.id)


# --- Cap Voyage: bookings, seen only through the CRM's log


def voyage_identity(centre: Centre, customer: int) -> dict[str, Any]:
    """The booking desk's telephony hands the customer's record over to the CRM."""
    del centre
    return {"records": [f"customer:{customer}"]}


async def voyage_talk(centre: Centre, agent: Agent, call: Call) -> None:
    """Open the customer, then a booking or two."""
    voyage_open(centre, agent, call, "read")
    for _ in range(centre.chance.randint(1, 2)):
        await centre.think()
        voyage_open(centre, agent, call, "read", booking=call.customer * 3 + centre.chance.randint(0, 2))


async def voyage_wrap_up(centre: Centre, agent: Agent, call: Call) -> None:
    """Change the booking."""
    await centre.think(0.2, 0.5)
    voyage_open(centre, agent, call, "update", booking=call.customer * 3)


def voyage_open(centre: Centre, agent: Agent, call: Call, action: str, booking: int = 0) -> None:
    """Let the CRM log that the agent opened a record."""
    centre.counts["log_lines"] += 1
    centre.log.write(
        access_row(
            native_id=centre.reference("V"),
            at=now_us(),
            agent=agent.crm,
            contact=call.id,
            action=action,
            customer=call.customer,
            booking=booking,
        )
    )


SCRIPTS: Final = {
    "aurore": Script(identity=by_phone_or_number("aurore"), talk=aurore_talk, wrap_up=aurore_wrap_up),
    "mercato": Script(identity=mercato_identity, talk=mercato_talk, wrap_up=mercato_wrap_up),
    "voyage": Script(identity=voyage_identity, talk=voyage_talk, wrap_up=voyage_wrap_up),
}
