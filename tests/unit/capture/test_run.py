"""Small facts about plans and executions."""

import pytest
from example_catalogue import planned
from relay_parts import execution_of, make_context

from quivive.capture.attribution import Attribution
from quivive.capture.run import Run, affected_rows, effective_plan, needs_intent
from quivive.model.access import AttributionSource

NOBODY = Attribution(agent="", account="", contact="", source=AttributionSource.NONE, session_kept=True)


@pytest.mark.parametrize(
    ("sql", "needed"),
    [
        ("select id from customer", False),
        ("update customer set phone = '1'", True),
        ("delete from customer where id = 1", True),
        ("select get_customer(1)", True),
        ("select lower('A')", False),
        ("copy customer to stdout", False),
        ("copy customer from stdin", True),
        ("execute named(1)", True),
        ("do $$ begin end $$", True),
    ],
)
def test_what_needs_a_trace_before_it_runs(sql: str, needed: bool) -> None:
    """Strict: whatever may change something, or cannot be seen through, is traced first."""
    assert needs_intent(planned(sql)[0], {"get_customer", "public.get_customer"}) is needed


@pytest.mark.parametrize(("tag", "rows"), [(b"UPDATE 3", 3), (b"INSERT 0 7", 7), (b"BEGIN", 0), (b"", 0)])
def test_rows_of_a_tag(tag: bytes, rows: int) -> None:
    """The count is the last word of the tag, if it has one."""
    assert affected_rows(tag) == rows


def test_execute_is_judged_by_what_it_runs() -> None:
    """EXECUTE takes the plan of its PREPARE, with its arguments as binds; an unknown name stays opaque."""
    context, _ = make_context()
    prepared, shaped = planned("select id from customer where id = $1")
    plan, given = planned("execute q(17)")
    run = Run(execution_of(context, "execute q(17)"), plan, given.slots, 1, NOBODY)
    effective_plan(run, {})
    assert (run.plan, run.borrowed) == (plan, False)
    effective_plan(run, {"prepare:q": (prepared, shaped.slots)})
    assert run.borrowed
    assert run.plan is prepared
    assert list(run.binds) == [b"17"]
