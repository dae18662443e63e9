"""Certificates: what was removed, by which rule, by whom, and where it was looked for afterwards (DESIGN §7).

One shape for a purged day, an erased event, an ended contract and purged recordings. Made by the ledger's purge and
by `quivive.recordings`, read by `quivive verify`. Pure. Must never hold an identifier that tells who a person is, and
never be written before a search found nothing left.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

MAX_CERTIFICATE_RANGES: Final = 4_096
"""Stretches of indices in one certificate, about 120 kB of entry; a longer purge has several parts."""
MAX_BACKUP_DAYS: Final = 7
"""Depth of a backup of `keys/` (DESIGN §3): so long after a purge a copy of a destroyed key may still exist."""
POLICY_PRINCIPAL: Final = "policy"
"""Stands in `planned_by` of a purge that the sealed retention policy brought about, without a person."""


class PurgedWhat(StrEnum):
    """What one certificate speaks about."""

    DAY = "day"
    EVENT = "event"
    CONTROLLER = "controller"
    RECORDINGS = "recordings"


class PurgeRule(StrEnum):
    """Why it had to go."""

    RETENTION_ENDED = "retention_ended"
    ERASURE_ORDERED = "erasure_ordered"
    CONTRACT_ENDED = "contract_ended"
    RECORDING_RETENTION_ENDED = "recording_retention_ended"
    RECORDING_WITHOUT_PURPOSE = "recording_without_purpose"
    RECORDING_OBJECTION = "recording_objection"
    RECORDING_FOUND_AGAIN = "recording_found_again"


RULE_CLAUSE: Final[dict[PurgeRule, str]] = {
    PurgeRule.RETENTION_ENDED: "GDPR 5(1)(e); CNIL 2021-122, 8 and 19",
    PurgeRule.ERASURE_ORDERED: "GDPR 17",
    PurgeRule.CONTRACT_ENDED: "GDPR 28(3)(g)",
    PurgeRule.RECORDING_RETENTION_ENDED: "GDPR 5(1)(e); CNIL, recordings at the workplace",
    PurgeRule.RECORDING_WITHOUT_PURPOSE: "GDPR 5(1)(b); CNIL, recordings at the workplace",
    PurgeRule.RECORDING_OBJECTION: "GDPR 21",
    PurgeRule.RECORDING_FOUND_AGAIN: "GDPR 5(1)(e); a copy of what was removed already",
}
"""The text each rule rests on, as it stands in the certificate."""


class PurgePlace(StrEnum):
    """Where a purge removes, and where the search afterwards looks."""

    KEYS = "keys"
    SEGMENTS = "segments"
    SEALED = "sealed"
    HOT = "hot"
    SPOOLS = "spools"
    VAULT = "vault"
    CONNECTORS = "connectors"
    LOG = "log"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedRange:
    """Indices [first, first + count) of one shard, or of one recording campaign (`shard` is then its id)."""

    shard: str
    first: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPlace:
    """One place after the removal: how many things were looked at, how many still told something (0, or no entry)."""

    place: PurgePlace
    looked_at: int
    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateBody:
    """Body of `purge` and `recording.purge`. Instants in microseconds UTC.

    Fields:
        certificate: 32 hex digits, a function of what was removed: a repeated purge makes the same one.
        part, parts: a long list of ranges is spread over several entries, from 1.
        retention_class, day: of a purged segment (`yyyymmdd`, UTC day of the events); "" otherwise.
        campaign: recording campaign; "" otherwise.
        count: entries or recordings removed, all parts together. ranges: those of this part.
        removed_root: RFC 6962 root (64 hex digits) over the removed identifiers of all parts, in order: for the ledger
            the 33-byte log entries (commitments, which stay in the tiles: anyone recomputes it), for recordings
            their sorted ids in UTF-8.
        declared_days: retention that was in force; 0 where no period applies.
        policy: SHA-256 (64 hex digits) of the retention policy in force; "" for an order.
        planned_by, approved_by: principals, two different ones; POLICY_PRINCIPAL and "" for a scheduled purge.
        approval: id of the approval it was carried out under; "" for a scheduled purge.
        keys_destroyed: ids of the day keys, as they stand in the frames' headers.
        executed_at: all was removed. verified_absent_at: the search that found nothing ended.
        backup_days_max: backups of `keys/` may hold the destroyed keys so many days more.
        declared_by_vendor: a supplier told us that it is gone; we could not look.
    """

    certificate: str
    what: PurgedWhat
    controller: str
    rule: PurgeRule
    clause: str
    count: int
    ranges: tuple[RemovedRange, ...]
    removed_root: str
    declared_days: int
    planned_by: str
    approved_by: str
    approval: str
    keys_destroyed: tuple[str, ...]
    executed_at: int
    verified_absent_at: int
    places: tuple[CheckedPlace, ...]
    backup_days_max: int
    declared_by_vendor: bool
    policy: str = ""
    retention_class: str = ""
    day: str = ""
    campaign: str = ""
    part: int = 1
    parts: int = 1


def certificate_id(what: PurgedWhat, controller: str, removed_root: str, *rest: str) -> str:
    """Identifier of a certificate: a function of what it certifies, so that a resumed purge writes the same one."""
    text = "\x1f".join(("quivive-certificate/v1", what.value, controller, removed_root, *rest))
    return sha256(text.encode()).hexdigest()[:32]


def removed_root(identifiers: Iterable[bytes]) -> str:
    """RFC 6962 root over the removed identifiers, in the order given, as 64 hex digits.

    The caller sorts them: by shard and index for the ledger, by bytes for recordings. Memory is one hash per level.
    """
    subtrees: list[tuple[int, bytes]] = []
    for identifier in identifiers:
        size, node = 1, sha256(b"\x00" + identifier).digest()
        while subtrees and subtrees[-1][0] == size:
            size, node = 2 * size, _node(subtrees.pop()[1], node)
        subtrees.append((size, node))
    if not subtrees:
        return sha256().hexdigest()
    root = subtrees.pop()[1]
    while subtrees:
        root = _node(subtrees.pop()[1], root)
    return root.hex()


def in_parts(ranges: Iterable[RemovedRange]) -> list[tuple[RemovedRange, ...]]:
    """Spread ranges over as many certificates as they need; at least one."""
    every = tuple(ranges)
    return [every[at : at + MAX_CERTIFICATE_RANGES] for at in range(0, len(every), MAX_CERTIFICATE_RANGES)] or [()]


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
