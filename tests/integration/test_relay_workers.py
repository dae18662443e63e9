"""Several workers of one relay share a port: every access is in one spool, and only there."""

import shutil
import socket
import subprocess
from pathlib import Path

import psycopg
import pytest
from relay_support import Running, customer, entries, make_home

from quivive.capture.relay import StartError
from quivive.spool.reader import SpoolReader
from quivive.spool.record import SpoolCursor

pytestmark = pytest.mark.integration

CLIENTS, EACH = 16, 100


def two_workers(pg18, tmp_path: Path):  # type: ignore[no-untyped-def]
    name = pg18.customer_database()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    side = pg18.socket_dsn(name, user="side_user")
    return name, make_home(tmp_path, target=f"unix:{pg18.socket}", side_dsn=side, listen=f"127.0.0.1:{port}", workers=2)


@pytest.mark.skipif(shutil.which("pgbench") is None, reason="needs pgbench")
def test_two_workers_lose_nothing(pg18, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """pgbench over two workers: both serve, each spool is without a hole, together they hold every access once."""
    name, settings = two_workers(pg18, tmp_path)
    script = tmp_path / "read.sql"
    script.write_text("\\set id random(1, 1000)\nselect last_name from customer where id = :id;\n")
    with Running(settings) as first, Running(settings, worker=2) as second:
        command = ["pgbench", "-n", "-M", "prepared", "-C", "-f", script, "-c", CLIENTS, "-t", EACH, first.dsn(name)]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert second.stop() == 0
        with psycopg.connect(first.dsn(name)) as connection:  # the one that is left serves on
            assert connection.execute("select last_name from customer where id = 7").fetchone() == ("Nom7",)
        first.stop()
    counts = []
    for spool in ("db", "db-w2"):
        found = [body for kind, body in entries(tmp_path, spool) if kind == "access"]
        assert len({body["access"] for body in found}) == len(found)
        assert all(len(body["records"][0]["keys"]) == 1 for body in found)
        assert numbers(tmp_path, spool) == list(range(1, len(numbers(tmp_path, spool)) + 1))
        counts.append(len(found))
    assert sum(counts) == CLIENTS * EACH + 1
    assert min(counts) > CLIENTS
    last = [body for kind, body in entries(tmp_path) if kind == "access"][-1]
    assert last["records"] == [{"keys": [customer(7)], "table": "public.customer"}]


def test_no_third_worker_of_two(pg18, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """The port is shared, a spool never: a worker that runs already is refused."""
    _, settings = two_workers(pg18, tmp_path)
    with Running(settings), pytest.raises(StartError, match="another process writes it"), Running(settings):
        pass


def numbers(home: Path, spool: str) -> list[int]:
    """Numbers of all events of a spool, in order."""
    reader, cursor, found = SpoolReader(home / "spool", spool), SpoolCursor(source=spool), []
    while events := getattr(batch := reader.poll(cursor, 1_000), "events", batch):
        found += [event.seq for event in events]
        cursor = SpoolCursor(source=spool, epoch=events[-1].epoch, seq=events[-1].seq)
    return found
