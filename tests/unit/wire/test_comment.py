"""sqlcommenter tags: the form, and what is not of the form."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quivive.wire.comment import MAX_COMMENT, merge_tags, parse_tags


@pytest.mark.parametrize(
    ("comment", "tags"),
    [
        ("agent='c.duval'", {"agent": "c.duval"}),
        (" agent='a%20b' , Route='%2Fx' ", {"agent": "a b", "route": "/x"}),
        (r"agent='o\'brien'", {"agent": "o'brien"}),
        ("agent=''", {"agent": ""}),
        ("agent='x' and more", {}),
        ("+ IndexScan(t)", {}),
        ("agent = x", {}),
        ("agent='x", {}),
        ("", {}),
        ("agent='" + "x" * MAX_COMMENT + "'", {}),
    ],
)
def test_parse(comment: str, tags: dict[str, str]) -> None:
    """A comment is wholly tags or none."""
    assert parse_tags(comment) == tags


def test_contradiction_names_nobody() -> None:
    """Two comments that name two agents name none, also when a third repeats one of them."""
    tags: dict[str, str] = {}
    disputed: set[str] = set()
    for one in ({"agent": "a", "route": "r"}, {"agent": "b"}, {"agent": "a"}):
        merge_tags(tags, disputed, one)
    assert tags == {"route": "r"}


@settings(deadline=None)
@given(st.text(max_size=80))
def test_never_raises(comment: str) -> None:
    """Any comment is read."""
    parse_tags(comment)
