"""The desk of removals: what signed-in persons see, plan and decide; for the console and the commands alike.

Synchronous: called in a thread. The caller has recorded the act and checked the permission; here the two persons and
their roles are compared. Must never write a decision of somebody whose role may not decide, or about another's company.
"""

from collections.abc import Callable
from typing import Any, Final

from quivive.core.audio_keeping import AudioKeeping
from quivive.core.writers import CoreWriter
from quivive.model.approval import ApprovalAct, ApprovalBody, ApprovalState, approve, refuse
from quivive.model.audio import AudioHoldBody, HoldScope
from quivive.model.entry import EntryKind
from quivive.model.errors import RefusedError
from quivive.model.ids import OPERATOR
from quivive.model.permission import ROLE_PERMISSIONS, Permission
from quivive.vault import Principal

SHOWN: Final = 50
_ACTS: Final = (ApprovalAct.RECORDINGS_PURGE, ApprovalAct.RECORDINGS_RELEASE, ApprovalAct.RECORDINGS_HOLD)


class AudioDesk:
    """See the module."""

    def __init__(self, audio: AudioKeeping, writer: CoreWriter, clock: Callable[[], int]) -> None:
        self._audio, self._writer, self._clock = audio, writer, clock

    def figures(self) -> dict[str, list[dict[str, Any]]]:
        """Plans, certificates and holds."""
        facts = self._audio.facts
        released = {
            row["object"]
            for row in facts.query("approvals", act=ApprovalAct.RECORDINGS_RELEASE, state=ApprovalState.PROPOSED)
        }
        return {
            "plans": facts.query("audio_plans", limit=SHOWN),
            "certificates": facts.query("audio_certificates", limit=SHOWN),
            "holds": [row | {"releasing": row["hold"] in released} for row in facts.query("audio_holds")],
        }

    def plan(self, controller: str, principal: Principal) -> int:
        """Look, seal and propose; returns how many objects would be removed.

        Raises:
            RefusedError: nothing to remove, or a store did not answer.
        """
        look = self._audio.look(controller)
        role = next((each for each in principal.roles if Permission.RECORDINGS_REGISTER_WRITE in _held(each)), "")
        return len(self._audio.plan(look, controller=controller, principal=principal.id, role=role).items)

    def decide(self, subject: str, principal: Principal, *, agreed: bool) -> ApprovalBody:
        """Write what a second person decided about a plan, a hold or a release; an agreed plan is carried out.

        Raises:
            RefusedError: an ApprovalRefusal, or nothing of this id waits.
        """
        found = self._waiting(subject)
        if found.controller not in (*principal.controllers, OPERATOR):
            raise RefusedError("controller_unknown")
        role, now = _deciding_role(principal), self._clock()
        if agreed:
            decided = approve(found, principal=principal.id, role=role, at=now)
        else:
            decided = refuse(found, principal=principal.id, role=role, at=now)
        hold = decided.act is not ApprovalAct.RECORDINGS_PURGE
        if hold and (agreed or decided.act is ApprovalAct.RECORDINGS_HOLD):
            released = not agreed or decided.act is ApprovalAct.RECORDINGS_RELEASE
            self._write_hold(decided, released=released)
        self._audio.decide(decided)
        return decided

    def _waiting(self, subject: str) -> ApprovalBody:
        for act in _ACTS:
            if self._audio.facts.query("approvals", act=act, object=subject, state=ApprovalState.PROPOSED):
                return self._audio.approval(act, subject)
        raise RefusedError("approval_unknown", "nothing of this id waits for a second person")

    def _write_hold(self, decided: ApprovalBody, *, released: bool) -> None:
        rows = [row for row in self._audio.facts.query("audio_holds") if row["hold"] == decided.object]
        if not rows:
            raise RefusedError("hold_unknown", "no hold of this id is in force")
        body = hold_of(rows[0], approval=decided.approval, approved_by=decided.decided_by, released=released)
        self._writer.write(EntryKind.RECORDING_HOLD, body, controller=body.controller)


def hold_of(row: dict[str, Any], *, approval: str, approved_by: str, released: bool) -> AudioHoldBody:
    """The next version of a hold, from its row."""
    return AudioHoldBody(
        hold=row["hold"],
        controller=row["controller"],
        scope=HoldScope(row["scope"]),
        object=row["object"],
        reference=row["reference"],
        from_at=row["from_at"],
        until_at=row["until_at"],
        asked_by=row["asked_by"],
        approved_by=approved_by,
        approval=approval,
        released=released,
    )


def _held(role: str) -> frozenset[Permission]:
    return next((held for each, held in ROLE_PERMISSIONS.items() if each == role), frozenset())


def _deciding_role(principal: Principal) -> str:
    for role in principal.roles:
        if Permission.RECORDINGS_PURGE_APPROVE in ROLE_PERMISSIONS[role]:
            return role
    raise RefusedError("permission_refused", "this person may not agree to a removal")
