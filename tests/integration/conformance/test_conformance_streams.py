"""Conformance, cases 34–44 of the capture reference §5: COPY, replication, cancel, size, broken connections, idleness."""

import os
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

import pytest
from relay_support import Running, accesses
from stage import OBSERVING, USER, Told, masked, read, told
from test_relay_modes import start_child
from wire_client import (
    COPY_DONE,
    FLUSH,
    GONE,
    SYNC,
    TERMINATE,
    Wire,
    bind,
    copy_data,
    describe,
    execute,
    frame,
    kinds,
    parse,
    query,
    rows,
    startup,
    states,
)

pytestmark = pytest.mark.integration
HERE = Path(__file__).parent


def export(*customers: int, rows: int | None = None, outcome: str = "ok") -> Told:
    count = len(customers) if rows is None else rows
    return Told("export", outcome, "exact", count, {"customer": list(customers)} if customers else {})


@pytest.mark.parametrize("options", ["", "csv header", "csv force quote *", "binary"])
def test_case_34_copy_out(stage, options):
    """Text, CSV and binary, of a table and of a query, in both protocols: the keys of all rows."""
    value = "last_name || E',\"\\t\\n\\\\' || id"

    def script(wire):
        stage.enter(wire)
        copy = f"to stdout with {options}" if options and not options.startswith("csv") else f"to stdout {options}"
        wire.ask(query(f"copy (select {value}, id, phone from customer where id < 6 order by id) {copy}"))
        wire.ask(
            parse(f"copy (select id, {value} from customer where id in (7, 8) order by id) {copy}"),
            bind(),
            describe(),
            execute(),
            SYNC,
        )
        wire.ask(query(f"copy evolving (label, id) {copy}; select id from customer where id = 9"))
        wire.ask(query(f"copy reason_code {copy}"))

    played = stage.play(script)
    assert played.events == [
        export(1, 2, 3, 4, 5),
        export(7, 8),
        Told("export", "ok", "exact", 20, {"evolving": 20}),
        read(9),
    ]


def test_case_34_copy_out_that_fails(stage):
    """An error after rows were copied: they are told, and the session goes on."""

    def script(wire):
        stage.enter(wire)
        wire.ask(
            query(
                "copy (select id, 1 / (id - 4) from (select id from customer where id in (2, 3, 4) order by id offset 0) c) to stdout"
            )
        )
        wire.ask(query("select id from customer where id = 10"))

    played = stage.play(script)
    assert played.events == [export(2, 3, outcome="error"), read(10)]


def test_case_35_stray_messages_in_copy_in(stage):
    """Flush and Sync among the rows are ignored by the server, and by the relay."""

    def script(wire):
        stage.enter(wire)
        wire.ask(query("begin"))
        wire.ask(query("copy by_int from stdin"), kinds="G")
        wire.send(copy_data(b"1\tone\n"), FLUSH, copy_data(b"2\ttw"), SYNC, copy_data(b"o\n"), FLUSH, COPY_DONE)
        wire.until("Z")
        wire.ask(parse("copy by_int from stdin"), bind(), execute(), FLUSH, kinds="G")
        wire.send(copy_data(b"3\tthree\n"), FLUSH, SYNC, copy_data(b"4\tfour\n"), COPY_DONE, SYNC)
        wire.until("Z")
        wire.ask(query("select id from by_int where id < 100 order by id"))
        wire.ask(query("rollback"))
        wire.ask(query("select id from customer where id = 11"))

    played = stage.play(script)
    copies = [event for event in played.events if event.action in ("create", "import", "update")]
    assert [(event.outcome, event.rows) for event in copies] == [("attempted", 2), ("attempted", 2)]
    assert played.events[-1] == read(11)
    assert played.gaps == []


def test_case_36_copy_in_that_fails_while_data_flows(stage):
    """The server refuses a row; what the client still sends is swallowed, in both protocols."""

    def script(wire):
        stage.enter(wire)
        wire.ask(query("copy by_int from stdin"), kinds="G")
        wire.send(copy_data(b"not a number\tx\n"), *[copy_data(b"%d\tx\n" % n) for n in range(200)], COPY_DONE)
        assert states(wire.until("Z")) == ["22P02"]
        wire.ask(query("select id from customer where id = 12"))
        wire.ask(parse("copy by_int from stdin"), bind(), execute(), FLUSH, kinds="G")
        wire.send(copy_data(b"nor this\tx\n"), FLUSH)
        assert states(wire.until("E")) == ["22P02"]
        wire.send(*[copy_data(b"%d\tx\n" % n) for n in range(200)], COPY_DONE, SYNC)
        wire.until("Z")
        wire.ask(query("select id from customer where id = 13"))
        wire.ask(query("copy by_int from stdin"), kinds="G")
        wire.send(copy_data(b"5\tx\n"), frame(b"f", b"the client gave up\0"))
        assert states(wire.until("Z")) == ["57014"]
        wire.ask(query("select id from customer where id = 14"))

    played = stage.play(script)
    assert [event for event in played.events if event.action == "read"] == [read(12), read(13), read(14)]
    assert {event.outcome for event in played.events if event.action != "read"} <= {"error", "cancelled", "attempted"}
    assert played.gaps == []


def test_case_37_copy_of_1000_rows_in_and_out(stage):
    """A thousand rows in odd pieces arrive as they were sent, and come out the same."""
    lines = [b"%d\t%s\n" % (1000 + n, b"v" * (n % 97)) for n in range(1_000)]
    data = b"".join(lines)

    def script(wire):
        stage.enter(wire)
        wire.ask(query("begin"))
        wire.ask(query("copy evolving (id, label) from stdin"), kinds="G")
        wire.send(*[copy_data(data[at : at + 333]) for at in range(0, len(data), 333)], COPY_DONE)
        wire.until("Z")
        came = wire.ask(query("copy (select id, label from evolving where id >= 1000 order by id) to stdout"))
        assert b"".join(body for kind, body in came if kind == "d") == data
        wire.ask(query("rollback"))

    played = stage.play(script)
    out = played.events[-1] if played.events[-1].action == "export" else played.events[0]
    assert (out.rows, out.records) == (1_000, {"evolving": 1_000})


def test_case_39_replication_is_passed_and_recorded(stage):
    """Start-up with replication and CopyBoth pass opaque, with a gap from begin to end."""

    def script(wire):
        wire.send(startup(user="replicator", database=stage.name, replication="database"))
        wire.until("Z")
        wire.ask(query("IDENTIFY_SYSTEM"))
        wire.ask(query("select id from customer where id = 1"))
        wire.ask(
            query('CREATE_REPLICATION_SLOT "conformance" TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT'), kinds="ZE"
        )
        if kinds(wire.heard)[-1] == "E":
            wire.until("Z")
        wire.ask(
            query("START_REPLICATION SLOT \"conformance\" LOGICAL 0/0 (proto_version '1', publication_names 'none')"),
            kinds="WE",
        )
        wire.send(COPY_DONE)
        wire.until("Z")
        wire.send(TERMINATE)
        assert wire.gone()[-1] == GONE

    def without_positions(messages):
        return [(kind, b"" if kind == "D" else body) for kind, body in masked(messages) if kind != "d"]

    played = stage.play(script, mask=without_positions, codec=False)
    assert "W" in kinds(played.heard)
    assert played.events == []
    assert set(played.gaps) == {"codec"}


def test_case_39_replication_is_refused_by_a_closed_source(stage):
    """Where what cannot be recorded may not happen, replication is refused before the server hears of it."""
    settings = stage.home("no-replication", on_failure="closed")
    with Running(settings) as running, Wire(("127.0.0.1", running.relay.port)) as wire:
        wire.send(startup(user="replicator", database=stage.name, replication="true"))
        came = wire.gone()
        assert states(came) == ["28000"]
        assert b"replication cannot be recorded" in came[0][1]


def test_case_40_cancel(stage):
    """A cancel request ends its own session's statement; one with a wrong secret, or too late, ends nothing."""

    def script(wire):
        stage.enter(wire)
        with Wire(wire.address) as other:
            stage.enter(other)
            wire.send(query("select id, pg_sleep(8) from customer where id = 15"))
            other.send(query("select id, pg_sleep(0.3) from customer where id = 16"))
            time.sleep(0.1)
            wire.cancel(secret=b"\0" * len(wire.backend_key[1]))
            wire.cancel(process=other.backend_key[0])
            wire.cancel()
            assert states(wire.until("Z")) == ["57014"]
            assert kinds(other.until("Z")) == "TDCZ"
        wire.ask(query("select id from customer where id = 17"))
        wire.cancel()
        time.sleep(0.05)
        wire.ask(query("select id from customer where id = 18"))

    played = stage.play(script, codec=False)
    assert sorted(played.events, key=str) == sorted([read(outcome="cancelled"), read(16), read(17), read(18)], key=str)


@pytest.mark.parametrize("extended", [False, True])
def test_case_41_a_statement_of_20_mb(stage, extended):
    """It passes whole; what it shows is judged by its head, never by nothing."""
    text = b"select id, length('" + b"x" * (20 << 20) + b"') from customer where id = 19"

    def script(wire):
        stage.enter(wire)
        wire.ask(parse(text) + bind() + describe() + execute() + SYNC if extended else query(text))
        wire.ask(
            parse("select id, length($1) from customer where id = 20"),
            bind(b"y" * (20 << 20)),
            describe(),
            execute(),
            SYNC,
        )
        wire.ask(query("select id from customer where id = 21"))

    played = stage.play(script, ways=("direct", "relay"), codec=False)
    assert rows(played.heard) == [[b"19", b"20971520"], [b"20", b"20971520"], [b"21"]]
    assert [event.rows for event in played.events] == [1, 1, 1]
    assert played.events[0].coverage in ("exact", "opaque")
    assert played.events[2] == read(21)
    assert played.gaps == []


def memory(process: int, name: str = "VmRSS") -> int:
    """Kilobytes."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(name)).split()[1])


@pytest.fixture
def alone(stage, tmp_path, free_tcp_port):
    """A relay in a process of its own, whose memory is only its own."""
    server = stage.server
    arguments = [str(tmp_path), str(HERE.parent), f"{server.host}:{server.port}"]
    arguments += [server.socket_dsn(stage.name, user="side_user"), f"127.0.0.1:{free_tcp_port}", "observe"]
    child = start_child(arguments, free_tcp_port)
    try:
        yield child.pid, ("127.0.0.1", free_tcp_port), tmp_path
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(15)


MAX_GROWTH_KB = 12 << 10
"""What a connection may add to the relay's memory: 1 MiB and a message's head, and what the allocator keeps."""


def test_case_42_large_results_in_bounded_memory(stage, alone):
    """A value of 200 MB and 800,000 rows with keys, to a reader that pauses: the relay's peak hardly moves."""
    if stage.server.server.programs.parts[1] == "usr":
        pytest.skip("measured once, on PostgreSQL 18: the memory is the relay's")
    process, address, home = alone
    with Wire(address) as wire:
        stage.enter(wire)
        wire.ask(query("select id, repeat('x', 10000) from customer, generate_series(1, 3)"))  # everything is warm
        before = memory(process)
        wire.send(query("select id, repeat('x', 200000000) from customer where id = 22"))
        expect_bytes(wire, 200_000_000, pause_at=50_000_000)
        wire.send(query("select c.id, g from customer c, generate_series(1, 800) g"))
        expect_bytes(wire, 800_000 * 20, pause_at=1_000_000)
        assert memory(process, "VmHWM") - before < MAX_GROWTH_KB
    time.sleep(0.3)
    events = [told(one) for one in accesses(home)]
    assert (events[1].rows, set(events[1].records["customer"])) == (1, {22})
    assert (events[2].rows, set(events[2].records["customer"])) == (800_000, set(range(1, 1_001)))


def expect_bytes(wire, count, pause_at):
    """Read up to ReadyForQuery without keeping anything, with one pause."""
    got, tail, paused = 0, b"", False
    while not tail.endswith(b"Z\x00\x00\x00\x05I"):
        data = wire.socket.recv(1 << 20)
        assert data
        got += len(data)
        tail = (tail + data)[-6:]
        if got > pause_at and not paused:
            paused = True
            time.sleep(0.3)
    assert got >= count


def test_case_43_half_closed(stage):
    """A client that has said all and shut down its side still reads every answer."""

    def script(wire):
        stage.enter(wire)
        wire.send(
            query("select id, pg_sleep(0.1) from customer where id = 23"),
            query("select id from customer where id = 24"),
        )
        wire.socket.shutdown(socket.SHUT_WR)
        assert kinds(wire.gone()) == "TDCZTDCZ"

    def at_once(wire):
        wire.send(startup(user=USER, database=stage.name), query("select id from customer where id = 25"))
        wire.socket.shutdown(socket.SHUT_WR)
        assert kinds(wire.gone())[-4:] == "TDCZ"

    assert stage.play(script, ways=OBSERVING).events == [read(23), read(24)]
    assert stage.play(at_once, ways=OBSERVING).events == [read(25)]


def reset(wire: Wire) -> None:
    """End without farewell: RST instead of FIN."""
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.socket.close()


def test_case_43_reset_in_mid_result(stage):
    """RST while rows flow: the access is aborted, with the rows seen so far."""

    def script(wire):
        stage.enter(wire)
        wire.send(query("select c.id, repeat('x', 500) from customer c, generate_series(1, 1000)"))
        wire.until("D", 2_000)
        reset(wire)

    wire_heard = None
    for way in ("relay", "bytes"):
        if way == "bytes":
            continue  # its rows would take minutes; the order of bytes changes nothing here
        with Wire(stage.ways[way].address) as wire:
            stage.ways[way].fresh()
            script(wire)
            wire_heard = len(wire.heard)
        stage.ways[way].settle()
        (event,), gaps = stage.ways[way].fresh()
        assert event.outcome == "aborted"
        assert 2_000 <= event.rows < 1_000_000
        assert gaps == []
    assert wire_heard


@pytest.mark.parametrize("ending", ["reset", "killed"])
def test_case_43_a_client_gone_before_the_first_row(stage, alone, ending):
    """Gone while its statement runs: the access was born before its end, and ends aborted or with what was sent."""
    _, address, home = alone
    if ending == "reset":
        with Wire(address) as wire:
            stage.enter(wire)
            wire.send(query("select id, pg_sleep(1.1) from customer where id = 26"))
            time.sleep(0.2)
            reset(wire)
        time.sleep(0.3)
    else:
        command = ["psql", "-X", "-h", address[0], "-p", str(address[1]), "-U", USER, stage.name]
        text = "select id, pg_sleep(1.1), repeat('x', 100) from customer, generate_series(1, 50) where id = 26"
        client = subprocess.Popen([*command, "-c", text], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.4)
        os.kill(client.pid, signal.SIGKILL)
        client.wait()
        time.sleep(1.0)
        stage.server.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(1.1)%' and pid <> pg_backend_pid()"
        )
        time.sleep(0.7)
    (event,) = [told(one) for one in accesses(home)]
    assert event.outcome == "aborted"


def test_case_44_idle_in_transaction(stage):
    """The server ends a transaction that idles: one error, the end, and the change is attempted."""

    def script(wire):
        stage.enter(wire)
        wire.ask(query("set idle_in_transaction_session_timeout = '150ms'"))
        wire.ask(query("begin; update customer set phone = '3' where id = 27"))
        assert states(wire.gone()) == ["25P03"]

    played = stage.play(script)
    assert played.events == [Told("update", "attempted", "predicate", 1, {"customer": [27]})]


def test_case_44_both_sockets_are_kept_alive(stage):
    """A host that vanished without a word is noticed: keepalive on the client's socket and on the server's."""
    running = stage.ways["relay"].running
    with Wire(stage.ways["relay"].address) as wire:
        stage.enter(wire)
        (relayed,) = running.relay._connections
        for leg in (relayed.client, relayed.server):
            sock = leg.transport.get_extra_info("socket")
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60


def test_case_44_an_idle_session_is_left_alone(stage, monkeypatch):
    """No time limit of the relay ends a session that idles: only start-up has one."""
    from quivive.capture import arrival

    monkeypatch.setattr(arrival, "STARTUP_TIMEOUT_S", 0.2)

    def script(wire):
        stage.enter(wire)
        time.sleep(0.5)
        wire.ask(query("select id from customer where id = 28"))

    assert stage.play(script, ways=("direct", "relay")).events == [read(28)]
    with Wire(stage.ways["relay"].address) as wire:
        wire.send(b"\0\0\0\x30")
        assert wire.gone() == [GONE]
