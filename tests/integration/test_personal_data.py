"""The whole street with seeded personal data: in by SQL, API, file and search; found nowhere behind (issue 2).

Names, IBANs and telephone numbers go through literals, binds, rows, COPY, comments, errors, contacts, the
directory, an access file and searches. Afterwards they stand in no file of the data folder, no decrypted entry,
no table of the projection, hot or sealed, no answer, no URL and no log. Sealed identities stay sealed.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import string
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import duckdb
import psycopg
import pytest

from quivive.core.control import ask, core_socket
from quivive.ledger.log import Ledger
from quivive.model.clock import DAY_US, now_us, to_rfc3339
from quivive.privacy.keyring import Keyring
from quivive.projection.projection import Projection
from quivive.settings import load_settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

READY_S = 60
SETTLE_S = 40
MAIN = """
[operator]
name = "Centre"
origin = "centre.example/quivive"
web_listen = "127.0.0.1:{web}"

[sources.aurore-db]
kind = "postgres"
controller = "aurore"
namespace = "crm"
listen = "127.0.0.1:{relay}"
target = "unix:{socket}"
side_dsn = "{side}"
keep_unknown = true

[sources.api]
kind = "accesses"
controller = "aurore"
namespace = "crm"
keep_unknown = true

[sources.log]
kind = "access_file"
controller = "aurore"
namespace = "crm"
path = "{log}"
keep_unknown = true

[sources.telephony]
kind = "contacts"
namespace = "telephony"
keep_unknown = true

[sources.people]
kind = "directory"

[sources.planning]
kind = "roster"
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
path = { column = "customer_id", to = "public.customer" }
"""


class Seeds:
    """Invented names, IBANs and numbers; `marks` are the parts that may stand nowhere."""

    def __init__(self):
        chance = random.Random(11)
        self.families = ["".join(chance.choices(string.ascii_lowercase, k=10)).title() for _ in range(60)]
        self.names = [f"Zoé {family}" for family in self.families]
        self.ibans = ["FR76" + "".join(chance.choices(string.digits, k=23)) for _ in range(60)]
        self.phones = [f"+3319900{4_000 + number}" for number in range(60)]
        self.marks = [
            *(family.lower() for family in self.families),
            *(iban[4:18] for iban in self.ibans),
            *(phone[1:] for phone in self.phones),
            *("0" + phone[3:] for phone in self.phones),
        ]

    def found_in(self, text):
        """Marks that stand in a text."""
        folded = text.lower()
        return [mark for mark in self.marks if mark in folded]


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Centre:
    """A running product over one seeded database."""

    def __init__(self, folder, server, seeds):
        self.home, self.output, self.access_log = folder / "home", folder / "output.log", folder / "crm" / "access.log"
        self.seeds, self.web, self.relay = seeds, free_port(), free_port()
        self.database = server.customer_database()
        self.direct = server.dsn(self.database)
        self.dsn = f"postgresql://app_user@127.0.0.1:{self.relay}/{self.database}"
        self.tokens, self.answers, self.process = {}, [], None
        self.access_log.parent.mkdir()
        self.access_log.touch()
        (self.home / "controllers").mkdir(parents=True)
        main = MAIN.format(
            web=self.web, relay=self.relay, socket=server.socket, log=self.access_log,
            side=server.socket_dsn(self.database, user="side_user"),
        )  # fmt: skip
        (self.home / "quivive.toml").write_text(main, encoding="utf-8")
        (self.home / "controllers" / "aurore.toml").write_text(CONTROLLER, encoding="utf-8")

    def start(self):
        environment = {**os.environ, "QUIVIVE_HOME": str(self.home)}
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "quivive", "serve"],
                stdout=output, stderr=output, env=environment, start_new_session=True,
            )  # fmt: skip
        self.until(lambda: self.ask("ping"), READY_S)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def until(self, what, seconds):
        """Poll until `what()` is true."""
        began = time.monotonic()
        while True:
            with contextlib.suppress(Exception):
                if found := what():
                    return found
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() - began < seconds, self.output.read_text()
            time.sleep(0.1)

    def ask(self, command, **params):
        return asyncio.run(ask(core_socket(self.home), command, **params))

    def api(self, method, path, body=None, *, token, media="application/json"):
        """One call; every answer, header and URL is kept to be searched."""
        data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.web}{path}",
            method=method,
            data=data,
            headers={"Authorization": f"Bearer {self.tokens[token]}", "Content-Type": media},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                status, headers, text = answer.status, str(answer.headers), answer.read().decode()
        except urllib.error.HTTPError as error:
            status, headers, text = error.code, str(error.headers), error.read().decode()
        self.answers += [headers, text]
        return status, json.loads(text)

    def prepare(self):
        """Gate, tokens, people."""
        for source in ("api", "telephony", "people", "planning"):
            answer = self.ask("token-issue", name=f"t-{source}", sources=[source], roles=["integration"])
            self.tokens[source] = str(answer["token"])
        reader = self.ask("token-issue", name="reader", sources=[], roles=["security", "dpo", "administrator"])
        self.tokens["reader"] = str(reader["token"])
        for state in ("dry", "assessed", "consulted", "informed", "active"):
            self.ask(
                "gate-set", employer="qualis", establishment="lille", module="access", state=state,
                reference="PV-1", demonstration=False,
            )  # fmt: skip
        self.until(lambda: json.loads((self.home / "run" / "policy" / "aurore-db.json").read_bytes())["active"], 20)
        self.until(lambda: psycopg.connect(self.dsn, connect_timeout=5).close() is None, 20)


@pytest.fixture(scope="module")
def seeds():
    return Seeds()


@pytest.fixture(scope="module")
def centre(tmp_path_factory, pg18, seeds):
    running = Centre(tmp_path_factory.mktemp("seeded"), pg18, seeds)
    with psycopg.connect(running.direct, autocommit=True) as connection:
        for number in range(60):
            connection.execute(
                "update customer set last_name = %s, iban = %s, phone = %s, email = %s where id = %s",
                (seeds.names[number], seeds.ibans[number], seeds.phones[number],
                 f"{seeds.families[number]}@example.invalid", number + 1),
            )  # fmt: skip
    running.start()
    try:
        running.prepare()
        work_on_the_wire(running)
        work_over_http(running)
        work_in_the_file(running)
        look(running)
        settle(running)
        running.code = running.stop()
        yield running
    finally:
        if running.process.poll() is None:
            running.stop()


def work_on_the_wire(centre):
    """Literals, binds, LIKE, comments, writes, COPY, a login that is a name, and errors that quote values."""
    seeds = centre.seeds
    with psycopg.connect(centre.dsn, autocommit=True) as connection:
        for number, (name, iban, phone) in enumerate(zip(seeds.names, seeds.ibans, seeds.phones, strict=True)):
            statements = [
                (f"set quivive.agent = '{name}'", None),
                (f"set quivive.contact = '{phone}'", None),
                (f"select id, last_name, phone, iban from customer where last_name = '{name}'", None),
                (f"select * from customer where iban like '{iban[:20]}%' -- {name}", None),
                (f"select id /* agent='{seeds.families[number]}' */ from customer where phone = '{phone}'", None),
                ("select id, last_name from customer where last_name = %s and iban = %s", (name, iban)),
                ("select * from customer where phone = any(%s)", ([phone, name],)),
                ("update customer set first_name = %s, email = %s where id = %s", (name, iban, number + 1)),
                (f"select last_name from customer where id = {number + 1}", None),
                (f"select '{name}'::int", None),
                ("select %s::int", (iban,)),
                (f'select "{name}" from customer', None),
                (
                    f"insert into customer (id, last_name, customer_number) values ({number + 1}, '{name}', '{iban}')",
                    None,
                ),
                (f"prepare p{number} as select id from customer where last_name = $1", None),
                (f"execute p{number} ('{name}')", None),
                (f"set application_name = '{name}'", None),
            ]
            for text, values in statements:
                with contextlib.suppress(psycopg.Error):
                    connection.execute(text, values, prepare=number % 2 == 0 if values else None)
        with (
            connection.cursor() as cursor,
            cursor.copy("copy (select last_name, iban, phone from customer) to stdout") as out,
        ):
            for _ in out:
                pass
    with contextlib.suppress(psycopg.Error):
        psycopg.connect(f"postgresql://{urllib.parse.quote(seeds.names[0])}@127.0.0.1:{centre.relay}/{centre.database}")
    with contextlib.suppress(psycopg.Error):
        psycopg.connect(f"postgresql://app_user@127.0.0.1:{centre.relay}/{urllib.parse.quote(seeds.names[1])}")


def rows_of(seeds, at):
    """Rows of each route, with a name, an IBAN or a number in every place where one can stand."""
    for number, (name, iban, phone) in enumerate(zip(seeds.names, seeds.ibans, seeds.phones, strict=True)):
        access = {"id": f"a-{number}", "at": at, "agent": name, "action": "read", "records": [f"customer:{number + 1}"]}
        call = {
            "id": f"A-{number}", "version": 1, "kind": "call", "controller": "aurore", "direction": "inbound",
            "agent": name, "phone": phone, "started_at": at, "records": [f"customer:{number + 1}"],
        }  # fmt: skip
        person = {
            "id": iban, "version": 1, "name": name, "employer": "qualis", "establishment": "lille", "country": "FR",
            "controllers": ["aurore"], "informed_at": "2026-01-01T00:00:00Z",
            "accounts": [{"controller": "aurore", "namespace": "crm", "login": name}],
        }  # fmt: skip
        yield "api", "/v1/accesses", access
        yield "api", "/v1/accesses", {**access, "id": phone, "contact": phone, "records": [f"customer:{name}"]}
        yield "api", "/v1/accesses", {**access, "id": iban, "columns": [name]}
        yield "api", "/v1/accesses", {**access, name: iban}
        yield "telephony", "/v1/contacts", call
        yield (
            "telephony",
            "/v1/contacts",
            {**call, "id": phone, "identities": [{"kind": "email", "value": f"{name}@x.fr"}]},
        )
        yield "telephony", "/v1/contacts", {**call, "id": name, "team": name}
        yield "telephony", "/v1/contacts", {**call, "id": iban, "queue": phone, "customer": {"name": name}}
        yield "people", "/v1/directory", person
        yield "people", "/v1/directory", {**person, "version": 2, "site": name}
        yield "planning", "/v1/roster", {"id": name, "version": 1, "agent": iban, "from": at, "to": name}


def work_over_http(centre):
    """Good rows, bad rows, whole bodies that are no JSON, searches that find and searches that do not."""
    seeds = centre.seeds
    batches = {}
    for token, path, row in rows_of(seeds, to_rfc3339(now_us())):
        batches.setdefault((token, path), []).append(row)
    for (token, path), rows in batches.items():
        for start in range(0, len(rows), 10):
            status, report = centre.api("POST", path, rows[start : start + 10], token=token)
            assert status == 200, report
    centre.api("POST", "/v1/accesses", f"[{seeds.names[0]}", token="api")
    centre.api("POST", "/v1/accesses", seeds.names[0], token="api", media="text/plain")
    for number in range(5):
        for search in (
            {"record": f"customer:{number + 1}"},
            {"record": f"customer:{seeds.names[number]}"},
            {"record": seeds.names[number]},
            {"phone": seeds.phones[number]},
            {"phone": seeds.names[number]},
            {"identity": {"kind": "email", "value": f"{seeds.families[number]}@example.invalid"}},
            {"controller": seeds.names[number], "record": "customer:1"},
            {seeds.names[number]: 1},
        ):
            status, found = centre.api(
                "POST", "/v1/subject-searches", {"controller": "aurore", **search}, token="reader"
            )
            if status == 201:
                centre.api("GET", f"/v1/accesses?subject={found['id']}", token="reader")
    centre.api("GET", f"/v1/accesses?subject={urllib.parse.quote(seeds.names[0])}", token="reader")


def work_in_the_file(centre):
    """Good lines, bad lines, lines that are no JSON."""
    at = to_rfc3339(now_us())
    with centre.access_log.open("a", encoding="utf-8") as log:
        for token, _, row in rows_of(centre.seeds, at):
            if token == "api":
                log.write(json.dumps({**row, "id": f"f-{row['id']}"}, ensure_ascii=False) + "\n")
        log.writelines(f"{name};{iban}\n" for name, iban in zip(centre.seeds.names, centre.seeds.ibans, strict=True))


def look(centre):
    """Read every page of the API."""
    for path in ("/v1/activity", "/v1/unexplained", "/v1/health", "/v1/gaps"):
        status, _ = centre.api("GET", path, token="reader")
        assert status in {200, 403}, path


def settle(centre):
    """Wait until everything is projected."""
    centre.until(lambda: centre.access_log.stat().st_size == read_so_far(centre), SETTLE_S)
    centre.until(lambda: centre.ask("status")["entries_behind"] == 0, SETTLE_S)
    time.sleep(2)  # judged, published, written
    look(centre)


def read_so_far(centre):
    return json.loads((centre.home / "run" / "files" / "log.json").read_bytes())["offset"]


def entries(centre):
    """Every entry, decrypted."""
    settings = load_settings(centre.home)
    ledger = Ledger.open(centre.home, Keyring.open(centre.home), settings.slots, settings.operator.origin)
    try:
        marks = {}
        while batch := ledger.read(marks, 4_096):
            for entry in batch:
                marks[entry.shard] = entry.index + 1
                yield entry.data.decode()
    finally:
        ledger.close()


def test_the_seeds_really_went_through(centre):
    """Accesses by wire, API and file, contacts and people are there: otherwise the rest would prove nothing."""
    kinds, sources = {}, {}
    for text in entries(centre):
        entry = json.loads(text)
        kinds[entry["kind"]] = kinds.get(entry["kind"], 0) + 1
        if entry["kind"] == "access":
            sources[entry["source"]] = sources.get(entry["source"], 0) + 1
    assert centre.code == 0
    assert kinds["contact"] >= 60
    assert kinds["directory.agent"] == 60
    assert kinds["link"] >= 30
    assert sources["aurore-db"] >= 300
    assert sources["api"] >= 120
    assert sources["log"] >= 120


def test_no_decrypted_entry_holds_a_seed(centre, seeds):
    """Segments, opened with the keys."""
    found = [mark for text in entries(centre) for mark in seeds.found_in(text)]
    assert found == []


def test_no_file_of_the_folder_holds_a_seed(centre, seeds):
    """Spool, vault, cursors, policies, memory of rows, logs of the ledger, configuration: raw bytes."""
    for path in centre.home.rglob("*"):
        if path.is_file():
            found = seeds.found_in(path.read_bytes().decode("utf-8", errors="replace"))
            assert found == [], path.relative_to(centre.home)


def test_no_answer_header_or_url_holds_a_seed(centre, seeds):
    """Reports, problems, pages of results, locations."""
    assert len(centre.answers) > 200
    assert seeds.found_in("\n".join(centre.answers)) == []


def test_no_log_line_holds_a_seed(centre, seeds):
    """Standard output and error of core and relay, refused lines included."""
    text = centre.output.read_text(encoding="utf-8")
    assert "access_file.line_refused" in text
    assert seeds.found_in(text) == []


def test_no_table_of_the_projection_holds_a_seed(centre, seeds, tmp_path):
    """Every text column of the hot file and of sealed days read back from Parquet."""
    projection = Projection.open(centre.home / "projection")
    try:
        projection.seal(time.strftime("%Y%m%d", time.gmtime()), now_us() + 3 * DAY_US)
    finally:
        projection.close()
    with duckdb.connect(str(centre.home / "projection" / "hot.duckdb"), read_only=True) as hot:
        tables = [row[0] for row in hot.execute("select table_name from information_schema.tables").fetchall()]
        rows = sum(searched(hot, f'"{table}"', seeds) for table in tables)
        parquet = [str(path) for path in (centre.home / "projection").rglob("*.parquet")]
        rows += sum(searched(hot, f"read_parquet('{path}')", seeds) for path in parquet)
    assert rows > 500
    assert parquet


def searched(connection, relation, seeds):
    """Search every column but the 64-bit halves of keys; returns the number of rows."""
    columns = connection.execute(f"describe select * from {relation}").fetchall()
    names = [name for name, kind, *_ in columns if "UBIGINT" not in kind]
    if not names:
        return 0
    listed = ", ".join(f'"{name}"' for name in names)
    rows = connection.execute(f"select {listed} from {relation}").fetchall()
    assert seeds.found_in("\n".join(map(str, rows))) == [], relation
    return len(rows)
