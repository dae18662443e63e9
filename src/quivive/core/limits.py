"""Limits per person: who was shown too many records in the last hour is written to the policy of each relay.

All accounts that the directory gives to one person count together, and are denied together; an account that it does not
know counts alone.

Started by the core where a controller sets `max_records_per_agent_hour`. Must never deny anybody before the
controller's instruction is recorded, nor for longer than an hour after the last record shown (law reference D-05); it
keeps no state: what it says follows from the projection and the hour.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from quivive.core.policies import PolicyKeeper
from quivive.detection.shown_since import over_limit
from quivive.model.catalogue import TableKind
from quivive.model.clock import HOUR_US
from quivive.model.errors import StorageError
from quivive.model.gate import Instructed
from quivive.projection.projection import Projection, ProjectionUnavailableError
from quivive.settings import ControllerSettings, Settings

LOOK_EVERY_S: Final = 2.0
DENIAL_US: Final = HOUR_US
"""After the last record shown; it ends earlier once the hour holds fewer than the limit."""

log = structlog.get_logger("quivive.core")


class AgentLimits:
    """Looks every two seconds, writes what changed."""

    def __init__(
        self, settings: Settings, projection: Projection, policies: PolicyKeeper, clock: Callable[[], int]
    ) -> None:
        self._projection, self._policies, self._clock = projection, policies, clock
        self._limited = [each for each in settings.controllers.values() if each.max_records_per_agent_hour]

    @property
    def any(self) -> bool:
        """A controller sets a limit."""
        return bool(self._limited)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.look)
            except ProjectionUnavailableError:
                pass  # being rebuilt: what was written stays until it expires
            except StorageError as error:
                log.warning("core.limits_unwritten", reason=str(error))
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Count, and write the policies when somebody is denied or allowed again.

        Raises:
            StorageError: a policy file cannot be written.
        """
        now = self._clock()
        denied = {
            controller.id: self._denied(controller, now)
            for controller in self._limited
            if self._policies.instructed(controller.id, Instructed.LIMITS)
        }
        if self._policies.deny(denied):
            log.info("core.limits", denied={name: len(agents) for name, agents in denied.items()})
            self._policies.refresh()

    def _denied(self, controller: ControllerSettings, now: int) -> dict[str, int]:
        found = over_limit(
            self._projection,
            controller=controller.id,
            since=now - HOUR_US,
            at=now,
            most=controller.max_records_per_agent_hour,
            reference=[table.name for table in controller.catalogue.tables if table.kind is TableKind.REFERENCE],
        )
        return {each.agent: min(each.last_at, now) + DENIAL_US for each in found}
