"""Servers, relays and the stage of the conformance tests (capture reference §5)."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "unit" / "wire" / "postgres")]

from stage import Reads, Stage  # noqa: E402  # its folder was named above

from quivive.simulation.database import PostgresServer, wheel_programs  # noqa: E402

PASSWORD = "pässwörd-€"
HBA = (
    "host all spoken_password 127.0.0.1/32 password",
    "host all spoken_md5 127.0.0.1/32 md5",
    "host all spoken_scram 127.0.0.1/32 scram-sha-256",
    "host all turned_away 127.0.0.1/32 reject",
)
SETTINGS = ("wal_level=logical", "max_wal_senders=4", "max_replication_slots=2")
ROLES = f"""
CREATE ROLE spoken_password LOGIN PASSWORD '{PASSWORD}';
CREATE ROLE spoken_scram LOGIN PASSWORD '{PASSWORD}';
SET password_encryption = 'md5';
CREATE ROLE spoken_md5 LOGIN PASSWORD '{PASSWORD}';
CREATE ROLE turned_away LOGIN;
CREATE ROLE crowded LOGIN CONNECTION LIMIT 0;
CREATE ROLE replicator LOGIN REPLICATION;
CREATE DATABASE app_user;
"""
TABLES = """
CREATE TABLE by_uuid (id uuid PRIMARY KEY, label text);
CREATE TABLE by_numeric (id numeric(12, 2) PRIMARY KEY, label text);
CREATE TABLE by_small (id smallint PRIMARY KEY, label text);
CREATE TABLE by_int (id int PRIMARY KEY, label text);
CREATE TABLE by_text (id text PRIMARY KEY, label text);
CREATE TABLE evolving (id bigint PRIMARY KEY, label text);
INSERT INTO by_uuid VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'x');
INSERT INTO by_numeric VALUES (1234.50, 'x'), (-7, 'y');
INSERT INTO by_small VALUES (-5, 'x');
INSERT INTO by_int VALUES (70000, 'x');
INSERT INTO by_text VALUES ('clé-€', 'x'), ('plain', 'y');
INSERT INTO evolving SELECT g, 'e' || g FROM generate_series(1, 20) g;
GRANT ALL ON by_uuid, by_numeric, by_small, by_int, by_text, customer, evolving TO app_user;
GRANT CREATE ON SCHEMA public TO app_user;
ALTER TABLE evolving OWNER TO app_user;
"""


@pytest.fixture(scope="package")
def reads() -> Iterator[list[Stage]]:
    """Cuts what the relays of the stages read."""
    stages: list[Stage] = []
    with pytest.MonkeyPatch.context() as patch:
        Reads(stages).install(patch)
        yield stages


@pytest.fixture(scope="package", params=["pg18", "pg15"])
def stage(request, server_parts, reads, tmp_path_factory) -> Iterator[Stage]:
    """A server of its own per version, with the ways to it."""
    _, pg15_programs, wrapper = server_parts
    programs = wheel_programs() if request.param == "pg18" else pg15_programs
    folder = tmp_path_factory.mktemp(f"conformance-{request.param}")
    server = PostgresServer(folder=folder / "server", programs=programs, hba=HBA, settings=SETTINGS)
    try:
        server.start()
        wrapped = wrapper(server)
        for role in ("scram_user", "md5_user", "password_user"):
            wrapped.execute(f"CREATE ROLE {role}")
        for statement in ROLES.strip().split(";\n"):
            wrapped.execute(f"SET password_encryption = 'md5'; {statement}" if "spoken_md5" in statement else statement)
        name = wrapped.customer_database()
        wrapped.execute(TABLES, name)
        made = Stage(wrapped, name, folder)
        with made.open():
            reads.append(made)
            yield made
            reads.remove(made)
    finally:
        server.destroy()
