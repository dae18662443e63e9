"""Watches a folder for exports: whole files in, rows to the intake, files set aside (DESIGN §2 "connectors").

Run by the core, one per source of kind `files`; docs/connectors.md. Must never move a file before its rows are
durable, lose a good row because of a bad one, or write a value of a file into a log line.

Contract: a file is taken when its size and time stood still for two looks; a content is taken once, by its digest; a
crash on the way reads the file again and the intake knows its rows. What is refused or unreadable is a `gap`.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
import structlog

from quivive.connectors.carry import NDJSON, Batch, IntakePort, Translation, check_header, counters, grown
from quivive.connectors.clock_doubt import clock_doubt
from quivive.connectors.folder_state import FolderState, Taken, load_state, save_state
from quivive.connectors.mapping.spec import CompleteRule
from quivive.connectors.model import Refusal
from quivive.connectors.reading.files import read_file
from quivive.connectors.reading.model import MAX_FILE_BYTES, FileProblemError, Reading
from quivive.connectors.registry import Feed
from quivive.model.access import GapBody, GapCause
from quivive.model.clock import SECOND_US, Micros, now_us, to_rfc3339
from quivive.model.errors import RefusedError, StorageError
from quivive.settings import SourceSettings

LOOK_S: Final = 0.5
"""Seconds between two looks at the folder."""
QUIET_US: Final = SECOND_US
"""A file untouched for so long, and the same in two looks, is taken for whole."""
PATIENCE_US: Final = 60 * SECOND_US
"""A file with something wrong in it may still be being written: it is judged once untouched for so long."""
RETRY_S: Final = 1.0
"""Seconds before a full disk is tried again."""
DEFAULT_LATENESS_S: Final = 129_600
"""A daily export may be a day and a half old before its source counts as silent."""
MAX_LOGGED_REFUSALS: Final = 20
"""Refused rows told one by one per file; the gap counts them all."""
MAX_REFUSED_SHARE: Final = 0.05
"""Share of refused records above which a file does not count as telling everything: nobody is judged by it."""
MAX_ENTRIES: Final = 10_000
"""Files looked at in the folder; more are left for the next look."""
DONE: Final = "done"
ASIDE: Final = "refused"
_UNFINISHED: Final = (".part", ".tmp", ".filepart", ".crdownload", ".swp", "~")

log = structlog.get_logger("quivive.files")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file as it lay there."""

    path: Path
    size: int
    mtime_ns: int

    @property
    def written_at(self) -> int:
        """When it was last written, microseconds."""
        return self.mtime_ns // 1_000


@dataclass(slots=True)
class _Counts:
    accepted: int = 0
    duplicates: int = 0


class FolderWatch:
    """Watches the folder of one source for the life of the core; `run` ends only by cancellation."""

    def __init__(
        self,
        home: Path,
        name: str,
        source: SourceSettings,
        feed: Feed,
        intake: IntakePort,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self._name, self._source, self._feed, self._intake, self._clock = name, source, feed, intake, clock
        self._folder = home / source.path
        self._state_path = home / "run" / "files" / f"{name}.json"
        self._state: FolderState = load_state(self._state_path)
        self._seen: dict[Path, Sighting] = {}  # as at the last look
        self._left: dict[Path, Sighting] = {}  # taken before, and left in place
        self._waiting: dict[Path, Sighting] = {}  # something is wrong in it, and it may still be being written
        self._looked_at, self._beaten_at, self._blind = clock(), 0, False

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                moved = await self.step()
            except StorageError as error:
                log.warning("files.not_durable", source=self._name, reason=str(error))
                await asyncio.sleep(RETRY_S)
                continue
            if not moved:
                await asyncio.sleep(LOOK_S)

    async def step(self) -> bool:
        """Take one file; False when none is ready.

        Raises:
            StorageError: nothing was acknowledged; the same file comes again.
        """
        now = self._clock()
        try:
            ready = await asyncio.to_thread(self._ready, now)
        except OSError as error:
            if not self._blind:
                log.warning("files.unreadable", source=self._name, reason=error.strerror)
            self._blind = True
            return False
        await self._sighted(now)
        for sighting in ready:
            if await self._take(sighting, now):
                return True
        await self._beat(now)
        return False

    def _ready(self, now: int) -> list[Sighting]:
        """Files that stood still since the last look, oldest first."""
        found: dict[Path, Sighting] = {}
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if len(found) >= MAX_ENTRIES:
                    break
                if self._is_meant(entry):
                    status = entry.stat()
                    path = Path(entry.path)
                    found[path] = Sighting(path, status.st_size, status.st_mtime_ns)
        before, self._seen = self._seen, found
        self._left = {path: seen for path, seen in self._left.items() if found.get(path) == seen}
        self._waiting = {path: seen for path, seen in self._waiting.items() if found.get(path) == seen}
        still = [
            each
            for path, each in found.items()
            if before.get(path) == each
            and path not in self._left
            and now - each.written_at >= (PATIENCE_US if path in self._waiting else QUIET_US)
        ]
        return sorted(still, key=lambda each: (each.mtime_ns, each.path.name))

    def _is_meant(self, entry: os.DirEntry[str]) -> bool:
        name = entry.name
        hidden = name.startswith((".", "~$")) or name.lower().endswith(_UNFINISHED)
        return not hidden and fnmatch(name, self._source.pattern) and entry.is_file()

    async def _take(self, sighting: Sighting, now: int) -> bool:
        """Take one file; False when it may still be being written."""
        name = sighting.path.name
        try:
            data = await asyncio.to_thread(_content, sighting)
        except FileNotFoundError:
            return False
        except OSError as error:
            log.warning("files.set_aside", source=self._name, file=name, reason=error.strerror or "unreadable")
            self._left[sighting.path] = sighting
            return True
        digest = sha256(data).hexdigest()
        former = self._state.known(digest)
        left = former is not None and former.mtime_ns == sighting.mtime_ns and self._source.after == "leave"
        if former is not None and (former.whole or left):
            if not left:
                log.info("files.again", source=self._name, file=name, first_taken=to_rfc3339(Micros(former.at)))
            await asyncio.to_thread(self._put_away, sighting, DONE)
            return True
        settled = now - sighting.written_at >= PATIENCE_US
        try:
            reading = await asyncio.to_thread(self._read, data)
        except FileProblemError as problem:
            if settled:
                await self._set_aside(sighting, digest, problem, now)
            else:
                self._waiting[sighting.path] = sighting
            return settled
        return await self._carry(sighting, digest, reading, now, settled=settled)

    def _read(self, data: bytes) -> Reading:
        reading = read_file(data, self._feed.format)
        check_header(self._feed.format, reading)
        return reading

    async def _carry(self, sighting: Sighting, digest: str, reading: Reading, now: int, *, settled: bool) -> bool:
        skipped, doubts = counters(self._feed.translator)
        as_of = min(now, sighting.written_at)  # a file cannot know more than it did when it was written
        translation, counts = Translation(self._feed, reading, as_of), _Counts()
        batches = translation.batches(closing=True)
        while (batch := await asyncio.to_thread(_next, batches)) is not None:
            await self._hand_over(batch, translation, counts)
        if (translation.refused or translation.problem) and not settled:
            self._waiting[sighting.path] = sighting
            return False  # what was good is taken; the rest is judged when the file rests
        await self._tell(sighting, translation, now)
        more_skipped, more_doubts = counters(self._feed.translator)
        log.info(
            "files.taken",
            source=self._name,
            file=sighting.path.name,
            accepted=counts.accepted,
            duplicates=counts.duplicates,
            refused=len(translation.refused),
            skipped=sum(grown(skipped, more_skipped).values()),
            **{f"assumed_{what}": how for what, how in reading.assumed},
        )
        for reason, count in sorted(grown(doubts, more_doubts).items()):
            log.warning("files.doubt", source=self._name, file=sighting.path.name, reason=reason, rows=count)
        if translation.problem is None and len(translation.refused) <= MAX_REFUSED_SHARE * translation.records:
            self._state.complete_to = max(self._state.complete_to, self._told_to(sighting, now))
        else:
            log.warning("files.incomplete", source=self._name, file=sighting.path.name)
        await self._finish(sighting, digest, now, whole=not translation.refused and translation.problem is None)
        return True

    async def _hand_over(self, batch: Batch, translation: Translation, counts: _Counts) -> None:
        try:
            report = await self._intake.take(kind=batch.kind, source=self._name, content_type=NDJSON, body=batch.body)
        except RefusedError as error:
            expected, found = "rows that this source may write", error.code
            translation.refused.extend(
                Refusal(number=number, field="", expected=expected, found=found) for number in batch.numbers
            )
            return
        counts.accepted += report.accepted
        counts.duplicates += report.duplicates
        translation.refuse(batch, report.refused)

    async def _tell(self, sighting: Sighting, translation: Translation, now: int) -> None:
        """One line a refused row, one for the clock, one gap for all."""
        name = sighting.path.name
        translation.refused.sort(key=lambda each: each.number)
        for each in translation.refused[:MAX_LOGGED_REFUSALS]:
            log.warning(
                "files.row_refused",
                source=self._name,
                file=name,
                row=each.number,
                field=each.field,
                expected=each.expected,
                found=each.found,
            )
        if doubt := clock_doubt(translation.samples, now):
            log.warning("files.clock", source=self._name, file=name, reason=doubt)
        if translation.problem is not None:
            log.warning("files.broken_off", source=self._name, file=name, reason=str(translation.problem))
        if translation.refused or translation.problem:
            lost = -1 if translation.problem else len(translation.refused)
            to_at = self._told_to(sighting, now) or now
            await self._gap(GapCause.CODEC, lost, min((s.first_at for s in translation.samples), default=to_at), to_at)

    async def _set_aside(self, sighting: Sighting, digest: str, problem: FileProblemError, now: int) -> None:
        log.warning("files.set_aside", source=self._name, file=sighting.path.name, reason=str(problem))
        written = min(now, sighting.written_at)
        await self._gap(GapCause.CODEC, -1, self._state.complete_to or written, written)
        await self._finish(sighting, digest, now, whole=False)

    async def _finish(self, sighting: Sighting, digest: str, now: int, *, whole: bool) -> None:
        """Remember durably, then move: a crash in between moves the file at the next look."""
        self._state.remember(Taken(digest=digest, at=now, mtime_ns=sighting.mtime_ns, whole=whole))
        await asyncio.to_thread(save_state, self._state_path, self._state)
        await asyncio.to_thread(self._put_away, sighting, DONE if whole else ASIDE)

    def _put_away(self, sighting: Sighting, where: str) -> None:
        """Move, delete or leave a file; one that cannot be moved is left and known."""
        if self._source.after == "leave":
            self._left[sighting.path] = sighting
            return
        try:
            if self._source.after == "delete" and where == DONE:
                sighting.path.unlink(missing_ok=True)
                return
            folder = self._folder / where
            folder.mkdir(exist_ok=True)
            target = folder / sighting.path.name
            number = 1
            while target.exists():
                number += 1
                target = folder / f"{sighting.path.stem}.{number}{sighting.path.suffix}"
            sighting.path.rename(target)
        except OSError as error:
            log.warning("files.not_moved", source=self._name, file=sighting.path.name, reason=error.strerror)
            self._left[sighting.path] = sighting

    def _told_to(self, sighting: Sighting, now: int) -> int:
        """Up to when this file says everything."""
        written = min(now, sighting.written_at)
        if self._feed.complete_to is CompleteRule.FILE_TIME:
            return written
        return min(now, self._feed.translator.complete_to())

    async def _sighted(self, now: int) -> None:
        """After a time without the folder, say from when to when."""
        before, self._looked_at = self._looked_at, now
        if self._blind and now - before > self._source.silent_after_s * SECOND_US:
            await self._gap(GapCause.CONNECTOR_DEAD, -1, before, now)
        self._blind = False

    async def _gap(self, cause: GapCause, lost: int, from_at: int, to_at: int) -> None:
        gap = GapBody(from_at=min(from_at, to_at), to_at=to_at, cause=cause, lost=lost)
        await self._intake.record_gap(self._name, gap)

    async def _beat(self, now: int) -> None:
        """Say how far the feed has come, while it is no later than it may be; then it falls silent by itself."""
        known = self._state.complete_to
        late = now - known > (self._source.lateness_s or self._feed.lateness_s or DEFAULT_LATENESS_S) * SECOND_US
        if not known or late or now - self._beaten_at < self._source.heartbeat_s * SECOND_US:
            return
        body = msgspec.json.encode({"complete_to": to_rfc3339(Micros(known))})
        await self._intake.take(kind="heartbeats", source=self._name, content_type="application/json", body=body)
        self._beaten_at = now


def _content(sighting: Sighting) -> bytes:
    with sighting.path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def _next(batches: Iterator[Batch]) -> Batch | None:
    return next(batches, None)
