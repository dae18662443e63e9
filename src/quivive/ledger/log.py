"""The ledger: append, publish, read, prove (DESIGN §7; ADR 0003, ADR 0004).

Called by the core: one thread appends and publishes; reading, heads and proofs may come from other threads.
Must never acknowledge what is not on disk, never store an event twice, never lose an index, never show as
published what is not signed.

Locks, always taken in this order: append → publish → state.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quivive.ledger.checkpoint import ORIGIN_PATTERN
from quivive.ledger.entry import EntryError, encode_entry
from quivive.ledger.frame import SourceRanges, source_ranges
from quivive.ledger.heads import FramePlace, Heads
from quivive.ledger.intervals import Intervals
from quivive.ledger.note import VerifierKey
from quivive.ledger.own import as_gap, opening
from quivive.ledger.published import PublishedLog
from quivive.ledger.purge import segment_part, settle
from quivive.ledger.recovery import LedgerDamagedError
from quivive.ledger.removal import Removals
from quivive.ledger.removing import LedgerParts, Removing
from quivive.ledger.restore import open_run, restore
from quivive.ledger.sequences import SourceNumbers, day_numbers
from quivive.ledger.shard import Prepared, Segment, Shard, group
from quivive.ledger.signing import verifier_key
from quivive.ledger.snapshot import copy_evidence
from quivive.ledger.spine import log_origin
from quivive.ledger.spinelog import SpineLog
from quivive.model.access import GapCause
from quivive.model.clock import SECOND_US, Micros, utc_day, utc_month
from quivive.model.entry import KIND_CLASS, SpoolEvent
from quivive.model.errors import ConfigurationError, StorageError
from quivive.model.ids import OPERATOR
from quivive.privacy.keyring import Keyring
from quivive.spool.durable import make_directories
from quivive.spool.record import SpoolCursor

MAX_PENDING_ENTRIES: Final = 131_072
"""Entries of one shard not yet in tiles: 4 MB; beyond it append publishes by itself."""
RUNS_PER_READ: Final = 64
LAST_INSTANT_US: Final = 253_402_300_799 * SECOND_US  # year 9999: days after it have no name
_DAY_US: Final = 86_400 * SECOND_US


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One durable entry: `data` is the event bytes (`decode_entry`), `day` the UTC day of the event.

    `count` entries from `index` on were removed when `data` is empty: a reader goes on behind them.
    """

    shard: str
    index: int
    day: str
    data: bytes
    count: int = 1


class ErasedError(StorageError):
    """The entry was removed under a certificate: its commitment still proves that it was there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHead:
    """Where a shard stands: `entries` durable, `published` covered by the checkpoint; `root` base64, "" before one."""

    entries: int
    published: int
    root: str
    signed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """Evidence for one event: with the log's public key and nothing else, anyone can check it."""

    shard: str
    index: int
    salt: bytes
    data: bytes
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    note: str


class Ledger:
    """See the module's docstring. Build with `open`."""

    def __init__(self, home: Path, keyring: Keyring, slots: Mapping[str, int], origin: str, lock: int) -> None:
        self._home, self._keyring, self._origin, self._lock_fd = home, keyring, origin, lock
        self._slots = {OPERATOR: 0, **slots}
        self._append_lock, self._publish_lock, self._state_lock = threading.Lock(), threading.RLock(), threading.Lock()
        self._heads = Heads(home / "spine" / "heads.db")
        self._shards: dict[str, Shard] = {}
        self._latest: dict[str, Shard] = {}
        self._unrecorded: list[FramePlace] = []
        self._touched: set[tuple[str, int]] = set()
        self._days: dict[int, str] = {}
        self.removals = Removals(home)
        settle(home, keyring, self._heads, self.removals)
        restored = restore(home, keyring, self._heads, self._open_shard, self.removals)
        self._ranges = restored.ranges
        self._cursors = self._heads.cursors()
        self.torn_tails = restored.torn_tails
        self._files_lock = threading.RLock()  # a segment is not replaced while it is read; taken after the others
        self.removing = Removing(
            LedgerParts(
                home=home,
                keyring=keyring,
                heads=self._heads,
                removals=self.removals,
                shards=self._shards,
                latest=self._latest,
                slots=self._slots,
                append_lock=self._append_lock,
                publish_lock=self._publish_lock,
                files_lock=self._files_lock,
                publish=self._publish_shard,
            )
        )
        self._spine = SpineLog(home, keyring.spine_keys, origin, self._heads)

    @classmethod
    def open(cls, home: Path, keyring: Keyring, slots: Mapping[str, int], origin: str) -> "Ledger":
        """Open the ledger of a home; only one process may.

        `slots` maps each controller to its fixed slot in the spine; `origin` is the operator's, for example
        `quivive.example/centre`. What a crash left is settled here; see `torn_tails`.

        Raises:
            ConfigurationError: the origin is not one.
            StorageError: another process has it, or the disk refuses.
            LedgerDamagedError, RollbackError: evidence is missing, altered or ahead of what stands here.
        """
        if not ORIGIN_PATTERN.fullmatch(origin):
            raise ConfigurationError(
                file="quivive.toml", key="operator.origin", expected="a name like quivive.example/centre", found=origin
            )
        try:
            make_directories(home / "spine")
            lock = os.open(home / "spine" / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StorageError(f"cannot open {home / 'spine'}: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return cls(home, keyring, slots, origin, lock)
        except BlockingIOError as error:
            os.close(lock)
            raise StorageError(f"{home}: another process has the ledger open") from error
        except BaseException:
            os.close(lock)
            raise

    @property
    def spine(self) -> SpineLog:
        """The operator's log, for witnesses and time-stamps; use it while `publishing` is held."""
        return self._spine

    @property
    def publishing(self) -> contextlib.AbstractContextManager[bool]:
        """While held, nothing is published."""
        return self._publish_lock

    def close(self) -> None:
        """Release the ledger; what is not published yet is published after the next start."""
        with self._append_lock, self._publish_lock:
            self._heads.close()
            os.close(self._lock_fd)

    # --- append

    def append(self, events: Sequence[SpoolEvent], ingested_at: int) -> int:
        """Store events that are not stored yet, durable on return; return how many were new.

        An event that can never be an entry (unknown controller, a body that is no JSON object, a purged day) becomes
        a `gap` with its number: losing sight is an event, and one bad event must not stop its source.

        Raises:
            StorageError: the disk refused; whatever was stored is known, the caller hands the same events again.
        """
        with self._append_lock:
            by_controller = self._prepare(events, ingested_at)
            for controller in by_controller:
                self._make_room(controller, ingested_at)
            new = 0
            try:
                for controller, prepared in by_controller.items():
                    new += self._store(self._latest[controller], prepared)
            finally:
                cursors: dict[str, tuple[int, int]] = {}
                if new == sum(map(len, by_controller.values())):
                    for event in events:
                        before = cursors.get(event.source) or self._cursors.get(event.source, (0, 0))
                        cursors[event.source] = max(before, (event.epoch, event.seq))
                self._record(cursors)
            return new

    def cursor(self, source: str) -> SpoolCursor:
        """How far a source was taken: everything up to it is durable here."""
        epoch, seq = self._cursors.get(source) or self._cursor_from_ranges(source)
        return SpoolCursor(source=source, epoch=epoch, seq=seq)

    def numbers(self, controller: str, day: str) -> tuple[SourceNumbers, ...]:
        """Numbers of the sources of one controller on one UTC day, of every class, removed ones included.

        Raises:
            StorageError: a segment cannot be read.
        """
        ranges: list[SourceRanges] = []
        with self._files_lock:
            for path in sorted((self._home / "segments" / controller).glob(f"*/{day}")):
                ranges += segment_part(self._home, path.relative_to(self._home).as_posix()).sources
        for record in self.removals.records():
            if (record.controller, record.day) == (controller, day):
                ranges += record.sources
        return day_numbers(ranges, self._ranges)

    # --- publish

    def publish(self, now: int, *, force: bool = False) -> bool:
        """Publish every log that grew, at most once a second each, then the spine; tell whether anything was.

        Raises:
            StorageError: the disk refused; the next call goes on.
            RollbackError: something signed is ahead of what stands here; nothing is signed.
        """
        with self._publish_lock:
            self._spine.refuse_if_behind()
            done = False
            for shard in list(self._shards.values()):
                if not shard.pending and not shard.log.owes:
                    continue
                if not force and 0 <= now - shard.published_at < SECOND_US:
                    continue
                self._publish_shard(shard, now)
                done = True
            return self._publish_spine(now) or done

    # --- read and prove

    def shards(self) -> list[str]:
        """Names `<controller>/<yyyymm>`: months in order, the operator's log first."""
        return sorted(self._shards, key=lambda name: (name[-6:], not name.startswith(f"{OPERATOR}/"), name))

    def head(self, shard: str) -> LogHead:
        """Where a shard stands. Usable from another thread."""
        found = self._shards[shard]
        signed = found.log.signed
        root = signed.text.split("\n")[2] if signed else ""
        return LogHead(
            entries=found.next_index,
            published=found.log.signed_size,
            root=root,
            signed_at=found.published_at if signed else 0,
        )

    def published_size(self, shard: str) -> int:
        """Entries covered by the published checkpoint; evidence leaves only below it."""
        found = self._shards.get(shard)
        return found.log.signed_size if found else 0

    def read(self, watermark: Mapping[str, int], max_entries: int) -> list[LedgerEntry]:
        """Durable entries after the watermark (shard → next index), in index order per shard.

        Raises:
            StorageError: a segment cannot be read or opened.
        """
        entries: list[LedgerEntry] = []
        behind = [name for name in self.shards() if watermark.get(name, 0) < self._shards[name].next_index]
        for turn, name in enumerate(behind, start=1):
            # An equal share each: the backlog of one controller must not delay the others.
            share = max(turn, max_entries * turn // len(behind))
            entries += self._read_shard(name, watermark.get(name, 0), share - len(entries))
        return entries

    def of_day(self, segment: Segment) -> Iterator[LedgerEntry]:
        """Entries of one controller, class and UTC day, in order of shard and index; none when the day was purged.

        Raises:
            StorageError: the segment cannot be read or opened.
        """
        if self._keyring.find_day_key(segment.controller, segment.retention_class, segment.day) is None:
            return
        for run in self._heads.runs_of(segment.path):
            opened = open_run(self._home, self._keyring, run, run.first, run.count)
            for position, (_, data) in enumerate(opened):
                yield LedgerEntry(shard=run.shard, index=run.first + position, day=segment.day, data=data)

    def proof(self, shard: str, index: int) -> InclusionProof:
        """Evidence of one published entry.

        Raises:
            StorageError: it is not published, or cannot be read.
        """
        found = self._shards.get(shard)
        if found is None:
            raise StorageError(f"{shard}: no such log")
        signed, note, hashes = found.log.proof(index)
        with self._files_lock:
            if (gone := self.removals.at(shard, index)) is not None:
                raise ErasedError(f"{shard} index {index}: erased under certificate {gone.removal}")
            (run,) = self._heads.runs(shard, index, 1)
            ((salt, data),) = open_run(self._home, self._keyring, run, index, 1)
        return InclusionProof(
            shard=shard,
            index=index,
            salt=salt,
            data=data,
            size=signed.size,
            root=signed.root,
            hashes=tuple(hashes),
            note=note,
        )

    def snapshot(self, target: Path, *, keys: bool = True) -> None:
        """Copy the evidence, keys included, so that `verify_home(target)` can check it while this ledger goes on.

        A backup takes it without `keys`.

        Raises:
            StorageError: something cannot be read or written.
        """
        with self._files_lock:
            copy_evidence(self._home, target, self._heads, self._publish_lock, keys=keys)

    def verifier_key(self, shard: str) -> VerifierKey:
        """Public key under which a shard's checkpoints verify."""
        controller, _, month = shard.partition("/")
        keys = self._keyring.log_keys(controller)
        return verifier_key(log_origin(self._origin, keys.log_id, month), keys.signing)

    # --- inside

    def _prepare(self, events: Sequence[SpoolEvent], ingested_at: int) -> dict[str, list[Prepared]]:
        """Drop what is stored already, encode the rest, by controller."""
        by_controller: dict[str, list[Prepared]] = {}
        batch: set[tuple[str, int, int]] = set()
        for event in events:
            known = self._ranges.get((event.source, event.epoch))
            place = (event.source, event.epoch, event.seq)
            if (known is not None and event.seq in known) or place in batch:
                continue
            batch.add(place)
            prepared = self._encode(event, ingested_at)
            by_controller.setdefault(prepared.event.controller, []).append(prepared)
        return by_controller

    def _read_shard(self, name: str, wanted: int, limit: int) -> list[LedgerEntry]:
        """Entries of one shard from `wanted` on; what was removed is one entry without data."""
        entries: list[LedgerEntry] = []
        end = self._shards[name].next_index
        with self._files_lock:
            while wanted < end and len(entries) < limit:
                if (gone := self.removals.at(name, wanted)) is not None:
                    count = gone.end - wanted
                    entries.append(LedgerEntry(shard=name, index=wanted, day=gone.day, data=b"", count=count))
                    wanted = gone.end
                    continue
                until = self.removals.next_from(name, wanted, end)
                runs = self._heads.runs(name, wanted, RUNS_PER_READ)
                for run in runs:
                    if wanted >= until or run.first > wanted or len(entries) >= limit:
                        break
                    day = run.path.rpartition("/")[2]
                    most = min(limit - len(entries), until - wanted)
                    opened = open_run(self._home, self._keyring, run, wanted, most)
                    entries += [
                        LedgerEntry(shard=name, index=wanted + position, day=day, data=data)
                        for position, (_, data) in enumerate(opened)
                    ]
                    wanted += len(opened)
                if not runs or runs[0].first > wanted:
                    break
        return entries

    def _encode(self, event: SpoolEvent, ingested_at: int) -> Prepared:
        if event.controller in self._slots and 0 <= event.captured_at <= LAST_INSTANT_US:
            if self.removals.closed(event.controller, KIND_CLASS[event.kind], self._day(event.captured_at)):
                return as_gap(event, ingested_at, known=True, cause=GapCause.PURGED_DAY)
            with contextlib.suppress(EntryError):
                return Prepared(event=event, data=encode_entry(event, ingested_at))
        return as_gap(event, ingested_at, known=event.controller in self._slots)

    def _make_room(self, controller: str, at: int) -> None:
        """Have the controller's shard of this month; a new month begins by committing to the one before."""
        latest, month = self._latest.get(controller), utc_month(Micros(at))
        if latest is not None and month <= latest.month:  # a clock that steps back opens no old month again
            if len(latest.pending) >= MAX_PENDING_ENTRIES:
                with self._publish_lock:
                    self._publish_shard(latest, latest.published_at)
            return
        if latest is None:
            self._open_fresh(f"{controller}/{month}")
            return
        with self._publish_lock:
            if latest.pending or latest.log.owes:
                self._publish_shard(latest, at)
        shard = self._open_fresh(f"{controller}/{month}")
        self._store(shard, [opening(latest, shard, at)])

    def _open_fresh(self, name: str) -> Shard:
        shard = self._open_shard(name)
        if shard.log.size:
            raise LedgerDamagedError(f"{name}: {shard.log.size} entries are published, no segment holds them")
        return shard

    def _open_shard(self, name: str) -> Shard:
        controller, _, month = name.partition("/")
        keys = self._keyring.log_keys(controller)
        origin = log_origin(self._origin, keys.log_id, month)
        folder = self._home / "log" / origin
        log = PublishedLog(
            folder=folder,
            journal=self._home / "spine" / "journal" / f"{keys.log_id}-{month}",
            name=name,
            origin=origin,
            signing=keys.signing,
            heads=self._heads,
            retired=keys.retired,
        )
        shard = Shard(name=name, log_id=keys.log_id, log=log, home=self._home)
        with contextlib.suppress(OSError):
            shard.published_at = int((folder / "checkpoint").stat().st_mtime_ns // 1_000) if log.signed else 0
        self._shards[name] = shard
        if controller not in self._latest or self._latest[controller].month < month:
            self._latest[controller] = shard
        return shard

    def _store(self, shard: Shard, prepared: Sequence[Prepared]) -> int:
        """Write a controller's events, frame after frame; return how many are new (all, or it raises)."""
        days = [self._day(item.event.captured_at) for item in prepared]
        for segment, part in group(prepared, days):
            sources = source_ranges((item.event.source, item.event.epoch, item.event.seq) for item in part)
            key = self._keyring.day_key(segment.controller, segment.retention_class, segment.day)
            with self._state_lock:
                place = shard.write(segment, part, sources, key)
            self._unrecorded.append(place)
            for source, epoch, ranges in sources:
                self._touched.add((source, epoch))
                known = self._ranges.setdefault((source, epoch), Intervals())
                for start, end in ranges:
                    known.add(start, end)
        return len(prepared)

    def _record(self, cursors: Mapping[str, tuple[int, int]]) -> None:
        """Tell the cache about frames that are durable; what it cannot take now it takes next time."""
        moved = {source: place for source, place in cursors.items() if place != self._cursors.get(source)}
        if not self._unrecorded and not moved:
            return
        ranges = [(source, epoch, self._ranges[source, epoch].ranges()) for source, epoch in sorted(self._touched)]
        self._heads.record(self._unrecorded, ranges, [(source, *place) for source, place in moved.items()])
        self._cursors.update(moved)
        self._unrecorded.clear()
        self._touched.clear()

    def _publish_shard(self, shard: Shard, now: int) -> None:
        with self._state_lock:
            entries = list(shard.pending)
        before = shard.log.size
        try:
            shard.log.publish(entries)
        finally:
            with self._state_lock:
                del shard.pending[: shard.log.size - before]
        shard.published_at = now

    def _publish_spine(self, now: int) -> bool:
        used: dict[int, tuple[bytes, str]] = {}
        vkeys: dict[str, tuple[bytes, str]] = {}
        for controller, shard in list(self._latest.items()):
            if controller in self._slots and shard.log.signed:
                keys = self._keyring.log_keys(controller)
                used[self._slots[controller]] = (keys.slot_salt, shard.log.signed.text)
                vkeys[shard.log.origin] = (keys.slot_salt, self.verifier_key(shard.name).text)
        return bool(used) and self._spine.publish(used, vkeys, now)

    def _day(self, at: int) -> str:
        number = at // _DAY_US
        if number not in self._days:
            self._days = {number: utc_day(Micros(at)), **dict(list(self._days.items())[:1000])}
        return self._days[number]

    def _cursor_from_ranges(self, source: str) -> tuple[int, int]:
        """After the cache was lost: the longest beginning without a hole."""
        place = (0, 0)
        for (_, epoch), known in sorted(item for item in self._ranges.items() if item[0][0] == source):
            place = (epoch, known.prefix_end)
            if known.maximum != known.prefix_end:
                break
        return place
