"""Golden transcripts for the codec tests, and an observer that writes down what a PgSession tells it."""

import itertools
from pathlib import Path

from quivive.wire.postgres.rows import cut_first, cut_head, skip_rows
from quivive.wire.postgres.session import PgSession
from quivive.wire.postgres.state import Execution, Statement

FOLDER = Path(__file__).parents[3] / "golden" / "postgres"
NAMES = sorted(path.stem for path in FOLDER.glob("*.bin"))
Read = tuple[str, bytes]


def transcript(name: str) -> list[Read]:
    """Reads of a transcript: ("C" or "S", bytes)."""
    data, reads, at = (FOLDER / f"{name}.bin").read_bytes(), [], 0
    while at < len(data):
        size = int.from_bytes(data[at + 1 : at + 5], "big")
        reads.append((data[at : at + 1].decode(), data[at + 5 : at + 5 + size]))
        at += 5 + size
    return reads


class Notes:
    """An observer that remembers. `refuse` refuses every execution; `later` blocks the first rows once."""

    def __init__(self, *, refuse: bool = False, later: bool = False) -> None:
        self.events: list[tuple[object, ...]] = []
        self.rows_of: dict[int, int] = {}
        self.first: dict[int, list[bytes | None]] = {}
        self.numbers: dict[int, int] = {}
        self.kept: list[Execution] = []
        self.refuse = refuse
        self.later = later

    def _number(self, execution: Execution | None) -> int:
        if execution is None:
            return -1
        if id(execution) not in self.numbers:
            self.numbers[id(execution)] = len(self.kept)
            self.kept.append(execution)
        return self.numbers[id(execution)]

    def known(self, text: bytes, *, whole: bool) -> bytes:
        return text

    def query(self, text: bytes, *, whole: bool) -> tuple[Statement, int]:
        return Statement(text), max(1, len([part for part in text.split(b";") if part.strip()]))

    def place(self) -> None:
        """Names mean the same everywhere."""

    def sent(self, execution: Execution) -> bool:
        if self.refuse:
            return False
        self.events.append(
            ("sent", self._number(execution), execution.statement.known, execution.index, tuple(execution.binds))
        )
        return True

    def sync_sent(self) -> None:
        self.events.append(("sync",))

    def described(self, execution: Execution, fields: tuple[object, ...]) -> None:
        self.events.append(("described", self._number(execution), fields))

    def rows(self, execution: Execution, buffer: bytes, start: int, end: int) -> int:
        if self.later:
            self.later = False
            return start
        number = self._number(execution)
        position, count = skip_rows(buffer, start, end)
        cut: list[tuple[bytes | None, ...]] = []
        assert cut_first(buffer, start, end, count, cut) == position
        self.rows_of[number] = self.rows_of.get(number, 0) + count
        self.first.setdefault(number, []).extend(row[0] for row in cut)
        return position

    def cut_row(self, execution: Execution, head: bytes) -> None:
        row = cut_head(head, (0,))
        number = self._number(execution)
        self.rows_of[number] = self.rows_of.get(number, 0) + 1
        self.first.setdefault(number, []).append(row[0] if row else None)

    def copy_out(self, execution: Execution) -> bool:
        self.events.append(("copy_out", self._number(execution)))
        return True

    def copy_data(self, execution: Execution, buffer: bytes, start: int, end: int, *, outbound: bool) -> None:
        self.events.append(("copy", self._number(execution), outbound, buffer[start:end]))

    def suspended(self, execution: Execution) -> None:
        self.events.append(("suspended", self._number(execution)))

    def closed(self, execution: Execution) -> None:
        self.events.append(("closed", self._number(execution)))

    def completed(self, execution: Execution, tag: bytes) -> None:
        self.events.append(("completed", self._number(execution), tag))

    def failed(self, execution: Execution | None, state: str) -> None:
        self.events.append(("failed", self._number(execution), state))

    def skipped(self, execution: Execution) -> None:
        self.events.append(("skipped", self._number(execution)))

    def sync_skipped(self) -> None:
        self.events.append(("sync_skipped",))

    def ready(self, status: int) -> None:
        self.events.append(("ready", chr(status)))

    def reported(self, name: bytes, value: bytes) -> None:
        self.events.append(("reported", name, value))

    def story(self) -> tuple[object, ...]:
        """Everything told, comparable."""
        return tuple(self.events), self.rows_of, self.first

    def tags(self) -> list[bytes]:
        """CommandComplete tags in order."""
        return [event[2] for event in self.events if event[0] == "completed"]  # type: ignore[misc]


def play(reads: list[Read], notes: Notes, *, guarded: bool = False) -> tuple[PgSession, bytes, bytes]:
    """Feed reads to a session; return it and the bytes it lets pass (to server, to client)."""
    session = PgSession(notes, guarded=guarded, refusal=b"<refused>")
    to_server, to_client = bytearray(), bytearray()
    for way, data in reads:
        if way == "C":
            to_server += session.client_bytes(data)
        else:
            to_client += session.server_bytes(data)
            while session.blocked:
                to_client += session.server_bytes(b"")
    return session, bytes(to_server), bytes(to_client)


def split(reads: list[Read], cuts: "callable[[int], list[int]]") -> list[Read]:  # type: ignore[valid-type]
    """The same bytes in the same order, each read cut at the offsets that `cuts(length)` gives."""
    out: list[Read] = []
    for way, data in reads:
        edges = [0, *sorted(set(cuts(len(data)))), len(data)]  # type: ignore[misc]
        out += [(way, data[a:b]) for a, b in itertools.pairwise(edges) if b > a]
    return out
