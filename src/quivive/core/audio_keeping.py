"""Kept sound, looked after: plans and their execution, holds, objections, the daily round (law reference R-04, R-11).

One thread between `start` and `stop`; commands and console call the same functions from theirs. Must never remove
anything without the agreement of two persons, but for what a caller objected to and for copies of what two persons had
removed before; never keep a path beyond one run, nor any state of its own: what it did is what the ledger shows.
"""

import secrets
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import structlog

from quivive.core.audio_facts import AudioFacts, finished
from quivive.core.writers import CoreWriter
from quivive.model.approval import ApprovalAct, ApprovalBody, ApprovalState, done, propose
from quivive.model.audio import (
    PLAN_VALID_DAYS,
    AudioFailure,
    AudioProposal,
    AudioReason,
    FailureCount,
    PlanBody,
    PlanItem,
    PlanStep,
    PlanStepBody,
)
from quivive.model.clock import DAY_US, HOUR_US, MINUTE_US, Micros, utc_day
from quivive.model.entry import EntryKind
from quivive.model.errors import RefusedError, StorageError
from quivive.model.ids import OPERATOR
from quivive.model.purge import POLICY_PRINCIPAL, CertificateBody
from quivive.model.retention import RetentionCheckBody, StoreAge
from quivive.privacy.keyring import Keyring
from quivive.projection.projection import Projection, ProjectionUnavailableError
from quivive.projection.query import MAX_ROWS
from quivive.recordings.audio import AudioAbsentError, AudioStore, AudioUnreachableError
from quivive.recordings.gather import Gathered, Place, gather, mark_contents
from quivive.recordings.judging import Hold, Judged, held, judge
from quivive.recordings.plan import make_plan
from quivive.recordings.purge import Agreement, Outcome, carry_out
from quivive.recordings.stores import open_stores, places
from quivive.settings import Settings

EVERY_S: Final = 5.0
RETRY_US: Final = HOUR_US
"""An incomplete plan is tried again so often; a person may ask sooner."""
CATCH_UP_S: Final = 60.0
"""Longest wait for the projection before a plan is carried out: it must show every hold."""
CATCH_UP_EVERY_S: Final = 0.05
LOOK_AGAIN_US: Final = (0, MINUTE_US, 5 * MINUTE_US, HOUR_US)
"""After an objection: at once, and again, for a recorder writes the file after the call's end."""
OBJECTION_WINDOW_US: Final = 2 * HOUR_US
AUDIO_CLASS: Final = "recording"
"""Stands in the place of a retention class in `retention.check`."""
_PRINCIPAL: Final = "core"

log = structlog.get_logger("quivive.core")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at the stores, judged."""

    at: int
    judged: tuple[Judged, ...]
    gathered: Gathered
    silent: tuple[str, ...]
    """Stores that did not answer."""


class AudioKeeping:
    """See the module. `ready` tells that the projection has caught up with the ledger."""

    def __init__(
        self,
        *,
        settings: Settings,
        keyring: Keyring,
        projection: Projection,
        writer: CoreWriter,
        clock: Callable[[], int],
        ready: Callable[[], bool],
    ) -> None:
        self._settings, self._writer, self._clock, self._ready = settings, writer, clock, ready
        self.facts = AudioFacts(settings, projection, clock)
        self.stores: dict[str, AudioStore] = open_stores(settings)
        self.places: dict[str, Place] = dict(places(settings))
        self.keys = {
            controller: keyring.controller_keys(controller) for controller in (OPERATOR, *settings.controllers)
        }
        self._lock = threading.RLock()
        """One run at a time: two would remove the same objects and certify twice."""
        self._each_round: tuple[Callable[[], object], ...] = ()
        self._objections: dict[str, int] = {}
        self._objections_at = 0
        """Not before: a store was silent."""
        self._refused: set[str] = set()
        """Stores of which something could not be read or marked since the last daily look began."""
        self._finished: set[str] = set()
        """Certified by this process; the projection may not show it yet."""
        self._day = ""
        self._stop = threading.Event()
        self._kick = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audio", daemon=True)

    # --- life

    def start(self, *each_round: Callable[[], object]) -> None:
        """Start the thread, which calls `each_round` too; without a declared store there is nothing to do."""
        self._each_round = each_round
        if self.stores:
            self._thread.start()

    def stop(self) -> None:
        """End it; a run under way is finished."""
        self._stop.set()
        self._kick.set()
        if self._thread.is_alive():
            self._thread.join()

    def kick(self) -> None:
        """Something was approved: do not wait for the next round."""
        self._kick.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._kick.wait(EVERY_S)
            self._kick.clear()
            if self._stop.is_set() or not self._ready():
                continue
            try:
                self.round()
            except ProjectionUnavailableError:
                continue  # being rebuilt: ask again
            except Exception as error:  # noqa: BLE001 - told, and tried again: the thread must outlive it
                log.error(  # noqa: TRY400 - type and place only, an error's text may quote a name
                    "core.audio_failed",
                    error=type(error).__name__,
                    places=[f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)],
                )

    def round(self) -> None:
        """One round: objections, approved plans, and once a day everything."""
        for call in self._each_round:
            call()
        with self._lock:
            self._caller_objections()
            self.carry_approved()
            today = utc_day(Micros(self._clock()))
            if today != self._day:
                self.daily()
                self._day = today

    # --- looking

    def look(self, controller: str = "", stores: Iterable[str] = ()) -> Look:
        """Look through the stores and judge every object, or those of one controller."""
        now, scans, silent = self._clock(), [], []
        marked = self._marked()
        for name in sorted(set(stores) or self.stores.keys()):
            if name not in self.stores:  # taken out of the configuration
                silent.append(name)
                continue
            try:
                scans.append((self.places[name], self.stores[name].scan(now, marked=name in marked)))
            except AudioUnreachableError as error:
                silent.append(name)
                log.warning("audio.unreachable", store=name, error=str(error))
        gathered = gather(scans, self.keys, self.facts)
        self._mark_contents(gathered)
        rules = self.facts.rules()
        judged = tuple(
            judge(each, rules, now) for each in gathered.seen if not controller or each.controller == controller
        )
        return Look(at=now, judged=judged, gathered=gathered, silent=tuple(silent))

    def _marked(self) -> set[str]:
        """Stores of which a plan was sealed: each bears its mark, and is silent without it."""
        rows = self.facts.query("audio_plans", limit=MAX_ROWS)
        return {name for row in rows if not row["declared"] for name in str(row["stores"]).split(",")}

    def _mark_contents(self, gathered: Gathered) -> None:
        """Find copies of removed recordings, whatever their names: same size first, then the same content."""
        others = {each.audio: each for each in gathered.seen}
        sizes = self.facts.removed_sizes(sorted({each.size_bytes for each in others.values()}))
        hashes = self.hashes(
            gathered, [audio for audio, each in others.items() if each.size_bytes in sizes and each.size_bytes],
            skip_unread=True,
        )  # fmt: skip
        plans = self.facts.removed_contents(sorted(set(hashes.values()) - {""}))
        mark_contents(gathered, {audio: plans[found] for audio, found in hashes.items() if found in plans})

    def hashes(self, gathered: Gathered, audios: Sequence[str], *, skip_unread: bool = False) -> dict[str, str]:
        """SHA-256 of objects; those that went meanwhile are left out.

        Raises:
            AudioUnreachableError: one cannot be read, and is not to be skipped.
        """
        found: dict[str, str] = {}
        for audio in audios:
            store, path = gathered.paths[audio]
            try:
                found[audio] = self.stores[store].digest(path)
            except AudioAbsentError:
                continue
            except (AudioUnreachableError, OSError) as error:
                if not skip_unread:
                    raise AudioUnreachableError(f"audio store {store} cannot be read") from error
                self._refused.add(store)
                log.warning("audio.unread", store=store, error=type(error).__name__)
        return found

    # --- plans

    def plan(
        self, look: Look, *, controller: str, principal: str, role: str, kinds: Sequence[bool] = (False, True)
    ) -> PlanBody:
        """Seal the plan of a controller's objects and propose it to a second person.

        `kinds`: of stores that we read (False), of vendors' listings (True); a plan is of one kind.

        Raises:
            RefusedError: nothing to remove, or a store did not answer.
        """
        if look.silent:
            raise RefusedError("audio_silent", f"a store did not answer: {', '.join(look.silent)}")
        with self._lock:
            declared = {name for name, store in self.stores.items() if store.declared}
            for kind in kinds:
                of = [
                    each
                    for each in look.judged
                    if each.seen.controller == controller and (each.seen.store in declared) is kind
                ]
                if not any(each.proposal is AudioProposal.PURGE for each in of):
                    continue
                sealed = self._seal(look, of, controller=controller, principal=principal, role=role, declared=kind)
                self._approval(
                    propose(
                        approval=secrets.token_hex(16), act=ApprovalAct.RECORDINGS_PURGE, controller=controller,
                        subject=sealed.plan, digest=sealed.digest, reference="", principal=principal, role=role,
                        at=self._clock(), valid_us=PLAN_VALID_DAYS * DAY_US,
                    )
                )  # fmt: skip
                return sealed
        raise RefusedError("plan_empty", "nothing is to be removed")

    def _seal(
        self, look: Look, judged: Sequence[Judged], *, controller: str, principal: str, role: str,
        declared: bool = False, follows: str = "",
    ) -> PlanBody:  # fmt: skip
        hashes: dict[str, str] = {}
        if not declared:
            wanted = [each.seen.audio for each in judged if each.proposal is AudioProposal.PURGE]
            hashes = self.hashes(look.gathered, wanted)
            for name in sorted({each.seen.store for each in judged}):
                self.stores[name].mark()
        parts = make_plan(
            judged, controller=controller, principal=principal, role=role, at=look.at, hashes=hashes,
            declared=declared, follows=follows,
        )  # fmt: skip
        for part in reversed(parts):  # the first part last: a plan that has one is whole
            self._writer.write(EntryKind.RECORDING_PLAN, part, controller=controller)
        return replace(parts[0], parts=1, items=tuple(item for part in parts for item in part.items))

    def _approval(self, body: ApprovalBody) -> None:
        self._writer.write(EntryKind.APPROVAL, body, controller=body.controller)

    def approval_of(self, plan: str) -> ApprovalBody:
        """The agreement on a plan.

        Raises:
            RefusedError: there is no such plan.
        """
        return self.approval(ApprovalAct.RECORDINGS_PURGE, plan)

    def approval(self, act: ApprovalAct, subject: str) -> ApprovalBody:
        """The newest agreement on something.

        Raises:
            RefusedError: nothing of this id waits or was agreed to.
        """
        rows = self.facts.query("approvals", act=act, object=subject)
        if not rows:
            raise RefusedError("approval_unknown", "nothing of this id waits for a second person")
        row = rows[0]
        return ApprovalBody(**{**row, "act": ApprovalAct(row["act"]), "state": ApprovalState(row["state"])})

    def decide(self, body: ApprovalBody) -> None:
        """Write what a second person decided, and act on it."""
        self._approval(body)
        self.kick()

    # --- carrying out

    def carry_approved(self) -> list[Outcome]:
        """Carry out every plan that two persons agreed to and that is not certified; resume what was interrupted."""
        outcomes = []
        for row in self.facts.query("audio_plans"):
            retried = row["step"] == PlanStep.INCOMPLETE and self._clock() - row["stepped_at"] < RETRY_US
            if row["state"] != ApprovalState.APPROVED or finished(row) or retried:
                continue
            if row["plan"] not in self._finished and self._clock() <= row["decided_at"] + row["valid_us"]:
                outcomes.append(self.carry_out(row["plan"]))
        return outcomes

    def carry_out(self, plan: str) -> Outcome:
        """Make one attempt at a plan that two persons agreed to.

        Raises:
            RefusedError: it is unknown, not agreed to, or was carried out already.
        """
        with self._lock:
            found = self.facts.plan(plan)
            if found is None:
                raise RefusedError("plan_unknown", "no whole plan of this id")
            body, row = found
            if finished(row):
                raise RefusedError("plan_finished", "this plan was carried out and certified")
            if row["state"] != ApprovalState.APPROVED:
                raise RefusedError("plan_not_approved", "a second person has not agreed to this plan")
            approval = self.approval_of(plan)
            if approval.digest != body.digest:
                raise RefusedError("plan_changed", "what was agreed to is another plan")
            if self._clock() > approval.decided_at + approval.valid_us:
                raise RefusedError("plan_expired", f"agreed to more than {PLAN_VALID_DAYS} days ago; make a new plan")
            agreement = Agreement(
                approval=approval.approval, approved_by=approval.decided_by, decided_at=approval.decided_at
            )
            outcome = self._attempt(body, agreement, attempt=int(row["attempt"]) + 1)
            if outcome.whole:
                self._finished.add(plan)
                self._approval(done(approval, self._clock()))
            return outcome

    def _attempt(self, plan: PlanBody, agreement: Agreement, *, attempt: int) -> Outcome:
        outcome = carry_out(
            plan,
            agreement,
            stores=self.stores,
            keys=self.keys[OPERATOR],
            journal=_Journal(self._writer, self.facts),
            held=self._held(plan),
            clock=self._clock,
            attempt=attempt,
            principal=_PRINCIPAL,
            backup_days_max=max(
                (declared.backup_days for name in plan.stores if (declared := self._settings.audio.get(name))),
                default=0,
            ),
        )
        log.info(
            "audio.plan", plan=plan.plan, removed=outcome.removed, left=outcome.left, kept=outcome.kept,
            certified=len(outcome.certificates),
        )  # fmt: skip
        return outcome

    def _held(self, plan: PlanBody) -> Callable[[Sequence[PlanItem]], set[str]]:
        """Which objects a hold keeps, as the ledger shows it at each question; their calls are looked up once.

        Of every company: a call learned since the plan may have moved an object to another one. While a hold stands,
        an object that this look does not show is kept, and one whose store is silent cannot be asked about.
        """
        known: dict[str, Judged] = {}
        silent: set[str] | None = None

        def ask(items: Sequence[PlanItem]) -> set[str]:
            nonlocal silent
            holds = self.facts.holds()
            if not holds:
                return set()
            if silent is None:
                look = self.look(stores={item.store for item in plan.items})
                known.update({each.seen.audio: each for each in look.judged})
                silent = set(look.silent)
            if unseen := silent & {item.store for item in items}:
                raise AudioUnreachableError(f"holds cannot be told: {', '.join(sorted(unseen))} did not answer")
            return {item.audio for item in items if self._kept(known.get(item.audio), holds, plan.controller)}

        return ask

    def _kept(self, judged: Judged | None, holds: Sequence[Hold], controller: str) -> bool:
        """Whether an object of a plan is kept by a hold of its company, or of the one whose plan it is."""
        if judged is None:
            return True
        now = self._clock()
        return any(
            held(seen, holds, contact=judged.contact, campaign=judged.campaign, now=now)
            for seen in (judged.seen, replace(judged.seen, controller=controller))
        )

    # --- what needs no second person

    def _caller_objections(self) -> None:
        """Remove what was captured on calls whose callers objected: at once, and again when more turns up."""
        now, due = self._clock(), set[str]()
        if now < self._objections_at:
            return
        for row in self.facts.query("audio_objections"):
            times = self._objections.get(row["contact"], 0)
            recent = row["objected_at"] > now - OBJECTION_WINDOW_US
            if recent and times < len(LOOK_AGAIN_US) and now >= row["objected_at"] + LOOK_AGAIN_US[times]:
                due.add(row["contact"])
        if not due:
            return
        look = self.look()
        self.remove_objected(look)
        if look.silent:  # no attempt is spent on a part
            self._objections_at = now + MINUTE_US
            return
        for contact in due:
            self._objections[contact] = self._objections.get(contact, 0) + 1

    def remove_objected(self, look: Look) -> list[Outcome]:
        """Carry out what callers demanded."""
        return self._without_asking(look, AudioReason.CALLER_OBJECTED, {})

    def remove_found_again(self, look: Look) -> list[Outcome]:
        """Remove again what came back (a restored backup), under the agreement that removed it first."""
        return self._without_asking(look, AudioReason.FOUND_AGAIN, look.gathered.came_back)

    def _without_asking(self, look: Look, reason: AudioReason, follows: dict[str, str]) -> list[Outcome]:
        groups: dict[tuple[str, str, str], list[Judged]] = {}
        for each in look.judged:
            readable = not self.stores[each.seen.store].declared
            if each.reason is reason and each.proposal is AudioProposal.PURGE and readable:
                key = (each.seen.controller, follows.get(each.seen.audio, ""), each.seen.store)
                groups.setdefault(key, []).append(each)
        outcomes = []
        for (controller, plan, store), judged in sorted(groups.items()):
            agreement = Agreement(approval="", approved_by="", decided_at=0)
            if plan:
                try:
                    first = self.approval_of(plan)
                    agreement = Agreement(
                        approval=first.approval, approved_by=first.decided_by, decided_at=first.decided_at
                    )
                except RefusedError:
                    pass  # removed for an objection, which needed no agreement
            try:
                sealed = self._seal(
                    look, judged, controller=controller, principal=POLICY_PRINCIPAL, role="", follows=plan
                )
            except AudioUnreachableError as error:  # read-only, or away meanwhile: the other stores go on
                self._refused.add(store)
                log.warning("audio.not_removed", store=store, error=str(error))
                continue
            outcomes.append(self._attempt(sealed, agreement, attempt=1))
        return outcomes

    # --- every day

    def daily(self) -> Look:
        """Look at everything: objections, copies that came back, declared against oldest."""
        self._refused.clear()
        look = self.look()
        removed = [*self.remove_objected(look), *self.remove_found_again(look)]
        if any(outcome.removed for outcome in removed):
            look = self.look()
        self.check(look)
        self.propose_due(look)
        return look

    def propose_due(self, look: Look) -> list[str]:
        """Propose by itself what is due, a plan a controller; whoever agrees is a person, so nothing is removed here.

        Not while a plan of the same controller waits for its second person, or is being carried out.
        """
        now, waiting = self._clock(), set[tuple[str, bool]]()
        for row in self.facts.query("audio_plans"):
            asked = row["state"] == ApprovalState.PROPOSED and now < row["expires_at"]
            agreed = row["state"] == ApprovalState.APPROVED and now <= row["decided_at"] + row["valid_us"]
            if (asked or agreed) and not finished(row):
                waiting.add((row["controller"], bool(row["declared"])))
        due = {
            (each.seen.controller, self.stores[each.seen.store].declared)
            for each in look.judged
            if each.proposal is AudioProposal.PURGE
        }
        if look.silent:
            return []  # told by the check; a plan of a part would hide the rest
        proposed = []
        for controller, kind in sorted(due - waiting):
            try:
                plan = self.plan(look, controller=controller, principal=POLICY_PRINCIPAL, role="", kinds=(kind,))
            except AudioUnreachableError as error:  # cannot be marked, or went away meanwhile: asked again tomorrow
                log.warning("audio.not_proposed", controller=controller, error=str(error))
                continue
            log.info("audio.proposed", controller=controller, objects=len(plan.items))
            proposed.append(plan.plan)
        return proposed

    def check(self, look: Look) -> RetentionCheckBody:
        """Compare what was declared with the oldest object found, by store, controller and limit; the entry stays."""
        groups: dict[tuple[str, str, int], list[Judged]] = {}
        for each in look.judged:
            groups.setdefault((each.seen.store, each.seen.controller, each.limit_days), []).append(each)
        ages = tuple(_age(key, judged, look.at) for key, judged in sorted(groups.items()))
        incomplete = sum(1 for row in self.facts.query("audio_plans") if row["step"] in ("begun", "incomplete"))
        body = RetentionCheckBody(
            day=utc_day(Micros(look.at)),
            stores=ages,
            overdue=sum(age.overdue for age in ages),
            held=sum(bool(age.held) for age in ages),
            incomplete=incomplete + len({*look.silent, *self._refused}),
            policies=(),
        )
        self._writer.write(EntryKind.RETENTION_CHECK, body)
        return body


def _age(key: tuple[str, str, int], judged: Sequence[Judged], now: int) -> StoreAge:
    store, controller, days = key
    oldest = min((each.ended_at for each in judged if each.ended_at), default=0)
    late = [each for each in judged if each.ended_at and now > each.expires_at]
    free = [each for each in late if each.reason is not AudioReason.HELD]
    return StoreAge(
        store=f"audio/{store}",
        controller=controller,
        retention_class=AUDIO_CLASS,
        declared_days=days,
        oldest_at=oldest,
        overdue=bool(free),
        held="held" if late and not free else "",
    )


class _Journal:
    """Writes the steps of a run through the core's spool."""

    def __init__(self, writer: CoreWriter, facts: AudioFacts) -> None:
        self._writer, self._facts = writer, facts

    def step(self, body: PlanStepBody) -> None:
        """Write a step.

        A beginning is seen in the projection before this returns, and so is all that was written before it: every hold,
        and a certificate of a run that was ended right after it.

        Raises:
            RefusedError: the plan was finished already.
            StorageError: the projection does not follow.
        """
        self._writer.write(EntryKind.RECORDING_STEP, body, controller=body.controller)
        if body.step is not PlanStep.BEGUN:
            return
        waited = threading.Event()
        for _ in range(int(CATCH_UP_S / CATCH_UP_EVERY_S)):
            steps = self._facts.query("audio_steps", plan=body.plan)
            if any(row["stepped_at"] == body.at and row["step"] == PlanStep.BEGUN for row in steps):
                if any(row["step"] == PlanStep.FINISHED for row in steps):
                    raise RefusedError("plan_finished", "this plan was carried out and certified")
                return
            waited.wait(CATCH_UP_EVERY_S)
        raise StorageError("the projection has not caught up with the ledger; nothing was removed")

    def certificate(self, body: CertificateBody) -> None:
        """Write a certificate."""
        self._writer.write(EntryKind.RECORDING_PURGE, body, controller=body.controller)

    def certified(self, certificate: str) -> bool:
        """Whether it stands in the ledger."""
        return bool(self._facts.query("audio_certificates", keys=[certificate]))


def told_failures(failures: Iterable[FailureCount]) -> dict[str, int]:
    """Failures for an answer."""
    return {AudioFailure(each.failure).value: each.count for each in failures}


def told_rows(look: Look) -> list[dict[str, Any]]:
    """Counts of a look, for a command's answer."""
    counts: dict[tuple[str, str, str, str], int] = {}
    for each in look.judged:
        key = (each.seen.controller, each.campaign, each.proposal.value, each.reason.value)
        counts[key] = counts.get(key, 0) + 1
    return [
        {"controller": c, "campaign": campaign, "proposal": proposal, "reason": reason, "count": count}
        for (c, campaign, proposal, reason), count in sorted(counts.items())
    ]
