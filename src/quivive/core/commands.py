"""What the control socket answers: one function per command of `cli.py` that needs the core.

Called by `core.control`. Must never give out a key, a record or a name; `tail` shows kinds and counts.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from quivive.core.alert_commands import alert_commands
from quivive.core.application_commands import application_commands
from quivive.core.audio_commands import audio_commands
from quivive.core.compose import Parts
from quivive.core.control import Handler, Streamer
from quivive.core.coverage_commands import coverage_commands
from quivive.core.gate_commands import gate_commands
from quivive.core.gate_paper_commands import gate_paper_commands
from quivive.core.identity_room import identity_commands
from quivive.core.limit_commands import limit_commands
from quivive.core.operations_commands import operations_commands
from quivive.core.recording_commands import recording_commands
from quivive.core.register_commands import register_commands
from quivive.core.resolve_commands import resolve_commands
from quivive.core.retention_commands import retention_commands
from quivive.core.rule_commands import rule_commands
from quivive.core.writers import CoreWriter
from quivive.detection.judge import JudgeSettings, judge
from quivive.ledger.entry import decode_entry
from quivive.model.clock import Micros, to_rfc3339
from quivive.model.entry import ActBody, ActKind, EntryKind
from quivive.model.errors import RefusedError
from quivive.model.gate import GATE_ORDER, GateBody, GateState, Module, may_follow
from quivive.model.permission import Role
from quivive.privacy.pseudonym import neutral_code, person_key

MAX_TAIL_ENTRIES: Final = 512  # per look
TAIL_PAUSE_S: Final = 0.3
OWNER: Final = "owner"  # who may open the control socket: the account the core runs under


def commands(
    parts: Parts, writer: CoreWriter, judge_settings: JudgeSettings
) -> tuple[Mapping[str, Handler], Mapping[str, Streamer]]:
    """Return the handlers and the streams of this core."""
    table = _Commands(parts, writer, judge_settings)
    handlers: dict[str, Handler] = {
        "ping": table.ping,
        "status": table.status,
        "judge": table.judge,
        "rebuild": table.rebuild,
        "gate-set": table.gate_set,
        "gate-show": table.gate_show,
        "token-issue": table.token_issue,
        "token-revoke": table.token_revoke,
        "sign-in-link": table.sign_in_link,
        **alert_commands(parts, writer),
        **coverage_commands(parts),
        **limit_commands(parts, writer),
        **application_commands(parts),
        **rule_commands(parts, writer),
        **recording_commands(parts),
        **operations_commands(parts),
        **audio_commands(parts, writer),
        **retention_commands(parts, writer),
        **gate_commands(parts),
        **identity_commands(parts),
        **gate_paper_commands(parts, writer),
        **register_commands(parts, writer),
        **resolve_commands(parts),
    }
    return handlers, {"tail": table.tail}


class _Commands:
    def __init__(self, parts: Parts, writer: CoreWriter, judge_settings: JudgeSettings) -> None:
        self._parts, self._writer, self._judge_settings = parts, writer, judge_settings
        self._sealed: dict[tuple[str, str, Module], GateState] = {}  # durable, perhaps not yet taken in by the policies

    async def ping(self, request: dict[str, Any]) -> dict[str, Any]:
        del request
        return {"ok": True}

    async def status(self, request: dict[str, Any]) -> dict[str, Any]:
        del request
        state = self._parts.pipeline.state
        behind = await asyncio.to_thread(self._behind)
        return {
            "ingested": state.ingested,
            "projected": state.projected,
            "entries_behind": behind,
            "judged_at": to_rfc3339(Micros(state.judged_at)) if state.judged_at else "",
            "rebuilding": self._parts.pipeline.rebuilding,
            "storage_failing": bool(state.storage_failing_since),
            **self._parts.anchors(),
        }

    def _behind(self) -> int:
        """Entries that are durable but not yet projected."""
        marks = self._parts.projection.watermark()
        ledger = self._parts.ledger
        return sum(ledger.head(shard).entries - marks.get(shard, 0) for shard in ledger.shards())

    async def judge(self, request: dict[str, Any]) -> dict[str, Any]:
        now = self._parts.clock()
        report = await asyncio.to_thread(
            judge,
            self._parts.projection,
            self._judge_settings,
            from_at=int(request["from_at"]),
            to_at=int(request["to_at"]),
            as_of=now,
        )
        return {"exposures": report.exposures, "revised": report.revised}

    async def rebuild(self, request: dict[str, Any]) -> dict[str, Any]:
        del request
        pipeline = self._parts.pipeline
        pipeline.request_rebuild()
        while pipeline.rebuilding:
            await asyncio.sleep(TAIL_PAUSE_S)
        judgements = pipeline.state.judgements
        while pipeline.state.judgements < judgements + 2:  # the first may have begun before the last entries
            await asyncio.sleep(TAIL_PAUSE_S)
        return {"rebuilt": sum(self._parts.projection.watermark().values())}

    async def gate_set(self, request: dict[str, Any]) -> dict[str, Any]:
        body = GateBody(
            employer=str(request["employer"]),
            establishment=str(request["establishment"]),
            module=Module(request["module"]),
            state=GateState(request["state"]),
            reference=str(request["reference"]),
            demonstration=bool(request["demonstration"]),
        )
        if body.demonstration and not self._parts.settings.operator.demonstration:
            raise RefusedError("gate_demonstration", "this installation is no demonstration (operator.demonstration)")
        place = (body.employer, body.establishment, body.module)
        current = self._sealed.get(place) or self._parts.policies.gate(*place)
        if not may_follow(current, body.state):
            following = GATE_ORDER[GATE_ORDER.index(current) + 1]
            raise RefusedError("gate_order", f"after {current} comes {following}, found {body.state}")
        await asyncio.to_thread(self._writer.write, EntryKind.GATE_STATE, body)
        self._sealed[place] = body.state
        return {"employer": body.employer, "establishment": body.establishment, "state": body.state}

    async def gate_show(self, request: dict[str, Any]) -> dict[str, Any]:
        """State of one establishment's module, `installed` before any entry."""
        place = (str(request["employer"]), str(request["establishment"]), Module(request["module"]))
        return {"state": self._sealed.get(place) or self._parts.policies.gate(*place)}

    async def token_issue(self, request: dict[str, Any]) -> dict[str, Any]:
        sources = tuple(str(name) for name in request.get("sources", ()))
        for source in sources:
            if source not in self._parts.settings.sources:
                raise RefusedError("source_unknown", f"expected a source of quivive.toml, found {source}")
        token = self._parts.vault.issue_token(
            name=str(request["name"]),
            sources=sources,
            roles=tuple(Role(role) for role in request["roles"]),
            controllers=self._controllers(request),
            expires_at=int(request.get("expires_at", 0)),
        )
        await self._record(ActKind.ISSUE_TOKEN, str(request["name"]))
        return {"token": token}

    async def token_revoke(self, request: dict[str, Any]) -> dict[str, Any]:
        name = str(request["name"])
        await asyncio.to_thread(self._parts.vault.revoke_token, name)
        await self._record(ActKind.REVOKE_TOKEN, name)
        return {"revoked": name}

    async def _record(self, act: ActKind, what: str) -> None:
        """Write an act of the machine's owner, who alone may open the control socket; durable before the answer."""
        body = ActBody(
            act=act, principal=OWNER, role="", controllers=(), object=what, count=1, purpose="administration"
        )
        await self._parts.record_act(body)

    async def sign_in_link(self, request: dict[str, Any]) -> dict[str, Any]:
        """A one-time link. An agent is named by a neutral code: the id of the directory enters no entry."""
        agent_id = str(request.get("agent_id", ""))
        person = person_key(self._parts.keyring.operator_agent_key, agent_id) if agent_id else ""
        principal = f"agent-{neutral_code(person)}" if person else str(request.get("principal", ""))
        if not principal:
            raise RefusedError("principal_missing", "expected --principal")
        secret = self._parts.vault.issue_link(
            principal=principal,
            roles=tuple(Role(role) for role in request["roles"]),
            controllers=self._controllers(request),
            now=self._parts.clock(),
            person=person,
        )
        await self._record(ActKind.ISSUE_SIGN_IN_LINK, principal)
        return {"link": f"{self._parts.settings.operator.console_url}/sign-in?token={secret}"}

    def _controllers(self, request: dict[str, Any]) -> tuple[str, ...]:
        known = tuple(self._parts.settings.controllers)
        wanted = tuple(str(c) for c in request.get("controllers") or known)
        for controller in wanted:
            if controller not in known:
                raise RefusedError("controller_unknown", f"expected one of {', '.join(known)}, found {controller}")
        return wanted

    async def tail(self, request: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        only = str(request.get("controller", ""))
        ledger = self._parts.ledger
        marks = {shard: ledger.head(shard).entries for shard in ledger.shards()}
        while True:
            for item in await asyncio.to_thread(ledger.read, marks, MAX_TAIL_ENTRIES):
                marks[item.shard] = item.index + item.count
                if not item.data:
                    continue  # removed under a certificate
                entry = decode_entry(item.data)
                if only and entry.controller != only:
                    continue
                yield {
                    "shard": item.shard,
                    "index": item.index,
                    "kind": entry.kind,
                    "source": entry.source,
                    "seq": entry.seq,
                    "captured_at": to_rfc3339(Micros(entry.captured_at)),
                }
            await asyncio.sleep(TAIL_PAUSE_S)
