"""The ledger's side of a purge, an erasure and an end of contract: its locks around the steps of `ledger.purge`.

Reached as `Ledger.removing`, by one thread at a time (the core's retention room). Must never remove an entry that no
checkpoint covers: its commitment would be lost with it.

Locks, in the ledger's order: append → publish → files.
"""

import threading
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quivive.ledger.entry import decode_entry
from quivive.ledger.frame import source_ranges
from quivive.ledger.heads import Heads
from quivive.ledger.purge import (
    Order,
    Part,
    Step,
    finish_event,
    log_entries,
    no_step,
    plan,
    remains,
    remove_controller,
    remove_day,
    segment_part,
)
from quivive.ledger.removal import Removal, Removals, RemovalState
from quivive.ledger.restore import open_run
from quivive.ledger.shard import Shard
from quivive.model.entry import Entry
from quivive.model.errors import RefusedError, StorageError
from quivive.model.purge import PurgedWhat, RemovedRange
from quivive.privacy.keyring import Keyring

NOT_THERE: Final = "entry_not_there"
NOT_PUBLISHED: Final = "entry_not_published"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerParts:
    """What the ledger lends: its own objects, not copies."""

    home: Path
    keyring: Keyring
    heads: Heads
    removals: Removals
    shards: MutableMapping[str, Shard]
    latest: MutableMapping[str, Shard]
    slots: MutableMapping[str, int]
    append_lock: threading.Lock
    publish_lock: threading.RLock
    files_lock: threading.RLock
    publish: Callable[[Shard, int], None]


class Removing:
    """See the module's docstring."""

    def __init__(self, parts: LedgerParts) -> None:
        self._parts = parts

    def segment_days(self) -> list[tuple[str, str, str]]:
        """Every (controller, class, day) that has a segment or a key, in order."""
        root = self._parts.home / "segments"
        found = {(path.parts[-3], path.parts[-2], path.name) for path in root.glob("*/*/*") if path.is_file()}
        return sorted(found | set(self._parts.keyring.day_keys()))

    def purge_day(
        self, controller: str, retention_class: str, day: str, order: Order, step: Step = no_step
    ) -> Removal | None:
        """Remove a day's payload; None when there is nothing. From the first step on the day takes no event.

        Raises:
            StorageError: the disk refused; the next call, or the next start, goes on.
        """
        parts, place = self._parts, (controller, retention_class, day)
        path = f"segments/{controller}/{retention_class}/{day}"
        with parts.append_lock:
            parts.removals.close(*place)
        try:
            record = self._planned(place, path, order)
        except BaseException:
            parts.removals.reopen(*place)
            raise
        if record is None:
            parts.keyring.destroy_day_key(*place)  # a key without a segment: nothing was ever written under it
            parts.removals.reopen(*place)
            return None
        step("planned")
        record = parts.removals.save(record)
        with parts.files_lock:
            return remove_day(parts.home, parts.keyring, parts.heads, parts.removals, record, order.at, step)

    def tell(self, shard: str, index: int) -> tuple[tuple[str, str, str], Entry]:
        """Where an event lies (controller, class, day), and the event, for what must go with it.

        Raises:
            RefusedError: no such entry, or it was removed.
            StorageError: it cannot be read.
        """
        parts = self._parts
        found = parts.shards.get(shard)
        if found is None or not 0 <= index < found.next_index or parts.removals.at(shard, index):
            raise RefusedError(NOT_THERE, f"{shard}/{index}")
        with parts.files_lock:
            (run,) = parts.heads.runs(shard, index, 1)
            ((_, event),) = open_run(parts.home, parts.keyring, run, index, 1)
        controller, retention_class, day = run.path.split("/")[-3:]
        return (controller, retention_class, day), decode_entry(event)

    def erase_event(self, shard: str, index: int, order: Order, step: Step = no_step) -> Removal:
        """Remove one event: its segment is rewritten under a fresh key, its commitment stays.

        Raises:
            RefusedError: no such entry, or it is not published yet.
            StorageError: the disk refused; the next start goes on.
        """
        parts = self._parts
        (controller, retention_class, day), entry = self.tell(shard, index)
        self._finish_events((controller, retention_class, day), order.at)
        found = parts.shards[shard]
        if index >= found.log.signed_size:
            raise RefusedError(NOT_PUBLISHED, f"{shard}/{index}")
        old = parts.keyring.find_day_key(controller, retention_class, day)
        assert old is not None
        part = Part(
            ranges=(RemovedRange(shard=shard, first=index, count=1),),
            sources=source_ranges([(entry.source, entry.epoch, entry.seq)]),
            keys=(old.id,),
        )
        entries = log_entries(found.log.folder, found.log.signed_size, part.ranges)
        record = plan(
            what=PurgedWhat.EVENT, controller=controller, retention_class=retention_class, day=day, part=part,
            entries=entries, order=order,
        )  # fmt: skip
        with parts.append_lock, parts.files_lock:
            step("planned")
            record = parts.removals.save(record)
            return finish_event(parts.home, parts.keyring, parts.heads, parts.removals, record, order.at, step)

    def end_controller(self, controller: str, order: Order, step: Step = no_step) -> Removal:
        """Destroy everything that the ledger holds of a controller; the spine's slot of it falls empty.

        Raises:
            RefusedError: nothing is there.
            StorageError: the disk refused; the next start goes on.
        """
        parts = self._parts
        with parts.append_lock, parts.publish_lock, parts.files_lock:
            own = [shard for name, shard in sorted(parts.shards.items()) if name.startswith(f"{controller}/")]
            if not own:
                raise RefusedError(NOT_THERE, controller)
            for shard in own:
                if shard.pending or shard.log.owes:
                    parts.publish(shard, order.at)
            ranges = tuple(RemovedRange(shard=shard.name, first=0, count=shard.next_index) for shard in own)
            part = Part(ranges=ranges, sources=(), keys=(own[0].log_id,))
            record = plan(
                what=PurgedWhat.CONTROLLER, controller=controller, retention_class="", day="", part=part,
                entries=self._entries(ranges), order=order,
            )  # fmt: skip
            step("planned")
            record = parts.removals.save(record)
            for shard in own:
                parts.shards.pop(shard.name)
            parts.latest.pop(controller, None)
            parts.slots.pop(controller, None)
            return remove_controller(parts.home, parts.keyring, parts.heads, parts.removals, record, order.at, step)

    def remains(self, record: Removal) -> list[str]:
        """What of a removal still stands in the ledger's own places (fault 42)."""
        with self._parts.files_lock:
            return remains(self._parts.home, self._parts.keyring, record)

    def again(self, record: Removal, at: int) -> Removal:
        """Carry a removal out once more: something of it was found after all.

        Raises:
            StorageError: the disk refused.
        """
        parts = self._parts
        with parts.append_lock, parts.files_lock:
            record = parts.removals.get(record.id)
            if record.what is PurgedWhat.DAY:
                return remove_day(parts.home, parts.keyring, parts.heads, parts.removals, record, at)
            if record.what is PurgedWhat.CONTROLLER:
                return remove_controller(parts.home, parts.keyring, parts.heads, parts.removals, record, at)
            return finish_event(parts.home, parts.keyring, parts.heads, parts.removals, record, at)

    def certified(self, record: Removal) -> Removal:
        """A search found nothing and the certificate is durable.

        Raises:
            StorageError: the disk refused; the certificate is written again, and is the same one.
        """
        return self._parts.removals.advance(record, RemovalState.CERTIFIED)

    def _finish_events(self, place: tuple[str, str, str], at: int) -> None:
        """Two halves of one day never stand beside it: the earlier erasure comes to its end first."""
        for record in self._parts.removals.incomplete():
            own = (record.controller, record.retention_class, record.day) == place
            if own and record.what is PurgedWhat.EVENT and record.state is not RemovalState.REMOVED:
                self.again(record, at)

    def _planned(self, place: tuple[str, str, str], path: str, order: Order) -> Removal | None:
        parts = self._parts
        if not (parts.home / path).exists():
            return None
        part = segment_part(parts.home, path)
        for shard in {each.shard for each in part.ranges}:
            log, end = parts.shards[shard], max(e.first + e.count for e in part.ranges if e.shard == shard)
            if log.log.signed_size < end:
                with parts.append_lock, parts.publish_lock:
                    parts.publish(log, order.at)
            if log.log.signed_size < end:
                raise StorageError(f"{path}: not published yet")
        controller, retention_class, day = place
        return plan(
            what=PurgedWhat.DAY, controller=controller, retention_class=retention_class, day=day, part=part,
            entries=self._entries(part.ranges), order=order,
        )  # fmt: skip

    def _entries(self, ranges: tuple[RemovedRange, ...]) -> Iterator[bytes]:
        for each in ranges:
            log = self._parts.shards[each.shard].log
            yield from log_entries(log.folder, log.signed_size, (each,))
