"""The invented centre that the benchmark generates: companies, queues, agents, shifts, customers.

Called by `generate.py`. Pure: every draw comes from the generator it is given. Must never hold a real person or
number (`simulation.people`), nor know what misuse is planned.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from quivive.model.clock import HOUR_US, MINUTE_US, SECOND_US
from quivive.simulation.people import FIRST_NAMES, LAST_NAMES

TIMEZONE: Final = "Europe/Paris"
FIRST_DAY: Final = date(2026, 9, 7)
"""A Monday; a feed of more than seven weeks holds a night when clocks change."""
EMPLOYER: Final = "relation-plus"
SITES: Final = ("lille", "tours", "brest")
SITE_SHARES: Final = (0.5, 0.3, 0.2)
CUSTOMERS: Final = 18_000
"""Customers of one company: three companies fit the numbers reserved for fiction."""
NEWCOMER_DAYS: Final = 30
TURNOVER_A_YEAR: Final = 0.35
PART_TIME, NIGHT, MULTI_SKILL = 0.2, 0.06, 0.2
SPEED_SIGMA: Final = 0.45
"""Spread of the agents' pace (log-normal): gives calls per agent-day their measured spread."""


Hours = NDArray[np.float64]
"""Days × 24."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """One queue. `identity`: share of calls whose customer telephony knows; `further`: mean of further records."""

    name: str
    channel: str  # call, chat, preview, progressive, cases
    weight: float
    identity: float = 1.0
    further: float = 0.3
    by_phone: float = 0.5
    mu: float = 4.81
    sigma: float = 0.91


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """One controller and its queues."""

    id: str
    number: int
    queues: tuple[Queue, ...]


# Weights make the staff of a company. 48 % is the measured share of identified calls (detection reference §2).
_QUEUES: Final = (
    (
        Queue(name="aurore-assistance", channel="call", weight=0.6, identity=0.48, further=0.3),
        Queue(name="aurore-contrats", channel="call", weight=0.28, identity=0.62, further=0.45, mu=4.9),
        Queue(name="aurore-dossiers", channel="cases", weight=0.12),
    ),
    (
        Queue(name="mercato-suivi", channel="call", weight=0.55, identity=0.44, further=0.35, mu=4.7, by_phone=0.8),
        Queue(name="mercato-messagerie", channel="chat", weight=0.3, identity=0.95),
        Queue(name="mercato-dossiers", channel="cases", weight=0.15),
    ),
    (
        Queue(name="sereni-sinistres", channel="call", weight=0.55, identity=0.48, further=0.5, mu=4.95),
        Queue(name="sereni-apercu", channel="preview", weight=0.25),
        Queue(name="sereni-progressif", channel="progressive", weight=0.2),
    ),
)
COMPANY_IDS: Final = ("aurore", "mercato", "sereni", "boreal", "cirrus", "delta")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One planned shift, and what was really worked (swaps and overtime differ)."""

    day: int
    from_at: int
    to_at: int
    until_at: int


@dataclass(slots=True, kw_only=True)
class Agent:
    """One agent. `first_day`, `last_day`: of the contract, in days of the feed (may lie outside)."""

    number: int
    hr_id: str
    name: str
    site: str
    company: Company
    queue: Queue
    second: Queue | None
    pace: float
    part_time: bool
    night: bool
    first_day: int
    last_day: int
    shifts: list[Shift] = field(default_factory=list)

    @property
    def login(self) -> str:
        """Login in the customer application."""
        return f"u{self.number:03d}"

    @property
    def extension(self) -> str:
        """Login in telephony."""
        return str(4_100 + self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Local days of the feed as instants."""

    days: int

    def at(self, day: int, hour: float) -> int:
        """Instant of a local hour of a day."""
        local = datetime.combine(FIRST_DAY + timedelta(days=day), time(), ZoneInfo(TIMEZONE))
        return int(local.timestamp()) * SECOND_US + int(hour * HOUR_US)

    def weekday(self, day: int) -> int:
        """0 is Monday."""
        return (FIRST_DAY.weekday() + day) % 7


@dataclass(slots=True, kw_only=True)
class Centre:
    """The centre: fixed before anything happens in it."""

    calendar: Calendar
    companies: tuple[Company, ...]
    agents: list[Agent]
    load: dict[str, Hours]
    """By queue: how busy each hour of each day is, 1 on average (doubly stochastic)."""

    def of_channel(self, *channels: str) -> list[Agent]:
        """Agents whose first queue is of a channel."""
        return [agent for agent in self.agents if agent.queue.channel in channels]


def companies_of(count: int, *, identity: float | None) -> tuple[Company, ...]:
    """Build companies; `identity` replaces the measured shares of identified calls (a complete feed)."""
    made = []
    for number in range(count):
        queues = []
        for queue in _QUEUES[number % len(_QUEUES)]:
            name = queue.name.replace(COMPANY_IDS[number % 3], COMPANY_IDS[number])
            share = queue.identity if identity is None or queue.channel not in {"call", "chat"} else identity
            queues.append(
                Queue(
                    name=name,
                    channel=queue.channel,
                    weight=queue.weight,
                    identity=share,
                    further=queue.further,
                    by_phone=queue.by_phone,
                    mu=queue.mu,
                    sigma=queue.sigma,
                )
            )
        made.append(Company(id=COMPANY_IDS[number], number=number, queues=tuple(queues)))
    return tuple(made)


def build_centre(
    chance: np.random.Generator, *, days: int, agents: int, companies: int, identity: float | None
) -> Centre:
    """Invent a centre of `agents` posts (leavers are replaced, so that more people appear)."""
    calendar = Calendar(days=days)
    served = companies_of(companies, identity=identity)
    staff: list[Agent] = []
    for post, (company, queue) in enumerate(_posts(served, agents)):
        staff += _holders(chance, len(staff), company, queue, days)
        del post
    for agent in staff:
        agent.shifts = _shifts(chance, calendar, agent)
    common = _shock(chance, days, daily=9.0, hourly=5.0)
    load = {
        queue.name: _load(common * _shock(chance, days, daily=60.0, hourly=20.0))
        for company in served
        for queue in company.queues
    }
    return Centre(calendar=calendar, companies=served, agents=staff, load=load)


def _posts(companies: tuple[Company, ...], agents: int) -> list[tuple[Company, Queue]]:
    """Share the posts out: largest remainders, the first company the largest."""
    sizes = [1.4 if number == 0 else 1.0 for number in range(len(companies))]
    wanted = [
        (agents * size / sum(sizes) * queue.weight, company, queue)
        for size, company in zip(sizes, companies, strict=True)
        for queue in company.queues
    ]
    counts = [int(share) for share, _, _ in wanted]
    order = sorted(range(len(wanted)), key=lambda i: counts[i] - wanted[i][0])
    for i in order[: agents - sum(counts)]:
        counts[i] += 1
    return [(c, q) for count, (_, c, q) in zip(counts, wanted, strict=True) for _ in range(count)]


def _holders(chance: np.random.Generator, known: int, company: Company, queue: Queue, days: int) -> list[Agent]:
    """Who holds one post over the feed: one person, or a leaver and the newcomer after him."""
    since = -int(chance.exponential(365 / TURNOVER_A_YEAR))
    leaves = int(chance.exponential(365 / TURNOVER_A_YEAR))
    spans = [(since, days + 365)]
    if 3 <= leaves < days - 3:
        spans = [(since, leaves), (leaves + int(chance.integers(1, 8)), days + 365)]
    others = [q for q in company.queues if q.channel == queue.channel and q is not queue]
    agents = list[Agent]()
    for first_day, last_day in spans:
        number = known + len(agents) + 1
        second = others[0] if others and chance.random() < MULTI_SKILL else None
        agents.append(
            Agent(
                number=number,
                hr_id=f"RH-{number:04d}",
                name=f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}",
                site=str(chance.choice(SITES, p=SITE_SHARES)),
                company=company,
                queue=queue,
                second=second,
                pace=float(np.exp(chance.normal(0, SPEED_SIGMA))),
                part_time=bool(chance.random() < PART_TIME),
                night=bool(queue.channel == "call" and chance.random() < NIGHT),
                first_day=first_day,
                last_day=last_day,
            )
        )
    return agents


def _shifts(chance: np.random.Generator, calendar: Calendar, agent: Agent) -> list[Shift]:
    """Five days of seven, fewer at the week-end; mornings, late shifts, nights; overtime and early leaving."""
    early = bool(chance.random() < 0.6)
    rest = int(chance.integers(0, 5))
    shifts = []
    for day in range(max(0, agent.first_day), min(calendar.days, agent.last_day)):
        weekday = calendar.weekday(day)
        week = (day // 7 + agent.number) % 3
        works = weekday < 5 and weekday != rest if week == 0 else weekday < 5
        if weekday == 5:
            works = week == 0
        if not works or chance.random() < 0.06:  # leave, illness
            continue
        length = 4.0 if agent.part_time else 7.5
        start = 21.0 if agent.night else (8.5 if early else 11.5)
        start += float(chance.choice((0.0, 0.5, 1.0)))
        if chance.random() < 0.02:
            start += 3.0  # swapped with a colleague
        from_at, to_at = calendar.at(day, start), calendar.at(day, start + length)
        overtime = int(chance.integers(5, 40)) * MINUTE_US if chance.random() < 0.05 else 0
        shifts.append(Shift(day=day, from_at=from_at, to_at=to_at, until_at=to_at + overtime))
    return shifts


def _shock(chance: np.random.Generator, days: int, *, daily: float, hourly: float) -> Hours:
    """Draw Gamma shocks of mean 1, one for each day and one for each hour; larger shapes scatter less."""
    day = chance.gamma(daily, 1 / daily, size=(days + 1, 1))
    return np.asarray(day * chance.gamma(hourly, 1 / hourly, size=(days + 1, 24)))


def _load(shock: Hours) -> Hours:
    """How busy a queue is: the profile of the day under its shocks, 1 on average."""
    hours = np.arange(24)
    profile = 0.75 + 0.5 * np.exp(-(((hours - 10.5) / 2.0) ** 2)) + 0.35 * np.exp(-(((hours - 15.5) / 2.0) ** 2))
    load = profile[None, :] * shock
    return np.asarray(load / load.mean())
