"""Live views: one act at the opening, one at the closing with how many episodes were shown (DESIGN §11).

Used by the Activity routes; `sweep` runs in the application's background. Must never leave an opened view
without its closing: views stand in the vault and outlive a crash.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import structlog

from quivive.model.entry import ActBody, ActKind
from quivive.model.errors import StorageError
from quivive.vault import LiveView, Principal
from quivive.web.reading import Purpose
from quivive.web.services import Services

SWEEP_S: Final = 5.0
"""Seconds between two looks for views that stopped polling."""
MAX_VIEWS: Final = 256
"""Views whose episodes are told apart in memory; beyond, the oldest is counted anew."""
MAX_EPISODES: Final = 10_000
"""Distinct episodes remembered per view; beyond, repeats may be counted twice."""

log = structlog.get_logger()


class LiveViews:
    """Opens, counts and closes live views of this process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._seen: OrderedDict[str, set[str]] = OrderedDict()

    async def show(
        self, view: str, *, principal: Principal, controllers: tuple[str, ...], episodes: Iterable[str]
    ) -> str:
        """Record that episodes are about to be shown; returns the view's id, a new one if `view` is not open."""
        new = self._unseen(view, episodes) if view else set()
        now = self._services.clock()
        vault = self._services.vault
        if view and vault.touch_live_view(view, principal=principal.id, shown=len(new), now=now):
            self._remember(view, new)
            return view
        opened = vault.open_live_view(
            principal=principal.id, role=principal.role_text, controllers=controllers, now=now
        )
        new = set(episodes)
        await self._services.act(_act(ActKind.VIEW_ACTIVITY_OPEN, opened, count=len(new)))
        vault.touch_live_view(opened.id, principal=principal.id, shown=len(new), now=now)
        self._remember(opened.id, new)
        return opened.id

    def current(self, view: str, *, principal: Principal) -> str:
        """The id of a view of this principal that is open, "" for any other text: free text never enters an entry."""
        if not view:
            return ""
        vault, now = self._services.vault, self._services.clock()
        return view if vault.touch_live_view(view, principal=principal.id, shown=0, now=now) else ""

    async def close(self, view: str, *, principal: Principal) -> None:
        """Close a view at once."""
        closed = self._services.vault.take_live_view(view, principal=principal.id)
        if closed is not None:
            await self._record_closing(closed)

    async def sweep(self) -> None:
        """Close the views that stopped polling; those whose act failed are put back."""
        for view in self._services.vault.take_silent_views(self._services.clock()):
            await self._record_closing(view)

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                await self.sweep()
            except StorageError:
                log.error("web.live_view_close_delayed")  # noqa: TRY400  (the message of the error adds nothing)

    async def _record_closing(self, view: LiveView) -> None:
        self._seen.pop(view.id, None)
        try:
            await self._services.act(_act(ActKind.VIEW_ACTIVITY_CLOSE, view, count=view.shown))
        except StorageError:
            self._services.vault.restore_live_view(view, self._services.clock())
            raise

    def _unseen(self, view: str, episodes: Iterable[str]) -> set[str]:
        return set(episodes) - self._seen.get(view, set())

    def _remember(self, view: str, new: set[str]) -> None:
        seen = self._seen.setdefault(view, set())
        if len(seen) > MAX_EPISODES:
            seen.clear()
        seen |= new
        self._seen.move_to_end(view)
        while len(self._seen) > MAX_VIEWS:
            self._seen.popitem(last=False)


def _act(kind: ActKind, view: LiveView, *, count: int) -> ActBody:
    return ActBody(
        act=kind,
        principal=view.principal,
        role=view.role,
        controllers=view.controllers,
        object=view.id,
        count=count,
        purpose=Purpose.ACTIVITY_REVIEW,
    )
