"""Commands of the recording gate on the control socket: the draws of a day recomputed, fictitious campaigns.

Registered by `core.commands`. Must never give out a seed of a day that has not ended, nor a key.
"""

import asyncio
import secrets
from dataclasses import asdict
from typing import Any

import msgspec

from quivive.core.compose import Parts
from quivive.core.control import Handler
from quivive.model.entry import EntryKind
from quivive.model.errors import RefusedError
from quivive.model.ids import OPERATOR
from quivive.model.recording import AnswerBody, GateReason, Medium
from quivive.model.recording_register import CampaignBody, NoticeChannel, NoticeState
from quivive.privacy.pseudonym import agent_key, contact_key, person_key
from quivive.recordings.notices import concerns, notice_of


def gate_commands(parts: Parts) -> dict[str, Handler]:
    """Return the handlers of the recording gate."""

    async def prove(request: dict[str, Any]) -> dict[str, Any]:
        if parts.rounds is None:
            raise RefusedError("not_ready", "try again in a moment")
        proofs = await asyncio.to_thread(parts.rounds.prove, str(request["day"]))
        return {"day": str(request["day"]), "campaigns": [{**asdict(each), "good": each.good} for each in proofs]}

    async def demonstrate(request: dict[str, Any]) -> dict[str, Any]:
        """Write a fictitious campaign that was announced and read long enough ago, and what the gate answered then.

        Only in a demonstration.
        """
        if not parts.settings.operator.demonstration:
            raise RefusedError("gate_demonstration", "this installation is no demonstration (operator.demonstration)")
        key = parts.keyring.operator_agent_key
        named = [{"person": person_key(key, str(number))} for number in request.get("listeners", ())]
        fields = {**request["campaign"], "state": "announced", "demonstration": True}
        body = msgspec.convert({**fields, "listeners": [*fields["listeners"], *named]}, CampaignBody)
        if parts.desk is None or parts.desk.register.campaign(body.campaign) is not None:
            return {"written": 0}
        await parts.record_entry(EntryKind.RECORDING_CAMPAIGN, body.controller, body)
        read_at = int(request["read_at"])
        people = [each for each in parts.desk.register.people() if concerns(body, each, parts.clock())]
        for person in people:
            notice = notice_of(
                body,
                person.person,
                NoticeChannel.CONSOLE,
                NoticeState.ACKNOWLEDGED,
                at=read_at,
                principal="demonstration",
            )
            await parts.record_entry(EntryKind.RECORDING_NOTICE, OPERATOR, notice)
        for told in request.get("answers", ()):
            await parts.record_entry(EntryKind.RECORDING_ANSWER, body.controller, _permitted(parts, body, told))
        return {"written": 1, "notices": len(people)}

    return {"recordings-sampling-proof": prove, "recordings-demonstrate": demonstrate}


def _permitted(parts: Parts, body: CampaignBody, told: dict[str, Any]) -> AnswerBody:
    """A yes of the gate to one call of a fictitious campaign."""
    keys, at = parts.keyring.controller_keys(body.controller), int(told["at"])
    return AnswerBody(
        answer=secrets.token_hex(16), controller=body.controller, medium=Medium.RECORDING, allowed=True,
        reason=GateReason.PERMITTED, campaign=body.campaign, version=body.version,
        contact=contact_key(keys, str(told["call"])), agent=agent_key(keys, str(told["namespace"]), str(told["agent"])),
        person="", listener="", asked_at=at, policy_at=at, draw=-1, day="",
    )  # fmt: skip
