"""What breaks on the street, and what it costs: killed processes, wrong configuration, taken ports, flipped bytes.

Real processes throughout (issue 2, "Shown when done"). What was acknowledged is compared id by id.
"""

import contextlib
import os
import signal
import socket
import threading
import time
import urllib.error

import psycopg
import pytest
from street_support import Street, counted, until

from quivive.model.clock import from_rfc3339, now_us, to_rfc3339

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

KILLS = 2
BACK_S = 3.0
"""A killed relay serves again: about a second of its own (issue 4), more on a loaded machine."""


class Client(threading.Thread):
    """Reads one customer after the other through the relay, as soon as it can; `answered` holds (number, instant)."""

    def __init__(self, street, numbers):
        super().__init__(daemon=True)
        self.street, self.numbers, self.answered, self.ending = street, iter(numbers), [], threading.Event()

    def run(self):
        while not self.ending.is_set():
            with contextlib.suppress(psycopg.Error), psycopg.connect(self.street.dsn(), autocommit=True) as connection:
                connection.execute("set quivive.agent = 'anna'")
                while not self.ending.is_set():
                    number = next(self.numbers, 0)
                    if not number:
                        return
                    if connection.execute("select id, last_name from customer where id = %s", (number,)).fetchone():
                        self.answered.append((number, now_us()))
                    time.sleep(0.003)
            time.sleep(0.02)


class Sender(threading.Thread):
    """Posts one access after the other, each again until it is acknowledged: the idempotent sender."""

    def __init__(self, street, numbers):
        super().__init__(daemon=True)
        self.street, self.numbers, self.answered, self.ending = street, numbers, [], threading.Event()

    def run(self):
        for number in self.numbers:
            row = {
                "id": f"n-{number}", "at": to_rfc3339(now_us()), "controller": "aurore", "agent": "boris",
                "action": "read", "records": [f"customer:{number}"],
            }  # fmt: skip
            while not self.ending.is_set():
                with contextlib.suppress(OSError, urllib.error.URLError):
                    status, report = self.street.api("POST", "/v1/accesses", [row], token="api")
                    if status == 200 and report["accepted"] + report["duplicates"] == 1:
                        self.answered.append(number)
                        break
                time.sleep(0.02)


@pytest.fixture(scope="module")
def street(pg18):
    with Street(pg18, pg18.customer_database()) as running:
        running.source("db").write().start().activate()
        yield running


@pytest.fixture(scope="module")
def killed(street):
    """The core killed under load, then the relay, then an orderly end; what the clients were told."""
    client, sender = Client(street, range(1, 700)), Sender(street, range(10_001, 20_000))
    client.start()
    sender.start()
    for _ in range(KILLS):
        time.sleep(0.7)
        before = street.child("core")
        os.kill(before, signal.SIGKILL)
        until(lambda before=before: street.child("core") not in {0, before} and street.ask("ping"))
    time.sleep(0.5)
    sender.ending.set()
    sender.join(30)
    client.ending.set()
    client.join(30)
    second = Client(street, range(701, 1_000))
    second.start()
    until(lambda: len(second.answered) > 30)
    before, at = street.child("relay", "db"), now_us()
    os.kill(before, signal.SIGKILL)
    began = time.monotonic()
    until(lambda: street.accepts(street.ports["db"]), pause=0.02)
    back = time.monotonic() - began
    count = len(second.answered)
    until(lambda: len(second.answered) > count + 10)
    second.ending.set()
    second.join(30)
    gaps = until(
        lambda: [
            g for g in street.api("GET", "/v1/gaps")[1]["items"] if (g["source"], g["cause"]) == ("db", "source_killed")
        ]
    )
    time.sleep(1.5)  # one more heartbeat of the relay, and the checkpoint
    code = street.stop()
    return {
        "client": client, "sender": sender, "second": second, "killed_at": at, "back": back, "gaps": gaps,
        "code": code, "counts": counted(street.entries()),
    }  # fmt: skip


def test_a_killed_core_loses_no_relayed_access_and_doubles_none(street, killed):
    """Every row answered through the relay while the core died and came back stands in the ledger once."""
    answered = [number for number, _ in killed["client"].answered]
    assert len(answered) > 50
    assert {number: killed["counts"]["db", street.customer(number)] for number in answered} == dict.fromkeys(
        answered, 1
    )


def test_a_killed_core_loses_no_acknowledged_row_and_doubles_none(street, killed):
    """A sender that repeats until it hears "accepted" finds each row once, though its core died twice."""
    answered = killed["sender"].answered
    assert len(answered) > 20
    assert {number: killed["counts"]["api", street.customer(number)] for number in answered} == dict.fromkeys(
        answered, 1
    )


def test_a_killed_relay_is_back_at_once_and_a_gap_says_so(killed):
    """The supervisor starts it again; the gap bounds the moment of the kill."""
    assert killed["back"] < BACK_S
    assert len(killed["gaps"]) == 1
    gap = killed["gaps"][0]
    assert from_rfc3339(gap["from_at"]) <= killed["killed_at"] <= from_rfc3339(gap["to_at"])
    assert gap["lost"] == -1


def test_a_killed_relay_loses_only_inside_its_gap(street, killed):
    """What is missing was answered between the bounds of the gap; everything else stands once."""
    low, high = (from_rfc3339(killed["gaps"][0][bound]) for bound in ("from_at", "to_at"))
    counts = {number: (at, killed["counts"]["db", street.customer(number)]) for number, at in killed["second"].answered}
    assert all(count <= 1 for _, count in counts.values())
    assert all(low <= at <= high for at, count in counts.values() if count == 0)
    assert sum(count for _, count in counts.values()) > 30


def test_the_folder_verifies_after_all_this(street, killed):
    """`quivive verify` exits 0 after two kills of the core and one of the relay."""
    assert killed["code"] == 0
    code, out, error = street.run("verify")
    assert (code, error) == (0, ""), out


@pytest.mark.parametrize("pattern", ["segments/aurore/trace/*", "log/**/tile/**/*", "log/**/checkpoint"])
def test_one_flipped_byte_is_found_with_its_place(street, killed, pattern):
    """A segment, a tile, a checkpoint: verify is non-zero and names the file."""
    del killed
    files = [path for path in sorted(street.home.glob(pattern)) if path.is_file() and path.stat().st_size]
    assert files
    path = max(files, key=lambda found: found.stat().st_size)
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[len(changed) // 2] ^= 1
    path.write_bytes(changed)
    try:
        code, out, error = street.run("verify")
    finally:
        path.write_bytes(whole)
    assert code not in {0, 1, 2}, out
    assert error == ""
    assert path.name in out, out


# --- configuration and ports ---------------------------------------------------------------------------------------


@pytest.fixture
def folder():
    with Street(database="none") as made:
        made.source("db", target="127.0.0.1:9").write()
        yield made


WRONG = [
    ('name = "Centre"', "name = 7", ("operator.name", "str", "int")),
    ('mode = "observe"', 'mode = "watch"', ("sources.db.mode", "expected", "watch")),
    ('kind = "directory"', 'kind = "directory"\nlistens = 3', ("sources.people", "known key", "listens")),
    ('controller = "aurore"', 'controller = "boreal"', ("sources.api.controller", "expected", "boreal")),
    ("[operator]", "[operator", ("(file)", "TOML", "line")),
    ('web_listen = "127.0.0.1:', 'web_listen = "127.0.0.1:x', ("operator.web_listen", "expected", "127.0.0.1:x")),
    ('\nlisten = "127.0.0.1:', '\nlisten = "127.0.0.1:x', ("sources.db.listen", "expected", "127.0.0.1:x")),
    ('target = "127.0.0.1:9"', 'target = "127.0.0.1"', ("sources.db.target", "expected", "127.0.0.1")),
]


@pytest.mark.parametrize(
    ("command", "wrong"),
    [*((("serve",), wrong) for wrong in WRONG), (("core",), WRONG[1]), (("relay", "db"), WRONG[1])],
)
def test_a_wrong_configuration_is_one_sentence(folder, command, wrong):
    """File, key, expected and found; exit 2; no traceback."""
    old, new, said = wrong
    assert old in folder.main
    folder.write(main=folder.main.replace(old, new))
    code, out, error = folder.run(*command)
    assert code == 2, error
    assert (out, error.count("\n")) == ("", 1), error
    assert all(word in error for word in ("quivive: quivive.toml: ", *said)), error


def test_a_wrong_controller_file_is_one_sentence(folder):
    """The same for a file of a controller, and for a folder without configuration."""
    text = (folder.home / "controllers" / "aurore.toml").read_text()
    folder.write(controller=text.replace("slot = 1", "slot = 4000"))
    code, _, error = folder.run("serve")
    assert (code, error.count("\n")) == (2, 1)
    assert "controllers/aurore.toml: slot: expected 1 to 1023, found 4000" in error
    (folder.home / "quivive.toml").unlink()
    code, _, error = folder.run("serve")
    assert (code, error.count("\n")) == (2, 1)
    assert "quivive.toml" in error


def test_a_taken_console_port_ends_serve(folder):
    """One sentence that names key and address; `core` and `serve` end with 2."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", folder.web))
        taken.listen()
        code, _, error = folder.run("core")
        assert code == 2
        assert f"operator.web_listen: expected a free address of this machine, found 127.0.0.1:{folder.web}" in error
        code, _, error = folder.run("serve")
    assert code == 2
    assert error.count("operator.web_listen") == 1
    assert "Traceback" not in error


def test_a_taken_relay_port_ends_serve(folder):
    """The same for the port of a relay; the core it started ends too."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", folder.ports["db"]))
        taken.listen()
        code, _, error = folder.run("serve")
    assert code == 2
    said = [line for line in error.splitlines() if line.startswith("quivive relay db:")]
    assert len(said) == 1
    assert str(folder.ports["db"]) in said[0]
    assert "Traceback" not in error
    with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.1", folder.web), timeout=2):
        pass
