"""Predicates: columns, operands, and whether every row must satisfy them."""

import pytest

from quivive.wire.dml import plan_dml
from quivive.wire.plan import Comparison, Operand, OperandKind, Predicate
from quivive.wire.shape import shape_of


def read(sql: str) -> tuple[Predicate, ...]:
    return plan_dml(shape_of(sql).text).predicates


def slot(index: int, *, negative: bool = False) -> Operand:
    return Operand(kind=OperandKind.SLOT, index=index, negative=negative)


def bind(index: int) -> Operand:
    return Operand(kind=OperandKind.BIND, index=index)


OTHER = Operand(kind=OperandKind.OTHER)


@pytest.mark.parametrize(
    ("where", "column", "comparison", "operands", "restricts"),
    [
        ("id = 5", "id", Comparison.EQUALS, (slot(0),), True),
        ("5 = id", "id", Comparison.EQUALS, (slot(0),), True),
        ("id = -5", "id", Comparison.EQUALS, (slot(0, negative=True),), True),
        ("id = $3", "id", Comparison.EQUALS, (bind(3),), True),
        ("id = $1::bigint", "id", Comparison.EQUALS, (bind(1),), True),
        ("id::text = '7'", "id", Comparison.EQUALS, (slot(0),), True),
        ("id is not distinct from 5", "id", Comparison.EQUALS, (slot(0),), True),
        ("id in (1, 2)", "id", Comparison.IN, (slot(0),), True),
        ("id in ($1, $2)", "id", Comparison.IN, (bind(1), bind(2)), True),
        ("id = any($1)", "id", Comparison.ANY, (bind(1),), True),
        ("id = any('{1,2}'::int[])", "id", Comparison.ANY, (slot(0),), True),
        ("id = any(array[1,2])", "id", Comparison.IN, (slot(0),), True),
        ("id in (select unnest($1::int[]))", "id", Comparison.ANY, (bind(1),), True),
        ("id in (select x from y)", "id", Comparison.IN, (OTHER,), True),
        ("id = 1 or id = 2", "id", Comparison.IN, (slot(0), slot(1)), True),
        ("not (id = 1)", "id", Comparison.EQUALS, (slot(0),), False),
        ("id = 1 or name = 'x'", "id", Comparison.EQUALS, (slot(0),), False),
        ("id between 1 and $1", "id", Comparison.RANGE, (slot(0), bind(1)), True),
        ("id > 5", "id", Comparison.RANGE, (slot(0),), True),
        ("name like 'a%'", "name", Comparison.LIKE, (slot(0),), True),
        ("name not ilike 'a%'", "name", Comparison.LIKE, (slot(0),), False),
        ("lower(name) like '%' || lower($1) || '%'", "name", Comparison.LIKE, (slot(0), bind(1), slot(1)), True),
        ("name ilike concat('%', $1)", "name", Comparison.LIKE, (slot(0), bind(1)), True),
        ("name ~* '^a'", "name", Comparison.REGEX, (slot(0),), True),
        ("starts_with(name, $1)", "name", Comparison.PREFIX, (bind(1),), True),
        ("name operator(pg_catalog.~) $1", "name", Comparison.REGEX, (bind(1),), True),
        ("id = now()", "id", Comparison.EQUALS, (OTHER,), True),
        ("ok = true", "ok", Comparison.EQUALS, (Operand(kind=OperandKind.WORD, word="true"),), True),
        ("id = null", "id", Comparison.EQUALS, (Operand(kind=OperandKind.NULL),), True),
    ],
)
def test_where(where: str, column: str, comparison: Comparison, operands: tuple[Operand, ...], restricts: bool) -> None:
    """Each form of condition gives its column, its comparison and where its values come from."""
    first = read(f"select * from t where {where}")[0]
    assert (first.column, first.comparison, first.operands, first.restricts) == (
        column,
        comparison,
        operands,
        restricts,
    )


def test_qualified_columns_belong_to_their_source() -> None:
    """Aliases, derived tables and CTEs lead to the base table; an unqualified column keeps all candidates."""
    found = read("select * from a x join b y on y.i = x.i where x.id = 1 and y.id = 2 and z = 3")
    assert [(p.column, p.sources) for p in found] == [("id", (0,)), ("id", (1,)), ("z", (0, 1))]
    through = read("with q as (select id as k, n from customer) select * from (select * from q) s where s.k = 4")
    assert [(p.column, p.sources, p.restricts) for p in through] == [("id", (0,), True)]


def test_a_cte_used_twice_is_not_restricted_by_one_use() -> None:
    """A restriction on one reference of a CTE says nothing of the other."""
    (found,) = read("with q as (select * from customer) select * from q a, q b where a.id = 4")
    assert not found.restricts


def test_outer_join_conditions_do_not_restrict() -> None:
    """The condition of a LEFT JOIN keeps rows that do not satisfy it; an inner one does not."""
    (left,) = read("select * from a left join b on b.x = 1")
    (inner,) = read("select * from a join b on b.x = 1")
    assert not left.restricts
    assert inner.restricts


def test_joins() -> None:
    """Equalities between columns of two sources are joins."""
    plan = plan_dml("select * from orders o join customer c on c.id = o.customer_id, lines l where l.order_id = o.id")
    assert {(j.left, j.left_column, j.right, j.right_column) for j in plan.joins} == {
        (1, "id", 0, "customer_id"),
        (2, "order_id", 0, "id"),
    }


def test_rows_are_paired() -> None:
    """Row comparisons and inserted rows keep which values belong together."""
    a, b = read("select * from t where (a, b) in ((1, 2), (3, 4))")
    assert a.paired
    assert b.paired
    assert (a.operands, b.operands) == ((slot(0), slot(2)), (slot(1), slot(3)))
    inserted = read("insert into t (a, b) values (1, now()), (default, $1)")
    assert [p.comparison for p in inserted] == [Comparison.ASSIGNED] * 2
    assert inserted[0].operands[1].kind is OperandKind.NULL
    assert inserted[1].operands == (OTHER, bind(1))
    assert [p.column for p in read("insert into t values (1, 2)")] == ["#1", "#2"]
    assert [p.column for p in read("insert into t (a) select $1")] == ["a"]


def test_a_folded_value_is_no_key() -> None:
    """`id = upper($1)` compares another value than the bind: good for a pattern, not for a key."""
    (equals,) = read("select * from t where code = upper($1)")
    assert equals.wrapped
    (listed,) = read("select * from t where code in (upper($1), 'a')")
    assert listed.operands[0] is OTHER or listed.operands[0] == OTHER
