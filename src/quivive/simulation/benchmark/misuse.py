"""Misuse by scenario (detection reference §4) and intensity, planned over work that is already there.

Called by `generate.py`. What a campaign adds carries its id in the truth and nothing in the rows. Must never
change the ordinary work: the same seed with and without a campaign differs by the campaign alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from quivive.model.clock import HOUR_US, MINUTE_US, SECOND_US
from quivive.simulation.benchmark.centre import CUSTOMERS, Agent, Shift
from quivive.simulation.benchmark.feed import Campaign
from quivive.simulation.benchmark.rows import CANARIES, text
from quivive.simulation.benchmark.work import Access, Contact, Leg, Work

INTENSITIES: Final = (1, 3, 8, 20, 60, 136)
"""Records a day: a curious neighbour … the published 136 accounts a day."""
ACCOMPLICE: Final = 59_990
"""Number of the telephone that launders calls: no customer's."""
COLUMNS: Final = ("customer.last_name", "customer.phone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is wanted: a scenario, its intensity a day, its mode, its first day and its length in days.

    `sparing`: agents (ids of the directory) who do not act.
    """

    scenario: int
    per_day: int
    mode: str
    from_day: int
    days: int
    sparing: frozenset[str] = frozenset()

    def told(self) -> dict[str, int | str]:
        """What the feed's head remembers of it."""
        return {name: getattr(self, name) for name in ("scenario", "per_day", "mode", "from_day", "days")}


@dataclass(slots=True, kw_only=True)
class Misuse:
    """What a plan adds. Several campaigns when several agents act together."""

    campaigns: list[Campaign] = field(default_factory=list)
    accesses: list[Access] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Spell:
    """One agent's day of a campaign."""

    work: Work
    chance: np.random.Generator
    misuse: Misuse
    campaign: str
    first: int  # contacts made up by earlier plans
    agent: Agent
    shift: Shift
    victims: list[int]
    per_day: int
    far: float  # how far the campaign has come, 0 to 1

    def read(self, at: int, victim: int, *, company: str = "", changed: str = "") -> None:
        """Open one record without a reason."""
        self.misuse.accesses.append(
            Access(
                at=at,
                agent=self.agent,
                company=company or self.agent.company.id,
                records=[f"customer:{victim}"],
                why="",
                action="update" if changed else "read",
                columns=() if changed else COLUMNS,
                changed=(changed,) if changed else (),
                campaign=self.campaign,
            )
        )

    def contact(self, kind: str, source: str, victim: int, **instants: int) -> Contact:
        """Make a contact up."""
        contact = Contact(
            id=self.work.name_of(kind[0].upper(), len(self.work.contacts) + self.first + len(self.misuse.contacts) + 1),
            source=source,
            company=self.agent.company.id,
            kind=kind,
            customer=victim,
            known="record",
            legs=[],
            team=self.agent.queue.name,
            instants=instants,
            hidden_from=self.campaign,
        )
        self.misuse.contacts.append(contact)
        return contact


def plan_misuse(work: Work, plan: Plan, number: int, chance: np.random.Generator) -> Misuse:
    """Carry out one plan.

    Raises:
        ValueError: the scenario or its mode is not known, or no agent can act it.
    """
    act = _ACTS.get((plan.scenario, plan.mode))
    if act is None:
        raise ValueError(f"scenario {plan.scenario} in mode {plan.mode}")
    misuse = Misuse()
    agents = _agents(work, plan, chance)
    shared = [int(n) for n in chance.integers(1, CUSTOMERS + 1, max(1, plan.per_day * plan.days))]
    for place, agent in enumerate(agents):
        campaign = f"M{number}" if len(agents) == 1 else f"M{number}-{place + 1}"
        shifts = _shifts(work, plan, agent)
        for order, shift in enumerate(shifts):
            victims = shared if plan.scenario == 23 else [int(n) for n in chance.integers(1, CUSTOMERS + 1, 4_096)]
            spell = _Spell(
                work=work,
                chance=chance,
                misuse=misuse,
                campaign=campaign,
                first=number * 100_000,
                agent=agent,
                shift=shift,
                victims=victims[order * plan.per_day :] if plan.scenario == 23 else victims,
                per_day=plan.per_day,
                far=(order + 1) / len(shifts),
            )
            act(spell)
        calendar = work.centre.calendar
        misuse.campaigns.append(
            Campaign(
                id=campaign,
                scenario=plan.scenario,
                agent=agent.hr_id,
                controller=agent.company.id,
                mode=plan.mode,
                per_day=plan.per_day,
                from_at=text(calendar.at(plan.from_day, 0)),
                to_at=text(calendar.at(plan.from_day + plan.days, 0)),
            )
        )
    return misuse


def _agents(work: Work, plan: Plan, chance: np.random.Generator) -> list[Agent]:
    """Agents who work on at least half of the usual days of the campaign; a ring is three of one team."""
    if plan.scenario == 21:
        left = [
            agent
            for agent in work.centre.agents
            if agent.last_day < plan.from_day + plan.days - 1 and agent.hr_id not in plan.sparing
        ]
        if not left:
            raise ValueError("no agent leaves during the feed")
        return [left[int(chance.integers(0, len(left)))]]
    channels = ("preview",) if plan.scenario == 27 else ("call",)
    least = max(1, int(plan.days * 0.45))
    able = [
        agent
        for agent in work.centre.of_channel(*channels)
        if agent.hr_id not in plan.sparing
        and sum(
            plan.from_day <= s.day < plan.from_day + plan.days and s.day >= agent.first_day + 2 for s in agent.shifts
        )
        >= (1 if plan.scenario == 6 else least)
    ]
    if not able:
        raise ValueError("no agent works enough days")
    first = able[int(chance.integers(0, len(able)))]
    if plan.scenario != 23:
        return [first]
    others = [agent for agent in able if agent.queue is first.queue and agent is not first]
    return [first, *others[:2]]


def _shifts(work: Work, plan: Plan, agent: Agent) -> list[Shift]:
    """Days on which an agent acts; an account used after its holder left keeps office hours."""
    if plan.scenario == 21:
        at, last = work.centre.calendar.at, plan.from_day + plan.days
        days = range(max(plan.from_day, agent.last_day + 1), last)
        return [Shift(day=d, from_at=at(d, 9), to_at=at(d, 17), until_at=at(d, 17)) for d in days]
    shifts = [s for s in agent.shifts if plan.from_day <= s.day < plan.from_day + plan.days]
    return shifts[:1] if plan.scenario == 6 else shifts


def _idle_instant(spell: _Spell) -> int:
    """An instant of the shift between two calls; after many tries, any."""
    at = 0
    for _ in range(60):
        at = int(spell.chance.integers(spell.shift.from_at + 5 * MINUTE_US, spell.shift.to_at - 5 * MINUTE_US))
        if spell.work.gap_at(spell.agent, at, 8 * SECOND_US):
            break
    return at


def _burst(spell: _Spell) -> None:
    """Scenario 1 as a harvest: the records of the day one after another within an hour."""
    begin = int(spell.chance.integers(spell.shift.from_at + 5 * MINUTE_US, spell.shift.to_at - HOUR_US))
    for at, victim in zip(
        sorted(spell.chance.integers(begin, begin + HOUR_US, spell.per_day).tolist()), spell.victims, strict=False
    ):
        spell.read(int(at), victim)


def _idle(spell: _Spell) -> None:
    for victim in spell.victims[: spell.per_day]:
        spell.read(_idle_instant(spell), victim)


def _growing(spell: _Spell) -> None:
    """Scenario 18: few at first, twice the intensity at the end."""
    for victim in spell.victims[: max(1, round(2 * spell.per_day * spell.far))]:
        spell.read(_idle_instant(spell), victim)


def _hidden(spell: _Spell) -> None:
    """Scenario 25: while a call lasts whose caller is not identified, one more customer each, as evenly as possible."""
    day = [
        call
        for call in spell.work.calls.get(spell.agent.number, [])
        if spell.shift.from_at <= call.instants["offered_at"] < spell.shift.until_at
        and call.instants["ended_at"] - call.instants["started_at"] > 30 * SECOND_US
    ]
    calls = [call for call in day if not call.known] or day
    if not calls:
        return
    order = spell.chance.permutation(len(calls))
    for number, victim in enumerate(spell.victims[: spell.per_day]):
        call = calls[int(order[number % len(calls)])]
        begin, end = call.instants["started_at"] + 20 * SECOND_US, call.instants["ended_at"]
        spell.read(int(spell.chance.integers(begin, max(begin + 1, end))), victim)


def _photographs(spell: _Spell) -> None:
    """Scenario 2: one or two streaks a day, each record for a short, even time."""
    at = _idle_instant(spell)
    for number, victim in enumerate(spell.victims[: spell.per_day]):
        if number == spell.per_day // 2:
            at = _idle_instant(spell)
        spell.read(at, victim)
        at += int(spell.chance.uniform(18, 30) * SECOND_US)


def _wildcard(spell: _Spell) -> None:
    """Scenario 3: searches that show hundreds."""
    for _ in range(spell.per_day):
        shown = spell.chance.integers(1, CUSTOMERS + 1, int(spell.chance.integers(200, 500)))
        spell.misuse.accesses.append(
            Access(
                at=_idle_instant(spell),
                agent=spell.agent,
                company=spell.agent.company.id,
                records=[f"customer:{n}" for n in dict.fromkeys(shown.tolist())],
                why="",
                action="list",
                columns=COLUMNS,
                campaign=spell.campaign,
            )
        )


def _export(spell: _Spell) -> None:
    """Scenario 30."""
    for _ in range(spell.per_day):
        spell.misuse.accesses.append(
            Access(
                at=_idle_instant(spell),
                agent=spell.agent,
                company=spell.agent.company.id,
                records=[],
                why="",
                action="export",
                columns=COLUMNS,
                rows=int(spell.chance.integers(2_000, 18_000)),
                campaign=spell.campaign,
            )
        )


def _own_tickets(spell: _Spell) -> None:
    """Scenarios 17 and 26: a ticket of one's own, closed in seconds, for each record."""
    for victim in spell.victims[: spell.per_day]:
        at = _idle_instant(spell)
        ticket = spell.contact(
            "ticket", "helpdesk", victim, opened_at=at - 20 * SECOND_US, assigned_at=at - 20 * SECOND_US
        )
        ticket.self_made = True
        ticket.touches = [at + 5 * SECOND_US]
        ticket.instants["closed_at"] = at + 25 * SECOND_US
        ticket.legs = [Leg(agent=spell.agent, from_at=at - 20 * SECOND_US, to_at=at + 25 * SECOND_US)]
        spell.read(at, victim)


def _accomplice_calls(spell: _Spell) -> None:
    """Scenario 24: an accomplice's telephone rings in, shortly, for each record."""
    for victim in spell.victims[: spell.per_day]:
        at = _idle_instant(spell)
        end_at = at + int(spell.chance.integers(8, 25)) * SECOND_US
        call = spell.contact("call", "telephony", victim, offered_at=at, started_at=at + 3 * SECOND_US, ended_at=end_at)
        call.direction, call.queue, call.known, call.phone = "inbound", spell.agent.queue.name, "phone", ACCOMPLICE
        call.legs = [Leg(agent=spell.agent, from_at=at + 3 * SECOND_US, to_at=end_at)]
        spell.read(at + 6 * SECOND_US, victim)


def _previews(spell: _Spell) -> None:
    """Scenario 27: members of the list looked at and never dialled."""
    for victim in spell.victims[: spell.per_day]:
        at = _idle_instant(spell)
        end_at = at + int(spell.chance.integers(10, 40)) * SECOND_US
        first = spell.shift.from_at - HOUR_US
        member = spell.contact("list_member", "dialler", victim, assigned_at=first, preview_at=at, closed_at=end_at)
        member.direction, member.campaign = "outbound", f"{spell.agent.company.id}-relance"
        member.legs = [Leg(agent=spell.agent, from_at=at, to_at=end_at)]
        spell.read(at + 2 * SECOND_US, victim)


def _other_company(spell: _Spell) -> None:
    """Scenario 19: another controller's records, through an account nobody closed."""
    others = [c.id for c in spell.work.centre.companies if c is not spell.agent.company]
    for victim in spell.victims[: spell.per_day]:
        spell.read(_idle_instant(spell), victim, company=others[0] if others else "")


def _off_shift(spell: _Spell) -> None:
    """Scenario 20: hours after the shift."""
    for victim in spell.victims[: spell.per_day]:
        spell.read(spell.shift.until_at + int(spell.chance.uniform(1.5, 3.5) * HOUR_US), victim)


def _canary(spell: _Spell) -> None:
    """Scenario 32: a canary record among a few others."""
    spell.read(_idle_instant(spell), CUSTOMERS + 1 + int(spell.chance.integers(0, CANARIES)))
    for victim in spell.victims[: spell.per_day - 1]:
        spell.read(_idle_instant(spell), victim)


def _revert(spell: _Spell) -> None:
    """Scenario 39: a change and its inverse a minute later."""
    for victim in spell.victims[: spell.per_day]:
        at = _idle_instant(spell)
        spell.read(at, victim, changed="customer.phone")
        spell.read(at + int(spell.chance.integers(30, 200)) * SECOND_US, victim, changed="customer.phone")


_ACTS: Final[dict[tuple[int, str], Callable[[_Spell], None]]] = {
    (1, "idle"): _idle,
    (1, "burst"): _burst,
    (2, "idle"): _photographs,
    (3, "wildcard"): _wildcard,
    (6, "idle"): _idle,
    (17, "tickets"): _own_tickets,
    (18, "idle"): _growing,
    (19, "other"): _other_company,
    (20, "off_shift"): _off_shift,
    (21, "left"): _idle,
    (23, "idle"): _idle,
    (24, "calls"): _accomplice_calls,
    (25, "hidden"): _hidden,
    (26, "tickets"): _own_tickets,
    (27, "preview"): _previews,
    (30, "export"): _export,
    (31, "idle"): _idle,
    (31, "hidden"): _hidden,
    (32, "idle"): _canary,
    (39, "revert"): _revert,
}
SCENARIOS: Final = tuple(sorted(_ACTS))
"""(scenario, mode) that can be generated."""
