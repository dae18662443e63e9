"""Proofs for offline use (https://c2sp.org/tlog-proof).

Called by `evidence` to check and by the bundle to write. Pure. The extra data of our proofs is the salt (32 bytes)
followed by the event; for the spine it is the entry itself.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from quivive.model.errors import QuiviveError

MAX_PROOF_HASHES: Final = 63
MAX_PROOF_CHARACTERS: Final = 32_000_000
"""Above one frame's events, in base64."""
_HEADER: Final = "c2sp.org/tlog-proof@v1"


class ProofFormatError(QuiviveError):
    """Not a tlog-proof."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlogProof:
    """One entry's proof: `note` is the signed checkpoint, verbatim."""

    index: int
    hashes: tuple[bytes, ...]
    note: str
    extra: bytes = b""

    @property
    def text(self) -> str:
        """The file."""
        extra = [f"extra {base64.b64encode(self.extra).decode()}"] if self.extra else []
        path = [base64.b64encode(each).decode() for each in self.hashes]
        return "\n".join([_HEADER, *extra, f"index {self.index}", *path, "", self.note])


def parse_proof(text: str) -> TlogProof:
    """Read a proof; one spelling only.

    Raises:
        ProofFormatError: anything else.
    """
    head, _, note = text.partition("\n\n")
    lines = head.split("\n")
    try:
        extra = base64.b64decode(lines.pop(1).removeprefix("extra "), validate=True) if "\nextra " in head else b""
        hashes = tuple(base64.b64decode(line, validate=True) for line in lines[2:])
        proof = TlogProof(index=int(lines[1].removeprefix("index ")), hashes=hashes, note=note, extra=extra)
    except (ValueError, IndexError, binascii.Error) as error:
        raise ProofFormatError("not a tlog-proof") from error
    if proof.text != text or len(hashes) > MAX_PROOF_HASHES or len(text) > MAX_PROOF_CHARACTERS or proof.index < 0:
        raise ProofFormatError("not a tlog-proof")
    return proof
