"""What the gate remembers: marks of calls under way, and how many calls of a month each agent had.

Used by the gate's server. An edge: one small journal, `run/gate/<source>.marks`, so that a gate that was killed forgets
neither an objection nor a cap. Must never hold anything but pseudonyms, nor grow beyond its bounds.

Each change is handed to the kernel before its answer (it survives kill -9) and made durable each second (a power cut
may take the last one; the counts come back with the core's own, the answers are in the spool). Rewritten at the start.
"""

import contextlib
import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from quivive.model.clock import HOUR_US, Micros, utc_month
from quivive.model.errors import StorageError
from quivive.model.recording import Medium
from quivive.recordings.gate.decide import Marks
from quivive.spool.durable import make_directories, write_atomic

MAX_CALLS: Final = 50_000
"""Calls with a mark or a yes held at once: three days of the busiest site, whatever is asked."""
KEPT_US: Final = 12 * HOUR_US
"""A call is forgotten so long after it was last spoken of."""
_PRIVATE: Final = "private"
_OBJECTED: Final = "objected"
_PAYMENT: Final = "payment"
_PAID: Final = "paid"
MARKS: Final = frozenset({_PRIVATE, _OBJECTED, _PAYMENT, _PAID})
_NOTHING: Final = Marks()


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    """One line of the journal. `what`: a mark, or `medium/campaign/person` of a call that was allowed."""

    at: int
    contact: str
    what: str


_DECODER: Final = msgspec.json.Decoder(_Line)


class CallBook:
    """Open with `open`, `close` at the end; one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self._dirty = False
        self._calls: OrderedDict[str, tuple[int, Marks]] = OrderedDict()
        self._used: dict[str, int] = {}
        self._month = ""

    @classmethod
    def open(cls, path: Path, now: int) -> "CallBook":
        """Read the journal, write it again without what is over, and go on behind it.

        Raises:
            StorageError: it cannot be read or written.
        """
        book = cls(path)
        try:
            make_directories(path.parent)
            kept = [line for line in _read(path) if book._is_kept(line, now)]
            for line in kept:
                book._take(line)
            write_atomic(path, b"".join(_encoded(line) for line in kept))
            book._fd = os.open(path, os.O_WRONLY | os.O_APPEND)
        except OSError as error:
            raise StorageError(f"{path}: cannot be opened: {error.strerror}") from error
        return book

    def marks(self, contact: str) -> Marks:
        """What was said of a call; nothing of one never spoken of."""
        held = self._calls.get(contact)
        return held[1] if held else _NOTHING

    def used(self, lent: Mapping[str, int], lent_month: str, at: int) -> Any:
        """How many calls of this month, by medium, campaign and person: ours, or the core's when it knows more."""
        month = utc_month(Micros(at))
        ours = self._used if month == self._month else {}
        theirs = lent if month == lent_month else {}

        def count(medium: Medium, campaign: str, person: str) -> int:
            name = f"{medium}/{campaign}/{person}"
            return max(ours.get(name, 0), theirs.get(name, 0))

        return count

    def mark(self, contact: str, what: str, at: int) -> None:
        """Remember a mark of a call; durable within a second.

        Raises:
            StorageError: it could not be handed to the disk; it is remembered all the same.
        """
        line = _Line(at, contact, what)
        self._take(line)
        self._append(line)

    def allow(self, contact: str, medium: Medium, campaign: str, person: str, at: int) -> None:
        """Count a call that was allowed.

        Raises:
            StorageError: as `mark`.
        """
        self.mark(contact, f"{medium}/{campaign}/{person}", at)

    def sync(self) -> None:
        """Make everything durable.

        Raises:
            StorageError: the disk refuses; tried again at the next call.
        """
        if not self._dirty:
            return
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            raise StorageError(f"{self._path}: cannot be synced: {error.strerror}") from error
        self._dirty = False

    def close(self) -> None:
        """Make everything durable as far as the disk lets, and let go of the file."""
        with contextlib.suppress(StorageError):
            self.sync()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def forget(self, now: int) -> None:
        """Let go of calls that are over."""
        while self._calls and (len(self._calls) > MAX_CALLS or next(iter(self._calls.values()))[0] < now - KEPT_US):
            self._calls.popitem(last=False)

    def _append(self, line: _Line) -> None:
        self._dirty = True
        try:
            os.write(self._fd, _encoded(line))
        except OSError as error:
            raise StorageError(f"{self._path}: cannot be written: {error.strerror}") from error

    def _is_kept(self, line: _Line, now: int) -> bool:
        if line.what in MARKS:
            return line.at > now - KEPT_US
        return utc_month(Micros(line.at)) == utc_month(Micros(now)) or line.at > now - KEPT_US

    def _take(self, line: _Line) -> None:
        _, marks = self._calls.get(line.contact, (0, None))
        marks = marks if marks is not None else Marks()
        self._calls[line.contact] = (line.at, marks)
        self._calls.move_to_end(line.contact)
        if line.what == _PRIVATE:
            marks.private = True
        elif line.what == _OBJECTED:
            marks.objected = True
        elif line.what in (_PAYMENT, _PAID):
            marks.payment = line.what == _PAYMENT
        else:
            marks.allowed.add(line.what.rpartition("/")[0])
            self._count(line)
        if len(self._calls) > MAX_CALLS:
            self._calls.popitem(last=False)

    def _count(self, line: _Line) -> None:
        month = utc_month(Micros(line.at))
        if month > self._month:
            self._month, self._used = month, {}
        if month == self._month:
            self._used[line.what] = self._used.get(line.what, 0) + 1


def _encoded(line: _Line) -> bytes:
    return msgspec.json.encode(line) + b"\n"


def _read(path: Path) -> Iterator[_Line]:
    """Lines of a journal; a line that a crash cut is passed over."""
    if not path.exists():
        return
    for raw in path.read_bytes().split(b"\n"):
        if raw:
            with contextlib.suppress(msgspec.DecodeError):
                yield _DECODER.decode(raw)
