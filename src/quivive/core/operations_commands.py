"""What the control socket answers to the commands of operations.

Called by `core.commands`. Must never block the loop: copies run in a thread of their own.
"""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from quivive.core.backup import back_up
from quivive.core.compose import Parts
from quivive.core.control import Handler


def operations_commands(parts: Parts) -> dict[str, Handler]:
    """Return the handlers."""

    async def backup(request: dict[str, Any]) -> dict[str, Any]:
        def evidence(work: Path) -> None:
            parts.ledger.snapshot(work, keys=False)

        made = await asyncio.to_thread(back_up, parts.settings, Path(request["target"]), evidence, parts.clock())
        return dict(msgspec.to_builtins(made))

    return {"backup": backup}
