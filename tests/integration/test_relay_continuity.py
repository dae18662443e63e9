"""Relays come and go while people work: orderly ends, rolling restart behind two hosts, kill -9, the way around."""

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import psycopg
import pytest
from relay_support import Running, accesses, customer, make_home
from street_support import Street, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

SCRIPT = "\\set id random(1, 1000)\nselect id, last_name from customer where id = :id;\n"
BACK_S = 15.0
"""A killed relay serves again: a fraction of a second (`bench/continuity.py`), more on a loaded machine."""


@pytest.fixture(scope="module")
def database(pg18):  # type: ignore[no-untyped-def]
    """One customer database."""
    return pg18, pg18.customer_database()


def home_of(database, tmp_path: Path, **source: object):  # type: ignore[no-untyped-def]
    server, name = database
    return make_home(
        tmp_path, target=f"unix:{server.socket}", side_dsn=server.socket_dsn(name, user="side_user"), **source
    )


def stopping(running: Running) -> threading.Thread:
    """Stop in the background, as SIGTERM does."""
    thread = threading.Thread(target=running.stop)
    thread.start()
    return thread


@pytest.mark.parametrize("mode", ["observe", "strict"])
def test_an_orderly_end(database, tmp_path: Path, mode: str) -> None:  # type: ignore[no-untyped-def]
    """No new connection; quiet sessions end with 57P01; a statement and a transaction under way end well."""
    _, name = database
    with Running(home_of(database, tmp_path, mode=mode)) as running:
        dsn = running.dsn(name)
        quiet = psycopg.connect(dsn, autocommit=True)
        quiet.execute("select id from customer where id = 1")
        busy = subprocess.Popen(
            ["psql", "-X", "-At", dsn, "-c", "select id from customer, pg_sleep(1.5) where id = 2"],
            stdout=subprocess.PIPE,
        )
        change = psycopg.connect(dsn)
        change.execute("select id from customer where id = 3")
        time.sleep(0.5)
        ending = stopping(running)
        time.sleep(0.1)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(dsn)
        time.sleep(0.5)
        with pytest.raises(psycopg.errors.AdminShutdown, match="connect again"):
            quiet.execute("select 1")
        assert change.execute("select id from customer where id = 4").fetchone() == (4,)
        change.commit()
        out, _ = busy.communicate(timeout=10)
        ending.join(10)
        assert not ending.is_alive()
        assert out.split() == [b"2"]
    assert {key for one in accesses(tmp_path) for key in one["records"]["public.customer"]} == {
        customer(number) for number in (1, 2, 3, 4)
    }


def test_the_end_is_bounded(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """After `drain_s` what still runs is cut and recorded as aborted; a second signal does not wait for it."""
    _, name = database
    for drain_s, hurried in ((1, False), (60, True)):
        home = tmp_path / str(drain_s)
        with Running(home_of(database, home, drain_s=drain_s)) as running:
            client = subprocess.Popen(
                ["psql", "-X", running.dsn(name), "-c", "select id, pg_sleep(30) from customer where id = 5"],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            )  # fmt: skip
            time.sleep(0.5)
            ending = stopping(running)
            if hurried:
                time.sleep(0.3)
                running.loop.call_soon_threadsafe(running.relay.hurry)
            ending.join(15)
            assert not ending.is_alive()
            assert client.wait(10) != 0
        assert [one["outcome"] for one in accesses(home)] == ["aborted"]


@pytest.fixture(scope="module")
def street(pg18, tmp_path_factory):  # type: ignore[no-untyped-def]
    """`quivive serve` with two relays before one database."""
    with Street(pg18, pg18.customer_database()) as running:
        running.source("db-a").source("db-b").write().start().activate()
        yield running


class Bench:
    """pgbench over both relays, each transaction on a connection of its own."""

    def __init__(self, street, folder: Path, seconds: int) -> None:  # type: ignore[no-untyped-def]
        script = folder / "read.sql"
        script.write_text(SCRIPT)
        ports = f"{street.ports['db-a']},{street.ports['db-b']}"
        dsn = f"host=127.0.0.1,127.0.0.1 port={ports} user=app_user dbname={street.database}"
        self.process = subprocess.Popen(
            ["pgbench", "-n", "-C", "-c", "4", "-T", str(seconds), "-f", str(script), dsn],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def end(self) -> tuple[str, int]:
        """What it printed, and how many transactions it counts."""
        out, _ = self.process.communicate(timeout=60)
        found = re.search(r"transactions actually processed: (\d+)", out)
        return out, int(found.group(1)) if found else 0


def recorded(street) -> int:  # type: ignore[no-untyped-def]
    """Records shown by the two relays, read from the ledger of the stopped folder."""
    return sum(
        len(part["keys"])
        for entry in street.entries()
        if entry.kind == "access" and entry.source in {"db-a", "db-b"}
        for part in entry.body["records"]
    )


def restart(street, source: str, number: signal.Signals) -> float:  # type: ignore[no-untyped-def]
    """Signal the relay and wait until another process listens in its place; seconds it took."""
    before = street.child("relay", source)
    began = time.monotonic()
    os.kill(before, number)
    until(lambda: street.child("relay", source) not in {0, before} and street.accepts(street.ports[source]), pause=0.02)
    return time.monotonic() - began


def test_the_way_around_is_one_line(street) -> None:  # type: ignore[no-untyped-def]
    """`quivive bypass` prints where the database itself is, and it works."""
    code, out, error = street.run("bypass", "db-a")
    assert (code, out.count("\n")) == (0, 1), error
    dsn = out.partition(": ")[0]
    with psycopg.connect(f"{dsn} user=app_user dbname={street.database}") as connection:
        assert connection.execute("select id from customer where id = 1").fetchone() == (1,)
    assert street.run("bypass", "nobody")[0] == 1


def test_rolling_restart_and_kill_under_pgbench(street, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Both relays restarted in turn: no transaction fails. One killed: back at once, its gap recorded."""
    bench = Bench(street, tmp_path, 9)
    time.sleep(1)
    for source in ("db-a", "db-b"):
        restart(street, source, signal.SIGTERM)
        time.sleep(0.3)
    told, rolled = bench.end()
    assert bench.process.returncode == 0, told
    assert "aborted" not in told, told
    assert "number of failed transactions: 0" in told or "failed" not in told, told
    assert rolled > 100

    bench = Bench(street, tmp_path, 6)
    time.sleep(1)
    back = restart(street, "db-a", signal.SIGKILL)
    assert back < BACK_S
    told, survived = bench.end()
    assert survived > 50
    assert "connection to server" not in told or "aborted" in told, told
    street.settle()
    gaps = until(lambda: [g for g in street.api("GET", "/v1/gaps")[1]["items"] if g["cause"] == "source_killed"])
    assert {gap["source"] for gap in gaps} == {"db-a"}
    print(f"back after {back:.2f} s; {rolled} + {survived} transactions")
    assert street.stop() == 0
    assert recorded(street) >= rolled + survived - 4, "a killed relay loses its loop tick, a restarted one nothing"


def test_an_instruction_and_the_hourly_limit(pg18) -> None:  # type: ignore[no-untyped-def]
    """Set and not instructed: nobody is stopped. Instructed: the core counts, the relay refuses, the entry says denied."""
    with Street(pg18, pg18.customer_database()) as street:
        street.source("db").write()
        path = street.home / "controllers" / "aurore.toml"
        path.write_text("max_records_per_agent_hour = 50\n" + path.read_text())
        street.start().activate()
        with psycopg.connect(street.dsn(), autocommit=True) as connection:
            connection.execute("set quivive.agent = 'anna'")
            connection.execute("select id from customer where id <= 60").fetchall()
            until(lambda: street.seen("customer:60"))
            time.sleep(3)
            connection.execute("select id from customer where id = 61").fetchall()
            code, _, error = street.run("instruction", "record", "aurore", "--limits", "--reference", "avenant 4")
            assert code == 0, error
            policy = street.home / "run" / "policy" / "db.json"
            until(lambda: b'"denied":{"' in policy.read_bytes())
            time.sleep(1.3)
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="hourly limit"):
                connection.execute("select id from customer where id = 62")
            connection.execute("set quivive.agent = 'boris'")
            assert connection.execute("select id from customer where id = 63").fetchone() == (63,)
        assert "avenant 4" in street.run("instruction", "show")[1]
        assert street.run("instruction", "record", "aurore", "--reference", "x")[0] == 1
        street.settle()
        assert street.run("instruction", "record", "aurore", "--withdraw", "--reference", "lettre")[0] == 0
        until(lambda: b'"denied":{}' in policy.read_bytes())
        with contextlib.suppress(AssertionError):
            street.settle()
        assert street.stop() == 0
        outcomes = [entry.body["outcome"] for entry in street.entries() if entry.kind == "access"]
    assert outcomes.count("denied") == 1
