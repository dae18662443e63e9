"""A full disk under the whole data folder: nothing acknowledged is lost, and everything works again afterwards.

The folder is a small tmpfs, which needs root; where it cannot be mounted the test says so.
"""

import subprocess
import time

import psycopg
import pytest
from street_support import Street, counted, until

from quivive.model.clock import from_rfc3339, now_us, to_rfc3339

pytestmark = [pytest.mark.integration, pytest.mark.timeout(150)]

DISK_MB = 64


@pytest.fixture(scope="module")
def street(pg18):
    with Street(pg18, pg18.customer_database()) as running:
        running.home.mkdir()
        mount = ("mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "quivive-test", str(running.home))
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
        try:
            yield running
        finally:
            if running.process is not None and running.process.poll() is None:
                running.stop()
            subprocess.run(("umount", "--lazy", str(running.home)), check=True)


def fill(folder):
    """Take every byte that is left."""
    with (folder / "filler").open("wb", buffering=0) as filler:
        size = 1 << 20
        while size >= 1:
            try:
                filler.write(b"\0" * size)
            except OSError:
                size //= 2


def post(street, number):
    row = {
        "id": f"n-{number}", "at": to_rfc3339(now_us()), "controller": "aurore", "agent": "boris", "action": "read",
        "records": [f"customer:{number}"],
    }  # fmt: skip
    return street.api("POST", "/v1/accesses", [row], token="api")[0]


def read(street, source, number):
    with psycopg.connect(street.dsn(source), autocommit=True, connect_timeout=5) as connection:
        connection.execute("set quivive.agent = 'anna'")
        return connection.execute("select id, last_name from customer where id = %s", (number,)).fetchone()


def until_refused(street):
    """Customers that strict and closed still showed: the last page of a file takes a few."""
    shown = []
    try:
        for number in range(601, 701):
            shown += [number] if read(street, "strict-db", number) else []
    except psycopg.Error as error:
        return shown, str(error)
    return shown, ""


def test_a_full_disk_loses_nothing_acknowledged(street):
    """Intake: 503, then 200. `observe` serves on, `strict` refuses or says a gap; the folder verifies."""
    street.source("db").source("strict-db", mode="strict", on_failure="closed").source("open-db", mode="strict")
    street.write().start().activate().instruct("closed")
    acknowledged = [number for number in range(20_001, 20_021) if post(street, number) == 200]
    assert len(acknowledged) == 20
    assert read(street, "db", 401)
    assert read(street, "strict-db", 402)
    street.settle()

    full_from = now_us()
    fill(street.home)
    said = {number: post(street, number) for number in range(20_021, 20_061)}
    assert set(said.values()) <= {200, 503}, "the last page of a file takes some, then none"
    assert said[20_060] == 503
    acknowledged += [number for number, status in said.items() if status == 200]
    for number in range(501, 601):
        assert read(street, "db", number), "observe and open: the agent works on"
    shown, refusal = until_refused(street)
    assert "Quivive" in refusal
    for number in range(701, 751):
        assert read(street, "open-db", number), "strict and open: let through, and a gap says so"
    time.sleep(2)
    assert street.process.poll() is None
    assert "Traceback" not in street.output.read_text(), street.output.read_text()[-3_000:]

    (street.home / "filler").unlink()
    until(lambda: post(street, 20_100) == 200)
    until(lambda: read(street, "strict-db", 405))
    again = [number for number in said if post(street, number) == 200]
    assert again == list(said)
    until(lambda: street.ask("status")["entries_behind"] == 0)
    gaps = until(lambda: [g for g in street.api("GET", "/v1/gaps")[1]["items"] if g["cause"] == "spool_full"])
    assert {gap["source"] for gap in gaps} == {"open-db"}, "nowhere else did anything pass without its trace"
    assert all(from_rfc3339(gap["to_at"]) >= full_from for gap in gaps)
    until(lambda: street.seen("customer:405"))
    assert street.stop() == 0

    counts = counted(street.entries())
    for number in {*acknowledged, 20_100, *again}:
        assert counts["api", street.customer(number)] == 1, number
    assert counts["strict-db", street.customer(402)] == 1
    assert counts["db", street.customer(401)] == 1
    for number in range(501, 601):
        assert counts["db", street.customer(number)] == 1, "kept in memory until the disk took it"
    for number in shown:
        assert counts["strict-db", street.customer(number)] == 1
    code, out, _ = street.run("verify")
    assert code == 0, out
