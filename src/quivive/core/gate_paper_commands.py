"""Commands of the activation gate's papers on the control socket: record an adopted document, tell what a draft needs.

Registered by `core.commands`. Must never take the text of a document: its hash, its date and its reference are enough.
"""

import asyncio
import re
from typing import Any, Final

from quivive.core.compose import Parts
from quivive.core.control import Handler
from quivive.core.writers import CoreWriter
from quivive.model.clock import DAY_US, Micros, from_rfc3339
from quivive.model.entry import ActBody, ActKind, EntryKind
from quivive.model.errors import RefusedError
from quivive.model.gate import Module
from quivive.model.gate_record import DeclaredPurpose, GateRecordBody, GateRecordKind
from quivive.projection.query import Scope

OWNER: Final = "owner"
PURPOSE: Final = "administration"
_HASH: Final = re.compile(r"[0-9a-f]{64}")


def gate_paper_commands(parts: Parts, writer: CoreWriter) -> dict[str, Handler]:
    """Return the handlers."""
    table = _GateCommands(parts, writer)
    return {"gate-record": table.record, "gate-papers": table.papers, "gate-draft": table.draft}


class _GateCommands:
    def __init__(self, parts: Parts, writer: CoreWriter) -> None:
        self._parts, self._writer = parts, writer

    async def record(self, request: dict[str, Any]) -> dict[str, Any]:
        """Record one adopted document of an establishment and module."""
        digest = str(request.get("text_sha256", ""))
        if digest and not _HASH.fullmatch(digest):
            raise RefusedError("gate_paper_hash", "expected the SHA-256 of the document, 64 hex digits")
        body = GateRecordBody(
            employer=str(request["employer"]),
            establishment=str(request["establishment"]),
            module=Module(request["module"]),
            record=GateRecordKind(request["record"]),
            dated_at=from_rfc3339(f"{request['dated']}T00:00:00Z"),
            reference=str(request["reference"]),
            text_sha256=digest,
            purposes=tuple(DeclaredPurpose(each) for each in request.get("purposes", ())),
            rules=(),
            demonstration=bool(request.get("demonstration", False)),
        )
        if body.demonstration and not self._parts.settings.operator.demonstration:
            raise RefusedError("gate_demonstration", "this installation is no demonstration (operator.demonstration)")
        if body.dated_at > self._parts.clock() + DAY_US:
            raise RefusedError(
                "gate_paper_date", "a document is recorded once it is adopted: expected a day that has come"
            )
        await self._act(body.record)
        await asyncio.to_thread(self._writer.write, EntryKind.GATE_RECORD, body)
        return {"record": body.record, "reference": body.reference, "dated": request["dated"]}

    async def papers(self, request: dict[str, Any]) -> dict[str, Any]:
        """Every recorded document, oldest first."""
        del request
        rows = await asyncio.to_thread(self._query, "gate_records")
        names = ("employer", "establishment", "module", "record", "dated_at", "reference", "text_sha256", "purposes")
        return {"papers": [{name: row[name] for name in names} for row in rows]}

    async def draft(self, request: dict[str, Any]) -> dict[str, Any]:
        """What the drafts say of this installation: companies, sources, rules, retention, switches."""
        del request
        settings = self._parts.settings
        switches = await asyncio.to_thread(self._query, "switches")
        return {
            "operator": settings.operator.name,
            "contact": settings.operator.contact,
            "controllers": [
                {
                    "id": each.id,
                    "name": each.name,
                    "tables": [table.name for table in each.catalogue.tables],
                    "trace_days": each.retention_days["trace"],
                    "alert_days": each.retention_days["alert"],
                }
                for each in settings.controllers.values()
            ],
            "sources": [
                {"name": name, "kind": source.kind, "controller": source.controller, "grade": source.grade}
                for name, source in sorted(settings.sources.items())
            ],
            "rules": [
                {
                    "id": rule.topic,
                    "fr": rule.texts["fr"].title,
                    "en": rule.texts["en"].title,
                    "note_fr": rule.texts["fr"].legal_note,
                    "note_en": rule.texts["en"].legal_note,
                }
                for rule in self._parts.rules()
                if rule.enabled
            ],
            "switches": [row["switch"] for row in switches if row["is_on"]],
        }

    def _query(self, name: str) -> list[dict[str, object]]:
        scope = Scope(
            controllers=tuple(self._parts.settings.controllers),
            from_at=0,
            to_at=Micros(self._parts.clock() + DAY_US),
            purpose=PURPOSE,
            principal=OWNER,
        )
        return self._parts.projection.query(scope, name, {})

    async def _act(self, what: str) -> None:
        await self._parts.record_act(
            ActBody(
                act=ActKind.RECORD_GATE_PAPER, principal=OWNER, role="", controllers=(), object=what, count=1,
                purpose=PURPOSE,
            )
        )  # fmt: skip
