"""Plans of SELECT, INSERT, UPDATE, DELETE, MERGE: tables, targets, changes, aggregates."""

import pytest

from quivive.model.access import Action
from quivive.wire.dml import MAX_PARSED, identifier, plan_dml
from quivive.wire.plan import Aggregate, StatementPlan
from quivive.wire.shape import shape_of


def plan(sql: str) -> StatementPlan:
    return plan_dml(shape_of(sql).text)


@pytest.mark.parametrize(
    ("sql", "sources", "shown"),
    [
        ("select * from customer", ("customer",), (0,)),
        ("select * from a.customer c, orders", ("a.customer", "orders"), (0, 1)),
        ('select * from "Sch"."Foo Bar"', ("Sch.Foo Bar",), (0,)),
        ("with x as (select * from customer) select * from x", ("customer",), (0,)),
        ("with customer as (select * from customer) select * from customer", ("customer",), (0,)),
        ("with recursive t as (select 1 union all select * from t) select * from t, u", ("u",), (0,)),
        ("select * from (select * from a union select * from b) s", ("a", "b"), (0, 1)),
        ("select id from a where id in (select x from b)", ("a", "b"), (0,)),
        ("select exists(select 1 from a)", ("a",), ()),
        ("select (select max(x) from b) from a", ("a", "b"), (0, 1)),
        ("select * from f(1)", (), ()),
        ("select * from a, lateral (select * from b where b.i = a.i) l", ("a", "b"), (0, 1)),
        ("table customer", ("customer",), (0,)),
        ("select * from only (customer)", ("customer",), (0,)),
        ("select * from (a join b using (i))", ("a", "b"), (0, 1)),
    ],
)
def test_sources(sql: str, sources: tuple[str, ...], shown: tuple[int, ...]) -> None:
    """Tables are found through CTEs, subqueries, joins and set operations; CTE names are no tables."""
    found = plan(sql)
    assert sorted(found.sources) == sorted(sources)
    assert len(found.shown) == len(shown)


@pytest.mark.parametrize(
    ("sql", "action", "target", "changed", "returning"),
    [
        ("update c set a=1, (b,d)=(1,2) where id=3", Action.UPDATE, "c", ("a", "b", "d"), False),
        ("update c x set a=1 from o where o.i=x.i returning x.id", Action.UPDATE, "c", ("a",), True),
        ("delete from only c where id=3", Action.DELETE, "c", (), False),
        ("insert into c (a,b) values (1,2)", Action.CREATE, "c", ("a", "b"), False),
        ("insert into c values (1)", Action.CREATE, "c", ("*",), False),
        (
            "insert into c (a) values (1) on conflict (a) do update set b=2 returning id",
            Action.CREATE,
            "c",
            ("a", "b"),
            True,
        ),
        (
            "merge into t using s on t.i=s.i when matched then update set x=1 when not matched then insert (a) values (1)",
            Action.UPDATE,
            "t",
            ("x", "a"),
            False,
        ),
        ("with u as (update c set a=1 where id=2 returning *) select * from u", Action.UPDATE, "c", ("a",), True),
    ],
)
def test_writes(sql: str, action: Action, target: str, changed: tuple[str, ...], returning: bool) -> None:
    """Writes name their target and the columns changed, also inside a CTE."""
    found = plan(sql)
    assert found.writes
    assert found.sources[found.target] == target
    assert (found.action, found.changed, found.returning) == (action, changed, returning)


@pytest.mark.parametrize(
    "sql",
    [
        "create table x as select * from customer",
        "create temp table if not exists x as select * from customer",
        "select * into x from customer",
        "insert into x select * from customer",
    ],
)
def test_bulk_reads_of_a_source(sql: str) -> None:
    """CTAS, SELECT INTO and INSERT…SELECT read their source in bulk (case 69)."""
    from quivive.wire.sql import plan_of

    (found,) = plan_of(shape_of(sql).text)
    assert found.source_tables == ("customer",)


@pytest.mark.parametrize(
    ("sql", "aggregate"),
    [
        ("select count(*) from c", Aggregate.FIGURES),
        ("select city, sum(x) + 1 as s from c group by city", Aggregate.FIGURES),
        ("select city from c group by 1", Aggregate.FIGURES),
        ("select json_agg(c) from c", Aggregate.VALUES),
        ("select count(*), string_agg(x, ',') from c", Aggregate.VALUES),
        ("select array_agg(id) from c", Aggregate.VALUES),
        ("select id, count(*) over () from c", Aggregate.NONE),
        ("select id from c", Aggregate.NONE),
        ("select id, (select count(*) from d) from c", Aggregate.NONE),
    ],
)
def test_aggregates(sql: str, aggregate: Aggregate) -> None:
    """Figures are told from collected values, and from rows with a figure beside."""
    assert plan(sql).aggregate is aggregate


def test_read_or_list() -> None:
    """By form: a restricting equality reads, anything else lists."""
    assert plan("select * from c where id = 1").action is Action.READ
    assert plan("select * from c where id = 1 or name = 'x'").action is Action.LIST
    assert plan("select * from c where name like 'x%'").action is Action.LIST
    assert plan("select 1").action is Action.QUERY


def test_unread_still_names_tables() -> None:
    """A text that cannot be parsed, or is too long, is opaque but names the tables it can see."""
    broken = plan_dml('select * from customer c join "Sch"."Foo" on %%% where')
    assert broken.opaque == "unread"
    assert broken.sources == ("customer", "Sch.Foo")
    long = plan_dml("update customer set a = b where " + " and ".join(["c = d"] * (MAX_PARSED // 8)))
    assert long.opaque == "too_long"
    assert long.writes


def test_deep_nesting_is_opaque() -> None:
    """A hostile nesting costs no crash."""
    assert plan_dml("select " + "(" * 3000 + "1" + ")" * 3000).opaque == "unread"


def test_identifier() -> None:
    """Quoted and plain names are folded into one form."""
    assert identifier('"Foo"."b""ar"') == 'Foo.b"ar'
    assert identifier("public.customer") == "public.customer"
