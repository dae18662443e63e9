"""Facts of plans."""

from quivive.model.access import Action
from quivive.wire.plan import CopyPlan, PlanKind, StatementPlan


def test_tables_are_distinct_in_order() -> None:
    """A self-join names its table once."""
    plan = StatementPlan(kind=PlanKind.DML, action=Action.LIST, sources=("b", "a", "b"))
    assert plan.tables == ("b", "a")


def test_writes() -> None:
    """A target, an inbound COPY, or an EXPLAIN that runs a write: each is a write."""
    delete = StatementPlan(kind=PlanKind.DML, action=Action.DELETE, sources=("a",), target=0)
    assert delete.writes
    assert StatementPlan(kind=PlanKind.EXPLAIN, action=Action.QUERY, inner=delete).writes
    assert not StatementPlan(kind=PlanKind.EXPLAIN, action=Action.QUERY, inner=delete, executes=False).writes
    copy = CopyPlan(outbound=False, server_side=False, table="a", columns=(), format="text")
    assert StatementPlan(kind=PlanKind.COPY, action=Action.CREATE, copy=copy).writes
