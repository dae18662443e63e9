"""Session variables: a model test against a plain reading of the manual."""

from hypothesis import given, settings
from hypothesis import strategies as st

from quivive.capture.variables import MAX_SAVEPOINTS, Variables, changes_of, operand_text
from quivive.wire.plan import Operand, OperandKind
from quivive.wire.shape import shape_of
from quivive.wire.sql import plan_of

TRACKED = frozenset({"q.a"})


def apply(variables: Variables, sql: str) -> None:
    shaped = shape_of(sql)
    for plan in plan_of(shaped.text):
        for change in changes_of(plan, shaped.slots, (), TRACKED):
            variables.apply(change)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "set q.a = 'x'",
                "set q.a = 'y'",
                "set local q.a = 'z'",
                "reset q.a",
                "savepoint s",
                "rollback to s",
                "release s",
            ]
        ),
        max_size=12,
    ),
    st.booleans(),
)
def test_a_transaction_commits_or_reverts_whole(statements: list[str], commits: bool) -> None:
    """Inside BEGIN … ROLLBACK nothing stays; inside BEGIN … COMMIT the last plain SET stays, no SET LOCAL."""
    variables = Variables(TRACKED, {})
    apply(variables, "set q.a = 'before'")
    variables.end_of_batch("I")
    value, points = "before", []
    apply(variables, "begin")
    for statement in statements:
        apply(variables, statement)
        if statement.startswith("set q.a"):
            value = statement[-2]
        elif statement == "reset q.a":
            value = ""
        elif statement == "savepoint s":
            points.append(value)
        elif statement == "rollback to s" and points:
            value = points[-1]
        elif statement == "release s" and points:
            points.pop()
    apply(variables, "commit" if commits else "rollback")
    variables.end_of_batch("I")
    assert variables.get("q.a") == (value if commits else "before")


def test_too_many_savepoints_name_nobody() -> None:
    """Beyond the bound the state is unknown until the transaction ends."""
    variables = Variables(TRACKED, {})
    apply(variables, "begin; set q.a = 'x'")
    for _ in range(MAX_SAVEPOINTS + 1):
        apply(variables, "savepoint s")
    assert variables.get("q.a") == ""
    apply(variables, "commit")
    assert variables.get("q.a") == "x"


def test_copies_are_independent() -> None:
    """What is tried on a copy does not happen."""
    variables = Variables(TRACKED, {"q.a": "s"})
    other = variables.copy()
    apply(other, "begin; set q.a = 'x'")
    assert (variables.get("q.a"), other.get("q.a")) == ("s", "x")
    assert other.differs
    assert not variables.differs


def test_untracked_names_are_ignored() -> None:
    """Other settings are none of our business."""
    shaped = shape_of("set search_path = 'secret'")
    assert list(changes_of(plan_of(shaped.text)[0], shaped.slots, (), TRACKED)) == []


def test_operand_text() -> None:
    """Literals, binds, words; nothing for what has no value."""
    slots = shape_of("select 5").slots
    assert operand_text(Operand(kind=OperandKind.SLOT, index=0, negative=True), slots, ()) == "-5"
    assert operand_text(Operand(kind=OperandKind.BIND, index=1), (), (b"x",)) == "x"
    assert operand_text(Operand(kind=OperandKind.BIND, index=2), (), (b"x",)) is None
    assert operand_text(Operand(kind=OperandKind.OTHER), (), ()) is None
    assert operand_text(None, (), ()) is None
