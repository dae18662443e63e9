"""The retention room: what is due is removed, looked for, certified; each day, declared is compared with found (P-10).

One thread between `start` and `stop`; commands call the same functions from theirs, one at a time. Scheduled removals
follow the sealed policy; anything else needs two persons (`core.retention_commands`). Must never remove what a hold
keeps, never certify before a search found nothing, and keep no state of its own: records stand in `spine/purges`, the
rest in the ledger.
"""

import shutil
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec
import structlog

from quivive.core.pipeline import Pipeline
from quivive.core.retention_search import Stores, ages, drop_policies, reached, run_files, search
from quivive.core.writers import CORE_SOURCE, CoreWriter
from quivive.ledger.entry import decode_entry
from quivive.ledger.log import Ledger
from quivive.ledger.purge import Order
from quivive.ledger.removal import Removal, Removals, RemovalState
from quivive.ledger.shard import Segment
from quivive.model.clock import DAY_US, HOUR_US, Micros, utc_day
from quivive.model.entry import KIND_CLASS, EntryKind, RetentionClass, SpoolEvent
from quivive.model.errors import ConfigurationError, RefusedError, StorageError
from quivive.model.ids import OPERATOR
from quivive.model.purge import (
    MAX_BACKUP_DAYS,
    POLICY_PRINCIPAL,
    RULE_CLAUSE,
    CertificateBody,
    CheckedPlace,
    PurgedWhat,
    PurgeRule,
    in_parts,
)
from quivive.model.retention import Hold, RetentionCheckBody
from quivive.privacy.keyring import Keyring
from quivive.privacy.retention import RetentionPolicy, SegmentDay, day_start, due, held
from quivive.projection.columns import access_id
from quivive.projection.projection import Projection, ProjectionUnavailableError
from quivive.projection.query import Scope
from quivive.projection.reconcile import Difference
from quivive.retention_settings import RetentionSettings
from quivive.settings import Settings
from quivive.spool.durable import write_atomic
from quivive.spool.scrub import scrub
from quivive.vault import Vault

LOOK_EVERY_S: Final = 30.0
ROUND_EVERY_US: Final = HOUR_US
HOLD_OPEN_US: Final = 7 * DAY_US
"""So long a hold keeps what it names before a second person has agreed; then it lapses."""
RECONCILE_AFTER_US: Final = 3 * HOUR_US
"""After midnight UTC: the day is sealed and its late parts have come."""
READY_WITHIN_S: Final = 10.0
"""So long an order waits for what is durable to be known; then it is refused."""
READY_PAUSE_S: Final = 0.05
MAX_DIFFERENCES_TOLD: Final = 10
PURPOSE: Final = "retention"
STATES: Final = frozenset(
    {
        EntryKind.DIRECTORY_AGENT,
        EntryKind.GATE_STATE,
        EntryKind.INSTRUCTION,
        EntryKind.CATALOGUE_VERSION,
        EntryKind.SWITCH,
        EntryKind.RULE_VERSION,
        EntryKind.WATCHED_RECORD,
        EntryKind.CANARY,
    }
)
"""Kinds that are in force until another one follows: five years run from then on, not from their day."""
_ACCESSES: Final = frozenset({EntryKind.ACCESS, EntryKind.ACCESS_SECOND})
"""Kinds whose rows are found by an id; after another kind, or one part of many, the projection is rebuilt."""
_PRINCIPAL: Final = "core"

log = structlog.get_logger("quivive.core")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundReport:
    """One round: certificates written, days that a hold kept, removals that are not complete yet."""

    certificates: tuple[str, ...]
    held: int
    incomplete: int


class RetentionRoom:
    """See the module's docstring. `ready` tells that the projection has caught up with the ledger."""

    def __init__(
        self,
        *,
        settings: Settings,
        keyring: Keyring,
        ledger: Ledger,
        projection: Projection,
        pipeline: Pipeline,
        writer: CoreWriter,
        vault: Vault,
        clock: Callable[[], int],
        ready: Callable[[], bool],
    ) -> None:
        self._settings, self._ledger, self._projection, self._pipeline = settings, ledger, projection, pipeline
        self._writer, self._vault, self._clock, self._caught_up = writer, vault, clock, ready
        sources: dict[str, tuple[str, ...]] = {}
        for name, source in settings.sources.items():
            sources[source.controller] = (*sources.get(source.controller, ()), name)
        self.stores = Stores(
            home=settings.home, keyring=keyring, ledger=ledger, projection=projection, vault=vault, sources=sources
        )
        self._lock = threading.RLock()
        """One removal at a time."""
        self._placed: dict[str, Hold] = {}
        self._released: set[str] = set()
        self.certificates: dict[str, list[CertificateBody]] = {}
        """Written by this process, for whoever asked for the removal."""
        self.handed_over: dict[str, Path] = {}
        """Approval → file that waits for its certificate; a restart forgets it, the certificate stays in the ledger."""
        self._erased: dict[str, tuple[str, int] | None] = {}
        """Removal of an event → the access to look for; none where the projection was rebuilt for it."""
        self._round_at = 0
        self._nightly_for = self._checked_for = self._reconciled_for = ""
        self._rebuilt_for: set[str] = set()
        self._stop, self._kick = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)

    # --- life

    def start(self) -> None:
        """Start the thread."""
        drop_policies(self._settings.home, self._settings.sources)
        self._thread.start()

    def stop(self) -> None:
        """End it; a step under way is finished, the rest is resumed at the next start."""
        self._stop.set()
        self._kick.set()
        if self._thread.is_alive():
            self._thread.join()

    def kick(self) -> None:
        """Do not wait for the next round."""
        self._round_at = 0
        self._kick.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._kick.wait(LOOK_EVERY_S)
            self._kick.clear()
            if self._stop.is_set() or not self.ready():
                continue
            try:
                now = self._clock()
                if now - self._round_at >= ROUND_EVERY_US:
                    self.round(now)
                    self._round_at = now
                self._daily(now)
            except (ProjectionUnavailableError, StorageError, RefusedError) as error:
                log.warning("core.retention_waits", error=type(error).__name__)
            except Exception as error:  # noqa: BLE001 - told, and tried again: a removal must not end the record
                log.error(  # noqa: TRY400 - type and place only, an error's text may quote a value
                    "core.retention_failed",
                    error=type(error).__name__,
                    places=[f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)],
                )

    def ready(self) -> bool:
        """Every hold that is durable is known: the core's spool is in the ledger, the ledger in the projection."""
        cursor, marks = self._ledger.cursor(CORE_SOURCE), self._projection.watermark()
        if (cursor.epoch, cursor.seq) < self._writer.place or not self._caught_up():
            return False
        own = [name for name in self._ledger.shards() if name.startswith(f"{OPERATOR}/")]
        return all(marks.get(name, 0) >= self._ledger.head(name).entries for name in own)

    # --- what is declared, what is held

    def policies(self) -> list[RetentionPolicy]:
        """Periods of every controller, the operator's own log first."""
        own = RetentionPolicy(controller=OPERATOR, days=RetentionSettings().days)
        return [own] + [
            RetentionPolicy(controller=each.id, days=each.retention_days, justification=each.justification)
            for each in self._settings.controllers.values()
        ]

    def holds(self, now: int) -> list[Hold]:
        """Holds in force: two persons agreed, or one asked within the last week.

        Raises:
            ProjectionUnavailableError: being rebuilt; nothing is removed meanwhile.
        """
        rows = self.query("holds")
        told = {str(row["hold"]): _hold(row) for row in rows}
        asked = {str(row["hold"]): int(str(row["noted_at"])) for row in rows}
        told |= self._placed
        return [
            hold
            for name, hold in sorted(told.items())
            if name not in self._released
            and hold.until_at > now
            and (hold.approved_by or asked.get(name, now) + HOLD_OPEN_US > now)
        ]

    def place_hold(self, hold: Hold) -> None:
        """Write a hold; it keeps what it names from here on.

        Raises:
            StorageError: the disk refused.
        """
        self._writer.write(EntryKind.HOLD, hold)
        self._placed[hold.hold] = hold

    def release(self, hold: str, body: Any) -> None:
        """Write that a hold ended.

        Raises:
            StorageError: the disk refused.
        """
        self._writer.write(EntryKind.HOLD_RELEASE, body)
        self._released.add(hold)

    # --- removing

    def round(self, now: int) -> RoundReport:
        """Finish what was begun, remove what is due, look, certify.

        Raises:
            ProjectionUnavailableError: holds cannot be read.
            StorageError: the disk refuses; the next round goes on.
        """
        with self._lock:
            holds = self.holds(now)
            for policy in self.policies():
                for place in due(policy, self._days(), holds, now):
                    self._try_day(place, self._scheduled(policy, place, now))
            certificates = self.finish(now)
            self._scrub(self._closed)
            late = [
                place for policy in self.policies() for place in due(policy, self._days(), (), now)
            ]  # what stands although it is due: held
            left = len(self._ledger.removals.incomplete())
            return RoundReport(certificates=tuple(certificates), held=len(late), incomplete=left)

    def remove_day(self, place: SegmentDay, order: Order) -> Removal | None:
        """Remove one day by order of two persons.

        Raises:
            RefusedError: a hold keeps it.
        """
        with self._lock:
            self.refuse_held((place,), order.at)
            return self._remove_day(place, order)

    def erase_event(self, shard: str, index: int, order: Order) -> Removal:
        """Remove one event by order: its rows first, by the ids that the event itself tells, then the event.

        Raises:
            RefusedError: a hold keeps it, or it is not there.
        """
        with self._lock:
            place, entry = self._ledger.removing.tell(shard, index)
            self.refuse_held((SegmentDay(controller=place[0], retention_class=place[1], day=place[2]),), order.at)
            whole = entry.kind in _ACCESSES and entry.body["part"] == 0 and entry.body["final"]
            access = ""
            if whole:
                access = access_id(entry.source, str(entry.body["access"]), int(entry.body["at"]))
                self._between(lambda: self._projection.forget_access(place[0], access, int(entry.body["at"])))
            record = self._ledger.removing.erase_event(shard, index, order)
            self._erased[record.id] = (access, int(entry.body["at"])) if whole else None
            if not whole:
                self._pipeline.request_rebuild()
            return record

    def end_controller(self, controller: str, order: Order) -> Removal:
        """Remove everything of a controller by order.

        Raises:
            RefusedError: a hold keeps something of it.
        """
        with self._lock:
            days = [
                SegmentDay(controller=c, retention_class=k, day=d) for c, k, d in self._ledger.removing.segment_days()
            ]
            self.refuse_held([place for place in days if place.controller == controller], order.at)
            return self._ledger.removing.end_controller(controller, order)

    def refuse_held(self, places: Iterable[SegmentDay], now: int) -> None:
        """Refuse what a hold keeps (fault 43), and anything as long as a durable hold may not be known yet.

        Raises:
            RefusedError: `removal_held`, with the hold's id; `not_ready`.
        """
        end = time.monotonic() + READY_WITHIN_S
        while not self.ready():
            if time.monotonic() >= end:
                raise RefusedError("not_ready", "try again in a moment")
            time.sleep(READY_PAUSE_S)
        holds = self.holds(now)
        for place in places:
            if name := held(place, holds, now):
                raise RefusedError("removal_held", name)

    def finish(self, now: int) -> list[str]:
        """Bring every removal that is begun to its certificate; return those certified.

        Raises:
            StorageError: the disk refuses.
        """
        with self._lock:
            begun = self._ledger.removals.incomplete()
            for record in begun:
                self._clear(record)
            if not begun:
                return []
            self._vault.forget_expired(now)
            self._between(self._projection.rewrite)
            names = {record.id for record in begun}  # read again: cleared since, or gone with its controller
            return [each.id for each in self._ledger.removals.incomplete() if each.id in names and self._certify(each)]

    def _try_day(self, place: SegmentDay, order: Order) -> None:
        """One damaged segment, or a disk that refuses, keeps no other day longer."""
        if place.retention_class == RetentionClass.GOVERNANCE and self.states(place):
            return
        try:
            self._remove_day(place, order)
        except StorageError as error:
            told = f"{place.controller}/{place.retention_class}/{place.day}"
            log.warning("core.removal_waits", day=told, error=type(error).__name__)

    def states(self, place: SegmentDay) -> int:
        """Entries of a day that may still be in force: such a day stays, and shows in the check as what it is."""
        segment = Segment(
            controller=place.controller, retention_class=RetentionClass(place.retention_class), day=place.day
        )
        return sum(decode_entry(entry.data).kind in STATES for entry in self._ledger.of_day(segment))

    def _remove_day(self, place: SegmentDay, order: Order) -> Removal | None:
        return self._ledger.removing.purge_day(place.controller, place.retention_class, place.day, order)

    def _clear(self, record: Removal) -> None:
        """Rows, files, spools: every place beyond the ledger's own; may be repeated."""
        if record.state is not RemovalState.REMOVED:
            record = self._ledger.removing.again(record, self._clock())
        projection = self._projection
        if record.what is PurgedWhat.DAY:
            back = self._back(record)
            self._between(
                lambda: projection.purge_day(record.controller, record.day, record.retention_class, back)
            )  # fmt: skip
        elif record.what is PurgedWhat.CONTROLLER:
            self._between(lambda: projection.forget_controller(record.controller))
            self._vault.forget_controller(record.controller)
            for path in run_files(self._settings.home, self.stores.sources.get(record.controller, ())):
                path.unlink()
            try:
                shutil.rmtree(self._settings.home / "cases" / record.controller)  # its keys are gone
            except FileNotFoundError:
                pass
            except OSError as error:
                raise StorageError(f"cannot remove the cases of {record.controller}: {error.strerror}") from error
        self._scrub(reached(record))

    def _scrub(self, wanted: Callable[[SpoolEvent], bool]) -> None:
        for source in self.stores.spools():
            scrub(self._settings.home / "spool", source, self.stores.cursor(source), wanted)

    def _closed(self, event: SpoolEvent) -> bool:
        """A late event of a purged day: refused and counted, and not kept in its spool either."""
        day = utc_day(Micros(event.captured_at))
        return self._ledger.removals.closed(event.controller, KIND_CLASS[event.kind], day)

    def _certify(self, record: Removal) -> bool:
        """Look everywhere; write the certificate when nothing is left, else remove again (fault 42)."""
        if record.what is PurgedWhat.EVENT:
            if record.id not in self._erased:  # a restart forgot which rows were its: all are made anew without it
                self._erased[record.id] = None
                self._pipeline.request_rebuild()
            if self._pipeline.rebuilding:
                return False
        access = self._erased.get(record.id)
        places = search(self.stores, record, before_us=self._back(record), access=access)
        if any(place.found for place in places):
            log.warning("core.removal_incomplete", removal=record.id, places=[p.place for p in places if p.found])
            self._ledger.removing.again(record, self._clock())
            return False
        self.certificates[record.id] = certificate(record, places, at=self._clock())
        for body in self.certificates[record.id]:
            own = OPERATOR if record.what is PurgedWhat.CONTROLLER else record.controller
            self._writer.write(EntryKind.PURGE, body, controller=own)
        self._hand_over(record)
        self._ledger.removing.certified(self._ledger.removals.get(record.id))
        log.info("core.removal_certified", certificate=record.id, what=record.what, count=record.count)
        return True

    def _hand_over(self, record: Removal) -> None:
        """Write the certificate beside the evidence that the company received."""
        path = self.handed_over.get(record.approval) if record.approval else None
        if path is None:
            return
        try:
            write_atomic(path, msgspec.json.encode(self.certificates[record.id], order="sorted"))
        except OSError as error:
            log.error("core.certificate_not_handed_over", certificate=record.id, error=type(error).__name__)  # noqa: TRY400
        del self.handed_over[record.approval]

    def _back(self, record: Removal) -> int:
        """Rows dated a moment before their entry stand a day earlier; looked for there unless that day is kept."""
        if record.what is not PurgedWhat.DAY:
            return 0
        before = utc_day(Micros(day_start(record.day) - DAY_US))
        standing = self._ledger.removing.segment_days()
        return 0 if (record.controller, record.retention_class, before) in standing else HOUR_US

    def _between(self, work: Callable[[], None]) -> None:
        try:
            self._pipeline.between(work)
        except duckdb.Error as error:
            raise StorageError(f"the projection refuses: {type(error).__name__}") from error

    def _scheduled(self, policy: RetentionPolicy, place: SegmentDay, now: int) -> Order:
        return Order(
            rule=PurgeRule.RETENTION_ENDED,
            planned_by=POLICY_PRINCIPAL,
            at=now,
            policy=policy.digest,
            declared_days=policy.days[place.retention_class],
        )

    def _days(self) -> list[SegmentDay]:
        return [
            SegmentDay(controller=controller, retention_class=retention_class, day=day)
            for controller, retention_class, day in self._ledger.removing.segment_days()
        ]

    # --- daily

    def _daily(self, now: int) -> None:
        """After midnight UTC: the hot file is written anew, and every store is compared with what was declared."""
        today = utc_day(Micros(now))
        if self._nightly_for != today:
            self._between(self._projection.rewrite)
            self._vault.forget_expired(now)
            self._nightly_for = today
        if self._checked_for != today:
            self.check(now)
            self._checked_for = today
        if self._reconciled_for != today and now % DAY_US >= RECONCILE_AFTER_US:
            self.reconcile(utc_day(Micros(now - DAY_US)))
            self._reconciled_for = today

    def reconcile(self, day: str) -> list[Difference]:
        """Compare a finished day's rows with its entries; rows that say something else cost a rebuild (fault 53).

        Raises:
            ProjectionUnavailableError: being rebuilt.
            StorageError: a segment cannot be read.
        """
        following = utc_day(Micros(day_start(day) + DAY_US))
        found = self._projection.differences(day, self._entries((day, following)))
        for each in found[:MAX_DIFFERENCES_TOLD]:
            log.error(
                "core.projection_differs",
                table=each.table,
                controller=each.controller,
                hour=each.hour_at,
                expected=each.expected,
                found=each.found,
            )
        if found and day not in self._rebuilt_for:
            self._rebuilt_for.add(day)
            self._pipeline.request_rebuild()
        return found

    def _entries(self, days: Iterable[str]) -> Iterator[bytes]:
        """Trace entries of some days: parts of an access that began before midnight stand in the day after."""
        for day in days:
            for controller in (OPERATOR, *self._settings.controllers):
                segment = Segment(controller=controller, retention_class=RetentionClass.TRACE, day=day)
                for entry in self._ledger.of_day(segment):
                    yield entry.data

    def check(self, now: int) -> RetentionCheckBody:
        """Compare every store with what was declared; the comparison is sealed.

        Raises:
            StorageError: the disk refused.
        """
        body = self.look(now)
        self._writer.write(EntryKind.RETENTION_CHECK, body)
        return body

    def look(self, now: int) -> RetentionCheckBody:
        """Compare every store with what was declared.

        Raises:
            ProjectionUnavailableError: being rebuilt.
            OSError: a store cannot be looked at.
        """
        with self._lock:
            stores = ages(self.stores, self.policies(), self.holds(now), now)
            return RetentionCheckBody(
                day=utc_day(Micros(now)),
                stores=tuple(each for each in stores if each.oldest_at),
                overdue=sum(each.overdue for each in stores),
                held=sum(bool(each.held) for each in stores),
                incomplete=len(self._ledger.removals.incomplete()),
                policies=tuple((policy.controller, policy.digest) for policy in self.policies()),
            )

    def query(self, name: str, **params: object) -> list[dict[str, Any]]:
        """A named query over every controller, ended ones included: their certificates stay.

        Raises:
            ProjectionUnavailableError: being rebuilt.
        """
        ended = {each.controller for each in self._ledger.removals.records() if each.what is PurgedWhat.CONTROLLER}
        scope = Scope(
            controllers=(OPERATOR, *self._settings.controllers, *sorted(ended - set(self._settings.controllers))),
            from_at=0,
            to_at=1 << 62,
            purpose=PURPOSE,
            principal=_PRINCIPAL,
        )
        return self._projection.query(scope, name, params)


def refuse_ended(home: Path, settings: Settings) -> None:
    """A controller whose contract ended must not come back by its file: its keys would be made anew.

    Raises:
        ConfigurationError: its file still stands.
    """
    for record in Removals(home).records():
        if record.what is PurgedWhat.CONTROLLER and record.controller in settings.controllers:
            raise ConfigurationError(
                file=f"controllers/{record.controller}.toml",
                key="(file)",
                expected="no such file, for its contract ended",
                found="a controller that was removed under a certificate",
            )


def certificate(record: Removal, places: tuple[CheckedPlace, ...], *, at: int) -> list[CertificateBody]:
    """The certificate of a removal, in as many parts as its ranges need."""
    parts = in_parts(record.ranges)
    day = record.what is PurgedWhat.DAY
    return [
        CertificateBody(
            certificate=record.id,
            what=record.what,
            controller=record.controller,
            rule=record.rule,
            clause=RULE_CLAUSE[record.rule],
            count=record.count,
            ranges=ranges,
            removed_root=record.root,
            declared_days=record.declared_days,
            planned_by=record.planned_by,
            approved_by=record.approved_by,
            approval=record.approval,
            keys_destroyed=record.keys,
            executed_at=record.executed_at,
            verified_absent_at=at,
            places=places,
            backup_days_max=MAX_BACKUP_DAYS,
            declared_by_vendor=False,
            policy=record.policy,
            retention_class=record.retention_class,
            day=record.day if day else "",
            part=number,
            parts=len(parts),
        )
        for number, ranges in enumerate(parts, start=1)
    ]


def _hold(row: dict[str, Any]) -> Hold:
    told = {name: row[name] for name in Hold.__slots__ if name != "order"}
    return msgspec.convert({**told, "order": row["order_code"]}, Hold)
