"""What a reader needs of the spine: a slot's leaf, and the entries of the operator's log (ADR 0004).

Called by `verify` and the evidence a controller holds; `spine` writes. Pure, standard library only.
"""

import json
from hashlib import sha256
from typing import Any, Final

from quivive.model.errors import QuiviveError

SLOTS: Final = 1_024
"""Fixed: a controller's slot never moves, and the number of controllers does not show (DESIGN §7)."""
SPINE_VERSION: Final = 1
SPINE_KINDS: Final = ("epoch", "key", "key.event", "timestamp")


class SpineError(QuiviveError):
    """A spine entry is not what it must be."""


def slot_leaf(salt: bytes, checkpoint_text: str) -> bytes:
    """Leaf of a slot; the text is the checkpoint's body, without signatures."""
    return sha256(salt + checkpoint_text.encode()).digest()


def read_entry(data: bytes) -> dict[str, Any]:
    """Decode a spine entry.

    Raises:
        SpineError: not one of ours, or of a newer version.
    """
    try:
        document = json.loads(data)
    except ValueError as error:
        raise SpineError("a spine entry is no JSON") from error
    if not isinstance(document, dict) or document.get("v") != SPINE_VERSION or document.get("kind") not in SPINE_KINDS:
        raise SpineError("not a spine entry of a version this program knows")
    return document
