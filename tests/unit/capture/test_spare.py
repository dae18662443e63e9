"""Claims about quivive.capture.spare: told which relay to be it is that relay, and its command line says so."""

import subprocess
import sys

from relay_support import make_home

from quivive.capture import spare
from quivive.model.errors import QuiviveError
from quivive.supervisor import SPARE_ROOM


def told(monkeypatch, text: bytes):
    """A standard input that holds one order."""
    monkeypatch.setattr(spare.sys, "stdin", type("In", (), {"buffer": __import__("io").BytesIO(text)})())


def test_an_order_makes_it_that_relay(tmp_path, monkeypatch):
    """Name and worker are taken from the line; the settings are read then, not before."""
    settings, seen = make_home(tmp_path), []
    told(monkeypatch, b"db\t2\n")
    monkeypatch.setattr(spare, "run_relay", lambda found, name, worker: seen.append((found, name, worker)) or 7)
    assert spare.run_spare(lambda: settings, "-") == 7
    assert seen == [(settings, "db", 2)]


def test_no_order_no_relay(monkeypatch):
    """The supervisor is gone: it ends."""
    told(monkeypatch, b"")
    assert spare.run_spare(lambda: 1 / 0, "-") == 0


def test_a_configuration_that_became_wrong_is_one_sentence(monkeypatch, capsys):
    """As for any relay: exit code 2."""

    def load():
        raise QuiviveError("no")

    told(monkeypatch, b"db\t1\n")
    assert spare.run_spare(load, "-") == 2
    assert "quivive relay db" in capsys.readouterr().err


def test_its_command_line_tells_what_it_became():
    """`ps` shows the relay, not the spare."""
    program = (
        "import sys; from quivive.capture.spare import _say_who; _say_who(sys.argv[2], 'relay', 'db', '--worker', '2');"
        "print(open('/proc/self/cmdline').read().rstrip(chr(0)).split(chr(0))[-5:])"
    )
    out = subprocess.run(
        [sys.executable, "-c", program, "spare", SPARE_ROOM], capture_output=True, text=True, check=True
    ).stdout
    if sys.platform == "linux":
        assert out.strip().endswith("'relay', 'db', '--worker', '2']")


def test_the_command_takes_the_room(tmp_path):
    """`quivive spare ROOM` as the supervisor writes it; without an order it ends."""
    command = [sys.executable, "-m", "quivive", "--home", str(tmp_path), "spare", SPARE_ROOM]
    assert subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0
