"""Entries that the ledger writes by itself: the opening of a month, and the gap in place of an impossible event.

Called by append. Pure.
"""

import json
from hashlib import sha256

from quivive.ledger.entry import encode_entry
from quivive.ledger.shard import Prepared, Shard
from quivive.model.access import GapCause
from quivive.model.entry import EntryKind, SpoolEvent
from quivive.model.ids import OPERATOR


def opening(previous: Shard, shard: Shard, at: int) -> Prepared:
    """First entry of a month: commits to the final checkpoint of the month before (DESIGN §7)."""
    signed = previous.log.signed
    assert signed is not None
    assert signed.size == previous.next_index
    body = {
        "checkpoint": sha256(signed.text.encode()).hexdigest(),
        "origin": signed.origin,
        "root": signed.root.hex(),
        "size": signed.size,
    }
    return _prepared(
        SpoolEvent(
            kind=EntryKind.SHARD_OPEN,
            source=f"ledger-{shard.controller}",
            epoch=int(shard.month),
            seq=1,
            captured_at=at,
            controller=shard.controller,
            key_id="",
            body=_json(body),
        ),
        at,
    )


def as_gap(event: SpoolEvent, at: int, *, known: bool, cause: GapCause = GapCause.CODEC) -> Prepared:
    """Stand in for an event that can never be an entry; an unknown controller's goes to the operator's log."""
    body = {"cause": cause, "from_at": at, "lost": 1, "of": event.source, "to_at": at}
    return _prepared(
        SpoolEvent(
            kind=EntryKind.GAP,
            source=event.source,
            epoch=event.epoch,
            seq=event.seq,
            captured_at=at,
            controller=event.controller if known else OPERATOR,
            key_id="",
            body=_json(body),
        ),
        at,
    )


def _prepared(event: SpoolEvent, at: int) -> Prepared:
    return Prepared(event=event, data=encode_entry(event, at))


def _json(body: dict[str, object]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
