"""Forms of search predicates: classes and counts, never the text."""

import pytest
from example_catalogue import SNAPSHOT, planned

from quivive.capture.patterns import patterns_of
from quivive.model.access import Pattern, PatternClass


def patterns(sql: str, *binds: bytes | None) -> tuple[Pattern, ...]:
    plan, shaped = planned(sql)
    return patterns_of(SNAPSHOT, plan, shaped.slots, binds, ())


@pytest.mark.parametrize(
    ("where", "kind", "fixed"),
    [
        ("last_name = 'Martin'", PatternClass.EQUALS, 6),
        ("last_name like 'Mar%'", PatternClass.PREFIX, 3),
        ("last_name ilike '%tin'", PatternClass.SUFFIX, 3),
        ("last_name ilike '%art%'", PatternClass.CONTAINS, 3),
        ("last_name like 'M%n'", PatternClass.CONTAINS, 2),
        ("last_name like 'M\\%n'", PatternClass.EQUALS, 3),
        ("last_name like '%'", PatternClass.ALL, 0),
        ("last_name like '__%'", PatternClass.ALL, 0),
        ("last_name like 'Martin'", PatternClass.EQUALS, 6),
        ("lower(last_name) like '%' || lower('Ma') || '%'", PatternClass.CONTAINS, 2),
        ("last_name ~ '^Mar'", PatternClass.PREFIX, 3),
        ("last_name ~* 'art'", PatternClass.CONTAINS, 3),
        ("last_name ~ 'tin$'", PatternClass.SUFFIX, 3),
        ("last_name ~ '.*'", PatternClass.ALL, 0),
        ("last_name ~ '^Martin$'", PatternClass.EQUALS, 6),
        ("starts_with(last_name, 'Ma')", PatternClass.PREFIX, 2),
        ("last_name between 'A' and 'B'", PatternClass.RANGE, 0),
        ("last_name in ('a', 'b')", PatternClass.EQUALS, 0),
    ],
)
def test_classes(where: str, kind: PatternClass, fixed: int) -> None:
    """Each form has its class and its number of fixed characters."""
    assert patterns(f"select * from customer where {where}") == (
        Pattern(column="public.customer.last_name", pattern_class=kind, fixed_chars=fixed),
    )


def test_binds() -> None:
    """The pattern of a bind is classed at execution."""
    (found,) = patterns("select * from customer where last_name ilike $1", b"%du%")
    assert (found.pattern_class, found.fixed_chars) == (PatternClass.CONTAINS, 2)
    (null,) = patterns("select * from customer where last_name ilike $1", None)
    assert null.pattern_class is PatternClass.CONTAINS


def test_unrestricted_reads_are_all() -> None:
    """A read of a whole protected table is the pattern `table.*`; a key, a join or a write of one record is not."""
    whole = Pattern(column="public.customer.*", pattern_class=PatternClass.ALL, fixed_chars=0)
    assert patterns("select * from customer") == (whole,)
    assert patterns("select * from customer limit 10") == (whole,)
    assert patterns("delete from customer") == (whole,)
    assert patterns("copy customer to stdout") == (whole,)
    assert patterns("select * from customer where id = 5") == ()
    assert patterns("select * from customer c join orders o on o.customer_id = c.id where o.id = 5") == ()
    assert patterns("select * from code") == ()
    assert patterns("insert into customer (id) values (5)") == ()
