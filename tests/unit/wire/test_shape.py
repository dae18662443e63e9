"""Shapes: no literal survives, no text breaks the lexer, and time grows with length alone."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quivive.wire.shape import Literal, LiteralKind, shape_of

T, N = LiteralKind.TEXT, LiteralKind.NUMBER


@pytest.mark.parametrize(
    ("sql", "text", "slots"),
    [
        ("SELECT 1", "select ?0", [[(N, "1")]]),
        ("select 'a''b'", "select '?0'", [[(T, "a'b")]]),
        (r"select E'a\'b\n\x41\u00e9\101'", "select '?0'", [[(T, "a'b\nA\u00e9A")]]),
        ("select $q$it's $1 $q$", "select '?0'", [[(T, "it's $1 ")]]),
        ("select $$a;b$$; select 2", "select '?0'; select ?1", [[(T, "a;b")], [(N, "2")]]),
        ('select "Foo 1", "a""b" from t1', 'select "Foo 1", "a""b" from t1', []),
        (
            "select 1.5e-3, .5, 0xFF, 1_000",
            "select ?0, ?1, ?2, ?3",
            [[(N, "1.5e-3")], [(N, ".5")], [(N, "0xFF")], [(N, "1_000")]],
        ),
        ("select a from t where id=$12", "select a from t where id=$12", []),
        (
            "select date'2026-01-01', x::numeric(10,2)",
            "select date'?0', x::numeric(?1,?2)",
            [[(T, "2026-01-01")], [(N, "10")], [(N, "2")]],
        ),
        (
            "select X'ff', b'01', N'x', U&'\\0041'",
            "select '?0', '?1', '?2', '?3'",
            [[(T, "ff")], [(T, "01")], [(T, "x")], [(T, "\\0041")]],
        ),
        ("select 'a'\n  'b'", "select '?0'", [[(T, "ab")]]),
        ("select /* x /* y */ 'no' */ 1 -- 'no' 2\n, 3", "select ?0 , ?1", [[(N, "1")], [(N, "3")]]),
        ("select d ? 'k'", "select d ? '?0'", [[(T, "k")]]),
        ("select É, Ab from T", "select É, ab from t", []),
        ("", "", []),
        (" ; ", "", []),
        ("'", "'?0'", [[(T, "")]]),
        ("select $x$abc", "select '?0'", [[(T, "abc")]]),
    ],
)
def test_literals_leave_the_shape(sql: str, text: str, slots: list[list[tuple[LiteralKind, str]]]) -> None:
    """Every form of literal becomes a placeholder and is kept, decoded, in order."""
    shaped = shape_of(sql)
    assert shaped.text == text
    assert [list(map(tuple, slot)) for slot in shaped.slots] == slots
    assert len(shaped.fingerprint) == 16


def test_lists_of_any_length_are_one_shape() -> None:
    """IN lists, ARRAY and rows of VALUES collapse; each literal stays in its slot, in order."""
    one, three = (
        shape_of("select * from t where id in (1) and x=9"),
        shape_of("SELECT * FROM t WHERE id IN (1, 2,3) and x=9"),
    )
    assert one.fingerprint == three.fingerprint
    assert [literal.text for literal in three.slots[0]] == ["1", "2", "3"]
    assert three.slots[1] == (Literal(N, "9"),)
    rows = shape_of("insert into t (a, b) values (1, 'a'), (2, 'b')")
    assert rows.fingerprint == shape_of("insert into t (a, b) values (7, 'x')").fingerprint
    assert [[x.text for x in slot] for slot in rows.slots] == [["1", "2"], ["a", "b"]]
    assert shape_of("select array[1,2]").fingerprint == shape_of("select array[1]").fingerprint
    assert shape_of("select f(1,2)").fingerprint != shape_of("select f(1)").fingerprint
    assert [x.text for x in rows.literals] == ["1", "2", "a", "b"]


def test_layout_and_case_do_not_change_the_shape() -> None:
    """Blanks, comments and letter case of code are no part of a shape; those of quoted names are."""
    assert shape_of("SELECT  a\n\tFROM t /* x */ WHERE b=1;").text == "select a from t where b=?0"
    assert shape_of('select "A"').fingerprint != shape_of('select "a"').fingerprint


def test_tags_come_from_comments_only() -> None:
    """A forged comment inside a literal, an identifier or a nested comment never counts (case 67)."""
    assert shape_of("select 1 /*agent='c.duval',contact='A%20-1'*/").tags == {"agent": "c.duval", "contact": "A -1"}
    for forged in (
        "select ' /*agent=''x''*/ '",
        "select $$/*agent='x'*/$$",
        "select \"/*agent='x'*/\"",
        "select 1 /* /*agent='x'*/ */",
        r"select E'\' /*agent=\'x\'*/'",
        "select 1 -- /*agent='x'*/",
    ):
        assert shape_of(forged).tags == {}


SQL_TEXT = st.text(alphabet="aE'\"$1/*-\\;,() \nxUé&.?in[]", max_size=60)


@settings(deadline=None)
@given(SQL_TEXT)
def test_never_raises(sql: str) -> None:
    """Any text has a shape, the same each time."""
    assert shape_of(sql) == shape_of(sql)


@settings(deadline=None)
@given(st.text(max_size=40).filter(lambda s: "\x00" not in s))
def test_a_quoted_value_never_reaches_the_shape(value: str) -> None:
    """Whatever the value, the shape is that of any other value, and the literal is kept whole."""
    quoted = value.replace("'", "''")
    shaped = shape_of(f"select * from t where name = '{quoted}' and id = 5")
    assert shaped.text == "select * from t where name = '?0' and id = ?1"
    assert shaped.slots[0][0].text == value


@settings(deadline=None)
@given(st.lists(st.integers(min_value=0), min_size=1, max_size=30))
def test_every_literal_of_a_list_is_kept(numbers: list[int]) -> None:
    """No literal of a list is lost or moved."""
    shaped = shape_of(f"select * from t where id in ({', '.join(map(str, numbers))})")
    assert [literal.text for literal in shaped.slots[0]] == [str(n) for n in numbers]


@pytest.mark.parametrize(
    "piece",
    [
        "'",
        "''",
        "'a' ",
        "'a'\n",
        "/*",
        "*/",
        "$a$ ",
        "$a",
        "(1,",
        "in (1,2),",
        '"',
        "--",
        "e'\\",
        "values (1),(",
        "\\",
        "1,",
    ],
)
def test_linear_time(piece: str) -> None:
    """Sixteen times the text costs about sixteen times the time, whatever the text (a quadratic lexer: 256 times)."""

    def cost(count: int) -> float:
        text = piece * count
        best = 9.0
        for _ in range(3):
            start = time.process_time()
            shape_of(text)
            best = min(best, time.process_time() - start)
        return best

    assert cost(12_000) < max(100 * cost(750), 0.2)
