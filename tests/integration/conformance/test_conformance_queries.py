"""Conformance, cases 14–33 of the capture reference §5: simple and extended queries, pipelines, asynchronous messages."""

import time

import pytest
from relay_support import Running, accesses
from stage import OBSERVING, USER, Told, listing, read, tally, told
from test_relay_modes import FullDisk
from wire_client import (
    FLUSH,
    GONE,
    SYNC,
    Wire,
    bind,
    close,
    describe,
    execute,
    frame,
    function,
    kinds,
    parse,
    query,
    states,
)

pytestmark = pytest.mark.integration
BY_KEY = "select id, last_name from customer where id = $1"
WITHOUT_KEY = "select last_name from customer where id = $1"


def test_case_14_several_statements_with_an_error(stage):
    """What stands before the error is shown, what stands behind it is not run."""

    def script(wire):
        stage.enter(wire)
        text = (
            "select id from customer where id < 3; select id, 1 / (id - 5) from customer where id in (4, 5); select 1"
        )
        assert kinds(wire.ask(query(text))) == "TDDCTDEZ"
        wire.ask(query("update customer set phone = '0' where id = 6; select 1/0"))
        wire.ask(query("select id from orders where id = 1; select id from customer where id = 9"))

    played = stage.play(script)
    assert played.events == [
        listing(1, 2),
        read(4, outcome="error"),
        Told("update", "attempted", "predicate", 1, {"customer": [6]}),
        Told("read", "ok", "exact", 1, {"orders": [1]}),
        read(9),
    ]


def test_case_14_an_error_longer_than_what_is_kept(stage):
    """An error of 2 MB ends its statement like any other."""

    def script(wire):
        stage.enter(wire)
        wire.ask(query("do $$ begin raise exception '%', repeat('x', 2000000); end $$"))
        wire.ask(
            parse(
                "do $$ begin raise notice '%', repeat('x', 2000000); raise exception '%', repeat('x', 2000000); end $$"
            ),
            bind(),
            execute(),
            bind(),
            SYNC,
        )
        wire.ask(query("select id from customer where id = 3"))

    played = stage.play(script, ways=("direct", "relay"), codec=False)
    assert played.gaps == []
    assert played.events[-1] == read(3)
    assert [event.outcome for event in played.events[:-1]] in ([], ["error", "error"])


def test_case_15_empty_queries(stage):
    """Nothing, semicolons and comments, in both protocols."""

    def script(wire):
        stage.enter(wire)
        for text in ("", " ;; ", "-- nothing\n", "/* ; */"):
            assert kinds(wire.ask(query(text))) == "IZ"
            assert kinds(wire.ask(parse(text), bind(), describe(), execute(), SYNC)) == "12nIZ"
        wire.ask(query("; select id from customer where id = 2 ;;"))

    assert stage.play(script).events == [read(2)]


def test_case_16_quoting(stage):
    """Dollar quotes, nested comments, escapes and semicolons in literals split nothing that the server does not split."""
    text = (
        "do $f$ begin perform 1; /* ; */ perform ';'; end $f$;"
        " select /* a /* nested ; */ b */ id from customer where last_name = E'No\\'m;' or id = 3;"
        " select id as \"semi;colon\" from customer where last_name <> ';''' and id = 4;"
        " select $x$;$$;$x$, id from customer where id = 5 -- ; select id from customer\n"
        " and last_name <> U&'\\0041;'"
    )

    def script(wire):
        stage.enter(wire)
        wire.ask(query(text))
        wire.ask(query("set standard_conforming_strings = off"))
        wire.ask(query("set escape_string_warning = off"))
        wire.ask(query("select id from customer where last_name = 'a\\'; select 1; --' or id = 6"))

    played = stage.play(script)
    assert [event for event in played.events if event.records] == [listing(3), read(4), read(5), listing(6)]
    assert played.gaps == []


def test_case_17_extended_once(stage):
    """Parse, Bind, Describe, Execute, Sync."""

    def script(wire):
        stage.enter(wire)
        assert kinds(wire.ask(parse(BY_KEY), bind("7"), describe(), execute(), SYNC)) == "12TDCZ"
        assert kinds(wire.ask(parse(BY_KEY, "s"), describe("s", "S"), SYNC)) == "1tTZ"

    assert stage.play(script).events == [read(7)]


def test_case_18_executed_again_without_description(stage):
    """Described once, executed many times: long way, learned way, and way back."""

    def script(wire):
        stage.enter(wire)
        for name, text in (("a", BY_KEY), ("b", WITHOUT_KEY)):
            wire.ask(parse(text, name), describe(name, "S"), SYNC)
            for key in range(1, 7):
                wire.ask(bind(str(key), name=name), execute(), SYNC)
            wire.ask(bind("9999", name=name), execute(), SYNC)
            wire.ask(bind("8", name=name), execute(), bind("9", name=name), execute(), SYNC)

    found = stage.play(script).events
    keys = [*range(1, 7), None, 8, 9]
    assert [event.records.get("customer") for event in found] == [[key] if key else None for key in keys * 2]
    assert {event.coverage for event in found[:6]} == {"exact"}
    assert {event.coverage for event in found[9:15]} == {"predicate"}


def test_case_19_a_client_that_never_describes(stage):
    """Columns are asked for aside, once; the client sees nothing of it."""

    def script(wire):
        stage.enter(wire)
        for key in ("11", "12", "13"):
            assert kinds(wire.ask(parse(BY_KEY + " -- never described"), bind(key), execute(), SYNC)) == "12DCZ"

    assert stage.play(script).events == [read(11), read(12), read(13)]


KEYED = [
    ("by_small", "-5"),
    ("by_int", "70000"),
    ("by_uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("by_numeric", "1234.50"),
    ("by_numeric", "-7"),
    ("by_text", "plain"),
    ("customer", "77"),
]


def test_case_20_mixed_formats_of_every_key_type(stage):
    """One record has one pseudonym, in text, in binary and between columns of the other format."""

    def script(wire):
        stage.enter(wire)
        for table, key in KEYED:
            label = "last_name" if table == "customer" else "label"
            text = f"select {label}, id, {label} from {table} where id = $1"
            for results in ((), (0,), (1,), (1, 0, 1), (0, 1, 0)):
                wire.ask(parse(text), bind(key, results=results), describe(), execute(), SYNC)
        text = "select order_id, line_no, label from order_line where order_id = 5"
        for results in ((0,), (1,), (1, 0, 1), (0, 1, 0)):
            wire.ask(parse(text), bind(results=results), describe(), execute(), SYNC)

    played = stage.play(script)
    assert {(event.coverage, event.rows) for event in played.events} == {("exact", 1)}
    keys = stage.keys_told(len(KEYED) * 5 + 4)
    for at in range(len(KEYED)):
        assert len({tuple(one) for one in keys[at * 5 : at * 5 + 5]}) == 1
    assert len({tuple(one) for one in keys[-4:]}) == 1


def test_case_21_row_limits(stage):
    """Suspended and resumed: one event with the keys of all; closed half-way, or lost with its transaction: what was seen."""
    text = "select id from customer where id <= 10 order by id"

    def script(wire):
        stage.enter(wire)
        wire.ask(query("begin"))
        wire.ask(parse(text, "s"), bind(portal="p", name="s"), execute("p", 3), SYNC)
        wire.ask(query("select id from customer where id = 500"))
        wire.ask(execute("p", 3), execute("p", 3), SYNC)
        assert kinds(wire.ask(execute("p", 0), SYNC)) == "DCZ"
        wire.ask(bind(portal="q", name="s"), execute("q", 2), close("q", "P"), SYNC)
        wire.ask(bind(portal="r", name="s"), execute("r", 4), SYNC)
        wire.ask(query("commit"))

    played = stage.play(script)
    assert played.events == [read(500), listing(*range(1, 11)), listing(1, 2), listing(1, 2, 3, 4)]


def test_case_22_pipeline_with_an_error(stage):
    """Three executions before one Sync, the second fails: the third is not run, the next batch is."""

    def script(wire):
        stage.enter(wire)
        wire.ask(parse("select id, 10 / (id - 2) from customer where id = $1", "s"), SYNC)
        executions = b"".join(bind(key, name="s") + describe() + execute() for key in "123")
        assert kinds(wire.ask(executions, SYNC)) == "2TDC2TEZ"
        wire.ask(executions, SYNC, bind("4", name="s"), execute(), SYNC, kinds="Z", times=2)
        wire.ask(parse("select id from nowhere", "t"), bind("5", name="s"), execute(), query("select 1"), SYNC)
        wire.ask(bind("6", name="s"), execute(), SYNC)

    played = stage.play(script)
    assert [(event.outcome, event.records.get("customer")) for event in played.events] == [
        ("ok", [1]),
        ("error", None),
        ("ok", [1]),
        ("error", None),
        ("ok", [4]),
        ("ok", [6]),
    ]


def test_case_23_flush_without_sync(stage):
    """Flush brings the answers so far; the batch goes on, and an error in it waits for its Sync."""

    def script(wire):
        stage.enter(wire)
        wire.ask(parse(BY_KEY, "s"), FLUSH, kinds="1")
        wire.ask(describe("s", "S"), FLUSH, kinds="T")
        for key in ("21", "22"):
            wire.ask(bind(key, name="s"), execute(), FLUSH, kinds="C")
        wire.ask(bind("no number", name="s"), FLUSH, kinds="E")
        wire.send(bind("23", name="s"), execute(), FLUSH)
        assert kinds(wire.ask(SYNC)) == "Z"
        wire.ask(bind("24", name="s"), execute(), SYNC)

    assert stage.play(script).events == [read(21), read(22), read(24)]


def test_case_24_failed_parse_then_close(stage):
    """A statement that could not be prepared is closed, prepared again and executed."""

    def script(wire):
        stage.enter(wire)
        assert states(wire.ask(parse("selec 1", "s"), describe("s", "S"), SYNC)) == ["42601"]
        assert kinds(wire.ask(close("s"), SYNC)) == "3Z"
        wire.ask(parse(BY_KEY, "s"), SYNC)
        assert states(wire.ask(parse(WITHOUT_KEY, "s"), bind("1", name="s"), execute(), SYNC)) == ["42P05"]
        wire.ask(bind("25", name="s"), describe(), execute(), SYNC)
        wire.ask(close("s"), parse("selec 2", "s"), SYNC)
        assert states(wire.ask(bind("26", name="s"), execute(), SYNC)) == ["26000"]

    assert stage.play(script).events == [read(25)]


@pytest.mark.parametrize("ending", ["close", "deallocate s", "deallocate all", "discard all"])
def test_case_25_statements_that_end(stage, ending):
    """After Close, DEALLOCATE and DISCARD a name is free: what is executed is what was prepared last."""

    def script(wire):
        stage.enter(wire)
        wire.ask(parse("select id from orders where id = $1", "s"), SYNC)
        wire.ask(bind("3", name="s"), describe(), execute(), SYNC)
        wire.ask(close("s") + SYNC if ending == "close" else query(ending))
        assert states(wire.ask(bind("4", name="s"), execute(), SYNC)) == ["26000"]
        wire.ask(parse(BY_KEY, "s"), bind("31", name="s"), describe(), execute(), SYNC)
        wire.ask(bind("32", name="s"), execute(), SYNC)

    played = stage.play(script)
    assert played.events == [Told("read", "ok", "exact", 1, {"orders": [3]}), read(31), read(32)]


def test_case_25_discard_all_clears_the_agent(stage):
    """DISCARD ALL takes back the session's variables: the next execution is nobody's."""

    def script(wire):
        stage.enter(wire)
        wire.ask(query("set quivive.agent = 'a.martin'"))
        wire.ask(query("select id from customer where id = 33"))
        wire.ask(query("discard all"))
        wire.ask(query("select id from customer where id = 34"))

    stage.play(script)
    assert [one["attribution"] for one in stage.newest(2)] == ["session_variable", "none"]


def test_case_26_prepared_in_sql(stage):
    """PREPARE and EXECUTE in SQL; a statement prepared in SQL and bound by protocol is opaque, never nothing."""

    def script(wire):
        stage.enter(wire)
        wire.ask(query("prepare p(bigint) as select id, last_name from customer where id = $1"))
        wire.ask(query("execute p(35)"))
        wire.ask(parse("execute p(36)"), bind(), describe(), execute(), SYNC)
        wire.ask(bind("37", name="p"), describe(), execute(), SYNC)
        wire.ask(query("deallocate p"))
        assert states(wire.ask(query("execute p(38)"))) == ["26000"]

    played = stage.play(script)
    assert [event.records.get("customer") for event in played.events[:2]] == [[35], [36]]
    assert played.events[2].rows == 1
    assert played.events[2].coverage in ("opaque", "exact")


def test_case_27_redefined_after_ddl(stage):
    """A plan whose result may not change fails as the server says; prepared anew it is read with its new columns."""

    def script(wire):
        stage.enter(wire)
        wire.ask(parse("select * from evolving where id = $1", "s"), SYNC)
        wire.ask(bind("1", name="s"), describe(), execute(), SYNC)
        wire.ask(query("alter table evolving alter column label type varchar"))
        time.sleep(0.1)
        came = wire.ask(bind("2", name="s"), describe(), execute(), SYNC)
        assert states(came) == ["0A000"]
        wire.ask(close("s"), parse("select * from evolving where id = $1", "s"), SYNC)
        wire.ask(bind("3", name="s"), describe(), execute(), SYNC)
        wire.ask(query("alter table evolving alter column label type text"))

    played = stage.play(script)
    reads = [event for event in played.events if event.action == "read"]
    assert [(event.outcome, event.rows, event.records) for event in reads] == [
        ("ok", 1, {"evolving": 1}),
        ("ok", 1, {"evolving": 1}),
    ]


def test_case_28_many_distinct_statements(stage):
    """10,000 distinct texts under 10,000 names: the caches stay within their bounds, and all was told."""
    from quivive.capture.statements import MAX_SHAPES, MAX_TEXTS
    from quivive.wire.postgres.state import MAX_STATEMENTS

    sizes = []

    def script(wire):
        stage.enter(wire)
        for batch in range(0, 10_000, 1_000):
            texts = [
                (f"s{n}", f"select id from customer where id = {1 + n % 1000} and {n} = {n}")
                for n in range(batch, batch + 1_000)
            ]
            wire.ask(*(parse(text, name) for name, text in texts), SYNC)
        for n in (0, 9_999):
            wire.ask(bind(name=f"s{n}"), describe(), execute(), SYNC)
        running = stage.ways["relay"].running
        for relayed in running.relay._connections:
            statements = running.relay.context.statements
            sizes.append((len(relayed._session._statements), len(statements._texts), len(statements._shapes)))

    played = stage.play(script, ways=("direct", "relay"), codec=False)
    ((prepared, texts, shapes),) = sizes
    assert prepared <= MAX_STATEMENTS
    assert texts <= MAX_TEXTS
    assert shapes <= MAX_SHAPES
    assert [event.rows for event in played.events] == [1, 1]
    assert played.events[1] == read(1_000)
    assert played.events[0].coverage in ("opaque", "exact")


def test_case_29_denied_inside_the_extended_protocol(stage):
    """One ErrorResponse, the rest swallowed up to Sync, one ReadyForQuery; the next batch works again."""
    settings = stage.home("closed", on_failure="closed")
    with Running(settings) as running, Wire(("127.0.0.1", running.relay.port)) as wire:
        stage.enter(wire)
        wire.ask(parse(BY_KEY, "s"), SYNC)
        with FullDisk(running):
            wire.ask(bind("1", name="s"), execute(), SYNC)  # the loss shows with the first trace
            three = b"".join(bind(key, name="s") + describe() + execute() for key in "234")
            assert kinds(wire.ask(three, SYNC)) == "2TEZ"
            assert kinds(wire.ask(query("select id from customer where id = 5"))) == "EZ"
            assert kinds(wire.ask(three, SYNC, three, SYNC, times=2)) == "2TEZ2TEZ"
            assert set(states(wire.heard)) == {"58030"}
        until = time.monotonic() + 5
        while kinds(wire.ask(bind("6", name="s"), execute(), SYNC)) != "2DCZ" and time.monotonic() < until:
            time.sleep(0.1)
        running.stop()
    keys = [told(one).records["customer"] for one in accesses(settings.home)]
    assert keys == [[6]]


def test_case_30_function_call(stage):
    """FunctionCall answers, fails and returns 2 MB like any other; what it touched cannot be told: opaque."""
    absolute, repeat, power = 1397, 1622, 1368

    def script(wire):
        stage.enter(wire)
        assert kinds(wire.ask(function(absolute, b"-3"))) == "VZ"
        assert kinds(wire.ask(function(1, b"abc"))) == "EZ"
        assert kinds(wire.ask(function(power, b"0", b"-1"))) == "EZ"
        assert kinds(wire.ask(function(repeat, b"x", b"2000000"))) == "VZ"
        wire.ask(query("begin"), function(absolute, b"4"), times=2)
        wire.ask(query("rollback"))
        wire.ask(query("select id from customer where id = 39"))

    played = stage.play(script, ways=("direct", "relay"), codec=False)
    assert played.gaps == []
    assert played.events[-1] == read(39)
    assert tally(played.events)["ok"] == len(played.events) - 2 if len(played.events) > 1 else True


def test_case_30_function_call_split(stage):
    """FunctionCall, every read split."""

    def script(wire):
        stage.enter(wire)
        wire.ask(function(1397, b"-3"))
        wire.ask(function(1, b"abc"))

    stage.play(script)


def test_case_31_asynchronous_messages(stage):
    """Notices, notifications and reported settings stand where the server put them, an idle session hears them too."""

    def script(wire):
        stage.enter(wire)
        wire.ask(query("listen news"))
        with Wire(stage.direct) as other:
            other.enter(USER, stage.name)
            other.ask(query("notify news, 'while idle'"))
        wire.until("A")
        wire.ask(query("do $$ begin raise notice 'one'; raise warning 'two'; end $$"))
        wire.ask(query("set application_name = 'é'; notify news, 'own'; select id from customer where id = 41"))
        wire.ask(
            parse("select set_config('datestyle', 'German', false), id from customer where id = $1"),
            bind("42"),
            describe(),
            execute(),
            SYNC,
        )
        wire.ask(query("begin"))
        wire.ask(query("notify news, 'held back'; select id from customer where id = 43"))
        wire.ask(query("commit"))

    played = stage.play(script)
    assert {"A", "N", "S"} <= set(kinds(played.heard))
    assert played.events == [Told("query", "ok", "opaque", 0, {}), read(41), read(42), read(43)]


def test_case_32_transaction_status(stage):
    """I, T and E as the server says them, and what a failed transaction changed is attempted."""

    def script(wire):
        stage.enter(wire)
        texts = (
            "select 1",
            "begin",
            "update customer set phone = '1' where id = 44",
            "select 1/0",
            "select id from customer where id = 45",
            "commit",
            "begin; update customer set email = email where id = 46",
            "commit",
        )
        said = [wire.ask(query(text))[-1][1] for text in texts]
        assert said == [b"I", b"T", b"T", b"E", b"E", b"I", b"T", b"I"]

    played = stage.play(script)
    changes = [(event.outcome, event.records["customer"]) for event in played.events if event.action == "update"]
    assert changes == [("attempted", [44]), ("ok", [46])]


@pytest.mark.parametrize("doing", ["nothing", "a statement", "a transaction"])
def test_case_33_terminated_by_the_administrator(stage, doing):
    """Exactly one error reaches the client, then the end; what ran is aborted."""

    def script(wire):
        stage.enter(wire)
        if doing == "a transaction":
            wire.ask(query("begin; update customer set phone = '2' where id = 47"))
        if doing == "a statement":
            wire.send(query("select id, pg_sleep(10) from customer where id = 48"))
            time.sleep(0.1)
        stage.server.execute(f"select pg_terminate_backend({wire.backend_key[0]})")
        came = wire.gone()
        assert states(came) == ["57P01"]
        assert came[-1] == GONE

    played = stage.play(script)
    expected = {"nothing": [], "a statement": ["aborted"], "a transaction": ["attempted"]}
    assert [event.outcome for event in played.events] == expected[doing]


def test_an_unknown_message_ends_as_the_server_says(stage):
    """A type that the protocol does not have: the server's answer, and a gap for what the codec could not follow.

    A guarded session ends with an error of its own: bytes that are not understood are not passed.
    """

    def script(wire):
        stage.enter(wire)
        wire.send(frame(b"!", b"what is this"))
        assert states(wire.gone()) == ["08P01"]

    # Not byte by byte: the server ends at the type, and what comes behind it resets the connection before the error is read.
    played = stage.play(script, ways=tuple(way for way in OBSERVING if way != "bytes"), codec=False)
    assert "codec" in played.gaps
