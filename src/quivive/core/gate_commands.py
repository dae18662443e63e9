"""Commands of the recording gate on the control socket: the draws of a day, recomputed.

Registered by `core.commands`. Must never give out a seed of a day that has not ended, nor a key.
"""

import asyncio
from dataclasses import asdict
from typing import Any

from quivive.core.compose import Parts
from quivive.core.control import Handler
from quivive.model.errors import RefusedError


def gate_commands(parts: Parts) -> dict[str, Handler]:
    """Return the handlers of the recording gate."""

    async def prove(request: dict[str, Any]) -> dict[str, Any]:
        if parts.rounds is None:
            raise RefusedError("not_ready", "try again in a moment")
        proofs = await asyncio.to_thread(parts.rounds.prove, str(request["day"]))
        return {"day": str(request["day"]), "campaigns": [{**asdict(each), "good": each.good} for each in proofs]}

    return {"recordings-sampling-proof": prove}
