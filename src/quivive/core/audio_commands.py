"""Commands of kept sound on the control socket: look, plan, agree, carry out, hold.

Registered by `core.commands`. The socket's owner speaks as the administrator; a second person proves himself by a token
or a one-time sign-in link of his own. Each act is an entry, durable before the answer. Must never answer a path, unless
the owner, who can read the store himself, asks for names, which is an act of its own.
"""

import asyncio
import secrets
from typing import Any, Final

from quivive.core.audio_desk import AudioDesk, hold_of
from quivive.core.audio_facts import failures_of
from quivive.core.audio_keeping import AudioKeeping, Look, told_failures, told_rows
from quivive.core.compose import Parts
from quivive.core.control import Handler
from quivive.core.writers import CoreWriter
from quivive.model.approval import ApprovalAct, propose
from quivive.model.audio import HOLD_MAX_DAYS, AudioHoldBody, HoldScope
from quivive.model.clock import DAY_US, Micros, from_rfc3339, to_rfc3339
from quivive.model.entry import ActBody, ActKind, EntryKind
from quivive.model.errors import RefusedError
from quivive.model.ids import KEY_PATTERN, OPERATOR
from quivive.model.permission import Permission, Role
from quivive.privacy.pseudonym import contact_key
from quivive.recordings.judging import Hold, held
from quivive.recordings.plan import csv_of
from quivive.vault import Principal

OWNER: Final = "owner"
PURPOSE: Final = "recordings"
SHOWN_S_MAX: Final = 60
"""Seconds a plan may take to be projected; a later command then says `plan_unknown`, and is asked again."""
SHOWN_PAUSE_S: Final = 0.2
MAX_LINES: Final = 2_000
"""Lines of a CSV in one answer, about 500 kB with long names."""


def audio_commands(parts: Parts, writer: CoreWriter) -> dict[str, Handler]:
    """Return the handlers of kept sound."""
    table = AudioCommands(parts, writer)
    return {
        "recordings-look": table.look,
        "recordings-look-lines": table.look_lines,
        "recordings-plan": table.plan,
        "recordings-approve": table.approve,
        "recordings-run": table.run,
        "recordings-status": table.status,
        "recordings-check": table.check,
        "recordings-hold-add": table.hold_add,
        "recordings-hold-release": table.hold_release,
        "recordings-hold-list": table.hold_list,
    }


class AudioCommands:
    """See the module."""

    def __init__(self, parts: Parts, writer: CoreWriter) -> None:
        self._parts, self._writer = parts, writer
        self._lines: dict[str, list[str]] = {}
        """CSV of the last look, until it was fetched: an answer of the socket is smaller than a backlog."""

    @property
    def _audio(self) -> AudioKeeping:
        audio = self._parts.audio
        if audio is None or not audio.stores:
            raise RefusedError("audio_none", "quivive.toml declares no audio store ([audio.NAME])")
        return audio

    @property
    def _desk(self) -> AudioDesk:
        return AudioDesk(self._audio, self._writer, self._parts.clock)

    async def look(self, request: dict[str, Any]) -> dict[str, Any]:
        """Judge every object and change nothing: the dry run of `adopt`, and the figures of `purge plan`."""
        look = await asyncio.to_thread(self._audio.look, self._controller(request, needed=False))
        named = bool(request.get("names"))
        await self._record(ActKind.EXPORT if named else ActKind.VIEW_RECORDINGS, "audio", len(look.judged))
        return {
            "at": to_rfc3339(Micros(look.at)),
            "objects": len(look.judged),
            "others": look.gathered.others,
            "silent": list(look.silent),
            "counts": told_rows(look),
            "csv": self._keep_csv(look, named=named) if request.get("csv") else "",
        }

    def _keep_csv(self, look: Look, *, named: bool) -> str:
        text = csv_of(look.judged, look.at, _names(look) if named else None)
        self._lines = {(handle := secrets.token_hex(8)): text.splitlines(keepends=True)}
        return handle

    async def look_lines(self, request: dict[str, Any]) -> dict[str, Any]:
        """Some lines of the CSV of the last look; forgotten after the last ones."""
        handle, start = str(request["csv"]), int(request["start"])
        lines = self._lines.get(handle)
        if lines is None:
            raise RefusedError("look_unknown", "this look is over; look again")
        end = start + MAX_LINES
        if end >= len(lines):
            self._lines.pop(handle)
        return {"lines": "".join(lines[start:end]), "next": end if end < len(lines) else 0}

    async def plan(self, request: dict[str, Any]) -> dict[str, Any]:
        """Seal a plan for one controller and propose it to a second person."""
        controller = self._controller(request)
        audio = self._audio
        await self._record(ActKind.PLAN_RECORDINGS_PURGE, controller, 1)
        look = await asyncio.to_thread(audio.look, controller)
        plan = await asyncio.to_thread(
            lambda: audio.plan(look, controller=controller, principal=OWNER, role=Role.ADMINISTRATOR)
        )
        await self._shown(plan.plan)
        return {
            "plan": plan.plan,
            "controller": controller,
            "to_remove": len(plan.items),
            "objects": plan.objects,
            "digest": plan.digest,
            "declared_by_vendor": plan.declared,
        }

    async def _shown(self, plan: str) -> None:
        """Wait until the projection holds the sealed plan whole: the next command is about it."""
        for _ in range(int(SHOWN_S_MAX / SHOWN_PAUSE_S)):
            if await asyncio.to_thread(self._audio.facts.plan, plan) is not None:
                return
            await asyncio.sleep(SHOWN_PAUSE_S)

    async def approve(self, request: dict[str, Any]) -> dict[str, Any]:
        """A second person agrees to a plan, a hold or a release, or refuses."""
        subject, agreed = str(request["subject"]), bool(request.get("agree", True))
        principal = self._second(str(request["secret"]))
        await self._record(ActKind.DECIDE_RECORDINGS_PURGE, subject, 1, principal)
        decided = await asyncio.to_thread(lambda: self._desk.decide(subject, principal, agreed=agreed))
        return {"subject": subject, "state": decided.state.value, "approved_by": decided.decided_by}

    async def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out an agreed plan now, or resume it."""
        plan = str(request["plan"])
        await self._record(ActKind.RUN_RECORDINGS_PURGE, plan, 1)
        outcome = await asyncio.to_thread(self._audio.carry_out, plan)
        return {
            "plan": plan,
            "removed": outcome.removed,
            "left": outcome.left,
            "held": outcome.kept,
            "failures": told_failures(outcome.failures),
            "certificates": list(outcome.certificates),
            "certified": outcome.whole,
        }

    async def status(self, request: dict[str, Any]) -> dict[str, Any]:
        """Plans with their agreement and last attempt; certificates."""
        del request
        facts = self._audio.facts
        plans = await asyncio.to_thread(lambda: facts.query("audio_plans", limit=50))
        certificates = await asyncio.to_thread(lambda: facts.query("audio_certificates", limit=50))
        await self._record(ActKind.VIEW_RECORDINGS, "plans", len(plans))
        return {
            "plans": [
                {
                    "plan": row["plan"],
                    "controller": row["controller"],
                    "planned_by": row["planned_by"],
                    "planned_at": to_rfc3339(row["planned_at"]),
                    "items": int(row["items"]),
                    "agreement": row["state"] or "none",
                    "approved_by": row["decided_by"],
                    "step": row["step"] or "none",
                    "attempt": row["attempt"],
                    "removed": row["removed"],
                    "left": row["left_over"],
                    "failures": told_failures(failures_of(row)),
                    "declared_by_vendor": row["declared"],
                }
                for row in plans
            ],
            "certificates": [
                {
                    "certificate": row["certificate"],
                    "controller": row["controller"],
                    "rule": row["rule"],
                    "campaign": row["campaign"],
                    "removed": row["removed"],
                    "verified_absent_at": to_rfc3339(row["verified_absent_at"]),
                    "declared_by_vendor": row["declared"],
                }
                for row in certificates
            ],
        }

    async def check(self, request: dict[str, Any]) -> dict[str, Any]:
        """Compare declared with oldest now, as the daily round does; the entry is written."""
        del request
        audio = self._audio
        body = await asyncio.to_thread(lambda: audio.check(audio.look()))
        return {
            "overdue": body.overdue,
            "incomplete": body.incomplete,
            "stores": [
                {
                    "store": age.store,
                    "controller": age.controller,
                    "declared_days": age.declared_days,
                    "oldest": to_rfc3339(Micros(age.oldest_at)) if age.oldest_at else "",
                    "overdue": age.overdue,
                    "held": bool(age.held),
                }
                for age in body.stores
            ],
        }

    # --- holds

    async def hold_add(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask for a hold, in force at once, for a week, until a second person agrees; tells what it keeps."""
        controller, now = self._controller(request), self._parts.clock()
        scope = HoldScope(request["scope"])
        subject = self._held_object(controller, scope, str(request["object"]))
        until_at = from_rfc3339(str(request["until"]))
        if not now < until_at <= now + HOLD_MAX_DAYS * DAY_US:
            raise RefusedError("hold_until", f"a hold ends within {HOLD_MAX_DAYS} days")
        reference = str(request["reference"]).strip()
        if not reference:
            raise RefusedError("hold_reference", "a hold names the request or proceedings behind it")
        if scope is HoldScope.CAMPAIGN and not await asyncio.to_thread(self._is_campaign, controller, subject):
            raise RefusedError("campaign_unknown", "this company announced no campaign of this name")
        hold = AudioHoldBody(
            hold=secrets.token_hex(16), controller=controller, scope=scope, object=subject, reference=reference,
            from_at=now, until_at=until_at, asked_by=OWNER, approved_by="", approval="", released=False,
        )  # fmt: skip
        await self._record(ActKind.HOLD_RECORDINGS, hold.hold, 1)
        await asyncio.to_thread(self._ask, ApprovalAct.RECORDINGS_HOLD, hold)
        look = await asyncio.to_thread(self._audio.look, controller)  # after it is in force: a look may take long
        return {
            "hold": hold.hold,
            "controller": controller,
            "until": to_rfc3339(until_at),
            "state": "proposed",
            "keeps": _kept(look, hold),
            "silent": list(look.silent),
        }

    async def hold_release(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask that a hold end before its date; it stays in force until a second person agrees."""
        rows = await asyncio.to_thread(self._audio.facts.query, "audio_holds")
        found = [row for row in rows if row["hold"] == str(request["hold"])]
        if not found:
            raise RefusedError("hold_unknown", "no hold of this id is in force")
        await self._record(ActKind.HOLD_RECORDINGS, found[0]["hold"], 1)
        hold = hold_of(found[0], approval="", approved_by="", released=True)
        await asyncio.to_thread(self._ask, ApprovalAct.RECORDINGS_RELEASE, hold)
        return {"hold": hold.hold, "state": "release proposed"}

    async def hold_list(self, request: dict[str, Any]) -> dict[str, Any]:
        """Holds in force and asked for."""
        del request
        rows = await asyncio.to_thread(self._audio.facts.query, "audio_holds")
        await self._record(ActKind.VIEW_RECORDINGS, "holds", len(rows))
        return {
            "holds": [
                {
                    "hold": row["hold"],
                    "controller": row["controller"],
                    "scope": row["scope"],
                    "reference": row["reference"],
                    "until": to_rfc3339(row["until_at"]),
                    "asked_by": row["asked_by"],
                    "approved_by": row["approved_by"],
                }
                for row in rows
            ]
        }

    def _ask(self, act: ApprovalAct, hold: AudioHoldBody) -> None:
        if act is ApprovalAct.RECORDINGS_HOLD:
            self._writer.write(EntryKind.RECORDING_HOLD, hold, controller=hold.controller)
        body = propose(
            approval=secrets.token_hex(16), act=act, controller=hold.controller, subject=hold.hold,
            digest=hold.hold.ljust(64, "0"), reference=hold.reference, principal=OWNER, role=Role.ADMINISTRATOR,
            at=self._parts.clock(),
        )  # fmt: skip
        self._writer.write(EntryKind.APPROVAL, body, controller=hold.controller)

    def _is_campaign(self, controller: str, name: str) -> bool:
        """Whether the company ever announced a campaign of this name; judging knows no other."""
        return any((each.controller, each.campaign) == (controller, name) for each in self._audio.facts.rules().limits)

    def _held_object(self, controller: str, scope: HoldScope, text: str) -> str:
        if scope is HoldScope.CONTACT:
            return contact_key(self._parts.keyring.controller_keys(controller), text)
        if scope is HoldScope.AUDIO and not KEY_PATTERN.fullmatch(text):
            raise RefusedError("audio_unknown", "an object is named by its 32 hexadecimal digits, as the CSV shows it")
        return text

    # --- who asks

    def _controller(self, request: dict[str, Any], *, needed: bool = True) -> str:
        controller = str(request.get("controller") or "")
        known = (*sorted(self._parts.settings.controllers), OPERATOR)
        if controller not in known and (controller or needed):
            raise RefusedError("controller_unknown", f"expected one of {', '.join(known)}")
        return controller

    def _second(self, secret: str) -> Principal:
        """The person behind a token or a one-time sign-in link."""
        now = self._parts.clock()
        secret = secret.rpartition("token=")[2].strip()
        principal = self._parts.vault.token(secret, now) or self._parts.vault.consume_link(secret, now)
        if not principal.may(Permission.RECORDINGS_PURGE_APPROVE):
            raise RefusedError("permission_refused", "this person may not agree to a removal")
        return principal

    async def _record(self, act: ActKind, what: str, count: int, principal: Principal | None = None) -> None:
        await self._parts.record_act(
            ActBody(
                act=act,
                principal=principal.id if principal else OWNER,
                role=principal.role_text if principal else "",
                controllers=principal.controllers if principal else (),
                object=what,
                count=count,
                purpose=PURPOSE,
            )
        )


def _kept(look: Look, body: AudioHoldBody) -> int:
    """How many objects a hold keeps now."""
    hold = Hold(
        hold=body.hold, controller=body.controller, scope=body.scope, object=body.object, until_at=body.until_at
    )
    return sum(
        bool(held(each.seen, (hold,), contact=each.contact, campaign=each.campaign, now=look.at))
        for each in look.judged
    )


def _names(look: Look) -> dict[str, str]:
    return {audio: path for audio, (_, path) in look.gathered.paths.items()}
