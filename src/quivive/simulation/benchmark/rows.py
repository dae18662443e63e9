"""What the centre's systems tell of its work, complete and in time: rows of the API with their truth.

Called by `generate.py` and for a campaign added to work that is already told. `imperfections` spoil the rows
afterwards. Must never tell a system's reader what only the truth knows.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from quivive.model.catalogue import TableKind
from quivive.model.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US, Micros, to_rfc3339
from quivive.simulation.benchmark.centre import (
    COMPANY_IDS,
    CUSTOMERS,
    EMPLOYER,
    NEWCOMER_DAYS,
    TIMEZONE,
    Agent,
    Centre,
)
from quivive.simulation.benchmark.feed import (
    FORMAT,
    VERSION,
    FeedController,
    FeedMeta,
    FeedRow,
    FeedSource,
    FeedTable,
    Label,
    LabelledFeed,
)
from quivive.simulation.benchmark.work import Access, Contact, Work, household
from quivive.simulation.people import MAX_PHONES, fiction_phone

HEARTBEAT_EVERY_US: Final = 30 * MINUTE_US
CONTACT_SOURCES: Final = ("telephony", "helpdesk", "dialler")
LATENESS_S: Final = {"telephony": 7_200, "helpdesk": 1_800, "dialler": 1_800}
"""A call is told at its end (a call detail record), so telephony is complete only after its longest call."""
DELAY_S: Final = {"telephony": (1.0, 20.0), "helpdesk": (5.0, 120.0), "dialler": (5.0, 60.0)}
CANARIES: Final = 3
"""Records after the last customer that no work ever needs, in each company."""
INFORMED_DAYS_AGO: Final = 60


@dataclass(slots=True, kw_only=True)
class Told:
    """Rows and labels of some work, before they are a feed."""

    contacts: list[FeedRow] = field(default_factory=list)
    accesses: list[FeedRow] = field(default_factory=list)
    links: list[FeedRow] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)


def customer_phone(company: str, customer: int) -> str:
    """Telephone number of a customer: companies share the numbers reserved for fiction as long as there are any."""
    return fiction_phone((COMPANY_IDS.index(company) * CUSTOMERS + customer - 1) % MAX_PHONES)


def text(at: int) -> str:
    """An instant as rows write it."""
    return to_rfc3339(Micros(at))


def feed_of(work: Work, parameters: dict[str, Any], chance: np.random.Generator) -> LabelledFeed:
    """Tell everything: the feed as perfect systems give it."""
    centre = work.centre
    told = tell(work, work.contacts, work.accesses, chance, prefix="A")
    people = sorted(centre.agents, key=lambda agent: agent.number)
    feed = LabelledFeed(meta=_meta(centre, parameters), labels=told.labels)
    feed.rows = {
        "directory": [row for agent in people for row in _directory_rows(centre, agent)],
        "roster": [row for agent in people for row in _roster_rows(agent)],
        "links": told.links,
        "contacts": told.contacts,
        "accesses": told.accesses,
        "heartbeats": list(_heartbeats(centre)),
    }
    return feed


def tell(
    work: Work,
    contacts: Iterable[Contact],
    accesses: Iterable[Access],
    chance: np.random.Generator,
    *,
    prefix: str,
) -> Told:
    """Rows of these contacts and accesses; `prefix` keeps the ids of a campaign apart from the ordinary ones."""
    told = Told()
    seen: set[tuple[str, int]] = set()
    for contact in sorted(contacts, key=lambda c: c.id):
        told.contacts += _contact_rows(contact, chance)
        if contact.customer:
            seen.add((contact.company, contact.customer))
    ordered = sorted(accesses, key=lambda a: (a.at, a.agent.number, a.records))
    delays = chance.uniform(0.2, 2.0, len(ordered))
    for number, (access, delay) in enumerate(zip(ordered, delays.tolist(), strict=True), start=1):
        native, source = f"{prefix}-{number}", f"crm-{access.company}"
        value = _access_value(access, native)
        told.accesses.append(FeedRow(access.at + int(delay * SECOND_US), source, value))
        told.labels.append(_label(access, source, native))
        for record in access.records if access.action != "list" else ():
            if record.startswith("customer:"):
                seen.add((access.company, int(record[9:])))
    start = work.centre.calendar.at(0, 0) - DAY_US
    told.links = [row for company, customer in sorted(seen) for row in _links(company, customer, start)]
    return told


def _label(access: Access, source: str, native: str) -> Label:
    if access.campaign:
        return Label(source=source, access=native, campaign=access.campaign)
    return Label(source=source, access=native, why=access.why, contacts=list(access.contacts))


def _meta(centre: Centre, parameters: dict[str, Any]) -> FeedMeta:
    ids = [company.id for company in centre.companies]
    sources = [
        FeedSource(name="people", kind="directory", namespace="hr", controllers=ids),
        FeedSource(name="planning", kind="roster", namespace="hr", controllers=ids),
        FeedSource(name="keys", kind="links", namespace="crm", controllers=ids),
    ]
    spaces = {"telephony": "telephony", "helpdesk": "helpdesk", "dialler": "telephony"}
    for name in CONTACT_SOURCES:
        lateness = LATENESS_S[name]
        sources.append(
            FeedSource(name=name, kind="contacts", namespace=spaces[name], controllers=ids, lateness_s=lateness)
        )
    sources += [FeedSource(name=f"crm-{name}", kind="accesses", namespace="crm", controllers=[name]) for name in ids]
    return FeedMeta(
        format=FORMAT,
        version=VERSION,
        timezone=TIMEZONE,
        from_at=text(centre.calendar.at(0, 0)),
        to_at=text(centre.calendar.at(centre.calendar.days, 0)),
        controllers=[FeedController(id=name, tables=_tables(), canaries=_canaries()) for name in ids],
        sources=sources,
        groups=_groups(centre),
        parameters=parameters,
    )


def _canaries() -> list[str]:
    return [f"customer:{CUSTOMERS + number}" for number in range(1, CANARIES + 1)]


def _groups(centre: Centre) -> dict[str, list[str]]:
    """Staff groups between which false alerts must not differ."""
    groups: dict[str, list[str]] = {"part_time": [], "night": [], "newcomer": [], "full_time_day": []}
    for agent in centre.agents:
        newcomer = agent.first_day > -NEWCOMER_DAYS
        for name, belongs in (("part_time", agent.part_time), ("night", agent.night), ("newcomer", newcomer)):
            if belongs:
                groups[name].append(agent.hr_id)
        if not (agent.part_time or agent.night or newcomer):
            groups["full_time_day"].append(agent.hr_id)
        groups.setdefault(f"site_{agent.site}", []).append(agent.hr_id)
    return {name: members for name, members in sorted(groups.items()) if members}


def _tables() -> list[FeedTable]:
    return [
        FeedTable(name="public.household", kind=TableKind.GROUP, key=["id"]),
        FeedTable(
            name="public.customer",
            kind=TableKind.PERSON,
            key=["id"],
            alternates={"phone": "phone"},
            path={"column": "household_id", "to": "public.household"},
        ),
        FeedTable(
            name="public.orders",
            kind=TableKind.LINKED,
            key=["id"],
            path={"column": "customer_id", "to": "public.customer"},
        ),
    ]


def _directory_rows(centre: Centre, agent: Agent) -> Iterable[FeedRow]:
    start = centre.calendar.at(0, 0)
    since = start + max(agent.first_day, -INFORMED_DAYS_AGO) * DAY_US
    told_at = min(start, since) - HOUR_US if agent.first_day <= 0 else since - HOUR_US
    spaces = {"crm": agent.login, "telephony": agent.extension, "helpdesk": f"h.{agent.login}"}
    value: dict[str, Any] = {
        "id": agent.hr_id,
        "version": 1,
        "employer": EMPLOYER,
        "establishment": agent.site,
        "country": "FR",
        "site": agent.site,
        "team": agent.queue.name,
        "controllers": [agent.company.id],
        "accounts": [
            {"controller": company.id, "namespace": space, "login": login, "valid_from": text(since - HOUR_US)}
            for company in centre.companies
            for space, login in spaces.items()
        ],
        "informed_at": text(since - HOUR_US),
        "active_from": text(since),
    }
    yield FeedRow(told_at, "people", value)
    if agent.last_day < centre.calendar.days:
        left_at = centre.calendar.at(agent.last_day, 0)
        yield FeedRow(left_at + HOUR_US, "people", {**value, "version": 2, "active_to": text(left_at)})


def _roster_rows(agent: Agent) -> Iterable[FeedRow]:
    for shift in agent.shifts:
        value = {
            "id": f"{agent.hr_id}-{shift.day}",
            "version": 1,
            "agent": agent.hr_id,
            "from": text(shift.from_at),
            "to": text(shift.to_at),
        }
        yield FeedRow(shift.from_at - 3 * DAY_US, "planning", value)


def _links(company: str, customer: int, at: int) -> Iterable[FeedRow]:
    phone = customer_phone(company, customer)
    of = {"controller": company, "record": f"customer:{customer}"}
    yield FeedRow(at, "keys", {**of, "kind": "phone", "value": phone})
    if household(customer):
        right = f"household:{household(customer)}"
        yield FeedRow(at, "keys", {"controller": company, "kind": "record", "value": of["record"], "record": right})


def _contact_rows(contact: Contact, chance: np.random.Generator) -> Iterable[FeedRow]:
    low, high = DELAY_S[contact.source]
    steps: list[dict[str, int]] = [contact.instants]
    if contact.kind == "ticket" and contact.touches:
        steps = _ticket_steps(contact)
    for step in steps:
        latest = max(at for name, at in step.items() if name != "due_at")
        value = _contact_value(contact, step, latest)
        yield FeedRow(latest + int(chance.uniform(low, high) * SECOND_US), contact.source, value)


def _ticket_steps(ticket: Contact) -> list[dict[str, int]]:
    """One version for each work on it, and one when it closes."""
    closed_at = ticket.instants.get("closed_at", 0)
    before = {name: at for name, at in ticket.instants.items() if name != "closed_at"}
    steps = [{**before, "touched_at": at} for at in sorted(set(ticket.touches))]
    if closed_at and closed_at == steps[-1]["touched_at"]:  # one instant is one version
        steps[-1]["closed_at"] = closed_at
    elif closed_at:
        steps.append({**steps[-1], "closed_at": closed_at})
    return steps


def _contact_value(contact: Contact, instants: dict[str, int], latest: int) -> dict[str, Any]:
    value: dict[str, Any] = {
        "id": contact.id,
        "version": latest // 1_000,
        "kind": contact.kind,
        "controller": contact.company,
        **({"direction": contact.direction} if contact.kind == "call" else {}),
        **{name: getattr(contact, name) for name in ("queue", "team", "campaign") if getattr(contact, name)},
        **({"self_made": True} if contact.self_made else {}),
        "legs": [_leg(contact, leg, latest) for leg in contact.legs if leg.from_at <= latest],
        **{name: text(at) for name, at in instants.items()},
    }
    if contact.phone:
        value["phone"] = fiction_phone(contact.phone)
    elif contact.known == "record":
        value["records"] = [f"customer:{contact.customer}"]
    elif contact.known == "phone":
        value["phone"] = customer_phone(contact.company, contact.customer)
    return value


def _leg(contact: Contact, leg: Any, latest: int) -> dict[str, str]:
    login = f"h.{leg.agent.login}" if contact.source == "helpdesk" else leg.agent.extension
    told = {"agent": login, "from": text(leg.from_at)}
    if leg.to_at and leg.to_at <= latest:
        told["to"] = text(leg.to_at)
    if leg.role != "agent":
        told["role"] = leg.role
    return told


def _access_value(access: Access, native: str) -> dict[str, Any]:
    value: dict[str, Any] = {
        "id": native,
        "at": text(access.at),
        "controller": access.company,
        "agent": access.agent.login,
        "action": access.action,
    }
    if access.records:
        value["records"] = list(access.records)
    else:
        value["table"] = "customer"
    for name in ("columns", "changed"):
        if getattr(access, name):
            value[name] = list(getattr(access, name))
    if access.rows:
        value["rows"] = access.rows
    if access.stated:
        value["contact"] = access.stated
    return value


def _heartbeats(centre: Centre) -> Iterable[FeedRow]:
    start, end = centre.calendar.at(0, 0), centre.calendar.at(centre.calendar.days, 0) + 36 * HOUR_US
    for at in range(start, end, HEARTBEAT_EVERY_US):
        for source in CONTACT_SOURCES:
            yield FeedRow(at, source, {"complete_to": text(at - 2 * MINUTE_US)})
