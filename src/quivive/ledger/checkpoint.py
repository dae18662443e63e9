"""Checkpoints (https://c2sp.org/tlog-checkpoint): origin, size, root; and the origins of our logs.

Called by publication and `verify`. Pure. A text that would read back differently can never be produced.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from quivive.ledger.merkle import HASH_BYTES
from quivive.model.errors import QuiviveError

ORIGIN_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9.-]*(?:/[a-z0-9][a-z0-9.-]*)*")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_LINES: Final = 3


class CheckpointError(QuiviveError):
    """Not a checkpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The head of a log: what a signature covers."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """Body of the signed note."""
        assert ORIGIN_PATTERN.fullmatch(self.origin)
        assert self.size >= 0
        assert len(self.root) == HASH_BYTES
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint without extension lines (we write none).

    Raises:
        CheckpointError: anything else.
    """
    lines = text.split("\n")
    if len(lines) != _LINES + 1 or lines[_LINES] or not _SIZE.fullmatch(lines[1]):
        raise CheckpointError("not a checkpoint of three lines")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except binascii.Error as error:
        raise CheckpointError("the root is not base64") from error
    if not ORIGIN_PATTERN.fullmatch(lines[0]) or len(root) != HASH_BYTES:
        raise CheckpointError("the origin or the root is malformed")
    checkpoint = Checkpoint(origin=lines[0], size=int(lines[1]), root=root)
    if checkpoint.text != text:
        raise CheckpointError("the checkpoint has two spellings")
    return checkpoint
