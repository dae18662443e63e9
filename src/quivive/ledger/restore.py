"""Settling a home at start: index, sequence numbers and pending entries from heads.db and the segment files.

Called once by the ledger, before anything is appended. Must never go on over evidence that is missing: indices
must follow each other without a hole and reach every head.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from quivive.ledger.frame import PREFIX_BYTES, FrameError, check_frame, frame_length, open_frame
from quivive.ledger.heads import FramePlace, Heads
from quivive.ledger.intervals import Intervals
from quivive.ledger.recovery import FoundFrame, LedgerDamagedError, TornTail, cut, read_place, rewrite, scan
from quivive.ledger.removal import Removals
from quivive.ledger.shard import Shard
from quivive.model.errors import StorageError
from quivive.privacy.keyring import Keyring


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What the ledger goes on from."""

    ranges: dict[tuple[str, int], Intervals]
    torn_tails: list[TornTail]


def restore(
    home: Path, keyring: Keyring, heads: Heads, open_shard: Callable[[str], Shard], removals: Removals
) -> Restored:
    """Settle a home; see the module's docstring.

    Raises:
        LedgerDamagedError: acknowledged evidence is missing or altered.
        StorageError: the disk refuses.
    """
    frames, tails = scan(home, heads.extents())
    frames.sort(key=lambda found: (found.header.shard, found.header.first))
    by_shard = {name: list(found) for name, found in groupby(frames, key=lambda found: found.header.shard)}
    known = dict(heads.shards())
    shards = []
    for name in sorted({*known, *by_shard, *removals.shards()}, key=lambda name: (name[-6:], name)):
        shard = open_shard(name)
        shard.next_index = _follow(shard, known.get(name, 0), by_shard.get(name, []), removals)
        shards.append(shard)
    ranges = _ranges(heads, frames, removals)
    for tail in tails:
        cut(home, tail)
    for shard in shards:
        for found in by_shard.get(shard.name, []):
            if found.place.first + found.place.count > shard.log.size:
                rewrite(home, found.place)
    touched = {(source, epoch) for found in frames for source, epoch, _ in found.header.sources}
    heads.record(
        [found.place for found in frames],
        [(source, epoch, ranges[source, epoch].ranges()) for source, epoch in sorted(touched)],
        [],
    )
    for shard in shards:
        _fill_pending(home, keyring, heads, shard)
    return Restored(ranges=ranges, torn_tails=tails)


def open_run(home: Path, keyring: Keyring, run: FramePlace, index: int, limit: int) -> list[tuple[bytes, bytes]]:
    """Open the frames of a run from `index` on: at most `limit` of (salt, event), in index order.

    Raises:
        StorageError: they cannot be read, or do not open.
    """
    controller, retention_class, day = run.path.split("/")[-3:]
    key = keyring.find_day_key(controller, retention_class, day)
    if key is None:
        raise StorageError(f"{run.path}: its day key is gone")
    data, offset = read_place(home, run), 0
    events: list[tuple[bytes, bytes]] = []
    try:
        while offset < run.length and len(events) < limit:
            frame = data[offset : offset + frame_length(data[offset : offset + PREFIX_BYTES])]
            header = check_frame(frame)
            if header.first + header.count > index:
                events += open_frame(frame, key.key)[max(0, index - header.first) :]
            offset += len(frame)
    except FrameError as error:
        place = f"{run.path} at {run.start + offset}"
        raise LedgerDamagedError(f"{place}: {error}; run `quivive verify`") from error
    return events[:limit]


def _follow(shard: Shard, known: int, found: list[FoundFrame], removals: Removals) -> int:
    """Return the next index after frames that must follow each other from `known`, but for what was removed."""
    following = known
    for frame in found:
        following = removals.skip(shard.name, following)
        if frame.header.first != following or frame.header.log != shard.log_id:
            raise LedgerDamagedError(
                f"{frame.place.path} at {frame.place.start}: index {frame.header.first} of {shard.name}"
                f" where {following} must follow; a segment is missing or was put in another place"
            )
        following += frame.header.count
    following = removals.skip(shard.name, following)
    if following < shard.log.size:
        raise LedgerDamagedError(
            f"{shard.name}: {shard.log.size} entries are published, {following} are in the segments"
        )
    return following


def _ranges(heads: Heads, frames: list[FoundFrame], removals: Removals) -> dict[tuple[str, int], Intervals]:
    ranges = {(source, epoch): Intervals(known) for source, epoch, known in heads.ranges()}
    for source, epoch, numbers in removals.numbers():
        for start, end in numbers:
            ranges.setdefault((source, epoch), Intervals()).add(start, end)
    for found in frames:
        for source, epoch, numbers in found.header.sources:
            known = ranges.setdefault((source, epoch), Intervals())
            for start, end in numbers:
                if known.overlaps(start, end):
                    raise LedgerDamagedError(
                        f"{found.place.path} at {found.place.start}: {source}/{epoch}/{start} is stored twice"
                    )
                known.add(start, end)
    return ranges


def _fill_pending(home: Path, keyring: Keyring, heads: Heads, shard: Shard) -> None:
    index = shard.log.size
    while index < shard.next_index:
        for run in heads.runs(shard.name, index, 64):
            for salt, event in open_run(home, keyring, run, index, run.count):
                shard.pending.append(shard.committer.log_entry(index, salt, event))
                index += 1
