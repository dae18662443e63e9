"""The invented exchange: it asks the recording gate, records what it may, and one manager listens unannounced.

Run by `demo.py` as a task. Must never record a call that the gate did not allow: what goes wrong here is the listening.
"""

import asyncio
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from quivive.model.clock import DAY_US, HOUR_US, MINUTE_US, Micros, to_rfc3339
from quivive.simulation.feeds import Api, FeedError
from quivive.simulation.hearing import EVALUATOR
from quivive.simulation.sound import keep
from quivive.simulation.staff import Agent

SOURCE: Final = "exchange"
CONTROLLER: Final = "aurore"
TEAM: Final = "aurore-assistance"
LEADERS: Final = "aurore-dossiers"
ANNOUNCEMENT: Final = "aurore-demo-1"
ASK_S: Final = 2.0
RETENTION_DAYS: Final = 30
LISTEN_EACH: Final = 6
"""Of so many calls one is listened to as it happens."""
STRAY: Final = 3
"""After so many calls the switch tells of a listening outside the period."""
Ask = Callable[..., Awaitable[dict[str, Any]]]


def leaders(agents: tuple[Agent, ...]) -> tuple[Agent, Agent]:
    """The manager who is named to listen, and another one."""
    found = [agent for agent in agents if agent.team == LEADERS]
    return found[0], found[1]


async def announce_lessons(ask: Ask, agents: tuple[Agent, ...], now: int) -> None:
    """Fictitious campaigns that everybody read nine days ago: recording now, listening for ten more minutes."""
    recording = [(now - DAY_US, now + 13 * DAY_US)]
    listening = [(now - 3 * HOUR_US, now + 10 * MINUTE_US)]
    for name, media, periods in (
        ("coaching-demo", "recording", recording),
        ("ecoute-demo", "listening", listening),
    ):
        body = lessons(name, media, periods, from_at=now - 10 * DAY_US, to_at=now + 20 * DAY_US)
        await demonstrate(ask, body, agents, read_at=now - 9 * DAY_US)


def lessons(name: str, medium: str, periods: list[tuple[int, int]], *, from_at: int, to_at: int) -> dict[str, Any]:
    """A fictitious campaign for training: the evaluator and, by the telephony, one manager may listen."""
    return {
        "campaign": name, "version": 1, "controller": CONTROLLER, "purpose": "training", "media": [medium],
        "basis": "legitimate_interest", "legal_text": "", "necessity": "", "sites": [], "teams": [TEAM],
        "queues": [], "outbound_sale": False, "trigger": "sample", "from_at": from_at, "to_at": to_at,
        "periods": [{"from_at": begin, "to_at": end} for begin, end in periods],
        "share_permille": 200, "cap_month": 5, "listeners": [{"principal": EVALUATOR, "person": ""}],
        "retention_days": RETENTION_DAYS, "analysis_days": 365,
        "announcement": ANNOUNCEMENT, "announcement_sha256": "", "objection": True, "neutralisation": True,
        "payment": "none", "wanted": [], "lead_us": 7 * DAY_US, "proposed_by": "demonstration",
        "approved_by": "dpo-demonstration", "refusals": [],
    }  # fmt: skip


async def demonstrate(
    ask: Ask, body: dict[str, Any], agents: tuple[Agent, ...], *, read_at: int, answers: Sequence[dict[str, Any]] = ()
) -> bool:
    """Have the product write it, once, with what the gate answered then; tells whether it was new."""
    named, _ = leaders(agents)
    answer = await ask(
        "recordings-demonstrate", campaign=body, read_at=read_at, listeners=[named.hr_id], answers=list(answers)
    )
    return bool(answer["written"])


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One exchange at work. `see` takes what telephony delivers; `run` asks, records, listens, until cancelled."""

    address: str
    token: str
    api: Api
    agents: tuple[Agent, ...]
    began_at: int
    sound: Path | None = None
    """Where it keeps what it records; None in a folder of an earlier version."""
    _calls: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    _seen: set[str] = field(default_factory=set)

    def see(self, row: dict[str, Any]) -> None:
        """Remember a call of the team once it has ended."""
        if row.get("team") == TEAM and row.get("ended_at") and row.get("legs") and row["id"] not in self._seen:
            self._seen.add(row["id"])
            self._calls.put_nowait(row)

    async def run(self) -> None:
        """Take one call after the other; a product that is away is asked again with the next."""
        while True:
            row = await self._calls.get()
            try:
                await asyncio.to_thread(self._handle, row, len(self._seen))
            except (OSError, FeedError):
                continue

    def _handle(self, row: dict[str, Any], number: int) -> None:
        agent = row["legs"][0]["agent"]
        if self.ask("may_record", agent=agent, call=row["id"], queue=TEAM)[0] == "allow":
            told = recording(row)
            if self.sound is not None:
                keep(self.sound, row["id"], told["started_at"], told["ended_at"])
            self._post("/v1/recordings", told)
        if number == STRAY:
            self._post("/v1/listenings", self._stray(agent))
        named, _ = leaders(self.agents)
        listener = named.logins["telephony"]
        if number % LISTEN_EACH == 0:
            answer = self.ask("may_listen", agent=agent, call=row["id"], queue=TEAM, listener=listener)
            if answer[0] == "allow":
                self._post("/v1/listenings", _listening(row, listener))

    def _stray(self, agent: str) -> dict[str, Any]:
        """This morning, an hour before the announced period began, nobody asked: the manager listened all the same."""
        began = self.began_at - 4 * HOUR_US
        return {
            "id": f"spy-stray-{began}", "version": 1, "kind": "live", "controller": CONTROLLER, "agent": agent,
            "listener": leaders(self.agents)[0].logins["telephony"], "started_at": to_rfc3339(Micros(began)),
            "ended_at": to_rfc3339(Micros(began + 5 * MINUTE_US)),
        }  # fmt: skip

    def ask(self, path: str, **fields: str) -> list[str]:
        """Ask the gate as an exchange does; whatever goes wrong is a no."""
        body = urllib.parse.urlencode({**fields, "controller": CONTROLLER, "announced": ANNOUNCEMENT}).encode()
        request = urllib.request.Request(
            f"http://{self.address}/{path}", body, {"Authorization": f"Bearer {self.token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=ASK_S) as answer:  # noqa: S310 - our own loopback port
                return str(answer.read(1_024).decode()).split("\n")
        except (OSError, ValueError):
            return ["deny", "unreachable", ""]

    def _post(self, path: str, row: dict[str, Any]) -> None:
        self.api.post(path, [row])


def recording(row: dict[str, Any]) -> dict[str, Any]:
    """What the exchange tells of the recording of a call."""
    begin = row.get("started_at") or row["legs"][0].get("from") or row["ended_at"]
    return {
        "id": f"rec-{row['id']}", "version": 1, "controller": CONTROLLER, "contact": row["id"], "queue": TEAM,
        "agent": row["legs"][0]["agent"], "started_at": begin, "ended_at": row["ended_at"],
        "call_ended_at": row["ended_at"], "announced": True,
    }  # fmt: skip


def _listening(row: dict[str, Any], listener: str) -> dict[str, Any]:
    begin = row.get("started_at") or row["ended_at"]
    return {
        "id": f"spy-{row['id']}", "version": 1, "kind": "live", "controller": CONTROLLER, "contact": row["id"],
        "agent": row["legs"][0]["agent"], "listener": listener, "started_at": begin, "ended_at": row["ended_at"],
        "reason": "coaching",
    }  # fmt: skip
