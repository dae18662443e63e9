"""The demonstration's campaigns: one announced and read, one that the rules refuse, a grid (law reference §1.3).

Called by `demo.py` once directory and gate are there. Speaks to the product as its owner and a second person would.
Must never make a second campaign while one covers this moment, and every record of it is marked as fictitious.
"""

import base64
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from quivive.model.clock import DAY_US, SECOND_US, from_rfc3339
from quivive.simulation.staff import ESTABLISHMENTS, Agent

Ask = Callable[..., Awaitable[dict[str, Any]]]
CAMPAIGN: Final = "formation-aurore"
REFUSED: Final = "tout-enregistrer"
CONTROLLER: Final = "aurore"
EVALUATOR: Final = "evaluation-1"
"""The account that may listen; its sign-in link is made with this name."""
QUEUE_TEAM: Final = "aurore-assistance"
TOLD_DAYS_AGO: Final = 9
"""The sheet was signed so long ago: longer than the lead time of seven days."""
HOURS: Final = 9
"""Hours of each announced period: a shift, and less than half a day (R-02)."""
GRID: Final = {
    "grid": "accueil-et-verification",
    "purpose": "training",
    "criteria": [
        {"code": "greeting", "fr": "Accueil et présentation", "en": "Greeting and introduction", "highest": 3},
        {"code": "identity", "fr": "Vérification d'identité", "en": "Identity check", "highest": 3},
        {"code": "answer", "fr": "Réponse exacte et complète", "en": "Exact and complete answer", "highest": 3},
    ],
}


def campaign(now: int, zone: ZoneInfo) -> dict[str, Any]:
    """The draft: a week back, ten days on, each day a period that begins an hour before this one."""
    here = datetime.fromtimestamp(now // SECOND_US, zone).replace(minute=0, second=0, microsecond=0)
    start = here - timedelta(hours=1)
    periods = [
        {
            "from": (start + timedelta(days=day)).isoformat(),
            "to": (start + timedelta(days=day, hours=HOURS)).isoformat(),
        }
        for day in range(-6, 10)
    ]
    return {
        "campaign": CAMPAIGN,
        "controller": CONTROLLER,
        "purpose": "training",
        "media": ["recording", "listening"],
        "basis": "legitimate_interest",
        "sites": list(ESTABLISHMENTS),
        "teams": [QUEUE_TEAM],
        "from": (here - timedelta(days=7)).strftime("%Y-%m-%d"),
        "to": (here + timedelta(days=10)).strftime("%Y-%m-%d"),
        "periods": periods,
        "share_percent": 10,
        "cap_month": 5,
        "listeners": [EVALUATOR],
        "retention_days": 30,
        "announcement": "aurore-2026-3",
        "objection": True,
        "neutralisation": True,
        "payment": "paused",
    }


def refused(now: int, zone: ZoneInfo) -> dict[str, Any]:
    """What somebody asks for everywhere: every call, for ever, with the screen."""
    here = datetime.fromtimestamp(now // SECOND_US, zone)
    return campaign(now, zone) | {
        "campaign": REFUSED,
        "purpose": "quality",
        "from": here.strftime("%Y-%m-%d"),
        "to": None,
        "periods": [],
        "trigger": "all",
        "share_percent": 100,
        "retention_days": 730,
        "wanted": ["screen_capture", "emotion"],
    }


async def announce(ask: Ask, agents: tuple[Agent, ...], now: int, zone: ZoneInfo) -> None:
    """Propose, refuse, announce, have it signed, register the grid. `ask` is `Product.ask`."""
    told = {each["campaign"]: each for each in (await ask("campaign-list"))["campaigns"]}
    if REFUSED not in told:
        await ask("campaign-add", draft=_without_nothing(refused(now, zone)), demonstration=True)
    if not (await ask("grid-list"))["grids"]:
        await ask("grid-add", grid=json.dumps(GRID))
    if await _covers(ask, told, now):
        return
    await ask("campaign-add", draft=_without_nothing(campaign(now, zone)), demonstration=True)
    second = await ask("token-issue", name="demo-dpo", sources=(), roles=("dpo",))
    await ask("campaign-decide", campaign=CAMPAIGN, secret=str(second["token"]))
    await ask("token-revoke", name="demo-dpo")
    numbers = [agent.hr_id for agent in agents if agent.team == QUEUE_TEAM]
    sheet = "".join(f"{number};{'refused' if place == 0 else 'signed'}\n" for place, number in enumerate(numbers[:-2]))
    await ask(
        "notices-sheet",
        campaign=CAMPAIGN,
        sheet=base64.b64encode(sheet.encode()).decode(),
        signed_at=now - TOLD_DAYS_AGO * DAY_US,
    )


async def _covers(ask: Ask, told: dict[str, dict[str, Any]], now: int) -> bool:
    """Tell whether the announced version has a period now."""
    if told.get(CAMPAIGN, {}).get("state") != "announced":
        return False
    shown = await ask("campaign-show", campaign=CAMPAIGN)
    return any(from_rfc3339(begins) <= now < from_rfc3339(ends) for begins, ends in shown["periods"])


def _without_nothing(draft: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in draft.items() if value is not None}
