"""The pseudonyms of `privacy.pseudonym`, many at a time: HMAC with its key schedule done once per table.

Called by capture's key collectors, the hot loop of large results (a key: 0.9 µs, 0.14 compiled (`many`), 1.05 with
hashlib's objects, 2.2 with hmac.digest). Pure. Must always equal `record_key` and `alternate_key`: a test compares.
"""

import hashlib
import importlib
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from quivive.privacy import many
from quivive.privacy.pseudonym import PSEUDONYM_BYTES, ControllerKeys

_BLOCK: Final = 64  # SHA-256 block, bytes (RFC 2104: key padded to it, XOR 0x36 inside, 0x5C outside)
MAX_HASHERS: Final = 1_024
"""Tables and alternate kinds whose hashers are kept (under 1 kB each)."""
LEAST: Final = 8
"""Texts that are worth sixteen lanes."""
_SEPARATOR: Final = b"\x1f"


def _own_sha256() -> "Callable[[bytes], hashlib._Hash]":
    """The interpreter's own SHA-256, whose state is copied in less time than OpenSSL's; hashlib's where it has none."""
    for module in ("_sha2", "_sha256"):  # Python 3.12 and later, before
        try:
            found: Callable[[bytes], hashlib._Hash] = importlib.import_module(module).sha256
        except (ImportError, AttributeError):
            continue
        return found
    return hashlib.sha256


_sha256: Final = _own_sha256()


class KeyHasher:
    """Pseudonym of canonical key texts of one table (or one alternate kind)."""

    __slots__ = ("_inner", "_lanes", "_outer")

    def __init__(self, key: bytes, tag: bytes, first: str) -> None:
        padded = (key if len(key) <= _BLOCK else hashlib.sha256(key).digest()).ljust(_BLOCK, b"\0")
        begun = bytes(octet ^ 0x36 for octet in padded) + tag + _SEPARATOR + first.encode() + _SEPARATOR
        ended = bytes(octet ^ 0x5C for octet in padded)
        self._inner, self._outer = _sha256(begun), _sha256(ended)
        self._lanes = (many.Midstate(begun), many.Midstate(ended)) if many.COMPILED else None

    @property
    def copies(self) -> "tuple[Callable[[], hashlib._Hash], Callable[[], hashlib._Hash]]":
        """What makes a fresh inner and outer hash, for a loop that cannot afford a call."""
        return self._inner.copy, self._outer.copy

    def __call__(self, canonical: bytes) -> str:
        """32 hexadecimal digits for one canonical text in UTF-8."""
        inner = self._inner.copy()
        inner.update(canonical)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()[:PSEUDONYM_BYTES].hex()

    def many(self, canonicals: list[bytes]) -> list[str]:
        """The same for many texts, without a call for each."""
        lanes = self._lanes
        if (
            lanes is not None
            and len(canonicals) >= LEAST
            and max(map(len, canonicals)) <= many.ROOM - len(lanes[0].rest)
        ):
            return many.pseudonyms(lanes[0], lanes[1], canonicals)
        inner_copy, outer_copy = self._inner.copy, self._outer.copy
        digits = 2 * PSEUDONYM_BYTES
        found: list[str] = []
        keep = found.append
        for canonical in canonicals:
            inner = inner_copy()
            inner.update(canonical)
            outer = outer_copy()
            outer.update(inner.digest())
            keep(outer.hexdigest()[:digits])
        return found


def blocks(texts: list[bytes], shift: int) -> set[int]:
    """The integers that the texts are, shifted: neighbourhoods, each once."""
    if many.COMPILED:
        return many.blocks(texts, shift)
    return {int(text) >> shift for text in texts}


@lru_cache(maxsize=MAX_HASHERS)
def record_hasher(keys: ControllerKeys, table: str) -> KeyHasher:
    """Hasher equal to `record_key(keys, table, …)`."""
    return KeyHasher(keys.record, b"record", table)


@lru_cache(maxsize=MAX_HASHERS)
def alternate_hasher(keys: ControllerKeys, kind: str) -> KeyHasher:
    """Hasher equal to `alternate_key(keys, kind, …)`."""
    return KeyHasher(keys.record, b"alternate", kind)


@lru_cache(maxsize=MAX_HASHERS)
def neighbourhood_hasher(keys: ControllerKeys, table: str) -> KeyHasher:
    """Hasher whose first 16 digits equal `neighbourhood(keys, table, …)` of a shifted integer's text."""
    return KeyHasher(keys.record, b"neighbourhood", table)
