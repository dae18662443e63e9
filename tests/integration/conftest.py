"""Real PostgreSQL servers for the integration tests, one of each version per session.

`pg18` comes from a wheel, `pg15` from the system's packages (skipped only where its programs are absent).
Both trust local users; `scram_user` (password "scram-secret") must authenticate by SCRAM-SHA-256 and
`md5_user` (password "md5-secret") by MD5, so that relayed authentication can be tested.
"""

import asyncio
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from quivive.simulation.database import DatabaseError, PostgresServer, wheel_programs

PG15_PROGRAMS = Path("/usr/lib/postgresql/15/bin")
HBA = (
    "local all scram_user scram-sha-256",
    "host all scram_user 127.0.0.1/32 scram-sha-256",
    "local all md5_user md5",
    "host all md5_user 127.0.0.1/32 md5",
    "host all password_user 127.0.0.1/32 password",
)
TWO_PHASE = ("max_prepared_transactions=8",)
_ROLES = """
SET password_encryption = 'scram-sha-256';
CREATE ROLE scram_user LOGIN PASSWORD 'scram-secret';
CREATE ROLE password_user LOGIN PASSWORD 'password-secret';
SET password_encryption = 'md5';
CREATE ROLE md5_user LOGIN PASSWORD 'md5-secret';
SET password_encryption = 'scram-sha-256';
"""

CUSTOMER_SCHEMA = """
CREATE TABLE household (id bigint PRIMARY KEY, label text);
CREATE TABLE customer (
    id bigint PRIMARY KEY, household_id bigint REFERENCES household (id), customer_number text UNIQUE,
    last_name text NOT NULL, first_name text, phone text, email text, iban text, birth_date date,
    updated_at timestamptz);
CREATE TABLE orders (
    id bigint PRIMARY KEY, order_number text UNIQUE, customer_id bigint REFERENCES customer (id), total numeric(10, 2));
CREATE TABLE order_line (
    order_id bigint REFERENCES orders (id), line_no int, label text, quantity int, PRIMARY KEY (order_id, line_no));
CREATE TABLE reason_code (code text PRIMARY KEY, label text);
CREATE VIEW customer_card AS
    SELECT c.id, c.last_name, c.phone, h.label AS household FROM customer c LEFT JOIN household h ON h.id = c.household_id;
INSERT INTO household SELECT g, 'Foyer ' || g FROM generate_series(1, 100) g;
INSERT INTO customer
    SELECT g, 1 + g % 100, 'C-' || lpad(g::text, 6, '0'), 'Nom' || g, 'Prenom' || g,
           '+3363998' || lpad((g % 10000)::text, 4, '0'), 'c' || g || '@example.invalid', 'FR00' || lpad(g::text, 23, '0'),
           date '1950-01-01' + (g % 18000)::int, now()
    FROM generate_series(1, 1000) g;
INSERT INTO orders
    SELECT g, 'CMD-' || lpad(g::text, 6, '0'), 1 + (g % 1000), (g % 500) + 0.5 FROM generate_series(1, 2000) g;
INSERT INTO order_line SELECT g, 1, 'Article ' || g, 1 FROM generate_series(1, 2000) g;
INSERT INTO reason_code VALUES ('A', 'Assistance'), ('B', 'Facture');
"""
"""A small customer file, the same in every test: ids 1..1000, orders 1..2000 (order g belongs to 1 + g % 1000)."""


class TestServer:
    """A running server: `host`, `port`, `socket` (path), `socket_folder`, `dsn(db)`, `create_database()`."""

    __test__ = False

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.host, self.port = server.host, server.port
        self.socket, self.socket_folder = server.socket, server.socket_folder
        self._numbers = count(1)

    def dsn(self, database: str = "postgres", *, user: str = "postgres", password: str | None = None) -> str:
        """URL over the loopback port; superuser unless told otherwise."""
        return self.server.dsn(database, user=user, password=password)

    def socket_dsn(self, database: str = "postgres", *, user: str = "postgres", password: str | None = None) -> str:
        """URL over the Unix socket."""
        return self.server.socket_dsn(database, user=user, password=password)

    def execute(self, sql: str, database: str = "postgres") -> None:
        """Run a script as superuser."""

        async def run() -> None:
            connection = await asyncpg.connect(self.dsn(database))
            try:
                await connection.execute(sql)
            finally:
                await connection.close()

        asyncio.run(run())

    def create_database(self, name: str = "", *, schema: str = "") -> str:
        """Make a database (a fresh name if none is given), run `schema` in it, and return its name."""
        name = name or f"test_{next(self._numbers)}"
        self.execute(f'CREATE DATABASE "{name}"')
        if schema:
            self.execute(schema, name)
        return name

    def customer_database(self, name: str = "") -> str:
        """Make a database with CUSTOMER_SCHEMA: `side_user` may connect and describe, `app_user` may read and write."""
        name = self.create_database(name, schema=CUSTOMER_SCHEMA)
        self.execute(
            f"""DO $$ BEGIN CREATE ROLE app_user LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
            DO $$ BEGIN CREATE ROLE side_user LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
            GRANT CONNECT ON DATABASE "{name}" TO app_user, side_user, scram_user, md5_user, password_user;
            GRANT USAGE ON SCHEMA public TO app_user, side_user, scram_user, md5_user, password_user;
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app_user, scram_user, md5_user, password_user
            """,
            name,
        )
        return name


PGAUDIT = Path("/usr/share/postgresql/15/extension/pgaudit.control")
AUDITED = (
    "shared_preload_libraries=pgaudit",
    "logging_collector=on",
    "log_destination=csvlog",
    "log_filename=server.log",
    "log_file_mode=0644",
    "log_rotation_size=0",
    "log_min_messages=warning",
    "log_min_error_statement=error",
    "pgaudit.log=read,write,misc",
    "pgaudit.log_catalog=off",
    "pgaudit.log_parameter=on",
    "pgaudit.log_rows=on",
)
"""What docs/access-logs.md asks of a server whose only trace is pgAudit's."""


def _serve(folder: Path, programs: Path, settings: tuple[str, ...] = ()) -> Iterator[TestServer]:
    server = PostgresServer(folder=folder, programs=programs, hba=HBA, settings=settings)
    try:
        server.start()
        wrapped = TestServer(server)
        wrapped.execute(_ROLES)
        yield wrapped
    finally:
        server.destroy()


@pytest.fixture(scope="session")
def pg18(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """PostgreSQL 18 from the wheel."""
    yield from _serve(tmp_path_factory.mktemp("pg18"), wheel_programs(), TWO_PHASE)


@pytest.fixture(scope="session")
def pg15(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """PostgreSQL 15 of the system."""
    if not (PG15_PROGRAMS / "postgres").exists():
        pytest.skip(f"no programs in {PG15_PROGRAMS}")
    yield from _serve(tmp_path_factory.mktemp("pg15"), PG15_PROGRAMS, TWO_PHASE)


@pytest.fixture(scope="session")
def pg15_audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """PostgreSQL 15 of the system with pgAudit: its csvlog is `server.data / "log" / "server.csv"`."""
    if not PGAUDIT.exists():
        pytest.skip("postgresql-15-pgaudit is not installed (tools/system-packages)")
    yield from _serve(tmp_path_factory.mktemp("pg15-audited"), PG15_PROGRAMS, AUDITED)


@pytest.fixture(scope="session", params=["pg18", "pg15"])
def pg(request: pytest.FixtureRequest) -> TestServer:
    """Each version in turn."""
    server: TestServer = request.getfixturevalue(request.param)
    return server


@pytest.fixture(scope="session")
def customer_db(pg18: TestServer) -> str:
    """One read-mostly customer database on PostgreSQL 18, shared by the session; do not change ids 1..1000 for good."""
    return pg18.customer_database("customer_shared")


@pytest.fixture(scope="session")
def server_parts() -> tuple[tuple[str, ...], Path, type[TestServer]]:
    """What a test needs to start a server of its own: rules of pg_hba.conf, programs of PostgreSQL 15, the wrapper."""
    if not (PG15_PROGRAMS / "postgres").exists():
        pytest.skip(f"no programs in {PG15_PROGRAMS}")
    return HBA, PG15_PROGRAMS, TestServer


__all__ = ["CUSTOMER_SCHEMA", "DatabaseError", "TestServer"]
