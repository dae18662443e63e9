"""Per source and application on the control socket: coverage, attribution, and two sources compared.

Registered by `core.commands`; the socket's owner asks. Each request is an act, durable before the answer. Must never
answer an agent, a record or a login other than a declared service account's.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from quivive.core.compose import Parts
from quivive.core.control import Handler
from quivive.core.reconciling import compare
from quivive.detection.applications import application_coverage, attributed
from quivive.detection.reconciliation import TOLERANCE_US
from quivive.model.clock import DAY_US, SECOND_US
from quivive.model.entry import ActBody, ActKind
from quivive.model.errors import RefusedError
from quivive.privacy.pseudonym import agent_key
from quivive.projection.query import Scope
from quivive.settings import SourceKind, SourceSettings

OWNER: Final = "owner"
PURPOSE: Final = "administration"
MAX_DAYS: Final = 90
MAX_WORST: Final = 500
SETTLED_US: Final = 10 * SECOND_US
"""A log is written when a statement ends, and read a moment later: what is younger is compared the next time."""
MAX_TOLERANCE_US: Final = 600 * SECOND_US
_ACCESS_KINDS: Final = frozenset({SourceKind.POSTGRES, SourceKind.ACCESSES, SourceKind.ACCESS_FILE, SourceKind.FILES})


def application_commands(parts: Parts) -> dict[str, Handler]:
    """Return the handlers."""
    table = _Applications(parts)
    return {"coverage": table.coverage, "attribution": table.attribution, "reconcile": table.reconcile}


class _Applications:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def coverage(self, request: dict[str, Any]) -> dict[str, Any]:
        name = str(request["source"])
        source = self._source(name)
        controllers = (source.controller,) if source.controller else tuple(self._parts.settings.controllers)
        params = {"source": name, "limit": min(int(request["worst"]), MAX_WORST), **self._accounts([name])}
        rows = await self._query("coverage_by_application", params, controllers, int(request["days"]))
        await self._record(name, controllers, len(rows))
        told: dict[str, Any] = msgspec.to_builtins(
            application_coverage(
                name,
                rows,
                catalogue=self._parts.settings.controllers[controllers[0]].catalogue,
                accounts=self._names([name]),
                on_the_wire=source.kind is SourceKind.POSTGRES,
            )
        )
        return told

    async def attribution(self, request: dict[str, Any]) -> dict[str, Any]:
        settings = self._parts.settings
        names = [name for name, source in settings.sources.items() if source.kind in _ACCESS_KINDS]
        controllers = tuple(settings.controllers)
        params = self._accounts(names)
        rows = await self._query("attribution_by_application", params, controllers, int(request["days"]))
        await self._record("attribution", controllers, len(rows))
        relays = frozenset(name for name in names if settings.sources[name].kind is SourceKind.POSTGRES)
        found = attributed(rows, accounts=self._names(names), relays=relays)
        return {"applications": msgspec.to_builtins(found)}

    async def reconcile(self, request: dict[str, Any]) -> dict[str, Any]:
        first, second = str(request["first"]), str(request["second"])
        of_first, of_second = self._source(first), self._source(second)
        if of_second.kind is SourceKind.POSTGRES and of_first.kind is not SourceKind.POSTGRES:
            first, second, of_first, of_second = second, first, of_second, of_first
        if first == second or not of_first.controller or of_first.controller != of_second.controller:
            raise RefusedError("sources_apart", "expected two sources of one company")
        if of_first.namespace != of_second.namespace:
            raise RefusedError("sources_apart", "expected two sources of one namespace: their logins must be the same")
        from_at, to_at = int(request["from_at"]), min(int(request["to_at"]), self._parts.clock() - SETTLED_US)
        if not 0 <= from_at < to_at or to_at - from_at > MAX_DAYS * DAY_US:
            raise RefusedError("period_wrong", f"expected a past period of at most {MAX_DAYS} days")
        tolerance_us = min(max(int(request.get("tolerance_us") or TOLERANCE_US), 1), MAX_TOLERANCE_US)
        report = await asyncio.to_thread(
            compare,
            self._parts.projection,
            first,
            second,
            controller=of_first.controller,
            from_at=from_at,
            to_at=to_at,
            tolerance_us=tolerance_us,
            purpose=PURPOSE,
            principal=OWNER,
        )
        await self._record(f"{first},{second}", (of_first.controller,), len(report.hours))
        told: dict[str, Any] = msgspec.to_builtins(report)
        return told

    # --- what they share

    def _source(self, name: str) -> SourceSettings:
        source = self._parts.settings.sources.get(name)
        if source is None or source.kind not in _ACCESS_KINDS:
            raise RefusedError("source_unknown", f"expected a source of accesses of quivive.toml, found {name}")
        return source

    def _names(self, sources: Iterable[str]) -> dict[str, str]:
        """Declared service accounts by their pseudonym: the only logins that may be named."""
        names: dict[str, str] = {}
        settings = self._parts.settings
        for name in sources:
            source = settings.sources[name]
            for controller in (source.controller,) if source.controller else tuple(settings.controllers):
                keys = self._parts.keyring.controller_keys(controller)
                names |= {agent_key(keys, source.namespace, login): login for login in source.service_accounts}
        return names

    def _accounts(self, sources: Iterable[str]) -> dict[str, object]:
        keys = sorted(self._names(sources))
        return {"accounts": [f"{int(key[:16], 16)}/{int(key[16:], 16)}" for key in keys]}

    async def _query(
        self, name: str, params: Mapping[str, object], controllers: tuple[str, ...], days: int
    ) -> list[dict[str, object]]:
        now = self._parts.clock()
        from_at = now - min(max(days, 1), MAX_DAYS) * DAY_US
        return await self._between(name, params, controllers, from_at, now + 1)

    async def _between(
        self, name: str, params: Mapping[str, object], controllers: tuple[str, ...], from_at: int, to_at: int
    ) -> list[dict[str, object]]:
        scope = Scope(controllers=controllers, from_at=max(from_at, 0), to_at=to_at, purpose=PURPOSE, principal=OWNER)
        return await asyncio.to_thread(self._parts.projection.query, scope, name, params)

    async def _record(self, what: str, controllers: tuple[str, ...], count: int) -> None:
        await self._parts.record_act(
            ActBody(
                act=ActKind.VIEW_COVERAGE,
                principal=OWNER,
                role="",
                controllers=controllers,
                object=what,
                count=count,
                purpose=PURPOSE,
            )
        )
