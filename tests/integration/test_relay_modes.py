"""Modes and failures of the relay: strict, closed, dry, kill, cancel, unreachable database, taken port, odd traffic."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from relay_support import KEYS, Running, accesses, agent, customer, entries, make_home, write_policy

from quivive.capture.relay import StartError
from quivive.model.errors import StorageError
from quivive.wire.framing import PeerError

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def database(pg18):  # type: ignore[no-untyped-def]
    """One customer database."""
    return pg18, pg18.customer_database()


def home_of(database, tmp_path: Path, **source: object):  # type: ignore[no-untyped-def]
    server, name = database
    return make_home(
        tmp_path, target=f"unix:{server.socket}", side_dsn=server.socket_dsn(name, user="side_user"), **source
    )


@pytest.mark.parametrize("on_failure", ["open", "closed"])
def test_strict_gives_the_same_results(database, tmp_path: Path, on_failure: str) -> None:  # type: ignore[no-untyped-def]
    """Strict holds bytes, changes none; every row had a durable part before it passed."""
    _, name = database
    with Running(home_of(database, tmp_path, mode="strict", on_failure=on_failure)) as running:
        with psycopg.connect(running.dsn(name), autocommit=True) as connection:
            rows = connection.execute("select id, last_name from customer order by id").fetchall()
            assert rows == [(n, f"Nom{n}") for n in range(1, 1_001)]
            assert connection.execute("update customer set phone = '0' where id = 21").rowcount == 1
            assert connection.execute("select count(*) from customer").fetchone() == (1_000,)
        running.stop()
    read, write, _count = accesses(tmp_path)
    assert read["records"]["public.customer"] == [customer(n) for n in range(1, 1_001)]
    assert (write["parts"], write["outcome"]) == (2, "ok")
    assert write["records"] == {"public.customer": [customer(21)]}


def test_strict_write_waits_for_its_intent(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """No write reaches the server while its trace is not durable; a read's rows wait likewise."""
    server, name = database
    with Running(home_of(database, tmp_path, mode="strict")) as running:
        spool = running.relay._spool
        assert spool is not None
        with psycopg.connect(running.dsn(name), autocommit=True) as connection:
            connection.execute("select 1")
            running.call(lambda: _freeze(spool))
            done = threading.Thread(target=lambda: connection.execute("update customer set phone = 'w' where id = 22"))
            done.start()
            time.sleep(0.3)
            with psycopg.connect(server.dsn(name)) as direct:
                assert direct.execute("select phone from customer where id = 22").fetchone() != ("w",)
                running.call(lambda: _thaw(spool))
                done.join(10)
                assert direct.execute("select phone from customer where id = 22").fetchone() == ("w",)


async def _beat(running: Running) -> None:
    running.relay._heartbeat()


async def _freeze(spool) -> None:  # type: ignore[no-untyped-def]
    spool._schedule_sync_real, spool._schedule_sync = spool._schedule_sync, lambda: None


async def _thaw(spool) -> None:  # type: ignore[no-untyped-def]
    spool._schedule_sync = spool._schedule_sync_real
    spool._schedule_sync()


class FullDisk:
    """Makes a running relay's spool refuse, as a full disk does."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.writer = running.relay._spool.writer  # type: ignore[union-attr]

    def __enter__(self) -> None:
        async def fill() -> None:
            def refuse(*_: object, **__: object) -> None:
                raise StorageError("cannot write to the spool of db: No space left on device")

            self.append, self.flush = self.writer.append, self.writer.flush
            self.writer.append = refuse  # type: ignore[method-assign]

        self.running.call(fill)

    def __exit__(self, *_: object) -> None:
        async def free() -> None:
            self.writer.append = self.append  # type: ignore[method-assign]

        self.running.call(free)


def test_open_lets_through_and_counts(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Disk full, open: traffic goes on, and the gap counts what was lost."""
    _, name = database
    with Running(home_of(database, tmp_path)) as running:
        with psycopg.connect(running.dsn(name), autocommit=True) as connection:
            with FullDisk(running):
                for key in (1, 2, 3):
                    assert connection.execute("select id from customer where id = %s", (key,)).fetchone() == (key,)
            time.sleep(1.5)
            connection.execute("select id from customer where id = 4")
        running.stop()
    gaps = [body for kind, body in entries(tmp_path) if kind == "gap"]
    assert [(gap["cause"], gap["lost"]) for gap in gaps] == [("spool_full", 3)]
    assert [one["records"] for one in accesses(tmp_path)] == [{"public.customer": [customer(4)]}]


def test_closed_refuses_with_a_protocol_error(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Disk full, closed: one proper error per batch, the connection lives and works again afterwards."""
    _, name = database
    with Running(home_of(database, tmp_path, on_failure="closed")) as running:
        with psycopg.connect(running.dsn(name), autocommit=True) as connection:
            with FullDisk(running):
                connection.execute("select id from customer where id = 1")  # the loss shows with the first trace
                for sql, binds in (
                    ("select id from customer where id = 2", None),
                    ("select id from customer where id = %s", (3,)),
                ):
                    with pytest.raises(psycopg.errors.IoError):
                        connection.execute(sql, binds)
            time.sleep(1.5)
            assert connection.execute("select id from customer where id = 5").fetchone() == (5,)
        running.stop()


def test_dry_keeps_nothing_but_counts(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """In dry no access, link, agent or key reaches the spool; switching the policy needs no restart."""
    _, name = database
    settings = home_of(database, tmp_path)
    write_policy(tmp_path, active=False)
    with Running(settings) as running:
        with psycopg.connect(running.dsn(name), autocommit=True) as connection:
            connection.execute("set quivive.agent = 'a.martin'")
            connection.execute("select id, last_name from customer where last_name like 'Nom1%'")
            running.call(lambda: _beat(running))
            assert {kind for kind, _ in entries(tmp_path)} <= {"access.count", "heartbeat"}
            write_policy(tmp_path, active=True)
            time.sleep(1.3)
            connection.execute("select id from customer where id = 1")
        running.stop()
    raw = b"".join(path.read_bytes() for path in (tmp_path / "spool").rglob("*") if path.is_file())
    assert agent("b") not in raw.decode("latin-1")
    counted = [body for kind, body in entries(tmp_path) if kind == "access.count" and body["tables"]]
    assert (counted[0]["dry"], counted[0]["wildcards"], counted[0]["statements_attributed"]) == (True, 1, 1)
    assert [one["agent"] for one in accesses(tmp_path)] == [agent("a.martin")]


def test_transactions_and_savepoints(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Rolled-back changes are `attempted`: by ROLLBACK, by savepoint, by an error in an implicit transaction."""
    _, name = database
    script = (
        "begin; update customer set phone='a' where id=31; savepoint s; update customer set phone='b' where id=32;"
        " rollback to s; commit;"
    )
    with Running(home_of(database, tmp_path)) as running:
        psql = ["psql", "-X", "-q", running.dsn(name)]
        for statement in script.split("; "):
            psql += ["-c", statement]
        subprocess.run(psql, check=True, capture_output=True)
        subprocess.run(
            ["psql", "-X", "-q", running.dsn(name), "-c", "update customer set phone='c' where id=33; select 1/0"],
            check=False,
            capture_output=True,
        )
        running.stop()
    assert {(one["outcome"], one["records"]["public.customer"][0]) for one in accesses(tmp_path)} == {
        ("ok", customer(31)),
        ("attempted", customer(32)),
        ("attempted", customer(33)),
    }


def sleeping_psql(dsn: str, key: int) -> "subprocess.Popen[bytes]":
    """A client in the middle of a slow statement (a process of its own: libpq's cancel would hold our interpreter)."""
    sql = f"select id, pg_sleep(30) from customer where id = {key}"
    client = subprocess.Popen(["psql", "-X", dsn, "-c", sql], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    return client


def test_cancel_and_lost_client(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """A cancelled statement is `cancelled`; one whose client is killed is `aborted`."""
    _, name = database
    with Running(home_of(database, tmp_path)) as running:
        first = sleeping_psql(running.dsn(name), 1)
        first.send_signal(signal.SIGINT)  # psql cancels on a connection of its own
        assert first.wait(10) == 1
        client = sleeping_psql(running.dsn(name), 2)
        client.kill()
        client.wait()
        time.sleep(0.3)
        running.stop()
    assert [one["outcome"] for one in accesses(tmp_path)] == ["cancelled", "aborted"]


def test_sql_prepare_cursor_and_several_statements(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """SQL-level PREPARE/EXECUTE, DECLARE/FETCH and several statements in one Query each give their own access."""
    _, name = database
    with Running(home_of(database, tmp_path)) as running:
        subprocess.run(
            [
                "psql",
                "-X",
                "-q",
                running.dsn(name),
                "-c",
                "prepare p(bigint) as select last_name from customer where id = $1",
                "-c",
                "execute p(41)",
                "-c",
                "begin",
                "-c",
                "declare c cursor for select id from customer where id in (42, 43)",
                "-c",
                "fetch all from c",
                "-c",
                "commit",
                "-c",
                "select id from customer where id = 44; select id from orders where id = 45",
            ],
            check=True,
            capture_output=True,
        )
        running.stop()
    found = accesses(tmp_path)
    assert [one["records"].get("public.customer") for one in found] == [
        [customer(41)],
        [customer(42), customer(43)],
        [customer(44)],
        None,
    ]
    assert len(found[3]["records"]["public.orders"]) == 1


def test_ddl_is_seen_without_restart(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """A table made while the relay runs is protected and named at once."""
    server, name = database
    with Running(home_of(database, tmp_path)) as running:
        server.execute(
            "create table public.note (id bigint primary key, body text); insert into note values (1, 'x')", name
        )
        server.execute("grant select on public.note to app_user", name)
        time.sleep(1.1)
        with psycopg.connect(running.dsn(name), autocommit=True) as connection:
            connection.execute("select id, body from note")
        running.stop()
    (one,) = accesses(tmp_path)
    assert one["tables"] == ["public.note"]


def test_long_result_in_bounded_parts(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """20,000 rows: parts of at most 4,096 keys, all keys told."""
    _, name = database
    with Running(home_of(database, tmp_path)) as running:
        with psycopg.connect(running.dsn(name), autocommit=True) as connection:
            rows = connection.execute(
                "select c.id, g from customer c, generate_series(1, 20) g order by g, c.id"
            ).fetchall()
            assert len(rows) == 20_000
        running.stop()
    (one,) = accesses(tmp_path)
    assert one["rows"] == 20_000
    assert set(one["records"]["public.customer"]) == {customer(n) for n in range(1, 1_001)}


def test_slow_reader_holds_the_server_not_memory(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """A large result to a client that does not read: what the relay holds stays below 1 MiB (case 42)."""
    _, name = database
    with Running(home_of(database, tmp_path)) as running:
        with socket.create_connection(("127.0.0.1", running.relay.port)) as client:
            body = f"user\0app_user\0database\0{name}\0\0".encode()
            client.sendall((len(body) + 8).to_bytes(4, "big") + (0x30000).to_bytes(4, "big") + body)
            time.sleep(0.3)
            sql = b"select c.id, repeat('x', 1000) from customer c, generate_series(1, 1000)\0"
            client.sendall(b"Q" + (len(sql) + 4).to_bytes(4, "big") + sql)
            for _ in range(5):
                time.sleep(0.2)
                (relayed,) = running.relay._connections
                assert relayed.client.transport is not None
                assert relayed.client.transport.get_write_buffer_size() < 1 << 20
            assert relayed.client.transport.get_write_buffer_size() > 0
        time.sleep(0.2)
        running.stop()
    (one,) = accesses(tmp_path)
    assert one["outcome"] == "aborted"
    assert 0 < one["rows"] < 1_000_000


def test_unreachable_database(tmp_path: Path) -> None:
    """A database that is down: one clear error for the client, and the relay stays."""
    settings = make_home(tmp_path, target="unix:/nonexistent/.s.PGSQL.5432", side_dsn="")
    with (
        Running(settings) as running,
        pytest.raises(psycopg.OperationalError, match="cannot be reached at present"),
    ):
        psycopg.connect(running.dsn("any"))


def test_taken_port(tmp_path: Path) -> None:
    """A taken port is one sentence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = make_home(tmp_path, target="127.0.0.1:1", listen=f"127.0.0.1:{port}")
        message = f"cannot listen on 127.0.0.1:{port}: Address already in use"
        with pytest.raises(StartError, match=message), Running(settings):
            pass


@pytest.mark.parametrize("error", [PeerError("a server message of unknown type"), KeyError("Nom62")])
def test_codec_error_lets_traffic_go_on_with_a_gap(  # type: ignore[no-untyped-def]
    database, tmp_path: Path, capfd: pytest.CaptureFixture[str], error: Exception
) -> None:
    """A stream the codec does not understand, or a defect of ours, goes on unread; a gap says so, others stay traced."""
    _, name = database

    async def break_codecs(running: Running) -> None:
        def broken(_: bytes) -> bytes:
            raise error

        for relayed in running.relay._connections:
            relayed._session.server_bytes = broken  # type: ignore[union-attr, method-assign]

    with Running(home_of(database, tmp_path)) as running:
        with psycopg.connect(running.dsn(name), autocommit=True) as connection:
            connection.execute("select id from customer where id = 61")
            running.call(lambda: break_codecs(running))
            for key in (62, 63):
                assert connection.execute("select id from customer where id = %s", (key,)).fetchone() == (key,)
            with psycopg.connect(running.dsn(name), autocommit=True) as other:
                other.execute("select id from customer where id = 64")
        running.stop()
    gaps = [body for kind, body in entries(tmp_path) if kind == "gap"]
    assert [gap["cause"] for gap in gaps] == ["codec", "codec"]
    assert gaps[1]["to_at"] > gaps[1]["from_at"]
    assert [one["outcome"] for one in accesses(tmp_path)] == ["ok", "aborted", "ok"]
    assert "Nom62" not in "".join(capfd.readouterr())  # the message of a defect may hold data


def test_gss_and_ssl_requests_are_refused(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """GSSENCRequest and SSLRequest get N on the same socket, then start-up goes on (cases 1 and 4)."""
    _, name = database
    with (
        Running(home_of(database, tmp_path)) as running,
        socket.create_connection(("127.0.0.1", running.relay.port)) as client,
    ):
        for code in (80_877_104, 80_877_103):
            client.sendall((8).to_bytes(4, "big") + code.to_bytes(4, "big"))
            assert client.recv(1) == b"N"
        body = f"user\0app_user\0database\0{name}\0\0".encode()
        client.sendall((len(body) + 8).to_bytes(4, "big") + (0x30000).to_bytes(4, "big") + body)
        assert client.recv(1) == b"R"


def test_strict_closed_shows_no_row_it_could_not_record(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Disk full, strict and closed: the first access already fails, its rows never arrive; later it works again."""
    _, name = database
    with Running(home_of(database, tmp_path, mode="strict", on_failure="closed")) as running:
        for execution in (1, 5):  # the long way, and one that has learned the short way
            with psycopg.connect(running.dsn(name), autocommit=True, prepare_threshold=0) as connection:
                for _ in range(execution):
                    connection.execute("select id from customer where id = %s", (1,))
                with FullDisk(running), pytest.raises(psycopg.OperationalError):
                    connection.execute("select id from customer where id = %s", (2,))
            time.sleep(1.5)
        running.stop()
    keys = {key for one in accesses(tmp_path) for key in one["records"].get("public.customer", [])}
    assert keys == {customer(1)}


CHILD = """
import sys; from pathlib import Path
sys.path.insert(0, sys.argv[2])
from relay_support import make_home
from quivive.capture.relay import run_relay
sys.exit(run_relay(make_home(Path(sys.argv[1]), target=sys.argv[3], side_dsn=sys.argv[4], listen=sys.argv[5], mode=sys.argv[6]), "db"))
"""


@pytest.fixture
def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def start_child(arguments: list[str], port: int) -> subprocess.Popen[bytes]:
    """A relay as a process of its own, once it listens."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, *arguments], stdout=subprocess.DEVNULL)
    until = time.monotonic() + 15
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return child
        time.sleep(0.05)
    raise AssertionError("the relay did not listen")


def read_until_lost(dsn: str, number: int, received: set[int], written: set[int]) -> None:
    """Read and change customers in several shapes until the connection dies; note what arrived."""
    draw = random.Random(number)
    with contextlib.suppress(psycopg.Error), psycopg.connect(dsn, autocommit=True, prepare_threshold=2) as connection:
        while True:
            key, way = draw.randrange(1, 1_000), draw.randrange(8)
            if way == 0:
                sql = "select id from customer where id between %s and %s"
                received.update(row[0] for row in connection.execute(sql, (key, key + 40)))
            elif way == 1:
                connection.execute("update customer set email = email where id = %s", (key,))
                written.add(key)
            elif way == 2:
                received.update(row[0] for row in connection.execute(f"select * from customer where id = {key}"))
            else:
                sql = "select last_name from customer where id = %s"
                received.update(key for _ in connection.execute(sql, (key,)))


@pytest.mark.parametrize("after_s", [0.07, 0.31, 0.53])
def test_strict_killed_at_any_moment(database, tmp_path: Path, free_port: int, after_s: float) -> None:  # type: ignore[no-untyped-def]
    """Whatever row a client received, and whatever change was answered, its key is in the spool of the killed relay."""
    server, name = database
    arguments = [str(tmp_path), str(Path(__file__).parent), f"unix:{server.socket}"]
    arguments += [server.socket_dsn(name, user="side_user"), f"127.0.0.1:{free_port}", "strict"]
    dsn = f"postgresql://app_user@127.0.0.1:{free_port}/{name}"
    child = start_child(arguments, free_port)
    received: list[set[int]] = [set() for _ in range(4)]
    written: list[set[int]] = [set() for _ in range(4)]
    readers = [
        threading.Thread(target=read_until_lost, args=(dsn, number, received[number], written[number]))
        for number in range(4)
    ]
    for reader in readers:
        reader.start()
    until = time.monotonic() + 10
    while not all(received) and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(after_s)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    for reader in readers:
        reader.join(10)
    spooled = {
        key
        for kind, body in entries(tmp_path)
        if kind == "access"
        for group in body["records"]
        for key in group["keys"]
    }
    assert all(received)
    for key in set().union(*received, *written):
        assert customer(key) in spooled


def test_killed_and_started_again(database, tmp_path: Path, free_port: int) -> None:  # type: ignore[no-untyped-def]
    """kill -9 loses nothing that reached the kernel and gives a gap; SIGTERM ends with 0; ledger and DuckDB stay out."""
    server, name = database
    arguments = [str(tmp_path), str(Path(__file__).parent), f"unix:{server.socket}"]
    arguments += [server.socket_dsn(name, user="side_user"), f"127.0.0.1:{free_port}", "observe"]
    dsn = f"postgresql://app_user@127.0.0.1:{free_port}/{name}"
    child = start_child(arguments, free_port)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("select id from customer where id = 51")
        time.sleep(0.1)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    child = start_child(arguments, free_port)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("select id from customer where id = 52")
    os.kill(child.pid, signal.SIGTERM)
    assert child.wait(15) == 0
    found = entries(tmp_path)
    assert [one["records"]["public.customer"] for one in accesses(tmp_path)] == [[customer(51)], [customer(52)]]
    gaps = [body for kind, body in found if kind == "gap"]
    assert [gap["cause"] for gap in gaps] == ["source_killed"]
    assert gaps[0]["from_at"] <= gaps[0]["to_at"]


def test_nothing_personal_in_the_spool(database, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    """No name, login, literal, bind or row value is found in the spool or in what the relay prints."""
    _, name = database
    with Running(home_of(database, tmp_path)) as running:
        with psycopg.connect(running.dsn(name), autocommit=True) as connection:
            connection.execute("set quivive.agent = 'zz.secretlogin'")
            connection.execute("select * from customer where last_name = 'Nom77'").fetchall()
            connection.execute("select iban, phone from customer where email = %s", ("c78@example.invalid",))
            connection.execute("update customer set last_name = 'Xylophonist' where id = 79")
            with pytest.raises(psycopg.Error):
                connection.execute("insert into customer (id, last_name) values (1, 'Doublonneau')")
        running.stop()
    raw = b"".join(path.read_bytes() for path in (tmp_path / "spool").rglob("*") if path.is_file())
    text = raw.decode("latin-1") + "".join(capfd.readouterr())
    for value in ("Nom77", "secretlogin", "c78@example", "Xylophonist", "Doublonneau", "+33639980077", "FR0000"):
        assert value not in text
    assert KEYS.record.hex() not in text


def test_the_relay_imports_no_ledger() -> None:
    """The relay process never imports ledger, DuckDB or web (DESIGN §3)."""
    code = "import sys, quivive.capture.relay; print([m for m in sys.modules if m.split('.')[:2][-1] in ('ledger', 'web', 'projection') or m == 'duckdb'])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
