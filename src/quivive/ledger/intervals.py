"""Sets of sequence numbers as closed intervals: exactly once per (source, epoch, seq).

Called by append, recovery and `verify`. Pure. An epoch without loss is one interval, whatever its length.
"""

from bisect import bisect_right
from collections.abc import Iterable


class Intervals:
    """A set of positive integers, kept as sorted, disjoint, non-adjacent closed intervals."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in ranges:
            self.add(start, end)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._starts, number) - 1
        return at >= 0 and number <= self._ends[at]

    def overlaps(self, start: int, end: int) -> bool:
        """Whether any number of [start, end] is in the set."""
        at = bisect_right(self._starts, end) - 1
        return at >= 0 and self._ends[at] >= start

    def add(self, start: int, end: int) -> None:
        """Add every number of [start, end]."""
        assert 0 < start <= end
        first = bisect_right(self._ends, start - 2)  # first interval that touches or follows start - 1
        last = bisect_right(self._starts, end + 1)  # one past the last interval that touches or precedes end + 1
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def ranges(self) -> list[tuple[int, int]]:
        """The intervals, in order."""
        return list(zip(self._starts, self._ends, strict=True))

    @property
    def prefix_end(self) -> int:
        """Largest n such that 1..n are all in the set; 0 without 1."""
        return self._ends[0] if self._starts and self._starts[0] == 1 else 0

    @property
    def maximum(self) -> int:
        """Largest number of the set; 0 when empty."""
        return self._ends[-1] if self._ends else 0
