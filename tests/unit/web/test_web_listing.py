"""Claims about quivive.web.listing: a page break never swallows a row."""

from types import SimpleNamespace

import pytest

from quivive.web.listing import page_length


@pytest.mark.parametrize(
    ("instants", "limit", "length"),
    [
        ([], 2, 0),
        ([9, 8], 2, 2),
        ([9, 8, 7], 2, 2),
        ([9, 8, 8], 2, 1),
        ([9, 9, 8, 8, 8, 7], 4, 2),
        ([5, 5, 5], 2, 2),
    ],
)
def test_rows_of_one_instant_stay_together(instants, limit, length):
    """The rows of the instant at the edge go to the next page together, unless they fill a page alone."""
    assert page_length([SimpleNamespace(at=at) for at in instants], limit) == length


@pytest.mark.parametrize("limit", [3, 4, 5])
def test_paging_by_instant_shows_every_row_once(limit):
    """Pages that each start before the last instant shown give every row exactly once."""
    rows = [SimpleNamespace(at=at, number=number) for number, at in enumerate([9, 9, 8, 7, 7, 7, 6, 5, 5, 4])]
    seen, before = [], 10
    while rest := [row for row in rows if row.at < before]:
        page = rest[: limit + 1]
        shown = page[: page_length(page, limit)]
        seen += [row.number for row in shown]
        before = shown[-1].at
    assert seen == list(range(len(rows)))
