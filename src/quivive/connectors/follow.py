"""Follows one growing file (a queue log, a server's access log) through a translator, line by line.

Run by the core for sources of kind `files` with `follow = true`. Must never move its cursor before the rows are
durable. After a restart the last lines are read once more, so that a translator knows what was under way; the intake
knows the rows.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec
import structlog

from quivive.capture.access_file import FileCursor, FileReader, load_cursor, save_cursor
from quivive.connectors.carry import NDJSON, IntakePort, Translation
from quivive.connectors.folder import LOOK_S, MAX_LOGGED_REFUSALS, RETRY_S
from quivive.connectors.model import Record, Refusal
from quivive.connectors.reading.files import read_file
from quivive.connectors.reading.model import FileProblemError, Reading
from quivive.connectors.registry import Feed
from quivive.model.access import GapBody, GapCause
from quivive.model.clock import SECOND_US, Micros, now_us, to_rfc3339
from quivive.model.errors import StorageError
from quivive.settings import SourceSettings

WARM_BYTES: Final = 1 << 20
"""Bytes before the cursor read again after a restart: about an hour of a busy queue's log."""

log = structlog.get_logger("quivive.files")


class LineFollower:
    """Follows the file of one source for the life of the core; `run` ends only by cancellation."""

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
        self._state = home / "run" / "files" / f"{name}.json"
        self._path = home / source.path
        self._cursor: FileCursor = load_cursor(self._state)
        self._reader = FileReader(self._path, self._cursor)
        self._looked_at, self._beaten_at, self._blind, self._warm = clock(), 0, False, False

    async def run(self) -> None:
        """Follow until cancelled."""
        try:
            while True:
                try:
                    moved = await self.step()
                except StorageError as error:
                    log.warning("files.not_durable", source=self._name, reason=str(error))
                    await asyncio.sleep(RETRY_S)
                    continue
                if not moved:
                    await asyncio.sleep(LOOK_S)
        finally:
            self._reader.close()

    async def step(self) -> bool:
        """Take the next whole lines; False when there are none.

        Raises:
            StorageError: nothing was acknowledged; the same lines come again.
        """
        now = self._clock()
        try:
            if not self._warm:
                await self._take(await asyncio.to_thread(self._before), 0, now, told=False)
                self._warm = True
            chunk = await asyncio.to_thread(self._reader.next)
        except OSError as error:
            if not self._blind:
                log.warning("files.unreadable", source=self._name, reason=error.strerror)
            self._blind = True
            self._reader.close()
            return False
        await self._sighted(now)
        if chunk is None:
            await self._beat(now)
            return False
        lost = await self._take(chunk.data, chunk.first_line - 1, now, told=True) + chunk.overlong
        if lost or chunk.lost:
            await self._gap(GapCause.CODEC, -1 if chunk.lost else lost, self._looked_at, now)
        await asyncio.to_thread(save_cursor, self._state, chunk.after)
        self._reader.taken(chunk)
        return True

    def _before(self) -> bytes:
        """Whole lines before the cursor, if the file is still the one it means."""
        if not self._cursor.offset or self._path.stat().st_ino != self._cursor.inode:
            return b""
        start = max(0, self._cursor.offset - WARM_BYTES)
        with self._path.open("rb") as file:
            file.seek(start)
            data = file.read(self._cursor.offset - start)
        return data if not start else data[data.find(b"\n") + 1 :]

    async def _take(self, data: bytes, lines_before: int, now: int, *, told: bool) -> int:
        """Hand lines over; returns how many were refused, told one by one unless they were told in a former life."""
        if not data.strip():
            return 0
        try:
            reading = await asyncio.to_thread(read_file, data, self._feed.format)
        except FileProblemError as problem:
            log.warning("files.unreadable_lines", source=self._name, line=lines_before + 1, reason=str(problem))
            return data.count(b"\n")
        translation = Translation(self._feed, _shifted(reading, lines_before), now)
        for batch in await asyncio.to_thread(lambda: list(translation.batches(closing=False))):
            report = await self._intake.take(kind=batch.kind, source=self._name, content_type=NDJSON, body=batch.body)
            translation.refuse(batch, report.refused)
        if not told:
            return 0
        for each in translation.refused[:MAX_LOGGED_REFUSALS]:
            log.warning(
                "files.row_refused",
                source=self._name,
                row=each.number,
                field=each.field,
                expected=each.expected,
                found=each.found,
            )
        return len(translation.refused)

    async def _sighted(self, now: int) -> None:
        before, self._looked_at = self._looked_at, now
        if self._blind and now - before > self._source.silent_after_s * SECOND_US:
            await self._gap(GapCause.CONNECTOR_DEAD, -1, before, now)
        self._blind = False

    async def _gap(self, cause: GapCause, lost: int, from_at: int, to_at: int) -> None:
        await self._intake.record_gap(
            self._name, GapBody(from_at=min(from_at, to_at), to_at=to_at, cause=cause, lost=lost)
        )

    async def _beat(self, now: int) -> None:
        """Everything the file held was taken; what its writer still holds back, the lateness budget covers."""
        if now - self._beaten_at < self._source.heartbeat_s * SECOND_US:
            return
        body = msgspec.json.encode({"complete_to": to_rfc3339(Micros(now))})
        await self._intake.take(kind="heartbeats", source=self._name, content_type="application/json", body=body)
        self._beaten_at = now


def _shifted(reading: Reading, lines: int) -> Reading:
    """Number the records of a chunk as the whole file counts them."""

    def shifted() -> Iterator[Record | Refusal]:
        for each in reading.records:
            yield replace(each, number=each.number + lines)

    return Reading(records=shifted(), header=reading.header, assumed=reading.assumed)
