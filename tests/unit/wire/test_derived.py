"""Rows a statement makes up itself, and functions read as tables."""

import pytest

from quivive.wire.plan import Comparison
from quivive.wire.shape import shape_of
from quivive.wire.sql import plan_of


def plan(sql):
    (found,) = plan_of(shape_of(sql).text)
    return found


def restricting(sql, column="id"):
    """Number of operands that restrict a column, or None: the rows of a VALUES list share one slot."""
    found = [p for p in plan(sql).predicates if p.column == column and p.restricts and p.comparison is Comparison.IN]
    return len(found[0].operands) if found else None


@pytest.mark.parametrize(
    ("sql", "operands"),
    [
        ("update c set a = v.a from (values (1, 'x'), (2, 'y')) v(id, a) where c.id = v.id", 1),
        ("update c set a = v.column2 from (values (1, 'x')) v where v.column1 = c.id", 1),
        ("delete from c using (select $1 as id) s where s.id = c.id", 1),
        ("update c set a = 1 from (values (1), (2)) v(id) where c.id = v.id or c.a = 2", None),
        ("update c set a = 1 from (values (1)) v(id) where c.id = v.id + 1", None),
        ("update c set a = 1 from (select 1 as id where random() > 2) s where c.id = lower(s.id)", None),
    ],
)
def test_rows_of_values_name_keys(sql, operands):
    """A plain equality with a made-up column is a list; an expression of it is nothing."""
    assert restricting(sql) == operands


@pytest.mark.parametrize(
    ("rest", "bound"),
    [
        ("when matched then update set a = s.a", True),
        ("when matched then delete", True),
        ("when not matched then insert (id, a) values (s.id, s.a)", True),
        ("when not matched then insert (id, a) values (s.id + 1, s.a)", False),
        ("when not matched then insert (a) values (s.a)", False),
        ("when not matched then insert values (s.id, s.a)", False),
        ("when not matched by source then delete", False),
    ],
)
def test_merge_names_its_keys_only_when_nothing_else_is_touched(rest, bound):
    """What is inserted must be what was compared; BY SOURCE touches every other row."""
    sql = f"merge into c t using (values (1, 'x')) s(id, a) on t.id = s.id {rest}"
    assert restricting(sql) == (1 if bound else None)


@pytest.mark.parametrize(
    ("sql", "called", "columns"),
    [
        ("select * from f(1)", "f", ("*",)),
        ("select number, upper(label), x.number as other from public.f(1) x", "public.f", ("number", "", "number")),
        ("select a from f(1) as g(a)", "", ()),
        ("select number from f(1), customer", "", ()),
        ("select number from f(1) where exists (select f(2))", "", ()),
        ("select number from f(1) union select 2", "", ()),
        ("select f(1)", "", ()),
    ],
)
def test_a_function_that_is_the_only_source(sql, called, columns):
    """Its columns are told by position; renamed, joined or called twice it is nothing."""
    found = plan(sql)
    assert (found.called_from, found.called_columns) == (called, columns)
