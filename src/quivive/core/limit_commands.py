"""Commands of instructions on the control socket: what a controller has instructed before anybody's work may stop.

Registered by `core.commands`. The socket's owner speaks; each instruction is an entry, durable before the answer. Must
never take an instruction without its reference, nor keep its text: its hash is enough.
"""

import asyncio
from typing import Any, Final

from quivive.core.compose import Parts
from quivive.core.control import Handler
from quivive.core.writers import CoreWriter
from quivive.model.entry import ActBody, ActKind, EntryKind
from quivive.model.errors import RefusedError
from quivive.model.gate import Instructed, InstructionBody

OWNER: Final = "owner"
PURPOSE: Final = "administration"


def limit_commands(parts: Parts, writer: CoreWriter) -> dict[str, Handler]:
    """Return the handlers of instructions."""
    table = _LimitCommands(parts, writer)
    return {"instruction-record": table.record, "instruction-show": table.show}


class _LimitCommands:
    def __init__(self, parts: Parts, writer: CoreWriter) -> None:
        self._parts, self._writer = parts, writer

    async def record(self, request: dict[str, Any]) -> dict[str, Any]:
        """Seal what a controller instructs from now on; nothing withdraws what was."""
        body = InstructionBody(
            controller=str(request["controller"]),
            instructed=tuple(sorted({Instructed(name) for name in request["instructed"]})),
            reference=str(request["reference"]).strip(),
            text_sha256=str(request.get("text_sha256", "")),
            demonstration=bool(request.get("demonstration", False)),
        )
        if body.controller not in self._parts.settings.controllers:
            raise RefusedError("controller_unknown")
        if not body.reference:
            raise RefusedError("instruction_reference", "an instruction is recorded with the reference of its document")
        if body.demonstration and not self._parts.settings.operator.demonstration:
            raise RefusedError("gate_demonstration", "this installation is no demonstration (operator.demonstration)")
        act = ActBody(
            act=ActKind.RECORD_INSTRUCTION,
            principal=OWNER,
            role="",
            controllers=(body.controller,),
            object=body.controller,
            count=len(body.instructed),
            purpose=PURPOSE,
        )
        await self._parts.record_act(act)
        await asyncio.to_thread(self._writer.write, EntryKind.INSTRUCTION, body)
        return {"controller": body.controller, "instructed": list(body.instructed), "reference": body.reference}

    async def show(self, request: dict[str, Any]) -> dict[str, Any]:
        """The last instruction of each controller."""
        del request
        policies = self._parts.policies
        found = [policies.instruction(controller) for controller in sorted(self._parts.settings.controllers)]
        return {
            "instructions": [
                {
                    "controller": each.controller,
                    "instructed": list(each.instructed),
                    "reference": each.reference,
                    "demonstration": each.demonstration,
                }
                for each in found
                if each is not None
            ]
        }
