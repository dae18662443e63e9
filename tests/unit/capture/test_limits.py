"""Limits: what a cap counts, what a recorder stops and refuses, and what it writes."""

from dataclasses import replace

import pytest
from example_catalogue import KEYS, fields_of
from relay_parts import ACTIVE, ID_FIELDS, START_AT, execution_of, make_context

from quivive.capture.key_reader import KeyReader
from quivive.capture.limits import Cap, denied_until, rows_within, too_many
from quivive.capture.recorder import Recorder
from quivive.capture.resolve import KeySpec
from quivive.model.clock import HOUR_US
from quivive.model.entry import EntryKind
from quivive.privacy.pseudonym import agent_key
from quivive.wire.postgres.backend import STOPPED
from quivive.wire.postgres.messages import frame

LIMITED = replace(ACTIVE, limits=True)


def reader(table="public.customer", position=0):
    return KeyReader(KeySpec(table=table, positions=(position,), types=(20,)), KEYS, (0, 0))


def data_row(*values):
    body = len(values).to_bytes(2, "big")
    for value in values:
        body += (0xFFFFFFFF).to_bytes(4, "big") if value is None else len(value).to_bytes(4, "big") + value
    return frame(b"D", body)


def test_a_record_counts_once():
    """Repeated rows are free, also after many; a second column of the same table is the same record."""
    cap = Cap(3, [reader(), reader(position=1)])
    assert cap.fit([(b"1", b"2")] * 600) == 600
    assert cap.fit([(b"2", b"1"), (None, b"3"), (b"1", b"4"), (b"1", b"1")]) == 2
    assert cap.fit([(b"3", b"2")]) == 1
    assert cap.fit([(b"5", None)]) == 0


def test_records_of_two_tables_add_up():
    """Customer 1 and order 1 are two."""
    cap = Cap(2, [reader(), reader("public.orders", 1)])
    assert cap.fit([(b"1", b"1"), (b"1", b"2")]) == 1


def test_a_row_that_does_not_fit_is_not_counted():
    """A row with two new records does not take the last place."""
    cap = Cap(2, [reader(), reader("public.orders", 1)])
    assert cap.fit([(b"1", None), (b"2", b"9")]) == 1
    assert cap.fit([(b"2", None)]) == 1


def test_rows_without_keys_count_each():
    """Whole frames alone; what follows a part frame is for later."""
    rows = data_row(b"a") * 5
    cap = Cap(3)
    assert rows_within(rows, 0, len(rows) - 1, cap.fit_count) == (3 * len(data_row(b"a")), 3)
    assert rows_within(rows, 0, len(rows), cap.fit_count) == (0, 0)
    assert rows_within(rows, 0, 7, Cap(3).fit_count) == (0, 0)


def test_the_errors_are_readable_and_name_nobody():
    """SQLSTATE, what happened, until when."""
    assert b"C53400\x00" in too_many(500)
    assert b"more than 500 records" in too_many(500)
    assert b"C42501\x00" in denied_until(START_AT)
    assert b"until 14:" in denied_until(START_AT) or b" UTC." in denied_until(START_AT)


@pytest.fixture
def relay():
    """A context with a limit of three, instructed."""
    context, spool = make_context()
    context.facts = replace(context.facts, max_records=3, limited=True)
    context.policy = LIMITED
    return context, spool


def recorder_of(context, **facts):
    return Recorder(context, login="app", startup={"quivive.agent": "a.martin"}, **facts)


def test_a_result_stops_after_its_limit(relay):
    """The rows that fit pass, their keys stand in one final part with outcome denied, nothing follows."""
    context, spool = relay
    recorder, execution = recorder_of(context), execution_of(context, "select id, last_name from customer")
    assert recorder.sent(execution)
    rows = b"".join(data_row(str(n).encode(), b"x") for n in (1, 1, 2, 3, 3, 4, 5))
    first = recorder.rows(execution, rows, 0, len(rows))
    assert first == 5 * len(data_row(b"1", b"x"))
    assert recorder.rows(execution, rows, first, len(rows)) == STOPPED
    assert b"more than 3 records" in execution.refusal
    assert recorder.rows(execution, rows, first, len(rows)) == len(rows)
    recorder.completed(execution, b"SELECT 7")
    (body,) = spool.bodies(EntryKind.ACCESS)
    assert (body["outcome"], body["rows"], body["final"], len(body["records"][0]["keys"])) == ("denied", 5, True, 3)
    assert not recorder.sent(execution), "its portal stays refused"


@pytest.mark.parametrize("why", ["not instructed", "unguarded", "dry", "figures"])
def test_nothing_is_stopped(relay, why):
    """Without the instruction, where bytes have passed already, in dry, and for figures."""
    context, _ = relay
    context.policy = {"not instructed": ACTIVE, "dry": replace(LIMITED, active=False)}.get(why, LIMITED)
    recorder = recorder_of(context, guarded=why != "unguarded")
    sql = "select count(*) from customer" if why == "figures" else "select id, last_name from customer"
    execution = execution_of(context, sql)
    execution.statement.fields = fields_of((0, 0)) if why == "figures" else ID_FIELDS
    assert recorder.sent(execution)
    rows = b"".join(data_row(str(n).encode(), b"x") for n in range(9))
    assert recorder.rows(execution, rows, 0, len(rows)) == len(rows)


def test_what_stood_behind_is_not_shown(relay):
    """An execution behind a stopped one in its batch: its rows are nobody's, its end says denied."""
    context, spool = relay
    recorder, execution = recorder_of(context), execution_of(context, "select id, last_name from customer")
    assert recorder.sent(execution)
    execution.withheld = True
    rows = data_row(b"1", b"x")
    assert recorder.rows(execution, rows, 0, len(rows)) == len(rows)
    recorder.completed(execution, b"SELECT 1")
    (body,) = spool.bodies(EntryKind.ACCESS)
    assert (body["outcome"], body["rows"], body["records"], body["coverage"]) == ("denied", 0, [], "exact")


def test_a_change_that_shows_too_much_keeps_all_its_keys(relay):
    """Stopped for the client, told to its end: the records were changed."""
    context, spool = relay
    recorder = recorder_of(context)
    execution = execution_of(context, "update customer set last_name = 'x' returning id, last_name")
    assert recorder.sent(execution)
    rows = b"".join(data_row(str(n).encode(), b"x") for n in range(1, 6))
    first = recorder.rows(execution, rows, 0, len(rows))
    assert recorder.rows(execution, rows, first, len(rows)) == STOPPED
    assert recorder.rows(execution, rows, first, len(rows)) == len(rows)
    recorder.completed(execution, b"UPDATE 5")
    recorder.sync_sent()
    recorder.ready(ord("I"))
    bodies = spool.bodies(EntryKind.ACCESS)
    assert bodies[-1]["outcome"] == "ok"
    assert sum(len(group["keys"]) for body in bodies for group in body["records"]) == 5


def test_a_denied_agent(relay):
    """Refused and recorded without a record until it ends; unprotected statements and others pass."""
    context, spool = relay
    key = agent_key(KEYS, "crm", "a.martin")
    context.policy = replace(LIMITED, denied={key: START_AT + HOUR_US})
    recorder = recorder_of(context)
    execution = execution_of(context, "select id, last_name from customer")
    assert not recorder.sent(execution)
    assert b"hourly limit" in execution.refusal
    plain = execution_of(context, "select 1")
    plain.statement.fields = None
    assert recorder.sent(plain)
    (body,) = spool.bodies(EntryKind.ACCESS)
    assert (body["outcome"], body["agent"], body["records"], body["final"]) == ("denied", key, [], True)
    assert recorder_of(context, guarded=False).sent(execution_of(context, "select id, last_name from customer"))
    context.policy = replace(LIMITED, denied={key: START_AT - 1})
    assert recorder.sent(execution_of(context, "select id, last_name from customer"))
