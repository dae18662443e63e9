"""A running product over one customer database: configuration, processes, API calls, the ledger read back.

Used by test_street.py. Everything here is real: `quivive serve` as a subprocess, its relays, PostgreSQL.
Data folders have short paths: the control socket lies in them, and a Unix socket path holds 107 bytes.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

from quivive.core.control import ask, core_socket
from quivive.ledger.entry import decode_entry
from quivive.ledger.log import Ledger
from quivive.privacy.keyring import Keyring
from quivive.privacy.pseudonym import record_key
from quivive.settings import load_settings
from quivive.simulation.database import free_port

READY_S = 60
LOADED_S = 30
"""Waits for one thing on a machine that runs other things too."""
MAIN = """
[operator]
name = "Centre"
origin = "centre.example/quivive"
web_listen = "127.0.0.1:{web}"

[sources.api]
kind = "accesses"
controller = "aurore"
namespace = "crm"

[sources.telephony]
kind = "contacts"
namespace = "telephony"

[sources.people]
kind = "directory"
"""
DATABASE = """
[sources.{name}]
kind = "postgres"
controller = "aurore"
namespace = "crm"
listen = "127.0.0.1:{port}"
target = "{target}"
side_dsn = "{side}"
mode = "{mode}"
on_failure = "{on_failure}"
heartbeat_s = 1
"""
CONTROLLER = """
name = "Aurore"
slot = 1
lateness_s = 5
contact_sources = ["telephony"]
not_protected = ["public.reason_code"]

[[tables]]
name = "public.customer"
kind = "person"
key = ["id"]
alternates = [{ column = "customer_number", kind = "customer_number" }, { column = "phone", kind = "phone" }]

[[tables]]
name = "public.orders"
kind = "linked"
key = ["id"]
alternates = [{ column = "order_number", kind = "order_number" }]
path = { column = "customer_id", to = "public.customer" }

[[tables]]
name = "public.household"
kind = "group"
key = ["id"]
"""
AGENTS = ("anna", "boris", "carla")


def until(what, seconds=LOADED_S, pause=0.1):
    """Poll until `what()` is true, and return it; errors on the way count as "not yet"."""
    began, last = time.monotonic(), None
    while time.monotonic() - began < seconds:
        try:
            if found := what():
                return found
        except Exception as error:  # noqa: BLE001 - reported below
            last = error
        time.sleep(pause)
    raise AssertionError(f"not within {seconds} s: {last!r}")


class Street:
    """One data folder and its `quivive serve`. A context manager: whatever it started has ended afterwards."""

    def __init__(self, server=None, database=""):
        self.folder = Path(tempfile.mkdtemp(prefix="qv-"))
        self.home, self.output = self.folder / "home", self.folder / "output.log"
        self.server, self.database, self.web = server, database, free_port()
        self.ports, self.tokens, self.process, self.main = {}, {}, None, MAIN.format(web=self.web)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)  # its own session: started here
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def source(self, name, *, mode="observe", on_failure="open", target=""):
        """Declare a proxied database."""
        port = self.ports[name] = free_port()
        side = "" if target else self.server.socket_dsn(self.database, user="side_user")
        target = target or f"unix:{self.server.socket}"
        self.main += DATABASE.format(name=name, port=port, target=target, side=side, mode=mode, on_failure=on_failure)
        return self

    def write(self, main="", controller=""):
        """Write the configuration."""
        (self.home / "controllers").mkdir(parents=True, exist_ok=True)
        (self.home / "quivive.toml").write_text(main or self.main, encoding="utf-8")
        (self.home / "controllers" / "aurore.toml").write_text(controller or CONTROLLER, encoding="utf-8")
        return self

    def start(self):
        """Start `quivive serve` and wait until the core and every relay answer."""
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "quivive", "--home", str(self.home), "serve"],
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        until(lambda: self.ask("ping"), READY_S)
        for port in self.ports.values():
            until(lambda port=port: self.accepts(port), READY_S)
        return self

    def stop(self):
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def accepts(self, port):
        """Whether something listens there."""
        import socket

        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True

    def child(self, *words):
        """Process id of the supervised child whose command line ends with these words, 0 if there is none."""
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                parent = int(path.joinpath("stat").read_text().rpartition(")")[2].split()[1])
                line = path.joinpath("cmdline").read_bytes().decode().rstrip("\0").split("\0")
                if parent == self.process.pid and tuple(line[-len(words) :]) == words:
                    return int(path.name)
        return 0

    def run(self, *words, timeout=60):
        """One command on this folder: exit code, standard output, standard error."""
        done = subprocess.run(
            [sys.executable, "-m", "quivive", "--home", str(self.home), *words],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def ask(self, command, **params):
        """One question to the core."""
        return asyncio.run(ask(core_socket(self.home), command, **params))

    def api(self, method, path, body=None, *, token="reader"):
        """One call of the API: status and decoded answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.web}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.tokens[token]}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def issue_tokens(self):
        """A token for each source of the API, and one that reads."""
        for source in ("api", "telephony", "people"):
            answer = self.ask("token-issue", name=f"t-{source}", sources=[source], roles=["integration"])
            self.tokens[source] = str(answer["token"])
        reader = self.ask("token-issue", name="reader", sources=[], roles=["security", "dpo", "administrator"])
        self.tokens["reader"] = str(reader["token"])

    def activate(self):
        """Gate, tokens and three informed agents; returns once every source has its policy."""
        self.issue_tokens()
        for state in ("dry", "assessed", "consulted", "informed", "active"):
            self.ask(
                "gate-set", employer="qualis", establishment="lille", module="access", state=state,
                reference="PV-1", demonstration=False,
            )  # fmt: skip
        rows = [
            {
                "id": f"rh-{login}", "version": 1, "name": f"Agent {login}", "employer": "qualis",
                "establishment": "lille", "country": "FR", "controllers": ["aurore"],
                "informed_at": "2026-01-01T00:00:00Z",
                "accounts": [
                    {"controller": "aurore", "namespace": namespace, "login": login}
                    for namespace in ("crm", "telephony")
                ],
            }
            for login in AGENTS
        ]  # fmt: skip
        status, report = self.api("POST", "/v1/directory", rows, token="people")
        assert (status, report.get("accepted")) == (200, len(rows)), report
        until(self._policies_written)
        time.sleep(1.2)  # a relay looks at its policy each second
        return self

    def instruct(self, *instructed):
        """Record the controller's instruction; returns once every relay works by it."""
        self.ask("instruction-record", controller="aurore", instructed=list(instructed), reference="avenant 1")
        until(lambda: all(json.loads(path.read_bytes())[what] for path in self._policies() for what in instructed))
        time.sleep(1.2)
        return self

    def _policies(self):
        return [self.home / "run" / "policy" / f"{name}.json" for name in self.ports]

    def _policies_written(self):
        found = [json.loads(path.read_bytes()) for path in self._policies()]
        return all(policy["active"] and len(policy["informed"]) >= len(AGENTS) for policy in found)

    def dsn(self, name="db"):
        """Through the relay."""
        return f"postgresql://app_user@127.0.0.1:{self.ports[name]}/{self.database}"

    def seen(self, record, kind="record"):
        """Accesses of a subject, newest first: a posted search, then the reading."""
        status, search = self.api("POST", "/v1/subject-searches", {"controller": "aurore", kind: record})
        assert status == 201, search
        status, page = self.api("GET", f"/v1/accesses?subject={search['id']}")
        assert status == 200, page
        return page["items"]

    def settle(self):
        """Wait until everything durable is projected."""
        until(lambda: self.ask("status")["entries_behind"] == 0)

    def entries(self):
        """Every entry of the stopped folder, decoded."""
        settings = load_settings(self.home)
        ledger = Ledger.open(self.home, Keyring.open(self.home), settings.slots, settings.operator.origin)
        try:
            marks = {}
            while batch := ledger.read(marks, 4_096):
                for item in batch:
                    marks[item.shard] = item.index + 1
                    yield decode_entry(item.data)
        finally:
            ledger.close()

    def customer(self, number):
        """Pseudonym of a customer."""
        return record_key(Keyring.open(self.home).controller_keys("aurore"), "public.customer", str(number))


def counted(entries):
    """How many accesses show a record, by (source, key).

    A row sent again that the intake could not know (its core was killed, its disk full) is the same access:
    its identifier is derived from the row, and every reader counts it once.
    """
    seen = {
        (entry.source, key, entry.body["access"] if entry.source == "api" else entry.id)
        for entry in entries
        if entry.kind == "access"
        for group in entry.body["records"]
        for key in group["keys"]
    }
    return Counter((source, key) for source, key, _ in seen)
