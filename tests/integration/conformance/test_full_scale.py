"""Cases 28, 42 and 44 of the capture reference §5 at their full size, with the relay's memory measured (make fault).

Beside the scaled-down ones of every run; minutes each. The relay is a process of its own; PostgreSQL 18 alone.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from relay_support import accesses
from stage import told
from test_conformance_streams import expect_bytes, memory
from test_relay_modes import start_child
from wire_client import SYNC, Wire, bind, describe, execute, parse, query, rows

pytestmark = [
    pytest.mark.integration,
    pytest.mark.fault,
    pytest.mark.timeout(0),
    pytest.mark.skipif(os.environ.get("QUIVIVE_FAULTS") != "long", reason="minutes: make fault"),
]
HERE = Path(__file__).parent
STATEMENTS = 100_000
SHAPES = 10_000
VALUE_BYTES = 512 << 20
ROWS = 10_000_000
IDLE_SESSIONS = 80  # the server's own limit is 100
IDLE_S = float(os.environ.get("QUIVIVE_IDLE_S", "60"))
"""86,400 for the day that the case asks for."""
MAX_RESULT_GROWTH_KB = 12 << 10
MAX_STATEMENTS_GROWTH_KB = 48 << 10
"""8,192 prepared statements of a connection, 4,096 texts and 8,192 shapes of the process, each with its plan."""


@pytest.fixture
def alone(stage, tmp_path, free_tcp_port):
    """A relay in a process of its own: process, address, home."""
    server = stage.server
    if server.server.programs.parts[1] == "usr":
        pytest.skip("measured once, on PostgreSQL 18: the memory is the relay's")
    arguments = [str(tmp_path), str(HERE.parent), f"{server.host}:{server.port}"]
    arguments += [server.socket_dsn(stage.name, user="side_user"), f"127.0.0.1:{free_tcp_port}", "observe"]
    child = start_child(arguments, free_tcp_port)
    try:
        yield child.pid, ("127.0.0.1", free_tcp_port), tmp_path
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(60)


def stated(case: str, **figures: float) -> None:
    """Print what was measured, for the page that quotes it."""
    sys.stderr.write(json.dumps({"case": case, **figures}) + "\n")


def warm(stage, wire: Wire) -> None:
    """Everything that is loaded once is loaded; a busy machine may take its time."""
    wire.socket.settimeout(900)
    stage.enter(wire)
    wire.ask(query("select id, repeat('x', 10000) from customer, generate_series(1, 3)"))


def test_case_28_a_hundred_thousand_statements(stage, alone):
    """100,000 distinct texts under as many names in one session: caches stay within their bounds, and so does memory."""
    process, address, home = alone
    with Wire(address) as wire:
        warm(stage, wire)
        before = memory(process)
        half = 0
        for batch in range(0, STATEMENTS, 1_000):
            texts = [
                parse(f"select id, {n} as c{n % SHAPES} from customer where id = {1 + n % 1000}", f"s{n}")
                for n in range(batch, batch + 1_000)
            ]
            wire.ask(*texts, SYNC)
            half = memory(process) if batch == STATEMENTS // 2 else half
        after = memory(process)
        for n in (0, STATEMENTS - 1):
            found = wire.ask(bind(name=f"s{n}"), describe(), execute(), SYNC)
            assert len(rows(found)) == 1
    stated("28", before_kb=before, half_kb=half, after_kb=after, growth_kb=after - before)
    assert after - before < MAX_STATEMENTS_GROWTH_KB
    assert after - half < 16 << 10, "memory still grows after half of them"
    time.sleep(0.5)
    first, last = [told(one) for one in accesses(home)][1:]
    assert first.coverage in {"opaque", "exact"}
    assert last.records == {"customer": [1_000]}


def test_case_42_a_huge_value_and_ten_million_rows(stage, alone):
    """A value of 512 MB, then 10 million rows with keys, to a reader that pauses: the relay's peak hardly moves."""
    process, address, home = alone
    with Wire(address) as wire:
        warm(stage, wire)
        before = memory(process)
        began = time.monotonic()
        wire.send(query(f"select id, repeat('x', {VALUE_BYTES}) from customer where id = 22"))
        expect_bytes(wire, VALUE_BYTES, pause_at=VALUE_BYTES // 4)
        value_s, value_peak = time.monotonic() - began, memory(process, "VmHWM")
        began = time.monotonic()
        wire.send(query(f"select c.id, g from customer c, generate_series(1, {ROWS // 1_000}) g"))
        expect_bytes(wire, ROWS * 20, pause_at=1_000_000)
        rows_s, peak = time.monotonic() - began, memory(process, "VmHWM")
    stated(
        "42",
        before_kb=before,
        value_growth_kb=value_peak - before,
        rows_growth_kb=peak - before,
        value_s=round(value_s, 1),
        rows_s=round(rows_s, 1),
    )
    assert peak - before < MAX_RESULT_GROWTH_KB
    time.sleep(0.5)
    events = [told(one) for one in accesses(home)]
    assert (events[1].rows, set(events[1].records["customer"])) == (1, {22})
    assert (events[2].rows, set(events[2].records["customer"])) == (ROWS, set(range(1, 1_001)))


def test_case_44_idle_sessions(stage, alone):
    """Sessions that idle, half of them in a transaction, are left alone, cost little, and work afterwards."""
    process, address, home = alone
    wires = [Wire(address) for _ in range(IDLE_SESSIONS)]
    try:
        with Wire(address) as wire:
            warm(stage, wire)
        before = memory(process)
        for number, wire in enumerate(wires):
            stage.enter(wire)
            if number % 2:
                wire.ask(query("begin"))
        opened = memory(process)
        time.sleep(IDLE_S)
        idled = memory(process)
        for number, wire in enumerate(wires):
            assert len(rows(wire.ask(query(f"select id from customer where id = {1 + number}")))) == 1
    finally:
        for wire in wires:
            wire.__exit__()
    stated(
        "44",
        sessions=IDLE_SESSIONS,
        idle_s=IDLE_S,
        per_session_kb=round((opened - before) / IDLE_SESSIONS, 1),
        growth_while_idle_kb=idled - opened,
    )
    assert idled - opened < 2 << 10
    assert opened - before < IDLE_SESSIONS * 256
    time.sleep(0.5)
    assert len(accesses(home)) == IDLE_SESSIONS + 1
