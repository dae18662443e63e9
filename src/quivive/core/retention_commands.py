"""Commands of retention on the control socket: plan, agree, carry out, hold, erase, end of contract, check.

Registered by `core.commands`. The socket's owner proposes as the administrator; a second person proves himself by a
token or a one-time sign-in link of his own. Each act is an entry, durable before the answer, and so is each refusal.
Must never carry out what two persons did not agree to, nor what a hold keeps.
"""

import asyncio
import secrets
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec

from quivive.core.completeness import complete
from quivive.core.compose import Parts
from quivive.core.control import Handler
from quivive.core.retention_room import RetentionRoom
from quivive.core.writers import CoreWriter
from quivive.ledger.bundle import write_bundle
from quivive.ledger.purge import Order, segment_part
from quivive.ledger.removal import Removal
from quivive.model.approval import (
    ApprovalAct,
    ApprovalBody,
    ApprovalRefusal,
    ApprovalState,
    approve,
    done,
    propose,
    refuse,
    require_approved,
)
from quivive.model.clock import Micros, from_rfc3339, to_rfc3339
from quivive.model.entry import ActBody, ActKind, EntryKind, RetentionClass
from quivive.model.errors import RefusedError
from quivive.model.ids import OPERATOR
from quivive.model.permission import Permission, Role
from quivive.model.purge import PurgeRule
from quivive.model.retention import MAX_HOLD_US, ErasureBody, Hold, HoldReleaseBody, RetentionCheckBody
from quivive.privacy.retention import SegmentDay, day_start, due
from quivive.projection.query import MAX_ROWS
from quivive.vault import Principal

OWNER: Final = "owner"
PURPOSE: Final = "retention"
CERTIFICATE_FILE: Final = "certificate.json"
_REMOVALS: Final = (ApprovalAct.PURGE, ApprovalAct.ERASURE, ApprovalAct.CONTRACT_END)
_ACTS: Final = (*_REMOVALS, ApprovalAct.HOLD, ApprovalAct.HOLD_RELEASE)
_APPROVERS: Final = (Role.DPO, Role.SECURITY)


def retention_commands(parts: Parts, writer: CoreWriter) -> dict[str, Handler]:
    """Return the handlers of retention."""
    table = RetentionCommands(parts, writer)
    return {
        "removal-plan": table.plan,
        "removal-decide": table.decide,
        "removal-run": table.run,
        "removal-status": table.status,
        "retention-check": table.check,
        "retention-look": table.look,
        "hold-add": table.hold_add,
        "hold-release": table.hold_release,
        "hold-list": table.hold_list,
        "completeness": table.completeness,
    }


class RetentionCommands:
    """See the module."""

    def __init__(self, parts: Parts, writer: CoreWriter) -> None:
        self._parts, self._writer = parts, writer
        self._approvals: dict[str, ApprovalBody] = {}
        """Written by this process; the projection may not show them yet."""

    @property
    def _room(self) -> RetentionRoom:
        assert self._parts.retention is not None
        return self._parts.retention

    async def plan(self, request: dict[str, Any]) -> dict[str, Any]:
        """Propose a removal: what it is, how much it is, what keeps it."""
        act = ApprovalAct(str(request["act"]))
        if act not in _REMOVALS:
            raise RefusedError("removal_unknown")
        controller = self._controller(request)
        subject = self._subject(act, controller, request)
        count, digest = await asyncio.to_thread(self._measure, act, controller, subject)
        body = self._propose(act, controller, subject, digest, str(request["reference"]))
        await self._record(ActKind.PROPOSE_REMOVAL, body.approval, count)
        await asyncio.to_thread(self._write, body)
        return {"approval": body.approval, "act": act, "object": subject, "entries": count}

    async def decide(self, request: dict[str, Any]) -> dict[str, Any]:
        """A second person agrees, or refuses."""
        principal = self._second(str(request["secret"]))
        found = await asyncio.to_thread(self._find, str(request["approval"]))
        role = next((each for each in _APPROVERS if each in principal.roles), principal.roles[0])
        now = self._parts.clock()
        try:
            _of(principal, found.controller)
            step = approve if request.get("agree", True) else refuse
            decided = step(found, principal=principal.id, role=role, at=now)
        except RefusedError:
            await self._record(ActKind.REMOVAL_REFUSED, found.approval, 1, principal)
            raise
        await self._record(ActKind.DECIDE_REMOVAL, found.approval, 1, principal)
        await asyncio.to_thread(self._decided, decided, now)
        return {"approval": decided.approval, "state": decided.state, "decided_by": decided.decided_by}

    async def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out what two persons agreed to, and certify it."""
        found = await asyncio.to_thread(self._find, str(request["approval"]))
        try:
            _, digest = await asyncio.to_thread(self._measure, found.act, found.controller, found.object)
            require_approved(found, act=found.act, digest=digest, at=self._parts.clock())
            await asyncio.to_thread(self._room.refuse_held, self._places(found), self._parts.clock())
        except RefusedError:
            await self._record(ActKind.REMOVAL_REFUSED, found.approval, 1)
            raise
        export = str(request.get("export", ""))
        if found.act is ApprovalAct.CONTRACT_END and not export:
            raise RefusedError("export_missing", "expected --export FOLDER: the controller receives its evidence first")
        await self._record(ActKind.CARRY_OUT_REMOVAL, found.approval, 1)
        return await asyncio.to_thread(self._carry_out, found, export)

    async def status(self, request: dict[str, Any]) -> dict[str, Any]:
        """What waits, what is begun, what was certified last."""
        del request
        certificates = await asyncio.to_thread(self._query, "certificates", limit=20)
        waiting = [each for each in await asyncio.to_thread(self._known) if each.state in _OPEN]
        return {
            "waiting": [
                {"approval": each.approval, "act": each.act, "state": each.state, "object": each.object,
                 "controller": each.controller} for each in waiting
            ],
            "incomplete": [
                {"removal": each.id, "what": each.what, "state": each.state, "object": _object(each)}
                for each in self._parts.ledger.removals.incomplete()
            ],
            "certificates": [
                {"certificate": row["certificate"], "what": row["what"], "controller": row["controller"],
                 "retention_class": row["retention_class"], "day": row["day"], "count": row["count"],
                 "at": to_rfc3339(Micros(int(str(row["verified_absent_at"]))))}
                for row in certificates
            ],
        }  # fmt: skip

    async def check(self, request: dict[str, Any]) -> dict[str, Any]:
        """Compare every store with what was declared; the comparison is sealed."""
        del request
        return _told(await asyncio.to_thread(self._room.check, self._parts.clock()))

    async def look(self, request: dict[str, Any]) -> dict[str, Any]:
        """The same comparison, not sealed: for the doctor."""
        del request
        return _told(await asyncio.to_thread(self._room.look, self._parts.clock()))

    async def hold_add(self, request: dict[str, Any]) -> dict[str, Any]:
        """Keep a stretch of one controller until a date; it holds at once, and lapses unless a second person agrees."""
        controller, now = self._controller(request), self._parts.clock()
        retention_class = str(request.get("retention_class", ""))
        if retention_class:
            RetentionClass(retention_class)
        from_at, to_at, until_at = (_instant(str(request[name])) for name in ("from", "to", "until"))
        if not (from_at < to_at and now < until_at <= now + MAX_HOLD_US):
            raise RefusedError("hold_period", "expected from before to, and an end within two years")
        name = secrets.token_hex(16)
        hold = Hold(
            hold=name, controller=controller, retention_class=retention_class, from_at=from_at, to_at=to_at,
            until_at=until_at, order=str(request["reference"]), approval="", placed_by=OWNER, approved_by="",
        )  # fmt: skip
        body = self._propose(ApprovalAct.HOLD, controller, name, _digest("hold", name), hold.order)
        await self._record(ActKind.PLACE_HOLD, name, 1)
        await asyncio.to_thread(self._room.place_hold, hold)
        await asyncio.to_thread(self._write, body)
        return {"hold": name, "approval": body.approval}

    async def hold_release(self, request: dict[str, Any]) -> dict[str, Any]:
        """Propose that a hold ends before its date."""
        name = str(request["hold"])
        hold = await asyncio.to_thread(self._hold, name)
        body = self._propose(
            ApprovalAct.HOLD_RELEASE, hold.controller, name, _digest("release", name), str(request["reference"])
        )
        await self._record(ActKind.PLACE_HOLD, name, 1)
        await asyncio.to_thread(self._write, body)
        return {"hold": name, "approval": body.approval}

    async def hold_list(self, request: dict[str, Any]) -> dict[str, Any]:
        """Holds in force."""
        del request
        holds = await asyncio.to_thread(self._room.holds, self._parts.clock())
        return {
            "holds": [
                {
                    "hold": each.hold,
                    "controller": each.controller,
                    "retention_class": each.retention_class or "all",
                    "from": to_rfc3339(Micros(each.from_at)),
                    "to": to_rfc3339(Micros(each.to_at)),
                    "until": to_rfc3339(Micros(each.until_at)),
                    "agreed": bool(each.approved_by),
                }
                for each in holds
            ]
        }

    async def completeness(self, request: dict[str, Any]) -> dict[str, Any]:
        """How complete one controller's day is: numbers, signs of life, gaps, counts by shape."""
        controller, day = self._controller(request), str(request["day"])
        from_at, now = day_start(day), self._parts.clock()
        report = await asyncio.to_thread(
            complete, self._parts.projection, self._parts.ledger, controller, from_at=from_at, now=now, principal=OWNER
        )
        await self._record(ActKind.VIEW_COMPLETENESS, f"{controller}/{day}", len(report["sources"]))
        return report

    # --- inside

    def _subject(self, act: ApprovalAct, controller: str, request: dict[str, Any]) -> str:
        if act is ApprovalAct.CONTRACT_END:
            return controller
        if act is ApprovalAct.ERASURE:
            return f"{controller}/{request['month']}/{int(request['index'])}"
        retention_class, day = RetentionClass(str(request["retention_class"])), str(request["day"])
        day_start(day)
        return f"{retention_class.value}/{day}"

    def _measure(self, act: ApprovalAct, controller: str, subject: str) -> tuple[int, str]:
        """How many entries, and the digest of the plan: what changed since is another plan."""
        ledger, home = self._parts.ledger, self._parts.settings.home
        if act is ApprovalAct.CONTRACT_END:
            shards = [name for name in ledger.shards() if name.startswith(f"{controller}/")]
            return sum(ledger.head(name).entries for name in shards), _digest(act, controller)
        if act is ApprovalAct.ERASURE:
            shard, _, index = subject.rpartition("/")
            ledger.removing.tell(shard, int(index))
            return 1, _digest(act, subject)
        path = f"segments/{controller}/{subject}"
        if not (home / path).exists():
            raise RefusedError("removal_nothing", f"{controller}/{subject}")
        count = segment_part(home, path).count
        return count, _digest(act, controller, subject, str(count))

    def _places(self, body: ApprovalBody) -> list[SegmentDay]:
        ledger = self._parts.ledger
        if body.act is ApprovalAct.ERASURE:
            shard, _, index = body.object.rpartition("/")
            place, _ = ledger.removing.tell(shard, int(index))
            return [SegmentDay(controller=place[0], retention_class=place[1], day=place[2])]
        days = [SegmentDay(controller=c, retention_class=k, day=d) for c, k, d in ledger.removing.segment_days()]
        own = [place for place in days if place.controller == body.controller]
        if body.act is ApprovalAct.CONTRACT_END:
            return own
        return [place for place in own if f"{place.retention_class}/{place.day}" == body.object]

    def _carry_out(self, body: ApprovalBody, export: str) -> dict[str, Any]:
        now, room = self._parts.clock(), self._room
        places = self._places(body)
        answer: dict[str, Any] = {"approval": body.approval}
        if body.act is ApprovalAct.CONTRACT_END:
            self._parts.ledger.publish(now, force=True)
            target = Path(export)
            answer["exported"] = write_bundle(self._parts.settings.home, body.controller, target)
            room.handed_over[body.approval] = target / CERTIFICATE_FILE
        order = self._order(body, places, now)
        if body.act is ApprovalAct.PURGE:
            room.remove_day(places[0], order)
        elif body.act is ApprovalAct.CONTRACT_END:
            room.end_controller(body.controller, order)
        else:
            shard, _, index = body.object.rpartition("/")
            self._writer.write(EntryKind.ERASURE, self._erasure(body, places[0], shard, int(index)))
            room.erase_event(shard, int(index), order)
        self._write(done(body, now))
        answer["certificates"] = room.finish(self._parts.clock())
        answer["incomplete"] = len(self._parts.ledger.removals.incomplete())
        if body.act is ApprovalAct.CONTRACT_END:
            written = (Path(export) / CERTIFICATE_FILE).exists()
            answer["certificate_file"] = (
                "written" if written else "waits" if body.approval in room.handed_over else "not_written"
            )
        return answer

    def _order(self, body: ApprovalBody, places: list[SegmentDay], now: int) -> Order:
        rule, declared, policy = PurgeRule.ERASURE_ORDERED, 0, ""
        if body.act is ApprovalAct.CONTRACT_END:
            rule = PurgeRule.CONTRACT_ENDED
        for each in self._room.policies() if body.act is ApprovalAct.PURGE else ():
            if due(each, places, (), now):
                rule, policy = PurgeRule.RETENTION_ENDED, each.digest
                declared = each.days[places[0].retention_class]
        return Order(
            rule=rule, planned_by=body.proposed_by, at=now, approved_by=body.decided_by, approval=body.approval,
            policy=policy, declared_days=declared,
        )  # fmt: skip

    def _erasure(self, body: ApprovalBody, place: SegmentDay, shard: str, index: int) -> ErasureBody:
        return ErasureBody(
            erasure=body.approval,
            controller=body.controller,
            shard=shard,
            index=index,
            retention_class=place.retention_class,
            day=place.day,
            request=body.reference,
            approval=body.approval,
            ordered_by=body.proposed_by,
            approved_by=body.decided_by,
        )

    def _decided(self, decided: ApprovalBody, now: int) -> None:
        """What takes effect by the agreement itself: holds and their end."""
        agreed = decided.state is ApprovalState.APPROVED
        if decided.act is ApprovalAct.HOLD and agreed:
            hold = self._hold(decided.object)
            self._room.place_hold(replace(hold, approval=decided.approval, approved_by=decided.decided_by))
        if (decided.act is ApprovalAct.HOLD and not agreed) or (decided.act is ApprovalAct.HOLD_RELEASE and agreed):
            body = HoldReleaseBody(
                hold=decided.object,
                controller=decided.controller,
                approval=decided.approval,
                released_by=decided.proposed_by,
                approved_by=decided.decided_by,
            )
            self._room.release(decided.object, body)
        holds = decided.act in (ApprovalAct.HOLD, ApprovalAct.HOLD_RELEASE)
        self._write(done(decided, now) if holds and agreed else decided)

    def _hold(self, name: str) -> Hold:
        for each in self._room.holds(self._parts.clock()):
            if each.hold == name:
                return each
        raise RefusedError("hold_unknown", name)

    def _propose(self, act: ApprovalAct, controller: str, subject: str, digest: str, reference: str) -> ApprovalBody:
        if not reference.strip():
            raise RefusedError("removal_reference", "expected the reference of the request or order")
        return propose(
            approval=secrets.token_hex(16), act=act, controller=controller, subject=subject, digest=digest,
            reference=reference, principal=OWNER, role=Role.ADMINISTRATOR, at=self._parts.clock(),
        )  # fmt: skip

    def _write(self, body: ApprovalBody) -> None:
        self._writer.write(EntryKind.APPROVAL, body)
        self._approvals[body.approval] = body

    def _known(self) -> list[ApprovalBody]:
        rows = [row for act in _ACTS for row in self._query("approvals", act=act)]
        told = {str(row["approval"]): _approval(row) for row in rows}
        return list({**told, **self._approvals}.values())

    def _find(self, name: str) -> ApprovalBody:
        for each in self._known():
            if each.approval == name and each.act in _ACTS:
                return each
        raise RefusedError(ApprovalRefusal.NOT_OPEN, name)

    def _query(self, name: str, **params: object) -> list[dict[str, Any]]:
        named = {"act": None, "object": None, "state": None, "limit": MAX_ROWS}
        return self._room.query(name, **{**named, **params})

    def _controller(self, request: dict[str, Any]) -> str:
        controller = str(request["controller"])
        if controller not in (OPERATOR, *self._parts.settings.controllers):
            raise RefusedError("controller_unknown", controller)
        return controller

    def _second(self, secret: str) -> Principal:
        """The person behind a token or a one-time sign-in link."""
        now = self._parts.clock()
        secret = secret.rpartition("token=")[2].strip()
        principal = self._parts.vault.token(secret, now) or self._parts.vault.consume_link(secret, now)
        if not principal.may(Permission.OPERATOR_REMOVAL_APPROVE):
            raise RefusedError("permission_refused", "this person may not agree to a removal")
        return principal

    async def _record(self, act: ActKind, what: str, count: int, principal: Principal | None = None) -> None:
        await self._parts.record_act(
            ActBody(
                act=act,
                principal=principal.id if principal else OWNER,
                role=principal.role_text if principal else Role.ADMINISTRATOR,
                controllers=principal.controllers if principal else (),
                object=what,
                count=count,
                purpose=PURPOSE,
            )
        )


_OPEN: Final = (ApprovalState.PROPOSED, ApprovalState.APPROVED)


def _told(body: RetentionCheckBody) -> dict[str, Any]:
    return {
        "stores": [
            {
                "store": each.store,
                "controller": each.controller,
                "retention_class": each.retention_class,
                "declared_days": each.declared_days,
                "oldest": to_rfc3339(Micros(each.oldest_at)),
                "overdue": each.overdue,
                "held": each.held,
            }
            for each in body.stores
        ],
        "overdue": body.overdue,
        "incomplete": body.incomplete,
    }


def _of(principal: Principal, controller: str) -> None:
    if controller not in (*principal.controllers, OPERATOR):
        raise RefusedError("controller_unknown", controller)


def _digest(*words: str) -> str:
    return sha256("\x1f".join(("quivive-removal/v1", *words)).encode()).hexdigest()


def _instant(text: str) -> int:
    """A day `yyyy-mm-dd`, or an RFC 3339 instant."""
    return from_rfc3339(f"{text}T00:00:00Z" if len(text) == len("2026-01-01") else text)


def _agreed(hold: Hold, decided: ApprovalBody) -> Hold:
    told = {name: getattr(hold, name) for name in Hold.__slots__}
    return Hold(**{**told, "approval": decided.approval, "approved_by": decided.decided_by})


def _approval(row: dict[str, Any]) -> ApprovalBody:
    return msgspec.convert({name: row[name] for name in ApprovalBody.__slots__}, ApprovalBody)


def _object(record: Removal) -> str:
    return "/".join(each for each in (record.controller, record.retention_class, record.day) if each)
