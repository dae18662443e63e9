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
from typing import Final

from quivive.ledger.merkle import leaf_hash
from quivive.ledger.proofs import complete_root
from quivive.ledger.slot import SLOTS, SPINE_VERSION, slot_leaf

_KEY_PREFIX: Final = b"quivive-key/v1"


def log_origin(operator_origin: str, log_id: str, month: str) -> str:
    """Origin of one controller's log of one month: no name in it (DESIGN §7)."""
    return f"{operator_origin}/l/{log_id}/{month}"


def spine_origin(operator_origin: str) -> str:
    """Origin of the operator's spine."""
    return f"{operator_origin}/spine"


class Slots:
    """The fixed slots of one operator; the leaves of unused ones are worked out once."""

    def __init__(self, slot_secret: bytes) -> None:
        self._empty = [leaf_hash(slot_leaf(_empty_salt(slot_secret, slot), "")) for slot in range(SLOTS)]

    def root(self, used: Mapping[int, tuple[bytes, str]]) -> bytes:
        """Root over all slots; `used` maps a slot to its salt and checkpoint text."""
        return complete_root(b"".join(self.leaves(used)))

    def leaves(self, used: Mapping[int, tuple[bytes, str]]) -> list[bytes]:
        """Hash of every slot's leaf, in order."""
        leaves = list(self._empty)
        for slot, (salt, text) in used.items():
            leaves[slot] = leaf_hash(slot_leaf(salt, text))
        return leaves


def _empty_salt(slot_secret: bytes, slot: int) -> bytes:
    """Salt of an unused slot: random-looking, and again the same after a restart."""
    return hmac.digest(slot_secret, b"empty-slot" + slot.to_bytes(2), "sha256")


def epoch_entry(*, epoch: int, time: int, root: bytes) -> bytes:
    """Spine entry of one epoch."""
    return _encode({"kind": "epoch", "epoch": epoch, "time": time, "slots": SLOTS, "root": root.hex()})


def key_entry(*, time: int, salt: bytes, verifier_key: str) -> bytes:
    """Spine entry that announces a log's key."""
    return _encode({"kind": "key", "time": time, "key": key_commitment(salt, verifier_key)})


def key_event_entry(*, event: str, log: str, size: int, witnessed: int, reason: str, time: int) -> bytes:
    """Spine entry that ends a signing key.

    `log` names the old key, `size` is the spine's, `witnessed` the largest size that others have cosigned: what an
    attacker signs beyond it with the old key counts for nothing.
    """
    document = {"event": event, "log": log, "size": size, "witnessed": witnessed, "reason": reason, "time": time}
    return _encode({"kind": "key.event", **document})


def timestamp_entry(*, authority: str, size: int, token: str, time: int) -> bytes:
    """Spine entry that names a time-stamp token by its SHA-256, over the checkpoint of `size`."""
    return _encode({"kind": "timestamp", "authority": authority, "size": size, "token": token, "time": time})


def key_commitment(salt: bytes, verifier_key: str) -> str:
    """What a key event shows of a key."""
    return sha256(_KEY_PREFIX + salt + verifier_key.encode()).hexdigest()


def _encode(document: dict[str, object]) -> bytes:
    return json.dumps({"v": SPINE_VERSION, **document}, sort_keys=True, separators=(",", ":")).encode()
