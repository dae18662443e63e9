"""The JSON of `run/policy/<source>.json`: what a source may keep (DESIGN §11, "the gate").

Written by the core (`quivive.policy`), read by relays (`capture.policy`) and by the intake. Pure: bytes
in, bytes out. Must never decode a damaged or newer file into anything wider than what it says: it
raises, and the reader keeps `DRY_POLICY`.
"""

from typing import Final

import msgspec

from quivive.model.errors import StorageError
from quivive.model.gate import CapturePolicy
from quivive.model.ids import KEY_PATTERN

POLICY_FORMAT: Final = 1
MAX_POLICY_BYTES: Final = 16 << 20
"""Bytes of a policy file: 200,000 informed accounts of about 60 bytes, with room to spare."""


class _PolicyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: int
    active: bool
    informed: dict[str, int]
    keep_unknown: bool
    service_accounts: tuple[str, ...]
    limits: bool = False
    closed: bool = False
    denied: dict[str, int] = {}


_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_DECODER: Final = msgspec.json.Decoder(_PolicyFile)


def encode_policy(policy: CapturePolicy) -> bytes:
    """Encode a policy: sorted keys, so that an unchanged policy gives unchanged bytes."""
    return _ENCODER.encode(
        _PolicyFile(
            format=POLICY_FORMAT,
            active=policy.active,
            informed=policy.informed,
            keep_unknown=policy.keep_unknown,
            service_accounts=tuple(sorted(policy.service_accounts)),
            limits=policy.limits,
            closed=policy.closed,
            denied=policy.denied,
        )
    )


def decode_policy(data: bytes) -> CapturePolicy:
    """Decode a policy file.

    Raises:
        StorageError: too large, not the expected JSON, a newer format, or a key that is no AgentKey.
    """
    if len(data) > MAX_POLICY_BYTES:
        raise StorageError(f"policy file: expected at most {MAX_POLICY_BYTES} bytes, found {len(data)}")
    try:
        decoded = _DECODER.decode(data)
    except (msgspec.DecodeError, RecursionError):
        # The cause is dropped on purpose: msgspec may quote what it found.
        raise StorageError("policy file: expected the JSON this version writes, found something else") from None
    if decoded.format != POLICY_FORMAT:
        raise StorageError(f"policy file: expected format {POLICY_FORMAT}, found {decoded.format}: upgrade this relay")
    if not all(KEY_PATTERN.fullmatch(key) for key in decoded.informed):
        raise StorageError("policy file: expected 32 hexadecimal digits for each account, found another form")
    return CapturePolicy(
        active=decoded.active,
        informed=decoded.informed,
        keep_unknown=decoded.keep_unknown,
        service_accounts=decoded.service_accounts,
        limits=decoded.limits,
        closed=decoded.closed,
        denied=decoded.denied,
    )
