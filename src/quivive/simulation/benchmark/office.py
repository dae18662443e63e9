"""Work that is no inbound call: tickets, back office, callbacks, chats, outbound lists, reviews, training, help.

Called by `generate.py` after `calls.inbound`. Must never look at misuse.
"""

from typing import Final

import numpy as np

from quivive.model.clock import HOUR_US, MINUTE_US, SECOND_US
from quivive.simulation.benchmark.calls import on_shift, service_seconds
from quivive.simulation.benchmark.centre import CUSTOMERS, Agent, Company, Shift
from quivive.simulation.benchmark.work import Contact, Leg, Work, open_customer, stray

REASSIGNED: Final = 0.15
CALLBACKS: Final = 0.03
REVIEWS_A_DAY: Final = 3 / 20
"""Reviews per agent and worked day: two to four a month."""
DIALLED: Final = 0.93
"""Previews that are really dialled."""


def other_work(work: Work, chance: np.random.Generator) -> None:
    """Everything but inbound calls."""
    for company in work.centre.companies:
        calls = [c for c in work.contacts if c.company == company.id and c.kind == "call"]
        calls.sort(key=lambda call: (call.instants["ended_at"], call.id))
        waiting = _tickets(work, company, calls, chance)
        _back_office(work, company, waiting, chance)
        _callbacks(work, calls, chance)
        _assistance(work, company, calls, chance)
        _reviews(work, company, calls, chance)
    for agent in work.centre.agents:
        for shift in agent.shifts:
            if agent.queue.channel == "chat":
                _chats(work, agent, shift, chance)
            elif agent.queue.channel in {"preview", "progressive"}:
                _outbound(work, agent, shift, chance)
            elif agent.queue.channel == "call" and shift.day < agent.first_day + 2:
                _training(work, agent, shift, chance)


def later_instant(agent: Agent, after: int, chance: np.random.Generator) -> int | None:
    """An instant of the agent's next shifts after an instant, None at the end of the feed."""
    shifts = [shift for shift in agent.shifts if shift.to_at > after + HOUR_US][:3]
    if not shifts:
        return None
    shift = shifts[int(chance.integers(0, len(shifts)))]
    return int(chance.integers(max(after + 10 * MINUTE_US, shift.from_at), shift.to_at))


def _contact(work: Work, prefix: str, kind: str, source: str, company: str, customer: int, **more: object) -> Contact:
    contact = Contact(
        id=work.name(prefix),
        source=source,
        company=company,
        kind=kind,
        customer=customer,
        known="record" if customer else "",
        legs=[],
    )
    for name, value in more.items():
        setattr(contact, name, value)
    work.contacts.append(contact)
    return contact


def _tickets(work: Work, company: Company, calls: list[Contact], chance: np.random.Generator) -> list[Contact]:
    """Open tickets at calls; return those that wait for the back office, in order."""
    office = [a for a in work.centre.of_channel("cases") if a.company is company]
    waiting = []
    for call in calls:
        if chance.random() >= work.habits.tickets:
            continue
        agent = call.legs[-1].agent
        own = not office or chance.random() < work.habits.own_tickets
        opened_at = call.instants["ended_at"]
        ticket = _contact(work, "T", "ticket", "helpdesk", company.id, call.customer, team=call.team, self_made=own)
        ticket.instants = {"opened_at": opened_at}
        if not own:
            waiting.append(ticket)
            continue
        _own_work(work, ticket, agent, opened_at, chance)
    return waiting


def _own_work(work: Work, ticket: Contact, agent: Agent, opened_at: int, chance: np.random.Generator) -> None:
    """One or two spells of work on one's own ticket in later shifts; sometimes a colleague takes over."""
    ticket.instants["assigned_at"] = opened_at
    ticket.legs = [Leg(agent=agent, from_at=opened_at, to_at=0)]
    ticket.touches = [opened_at]
    at = opened_at
    for _ in range(int(chance.integers(1, 3))):
        later = later_instant(agent, at, chance)
        if later is None:
            return
        at = later
        if chance.random() < REASSIGNED:
            others = [a for a in work.centre.agents if a.company is agent.company and on_shift(a, at)]
            if others:
                ticket.legs[-1].to_at = at
                agent = others[int(chance.integers(0, len(others)))]
                ticket.legs.append(Leg(agent=agent, from_at=at, to_at=0))
        open_customer(work, agent, ticket, at, "E7", changed=bool(chance.random() < 0.4))
        ticket.touches.append(at + int(chance.integers(20, 400)) * SECOND_US)
    ticket.instants["closed_at"] = ticket.touches[-1] + MINUTE_US


def _back_office(work: Work, company: Company, waiting: list[Contact], chance: np.random.Generator) -> None:
    """Tickets in order of age, and items of the batch when none waits."""
    shifts = sorted(
        (
            (shift, agent)
            for agent in work.centre.of_channel("cases")
            if agent.company is company
            for shift in agent.shifts
        ),
        key=lambda pair: (pair[0].from_at, pair[1].number),
    )
    queue = list(reversed(waiting))
    for shift, agent in shifts:
        at = shift.from_at + int(chance.integers(0, 600)) * SECOND_US
        while at < shift.until_at:
            length = int(np.exp(chance.normal(5.9, 0.6))) * SECOND_US
            if queue and queue[-1].instants["opened_at"] < at and chance.random() < 0.7:
                item, why = queue.pop(), "E7"
                item.instants["assigned_at"] = at - 30 * SECOND_US
                item.touches = [at + length]
                item.instants["closed_at"] = at + length
            else:
                customer = int(chance.integers(1, CUSTOMERS + 1))
                item = _contact(work, "W", "work_item", "helpdesk", company.id, customer, team=agent.queue.name)
                item.instants, why = {"opened_at": at, "closed_at": at + length}, "E12"
            item.legs = [Leg(agent=agent, from_at=at, to_at=at + length)]
            open_customer(work, agent, item, at + int(chance.integers(2, 20)) * SECOND_US, why)
            if chance.random() < 0.5:
                open_customer(work, agent, item, at + length // 2, why, order=int(chance.integers(0, 4)))
            if chance.random() < 0.4:
                open_customer(work, agent, item, at + length - SECOND_US, why, changed=True)
            if chance.random() < work.stray_rate * 1.9:
                stray(work, agent, company.id, at + length // 3, int(chance.integers(1, CUSTOMERS + 1)))
            at += length + int(chance.exponential(40)) * SECOND_US


def _callbacks(work: Work, calls: list[Contact], chance: np.random.Generator) -> None:
    for call in calls:
        if chance.random() >= CALLBACKS:
            continue
        agent = call.legs[-1].agent
        at = later_instant(agent, call.instants["ended_at"], chance)
        if at is None:
            continue
        promise = _contact(work, "R", "callback", "helpdesk", call.company, call.customer, team=call.team)
        promise.self_made = bool(chance.random() < 0.5)
        promise.instants = {
            "opened_at": call.instants["ended_at"],
            "due_at": at - int(chance.integers(-300, 2_400)) * SECOND_US,
        }
        promise.legs = [Leg(agent=agent, from_at=call.instants["ended_at"], to_at=0)]
        open_customer(work, agent, promise, at, "E6")
        length = max(9, int(service_seconds(chance, 1, agent.queue)[0])) * SECOND_US
        begin = at + 20 * SECOND_US
        outbound = _contact(work, "C", "call", "telephony", call.company, call.customer, direction="outbound")
        outbound.team = call.team
        outbound.instants = {"offered_at": begin, "started_at": begin + 8 * SECOND_US, "ended_at": begin + length}
        outbound.legs = [Leg(agent=agent, from_at=begin, to_at=begin + length)]


def _assistance(work: Work, company: Company, calls: list[Contact], chance: np.random.Generator) -> None:
    agents = [a for a in work.centre.of_channel("call") if a.company is company]
    for call in calls:
        if chance.random() >= work.habits.assisted:
            continue
        at = call.instants["started_at"] + int(chance.integers(20, 90)) * SECOND_US
        helper = agents[int(chance.integers(0, len(agents)))]
        if helper is call.legs[0].agent or not on_shift(helper, at):
            continue
        help_ = _contact(work, "H", "assistance", "helpdesk", company.id, call.customer, team=call.team)
        help_.instants = {"opened_at": at, "closed_at": at + 4 * MINUTE_US}
        help_.legs = [
            Leg(agent=helper, from_at=at, to_at=at + 4 * MINUTE_US, role="helper"),
            Leg(agent=call.legs[0].agent, from_at=at, to_at=at + 4 * MINUTE_US),
        ]
        open_customer(work, helper, help_, at + int(chance.integers(5, 60)) * SECOND_US, "E19")


def _reviews(work: Work, company: Company, calls: list[Contact], chance: np.random.Generator) -> None:
    """Quality reviews, done by the back office's people (or the first agent where there is none)."""
    reviewers = [a for a in work.centre.agents if a.company is company and a.queue.channel == "cases"]
    reviewers = reviewers or [a for a in work.centre.agents if a.company is company][:1]
    days = sum(len(a.shifts) for a in work.centre.agents if a.company is company and a.queue.channel == "call")
    for _ in range(int(days * REVIEWS_A_DAY) if calls else 0):
        call = calls[int(chance.integers(0, len(calls)))]
        reviewer = reviewers[int(chance.integers(0, len(reviewers)))]
        at = later_instant(reviewer, call.instants["ended_at"], chance)
        if at is None:
            continue
        review = _contact(work, "Q", "review", "helpdesk", company.id, call.customer, team=reviewer.queue.name)
        end_at = at + int(chance.integers(8, 25)) * MINUTE_US
        review.instants = {"opened_at": at, "touched_at": end_at, "closed_at": end_at}
        review.legs = [Leg(agent=reviewer, from_at=at, to_at=end_at)]
        open_customer(work, reviewer, review, at + int(chance.integers(5, 120)) * SECOND_US, "E10")


def _chats(work: Work, agent: Agent, shift: Shift, chance: np.random.Generator) -> None:
    """Two or three conversations at a time."""
    for _ in range(2 + int(chance.random() < 0.4)):
        at = shift.from_at + int(chance.integers(0, 400)) * SECOND_US
        while at < shift.until_at:
            length = int(np.exp(chance.normal(6.5, 0.5))) * SECOND_US
            customer = int(chance.integers(1, CUSTOMERS + 1))
            chat = _contact(work, "M", "conversation", "helpdesk", agent.company.id, customer, team=agent.queue.name)
            chat.queue = agent.queue.name
            if chance.random() >= agent.queue.identity:
                chat.known = ""
            chat.instants = {"opened_at": at, "closed_at": at + length}
            chat.legs = [Leg(agent=agent, from_at=at, to_at=at + length)]
            open_customer(work, agent, chat, at + int(chance.integers(3, 40)) * SECOND_US, "E13")
            if chance.random() < 0.4:
                open_customer(work, agent, chat, at + length // 2, "E13", order=int(chance.integers(0, 4)))
            if chance.random() < work.stray_rate * 1.4:
                stray(work, agent, agent.company.id, at + length // 3, int(chance.integers(1, CUSTOMERS + 1)))
            at += length + int(chance.exponential(90)) * SECOND_US


def _outbound(work: Work, agent: Agent, shift: Shift, chance: np.random.Generator) -> None:
    """A dialler's list. Preview: the record first, then (mostly) the call. Progressive: the call brings the record."""
    preview = agent.queue.channel == "preview"
    reach = float(chance.uniform(0.15, 0.35))
    campaign = f"{agent.company.id}-relance"
    at = shift.from_at + int(chance.integers(0, 300)) * SECOND_US
    while at < shift.until_at:
        customer = int(chance.integers(1, CUSTOMERS + 1))
        look = int(chance.integers(12, 60)) * SECOND_US if preview else 0
        dialled = not preview or chance.random() < DIALLED
        reached = dialled and (not preview or chance.random() < reach)
        end_at = at + look + int(chance.integers(15, 30)) * SECOND_US
        if preview:
            member = _contact(work, "L", "list_member", "dialler", agent.company.id, customer, direction="outbound")
            member.campaign, member.team = campaign, agent.queue.name
            member.instants = {"assigned_at": shift.from_at - HOUR_US, "preview_at": at, "closed_at": end_at}
            member.legs = [Leg(agent=agent, from_at=at, to_at=end_at)]
            if dialled:
                member.instants["offered_at"] = at + look
            open_customer(work, agent, member, at + int(chance.integers(1, 4)) * SECOND_US, "E4")
        if reached:
            end_at = at + look + max(9, int(service_seconds(chance, 1, agent.queue)[0])) * SECOND_US
            call = _contact(work, "C", "call", "telephony", agent.company.id, customer, direction="outbound")
            call.campaign, call.team = campaign, agent.queue.name
            call.instants = {"offered_at": at + look, "started_at": at + look + 4 * SECOND_US, "ended_at": end_at}
            if preview:
                call.instants["preview_at"] = at
            call.legs = [Leg(agent=agent, from_at=at + look + 4 * SECOND_US, to_at=end_at)]
            if not preview:
                open_customer(work, agent, call, at + look + int(chance.integers(3, 9)) * SECOND_US, "E5")
            if chance.random() < 0.5:
                open_customer(work, agent, call, end_at + int(chance.integers(1, 25)) * SECOND_US, "E3", changed=True)
            if chance.random() < work.stray_rate * 1.5:
                stray(work, agent, agent.company.id, end_at - SECOND_US, int(chance.integers(1, CUSTOMERS + 1)))
        at = end_at + int(chance.integers(8, 60)) * SECOND_US


def _training(work: Work, learner: Agent, shift: Shift, chance: np.random.Generator) -> None:
    """A newcomer beside a colleague: opens what the colleague's calls are about."""
    mentors = [
        a
        for a in work.centre.of_channel("call")
        if a.queue is learner.queue and a is not learner and on_shift(a, shift.from_at + 2 * HOUR_US)
    ]
    if not mentors:
        return
    mentor = mentors[int(chance.integers(0, len(mentors)))]
    session = _contact(work, "F", "training", "helpdesk", learner.company.id, 0, team=learner.queue.name)
    session.instants = {"opened_at": shift.from_at, "closed_at": shift.to_at}
    session.legs = [
        Leg(agent=learner, from_at=shift.from_at, to_at=shift.to_at, role="learner"),
        Leg(agent=mentor, from_at=shift.from_at, to_at=shift.to_at),
    ]
    for call in work.calls.get(mentor.number, []):
        if shift.from_at <= call.instants["started_at"] < shift.to_at and chance.random() < 0.4:
            at = call.instants["started_at"] + int(chance.integers(2, 25)) * SECOND_US
            open_customer(work, learner, call, at, "E14")
