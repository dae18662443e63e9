"""Access logs of real servers through a real core: pgAudit beside the relay, nginx in front of an application."""

import http.client
import os
import shutil
import socket
import subprocess
from base64 import b64encode
from collections import Counter, defaultdict
from pathlib import Path

import psycopg
import pytest
from street_support import Street, until

from quivive.simulation.database import free_port

pytestmark = pytest.mark.integration

NGINX = Path("/usr/sbin/nginx")
FILES = """
[sources.{name}]
kind = "files"
controller = "aurore"
namespace = "crm"
path = "{path}"
mapping = "{mapping}"
follow = true
grade = "B"
heartbeat_s = 1
"""


STATEMENTS = (
    # statement, parameters, whether pgAudit can know the records as the wire does
    ("SELECT * FROM customer WHERE id = 5", (), True),
    ("SELECT last_name FROM customer WHERE id = %s", (6,), True),
    ("SELECT id, phone FROM customer WHERE id IN (7, 8, 9)", (), True),
    ("SELECT * FROM customer WHERE id = ANY(%s)", ([10, 11],), True),
    ("UPDATE customer SET phone = '+33639980012' WHERE id = 12", (), True),
    ("SELECT * FROM orders WHERE id = 12", (), True),
    ("SELECT * FROM customer WHERE id = 999999", (), True),
    ("SELECT id FROM customer WHERE last_name LIKE 'Nom77%%'", (), False),
    ("SELECT * FROM customer ORDER BY id LIMIT 3", (), False),
    ("SELECT count(*) FROM customer", (), True),
)


def test_pgaudit_beside_the_relay(pg15_audited):
    """The same statements, seen on the wire and in the server's log: same agents, actions and records asked for."""
    database = pg15_audited.customer_database()
    log = pg15_audited.server.data / "log" / "server.csv"
    with Street(pg15_audited, database) as street:
        street.source("db")
        street.main += FILES.format(name="audit", path=log, mapping="audit.yml")
        street.write()
        (street.home / "audit.yml").write_text(
            f"translator: pgaudit\nlog: {{format: csvlog, timezone: UTC, databases: [{database}]}}\n", encoding="utf-8"
        )
        street.start().activate()
        with psycopg.connect(street.dsn(), autocommit=True) as connection:
            for number, (text, parameters, _) in enumerate(STATEMENTS):
                connection.execute(f"SET quivive.agent = '{('anna', 'boris')[number % 2]}'")
                connection.execute(text, parameters or None)
            connection.execute("SET quivive.agent = 'carla'")
            connection.execute("SELECT * FROM customer WHERE id = 42")
        until(lambda: len(street.seen("customer:42")) == 2)
        street.settle()
        sources = Counter(item["source"] for item in street.seen("customer:5"))
        assert sources == {"db": 1, "audit": 1}
        assert street.stop() == 0
        told = by_source(street)
    for number, (wire, audit, (text, _, same)) in enumerate(
        zip(told["db"], told["audit"], (*STATEMENTS, ("", (), True)), strict=True)
    ):
        assert wire["agent"] == audit["agent"] != "", (number, text)
        assert wire["action"] == audit["action"], (number, text)
        assert wire["tables"] == audit["tables"], (number, text)
        assert wire["rows"] == audit["rows"], (number, text)
        own = keys(audit, ("public.customer", "public.orders"))
        if same:
            # A row of orders shows its customer on the wire; the log knows only what was asked for.
            assert own <= keys(wire), (number, text)
            assert bool(own) == bool(keys(wire)), (number, text)
        else:
            assert audit["coverage"] == "count_only", (number, text)
            assert not own, (number, text)
        assert audit["coverage"] != "exact"
        assert audit["grade"] == "B"


def by_source(street):
    """Bodies of the accesses of a stopped street, by source, in order of time."""
    found = defaultdict(list)
    for entry in street.entries():
        if entry.kind == "access":
            found[entry.source].append((entry.captured_at, entry.body["at"], entry.body))
    return {name: [body for *_, body in sorted(items, key=lambda item: item[1])] for name, items in found.items()}


def keys(body, tables=()):
    """Keys of an access, of some tables or of all."""
    return {key for group in body["records"] if not tables or group["table"] in tables for key in group["keys"]}


NGINX_CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log {folder}/access.log combined;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        auth_basic "crm"; auth_basic_user_file {folder}/users;
        location / {{ root {folder}/site; try_files $uri $uri/ /page; }}
        location /customers/403 {{ return 403; }}
    }}
}}
"""
WEBLOG = """
translator: weblog
log: { format: combined }
urls:
  patterns:
    - { path: "/customers/{id:int}", records: ["public.customer:{id}"] }
    - { path: "/customers/search", table: public.customer, action: list,
        search: [{ column: customer.last_name, term: q }] }
    - { path: "/customers/by-phone/{phone}", table: public.customer, identities: { phone: "{phone}" }, action: read }
"""


class Nginx:
    """A real nginx on the loopback, with its accounts and one page for everything."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        (folder / "site").mkdir(parents=True)
        (folder / "site" / "page").write_text("page" * 100, encoding="utf-8")
        (folder / "users").write_text("anna:{PLAIN}secret\nboris:{PLAIN}secret\n", encoding="utf-8")
        (folder / "nginx.conf").write_text(NGINX_CONFIGURATION.format(folder=folder, port=self.port), encoding="utf-8")
        for path in (folder, *folder.parents):
            if os.geteuid() == 0 and path.stat().st_uid == 0 and path != Path("/"):
                path.chmod(path.stat().st_mode | 0o011)
        (folder / "users").chmod(0o644)
        self.process = subprocess.Popen(
            [NGINX, "-c", folder / "nginx.conf", "-p", folder],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(self._accepts, 20)

    def _accepts(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True

    def get(self, target, *, user="anna", password="secret", method="GET", headers=()):
        """One request as a browser sends it; the target goes out as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        basic = b64encode(f"{user}:{password}".encode()).decode()
        connection.request(method, target, headers={"Authorization": f"Basic {basic}", **dict(headers)})
        status = connection.getresponse().status
        connection.close()
        return status

    def rotate(self):
        """As logrotate does: rename, then ask for a new file."""
        (self.folder / "access.log").rename(self.folder / "access.log.1")
        self.process.send_signal(10)  # SIGUSR1: reopen
        until((self.folder / "access.log").exists, 10)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


@pytest.mark.skipif(not NGINX.exists(), reason="nginx-light is not installed (tools/system-packages)")
def test_nginx_to_the_console(tmp_path):
    """Requests to a real nginx are accesses of a subject, attributed, with rotation and rubbish in between."""
    nginx = Nginx(tmp_path / "web")
    try:
        with Street() as street:
            street.main += FILES.format(name="web", path=nginx.folder / "access.log", mapping="crm-urls.yml")
            street.write()
            (street.home / "crm-urls.yml").write_text(WEBLOG, encoding="utf-8")
            street.start().activate()
            assert nginx.get("/customers/5?tab=orders") == 200
            assert nginx.get("//customers/../customers/%35", user="boris") == 200
            assert nginx.get("/customers/5", password="wrong") == 401
            assert nginx.get("/customers/403") == 403
            assert nginx.get("/customers/search?q=Mar%25") == 200
            assert nginx.get("/zz/private-word") == 200
            nginx.rotate()
            with (nginx.folder / "access.log").open("a", encoding="utf-8") as file:
                file.write("not a line of nginx\n")
            assert nginx.get("/customers/by-phone/01%2099%2000%2000%2001") == 200
            assert nginx.get("/customers/6", headers=[("Range", "bytes=0-9")]) == 206
            assert nginx.get("/customers/6", headers=[("Range", "bytes=10-19")]) == 206
            until(lambda: len(street.seen("customer:6")) == 1)
            street.settle()
            seen = street.seen("customer:5")
            assert [item["action"] for item in seen] == ["read", "read"]
            assert len({item["agent"] for item in seen} - {""}) == 2
            assert len(street.seen("+33199000001", kind="phone")) == 1
            assert street.stop() == 0
            bodies = by_source(street)["web"]
            output = street.output.read_bytes()
            spooled = b"".join(path.read_bytes() for path in (street.home / "spool").rglob("*") if path.is_file())
            gaps = [entry.body for entry in street.entries() if entry.kind == "gap" and entry.source == "web"]
    finally:
        nginx.stop()
        shutil.rmtree(nginx.folder, ignore_errors=True)
    outcomes = Counter(body["outcome"] for body in bodies)
    assert outcomes == {"ok": 5, "denied": 2}
    assert sum(bool(body["agent"]) for body in bodies) == 6  # a refused sign-in names nobody
    assert {body["coverage"] for body in bodies} == {"predicate", "count_only"}
    assert [pattern for body in bodies for pattern in body["patterns"]] == [
        {"column": "public.customer.last_name", "fixed_chars": 3, "pattern_class": "contains"}
    ]
    assert [gap["lost"] for gap in gaps] == [1]
    for place in (output, spooled):
        assert b"private-word" not in place
        assert b"/customers/" not in place
        assert b"not a line" not in place
