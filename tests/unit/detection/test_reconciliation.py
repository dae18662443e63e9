"""What a comparison of two sources finds: counts into findings, worst first; clocks only where there is a measure."""

from quivive.detection.reconciliation import Divergence, known_skew, reconciliation

HOUR = 3_600_000_000
NO = {"second_only": 0, "second_in_gap": 0, "first_only": 0, "first_in_gap": 0, "not_expected": 0}


def hour(number, firsts, seconds, **counts):
    return {"section": "hour", "hour_at": number * HOUR, "firsts": firsts, "seconds": seconds, **NO, **counts}


def only(standing, statements, *tables):
    return {"section": "only", "standing": standing, "tables": tables, "action": "read", "statements": statements}


def compare(*rows, skew_us=0, pairs=9):
    return reconciliation("db", "audit", rows, skew_us=skew_us, pairs=pairs, from_at=0, to_at=4 * HOUR)


def test_nothing_to_find():
    """All of both matched: a thousand of a thousand in each hour and in all; so is a period without a statement."""
    found = compare(hour(0, 10, 10), hour(1, 5, 5))
    assert (found.findings, found.matched_permille, [each.matched_permille for each in found.hours]) == (
        (), 1000, [1000, 1000],
    )  # fmt: skip
    assert compare().matched_permille == 1000


def test_a_bypass_stands_first_and_says_where():
    """Hours and tables of what the log alone tells; then holes of the log; the known gaps apart."""
    found = compare(
        hour(1, 100, 102, second_only=3, first_only=1),
        hour(3, 50, 54, second_only=1, second_in_gap=3),
        only("second_only", 1, "public.orders"),
        only("second_only", 3, "public.customer"),
        only("first_only", 1, "public.customer"),
    )
    assert [each.code for each in found.findings] == [Divergence.BYPASS, Divergence.RELAY_GAP, Divergence.RELAY_ONLY]
    bypass = found.findings[0]
    assert (bypass.statements, bypass.from_at, bypass.to_at) == (4, HOUR, 4 * HOUR)
    assert [(each.tables, each.statements) for each in bypass.touched] == [
        (("public.customer",), 3), (("public.orders",), 1),
    ]  # fmt: skip
    assert [each.matched_permille for each in found.hours] == [1_000 * 99 // 103, 1_000 * 50 // 54]


def test_one_of_a_million_is_not_all():
    """Shares are rounded down, and what was never due lowers none."""
    assert compare(hour(0, 999_999, 1_000_000, second_only=1)).matched_permille == 999
    assert compare(hour(0, 12, 10, not_expected=2)).matched_permille == 1000


def test_clocks():
    """A second of skew is a finding; too few records to measure it by are none."""
    assert known_skew([{"pairs": 5, "median_us": 7}]) == (7, 5)
    assert known_skew([{"pairs": 4, "median_us": 7}]) == (0, 4)
    assert known_skew([]) == (0, 0)
    assert [each.code for each in compare(skew_us=-1_000_000).findings] == [Divergence.CLOCK_SKEW]
    assert compare(skew_us=999_000).findings == ()
