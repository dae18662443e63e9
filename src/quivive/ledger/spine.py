"""The spine: the operator's log of every controller's head, each in a salted slot of its own (DESIGN §7; ADR 0004).

Called by the ledger after it published. Must never hold a controller's name, size or activity in a readable form:
a slot's leaf is salted, and an unused slot looks like a used one.

A spine entry is JSON, sorted keys: {"epoch","kind":"epoch","root","slots","time","v"} with the RFC 6962 root of
1,024 leaves SHA-256(slot salt ‖ checkpoint text), or {"key","kind":"key","time","v"}, where key is
SHA-256("quivive-key/v1" ‖ slot salt ‖ verifier key), so that the controller alone recognises its own.
"""

import hmac
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from quivive.ledger.merkle import complete_root, leaf_hash
from quivive.model.errors import QuiviveError

SLOTS: Final = 1_024
"""Fixed: a controller's slot never moves, and the number of controllers does not show (DESIGN §7)."""
_VERSION: Final = 1
_KEY_PREFIX: Final = b"quivive-key/v1"


class SpineError(QuiviveError):
    """A spine entry is not what it must be."""


def slot_leaf(salt: bytes, checkpoint_text: str) -> bytes:
    """Leaf of a slot; the text is the checkpoint's body, without signatures."""
    return sha256(salt + checkpoint_text.encode()).digest()


class Slots:
    """The fixed slots of one operator; the leaves of unused ones are worked out once."""

    def __init__(self, slot_secret: bytes) -> None:
        self._empty = [leaf_hash(slot_leaf(_empty_salt(slot_secret, slot), "")) for slot in range(SLOTS)]

    def root(self, used: Mapping[int, tuple[bytes, str]]) -> bytes:
        """Root over all slots; `used` maps a slot to its salt and checkpoint text."""
        leaves = list(self._empty)
        for slot, (salt, text) in used.items():
            leaves[slot] = leaf_hash(slot_leaf(salt, text))
        return complete_root(b"".join(leaves))


def _empty_salt(slot_secret: bytes, slot: int) -> bytes:
    """Salt of an unused slot: random-looking, and again the same after a restart."""
    return hmac.digest(slot_secret, b"empty-slot" + slot.to_bytes(2), "sha256")


def epoch_entry(*, epoch: int, time: int, root: bytes) -> bytes:
    """Spine entry of one epoch."""
    return _encode({"kind": "epoch", "epoch": epoch, "time": time, "slots": SLOTS, "root": root.hex()})


def key_entry(*, time: int, salt: bytes, verifier_key: str) -> bytes:
    """Spine entry that announces a log's key."""
    return _encode({"kind": "key", "time": time, "key": key_commitment(salt, verifier_key)})


def key_commitment(salt: bytes, verifier_key: str) -> str:
    """What a key event shows of a key."""
    return sha256(_KEY_PREFIX + salt + verifier_key.encode()).hexdigest()


def read_entry(data: bytes) -> dict[str, Any]:
    """Decode a spine entry.

    Raises:
        SpineError: not one of ours, or of a newer version.
    """
    try:
        document = json.loads(data)
    except ValueError as error:
        raise SpineError("a spine entry is no JSON") from error
    if not isinstance(document, dict) or document.get("v") != _VERSION or document.get("kind") not in ("epoch", "key"):
        raise SpineError("not a spine entry of a version this program knows")
    return document


def _encode(document: dict[str, object]) -> bytes:
    return json.dumps({"v": _VERSION, **document}, sort_keys=True, separators=(",", ":")).encode()
