"""Commands of detection on the control socket: switches, alerts, canaries, exposure search.

Registered by `core.commands`. The socket's owner speaks; each act is an entry, durable before the answer. Must never
answer a key or a person: neutral codes and counts only. What names a record is keyed on entry and forgotten.
"""

import asyncio
from typing import Any, Final

from quivive.core.compose import Parts
from quivive.core.control import Handler
from quivive.core.writers import CoreWriter
from quivive.detection.exposure_search import search
from quivive.detection.standing import switches_on
from quivive.model.alert import CanaryBody, Switch, SwitchBody
from quivive.model.clock import DAY_US, Micros, to_rfc3339
from quivive.model.entry import ActBody, ActKind, EntryKind
from quivive.model.errors import RefusedError
from quivive.privacy.subject import SubjectKeyer
from quivive.projection.query import Scope

OWNER: Final = "owner"
PURPOSE: Final = "administration"
LIST_DAYS: Final = 90
EXPOSURE_DAYS_MAX: Final = 366


def alert_commands(parts: Parts, writer: CoreWriter) -> dict[str, Handler]:
    """Return the handlers of detection."""
    table = _AlertCommands(parts, writer)
    return {
        "switch-set": table.switch_set,
        "switch-show": table.switch_show,
        "alerts-list": table.alerts_list,
        "alerts-show": table.alerts_show,
        "canary-add": table.canary_add,
        "canary-remove": table.canary_remove,
        "canary-list": table.canary_list,
        "exposure-search": table.exposure_search,
    }


class _AlertCommands:
    def __init__(self, parts: Parts, writer: CoreWriter) -> None:
        self._parts, self._writer = parts, writer

    async def switch_set(self, request: dict[str, Any]) -> dict[str, Any]:
        """Turn a part of detection on or off; on needs the reference of what covers it."""
        body = SwitchBody(
            switch=Switch(request["switch"]),
            on=bool(request["on"]),
            reference=str(request["reference"]),
            demonstration=bool(request.get("demonstration", False)),
        )
        if body.on and not body.reference.strip():
            raise RefusedError("switch_reference", "a switch is turned on with the reference of its assessment")
        if body.demonstration and not self._parts.settings.operator.demonstration:
            raise RefusedError("gate_demonstration", "this installation is no demonstration (operator.demonstration)")
        await self._record(ActKind.SET_SWITCH, body.switch, 1)
        await asyncio.to_thread(self._writer.write, EntryKind.SWITCH, body)
        return {"switch": body.switch, "on": body.on, "reference": body.reference}

    async def switch_show(self, request: dict[str, Any]) -> dict[str, Any]:
        """Every switch; one never set is off."""
        del request
        rows = await asyncio.to_thread(self._query, "switches", {})
        told = {str(row["switch"]): row for row in rows}
        return {
            "switches": [
                {
                    "switch": switch,
                    "on": bool(told[switch]["is_on"]) if switch in told else False,
                    "reference": told[switch]["reference"] if switch in told else "",
                    "demonstration": bool(told[switch]["demonstration"]) if switch in told else False,
                }
                for switch in Switch
            ]
        }

    async def alerts_list(self, request: dict[str, Any]) -> dict[str, Any]:
        """Alerts of the last ninety days, newest first: codes and facts, no name."""
        params = {"state": request.get("state") or None, "limit": int(request.get("limit") or 50)}
        rows = await asyncio.to_thread(self._query, "alerts", params)
        await self._record(ActKind.VIEW_ALERTS, "", len(rows))
        return {"alerts": [_told(row) for row in rows]}

    async def alerts_show(self, request: dict[str, Any]) -> dict[str, Any]:
        """One alert, its accesses and what happened since."""
        alert = str(request["alert"])
        found = await asyncio.to_thread(self._query, "alert", {"alert": alert})
        if not found:
            raise RefusedError("alert_unknown", "no alert of this id")
        accesses = await asyncio.to_thread(self._query, "alert_accesses", {"alert": alert})
        await self._record(ActKind.VIEW_ALERT, alert, len(accesses))
        shown = ("access", "at", "controller", "tables", "action", "distinct", "verdict", "strength", "template")
        return {
            "alert": _told(found[0]),
            "accesses": [_told({name: row[name] for name in shown}) for row in accesses],
        }

    async def canary_add(self, request: dict[str, Any]) -> dict[str, Any]:
        """Register a record that no work needs, and what would reach it; only keys are kept."""
        controller = str(request["controller"])
        keyer = self._keyer(controller)
        keys = tuple(_contact_key(keyer, str(text)) for text in request.get("contacts", ()))
        body = CanaryBody(
            controller=controller, key=keyer.record(str(request["record"])).key, contact_keys=keys, removed=False
        )
        await asyncio.to_thread(self._writer.write, EntryKind.CANARY, body, controller=controller)
        return {"controller": controller, "contacts": len(keys)}

    async def canary_remove(self, request: dict[str, Any]) -> dict[str, Any]:
        """Forget a canary."""
        controller = str(request["controller"])
        key = self._keyer(controller).record(str(request["record"])).key
        body = CanaryBody(controller=controller, key=key, contact_keys=(), removed=True)
        await asyncio.to_thread(self._writer.write, EntryKind.CANARY, body, controller=controller)
        return {"controller": controller, "removed": True}

    async def canary_list(self, request: dict[str, Any]) -> dict[str, Any]:
        """How many canaries each controller has: the records themselves are known by their keys only."""
        del request
        return {"canaries": await asyncio.to_thread(self._canaries)}

    async def exposure_search(self, request: dict[str, Any]) -> dict[str, Any]:
        """From a list of victims, one record a line, to over-represented agents."""
        controller = str(request["controller"])
        keyer = self._keyer(controller)
        if Switch.EXPOSURE_SEARCH not in await asyncio.to_thread(switches_on, self._parts.projection):
            raise RefusedError("switch_off", "exposure_search is off; quivive switch set turns it on")
        now = self._parts.clock()
        days = min(max(int(request.get("days") or 28), 1), EXPOSURE_DAYS_MAX)
        victims = sorted({keyer.record(str(text)).key for text in request["victims"]})
        await self._record(ActKind.SEARCH_EXPOSURE, controller, len(victims))
        lifts = await asyncio.to_thread(
            search,
            self._parts.projection,
            controllers=(controller,),
            victims=victims,
            from_at=now - days * DAY_US,
            to_at=now,
        )
        return {
            "victims": len(victims),
            "agents": [
                {
                    "agent": lift.agent_code,
                    "opened": lift.opened,
                    "expected_milli": lift.expected_milli,
                    "lift_milli": lift.lift_milli,
                    "p_milli": lift.p_milli,
                    "q_milli": lift.q_milli,
                    "unexplained": lift.unexplained,
                    "first_at": to_rfc3339(Micros(lift.first_at)),
                    "last_at": to_rfc3339(Micros(lift.last_at)),
                    "days": lift.days,
                }
                for lift in lifts
            ],
        }

    # --- helpers

    def _query(self, name: str, params: dict[str, object]) -> list[dict[str, object]]:
        now = self._parts.clock()
        scope = Scope(
            controllers=tuple(self._parts.settings.controllers),
            from_at=now - LIST_DAYS * DAY_US,
            to_at=now + 1,
            purpose=PURPOSE,
            principal=OWNER,
        )
        return self._parts.projection.query(scope, name, params)

    def _canaries(self) -> dict[str, int]:
        with self._parts.projection.reading() as cursor:
            rows = cursor.execute(
                "SELECT controller, COUNT(*) FROM canary WHERE NOT removed GROUP BY controller ORDER BY controller"
            ).fetchall()
        return {str(controller): int(count) for controller, count in rows}

    def _keyer(self, controller: str) -> SubjectKeyer:
        found = self._parts.settings.controllers.get(controller)
        if found is None:
            raise RefusedError("controller_unknown")
        keys = self._parts.keyring.controller_keys(controller)
        return SubjectKeyer(keys=keys, catalogue=found.catalogue, region=found.default_region)

    async def _record(self, act: ActKind, what: str, count: int) -> None:
        body = ActBody(act=act, principal=OWNER, role="", controllers=(), object=what, count=count, purpose=PURPOSE)
        await self._parts.record_act(body)


def _contact_key(keyer: SubjectKeyer, text: str) -> str:
    """Key what is written `phone:+33 1 99 00 12 34`."""
    kind, _, value = text.partition(":")
    if kind not in keyer.kinds():
        raise RefusedError("identity_kind_unknown")
    identity = keyer.identity(kind, value)
    if identity is None:
        raise RefusedError("subject_unreadable")
    return identity.key


def _told(row: dict[str, object]) -> dict[str, object]:
    """A row for JSON: instants as RFC 3339."""
    return {
        name: to_rfc3339(Micros(value)) if isinstance(value, int) and name in _INSTANTS else value
        for name, value in row.items()
    }


_INSTANTS: Final = frozenset({"opened_at", "changed_at", "from_at", "to_at", "at"})
