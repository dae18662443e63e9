"""What the core lends the gate beside the policy: who may ask, the seeds of the draws, what a month has used already.

`core.gate_lending` writes `run/gate-lent.json` (its owner's alone), `recordings.gate` reads it. Pure: bytes in, bytes
out. Must never hold a token in clear, and never a seed beyond the days the gate may live without the core.
"""

from dataclasses import dataclass, field
from typing import Final

import msgspec

from quivive.model.errors import StorageError

LENT_FORMAT: Final = 1
MAX_LENT_BYTES: Final = 32 << 20
"""Bytes of the file: 50 campaigns × 10,000 agents × about 60 bytes of counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """The whole file.

    Fields:
        tokens: source → SHA-256 (64 hex digits) of each token that may ask for it.
        seeds: `controller/campaign/yyyymmdd` → seed, 64 hex digits.
        used: `medium/campaign/PersonKey` → calls allowed in `month` (`yyyymm`), as the projection knows them.
    """

    format: int = LENT_FORMAT
    tokens: dict[str, tuple[str, ...]] = field(default_factory=dict)
    seeds: dict[str, str] = field(default_factory=dict)
    month: str = ""
    used: dict[str, int] = field(default_factory=dict)


NOTHING_LENT: Final = Lent()
_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_DECODER: Final = msgspec.json.Decoder(Lent)


def seed_name(controller: str, campaign: str, day: str) -> str:
    """Name of a seed in `Lent.seeds`."""
    return f"{controller}/{campaign}/{day}"


def encode_lent(lent: Lent) -> bytes:
    """Encode: sorted keys, so that an unchanged loan gives unchanged bytes."""
    return _ENCODER.encode(lent)


def decode_lent(data: bytes) -> Lent:
    """Decode the file.

    Raises:
        StorageError: too large, not the expected JSON, or a newer format; the reader keeps `NOTHING_LENT`.
    """
    if len(data) > MAX_LENT_BYTES:
        raise StorageError(f"gate loan: expected at most {MAX_LENT_BYTES} bytes, found {len(data)}")
    try:
        lent = _DECODER.decode(data)
    except (msgspec.DecodeError, RecursionError):
        # The cause is dropped on purpose: msgspec may quote what it found.
        raise StorageError("gate loan: expected the JSON this version writes, found something else") from None
    if lent.format != LENT_FORMAT:
        raise StorageError(f"gate loan: expected format {LENT_FORMAT}, found {lent.format}: upgrade this gate")
    return lent
