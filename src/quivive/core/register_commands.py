"""Commands of the registers on the control socket: take lines, give lines.

Registered by `core.commands`. Each line is an entry, durable before the answer; the file was read and checked by the
command, and is checked again here by its types.
"""

import asyncio
from typing import Any, Final

import msgspec

from quivive.core.compose import Parts
from quivive.core.control import Handler
from quivive.core.writers import CoreWriter
from quivive.model.clock import DAY_US
from quivive.model.entry import ActBody, ActKind, EntryKind
from quivive.model.errors import RefusedError
from quivive.model.ids import OPERATOR
from quivive.model.register import RegisterRowBody
from quivive.projection.query import Scope

OWNER: Final = "owner"
PURPOSE: Final = "administration"


def register_commands(parts: Parts, writer: CoreWriter) -> dict[str, Handler]:
    """Return the handlers."""
    table = _RegisterCommands(parts, writer)
    return {"register-import": table.take, "register-export": table.give, "register-controllers": table.controllers}


class _RegisterCommands:
    def __init__(self, parts: Parts, writer: CoreWriter) -> None:
        self._parts, self._writer = parts, writer

    async def controllers(self, request: dict[str, Any]) -> dict[str, Any]:
        """Companies a line may name."""
        del request
        return {"controllers": sorted(self._parts.settings.controllers)}

    async def take(self, request: dict[str, Any]) -> dict[str, Any]:
        """Seal every line of a file; a line already so is not written again."""
        rows = msgspec.convert(request["rows"], list[RegisterRowBody])
        for row in rows:
            if row.controller and row.controller not in self._parts.settings.controllers:
                raise RefusedError("controller_unknown")
        standing = {self._line(row) for row in await asyncio.to_thread(self._query, {})}
        fresh = [row for row in rows if self._line(msgspec.to_builtins(row)) not in standing]
        await self._act(ActKind.IMPORT_REGISTER, len(fresh))
        for row in fresh:
            await asyncio.to_thread(
                self._writer.write, EntryKind.REGISTER_ROW, row, controller=row.controller or OPERATOR
            )
        return {"taken": len(fresh), "unchanged": len(rows) - len(fresh)}

    async def give(self, request: dict[str, Any]) -> dict[str, Any]:
        """Every line of a register, or of all."""
        params = {"register": request["register"]} if request.get("register") else {}
        rows = await asyncio.to_thread(self._query, params)
        await self._act(ActKind.EXPORT, len(rows))
        return {"rows": rows}

    @staticmethod
    def _line(row: dict[str, object]) -> tuple[object, ...]:
        names = ("register", "controller", "reference", "label", "country", "from_at", "to_at", "due_at", "state")
        return tuple(row[name] for name in names)

    def _query(self, params: dict[str, object]) -> list[dict[str, object]]:
        scope = Scope(
            controllers=tuple(self._parts.settings.controllers),
            from_at=0,
            to_at=self._parts.clock() + DAY_US,
            purpose=PURPOSE,
            principal=OWNER,
        )
        return self._parts.projection.query(scope, "register_rows", params)

    async def _act(self, act: ActKind, count: int) -> None:
        body = ActBody(
            act=act, principal=OWNER, role="", controllers=(), object="register", count=count, purpose=PURPOSE
        )
        await self._parts.record_act(body)
