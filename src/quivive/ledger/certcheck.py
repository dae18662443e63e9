"""Missing payload against certificates: erased under certificate, or gone without one (DESIGN §7).

Called by `verify` at its end. Pure but for `entries_of`, which reads entry bundles. Must never call erased what a
certificate does not name and whose removed entries do not give the root that it states: the commitments stay in the
tiles, so anyone recomputes it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from quivive.ledger.finding import Finding, FindingCode
from quivive.ledger.merkle import CompactRoot, leaf_hash

CERTIFICATE_KINDS: Final = frozenset({"purge", "recording.purge", "erasure"})

EntriesOf = Callable[[str, int, int], Iterable[bytes]]
"""(shard, first, count) → log entries from the tiles; fewer when the tiles do not hold them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Published entries [first, last] of a shard that no segment holds."""

    shard: str
    first: int
    last: int


def certificates_in(event: bytes) -> Iterator[dict[str, Any]]:
    """The body of a certificate's entry, if this is one about the ledger."""
    if b'"certificate"' not in event:
        return
    entry = json.loads(event)
    body = entry.get("body", {})
    if entry.get("kind") in CERTIFICATE_KINDS and "removed_root" in body:
        yield body


def judge_missing(
    missing: Iterable[Missing], certificates: Iterable[Mapping[str, Any]], entries_of: EntriesOf, *, keys: bool
) -> Iterator[Finding]:
    """One finding for each stretch: erased under a certificate that holds, or missing."""
    covered = list(_covered(certificates, entries_of))
    for stretch in _joined(missing):
        at = stretch.first
        while at <= stretch.last:
            end, certificate = _next(covered, stretch.shard, at, stretch.last)
            place = f"{stretch.shard} index {at} to {end}"
            if certificate:
                yield Finding(code=FindingCode.ERASED, place=place, detail=f"erased under certificate {certificate}")
            elif keys:
                detail = "no segment holds these entries, and no certificate says why"
                yield Finding(code=FindingCode.PAYLOAD_MISSING, place=place, detail=detail)
            else:
                detail = "no segment holds these entries; without keys no certificate can be read"
                yield Finding(code=FindingCode.PAYLOAD_NOT_CHECKED, place=place, detail=detail)
            at = end + 1


def _joined(missing: Iterable[Missing]) -> list[Missing]:
    joined: list[Missing] = []
    for each in missing:
        if joined and (joined[-1].shard, joined[-1].last + 1) == (each.shard, each.first):
            joined[-1] = Missing(shard=each.shard, first=joined[-1].first, last=each.last)
        else:
            joined.append(each)
    return joined


def _next(covered: list[tuple[str, int, int, str]], shard: str, at: int, last: int) -> tuple[int, str]:
    """Where the stretch from `at` ends that one certificate covers, or none does."""
    for name, first, end, certificate in covered:
        if name == shard and first <= at <= end:
            return min(end, last), certificate
    starts = [first for name, first, _, _ in covered if name == shard and at < first <= last]
    return min(starts, default=last + 1) - 1, ""


def _covered(certificates: Iterable[Mapping[str, Any]], entries_of: EntriesOf) -> Iterator[tuple[str, int, int, str]]:
    """Ranges of the certificates that are whole and whose root is that of what they removed."""
    parts: dict[str, dict[int, Mapping[str, Any]]] = {}
    for body in certificates:
        parts.setdefault(str(body["certificate"]), {})[int(body["part"])] = body
    for certificate, found in parts.items():
        one = next(iter(found.values()))
        if set(found) != set(range(1, int(one["parts"]) + 1)):
            continue
        ranges = [item for part in sorted(found) for item in found[part]["ranges"]]
        compact, count = CompactRoot(), 0
        for item in sorted(ranges, key=lambda item: (str(item["shard"]), int(item["first"]))):
            for entry in entries_of(str(item["shard"]), int(item["first"]), int(item["count"])):
                compact.push(leaf_hash(entry))
                count += 1
        if count == int(one["count"]) and compact.root().hex() == one["removed_root"]:
            for item in ranges:
                first = int(item["first"])
                yield str(item["shard"]), first, first + int(item["count"]) - 1, f"{certificate}, {one['clause']}"
