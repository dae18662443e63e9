"""Commands of the register on the control socket: campaigns, notices, kiosk, sheets, neutralised tokens, grids.

Registered by `core.commands`. The socket's owner proposes; who announces proves himself by a token or a sign-in link of
his own. Each act is an entry, durable before the answer. Must never answer a person: neutral counts and codes only.
"""

import base64
import binascii
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from quivive.core.compose import Parts
from quivive.core.control import Handler
from quivive.model.clock import DAY_US, SECOND_US, Micros, to_rfc3339
from quivive.model.entry import ActBody, ActKind
from quivive.model.errors import RefusedError
from quivive.model.permission import Permission, Role
from quivive.model.recording_register import CampaignBody
from quivive.recordings.desk import Desk
from quivive.recordings.draft import load_draft, refuse_unreadable
from quivive.recordings.rules import Warned
from quivive.rows import FieldError
from quivive.vault import Principal

OWNER: Final = "owner"
PURPOSE: Final = "recordings"


def recording_commands(parts: Parts) -> dict[str, Handler]:
    """Return the handlers of the register."""
    table = _RecordingCommands(parts)
    return {
        "campaign-add": table.add,
        "campaign-list": table.list,
        "campaign-show": table.show,
        "campaign-decide": table.decide,
        "campaign-end": table.end,
        "notices-sheet": table.sheet,
        "notices-kiosk": table.kiosk,
        "recordings-neutralise": table.neutralise,
        "grid-add": table.grid_add,
        "grid-list": table.grid_list,
    }


class _RecordingCommands:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def _desk(self) -> Desk:
        assert self._parts.desk is not None, "the core opens it before its commands"
        return self._parts.desk

    async def add(self, request: dict[str, Any]) -> dict[str, Any]:
        """Propose a campaign; refused by a rule, it is written as such and says why."""
        value = request["draft"] if isinstance(request["draft"], dict) else load(str(request["draft"]))
        try:
            found = await self._desk.propose(
                value, principal=OWNER, role=OWNER, demonstration=bool(request.get("demonstration"))
            )
        except FieldError as error:
            raise refuse_unreadable(error) from None
        body = found.body
        await self._act(ActKind.PROPOSE_CAMPAIGN, f"{body.campaign}/{body.version}", (body.controller,))
        return self._told(body) | {"warnings": [_warned(each) for each in found.warnings]}

    async def list(self, request: dict[str, Any]) -> dict[str, Any]:
        """Every version, newest first."""
        del request
        found = self._desk.register.campaigns(tuple(self._parts.settings.controllers))
        await self._act(ActKind.VIEW_RECORDINGS, "", tuple(self._parts.settings.controllers), len(found))
        return {"campaigns": [self._told(body) for body in found]}

    async def show(self, request: dict[str, Any]) -> dict[str, Any]:
        """One version, the newest when none is said, with its periods and how far its notices are."""
        body = self._desk.register.campaign(str(request["campaign"]), int(request.get("version") or 0))
        if body is None:
            raise RefusedError("campaign_unknown", "no campaign of this name and version")
        await self._act(ActKind.VIEW_RECORDINGS, f"{body.campaign}/{body.version}", (body.controller,))
        counted = self._desk.progress(body)
        return self._told(body) | {
            "sites": body.sites,
            "teams": body.teams,
            "queues": body.queues,
            "listeners": len(body.listeners),
            "periods": [[_at(each.from_at), _at(each.to_at)] for each in body.periods],
            "notices": {name: getattr(counted, name) for name in type(counted).__slots__},
        }

    async def decide(self, request: dict[str, Any]) -> dict[str, Any]:
        """A second person announces or refuses; the token or link is his own."""
        principal = self._second(str(request["secret"]))
        name, version = str(request["campaign"]), int(request.get("version") or 0)
        if not version:
            newest = self._desk.register.campaign(name)
            version = 0 if newest is None else newest.version
        role = Role.DPO if Role.DPO in principal.roles else principal.role_text
        body = await self._desk.decide(
            name,
            version,
            agree=bool(request.get("agree", True)),
            principal=principal.id,
            role=role,
            controllers=principal.controllers,
        )
        await self._act(ActKind.DECIDE_CAMPAIGN, f"{name}/{version}", (body.controller,), principal=principal)
        return self._told(body)

    async def end(self, request: dict[str, Any]) -> dict[str, Any]:
        """End the version in force."""
        body = await self._desk.end(str(request["campaign"]), principal=OWNER)
        await self._act(ActKind.END_CAMPAIGN, f"{body.campaign}/{body.version}", (body.controller,))
        return self._told(body)

    async def sheet(self, request: dict[str, Any]) -> dict[str, Any]:
        """Take in a sign-in sheet."""
        try:
            data = base64.b64decode(str(request["sheet"]), validate=True)
            found = await self._desk.import_sheet(
                str(request["campaign"]), data, principal=OWNER, signed_at=int(request.get("signed_at") or 0)
            )
        except binascii.Error:
            raise RefusedError("body_unreadable", "expected base64") from None
        except FieldError as error:
            raise refuse_unreadable(error) from None
        await self._act(ActKind.IMPORT_SHEET, str(request["campaign"]), (), found.signed + found.refused)
        return {"signed": found.signed, "refused": found.refused, "unknown": found.unknown, "sha256": found.sha256}

    async def kiosk(self, request: dict[str, Any]) -> dict[str, Any]:
        """Codes by the personnel numbers that were given; nothing else of a person."""
        numbers = [str(number) for number in request["numbers"]]
        found = await self._desk.kiosk_codes(str(request["campaign"]), numbers, principal=OWNER)
        await self._act(ActKind.SEND_NOTICES, str(request["campaign"]), (), len(found))
        return {"codes": [{"number": number, "code": code} for number, code in found]}

    async def neutralise(self, request: dict[str, Any]) -> dict[str, Any]:
        """Take a person or a line out of recording, or back; never why."""
        removed, days = bool(request.get("removed")), int(request.get("days") or 0)
        to_at = self._parts.clock() + days * DAY_US if days else 0
        if request.get("line"):
            await self._desk.neutralise_line(
                str(request["controller"]), str(request["line"]), removed=removed, to_at=to_at
            )  # fmt: skip
        else:
            await self._desk.neutralise_person(str(request["person"]), removed=removed, to_at=to_at)
        await self._act(ActKind.NEUTRALISE, "", ())
        return {"neutralised": not removed}

    async def grid_add(self, request: dict[str, Any]) -> dict[str, Any]:
        """Register a grid or its next version."""
        try:
            grid = await self._desk.analysis.register_grid(load(str(request["grid"])))
        except FieldError as error:
            raise refuse_unreadable(error) from None
        await self._act(ActKind.REGISTER_GRID, f"{grid.grid}/{grid.version}", ())
        return {"grid": grid.grid, "version": grid.version, "criteria": len(grid.criteria)}

    async def grid_list(self, request: dict[str, Any]) -> dict[str, Any]:
        """Grids in force."""
        del request
        return {
            "grids": [
                {"grid": grid.grid, "version": grid.version, "purpose": grid.purpose, "criteria": len(grid.criteria)}
                for grid in self._desk.register.grids()
            ]
        }

    # --- helpers

    def _told(self, body: CampaignBody) -> dict[str, Any]:
        return {
            "campaign": body.campaign,
            "version": body.version,
            "state": body.state,
            "controller": body.controller,
            "purpose": body.purpose,
            "media": body.media,
            "from": _at(body.from_at),
            "to": _at(body.to_at),
            "first_day": self._day(body.from_at),
            "last_day": self._day(body.to_at - 1) if body.to_at else "",
            "share_permille": body.share_permille,
            "retention_days": body.retention_days,
            "refusals": [{"code": each.code, "found": each.found, "limit": each.limit} for each in body.refusals],
        }

    def _day(self, at: int) -> str:
        """The day of an instant where the operator works."""
        zone = ZoneInfo(self._parts.settings.operator.timezone)
        return datetime.fromtimestamp(at // SECOND_US, zone).strftime("%Y-%m-%d") if at else ""

    def _second(self, secret: str) -> Principal:
        """Who agrees, by a token or a one-time sign-in link of his own.

        Raises:
            RefusedError: neither is known, or the role may not.
        """
        now, vault = self._parts.clock(), self._parts.vault
        principal = vault.token(secret, now) or vault.consume_link(secret.rpartition("token=")[2] or secret, now)
        if not principal.may(Permission.RECORDINGS_CAMPAIGN_APPROVE):
            raise RefusedError("permission_refused", "this role does not announce campaigns")
        return principal

    async def _act(
        self,
        act: ActKind,
        what: str,
        controllers: tuple[str, ...],
        count: int = 1,
        principal: Principal | None = None,
    ) -> None:
        body = ActBody(
            act=act,
            principal=OWNER if principal is None else principal.id,
            role="" if principal is None else principal.role_text,
            controllers=controllers,
            object=what,
            count=count,
            purpose=PURPOSE,
        )
        await self._parts.record_act(body)


def load(text: str) -> dict[str, Any]:
    """Read the YAML of a request.

    Raises:
        RefusedError: `campaign_unreadable`, with place, expected, found.
    """
    try:
        return load_draft(text.encode())
    except FieldError as error:
        raise refuse_unreadable(error) from None


def _at(at: int) -> str:
    return to_rfc3339(Micros(at)) if at else ""


def _warned(warned: Warned) -> dict[str, Any]:
    return {"code": warned.code, "found": warned.found, "usual": warned.usual}
