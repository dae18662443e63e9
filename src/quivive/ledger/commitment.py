"""What stands in the public log for one event: a salted commitment bound to its shard and index (ADR 0001).

Called by append and `verify`. Pure, standard library only. Once the salt is erased, nothing about the event can
be derived or confirmed from what remains.

commitment = SHA-256("quivive-entry/v1" ‖ SHA-256(origin) ‖ index u64 ‖ salt 32 ‖ event bytes)
log entry  = 0x01 ‖ commitment
"""

from hashlib import sha256
from typing import Final

SALT_BYTES: Final = 32
ENTRY_BYTES: Final = 33
_PREFIX: Final = b"quivive-entry/v1"
_TYPE: Final = b"\x01"


class Committer:
    """Commitments of one shard."""

    def __init__(self, origin: str) -> None:
        self._start = sha256(_PREFIX + sha256(origin.encode()).digest())

    def log_entry(self, index: int, salt: bytes, event: bytes) -> bytes:
        """Return the 33 bytes that the log holds at `index`."""
        digest = self._start.copy()
        digest.update(index.to_bytes(8) + salt)
        digest.update(event)
        return _TYPE + digest.digest()
