"""TLS on each leg, direct TLS, and the rows of the SCRAM × TLS matrix (capture reference §3.2), on a real server."""

import asyncio
import os
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import msgspec
import psycopg
import pytest
from relay_support import Running, accesses, customer, make_home
from tls_support import secured_server

from quivive.doctor.database import check_database

pytestmark = pytest.mark.integration
READ = "select last_name from customer where id = 7"


@pytest.fixture(scope="module")
def secured(server_parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[object, str, Path, Path]]:
    """A server that speaks TLS, its database, its certificate and another one."""
    rules = ("hostnossl all side_tls 127.0.0.1/32 reject", "hostssl all side_tls 127.0.0.1/32 scram-sha-256")
    with secured_server(server_parts, tmp_path_factory.mktemp("tls"), rules) as found:
        yield found


def through(running: Running, name: str, **options: str) -> psycopg.Connection[tuple[str]]:
    """Connect by SCRAM through the relay."""
    return psycopg.connect(
        host="127.0.0.1", port=running.relay.port, dbname=name, user="scram_user", password="scram-secret", **options
    )


MATRIX = [
    # client TLS, server TLS, same certificate, sslmode, channel_binding, goes through
    pytest.param(False, "off", True, "prefer", "prefer", True, id="clear-clear"),
    pytest.param(False, "verify", True, "prefer", "prefer", True, id="clear-tls: PLUS is stripped"),
    pytest.param(True, "off", True, "require", "prefer", True, id="tls-clear"),
    pytest.param(True, "verify", True, "require", "require", True, id="tls-tls, same certificate: bound end to end"),
    pytest.param(True, "verify", False, "require", "prefer", False, id="tls-tls, another certificate: binding fails"),
    pytest.param(True, "verify", False, "require", "disable", True, id="tls-tls, another, binding disabled"),
    pytest.param(True, "verify", True, "require", "disable", True, id="tls-tls, same, binding disabled"),
    pytest.param(True, "off", True, "require", "require", False, id="tls-clear: nothing to bind to"),
]


@pytest.mark.parametrize(("front", "behind", "same", "sslmode", "binding", "passes"), MATRIX)
def test_matrix(secured, tmp_path, front, behind, same, sslmode, binding, passes):
    """Each row goes as it was measured without us, and what goes through is recorded."""
    server, name, own, other = secured
    options = {"tls_certificate": str(own if same else other)} if front else {}
    if behind != "off":
        options |= {"target_tls": behind, "target_ca": str(own)}
    target = f"127.0.0.1:{server.port}"
    settings = make_home(tmp_path, target=target, side_dsn=server.socket_dsn(name, user="side_user"), **options)
    with Running(settings) as running:
        if not passes:
            with pytest.raises(psycopg.OperationalError, match=r"channel binding|SCRAM"):
                through(running, name, sslmode=sslmode, channel_binding=binding)
            return
        with through(running, name, sslmode=sslmode, channel_binding=binding) as connection:
            assert connection.pgconn.ssl_in_use is front
            assert connection.execute(READ).fetchone() == ("Nom7",)
        running.stop()
    (one,) = accesses(tmp_path)
    assert one["records"] == {"public.customer": [customer(7)]}


def test_direct_tls_verified_and_large(secured, tmp_path):
    """The handshake without a question (PostgreSQL 17's way), certificate and name verified, a large result and COPY."""
    server, name, own, _ = secured
    settings = make_home(
        tmp_path,
        target=f"127.0.0.1:{server.port}",
        side_dsn=server.socket_dsn(name, user="side_user"),
        tls_certificate=str(own),
        target_tls="verify",
        target_ca=str(own),
    )

    async def work(port: int) -> None:
        context = ssl.create_default_context(cafile=own)
        context.set_alpn_protocols(["postgresql"])
        connection = await asyncpg.connect(
            host="localhost",
            port=port,
            database=name,
            user="scram_user",
            password="scram-secret",
            ssl=context,
            direct_tls=True,
        )
        rows = await connection.fetch(
            "select c.id, repeat('x', 3000) from customer c, generate_series(1, 20) order by 1"
        )
        assert (len(rows), rows[-1][0], len(rows[-1][1])) == (20_000, 1_000, 3_000)
        await connection.close()

    with Running(settings) as running:
        asyncio.run(work(running.relay.port))
        running.stop()
    (one,) = [one for one in accesses(tmp_path) if one["records"]]
    assert (one["rows"], one["distinct"], one["outcome"]) == (20_000, 1_000, "ok")


def test_direct_tls_without_its_protocol_is_refused(secured, tmp_path):
    """A TLS client that does not say `postgresql` may be a browser that was lured here (manual 55.2.10)."""
    server, name, own, _ = secured
    settings = make_home(tmp_path, target=f"127.0.0.1:{server.port}", tls_certificate=str(own))

    async def work(port: int) -> None:
        context = ssl.create_default_context(cafile=own)
        with pytest.raises(asyncpg.PostgresError, match="postgresql"):
            await asyncpg.connect(
                host="localhost", port=port, database=name, user="scram_user", ssl=context, direct_tls=True
            )

    with Running(settings) as running:
        asyncio.run(work(running.relay.port))


def test_tls_only_refuses_clear_and_injected_bytes(secured, tmp_path):
    """Who does not ask for TLS is told so; clear bytes behind the question end the connection (CVE-2021-23214)."""
    server, name, own, _ = secured
    settings = make_home(tmp_path, target=f"127.0.0.1:{server.port}", tls_certificate=str(own), tls_only=True)
    question = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")

    async def inject(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(question + b"\x00\x00\x00\x08\x00\x03\x00\x00")
        answer = await reader.read()
        writer.close()
        return answer

    with Running(settings) as running:
        with pytest.raises(psycopg.OperationalError, match="TLS only"):
            through(running, name, sslmode="disable")
        answer = asyncio.run(inject(running.relay.port))
        assert answer.startswith(b"E")
        assert b"unencrypted bytes" in answer


def test_cancel_through_tls(secured, tmp_path):
    """A cancel request finds its statement when both legs speak TLS."""
    server, name, own, _ = secured
    settings = make_home(
        tmp_path,
        target=f"127.0.0.1:{server.port}",
        side_dsn=server.socket_dsn(name, user="side_user"),
        tls_certificate=str(own),
        target_tls="require",
    )

    async def work(port: int) -> None:
        context = ssl.create_default_context(cafile=own)
        connection = await asyncpg.connect(
            host="localhost", port=port, database=name, user="scram_user", password="scram-secret", ssl=context
        )
        with pytest.raises(asyncio.TimeoutError):
            await connection.fetch("select id, pg_sleep(30) from customer where id = 3", timeout=0.5)
        assert await connection.fetchval("select 1") == 1
        await connection.close()

    with Running(settings) as running:
        asyncio.run(work(running.relay.port))


def test_copy_over_tls_then_the_connection_is_used_again(secured, tmp_path):
    """COPY out and in over TLS on both legs leaves the connection in step (case 38, ProxySQL #6191)."""
    server, name, own, _ = secured
    settings = make_home(
        tmp_path,
        target=f"127.0.0.1:{server.port}",
        side_dsn=server.socket_dsn(name, user="side_user"),
        tls_certificate=str(own),
        target_tls="verify",
        target_ca=str(own),
    )
    with Running(settings) as running:
        with through(running, name, sslmode="require") as connection:
            for _ in range(2):
                with connection.cursor().copy("copy (select id, repeat('x', 900) from customer) to stdout") as copy:
                    assert sum(len(block) for block in copy) > 900_000
                with connection.cursor().copy("copy reason_code from stdin") as copy:
                    for number in range(500):
                        copy.write_row((f"Z{number}", "x" * 300))
                connection.rollback()
                assert connection.execute(READ).fetchone() == ("Nom7",)
        running.stop()
    found = [one for one in accesses(tmp_path) if one["records"]]
    assert [(one["action"], one["rows"]) for one in found] == [("export", 1_000), ("read", 1)] * 2


def test_a_server_whose_certificate_is_not_accepted(secured, tmp_path):
    """Verification fails closed: the client gets one clear error, nothing is sent to the impostor."""
    server, name, _, other = secured
    settings = make_home(tmp_path, target=f"127.0.0.1:{server.port}", target_tls="verify", target_ca=str(other))
    with Running(settings) as running, pytest.raises(psycopg.OperationalError, match="cannot be reached"):
        through(running, name, sslmode="disable")


def test_psql_verify_full(secured, tmp_path):
    """The line an administrator types."""
    server, name, own, _ = secured
    settings = make_home(
        tmp_path, target=f"127.0.0.1:{server.port}", tls_certificate=str(own), target_tls="verify", target_ca=str(own)
    )
    with Running(settings) as running:
        dsn = (
            f"host=localhost port={running.relay.port} dbname={name} user=scram_user sslmode=verify-full"
            f" sslrootcert={own} channel_binding=require"
        )
        environment = {**os.environ, "PGPASSWORD": "scram-secret"}
        out = subprocess.run(
            ["psql", "-XAt", dsn, "-c", READ], check=False, env=environment, capture_output=True, text=True
        )
        assert (out.returncode, out.stdout, out.stderr) == (0, "Nom7\n", "")


def test_the_side_connection_too(secured, tmp_path, monkeypatch):
    """A server that takes nothing in clear is asked by TLS: the view of a protected table is resolved."""
    server, name, own, _ = secured
    server.execute("GRANT USAGE ON SCHEMA public TO side_tls", name)
    monkeypatch.setenv("QUIVIVE_SIDE_PASSWORD", "scram-secret")
    side = f"postgresql://side_tls@127.0.0.1:{server.port}/{name}"
    target = f"127.0.0.1:{server.port}"
    settings = make_home(tmp_path, target=target, side_dsn=side, target_tls="verify", target_ca=str(own))
    with Running(settings) as running:
        with through(running, name, sslmode="disable") as connection:
            server.execute("GRANT SELECT ON customer_card TO scram_user", name)
            assert connection.execute("select last_name, id from customer_card where id = 9").fetchone() == ("Nom9", 9)
        running.stop()
    (one,) = accesses(tmp_path)
    assert (one["coverage"], one["records"]) == ("exact", {"public.customer": [customer(9)]})


@pytest.mark.parametrize(
    ("front", "behind", "level", "words"),
    [
        (None, "off", "warn", "does not use it"),
        (None, "verify", "note", "clear in front, TLS behind"),
        ("own", "verify", "ok", "channel binding passes"),
        ("other", "verify", "warn", "two certificates"),
        ("own", "off", "warn", "does not use it"),
    ],
)
def test_doctor_tells_the_mode(secured, tmp_path, front, behind, level, words):
    """`quivive doctor` names the row of the matrix that applies, before a client meets it."""
    server, name, own, other = secured
    options = {"target_tls": behind, "target_ca": str(own)}
    if front:
        options["tls_certificate"] = str(own if front == "own" else other)
    side = f"postgresql://side_user@127.0.0.1:{server.port}/{name}"
    settings = make_home(tmp_path, target=f"127.0.0.1:{server.port}", side_dsn=side, **options)

    async def ask(source):
        return [finding async for finding in check_database(settings, "db", source)]

    with Running(settings) as running:
        source = msgspec.structs.replace(settings.sources["db"], listen=f"127.0.0.1:{running.relay.port}")
        found = {finding.check: finding for finding in asyncio.run(ask(source))}
    assert (found["authentication"].level, words in found["authentication"].found) == (level, True)
    assert found["relay"].level == found["database"].level == found["side_connection"].level == "ok"
    assert found["catalogue"].level == "warn", "the view is not declared"


def test_doctor_without_a_database(tmp_path, free_tcp_port):
    """One finding says what to do; nothing else is tried."""
    settings = make_home(tmp_path, target=f"127.0.0.1:{free_tcp_port}")

    async def ask():
        return [finding async for finding in check_database(settings, "db", settings.sources["db"])]

    (only,) = asyncio.run(ask())
    assert (only.check, only.level) == ("database", "fail")
