"""Removing payload: a day, one event, a whole controller; commitments, tiles and every other proof stay (DESIGN §7).

Called by the ledger, which holds its locks around these steps, and by itself at a start that finds a removal half done.
Each function may be called again after a kill at any point. Must never remove what is not yet committed and signed,
and never leave a key behind for a payload that is gone, or the reverse, without the record saying so.

    a day      planned → key destroyed → segment deleted → index forgotten → removed
    an event   planned → next key, segment rewritten beside → ready → old key destroyed, both put in place → removed
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from quivive.ledger.entry import decode_entry
from quivive.ledger.frame import FrameHeader, SourceRanges, encode_frame, open_frame, source_ranges
from quivive.ledger.heads import Heads
from quivive.ledger.intervals import Intervals
from quivive.ledger.recovery import FoundFrame, LedgerDamagedError, TornTail, read_frames, read_place
from quivive.ledger.removal import FOLDER, Removal, Removals, RemovalState, joined
from quivive.ledger.tile import ENTRIES, TILE_WIDTH, TileName, decode_bundle
from quivive.ledger.tree import read_tile
from quivive.model.errors import StorageError
from quivive.model.purge import PurgedWhat, PurgeRule, RemovedRange, certificate_id, removed_root
from quivive.privacy.keyring import DayKey, Keyring
from quivive.privacy.sealing import NONCE_BYTES
from quivive.spool.durable import sync_directory, write_all

Step = Callable[[str], None]
"""Called before each step with its name: tests kill there."""


def no_step(name: str) -> None:
    """Nobody watches."""
    del name


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Why something is removed, and who decided it; a scheduled purge has the policy's digest and no second person."""

    rule: PurgeRule
    planned_by: str
    at: int
    approved_by: str = ""
    approval: str = ""
    policy: str = ""
    declared_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a segment holds: ranges of indices, numbers of the sources, keys of the frames."""

    ranges: tuple[RemovedRange, ...]
    sources: tuple[SourceRanges, ...]
    keys: tuple[str, ...]

    @property
    def count(self) -> int:
        """Entries."""
        return sum(each.count for each in self.ranges)


def segment_part(home: Path, path: str) -> Part:
    """Read the headers of a segment file.

    Raises:
        LedgerDamagedError: it is damaged: nothing is removed before `quivive verify` has been looked at.
        StorageError: it cannot be read.
    """
    return _part([found.header for found in _frames(home, path)])


def log_entries(folder: Path, size: int, ranges: Iterable[RemovedRange]) -> Iterator[bytes]:
    """Log entries (commitments) of ranges of one log, from its tiles.

    Raises:
        StorageError: a tile is missing.
    """
    for each in ranges:
        index, end = each.first, each.first + each.count
        while index < end:
            number, position = divmod(index, TILE_WIDTH)
            width = min(TILE_WIDTH, size - number * TILE_WIDTH)
            bundle = decode_bundle(read_tile(folder, TileName(level=ENTRIES, number=number, width=width)), width)
            taken = bundle[position : position + end - index]
            yield from taken
            index += len(taken)


def plan(
    *, what: PurgedWhat, controller: str, retention_class: str, day: str, part: Part, entries: Iterable[bytes],
    order: Order,
) -> Removal:  # fmt: skip
    """Make the record of a removal that has not begun. `entries`: the log entries of `part.ranges`, in order."""
    root = removed_root(entries)
    return Removal(
        id=certificate_id(what, controller, root, retention_class, day),
        what=what,
        controller=controller,
        retention_class=retention_class,
        day=day,
        rule=order.rule,
        state=RemovalState.PLANNED,
        planned_at=order.at,
        planned_by=order.planned_by,
        approved_by=order.approved_by,
        approval=order.approval,
        policy=order.policy,
        declared_days=order.declared_days,
        count=part.count,
        root=root,
        keys=part.keys,
        ranges=part.ranges,
        sources=part.sources,
    )


def remove_day(
    home: Path, keyring: Keyring, heads: Heads, removals: Removals, record: Removal, at: int, step: Step = no_step
) -> Removal:
    """Destroy the key of a planned day, delete its segment, forget its frames.

    Raises:
        StorageError: the disk refused; call again.
    """
    step("key")
    keyring.destroy_day_key(record.controller, record.retention_class, record.day)
    step("segment")
    _unlink(home / record.path)
    step("index")
    heads.replace_file(record.path, [])
    step("removed")
    return removals.advance(record, RemovalState.REMOVED, executed_at=at)


def rewrite_segment(home: Path, keyring: Keyring, removals: Removals, record: Removal, step: Step = no_step) -> Removal:
    """Write the segment again beside itself, under the next key, without the planned event.

    Raises:
        LedgerDamagedError: a frame does not open.
        StorageError: the disk refused; call again.
    """
    place = (record.controller, record.retention_class, record.day)
    step("next key")
    following, key = keyring.next_day_key(*place), keyring.find_day_key(*place)
    if key is None:
        raise StorageError(f"{record.path}: its day key is gone")
    (gone,) = record.ranges
    step("rewrite")
    data = bytearray()
    for found in _frames(home, record.path):
        for frame in _without(found, read_place(home, found.place), gone, key, following):
            data += frame
    _write(_beside(home, record), bytes(data))
    step("ready")
    return removals.advance(record, RemovalState.READY)


def put_in_place(
    home: Path, keyring: Keyring, heads: Heads, removals: Removals, record: Removal, at: int, step: Step = no_step
) -> Removal:
    """Destroy the old key and the old segment, in favour of those that stand ready.

    Raises:
        StorageError: nothing stands ready yet, or the disk refused; call again.
    """
    if removals.get(record.id).state is RemovalState.PLANNED:
        raise StorageError(f"{record.path}: not rewritten yet; nothing is destroyed")
    step("old key")
    keyring.replace_day_key(record.controller, record.retention_class, record.day)
    step("old segment")
    beside, path = _beside(home, record), home / record.path
    try:
        if beside.exists():
            if beside.stat().st_size:
                beside.replace(path)
            else:  # the day held nothing else
                path.unlink(missing_ok=True)
                beside.unlink()
            sync_directory(path.parent)
            sync_directory(beside.parent)
    except OSError as error:
        raise StorageError(f"cannot replace {record.path}: {error.strerror}") from error
    step("index")
    if record.path in heads.extents():  # a cache that was lost finds the file anew
        heads.replace_file(record.path, [found.place for found in _frames(home, record.path)] if path.exists() else [])
    step("removed")
    return removals.advance(record, RemovalState.REMOVED, executed_at=at)


def finish_event(
    home: Path, keyring: Keyring, heads: Heads, removals: Removals, record: Removal, at: int, step: Step = no_step
) -> Removal:
    """Carry the erasure of one event on from the state in which it stands, whatever half was done.

    As long as the old key stands, what is beside is written anew: the day may have taken events since.

    Raises:
        LedgerDamagedError: a frame does not open.
        StorageError: the disk refused; call again.
    """
    record = removals.get(record.id)
    if record.state in (RemovalState.PLANNED, RemovalState.READY):
        key = keyring.find_day_key(record.controller, record.retention_class, record.day)
        if key is None and record.state is RemovalState.PLANNED and not (home / record.path).exists():
            _unlink(_beside(home, record))  # the whole day was removed since, and its key
            record = removals.advance(record, RemovalState.READY)
        elif record.state is RemovalState.PLANNED or (key is not None and key.id in record.keys):
            record = rewrite_segment(home, keyring, removals, record, step)
    return put_in_place(home, keyring, heads, removals, record, at, step)


def remove_controller(
    home: Path, keyring: Keyring, heads: Heads, removals: Removals, record: Removal, at: int, step: Step = no_step
) -> Removal:
    """Destroy everything of an ended contract that the ledger holds: keys, segments, logs, journals, records.

    Raises:
        StorageError: the disk refused; call again.
    """
    step("keys")
    keyring.destroy_controller(record.controller)
    _remove_tree(home / "keys" / "days" / record.controller)
    step("segments")
    _remove_tree(home / "segments" / record.controller)
    step("logs")
    for log_id in record.keys:
        for folder in sorted((home / "log").rglob(log_id)):
            _remove_tree(folder)
        for journal in sorted((home / "spine" / "journal").glob(f"{log_id}-*")):
            _unlink(journal)
    step("index")
    for each in record.ranges:
        heads.forget_log(each.shard, f"segments/{record.controller}/")
    for earlier in removals.records():
        if earlier.controller == record.controller and earlier.id != record.id:
            removals.forget(earlier)
    step("removed")
    return removals.advance(record, RemovalState.REMOVED, executed_at=at)


def settle(home: Path, keyring: Keyring, heads: Heads, removals: Removals) -> None:
    """At a start: finish what the ledger's part of each removal began, before anything else is read.

    Raises:
        StorageError: the disk refuses.
    """
    for record in removals.incomplete():
        at = record.executed_at or record.planned_at
        if record.state is RemovalState.REMOVED:
            continue
        if record.what is PurgedWhat.DAY:
            remove_day(home, keyring, heads, removals, record, at)
        elif record.what is PurgedWhat.CONTROLLER:
            remove_controller(home, keyring, heads, removals, record, at)
        else:
            finish_event(home, keyring, heads, removals, record, at)


def remains(home: Path, keyring: Keyring, record: Removal) -> list[str]:
    """What of a removal still stands in the ledger's own places: names of places, empty when all is gone (fault 42)."""
    if record.what is PurgedWhat.EVENT:
        return _event_remains(home, record)
    found = set()
    days = {record.day} if record.what is PurgedWhat.DAY else {day for _, _, day in keyring.day_keys()}
    for controller, retention_class, day in keyring.day_keys():
        if controller == record.controller and day in days and record.retention_class in ("", retention_class):
            found.add("keys")
    if record.what is PurgedWhat.DAY:
        found |= {"segments"} if (home / record.path).exists() else set()
        return sorted(found)
    found |= {"keys"} if record.controller in keyring.controllers() else set()
    found |= {"segments"} if (home / "segments" / record.controller).exists() else set()
    found |= {"log"} if any(list((home / "log").rglob(log_id)) for log_id in record.keys) else set()
    return sorted(found)


def _event_remains(home: Path, record: Removal) -> list[str]:
    (gone,) = record.ranges
    found = set()
    for each in _frames(home, record.path) if (home / record.path).exists() else ():
        header = each.header
        if header.shard == gone.shard and header.first <= gone.first < header.first + header.count:
            found.add("segments")
        if header.key in record.keys:
            found.add("keys")
    return sorted(found)


# --- inside


def _part(headers: Iterable[FrameHeader]) -> Part:
    ranges: list[RemovedRange] = []
    numbers: dict[tuple[str, int], Intervals] = {}
    keys: set[str] = set()
    for header in headers:
        ranges.append(RemovedRange(shard=header.shard, first=header.first, count=header.count))
        keys.add(header.key)
        for source, epoch, intervals in header.sources:
            known = numbers.setdefault((source, epoch), Intervals())
            for start, end in intervals:
                known.add(start, end)
    sources = tuple((source, epoch, tuple(known.ranges())) for (source, epoch), known in sorted(numbers.items()))
    return Part(ranges=joined(ranges), sources=sources, keys=tuple(sorted(keys)))


def _frames(home: Path, path: str) -> list[FoundFrame]:
    found: list[FoundFrame] = []
    try:
        for each in read_frames(home, home / path, 0):
            if isinstance(each, TornTail):
                raise LedgerDamagedError(f"{path} at {each.start}: damaged; nothing is removed (run `quivive verify`)")
            found.append(each)
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error
    return found


def _without(found: FoundFrame, data: bytes, gone: RemovedRange, key: DayKey, following: DayKey) -> Iterator[bytes]:
    """A frame under the next key: as it was, or as the frames before and after the removed event."""
    header, events = found.header, open_frame(data, key.key)
    if not (header.shard == gone.shard and header.first <= gone.first < header.first + header.count):
        yield _sealed(header, header.first, events, header.sources, following)
        return
    at = gone.first - header.first
    for first, half in ((header.first, events[:at]), (gone.first + 1, events[at + 1 :])):
        if half:
            entries = [decode_entry(event) for _, event in half]
            yield _sealed(header, first, half, source_ranges((e.source, e.epoch, e.seq) for e in entries), following)


def _sealed(
    header: FrameHeader,
    first: int,
    events: list[tuple[bytes, bytes]],
    sources: tuple[SourceRanges, ...],
    key: DayKey,
) -> bytes:
    fresh = FrameHeader(
        log=header.log,
        shard=header.shard,
        retention_class=header.retention_class,
        day=header.day,
        first=first,
        count=len(events),
        sources=sources,
        key=key.id,
        nonce=os.urandom(NONCE_BYTES),
    )
    return encode_frame(fresh, key.key, b"".join(salt for salt, _ in events), [event for _, event in events])


def _beside(home: Path, record: Removal) -> Path:
    return home / FOLDER / f"{record.id}.segment"


def _write(path: Path, data: bytes) -> None:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            write_all(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
        sync_directory(path.parent)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            sync_directory(path.parent)
    except OSError as error:
        raise StorageError(f"cannot remove {path}: {error.strerror}") from error


def _remove_tree(folder: Path) -> None:
    try:
        if folder.is_dir():
            shutil.rmtree(folder)
            sync_directory(folder.parent)
    except OSError as error:
        raise StorageError(f"cannot remove {folder}: {error.strerror}") from error
