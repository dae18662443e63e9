"""Authentication that ends in the relay (mode c of docs/modes.md), on real servers, and that no secret leaves it."""

import asyncio
import base64
import os
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psycopg
import pytest
import structlog
from relay_support import Running, accesses, customer, make_home
from tls_support import certificate, secured_server

from quivive.capture.address import parse_address
from quivive.capture.leg import Leg
from quivive.capture.relay import StartError
from quivive.doctor.authentication import authentication
from quivive.doctor.database import check_database
from quivive.doctor.probe import Probed, probe
from quivive.simulation.database import PostgresServer, wheel_programs
from quivive.wire.postgres.scram import keys_of
from quivive.wire.postgres.scram_server import read_verifier

pytestmark = pytest.mark.integration
READ = "select last_name from customer where id = 7"
PASSWORD = "scram-secret"
RULES = (
    "hostssl all bound_user 127.0.0.1/32 scram-sha-256",
    "hostnossl all bound_user 127.0.0.1/32 reject",
    "host all nobody 127.0.0.1/32 scram-sha-256",
    "host all quivive_doctor 127.0.0.1/32 scram-sha-256",
)


@pytest.fixture(scope="module")
def secured(server_parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[object, str, Path, Path]]:
    """PostgreSQL 15 with TLS, its database, its certificate and another one (SHA-384)."""
    with secured_server(server_parts, tmp_path_factory.mktemp("tls"), RULES) as found:
        found[0].execute("CREATE ROLE bound_user LOGIN PASSWORD 'scram-secret' IN ROLE scram_user")
        yield found


@pytest.fixture(scope="module")
def wheel(server_parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[object, str, Path]]:
    """PostgreSQL 18 from the wheel, without TLS; its database; a certificate for the relay."""
    hba, _, wrapper = server_parts
    folder = tmp_path_factory.mktemp("wheel")
    server = PostgresServer(folder=folder, programs=wheel_programs(), hba=hba)
    try:
        server.start()
        wrapped = wrapper(server)
        for role in ("scram_user", "md5_user", "password_user"):
            wrapped.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'scram-secret'")
        yield wrapped, wrapped.customer_database(), certificate(folder, "front")
    finally:
        server.destroy()


def verifier(server, name: str = "scram_user") -> str:
    """What an administrator copies: pg_authid.rolpassword."""

    async def ask() -> str:
        connection = await asyncpg.connect(server.dsn())
        try:
            return await connection.fetchval("select rolpassword from pg_authid where rolname = $1", name)
        finally:
            await connection.close()

    return asyncio.run(ask())


def logins(home: Path, text: str) -> str:
    """The file of the relay's secrets; its name in the settings."""
    path = home / "keys" / "logins.toml"
    path.parent.mkdir(exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)
    return "keys/logins.toml"


def ended(home: Path, server, text: str, name: str = "", **options):
    """Settings of a source that authenticates in the relay; with a database `name` it has a side connection."""
    return make_home(
        home,
        target=f"127.0.0.1:{server.port}",
        authentication="terminate",
        secret_file=logins(home, text),
        side_dsn=server.socket_dsn(name, user="side_user") if name else "",
        **options,
    )


def both_tls(own: Path, front: Path) -> dict[str, str]:
    return {"tls_certificate": str(front), "target_tls": "verify", "target_ca": str(own)}


def through(running: Running, name: str, user: str = "scram_user", password: str = PASSWORD, **options: str):
    return psycopg.connect(
        host="127.0.0.1", port=running.relay.port, dbname=name, user=user, password=password, **options
    )


def secrets_of(server, tmp_path: Path, kind: str) -> str:
    """The three forms of a login's secret."""
    stored = verifier(server)
    found = read_verifier(stored)
    keys = keys_of(PASSWORD, found.salt, found.rounds)
    client_key, server_key = (base64.b64encode(key).decode() for key in (keys.client_key, keys.server_key))
    return {
        "verifier": f'[scram_user]\nverifier = "{stored}"\n',
        "password": f'[scram_user]\npassword = "{PASSWORD}"\n',
        "keys": f'[scram_user]\nverifier = "{stored}"\nclient_key = "{client_key}"\nserver_key = "{server_key}"\n',
    }[kind]


MATRIX = [
    # TLS in front, TLS behind, channel_binding of the client
    pytest.param(True, True, "require", id="tls-tls, another certificate, bound"),
    pytest.param(True, True, "disable", id="tls-tls, another certificate, not bound"),
    pytest.param(True, False, "require", id="tls-clear, bound"),
    pytest.param(False, True, "prefer", id="clear-tls"),
    pytest.param(False, False, "prefer", id="clear-clear"),
]


@pytest.mark.parametrize("kind", ["verifier", "password", "keys"])
@pytest.mark.parametrize(("front", "behind", "binding"), MATRIX)
def test_matrix_postgres_15(secured, tmp_path, front, behind, binding, kind):
    """What no relaying can do (rows 6 and 9 of the matrix) works, with each form of the secret."""
    server, name, own, other = secured
    options = both_tls(own, other)
    options = {k: v for k, v in options.items() if (front if k == "tls_certificate" else behind)}
    with Running(ended(tmp_path, server, secrets_of(server, tmp_path, kind), name, **options)) as running:
        mode = "require" if front else "disable"
        with through(running, name, sslmode=mode, channel_binding=binding) as connection:
            assert connection.pgconn.ssl_in_use is front
            assert connection.execute(READ).fetchone() == ("Nom7",)
        running.stop()
    (one,) = accesses(tmp_path)
    assert one["records"] == {"public.customer": [customer(7)]}


@pytest.mark.parametrize("kind", ["verifier", "password", "keys"])
@pytest.mark.parametrize("binding", ["require", "disable"])
def test_postgres_18(wheel, tmp_path, binding, kind):
    """The wheel's server speaks no TLS; clients that insist on a binding reach it through the relay."""
    server, name, front = wheel
    with Running(
        ended(tmp_path, server, secrets_of(server, tmp_path, kind), name, tls_certificate=str(front))
    ) as running:
        with through(running, name, sslmode="require", channel_binding=binding) as connection:
            assert connection.execute(READ).fetchone() == ("Nom7",)
        running.stop()
    (one,) = accesses(tmp_path)
    assert one["records"] == {"public.customer": [customer(7)]}


def test_the_server_sees_a_bound_proof(secured, tmp_path):
    """Behind TLS the relay itself binds: a server that takes this login by TLS alone lets it in, with a cancel too."""
    server, name, own, other = secured
    text = f'[bound_user]\nverifier = "{verifier(server, "bound_user")}"\n'
    bound = {"user": "bound_user", "sslmode": "require", "channel_binding": "require"}
    settings = ended(tmp_path, server, text, **both_tls(own, other))
    with Running(settings) as running, through(running, name, **bound) as connection:
        assert connection.execute(READ).fetchone() == ("Nom7",)
        connection.cancel_safe()
        assert connection.execute(READ).fetchone() == ("Nom7",)


def test_psql_and_asyncpg(secured, tmp_path):
    """The line an administrator types, and a driver with a SCRAM of its own."""
    server, name, own, other = secured

    async def work(port: int) -> str:
        context = ssl.create_default_context(cafile=other)
        connection = await asyncpg.connect(
            host="localhost", port=port, database=name, user="scram_user", password=PASSWORD, ssl=context
        )
        found = await connection.fetchval(READ)
        await connection.close()
        return found

    settings = ended(tmp_path, server, secrets_of(server, tmp_path, "verifier"), **both_tls(own, other))
    with Running(settings) as running:
        dsn = (
            f"host=localhost port={running.relay.port} dbname={name} user=scram_user sslmode=verify-full"
            f" sslrootcert={other} channel_binding=require"
        )
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        out = subprocess.run(
            ["psql", "-XAt", dsn, "-c", READ], check=False, env=environment, capture_output=True, text=True
        )
        assert (out.returncode, out.stdout, out.stderr) == (0, "Nom7\n", "")
        assert asyncio.run(work(running.relay.port)) == "Nom7"


def test_refusals_are_those_of_a_server(secured, tmp_path):
    """A wrong password and an unknown name sound alike; what the server refuses is heard from the server."""
    server, name, own, other = secured
    settings = ended(tmp_path, server, secrets_of(server, tmp_path, "verifier"), **both_tls(own, other))
    with Running(settings) as running:
        with pytest.raises(psycopg.OperationalError, match='password authentication failed for user "scram_user"'):
            through(running, name, password="another")
        with pytest.raises(psycopg.OperationalError, match='password authentication failed for user "nobody"'):
            through(running, name, user="nobody")
        with pytest.raises(psycopg.OperationalError, match='database "nowhere" does not exist'):
            through(running, "nowhere")
        with pytest.raises(psycopg.OperationalError, match="channel binding"):
            through(running, name, sslmode="disable", channel_binding="require")


def test_changed_secrets_are_read_again(secured, tmp_path):
    """A verifier that is no longer the server's is named as such; the new file is taken without a restart."""
    server, name, own, other = secured
    stale = secrets_of(server, tmp_path, "verifier")
    server.execute("ALTER ROLE scram_user PASSWORD 'scram-secret'")  # the same, with another salt
    with Running(ended(tmp_path, server, stale, **both_tls(own, other))) as running:
        with pytest.raises(psycopg.OperationalError, match="rolpassword again"):
            through(running, name)
        logins(tmp_path, secrets_of(server, tmp_path, "verifier"))
        running.call(refresh(running))
        with through(running, name) as connection:
            assert connection.execute(READ).fetchone() == ("Nom7",)
        (tmp_path / "keys" / "logins.toml").write_text("[scram_user\n")
        running.call(refresh(running))
        with through(running, name) as connection:  # what was taken stays
            assert connection.execute(READ).fetchone() == ("Nom7",)


def refresh(running: Running):
    async def look() -> None:
        running.relay._logins.refresh()

    return look


@pytest.mark.parametrize("user", ["md5_user", "password_user"])
def test_a_server_that_asks_for_another_method(pg18, customer_db, tmp_path, user):
    """The relay proves itself by SCRAM alone; the client hears why, and never an MD5 of anything."""
    settings = ended(tmp_path, pg18, f'[{user}]\npassword = "md5-secret"\n')
    with Running(settings) as running, pytest.raises(psycopg.OperationalError, match="another method"):
        through(running, customer_db, user=user, password="md5-secret")


def test_without_secrets_the_relay_does_not_start(pg18, tmp_path, monkeypatch):
    """One sentence says where they belong; by the environment it starts."""
    settings = make_home(tmp_path, target=f"127.0.0.1:{pg18.port}", authentication="terminate")
    with pytest.raises(StartError, match="QUIVIVE_LOGINS_DB"), Running(settings):
        pass
    monkeypatch.setenv("QUIVIVE_LOGINS_DB", '[scram_user]\npassword = "scram-secret"\n')
    with Running(settings) as running, through(running, "postgres") as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_file_that_others_can_read_is_refused(pg18, tmp_path):
    """0600 or nothing."""
    settings = ended(tmp_path, pg18, '[scram_user]\npassword = "scram-secret"\n')
    (tmp_path / "keys" / "logins.toml").chmod(0o640)
    with pytest.raises(StartError, match="0640"), Running(settings):
        pass


def test_no_secret_leaves_the_relay(secured, tmp_path, monkeypatch, capfd):
    """Over all flows, both legs in clear as the relay sends them, all logs, the spool and what it prints: no secret."""
    server, name, own, other = secured
    written: list[bytes] = []
    original = Leg.write

    def write(leg: Leg, data: bytes) -> None:
        written.append(bytes(data))
        original(leg, data)

    monkeypatch.setattr(Leg, "write", write)
    texts = [secrets_of(server, tmp_path, kind) for kind in ("verifier", "password", "keys")]
    stored = read_verifier(verifier(server))
    keys = keys_of(PASSWORD, stored.salt, stored.rounds)
    with structlog.testing.capture_logs() as logged:
        for number, text in enumerate(texts):
            home = tmp_path / str(number)
            home.mkdir()
            with Running(ended(home, server, text, **both_tls(own, other))) as running:
                with through(running, name) as connection:
                    connection.execute(READ)
                for wrong in ({"password": "another"}, {"user": "nobody"}, {"sslmode": "disable"}):
                    try:
                        through(running, name, **wrong).close()
                    except psycopg.OperationalError as error:
                        written.append(str(error).encode())
                logins(home, text + "= broken")
                running.call(refresh(running))
                (home / "keys" / "logins.toml").unlink()
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    printed = "".join(capfd.readouterr()).encode()
    haystack = b"\n".join([*written, *kept, printed, repr(logged).encode()])
    assert b"SCRAM-SHA-256" in haystack
    for secret in (PASSWORD.encode(), keys.client_key, keys.server_key, stored.stored_key):
        for form in (secret, base64.b64encode(secret), secret.hex().encode()):
            assert form not in haystack


@pytest.mark.parametrize(
    ("kind", "front", "level", "words"),
    [
        ("verifier", True, "ok", "verifiers alone"),
        ("verifier", False, "note", "clear in front"),
        ("password", True, "note", "opens the database for 1"),
        ("broken", True, "fail", "cannot be read"),
    ],
)
def test_doctor_names_the_mode(secured, tmp_path, kind, front, level, words):
    """Which form of secret the relay holds, and what to change; no login is named."""
    server, name, own, other = secured
    text = "[scram_user" if kind == "broken" else secrets_of(server, tmp_path, kind)
    options = both_tls(own, other)
    settings = ended(
        tmp_path, server, text, name, **{k: v for k, v in options.items() if front or k != "tls_certificate"}
    )

    async def ask():
        return [finding async for finding in check_database(settings, "db", settings.sources["db"])]

    (found,) = [finding for finding in asyncio.run(ask()) if finding.check == "authentication"]
    assert (found.level, words in found.found) == (level, True)
    assert "scram_user" not in repr(found)


def test_doctor_names_what_no_relay_can_pass(tmp_path):
    """Kerberos, client certificates and tokens, each with a way around."""
    source = make_home(tmp_path, target="db.eu-west-3.rds.amazonaws.com:5432").sources["db"]
    for behind in (Probed(answers=True, method="gss"), Probed(answers=True, certificate_wanted=True)):
        first, tokens = authentication(tmp_path, "db", source, behind)
        assert (first.level, "pgAudit" in first.advice, "IAM" in tokens.found) == ("fail", True, True)


def test_a_server_that_wants_client_certificates(server_parts, tmp_path):
    """The probe hears it, in the server's words."""
    rules = ("hostssl all quivive_doctor 127.0.0.1/32 cert",)
    with secured_server(server_parts, tmp_path, rules) as (server, *_):
        placed = server.server.data / "root.crt"
        placed.write_bytes((tmp_path / "own.pem").read_bytes())
        placed.chmod(0o644)
        server.execute("ALTER SYSTEM SET ssl_ca_file = 'root.crt'")
        server.execute("SELECT pg_reload_conf()")
        found = asyncio.run(probe(parse_address(f"127.0.0.1:{server.port}"), "quivive_doctor", "postgres"))
    assert (found.certificate_wanted, found.refused) == (True, "28000")
