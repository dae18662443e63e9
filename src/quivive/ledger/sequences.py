"""Completeness by numbers: what a source numbered on one day, and which of those numbers never arrived (DESIGN §7).

Called by the report of completeness. Pure. The tree proves that nothing was altered, not that everything was captured:
numbers without holes, signs of life and gaps show that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from quivive.ledger.frame import SourceRanges
from quivive.ledger.intervals import Intervals


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNumbers:
    """One source on one day: entries held, epochs (starts of the source), and numbers between them that are nowhere."""

    source: str
    entries: int
    epochs: int
    missing: int


def day_numbers(
    ranges: Iterable[SourceRanges], known: Mapping[tuple[str, int], Intervals]
) -> tuple[SourceNumbers, ...]:
    """Count one day's numbers. `ranges` are those of the day's segments, `known` every number that the ledger took.

    A number that went to another day or another controller is known, hence not missing.
    """
    by_source: dict[str, dict[int, list[tuple[int, int]]]] = {}
    for source, epoch, intervals in ranges:
        by_source.setdefault(source, {}).setdefault(epoch, []).extend(intervals)
    told = []
    for source, epochs in sorted(by_source.items()):
        entries = missing = 0
        for epoch, found in epochs.items():
            entries += sum(end - start + 1 for start, end in found)
            first, last = min(start for start, _ in found), max(end for _, end in found)
            missing += last - first + 1 - held(known.get((source, epoch), Intervals()), first, last)
        told.append(SourceNumbers(source=source, entries=entries, epochs=len(epochs), missing=missing))
    return tuple(told)


def held(known: Intervals, first: int, last: int) -> int:
    """How many numbers of [first, last] are known."""
    return sum(max(0, min(end, last) - max(start, first) + 1) for start, end in known.ranges())
