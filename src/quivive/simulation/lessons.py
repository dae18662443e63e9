"""The demonstration's past: a campaign that ended, its recordings, some past their limit, some removed with proof.

Run by `demo.py` as a task, once per data folder. Speaks to the product as its owner and a second person would; every
record is fictitious, and so is every sound. Must never agree to the last plan: that is left to the visitor.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from quivive.model.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US, Micros, to_rfc3339
from quivive.simulation.exchange import CONTROLLER, TEAM, Ask, demonstrate, leaders, lessons, recording
from quivive.simulation.feeds import Api
from quivive.simulation.product import ProductError
from quivive.simulation.sound import keep
from quivive.simulation.staff import Agent

CAMPAIGN: Final = "accueil-demo"
SECOND_PERSON: Final = "demo-second"
REMOVED_DAYS: Final = (45, 44, 43)
"""Days ago of the calls whose recordings were removed before the visitor came."""
OVERDUE_DAYS: Final = (40, 38)
"""Past their thirty days, still there: a plan waits for its second person."""
KEPT_DAYS: Final = (20, 14, 12)
ASK_EVERY_S: Final = 0.5
PATIENCE_S: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Where the product is asked, and where its recorder keeps sound."""

    ask: Ask
    api: Api
    folder: Path
    agents: tuple[Agent, ...]
    now: int

    async def tell(self) -> bool:
        """Announce, record, hear, remove, plan; once. Tells whether there was anything to do.

        Raises:
            ProductError: the product did not follow.
        """
        periods = [(self.now - day * DAY_US - 4 * HOUR_US, self.now - day * DAY_US + 4 * HOUR_US) for day in _days()]
        body = lessons(
            CAMPAIGN, "recording", periods, from_at=self.now - 58 * DAY_US, to_at=self.now - 11 * DAY_US
        )  # fmt: skip
        rows = {day: self._call(day, place) for place, day in enumerate(_days())}
        answers = [self._answer(day, row) for day, row in rows.items()]
        if not await demonstrate(self.ask, body, self.agents, read_at=self.now - 66 * DAY_US, answers=answers):
            return False
        await asyncio.to_thread(self.api.post, "/v1/recordings", [recording(row) for row in rows.values()])
        await asyncio.to_thread(self.api.post, "/v1/listenings", [self._heard(rows[day]) for day in KEPT_DAYS[:2]])
        self._keep(rows[day] for day in REMOVED_DAYS)
        await self._until_due(len(REMOVED_DAYS))
        await self._remove()
        self._keep(rows[day] for day in (*OVERDUE_DAYS, *KEPT_DAYS))
        await self._until_due(len(OVERDUE_DAYS))
        await self.ask("recordings-plan", controller=CONTROLLER)
        return True

    def _call(self, day: int, place: int) -> dict[str, Any]:
        """A call of the team; the last of them speaks most often, for his own page is what a visitor opens."""
        team = [agent for agent in self.agents if agent.team == TEAM]
        agent = team[-1] if place % 2 else team[place % len(team)]
        began = self.now - day * DAY_US
        ended = began + (40 + 7 * place) * SECOND_US
        return {
            "id": f"past-{began // SECOND_US}", "started_at": to_rfc3339(Micros(began)),
            "ended_at": to_rfc3339(Micros(ended)), "legs": [{"agent": agent.logins["telephony"]}],
        }  # fmt: skip

    def _answer(self, day: int, row: dict[str, Any]) -> dict[str, Any]:
        agent = row["legs"][0]["agent"]
        return {"call": row["id"], "namespace": "telephony", "agent": agent, "at": self.now - day * DAY_US - SECOND_US}

    def _heard(self, row: dict[str, Any]) -> dict[str, Any]:
        """The manager named to listen played it two hours later."""
        began = int(str(row["id"]).rpartition("-")[2]) * SECOND_US + 2 * HOUR_US
        return {
            "id": f"play-{row['id']}", "version": 1, "kind": "playback", "controller": CONTROLLER,
            "contact": row["id"], "recording": f"rec-{row['id']}", "agent": row["legs"][0]["agent"],
            "listener": leaders(self.agents)[0].logins["telephony"], "started_at": to_rfc3339(Micros(began)),
            "ended_at": to_rfc3339(Micros(began + MINUTE_US)), "heard_ms": 30_000, "reason": "coaching",
        }  # fmt: skip

    def _keep(self, rows: Iterable[dict[str, Any]]) -> None:
        for row in rows:
            keep(self.folder, row["id"], row["started_at"], row["ended_at"])

    async def _until_due(self, count: int) -> None:
        """Wait until the product proposes so many for removal: it has read campaign and recordings."""
        for _ in range(int(PATIENCE_S / ASK_EVERY_S)):
            counts = (await self.ask("recordings-look", controller=CONTROLLER))["counts"]
            if sum(each["count"] for each in counts if each["reason"] == "past_limit" and each["campaign"]) == count:
                return
            await asyncio.sleep(ASK_EVERY_S)
        raise ProductError("the product does not see the demonstration's recordings")

    async def _remove(self) -> None:
        """A plan, a second person, and wait for the certificate."""
        plan = str((await self.ask("recordings-plan", controller=CONTROLLER))["plan"])
        second = await self.ask("token-issue", name=SECOND_PERSON, sources=(), roles=("dpo",))
        await self._agree(plan, str(second["token"]))
        await self.ask("token-revoke", name=SECOND_PERSON)
        for _ in range(int(PATIENCE_S / ASK_EVERY_S)):
            if (await self.ask("recordings-status"))["certificates"]:
                return
            await asyncio.sleep(ASK_EVERY_S)
        raise ProductError("the product did not certify the demonstration's removal")

    async def _agree(self, plan: str, secret: str) -> None:
        """Agree as soon as the proposal is in the projection."""
        for _ in range(int(PATIENCE_S / ASK_EVERY_S)):
            plans = (await self.ask("recordings-status"))["plans"]
            if any(each["plan"] == plan and each["agreement"] == "proposed" for each in plans):
                break
            await asyncio.sleep(ASK_EVERY_S)
        await self.ask("recordings-approve", subject=plan, secret=secret)


def _days() -> tuple[int, ...]:
    return (*REMOVED_DAYS, *OVERDUE_DAYS, *KEPT_DAYS)
