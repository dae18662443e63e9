"""Inbound calls of the generated centre, as measured (detection reference §2), and what agents open for them.

Called by `generate.py`. Arrivals are taken at the agents' side: gaps shrink when the queue is busy (a doubly
stochastic load), so that answered calls per hour scatter as the real ones do. Must never look at misuse.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from quivive.model.clock import HOUR_US, SECOND_US
from quivive.simulation.benchmark.centre import CUSTOMERS, Agent, Calendar, Company, Queue, Shift
from quivive.simulation.benchmark.work import (
    LISTED,
    Access,
    Contact,
    Leg,
    Work,
    household,
    household_mate,
    open_customer,
    stray,
)

SHORT_SHARE: Final = 0.047
"""Calls of less than ten seconds."""
MAX_CALLS: Final = 320
"""Calls drawn for one shift; the shift's end cuts them."""
BREAK_S: Final = 2_400
_GAP_QUANTILES: Final = np.array([0.0, 0.05, 0.25, 0.30, 0.5, 0.75, 0.9, 0.97, 1.0])
_GAP_SECONDS: Final = np.array([2.0, 3.0, 4.8, 5.0, 22.0, 126.0, 360.0, 1_100.0, 2_700.0])
"""Idle gap between two calls of an agent: measured up to the third quartile, the tail as the shifts allow."""
REPEAT_MONTH: Final = 0.66
"""Share of calls whose customer called before: gives 49 % of customers who call again within the month."""
REPEAT_SAME_DAY: Final = 0.3
"""Share of those repeats on the same day."""
REPEAT_SAME_AGENT: Final = 0.02
"""Share of same-day repeats sent to the same agent on purpose; chance adds the rest of the measured 16 %."""
TRANSFERRED: Final = 0.08
NO_WRAP_UP: Final = 0.3


def inbound(work: Work, chance: np.random.Generator) -> None:
    """Make every inbound call of the feed and its accesses."""
    centre = work.centre
    for agent in centre.of_channel("call"):
        made: list[Contact] = []
        for shift in agent.shifts:
            if shift.day >= agent.first_day + 2:  # a newcomer's first two days are training
                made += _shift_calls(work, centre.calendar, chance, agent, shift)
        work.calls[agent.number] = made
    for company in centre.companies:
        calls = sorted(
            (c for number in work.calls for c in work.calls[number] if c.company == company.id),
            key=lambda call: (call.instants["offered_at"], call.id),
        )
        _assign_customers(calls, chance)
        _transfer(work, company, calls, chance)
        queues = {queue.name: queue for queue in company.queues}
        for call in calls:
            _accesses(work, call, queues[call.queue], chance)


def service_seconds(chance: np.random.Generator, count: int, queue: Queue) -> NDArray[np.float64]:
    """Draw service times: log-normal from ten seconds on, a measured share of short calls."""
    seconds = np.maximum(10.0, np.exp(chance.normal(queue.mu, queue.sigma, count)))
    short = chance.random(count) < SHORT_SHARE
    seconds[short] = chance.uniform(2.0, 10.0, int(short.sum()))
    return np.minimum(seconds, 5_400.0)


def gap_seconds(chance: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Draw idle gaps from the measured quantiles."""
    return np.asarray(np.exp(np.interp(chance.random(count), _GAP_QUANTILES, np.log(_GAP_SECONDS))))


def _shift_calls(
    work: Work, calendar: Calendar, chance: np.random.Generator, agent: Agent, shift: Shift
) -> list[Contact]:
    queue = agent.queue
    service = service_seconds(chance, MAX_CALLS, queue)
    gap = gap_seconds(chance, MAX_CALLS)
    ring = chance.uniform(1.0, 4.0, MAX_CALLS)
    begins = np.cumsum(gap + service)
    midnight = calendar.at(shift.day, 0)
    hour = ((shift.from_at - midnight) / HOUR_US + begins / 3_600).astype(int) % 24
    busy = work.centre.load[queue.name][shift.day][hour] * agent.pace
    gap = np.where(gap > 5.0, np.maximum(5.0, gap / busy), gap)
    gap[0] += chance.uniform(0, 120)
    pause = int(chance.integers(12, 30))
    if not agent.part_time:
        gap[pause] += BREAK_S
    offered = np.cumsum(np.concatenate([gap[:1], gap[1:] + service[:-1]]))
    wrap = np.where(chance.random(MAX_CALLS) < NO_WRAP_UP, 0.0, np.exp(chance.normal(3.2, 0.7, MAX_CALLS)))
    wrap[:-1] = np.minimum(wrap[:-1], gap[1:] - 1.0)
    calls = []
    for i in range(MAX_CALLS):
        offered_at = shift.from_at + int(offered[i] * SECOND_US)
        if offered_at >= shift.until_at:
            break
        chosen = agent.second if agent.second is not None and chance.random() < 0.3 else queue
        calls.append(_call(work, agent, chosen, offered_at, float(ring[i]), float(service[i]), float(wrap[i]), chance))
    return calls


def _call(
    work: Work,
    agent: Agent,
    queue: Queue,
    offered_at: int,
    ring: float,
    service: float,
    wrap: float,
    chance: np.random.Generator,
) -> Contact:
    ended_at = offered_at + int(service * SECOND_US)
    started_at = min(ended_at, offered_at + int(ring * SECOND_US))
    known = ""
    if chance.random() < queue.identity:
        known = "phone" if chance.random() < queue.by_phone else "record"
    instants = {"offered_at": offered_at, "started_at": started_at, "ended_at": ended_at}
    if wrap > 2.0:
        instants["wrapped_at"] = ended_at + int(wrap * SECOND_US)
    call = Contact(
        id=work.name("C"),
        source="telephony",
        company=agent.company.id,
        kind="call",
        direction="inbound",
        queue=queue.name,
        team=agent.queue.name,
        customer=0,
        known=known,
        legs=[Leg(agent=agent, from_at=started_at, to_at=ended_at)],
        instants=instants,
    )
    work.contacts.append(call)
    return call


def _assign_customers(calls: list[Contact], chance: np.random.Generator) -> None:
    """Give each call its customer: new, one of the month, or one of the day (mostly with another agent)."""
    month, today, of_agent = list[int](), list[int](), dict[int, int]()
    seen: set[int] = set()
    day = -1
    draws = chance.random((len(calls), 3))
    fresh = chance.permutation(CUSTOMERS) + 1
    used = 0
    for call, (repeat, same_day, same_agent) in zip(calls, draws.tolist(), strict=True):
        number = call.legs[0].agent.number
        if call.instants["offered_at"] // (24 * HOUR_US) != day:
            day, today = call.instants["offered_at"] // (24 * HOUR_US), []
            of_agent.clear()
        if repeat < REPEAT_MONTH and month:
            if same_day < REPEAT_SAME_DAY and today:
                mine = of_agent.get(number)
                own = same_agent < REPEAT_SAME_AGENT and mine is not None
                customer = mine if own and mine is not None else today[int(chance.integers(0, len(today)))]
            else:
                customer = month[int(chance.integers(0, len(month)))]
        else:
            customer = int(fresh[used % CUSTOMERS])
            used += 1
        if customer not in seen:
            seen.add(customer)
            month.append(customer)
        today.append(customer)
        of_agent[number] = customer
        call.customer = customer


def _transfer(work: Work, company: Company, calls: list[Contact], chance: np.random.Generator) -> None:
    """Give some calls a second leg with an agent of the company who is free then."""
    agents = [agent for agent in work.centre.of_channel("call") if agent.company is company]
    for call in calls:
        length = call.instants["ended_at"] - call.instants["started_at"]
        if length < 90 * SECOND_US or chance.random() >= TRANSFERRED * 3.2:  # of the calls long enough
            continue
        at = call.instants["started_at"] + int(length * chance.uniform(0.4, 0.7))
        for _ in range(4):
            other = agents[int(chance.integers(0, len(agents)))]
            if other is not call.legs[0].agent and on_shift(other, at) and work.gap_at(other, at, 5 * SECOND_US):
                call.legs[0].to_at = at
                call.legs.append(Leg(agent=other, from_at=at, to_at=call.instants["ended_at"]))
                break


def on_shift(agent: Agent, at: int) -> bool:
    """Tell whether the agent works at an instant."""
    return any(shift.from_at <= at < shift.until_at for shift in agent.shifts)


def _accesses(work: Work, call: Contact, queue: Queue, chance: np.random.Generator) -> None:
    """What the agents of a call open: the customer, further records, a note in the wrap-up; sometimes a stray."""
    leg = call.legs[0]
    short = leg.to_at - leg.from_at < 8 * SECOND_US
    if short and chance.random() < 0.6:
        return
    why = "E1" if call.known else "E2"
    at = call.instants["offered_at"] + int(chance.uniform(1.0, 6.0) * SECOND_US)
    strays = int(chance.poisson(_stray_mean(work, leg.agent, chance)))
    if not call.known or chance.random() < work.habits.searches:
        at = leg.from_at + int(chance.uniform(6.0, 22.0) * SECOND_US)
        rows = _search(work, call, leg.agent, at, chance)
        at += int(chance.uniform(2.0, 8.0) * SECOND_US)
        if strays and len(rows) > 1:
            stray(work, leg.agent, call.company, at, rows[0])
            at += int(chance.uniform(3.0, 9.0) * SECOND_US)
            strays -= 1
    open_customer(work, leg.agent, call, at, why)
    _further(work, call, leg, at, why, queue, chance)
    for _ in range(strays):
        when = leg.from_at + int(chance.uniform(5.0, 200.0) * SECOND_US)
        stray(work, leg.agent, call.company, when, int(chance.integers(1, CUSTOMERS + 1)))
    for further in call.legs[1:]:
        open_customer(work, further.agent, call, further.from_at + int(chance.uniform(1, 9) * SECOND_US), "E8")


def _stray_mean(work: Work, agent: Agent, chance: np.random.Generator) -> float:
    if agent.number not in work.stray_of:
        work.stray_of[agent.number] = float(chance.gamma(work.habits.stray_shape, 1 / work.habits.stray_shape))
    return work.stray_rate * 1.7 * work.stray_of[agent.number]  # a call gives about 1.7 accesses


def _search(work: Work, call: Contact, agent: Agent, at: int, chance: np.random.Generator) -> list[int]:
    """A search by name: the customer and his homonyms; returns the others, then the customer."""
    others = (chance.integers(1, CUSTOMERS + 1, min(15, int(chance.geometric(0.35)) - 1))).tolist()
    shown = [*(n for n in others if n != call.customer), call.customer]
    work.accesses.append(
        Access(
            at=at,
            agent=agent,
            company=call.company,
            records=[f"customer:{number}" for number in shown],
            why=LISTED,
            contacts=(call.id,),
            action="list",
            columns=("customer.last_name",),
        )
    )
    return shown


def _further(work: Work, call: Contact, leg: Leg, at: int, why: str, queue: Queue, chance: np.random.Generator) -> None:
    until = max(at + 2 * SECOND_US, leg.to_at)
    for _ in range(int(chance.poisson(queue.further * work.habits.further))):
        when = int(chance.integers(at + SECOND_US, until))
        if household(call.customer) and chance.random() < 0.5:
            mate = household_mate(call.customer)
            page = [f"customer:{mate}"]
            work.accesses.append(
                Access(at=when, agent=leg.agent, company=call.company, records=page, why="E15", contacts=(call.id,))
            )
        else:
            open_customer(work, leg.agent, call, when, why, order=int(chance.integers(0, 4)))
    if chance.random() < 0.25:
        wrap_us = call.instants.get("wrapped_at", leg.to_at) - leg.to_at
        late = chance.uniform(1.0, max(2.0, min(wrap_us / SECOND_US, 240.0)))
        if not wrap_us and chance.random() < 0.2:
            late = chance.uniform(2.0, 30.0)  # written while the next call is already there
        open_customer(
            work, leg.agent, call, leg.to_at + int(late * SECOND_US), "E3" if call.known else "E2", changed=True
        )
