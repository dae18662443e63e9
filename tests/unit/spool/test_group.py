"""Group commit: one fdatasync for many waiters, and failures that reach each of them."""

import asyncio
import errno
import os
import threading
import time

import pytest

from quivive.model.entry import EntryKind
from quivive.model.errors import StorageError
from quivive.spool import AsyncSpool, SpoolCursor, SpoolReader, SpoolWriter, group

NOW = 1_790_000_000_000_000


def put(spool):
    return spool.append(kind=EntryKind.ACCESS, captured_at=NOW, controller="aurore", key_id="k1", body=b"{}")


def seen(root):
    return [event.seq for event in SpoolReader(root, "s1").poll(SpoolCursor(source="s1"), 10_000)]


def test_many_waiters_share_few_syncs(tmp_path, monkeypatch):
    """A hundred concurrent appends are acknowledged by a handful of fdatasync calls."""
    calls = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: (calls.append(fd), real(fd)))

    async def one(spool):
        seq = put(spool)
        await spool.durable(seq)
        assert spool.durable_seq >= seq

    async def main():
        spool = AsyncSpool(SpoolWriter.open(tmp_path, "s1", NOW))
        await asyncio.gather(*(one(spool) for _ in range(100)))
        await spool.close()

    asyncio.run(main())
    assert len(calls) <= 5
    assert seen(tmp_path) == list(range(1, 101))


def test_what_nobody_waits_for_reaches_the_disk_too(tmp_path):
    """Observe mode appends without waiting; the loop still writes within a tick and syncs soon after."""

    async def main():
        spool = AsyncSpool(SpoolWriter.open(tmp_path, "s1", NOW))
        put(spool)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert seen(tmp_path) == [1]
        await asyncio.sleep(0.05)
        assert spool.durable_seq == 1
        spool.writer.abandon()

    asyncio.run(main())


@pytest.mark.parametrize("call", ["write", "fdatasync"])
def test_a_failure_reaches_every_waiter_and_the_retry_loses_nothing(tmp_path, monkeypatch, call):
    """All waiters get a StorageError; when the disk recovers the events are there once."""
    monkeypatch.setattr(group, "RETRY_INTERVAL_S", 0.01)
    real = getattr(os, call)
    broken = [True]

    def maybe(*arguments):
        if broken[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments)

    async def main():
        spool = AsyncSpool(SpoolWriter.open(tmp_path, "s1", NOW))
        monkeypatch.setattr(os, call, maybe)
        waits = await asyncio.gather(*(spool.durable(put(spool)) for _ in range(5)), return_exceptions=True)
        assert all(isinstance(outcome, StorageError) for outcome in waits)
        assert spool.failure is not None
        broken[0] = False
        await spool.durable(put(spool))
        assert spool.failure is None
        await spool.close()

    asyncio.run(main())
    assert seen(tmp_path) == [1, 2, 3, 4, 5, 6]


def test_inline_syncs_on_the_loop_until_the_disk_is_slow(tmp_path, monkeypatch):
    """A strict relay's spool runs fdatasync in its tick, and hands it to a thread once the disk answers slowly."""
    threads = []
    delay = [0.0]

    def sync(descriptor):
        time.sleep(delay[0])
        threads.append(threading.current_thread())

    monkeypatch.setattr(os, "fdatasync", sync)

    async def main():
        spool = AsyncSpool(SpoolWriter.open(tmp_path, "s1", NOW), inline=True)
        told = []
        for _ in range(5):
            await spool.durable(put(spool))
        assert set(threads) == {threading.main_thread()}
        delay[0] = 3 * group.MAX_INLINE_S
        for _ in range(5):
            spool.when_durable(put(spool), told.append)
            await spool.durable(spool.writer.last_seq)
        assert threads[-1] is not threading.main_thread()
        assert told == [None] * 5
        await spool.close()

    asyncio.run(main())
    assert seen(tmp_path) == list(range(1, 11))


class Numbers:
    """A burst whose facts are bodies."""

    kind, controller, key_id = EntryKind.ACCESS, "aurore", "k1"

    def encode(self, facts):
        return [(NOW, b'{"n":%d}' % fact) for fact in facts]


def bodies(root):
    return [(event.seq, event.body) for event in SpoolReader(root, "s1").poll(SpoolCursor(source="s1"), 10_000)]


def test_what_is_told_now_and_encoded_later_keeps_its_number_and_place(tmp_path):
    """Between facts encoded together an ordinary event stands where it was appended; each has the number it was told."""

    async def main():
        spool = AsyncSpool(SpoolWriter.open(tmp_path, "s1", NOW))
        burst = Numbers()
        told = [spool.later(burst, 10), spool.later(burst, 11), put(spool), spool.later(Numbers(), 13)]
        await spool.durable(told[-1])
        last = spool.later(burst, 14)
        await spool.close()
        return [*told, last]

    assert asyncio.run(main()) == [1, 2, 3, 4, 5]
    wanted = [(1, b'{"n":10}'), (2, b'{"n":11}'), (3, b"{}"), (4, b'{"n":13}'), (5, b'{"n":14}')]
    assert bodies(tmp_path) == wanted


def test_under_load_writes_are_an_interval_apart_and_a_waiter_does_not_wait_for_it(tmp_path, monkeypatch):
    """The first goes out in its tick, what follows waits for the interval; whoever waits for its number has it at once."""
    monkeypatch.setattr(group, "FLUSH_INTERVAL_S", 30.0)

    async def main():
        spool = AsyncSpool(SpoolWriter.open(tmp_path, "s1", NOW))
        spool.later(Numbers(), 1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        first = len(bodies(tmp_path))
        second = spool.later(Numbers(), 2)
        await asyncio.sleep(0.02)
        held = len(bodies(tmp_path))
        await spool.durable(second)
        assert (first, held, len(bodies(tmp_path))) == (1, 1, 2)
        await spool.close()

    asyncio.run(main())


def test_a_spool_without_room_takes_no_fact(tmp_path, monkeypatch):
    """It is refused when told, so that its loss is counted."""
    monkeypatch.setattr("quivive.spool.writer.MAX_HELD_BYTES", 0)

    async def main():
        spool = AsyncSpool(SpoolWriter.open(tmp_path, "s1", NOW))
        with pytest.raises(StorageError):
            spool.later(Numbers(), 1)
        spool.writer.abandon()

    asyncio.run(main())
