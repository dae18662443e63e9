"""Exhibits: copies of ledger entries with salt and proof, so that a purge never waits for a case (DESIGN §7).

Called by `cases.office` on preservation, and by the sheet to check them again. Must never take an entry that is not
published, and never count an exhibit as proved that was not verified now, from its own bytes.
"""

import base64
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from quivive.ledger.checkpoint import parse_checkpoint
from quivive.ledger.commitment import Committer
from quivive.ledger.entry import decode_entry
from quivive.ledger.log import InclusionProof, Ledger, LedgerEntry
from quivive.ledger.merkle import leaf_hash, verify_inclusion
from quivive.ledger.note import open_note, parse_verifier_key
from quivive.ledger.shard import Segment
from quivive.model.clock import DAY_US, Micros, utc_day
from quivive.model.entry import KIND_CLASS, EntryKind
from quivive.model.errors import QuiviveError
from quivive.projection.columns import access_id

MAX_DAYS: Final = 400
"""Days one case looks back over: the longest ordinary retention of traces and a margin."""


class ExhibitError(QuiviveError):
    """An exhibit whose proof does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Where to look: one controller, from–to in microseconds UTC, both included."""

    controller: str
    from_at: int
    to_at: int


def find_accesses(ledger: Ledger, stretch: Stretch, accesses: Iterable[str]) -> Iterator[LedgerEntry]:
    """Entries (every part) of the named accesses of the projection, in ledger order.

    Raises:
        StorageError: a segment cannot be read.
    """
    wanted = frozenset(accesses)
    for day in _days(stretch):
        kept = Segment(controller=stretch.controller, retention_class=KIND_CLASS[EntryKind.ACCESS], day=day)
        for entry in ledger.of_day(kept):
            if _access(entry.data) in wanted:
                yield entry


def exhibit_of(proof: InclusionProof, vkey: str) -> dict[str, Any]:
    """The document that is sealed: everything a stranger needs to check the entry, and nothing else."""
    return {
        "shard": proof.shard,
        "index": proof.index,
        "salt": proof.salt.hex(),
        "event": base64.b64encode(proof.data).decode(),
        "hashes": [each.hex() for each in proof.hashes],
        "note": proof.note,
        "vkey": vkey,
    }


def verify_exhibit(exhibit: dict[str, Any], keys: Collection[str] = ()) -> None:
    """Check an exhibit from its own bytes: event and salt → commitment → root → signed note.

    `keys`: public keys known from elsewhere; without them the exhibit is whole, but who signed it stays unchecked.

    Raises:
        ExhibitError: something does not hold, or it is no exhibit.
    """
    try:
        if keys and str(exhibit["vkey"]) not in keys:
            raise ExhibitError("signed with another key than those given")
        key = parse_verifier_key(str(exhibit["vkey"]))
        checkpoint = parse_checkpoint(open_note(str(exhibit["note"]).encode(), key))
        event, salt = base64.b64decode(str(exhibit["event"])), bytes.fromhex(str(exhibit["salt"]))
        index = int(exhibit["index"])
        verify_inclusion(
            entry_hash=leaf_hash(Committer(checkpoint.origin).log_entry(index, salt, event)),
            index=index,
            size=checkpoint.size,
            proof=[bytes.fromhex(each) for each in exhibit["hashes"]],
            root=checkpoint.root,
        )
    except (QuiviveError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ExhibitError(f"exhibit: {error}") from error


def _days(stretch: Stretch) -> list[str]:
    first, last = stretch.from_at // DAY_US, stretch.to_at // DAY_US
    return [utc_day(Micros(day * DAY_US)) for day in range(first, min(last, first + MAX_DAYS) + 1)]


def _access(data: bytes) -> str:
    """Id that the projection gives to the access of an entry, "" when it is none."""
    entry = decode_entry(data)
    if entry.kind is not EntryKind.ACCESS:
        return ""
    return access_id(entry.source, str(entry.body["access"]), int(entry.body["at"]))
