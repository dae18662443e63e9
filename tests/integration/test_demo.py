"""The demonstration centre from start to stop, as `make run` starts it: the whole street on a real PostgreSQL."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import psycopg
import pytest

from quivive.simulation.database import PostgresServer, wheel_programs

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

START_S = 60
UNEXPLAINED_S = 120
LOUD = {"another_controller", "wildcard", "without_call"}


class Demo:
    """A running demonstration."""

    def __init__(self, home, log):
        self.home, self.log = home, log
        self.process = None
        self.facts = {}

    def start(self):
        """Start it and wait for demo.json; returns the seconds it took."""
        began = time.monotonic()
        environment = {**os.environ, "QUIVIVE_HOME": str(self.home), "LANG": "fr_FR.UTF-8"}
        environment.pop("LC_ALL", None)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "quivive", "demo"],
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        note = self.home / "demo.json"
        while not note.exists():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() - began < START_S, self.log.read_text()
            time.sleep(0.05)
        self.facts = json.loads(note.read_text())
        return time.monotonic() - began

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def ask(self, method, path, body=None):
        """One API call with the token of demo.json."""
        request = urllib.request.Request(
            self.facts["api_url"] + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.facts['api_token']}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read()[:300]!r}") from None

    def accesses_of(self, record):
        """Accesses that showed one record of the demonstrated controller."""
        search = self.ask("POST", "/v1/subject-searches", {"controller": self.facts["controller"], "record": record})
        return self.ask("GET", f"/v1/accesses?subject={search['id']}")["items"]


def wait_for(what, seconds, pause=0.1):
    """Poll until `what()` is true; returns it and the seconds it took."""
    began = time.monotonic()
    while True:
        found = what()
        if found or time.monotonic() - began > seconds:
            return found, time.monotonic() - began
        time.sleep(pause)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    running = Demo(folder / "home", folder / "demo.log")
    running.start()
    yield running
    if running.process.poll() is None:
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(60)
    PostgresServer(folder=running.home / "postgres", programs=wheel_programs()).destroy()


def loud_seen(demo):
    """Which of the three loud misbehaviours stand in the API's twin of « À expliquer »."""
    seen = set()
    for group in demo.ask("GET", "/v1/unexplained")["items"]:
        if group["controller"] == "sereni" and not group["assigned"]:
            seen.add("another_controller")
        if group["controller"] == "mercato" and group["pattern"] == "prefix":
            seen.add("wildcard")
        if group["controller"] == "aurore" and group["records"] >= 8:
            seen.add("without_call")
    return seen


def test_what_is_announced(demo):
    """demo.json holds everything a visitor needs, is private, and the page asks for a sign-in."""
    names = {
        "console_url",
        "login_link",
        "evaluator_link",
        "agent_link",
        "api_url",
        "api_token",
        "controller",
        "relay_dsn",
        "direct_dsn",
        "data_dir",
        "agents",
    }
    assert set(demo.facts) == names
    assert (demo.home / "demo.json").stat().st_mode & 0o077 == 0
    with urllib.request.urlopen(demo.facts["login_link"], timeout=10) as page:
        assert page.status == 200
    printed = demo.log.read_text()
    assert demo.facts["login_link"] in printed
    assert "téléconseillers" in printed


def test_a_query_through_the_relay_is_found_under_its_customer(demo):
    """Within two seconds: one access, with agent, action, columns, coverage and verdict. The direct DSN leaves none."""
    with psycopg.connect(demo.facts["direct_dsn"], autocommit=True) as direct:
        assert len(direct.execute("select id, last_name from customer where id in (1, 2, 3)").fetchall()) == 3
    with psycopg.connect(demo.facts["relay_dsn"], autocommit=True) as relay:
        relay.execute(f"set quivive.agent = '{demo.facts['agents'][0]}'")
        rows = relay.execute("select id, last_name from customer where id in (1,2,3)").fetchall()
        assert len(rows) == 3
        found, seconds = wait_for(lambda: demo.accesses_of("customer:2"), 5)
        assert len(found) == 1, found
        assert seconds < 2.0
        (access,) = found
        assert access["agent"]
        assert access["action"] == "read"
        assert access["columns"] == ["customer.id", "customer.last_name"] or set(access["columns"]) == {
            "public.customer.id",
            "public.customer.last_name",
        }
        assert access["coverage"] == "exact"
        assert access["verdict"]
        relay.execute(
            "select o.id, o.order_number, o.status from orders o where o.order_number = 'CMD-000004'"
        ).fetchall()
    found, _ = wait_for(lambda: demo.accesses_of("customer:4"), 30, pause=0.5)
    assert found, "an order read by its number is found under its customer"


def test_the_three_loud_misbehaviours_stand_there(demo):
    """Files without a call, another controller's customers, a wildcard search: within two minutes of the start."""
    seen, seconds = wait_for(lambda: loud_seen(demo) >= LOUD and LOUD, UNEXPLAINED_S, pause=1.0)
    assert seen == LOUD, (loud_seen(demo), seconds)


def test_ordinary_work_is_explained(demo):
    """At least 97 % of finally judged episodes of everyone who does not misbehave are explained."""
    items, before = [], ""
    for _ in range(20):
        page = demo.ask("GET", f"/v1/activity{before}")
        items += page["items"]
        if page["next"] is None:
            break
        before = f"?before={page['next']}"
    agents_to_explain = {
        group["agent"] for group in demo.ask("GET", "/v1/unexplained")["items"] if group["records"] >= 4
    }
    assert len(agents_to_explain) <= 6, "the three loud ones and the one who hides, hardly anyone else"
    final = [i for i in items if i["verdict"] in {"explained", "unexplained"} and i["agent"] not in agents_to_explain]
    explained = sum(i["verdict"] == "explained" for i in final)
    assert len(final) >= 50
    assert explained / len(final) >= 0.97, [i for i in final if i["verdict"] != "explained"][:5]
    assert {"strong", "weak"} <= {i["strength"] for i in final}


def test_it_stops_cleanly_verifies_and_resumes(demo):
    """SIGTERM ends with 0 and leaves no process; the folder verifies; a second start resumes within its time."""
    assert demo.stop() == 0
    assert not (demo.home / "demo.json").exists()
    verify = subprocess.run(
        [sys.executable, "-m", "quivive", "--home", str(demo.home), "verify"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert verify.returncode == 0, verify.stdout + verify.stderr
    link = demo.facts["login_link"]
    seconds = demo.start()
    assert demo.facts["login_link"] != link
    assert seconds < 20
    found, _ = wait_for(lambda: demo.accesses_of("customer:2"), 5)
    assert len(found) == 1
    assert demo.stop() == 0
