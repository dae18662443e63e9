"""What the core itself writes: governance entries through its own spool, like any other source.

Called by the core's threads and its control socket. Must never write past the spool: the ledger has one
way in. Thread-safe: one lock around one SpoolWriter.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from quivive.model.access import GapBody, GapCause
from quivive.model.entry import EntryKind
from quivive.model.ids import OPERATOR
from quivive.spool.writer import SpoolWriter

CORE_SOURCE: Final = "core"
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


class CoreWriter:
    """Durable governance entries. Build once per core; `close` marks the spool clean."""

    def __init__(self, home: Path, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._spool = SpoolWriter.open(home / "spool", CORE_SOURCE, clock())
        previous = self._spool.previous
        if previous is not None and not previous.clean:
            body = GapBody(from_at=previous.last_captured_at, to_at=clock(), cause=GapCause.SOURCE_KILLED, lost=-1)
            self.gap(body)

    def write(self, kind: EntryKind, body: Any, *, controller: str = OPERATOR, at: int | None = None) -> None:
        """Append one entry and wait until the disk has it. `body` is a body dataclass or a plain object.

        Raises:
            StorageError: the disk refuses; nothing was acknowledged.
        """
        encoded = _ENCODER.encode(body)
        with self._lock:
            self._spool.append(
                kind=kind,
                captured_at=self._clock() if at is None else at,
                controller=controller,
                key_id="",
                body=encoded,
            )
            self._spool.sync()

    @property
    def place(self) -> tuple[int, int]:
        """Epoch and number of the last durable entry: the ledger has them all when its cursor is there."""
        return self._spool.epoch, self._spool.durable_seq

    def gap(self, body: GapBody) -> None:
        """Write that sight of a source (`body.of`) was lost."""
        self.write(EntryKind.GAP, body)

    def settle(self) -> None:
        """Try again what the disk refused: it was not acknowledged, and is not forgotten either.

        Raises:
            StorageError: the disk still refuses.
        """
        with self._lock:
            if self._spool.dirty:
                self._spool.sync()

    def close(self) -> None:
        """Mark the epoch clean."""
        with self._lock:
            self._spool.close()
