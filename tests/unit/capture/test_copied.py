"""Rows of a COPY are taken message by message; past a limit nothing of the message is."""

from types import SimpleNamespace

from quivive.capture.copied import MAX_ROWS_PER_CALL, take_capped, take_rows
from quivive.wire.framing import PeerError


class Reader:
    """Gives one row a byte; a zero byte is a broken row."""

    def feed(self, data):
        if 0 in data:
            raise PeerError("no row")
        return [(bytes([byte]),) for byte in data]

    def finish(self):
        return [(b"last",)]


class Collector:
    def __init__(self, most):
        self.taken, self.most = [], most

    @property
    def full(self):
        return len(self.taken) >= self.most

    def add_rows(self, rows):
        self.taken += rows


class Cap:
    keyless = False

    def __init__(self, most):
        self.left = most

    def fit(self, rows):
        fits = min(len(rows), self.left)
        self.left -= fits
        return fits

    def fit_count(self, count):
        fits = min(count, self.left)
        self.left -= fits
        return fits


def run(most=10_000):
    return SimpleNamespace(reader=Reader(), collector=Collector(most), unread=False, rows=0, rows_bytes=0)


def test_rows_are_taken_in_steps_and_each_full_part_is_told():
    """The collector is asked after each step, however large the message."""
    told, made = [], run(most=1)
    take_rows(made, b"x" * (2 * MAX_ROWS_PER_CALL + 1), told.append)
    take_rows(made, None, told.append)
    assert made.rows == 2 * MAX_ROWS_PER_CALL + 2
    assert len(told) == 4


def test_a_broken_row_ends_the_reading_and_is_remembered():
    """What follows is not read: a gap tells it."""
    made = run()
    take_rows(made, b"ab\x00", lambda run: None)
    take_rows(made, b"ab", lambda run: None)
    assert (made.reader, made.unread, made.rows) == (None, True, 0)


def test_past_the_limit_nothing_of_the_message_is_counted():
    """The row that would be one too many is not among those shown."""
    made, cap = run(), Cap(2)
    assert take_capped(made, cap, b"a", lambda run: None)
    assert take_capped(made, cap, b"b", lambda run: None)
    assert not take_capped(made, cap, b"c", lambda run: None)
    assert (made.rows, made.rows_bytes, len(made.collector.taken)) == (2, 2, 2)
