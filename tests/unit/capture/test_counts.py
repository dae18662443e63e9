"""Counters per shape and minute add up and stay bounded."""

from quivive.capture.counts import MAX_COUNTED, Counts
from quivive.model.access import Action, CoverageClass
from quivive.model.clock import MINUTE_US


def add(counts: Counts, now: int, shape: str = "s", rows: int = 1, *, attributed: bool = True) -> None:
    counts.add(
        now,
        shape=shape,
        action=Action.READ,
        tables=("public.t",),
        coverage=CoverageClass.EXACT,
        attributed=attributed,
        rows=rows,
        wildcards=0,
        dry=False,
    )


def test_same_shape_and_minute_add_up() -> None:
    """Two statements of a shape within a minute are one body."""
    counts = Counts()
    add(counts, MINUTE_US + 5)
    add(counts, MINUTE_US + 9, rows=4, attributed=False)
    (body,) = counts.take(MINUTE_US + 10)
    assert (body.minute_at, body.statements, body.rows, body.statements_attributed) == (MINUTE_US, 2, 5, 1)
    assert counts.take(MINUTE_US + 11) == []


def test_minutes_are_told_apart() -> None:
    """A new minute begins new counters."""
    counts = Counts()
    add(counts, 0)
    add(counts, MINUTE_US)
    assert [body.minute_at for body in counts.take(MINUTE_US)] == [0, MINUTE_US]


def test_counters_are_bounded() -> None:
    """More shapes than the bound lose nothing."""
    counts = Counts()
    for number in range(MAX_COUNTED + 10):
        add(counts, 0, shape=str(number))
    assert sum(body.statements for body in counts.take(0)) == MAX_COUNTED + 10
