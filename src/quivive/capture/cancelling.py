"""Asks the server to cancel what a connection runs, as its own client could (PostgreSQL manual 55.2.8).

Called by `postgres_proxy` when a result was stopped. Must never return before the server has taken the request, so that
it cannot hit the statement after the one it was meant for; nor fail: what is not cancelled is drained.
"""

import asyncio
from typing import Final

from quivive.capture.leg import Leg
from quivive.capture.target import Target
from quivive.wire.postgres import messages

CANCEL_TIMEOUT_S: Final = 5.0


class _Errand:
    """Owner of the one leg that carries the request; the server answers by closing it."""

    def __init__(self) -> None:
        self.ended = asyncio.get_running_loop().create_future()
        self.client = Leg(self, _unheard)

    def client_arrived(self) -> None:
        """Nobody does."""

    def half_closed(self, leg: Leg) -> bool:
        """Its end is the answer."""
        del leg
        return False

    def lost(self, leg: Leg) -> None:
        """The server has taken the request, or is gone."""
        del leg
        if not self.ended.done():
            self.ended.set_result(None)


async def cancel(target: Target, key: bytes) -> None:
    """Send the cancel request of a BackendKeyData `key` and wait until the server has closed that connection."""
    errand = _Errand()
    leg = Leg(errand, _unheard)
    try:
        async with asyncio.timeout(CANCEL_TIMEOUT_S):
            await target.connect(leg)
            leg.write(messages.cancel_request(key))
            await errand.ended
    except OSError:  # TimeoutError is one
        return
    finally:
        leg.close()


def _unheard(data: bytes) -> None:
    del data
