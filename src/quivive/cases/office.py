"""The office of cases: opens them, takes steps, keeps exhibits, asks for a name (DESIGN §2, §11).

Called by the console's routes. Each deed is judged on what stands, then an entry, durable before the answer. Must never
take two deeds of one case at once, never name anybody without a second person, and never leave words unsealed.
"""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from quivive.cases import reader
from quivive.cases.admissibility import SheetFacts, SheetLine, admissibility
from quivive.cases.bundle import build_bundle, seal_bundle
from quivive.cases.exhibits import ExhibitError, Stretch, exhibit_of, find_accesses, verify_exhibit
from quivive.cases.folder import CaseFolder
from quivive.cases.reader import Person, ToldCase
from quivive.cases.steps import Actor, judge_step
from quivive.cases.view import CaseView, fold
from quivive.ledger.log import Ledger
from quivive.model import approval as four_eyes
from quivive.model.approval import ApprovalAct, ApprovalBody, ApprovalState
from quivive.model.case import CaseBody, CaseOrigin, CaseOutcome, CaseStepBody, StepKind
from quivive.model.clock import DAY_US
from quivive.model.entry import EntryKind
from quivive.model.errors import RefusedError
from quivive.model.ids import KEY_PATTERN
from quivive.model.permission import Role
from quivive.privacy.pseudonym import neutral_code
from quivive.projection.projection import Projection

Papers = Callable[[ToldCase, Sequence[SheetLine]], dict[str, str]]
"""Readable pages of a bundle by file name, made in the readers' languages by whoever shows the case."""
MAX_TAKEN: Final = 1_000
"""Deeds remembered until the projection shows them: seconds of a whole office's work."""
MAX_BACK_US: Final = 365 * DAY_US
"""A case looks back at most as long as traces are kept."""
_NAMERS: Final = {Role.SECURITY, Role.DPO}
_VALID_US: Final = {ApprovalAct.UNMASK: four_eyes.UNMASK_VALID_US}


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficePorts:
    """What the office works with.

    Fields:
        record: append an entry of a controller; durable on return.
        identity: the clear identity (`id`, `name`) behind a person's key; None when the vault holds none.
        noted: whether a rule carries its legal note and runbook. clock: now, microseconds UTC.
    """

    projection: Projection
    ledger: Ledger
    folder: CaseFolder
    record: Callable[[EntryKind, str, Any], Awaitable[None]]
    identity: Callable[[str], dict[str, str] | None]
    noted: Callable[[str], bool]
    clock: Callable[[], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a person gives to open a case. `alert` "" without one; instants in microseconds UTC."""

    origin: CaseOrigin
    controller: str
    alert: str
    known_at: int
    from_at: int
    to_at: int
    text: str


class CaseOffice:
    """See the module's docstring. One per core; every method may be called at any time from the event loop."""

    def __init__(self, ports: OfficePorts) -> None:
        self._ports = ports
        self._lock = asyncio.Lock()
        self._opened: dict[str, tuple[CaseBody, int]] = {}
        self._steps: dict[str, list[CaseStepBody]] = {}
        self._approvals: dict[str, ApprovalBody] = {}
        self._proved: dict[str, int] = {}

    # --- reading

    async def told(self, case: str, controllers: Sequence[str]) -> ToldCase:
        """One case, with what was done a moment ago.

        Raises:
            RefusedError: `case_unknown`.
        """
        if not KEY_PATTERN.fullmatch(case):
            raise RefusedError("case_unknown")
        found = await asyncio.to_thread(reader.find_case, self._ports.projection, case, controllers)
        if found is None:
            body, at = self._opened.get(case, (None, 0))
            if body is None or body.controller not in controllers:
                raise RefusedError("case_unknown")
            code = neutral_code(body.ident) if body.ident else ""
            view = fold(replace(body, ident=""), at, (), concerned=bool(body.ident))
            found = ToldCase(view=view, agent_code=code)
        steps = (*found.view.steps, *self._steps.get(case, ()))
        view = fold(found.view.opened, found.view.opened_at, steps, concerned=found.view.concerned)
        return replace(found, view=view)

    async def sheet(self, view: CaseView) -> tuple[SheetLine, ...]:
        """The admissibility sheet now."""
        facts = await asyncio.to_thread(self._facts, view)
        return admissibility(view, facts, self._ports.clock())

    async def words(self, view: CaseView) -> dict[str, str]:
        """What people wrote on a case, by hash."""
        told = {view.opened.text_sha256, *(step.text_sha256 for step in view.steps)} - {""}
        place = (view.opened.controller, view.opened.case)
        return await asyncio.to_thread(lambda: {each: self._ports.folder.text(*place, each) for each in told})

    async def exhibits(self, view: CaseView) -> list[dict[str, Any]]:
        """Exhibits that were kept, in the order of the log."""
        return await asyncio.to_thread(self._ports.folder.exhibits, view.opened.controller, view.opened.case)

    # --- deeds

    async def open(self, opening: Opening, actor: Actor, controllers: Sequence[str]) -> str:
        """Open a case; returns its id. From an alert, it is about that alert's person.

        Raises:
            RefusedError: `controller_unknown`, `alert_unknown`, `case_field`.
            StorageError: nothing was acknowledged.
        """
        now, case = self._ports.clock(), secrets.token_hex(16)
        if opening.controller not in controllers:
            raise RefusedError("controller_unknown")
        if not now - MAX_BACK_US <= opening.known_at <= now:
            raise RefusedError("case_field", "known_at")
        body = CaseBody(
            case=case,
            controller=opening.controller,
            ident="",
            origin=opening.origin,
            alert="",
            topic="",
            from_at=opening.from_at,
            to_at=opening.to_at,
            known_at=opening.known_at,
            principal=actor.principal,
            role=_role(actor),
            text_sha256="",
        )
        if opening.alert:
            body = await self._from_alert(body, opening.alert)
        async with self._lock:
            digest = await asyncio.to_thread(self._ports.folder.put_text, body.controller, case, opening.text)
            body = replace(body, text_sha256=digest)
            await self._ports.record(EntryKind.CASE, body.controller, body)
            _trim(self._opened)
            self._opened[case] = (body, now)
        return case

    async def step(
        self, case: str, controllers: Sequence[str], actor: Actor, kind: StepKind, text: str, **fields: Any
    ) -> CaseStepBody:
        """Take one step. Preservation copies the exhibits of the alert first.

        Raises:
            RefusedError: the codes of `judge_step`, `case_unknown`, `case_not_published`.
            StorageError: nothing was acknowledged.
        """
        async with self._lock:
            told = await self.told(case, controllers)
            view, now = told.view, self._ports.clock()
            place = (view.opened.controller, case)
            digest = await asyncio.to_thread(self._ports.folder.put_text, *place, text)
            step = CaseStepBody(
                case=case,
                step=secrets.token_hex(16),
                step_kind=kind,
                taken_at=max(now, view.steps[-1].taken_at + 1 if view.steps else 0),
                principal=actor.principal,
                role=_role(actor),
                text_sha256=digest,
                **fields,
            )
            judge_step(view, step, actor, await self.sheet(view), now)
            if kind is StepKind.PRESERVE:
                await asyncio.to_thread(self._keep, view)
            await self._ports.record(EntryKind.CASE_STEP, view.opened.controller, step)
            _trim(self._steps)
            self._steps.setdefault(case, []).append(step)
            return step

    async def hand_over(
        self, case: str, controllers: Sequence[str], actor: Actor, recipient: str, papers: Papers
    ) -> bytes:
        """The bundle of a decided case, sealed to its recipient; the step holds the hash of what left.

        Raises:
            RefusedError: `case_recipient`, the codes of `judge_step`, `case_unknown`.
            StorageError: nothing was acknowledged.
        """
        told = await self.told(case, controllers)
        sheet, words, exhibits = (
            await self.sheet(told.view),
            await self.words(told.view),
            await self.exhibits(told.view),
        )
        archive = await asyncio.to_thread(build_bundle, told, sheet, words, exhibits, papers(told, sheet))
        sealed = await asyncio.to_thread(seal_bundle, archive, recipient)
        await self.step(case, controllers, actor, StepKind.HAND_OVER, "", object=sha256(sealed).hexdigest())
        return sealed

    # --- what needs two persons: the name behind the code, the list of affected records

    async def approvals(self, view: CaseView, act: ApprovalAct = ApprovalAct.UNMASK) -> tuple[ApprovalBody, ...]:
        """Requests of this case, newest first."""
        found = await asyncio.to_thread(
            reader.approvals, self._ports.projection, view.opened.controller, view.opened.case, act
        )
        fresh = {a.approval: a for a in self._approvals.values() if a.object == view.opened.case and a.act is act}
        merged = {a.approval: _later(a, fresh.get(a.approval)) for a in found} | {
            key: a for key, a in fresh.items() if key not in {f.approval for f in found}
        }
        return tuple(sorted(merged.values(), key=lambda a: (-a.proposed_at, a.approval)))

    async def ask(
        self, case: str, controllers: Sequence[str], actor: Actor, reason: str, act: ApprovalAct = ApprovalAct.UNMASK
    ) -> ApprovalBody:
        """Ask for the name, or for the affected records of a breach; another person with another role grants it.

        Raises:
            RefusedError: `case_role`, `case_text`, `case_stage`, `case_unknown`.
        """
        if not actor.roles & _NAMERS:
            raise RefusedError("case_role")
        async with self._lock:
            view = (await self.told(case, controllers)).view
            if not view.concerned or not view.preserved_until:
                raise RefusedError("case_stage", "preserve the facts first")
            if act is ApprovalAct.RESOLVE and view.outcome is not CaseOutcome.BREACH:
                raise RefusedError("case_stage", "decide first")
            digest = await asyncio.to_thread(self._ports.folder.put_text, view.opened.controller, case, reason)
            if not digest:
                raise RefusedError("case_text")
            asked = four_eyes.propose(
                approval=secrets.token_hex(16),
                act=act,
                controller=view.opened.controller,
                subject=case,
                digest=plan_digest(act, case),
                reference=digest,
                principal=actor.principal,
                role=_acting_role(actor),
                at=self._ports.clock(),
                valid_us=_VALID_US.get(act, four_eyes.DEFAULT_VALID_US),
            )
            await self._record_approval(asked)
            return asked

    async def decide(
        self, case: str, controllers: Sequence[str], actor: Actor, approval: str, *, granted: bool,
        act: ApprovalAct = ApprovalAct.UNMASK,
    ) -> ApprovalBody:  # fmt: skip
        """Grant or refuse a request.

        Raises:
            RefusedError: an ApprovalRefusal, `case_role`, `case_unknown`, `approval_unknown`.
        """
        if not actor.roles & _NAMERS:
            raise RefusedError("case_role")
        async with self._lock:
            view = (await self.told(case, controllers)).view
            asked = next((a for a in await self.approvals(view, act) if a.approval == approval), None)
            if asked is None:
                raise RefusedError("approval_unknown")
            now, role = self._ports.clock(), _other_role(actor, asked.proposed_role)
            settle = four_eyes.approve if granted else four_eyes.refuse
            decided = settle(asked, principal=actor.principal, role=role, at=now)
            await self._record_approval(decided)
            return decided

    async def name(self, case: str, controllers: Sequence[str], actor: Actor) -> dict[str, str] | None:
        """The identity, for the two persons of a granted request and until it expires; None otherwise.

        The caller writes the act of this look before it answers.
        """
        view, now = (await self.told(case, controllers)).view, self._ports.clock()
        for granted in await self.approvals(view):
            standing = granted.state is ApprovalState.APPROVED and now <= granted.decided_at + granted.valid_us
            if standing and actor.principal in {granted.proposed_by, granted.decided_by}:
                person = await asyncio.to_thread(self._person, view)
                return None if person is None else self._ports.identity(person.ident)
        return None

    # --- inside

    async def _from_alert(self, body: CaseBody, alert: str) -> CaseBody:
        if not KEY_PATTERN.fullmatch(alert):
            raise RefusedError("alert_unknown")
        behind = await asyncio.to_thread(reader.find_alert, self._ports.projection, alert, (body.controller,))
        if behind is None:
            raise RefusedError("alert_unknown")
        return replace(
            body, ident=behind.ident, alert=alert, topic=behind.topic, from_at=behind.from_at, to_at=behind.to_at
        )

    async def _record_approval(self, body: ApprovalBody) -> None:
        await self._ports.record(EntryKind.APPROVAL, body.controller, body)
        _trim(self._approvals)
        self._approvals[body.approval] = body

    def _keep(self, view: CaseView) -> None:
        """Copy the entries of the alert's accesses with their proofs, once each."""
        opened, ledger, folder = view.opened, self._ports.ledger, self._ports.folder
        if not opened.alert:
            return
        kept = {(each["shard"], each["index"]) for each in folder.exhibits(opened.controller, opened.case)}
        accesses = reader.alert_accesses(self._ports.projection, opened.alert)
        stretch = Stretch(controller=opened.controller, from_at=opened.from_at, to_at=opened.to_at)
        for entry in find_accesses(ledger, stretch, accesses):
            if entry.index >= ledger.published_size(entry.shard):
                raise RefusedError("case_not_published", "try again in a moment")
            if (entry.shard, entry.index) not in kept:
                proof = ledger.proof(entry.shard, entry.index)
                vkey = ledger.verifier_key(entry.shard).text
                folder.put_exhibit(opened.controller, opened.case, exhibit_of(proof, vkey))

    def _person(self, view: CaseView) -> Person | None:
        found = reader.find_person(self._ports.projection, view.opened.case)
        body, _ = self._opened.get(view.opened.case, (None, 0))
        if found is None and body is not None:
            return Person(ident=body.ident, employer="", establishment="", informed_at=0) if body.ident else None
        return found if found and found.ident else None

    def _facts(self, view: CaseView) -> SheetFacts:
        projection, opened = self._ports.projection, view.opened
        person = self._person(view)
        exhibits = self._ports.folder.exhibits(opened.controller, opened.case)
        proved = sum(self._holds(each) for each in exhibits)
        first = min((_event_at(each) for each in exhibits), default=opened.from_at)
        rule_at, referenced = reader.rule_since(projection, opened.topic) if opened.topic else (0, False)
        return SheetFacts(
            first_at=first,
            informed_at=person.informed_at if person else 0,
            gate=reader.gate_history(projection, person) if person else (),
            records=reader.gate_records(projection, person) if person else (),
            rule_at=rule_at,
            rule_noted=referenced or self._ports.noted(opened.topic),
            exhibits=len(exhibits),
            exhibits_proved=proved,
            proved_at=self._ports.clock() if exhibits else 0,
        )

    def _holds(self, exhibit: dict[str, Any]) -> bool:
        """Whether an exhibit proves itself; each is verified once per process."""
        digest = sha256(json.dumps(exhibit, sort_keys=True).encode()).hexdigest()
        if digest not in self._proved:
            try:
                verify_exhibit(exhibit)
            except ExhibitError:
                return False
            _trim(self._proved)
            self._proved[digest] = self._ports.clock()
        return True


def plan_digest(act: ApprovalAct, case: str) -> str:
    """What two persons agree to: this act on this case."""
    return sha256(f"{act}/{case}".encode()).hexdigest()


def _event_at(exhibit: dict[str, Any]) -> int:
    return int(reader.event_of(exhibit).captured_at)


def _role(actor: Actor) -> str:
    return "+".join(sorted(actor.roles))


def _acting_role(actor: Actor) -> str:
    """The one role under which a person asks: security when held. Other roles count for nothing here."""
    return str(Role.SECURITY if Role.SECURITY in actor.roles else Role.DPO)


def _other_role(actor: Actor, proposed_role: str) -> str:
    """The role under which a second person agrees: one the first did not use; else the same, which is refused."""
    return next((str(role) for role in sorted(actor.roles & _NAMERS) if role != proposed_role), proposed_role)


def _later(stored: ApprovalBody, fresh: ApprovalBody | None) -> ApprovalBody:
    return fresh if fresh is not None and fresh.state is not ApprovalState.PROPOSED else stored


def _trim(kept: dict[str, Any]) -> None:
    while len(kept) >= MAX_TAKEN:
        kept.pop(next(iter(kept)))
