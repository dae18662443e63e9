"""Numbers of a day: held, in how many epochs, and which never arrived."""

from quivive.ledger.intervals import Intervals
from quivive.ledger.sequences import day_numbers, held


def test_a_number_that_never_arrived_is_missing():
    """Between the first and the last of the day; what another day holds is not missing."""
    known = {("crm", 1): Intervals([(1, 4), (6, 10)]), ("crm", 2): Intervals([(1, 3)])}
    (told,) = day_numbers([("crm", 1, ((1, 3),)), ("crm", 1, ((8, 10),)), ("crm", 2, ((1, 3),))], known)
    assert (told.source, told.entries, told.epochs, told.missing) == ("crm", 9, 2, 1)


def test_sources_are_told_apart():
    """Each source has its own numbers."""
    known = {("a", 1): Intervals([(1, 2)]), ("b", 1): Intervals([(2, 2)])}
    assert [(each.source, each.missing) for each in day_numbers([("b", 1, ((2, 2),)), ("a", 1, ((1, 2),))], known)] == [
        ("a", 0),
        ("b", 0),
    ]
    assert held(Intervals([(1, 5), (9, 9)]), 4, 9) == 3
