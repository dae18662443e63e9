"""Doors: no byte before its trace, none out of order."""

from relay_parts import MemorySpool, make_context

from quivive.capture.holding import MAX_HELD_BYTES, UNRECORDED, Door
from quivive.model.access import CaptureMode
from quivive.model.entry import EntryKind


class Side:
    """What a door did."""

    def __init__(self, *, closed: bool = False) -> None:
        self.context, self.spool = make_context(mode=CaptureMode.STRICT, closed=closed)
        self.passed: list[bytes] = []
        self.done: list[str] = []
        say = self.done.append
        self.door = Door(
            self.context,
            self.passed.append,
            lambda: say("refused"),
            lambda: say("paused"),
            lambda: say("resumed"),
        )

    def trace(self) -> int:
        return self.context.append(EntryKind.HEARTBEAT, b"{}")


def test_bytes_wait_for_their_trace() -> None:
    """Nothing passes before its number is durable; what came behind it waits too, in order."""
    side = Side()
    side.door.put(b"free", 0)
    side.door.put(b"held", side.trace())
    side.door.put(b"behind", 0)
    assert side.passed == [b"free"]
    side.door.when_empty(lambda: side.done.append("empty"))
    side.spool.sync()
    assert side.passed == [b"free", b"held", b"behind"]
    assert side.done == ["empty"]


def test_a_full_door_pauses_its_feeder() -> None:
    """More than one read held stops the reading, which goes on once they passed."""
    side = Side()
    side.door.put(bytes(MAX_HELD_BYTES + 1), side.trace())
    assert side.done == ["paused"]
    side.spool.sync()
    assert side.done == ["paused", "resumed"]


def test_open_lets_through_when_the_disk_fails() -> None:
    """An open source passes what it could not make durable, and owes a gap."""
    side = Side()
    side.door.put(b"held", side.trace())
    side.spool.break_disk()
    assert side.passed == [b"held"]
    assert side.context.blind
    side.door.put(b"untraced", UNRECORDED)
    assert side.passed == [b"held", b"untraced"]


def test_closed_never_lets_through() -> None:
    """A closed source refuses once and drops what it held, whether the disk or the spool refused."""
    for fail in (lambda side: side.spool.break_disk(), lambda side: side.door.put(b"untraced", UNRECORDED)):
        side = Side(closed=True)
        spool: MemorySpool = side.spool
        side.door.put(b"held", side.trace())
        side.door.put(b"behind", 0)
        fail(side)
        spool.sync()
        if side.passed:  # it was durable before the untraced bytes came to their turn
            assert side.passed == [b"held", b"behind"]
        assert side.done == ["refused"]
