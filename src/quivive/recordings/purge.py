"""Carries out an approved plan: remove, look again, certify; or report what is left (law reference R-04).

Called by `core.recording_audio` in a thread, and again after a crash or a failure: every step may be repeated. Must
never certify before a look at the whole of every store found none of the plan's objects, and never remove an object
whose content is not what two persons agreed to remove.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from quivive.model.audio import (
    MAX_KEPT_IDS,
    AudioFailure,
    FailureCount,
    PlanBody,
    PlanItem,
    PlanStep,
    PlanStepBody,
)
from quivive.model.purge import CertificateBody
from quivive.privacy.pseudonym import ControllerKeys
from quivive.recordings.audio import AudioAbsentError, AudioObject, AudioStore, AudioUnreachableError, audio_id
from quivive.recordings.plan import certificates

BATCH: Final = 500
"""Objects removed between two looks at the holds: a hold placed meanwhile keeps the rest."""


class Journal(Protocol):
    """Where the run writes. Each call is durable on return, or raises StorageError and nothing further is done."""

    def step(self, body: PlanStepBody) -> None: ...
    def certificate(self, body: CertificateBody) -> None: ...
    def certified(self, certificate: str) -> bool:
        """Whether this certificate stands in the ledger already: the last run was ended right after it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Under what a plan is carried out: the two persons' approval, or "" for what needs none (an objection)."""

    approval: str
    approved_by: str
    decided_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one attempt. `left` objects are still there, or could not be looked for; `kept` are held."""

    removed: int
    left: int
    kept: int
    failures: tuple[FailureCount, ...]
    certificates: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether it was certified."""
        return not self.left


@dataclass(slots=True)
class _Run:
    """One attempt: where each object was seen, what failed, when the last removal was done."""

    failures: dict[str, AudioFailure] = field(default_factory=dict)
    unseen: set[str] = field(default_factory=set)
    looked_at: int = 0


def carry_out(
    plan: PlanBody,
    agreement: Agreement,
    *,
    stores: Mapping[str, AudioStore],
    keys: ControllerKeys,
    journal: Journal,
    held: Callable[[Sequence[PlanItem]], set[str]],
    clock: Callable[[], int],
    attempt: int,
    principal: str,
    backup_days_max: int,
) -> Outcome:
    """Make one attempt at a whole plan. `keys`: the operator's, which name the objects. `held`: ids kept by a hold.

    `held` raises AudioUnreachableError when it cannot tell; nothing it was asked about is removed then.
    """
    step = _Steps(plan, journal, attempt, principal, clock)
    step.write(PlanStep.BEGUN, removed=0, left=len(plan.items), failures=())
    run = _Run()
    items = {item.audio: item for item in plan.items}
    here = _look(run, plan, items, stores, keys, clock)
    kept: set[str] = set()
    if not plan.declared:
        kept = _remove(run, plan, items, here, stores, held)
    executed_at = clock()
    run.looked_at = 0
    still = _look(run, plan, items, stores, keys, clock)
    if plan.declared:
        with suppress(AudioUnreachableError):  # then all of it is left
            kept = held([items[audio] for audio in still])
        _too_old(run, plan, items, stores, agreement, clock)
    for audio in still.keys() - kept:
        run.failures.setdefault(audio, AudioFailure.STILL_LISTED)
    for audio in run.unseen:
        run.failures.setdefault(audio, AudioFailure.UNREACHABLE)
    left = (still.keys() | run.unseen | (run.failures.keys() if plan.declared else set())) - kept
    failures = _counted(run.failures[audio] for audio in left)
    removed = len(items) - len(left) - len(kept)
    if left:
        step.write(PlanStep.INCOMPLETE, removed=removed, left=len(left), failures=failures)
        return Outcome(removed=removed, left=len(left), kept=len(kept), failures=failures, certificates=())
    gone = replace(plan, items=tuple(item for item in plan.items if item.audio not in kept))
    written = _certify(
        gone, agreement, journal, executed_at=executed_at, verified_absent_at=clock(), looked_at=run.looked_at,
        backup_days_max=backup_days_max,
    )  # fmt: skip
    failures = (FailureCount(failure=AudioFailure.HELD_SINCE, count=len(kept)),) if kept else ()
    ids = sorted(kept)
    while len(ids) > MAX_KEPT_IDS:
        step.write(PlanStep.INCOMPLETE, removed=removed, left=0, failures=failures, kept=tuple(ids[:MAX_KEPT_IDS]))
        ids = ids[MAX_KEPT_IDS:]
    step.write(PlanStep.FINISHED, removed=removed, left=0, failures=failures, kept=tuple(ids))
    return Outcome(removed=removed, left=0, kept=len(kept), failures=failures, certificates=written)


@dataclass(frozen=True, slots=True)
class _Steps:
    plan: PlanBody
    journal: Journal
    attempt: int
    principal: str
    clock: Callable[[], int]

    def write(
        self, step: PlanStep, *, removed: int, left: int, failures: tuple[FailureCount, ...],
        kept: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self.journal.step(
            PlanStepBody(
                plan=self.plan.plan,
                controller=self.plan.controller,
                attempt=self.attempt,
                step=step,
                at=self.clock(),
                principal=self.principal,
                removed=removed,
                left=left,
                failures=failures,
                kept=kept,
            )
        )


def _look(
    run: _Run,
    plan: PlanBody,
    items: Mapping[str, PlanItem],
    stores: Mapping[str, AudioStore],
    keys: ControllerKeys,
    clock: Callable[[], int],
) -> dict[str, AudioObject]:
    """Look through every store of the plan for its objects; those of a store that cannot be seen are unseen."""
    found: dict[str, AudioObject] = {}
    run.unseen = set()
    for name in sorted({item.store for item in plan.items}):
        try:
            scan = stores[name].scan(clock(), marked=True)
        except (AudioUnreachableError, KeyError):  # silent, or not declared any more
            run.unseen |= {item.audio for item in plan.items if item.store == name}
            continue
        run.looked_at += len(scan.objects)
        for thing in scan.objects:
            path = thing.path.encode("utf-8", "backslashreplace").decode()
            audio = audio_id(keys, name, path)
            if audio in items:
                found[audio] = thing
    return found


def _remove(
    run: _Run,
    plan: PlanBody,
    items: Mapping[str, PlanItem],
    here: Mapping[str, AudioObject],
    stores: Mapping[str, AudioStore],
    held: Callable[[Sequence[PlanItem]], set[str]],
) -> set[str]:
    """Remove what is here, batch by batch; return the ids that a hold keeps."""
    kept: set[str] = set()
    for name in sorted({items[audio].store for audio in here}):
        wanted = sorted(audio for audio in here if items[audio].store == name)
        for begin in range(0, len(wanted), BATCH):
            batch = wanted[begin : begin + BATCH]
            try:
                now_held = held([items[audio] for audio in batch])
            except AudioUnreachableError:  # nobody can say what is held: nothing goes, tried again later
                run.failures.update(dict.fromkeys(batch, AudioFailure.UNREACHABLE))
                continue
            kept |= now_held
            paths = {}
            for audio in batch:
                if audio in now_held:
                    continue
                if _changed(items[audio], here[audio], stores[name], plan.planned_at):
                    run.failures[audio] = AudioFailure.CHANGED
                else:
                    paths[here[audio].path] = audio
            try:
                failed = stores[name].delete(list(paths))
            except AudioUnreachableError:
                failed = dict.fromkeys(paths, AudioFailure.UNREACHABLE)
            run.failures.update({paths[path]: failure for path, failure in failed.items() if path in paths})
    return kept


def _changed(item: PlanItem, thing: AudioObject, store: AudioStore, planned_at: int) -> bool:
    """Tell whether another content stands under the name since the plan; only then is it read again."""
    if thing.size_bytes == item.size_bytes and thing.modified_at <= planned_at:
        return False
    if not item.sha256 or thing.size_bytes != item.size_bytes:
        return True
    try:
        return store.digest(thing.path) != item.sha256
    except AudioAbsentError:
        return False
    except AudioUnreachableError:
        return True


def _too_old(
    run: _Run,
    plan: PlanBody,
    items: Mapping[str, PlanItem],
    stores: Mapping[str, AudioStore],
    agreement: Agreement,
    clock: Callable[[], int],
) -> None:
    """A vendor's listing proves an absence only when it was made after the agreement."""
    for name in sorted({item.store for item in plan.items} & stores.keys()):
        try:
            at = stores[name].scan(clock(), marked=True).at
        except AudioUnreachableError:
            continue
        if at <= agreement.decided_at:
            run.failures.update(
                {audio: AudioFailure.NO_NEWER_LISTING for audio, item in items.items() if item.store == name}
            )


def _certify(plan: PlanBody, agreement: Agreement, journal: Journal, **facts: int) -> tuple[str, ...]:
    made = certificates(plan, approved_by=agreement.approved_by, approval=agreement.approval, **facts)
    for body in made:
        if not journal.certified(body.certificate):
            journal.certificate(body)
    return tuple(body.certificate for body in made)


def _counted(failures: Iterable[AudioFailure]) -> tuple[FailureCount, ...]:
    counted = Counter(failures)
    return tuple(FailureCount(failure=each, count=count) for each, count in sorted(counted.items()))
