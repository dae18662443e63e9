"""The invented staff: people, sites, teams, accounts in each system, and the rows that say so over HTTP.

Called by `demo.py` and `centre.py`. Pure: the instant is an argument. Must never hold a real person; names
go to the product once, in the directory's rows, which it seals.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import numpy as np

from quivive.model.clock import DAY_US, HOUR_US, Micros, to_rfc3339
from quivive.simulation.configuration import CONTROLLERS
from quivive.simulation.people import FIRST_NAMES, LAST_NAMES

EMPLOYER: Final = "relation-plus"
LILLE: Final = "lille"
TOURS: Final = "tours"
ESTABLISHMENTS: Final = (LILLE, TOURS)
INFORMED_DAYS_AGO: Final = 90
SHIFT_HOURS: Final = 9
_STAFF_SEED: Final = 417


class Work(StrEnum):
    """What an agent does all day."""

    ASSISTANCE = "assistance"
    TRACKING = "tracking"
    CAMPAIGN = "campaign"
    BOOKING = "booking"
    CASES = "cases"


class Conduct(StrEnum):
    """How an agent behaves; all but ORDINARY are the demonstration's misbehaviour."""

    ORDINARY = "ordinary"
    OPENS_WITHOUT_CALL = "opens_without_call"
    READS_ANOTHER_CONTROLLER = "reads_another_controller"
    SEARCHES_WILDCARD = "searches_wildcard"
    HIDES_IN_UNIDENTIFIED = "hides_in_unidentified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One invented agent. `logins` maps a namespace to the login used with every controller."""

    hr_id: str
    name: str
    establishment: str
    team: str
    work: Work
    controllers: tuple[str, ...]
    logins: dict[str, str]
    former: tuple[str, ...] = ()
    conduct: Conduct = Conduct.ORDINARY

    @property
    def crm(self) -> str:
        """Login in the customer applications; what `SET quivive.agent` carries."""
        return self.logins["crm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Team:
    name: str
    work: Work
    controller: str
    lille: int
    tours: int
    conducts: tuple[Conduct, ...] = ()


_TEAMS: Final = (
    _Team(
        name="aurore-assistance",
        work=Work.ASSISTANCE,
        controller="aurore",
        lille=10,
        tours=6,
        conducts=(Conduct.OPENS_WITHOUT_CALL, Conduct.HIDES_IN_UNIDENTIFIED),
    ),
    _Team(name="aurore-dossiers", work=Work.CASES, controller="aurore", lille=1, tours=2),
    _Team(
        name="mercato-suivi",
        work=Work.TRACKING,
        controller="mercato",
        lille=8,
        tours=6,
        conducts=(Conduct.READS_ANOTHER_CONTROLLER, Conduct.SEARCHES_WILDCARD),
    ),
    _Team(name="mercato-dossiers", work=Work.CASES, controller="mercato", lille=2, tours=1),
    _Team(name="sereni-campagne", work=Work.CAMPAIGN, controller="sereni", lille=4, tours=6),
    _Team(name="voyage-reservation", work=Work.BOOKING, controller="voyage", lille=6, tours=0),
)
_FIRST_MISBEHAVING: Final = 4
"""Place in their team of the agents who misbehave: nothing about them stands out otherwise."""


def staff() -> tuple[Agent, ...]:
    """All agents, always the same."""
    chance = np.random.default_rng(_STAFF_SEED)
    agents: list[Agent] = []
    for team in _TEAMS:
        sites = [LILLE] * team.lille + [TOURS] * team.tours
        for place, site in enumerate(sites):
            number = len(agents) + 1
            conduct = Conduct.ORDINARY
            if 0 <= place - _FIRST_MISBEHAVING < len(team.conducts):
                conduct = team.conducts[place - _FIRST_MISBEHAVING]
            login = f"{site[:3]}-{number:03d}"
            first, last = (str(chance.choice(words)) for words in (FIRST_NAMES, LAST_NAMES))
            agents.append(
                Agent(
                    hr_id=f"RH-{number:04d}",
                    name=f"{first} {last}",
                    establishment=site,
                    team=team.name,
                    work=team.work,
                    controllers=(team.controller,),
                    logins={"crm": login, "telephony": f"{4_100 + number}", "helpdesk": f"h.{login}"},
                    # an account that nobody closed when its holder changed teams
                    former=("sereni",) if conduct is Conduct.READS_ANOTHER_CONTROLLER else (),
                    conduct=conduct,
                )
            )
    return tuple(agents)


def directory_rows(agents: tuple[Agent, ...], now: int) -> Iterator[dict[str, Any]]:
    """Rows for POST /v1/directory. `informed_at` lies well before anything the demonstration does."""
    since = to_rfc3339(Micros(now // DAY_US * DAY_US - INFORMED_DAYS_AGO * DAY_US))
    for agent in agents:
        held = [c for c in CONTROLLERS if c in (*agent.controllers, *agent.former)]
        yield {
            "id": agent.hr_id,
            "version": 1,
            "name": agent.name,
            "employer": EMPLOYER,
            "establishment": agent.establishment,
            "country": "FR",
            "site": agent.establishment,
            "team": agent.team,
            "controllers": list(agent.controllers),
            "accounts": [
                {"controller": controller, "namespace": namespace, "login": login, "valid_from": since}
                for controller in held
                for namespace, login in agent.logins.items()
            ],
            "informed_at": since,
            "active_from": since,
        }


def roster_rows(agents: tuple[Agent, ...], now: int) -> Iterator[dict[str, Any]]:
    """Rows for POST /v1/roster: everyone is at work from the hour before `now`."""
    start = now // HOUR_US * HOUR_US - HOUR_US
    stamp = datetime.fromtimestamp(start // 1_000_000, tz=UTC).strftime("%m%d-%H")
    for agent in agents:
        yield {
            "id": f"{agent.hr_id}-{stamp}",
            "version": 1,
            "agent": agent.hr_id,
            "from": to_rfc3339(Micros(start)),
            "to": to_rfc3339(Micros(start + SHIFT_HOURS * HOUR_US)),
        }
