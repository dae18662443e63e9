"""Claims of the small pure parts: rows, filters, charts, listing, reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivive.model.errors import RefusedError
from quivive.web.charts import Part, share_bar
from quivive.web.filters import read_cursor, read_filters
from quivive.web.rows import instant, names, number, read_coverage, read_row, text


def part(count, code="strong", label="Expliqué"):
    return Part(code=code, label=label, count=count, figure=f"{count}")


def test_a_chart_of_nothing_is_nothing():
    """No accesses, no picture."""
    assert share_bar([part(0)], title="t") == ""


def test_a_chart_escapes_its_words():
    """Labels cannot become markup."""
    drawn = share_bar([part(3, label='<b>"x"')], title="<i>")
    assert "<b>" not in drawn
    assert "<i>" not in drawn


@given(st.lists(st.integers(min_value=0, max_value=10**9), min_size=1, max_size=6))
def test_segments_never_leave_the_chart(counts):
    """Whatever the counts, each segment lies inside."""
    drawn = share_bar([part(count) for count in counts], title="t")
    assert drawn.count("<rect") == sum(1 for count in counts if count)


@given(
    st.dictionaries(
        st.sampled_from(["controller", "action", "verdict", "period", "before", "other"]), st.text(max_size=30)
    )
)
def test_filters_pass_closed_sets_only(given_pairs):
    """Any text is either a known value or refused; the query string round-trips."""
    try:
        filters = read_filters(given_pairs)
    except RefusedError:
        return
    again = dict(pair.split("=") for pair in filters.query().split("&"))
    assert read_filters(again) == filters


@pytest.mark.parametrize("text_", ["-1", "1e3", "١٢", "9" * 18, " 1"])
def test_a_cursor_is_digits(text_):
    """Anything else is refused."""
    with pytest.raises(RefusedError):
        read_cursor(text_)


def test_rows_read_what_is_there_and_invent_nothing():
    """Absent fields are empty, lists may be lists or a single name."""
    row = read_row({"at": 5, "tables": "public.customer", "agent_code": None})
    assert (row.at, row.tables, row.agent_code, row.what) == (5, ("public.customer",), "", "customer")
    assert (text({}, "x"), number({"x": None}, "x"), names({"x": ["a"]}, "x")) == ("", 0, ("a",))
    assert instant(0) is None


def test_coverage_counts_a_class_once():
    """Rows that repeat a class per verdict do not add up."""
    row = {"controller": "a", "coverage": "exact", "accesses": 7}
    (only,) = read_coverage([row | {"verdict": "explained"}, row | {"verdict": "unknown"}])
    assert only.accesses == 7
