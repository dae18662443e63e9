"""The invented exchange: it asks the recording gate, records what it may, and one manager listens unannounced.

Run by `demo.py` as a task. Must never record a call that the gate did not allow: what goes wrong here is the listening.
"""

import asyncio
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from quivive.model.clock import DAY_US, HOUR_US, MINUTE_US, Micros, to_rfc3339
from quivive.simulation.feeds import Api, FeedError
from quivive.simulation.staff import Agent

SOURCE: Final = "exchange"
CONTROLLER: Final = "aurore"
TEAM: Final = "aurore-assistance"
LEADERS: Final = "aurore-dossiers"
ANNOUNCEMENT: Final = "aurore-demo-1"
ASK_S: Final = 2.0
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
    named, _ = leaders(agents)
    recording = [(now - DAY_US, now + 13 * DAY_US)]
    listening = [(now - 3 * HOUR_US, now + 10 * MINUTE_US)]
    for name, media, periods in (
        ("coaching-demo", ["recording"], recording),
        ("ecoute-demo", ["listening"], listening),
    ):
        body = {
            "campaign": name, "version": 1, "controller": CONTROLLER, "purpose": "training", "media": media,
            "basis": "legitimate_interest", "legal_text": "", "necessity": "", "sites": [], "teams": [TEAM],
            "queues": [], "outbound_sale": False, "trigger": "sample", "from_at": now - 10 * DAY_US,
            "to_at": now + 20 * DAY_US, "periods": [{"from_at": begin, "to_at": end} for begin, end in periods],
            "share_permille": 200, "cap_month": 5, "listeners": [], "retention_days": 30, "analysis_days": 365,
            "announcement": ANNOUNCEMENT, "announcement_sha256": "", "objection": True, "neutralisation": True,
            "payment": "none", "wanted": [], "lead_us": 7 * DAY_US, "proposed_by": "demonstration",
            "approved_by": "dpo-demonstration", "refusals": [],
        }  # fmt: skip
        await ask("recordings-demonstrate", campaign=body, read_at=now - 9 * DAY_US, listeners=[named.hr_id])


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One exchange at work. `see` takes what telephony delivers; `run` asks, records, listens, until cancelled."""

    address: str
    token: str
    api: Api
    agents: tuple[Agent, ...]
    began_at: int
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
            self._post("/v1/recordings", _recording(row))
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


def _recording(row: dict[str, Any]) -> dict[str, Any]:
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
