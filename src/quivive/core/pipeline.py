"""The street behind the spools: spool → ledger → projection → verdicts, in two threads (DESIGN §2, §3).

Started by the core. The ingest thread is the only writer of the ledger, the projection thread the only
writer of the projection. Must never acknowledge anything (the spool's fdatasync did), never let the
projection run ahead of durable frames, and never carry on after an error it does not understand: the
core stops and is started again from what is on disk.
"""

import threading
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, TypeVar

import duckdb
import structlog

from quivive.core.policies import PolicyKeeper
from quivive.core.writers import CoreWriter
from quivive.detection.judge import JudgeSettings, forget_late_day, judge, judge_live, late_days, verdict_hash
from quivive.detection.learning import learn, skew_incidents
from quivive.ledger.log import Ledger
from quivive.ledger.published import RollbackError
from quivive.ledger.recovery import LedgerDamagedError
from quivive.model.access import GapBody, GapCause
from quivive.model.clock import DAY_US, Micros, utc_day
from quivive.model.entry import EntryKind
from quivive.model.errors import StorageError
from quivive.model.learned import LearnedParametersBody
from quivive.projection.projection import Projection, ProjectionMismatchError
from quivive.spool.reader import SpoolReader
from quivive.spool.record import SpoolDamage

MAX_INGEST_EVENTS: Final = 4_096  # per round and source: bounds memory and the length of a frame
MAX_PROJECT_ENTRIES: Final = 8_192  # per transaction of the projection
INGEST_PAUSE_S: Final = 0.1  # gathers a batch: fewer frames and fdatasyncs, at most this added on the way
PROJECT_PAUSE_S: Final = 0.2  # gathers entries: a transaction costs about 20 ms however small it is
IDLE_S: Final = 1.0  # the projection looks at least so often for something to judge
FULL_BATCH_ENTRIES: Final = MAX_PROJECT_ENTRIES // 8  # more is a backlog: go on without a pause
PUBLISH_EVERY_S: Final = 1.0  # a checkpoint at most once a second (DESIGN §7)
JUDGE_EVERY_S: Final = 1.0
POLICY_EVERY_S: Final = 60.0  # accounts open and close at instants
SEAL_EVERY_S: Final = 3_600.0
SEAL_DAYS_BACK: Final = 3  # a core that was down over a week-end seals what it missed, late parts included
DROP_EVERY_S: Final = 10.0  # consumed spool files are deleted
DISK_RETRY_S: Final = 1.0  # after a StorageError: the spools keep what comes meanwhile

T = TypeVar("T")
log = structlog.get_logger("quivive.core")


@dataclass(slots=True)
class PipelineState:
    """What health shows: instants in microseconds, counts since the start."""

    ingested: int = 0
    projected: int = 0
    judged_at: int = 0
    judgements: int = 0
    storage_failing_since: int = 0
    rebuilding: bool = False


class Pipeline:
    """Two threads between `start` and `stop`. `failed` is set when one of them ended on an error."""

    def __init__(
        self,
        *,
        home: Path,
        ledger: Ledger,
        projection: Projection,
        writer: CoreWriter,
        judge_settings: JudgeSettings,
        clock: Callable[[], int],
        policies: PolicyKeeper,
    ) -> None:
        self._home, self._ledger, self.projection, self._writer = home, ledger, projection, writer
        self._judge_settings, self._clock = judge_settings, clock
        self._policies = policies
        self._readers: dict[str, SpoolReader] = {}
        self._stop = threading.Event()
        self._arrived = threading.Event()
        self._rebuild = threading.Event()
        self._waiting: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        self._failing: set[str] = set()  # steps that the disk refuses
        self._policy_due = False
        self._rebuild_to: dict[str, int] = {}  # heads when it began: entries go on arriving meanwhile
        self._gaps_owed: list[GapBody] = []
        self._learned_for = 0
        self.failed = threading.Event()
        self.state = PipelineState()
        self._threads = [
            threading.Thread(target=self._guard, args=(self._ingest,), name="ingest", daemon=True),
            threading.Thread(target=self._guard, args=(self._project,), name="projection", daemon=True),
        ]

    def start(self) -> None:
        """Start both threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take in what the spools hold, publish, and end both threads."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def between(self, work: Callable[[], T]) -> T:
        """Run work in the projection's thread, between two batches, and wait for it: nothing is projected meanwhile.

        Raises:
            StorageError: the pipeline stops before it came to it.
        """
        done: Future[T] = Future()
        self._waiting.put((work, done))
        self._arrived.set()
        while True:
            try:
                return done.result(timeout=IDLE_S)
            except TimeoutError:
                if not self._threads[1].is_alive() and not done.done():
                    raise StorageError("the core stops; it goes on at the next start") from None

    def _serve(self) -> None:
        """Do what was asked between two batches; its errors are its caller's."""
        while not self._waiting.empty():
            work, done = self._waiting.get()
            try:
                done.set_result(work())
            except Exception as error:  # noqa: BLE001 - handed to the thread that asked
                done.set_exception(error)

    def request_rebuild(self) -> None:
        """Ask the projection thread to rebuild from the ledger; `rebuilding` is true until it has."""
        self._rebuild.set()

    @property
    def rebuilding(self) -> bool:
        """A rebuild is asked for or under way."""
        return self._rebuild.is_set() or self.state.rebuilding

    def caught_up(self) -> bool:
        """The projection is close behind the ledger, and was judged since the start."""
        marks = self.projection.watermark()
        behind = sum(self._ledger.head(shard).entries - marks.get(shard, 0) for shard in self._ledger.shards())
        return not self.rebuilding and self.state.judgements > 0 and behind <= MAX_PROJECT_ENTRIES

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (
            duckdb.FatalException
        ) as error:  # the disk was full in a checkpoint: only a new process may open it again
            log.error("core.projection_lost", error=str(error).partition("\n")[0])  # noqa: TRY400 - no defect of ours
            self.failed.set()
        except BaseException as error:  # noqa: BLE001 - it ends the core, nothing carries on
            # Type and place only: the text of a DuckDB or msgspec error may quote a value.
            log.error(  # noqa: TRY400
                "core.thread_failed",
                thread=threading.current_thread().name,
                error=type(error).__name__,
                places=[f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)],
            )
            self.failed.set()

    # --- spool → ledger

    def _ingest(self) -> None:
        published = dropped = 0.0
        while True:
            stopping = self._stop.is_set()
            taken = self._try("ingest", self._ingest_once)
            now = time.monotonic()
            if now - published >= PUBLISH_EVERY_S or (stopping and not taken):
                self._try("publish", self._publish)
                published = now
            if now - dropped >= DROP_EVERY_S:
                self._try("drop", self._drop_consumed)
                dropped = now
            if stopping and not taken:
                return
            if taken < MAX_INGEST_EVENTS:
                self._stop.wait(INGEST_PAUSE_S)

    def _try(self, name: str, step: Callable[[], int]) -> int:
        """A full or failing disk stops nothing but this step: the spools keep what comes (fault 14)."""
        try:
            done = step()
        except (LedgerDamagedError, RollbackError):
            raise  # evidence is missing or something signed is ahead: nothing may be signed over it
        except StorageError as error:
            self._refused(name, str(error))
            return 0
        except duckdb.Error as error:
            if not _disk_refused(error):
                raise
            self._refused(name, str(error))
            return 0
        if name in self._failing:
            self._failing.discard(name)
            log.info("core.storage_back", step=name)
            if not self._failing:
                self.state.storage_failing_since = 0
        return done

    def _refused(self, name: str, error: str) -> None:
        """One line when it begins, not one for each try."""
        if name not in self._failing:
            self._failing.add(name)
            self.state.storage_failing_since = self.state.storage_failing_since or self._clock()
            log.warning("core.storage_failing", step=name, error=error)
        self._stop.wait(DISK_RETRY_S)

    def _ingest_once(self) -> int:
        taken = 0
        self._writer.settle()
        for reader in self._current_readers():
            events = reader.poll(self._ledger.cursor(reader.source), MAX_INGEST_EVENTS)
            self._gaps_owed += [_damage_gap(damage, self._clock()) for damage in reader.take_damage()]
            while self._gaps_owed:
                self._writer.gap(self._gaps_owed.pop(0))  # refused by the disk, it stays with the writer
            if events:
                self._ledger.append(events, self._clock())
                taken += len(events)
        if taken:
            self.state.ingested += taken
            self._arrived.set()
        return taken

    def _publish(self) -> int:
        self._ledger.publish(self._clock(), force=self._stop.is_set())  # a clean stop leaves nothing unpublished
        return 1

    def _drop_consumed(self) -> int:
        return sum(r.drop_consumed(self._ledger.cursor(r.source)) for r in self._readers.values())

    def _current_readers(self) -> Iterable[SpoolReader]:
        root = self._home / "spool"
        for path in sorted(root.iterdir()) if root.exists() else ():
            if path.name not in self._readers and path.is_dir():
                self._readers[path.name] = SpoolReader(root, path.name)
        return self._readers.values()

    # --- ledger → projection → verdicts

    def _project(self) -> None:
        judge_at = refreshed = time.monotonic()
        sealed = 0.0
        while not self._stop.is_set():
            if self._rebuild.is_set():
                self._start_again()
                self._rebuild.clear()
            self._serve()
            more = self._try("project", self._project_once)
            now = time.monotonic()
            if now >= judge_at:
                self._try("judge", self._judge_recent)
                # Judging takes at most half of this thread: a slow machine sees verdicts later, not fewer accesses.
                judge_at = max(now + JUDGE_EVERY_S, 2 * time.monotonic() - now)
            if self._policy_due or now - refreshed >= POLICY_EVERY_S:
                self._policy_due = not self._try("policy", self._refresh_policies)
                refreshed = now
            if now - sealed >= SEAL_EVERY_S:
                self._try("seal", self._seal_finished_days)
                sealed = now
            if not more:
                self._stop.wait(PROJECT_PAUSE_S)
                self._arrived.wait(IDLE_S)
                self._arrived.clear()
        while self._behind() and "project" not in self._failing:  # what is left is read again at the next start
            self._try("project", self._project_once)

    def _behind(self) -> bool:
        marks = self.projection.watermark()
        return any(marks.get(shard, 0) < self._ledger.head(shard).entries for shard in self._ledger.shards())

    def _project_once(self) -> int:
        """Project a batch; 1 when more is waiting."""
        try:
            batch = self._ledger.read(self.projection.watermark(), MAX_PROJECT_ENTRIES)
            if batch:
                self.projection.apply(batch)
        except ProjectionMismatchError as error:
            log.warning("projection.quarantined", error=str(error))
            self._start_again()
            return 1
        self.state.projected += len(batch)
        if self.state.rebuilding:
            marks = self.projection.watermark()
            self.state.rebuilding = any(marks.get(shard, 0) < size for shard, size in self._rebuild_to.items())
        if self._policies.take(batch):
            self._policy_due = True
        return int(len(batch) >= FULL_BATCH_ENTRIES)

    def _refresh_policies(self) -> int:
        self._policies.refresh()
        return 1

    def _start_again(self) -> None:
        self.state.rebuilding = True
        self._rebuild_to = {shard: self._ledger.head(shard).entries for shard in self._ledger.shards()}
        self.projection.reset()

    def _seal_finished_days(self) -> int:
        """Move finished days into Parquet and commit the hash of their verdicts (DESIGN §9.2).

        The projection itself refuses a day that is too young (ADR 0006).
        """
        now = self._clock()
        for days_back in range(1, SEAL_DAYS_BACK + 1):
            day = utc_day(Micros(now - days_back * DAY_US))
            if self.projection.seal(day, now):
                self._commit_verdicts(day)
        self._judge_late_day(now)
        self._publish_learned(now)
        return 1

    def _commit_verdicts(self, day: str) -> None:
        body = {"day": day, "sha256": verdict_hash(self.projection, day)}
        self._writer.write(EntryKind.VERDICTS_DAY, body)

    def _judge_late_day(self, now: int) -> None:
        """Judge again one sealed day that late contacts have touched, at each round, the oldest first.

        What changes is a revision, and the day's hash is appended again; the sealed files stay as they are.
        """
        for day_at in late_days(self.projection):
            day = utc_day(Micros(day_at))
            judged = self.projection.sealed.holds(day)
            if judged:
                to_at = day_at + DAY_US
                report = judge(self.projection, self._judge_settings, from_at=day_at, to_at=to_at, as_of=now)
                if report.revised:
                    self._commit_verdicts(day)
            forget_late_day(self.projection, day_at)
            if judged:
                return

    def _publish_learned(self, now: int) -> None:
        """Once a day, learn from the days before and publish what counts from tomorrow on (DESIGN §9.2)."""
        today = now // DAY_US * DAY_US
        if self._learned_for >= today or self._behind():
            return
        for controller in self._judge_settings.controllers:
            learned = learn(
                self.projection, self._judge_settings, controller=controller, to_at=today, from_at=today + DAY_US,
                as_of=now,
            )  # fmt: skip
            if learned.windows or learned.skews:
                self._writer.write(EntryKind.PARAMETERS, LearnedParametersBody(learned=learned), controller=controller)
            for incident in skew_incidents(controller, learned):
                self._writer.write(EntryKind.INCIDENT, incident, controller=controller)
        self._learned_for = today

    def _judge_recent(self) -> int:
        now = self._clock()
        judge_live(self.projection, self._judge_settings, as_of=now)
        self.state.judged_at = now
        self.state.judgements += 1
        return 1


def _disk_refused(error: duckdb.Error) -> bool:
    """A commit that the disk refused was rolled back and may be tried again; a fatal error needs a new process."""
    said = ("No space left", "Could not write", "Disk quota", "Input/output error")
    return not isinstance(error, duckdb.FatalException) and any(words in str(error) for words in said)


def _damage_gap(damage: SpoolDamage, now: int) -> GapBody:
    """Bound a damaged stretch: the epoch began at its own number (microseconds), the damage is seen now."""
    lost = damage.before_seq - damage.after_seq - 1 if damage.before_seq else -1
    return GapBody(from_at=damage.epoch, to_at=now, cause=GapCause.SPOOL_DAMAGED, lost=lost, of=damage.source)
