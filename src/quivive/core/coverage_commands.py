"""The coverage report on the control socket. Registered by `core.commands`; the socket's owner asks.

The request is an act, durable before the answer. Must never answer an agent, a record or a contact.
"""

import asyncio
from typing import Any, Final

import msgspec

from quivive.core.compose import Parts
from quivive.core.control import Handler
from quivive.detection.coverage import coverage_report
from quivive.model.clock import DAY_US
from quivive.model.entry import ActBody, ActKind
from quivive.model.errors import RefusedError
from quivive.projection.query import Scope

OWNER: Final = "owner"
PURPOSE: Final = "administration"
MAX_DAYS: Final = 90


def coverage_commands(parts: Parts) -> dict[str, Handler]:
    """Return the one handler."""

    async def report(request: dict[str, Any]) -> dict[str, Any]:
        controller, days = str(request["controller"]), min(int(request["days"]), MAX_DAYS)
        if controller not in parts.settings.controllers:
            raise RefusedError("controller_unknown", "expected the id of a company of this installation")
        now = parts.clock()
        scope = Scope(
            controllers=(controller,), from_at=now - days * DAY_US, to_at=now + 1, purpose=PURPOSE, principal=OWNER
        )
        rows = await asyncio.to_thread(parts.projection.query, scope, "coverage_reasons", {})
        await parts.record_act(
            ActBody(
                act=ActKind.VIEW_COVERAGE,
                principal=OWNER,
                role="",
                controllers=(controller,),
                object=controller,
                count=len(rows),
                purpose=PURPOSE,
            )
        )
        told: dict[str, Any] = msgspec.to_builtins(coverage_report(controller, rows))
        return told

    return {"coverage-report": report}
