"""Keeps the register of recordings in memory and `run/gate.json` in step with it.

Fed by the pipeline with every batch of entries, through `core.policies`; loaded at the start from the projection
(campaigns stand in their controllers' logs) and the operator's log. Must never write a wider policy than
`recordings.policy` computed. Thread-safe.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Protocol

import structlog

from quivive.ledger.entry import decode_entry
from quivive.model.entry import EntryKind
from quivive.model.errors import StorageError
from quivive.projection.projection import Projection
from quivive.recordings.policy import encode_policy
from quivive.recordings.register import BODIES, Register
from quivive.spool.durable import make_directories, write_atomic

GATE_FILE: Final = "gate.json"
_KINDS: Final = re.compile(rb'"kind":"(' + b"|".join(re.escape(kind.encode()) for kind in BODIES) + rb')"')
log = structlog.get_logger("quivive.core")


class LedgerEntryLike(Protocol):
    """What is read of a ledger entry."""

    @property
    def shard(self) -> str: ...
    @property
    def data(self) -> bytes: ...


class RecordingKeeper:
    """The register, and the gate's file beside it."""

    def __init__(self, home: Path, clock: Callable[[], int]) -> None:
        self.register = Register()
        self._path, self._clock = home / "run" / GATE_FILE, clock

    def load(self, projection: Projection) -> None:
        """Read the campaigns that are projected already; what is not comes by `take`."""
        with projection.reading() as cursor:
            rows = cursor.execute("SELECT body FROM register_campaign ORDER BY campaign, version, rank").fetchall()
        for (body,) in rows:
            self.register.put_json(EntryKind.RECORDING_CAMPAIGN, str(body).encode())

    def take(self, entries: Iterable[LedgerEntryLike]) -> bool:
        """Take in entries of the register's kinds; True when there were any."""
        changed = False
        for item in entries:
            if _KINDS.search(item.data):
                entry = decode_entry(item.data)
                if entry.kind in BODIES:
                    self.register.put(entry.kind, entry.body)
                    changed = True
        return changed

    def refresh(self) -> None:
        """Write the gate's policy of now; it is good for a quarter of an hour, so it is written each minute.

        Raises:
            StorageError: it cannot be written; the gate goes on with the former one until that is too old.
        """
        try:
            make_directories(self._path.parent)
            write_atomic(self._path, encode_policy(self.register.policy(self._clock())))
        except OSError as error:
            raise StorageError(f"run/{GATE_FILE}: cannot be written: {error.strerror}") from error
