"""Interval sets behave as sets of numbers."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from quivive.ledger.intervals import Intervals

RANGES = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 6)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=12
)


@settings(max_examples=200, deadline=None)
@given(RANGES, st.integers(1, 50), st.integers(0, 8))
def test_intervals_are_a_set(ranges, start, length):
    """Whatever the order and overlap of additions, membership, overlap and spelling are those of a set."""
    intervals, numbers = Intervals(ranges), {n for a, b in ranges for n in range(a, b + 1)}
    assert {n for n in range(1, 60) if n in intervals} == numbers
    assert intervals.overlaps(start, start + length) == bool(numbers & set(range(start, start + length + 1)))
    spelled = intervals.ranges()
    assert all(a <= b for a, b in spelled)
    assert all(b + 1 < c for (_, b), (c, _) in pairwise(spelled))
    assert intervals.maximum == max(numbers, default=0)
    expected = 0
    while expected + 1 in numbers:
        expected += 1
    assert intervals.prefix_end == expected
