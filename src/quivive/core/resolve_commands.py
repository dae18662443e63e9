"""Commands of the blast radius on the control socket: open a resolution, match keys in batches, close it.

Registered by `core.commands`. A plain key comes in, is keyed and forgotten; line numbers and counts go out. Must never
answer without the approval of two persons, before the act is durable, nor put a key into an entry or an error.
"""

import asyncio
import secrets
from dataclasses import dataclass
from typing import Any, Final

from quivive.cases import reader
from quivive.cases.office import plan_digest
from quivive.cases.radius import Radius, read_radius
from quivive.cases.view import CaseView
from quivive.core.compose import Parts
from quivive.core.control import Handler
from quivive.model import approval as four_eyes
from quivive.model.approval import ApprovalAct, ApprovalBody, ApprovalState
from quivive.model.case import CaseOutcome
from quivive.model.entry import ActBody, ActKind, EntryKind
from quivive.model.errors import RefusedError
from quivive.model.ids import KEY_PATTERN
from quivive.privacy.subject import SubjectKeyer

OWNER: Final = "owner"
MAX_BATCH: Final = 2_000
"""Keys of one request: with the longest notation (256 characters) they fit a line of the control socket."""
MAX_OPEN: Final = 4
"""Resolutions open at once; an older one that was never closed is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    view: CaseView
    radius: Radius
    keyer: SubjectKeyer


def resolve_commands(parts: Parts) -> dict[str, Handler]:
    """Return the handlers."""
    table = _ResolveCommands(parts)
    return {"resolve-open": table.open, "resolve-match": table.match, "resolve-close": table.close}


class _ResolveCommands:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._open: dict[str, _Open] = {}
        self._used: set[str] = set()

    async def open(self, request: dict[str, Any]) -> dict[str, Any]:
        """Check case and approval, use the approval up, read what was shown."""
        case = str(request["case"])
        view = await asyncio.to_thread(self._view, case)
        granted = await asyncio.to_thread(self._granted, view)
        self._used.add(granted.approval)
        radius = await asyncio.to_thread(read_radius, self._parts.projection, view)
        now = self._parts.clock()
        await self._act(view, radius.records)
        await self._parts.record_entry(EntryKind.APPROVAL, view.opened.controller, four_eyes.done(granted, now))
        controller = self._parts.settings.controllers[view.opened.controller]
        keyer = SubjectKeyer(
            keys=self._parts.keyring.controller_keys(controller.id),
            catalogue=controller.catalogue,
            region=controller.default_region,
        )
        while len(self._open) >= MAX_OPEN:
            self._open.pop(next(iter(self._open)))
        handle = secrets.token_hex(16)
        self._open[handle] = _Open(view=view, radius=radius, keyer=keyer)
        return {"handle": handle, "records": radius.records, "batch": MAX_BATCH}

    async def match(self, request: dict[str, Any]) -> dict[str, Any]:
        """Key a batch; answer which of its lines were shown, by number, and which could not be read."""
        work, keys = self._of(request), request["keys"]
        if not isinstance(keys, list) or len(keys) > MAX_BATCH:
            raise RefusedError("resolve_batch", f"at most {MAX_BATCH} keys at once")
        found, unreadable = await asyncio.to_thread(_match, work, [str(each) for each in keys])
        await self._act(work.view, len(found))
        return {"found": found, "unreadable": unreadable}

    async def close(self, request: dict[str, Any]) -> dict[str, Any]:
        """Counts and categories, with what the breach form says of the installation."""
        work = self._of(request)
        del self._open[str(request["handle"])]
        opened, settings = work.view.opened, self._parts.settings
        await self._act(work.view, work.radius.records)
        return {
            **work.radius.summary(),
            "case": opened.case,
            "controller": opened.controller,
            "controller_name": settings.controllers[opened.controller].name,
            "operator": settings.operator.name,
            "contact": settings.operator.contact,
            "timezone": settings.operator.timezone,
            "known_at": opened.known_at,
            "from_at": opened.from_at,
            "to_at": opened.to_at,
        }

    def _of(self, request: dict[str, Any]) -> _Open:
        work = self._open.get(str(request["handle"]))
        if work is None:
            raise RefusedError("resolve_unknown", "open it again")
        return work

    def _view(self, case: str) -> CaseView:
        if not KEY_PATTERN.fullmatch(case):
            raise RefusedError("case_unknown")
        told = reader.find_case(self._parts.projection, case, tuple(self._parts.settings.controllers))
        if told is None:
            raise RefusedError("case_unknown")
        if told.view.outcome is not CaseOutcome.BREACH:
            raise RefusedError("case_stage", "decide first")
        if not told.view.concerned:
            raise RefusedError("case_nobody")
        return told.view

    def _granted(self, view: CaseView) -> ApprovalBody:
        """The approval that stands, not yet used."""
        opened, now = view.opened, self._parts.clock()
        asked = reader.approvals(self._parts.projection, opened.controller, opened.case, ApprovalAct.RESOLVE)
        for each in asked:
            if each.state is ApprovalState.APPROVED and each.approval not in self._used:
                four_eyes.require_approved(
                    each, act=ApprovalAct.RESOLVE, digest=plan_digest(ApprovalAct.RESOLVE, opened.case), at=now
                )
                return each
        raise RefusedError(four_eyes.ApprovalRefusal.NOT_APPROVED)

    async def _act(self, view: CaseView, count: int) -> None:
        await self._parts.record_act(
            ActBody(
                act=ActKind.RESOLVE_RECORDS, principal=OWNER, role="", controllers=(view.opened.controller,),
                object=view.opened.case, count=count, purpose=reader.PURPOSE,
            )
        )  # fmt: skip


def _match(work: _Open, keys: list[str]) -> tuple[list[list[int]], list[int]]:
    """Lines that were shown, each with accesses, unexplained ones, first and last; and lines that are no key."""
    found: list[list[int]] = []
    unreadable: list[int] = []
    for number, notation in enumerate(keys):
        try:
            shown = work.radius.match(work.keyer.record(notation).key)
        except RefusedError:
            unreadable.append(number)
            continue
        if shown is not None:
            found.append([number, shown.accesses, shown.unexplained, shown.first_at, shown.last_at])
    return found, unreadable
