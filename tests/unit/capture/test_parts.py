"""Parts of an execution, as they reach the spool."""

from example_catalogue import KEYS
from relay_parts import START_AT, execution_of, make_context

from quivive.capture.attribution import Attribution
from quivive.capture.holding import UNRECORDED
from quivive.capture.parts import Parts
from quivive.capture.resolve import resolve
from quivive.capture.run import Run
from quivive.model.access import AttributionSource, Outcome
from quivive.model.entry import EntryKind
from quivive.privacy.pseudonym import record_key

SOMEBODY = Attribution(
    agent="a1" * 16, account="", contact="", source=AttributionSource.SESSION_VARIABLE, session_kept=True
)


def run_of(context, sql, *binds):  # type: ignore[no-untyped-def]
    execution = execution_of(context, sql, binds=binds)
    known = execution.statement.known
    run = Run(execution, known.shape.plan(0), known.shaped.slots, START_AT, SOMEBODY)
    run.extraction = resolve(context.snapshot, run.plan, execution.statement.fields)
    return run


def test_an_intent_and_its_end_are_one_access() -> None:
    """A write's keys stand in its first part; the last one has the outcome and does not repeat them."""
    context, spool = make_context()
    parts = Parts(context, "session")
    run = run_of(context, "update customer set phone = $1 where id = $2", b"1", b"17")
    parts.intend(run)
    parts.final(run, Outcome.ATTEMPTED)
    first, last = spool.bodies(EntryKind.ACCESS)
    assert first["access"] == last["access"]
    assert [first["part"], last["part"], first["final"], last["final"]] == [0, 1, False, True]
    assert first["records"] == [{"keys": [record_key(KEYS, "public.customer", "17")], "table": "public.customer"}]
    assert last["records"] == []
    assert last["outcome"] == "attempted"
    assert parts.last_seq == 2


def test_a_part_the_spool_refused_is_unrecorded() -> None:
    """The barrier of a lost part can never become durable."""
    context, spool = make_context()
    parts = Parts(context, "session")
    spool.full = True
    parts.final(run_of(context, "delete from customer where id = 3"), Outcome.OK)
    assert parts.last_seq == UNRECORDED


def test_a_read_of_everything_is_a_pattern() -> None:
    """What no value decides is worked out once per shape, and still told in each access."""
    context, spool = make_context()
    parts = Parts(context, "session")
    for _ in range(2):
        parts.final(run_of(context, "select id, last_name from customer"), Outcome.OK)
    for body in spool.bodies(EntryKind.ACCESS):
        assert body["patterns"] == [{"column": "public.customer.*", "fixed_chars": 0, "pattern_class": "all"}]


def test_a_pattern_of_a_value_is_told_each_time() -> None:
    """Two searches of one shape keep their own wildcards."""
    context, spool = make_context()
    parts = Parts(context, "session")
    for text in (b"Du%", b"%"):
        parts.final(run_of(context, "select id, last_name from customer where last_name like $1", text), Outcome.OK)
    found = [body["patterns"][0]["pattern_class"] for body in spool.bodies(EntryKind.ACCESS)]
    assert found == ["prefix", "all"]
