"""Conformance, cases 1–13 of the capture reference §5: start-up and security, byte for byte as the server answers."""

import os
import socket
import struct
import subprocess

import psycopg
import pytest
from fake_server import AUTHENTICATION_OK, READY, FakeServer, failure, status
from relay_support import KEYS, Running
from stage import USER, Told, read
from wire_client import (
    CANCEL,
    GONE,
    GSS_REQUEST,
    SSL_REQUEST,
    SYNC,
    TERMINATE,
    V3_0,
    V3_2,
    Wire,
    bind,
    cstring,
    describe,
    execute,
    frame,
    kinds,
    md5_answer,
    opening,
    parse,
    query,
    rows,
    startup,
    states,
)

from conftest import PASSWORD
from quivive.privacy.pseudonym import record_key

pytestmark = pytest.mark.integration
READ_ONE = "select id, last_name from customer where id = 7"


def test_case_1_ssl_refused_then_startup(stage):
    """SSLRequest is answered N, then start-up goes on over the same socket."""

    def script(wire):
        wire.send(opening(SSL_REQUEST))
        assert wire.raw(1) == b"N"
        stage.enter(wire)
        wire.ask(query(READ_ONE))

    assert stage.play(script).events == [read(7)]


def test_case_4_gss_refused_then_ssl_then_startup(stage):
    """GSSENCRequest, SSLRequest, start-up: the order in which libpq asks."""

    def script(wire):
        for code in (GSS_REQUEST, SSL_REQUEST):
            wire.send(opening(code))
            assert wire.raw(1) == b"N"
        stage.enter(wire)

    with Wire(stage.direct) as wire:
        wire.send(opening(GSS_REQUEST))
        offered = wire.raw(1)
    # Debian's server offers GSS encryption, which the relay cannot take part in: it refuses, and names Kerberos in `doctor`.
    stage.play(script, ways=("direct", "relay", "bytes") if offered == b"N" else ("relay", "bytes"))


def test_case_6_passwords_that_are_not_ascii(stage):
    """Clear and MD5 passwords pass unread, right ones and wrong ones."""

    def script(wire, user, password):
        wire.send(startup(user=user, database=stage.name))
        (challenge,) = wire.until("R")
        raw = password.encode()
        answer = md5_answer(user, raw, challenge[1][4:]) if user == "spoken_md5" else frame(b"p", cstring(raw))
        came = wire.ask(answer, kinds="ZE")
        if came[-1][0] == "E":
            assert states(came) == ["28P01"]
            assert wire.gone() == [GONE]

    for user in ("spoken_password", "spoken_md5"):
        for password in (PASSWORD, PASSWORD.upper(), ""):
            stage.play(lambda wire, user=user, password=password: script(wire, user, password))


def test_case_6_scram_password_that_is_not_ascii(stage):
    """SCRAM prepares such a password by RFC 4013 in the client; it passes through."""
    port = stage.ways["bytes"].address[1]
    dsn = f"host=127.0.0.1 port={port} dbname={stage.name} user=spoken_scram"
    with psycopg.connect(dsn, password=PASSWORD) as connection:
        assert connection.execute("select current_user").fetchone() == ("spoken_scram",)
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(dsn, password=PASSWORD + "x")


@pytest.mark.parametrize(
    ("version", "options"),
    [(V3_2, {}), (V3_0, {"_pq_.unknown": "1"}), (V3_2, {"_pq_.unknown": "1", "_pq_.other": "on"}), (0x3270F, {})],
)
def test_case_7_protocol_and_options_are_negotiated(stage, version, options):
    """Protocol 3.2, unknown `_pq_.` options and a version yet to come: what the server offers reaches the client."""

    def script(wire):
        came = wire.enter(USER, stage.name, version, **options)
        assert came[-1][0] == "Z"
        wire.ask(query(READ_ONE))

    played = stage.play(script)
    if options or version not in (V3_0, V3_2):
        assert "v" in kinds(played.heard)
    assert played.events == [read(7)]


@pytest.mark.parametrize("size", [4, 32, 256])
def test_case_8_keys_of_every_length(stage, size):
    """A secret of 4 to 256 bytes reaches the client, and its cancel request reaches the server (scripted server)."""
    secret = bytes(range(size)) if size < 256 else os.urandom(size)
    answer = AUTHENTICATION_OK + frame(b"K", struct.pack("!I", 4711) + secret) + READY

    def serve(connection, first):
        if first[4:8] == struct.pack("!I", CANCEL):
            return
        connection.sendall(answer)
        assert FakeServer.request(connection) == TERMINATE

    with FakeServer(serve) as fake, Running(stage.home(f"key-{size}", target=f"127.0.0.1:{fake.port}")) as running:
        with Wire(("127.0.0.1", running.relay.port)) as wire:
            wire.enter(USER, stage.name, V3_2)
            assert wire.backend_key == (4711, secret)
            wire.send(TERMINATE)
            assert wire.gone() == [GONE]
            wire.cancel()
        assert fake.opened[1] == opening(CANCEL, struct.pack("!I", 4711) + secret)


def test_case_9_a_server_without_backend_key(stage):
    """A server that gives no key is a server all the same (scripted server)."""

    def serve(connection, _first):
        connection.sendall(AUTHENTICATION_OK + status("server_version", "16.0") + READY)
        assert FakeServer.request(connection) == query("select 1")
        connection.sendall(frame(b"C", cstring("SELECT 0")) + READY)
        FakeServer.request(connection)

    with (
        FakeServer(serve) as fake,
        Running(stage.home("keyless", target=f"127.0.0.1:{fake.port}")) as running,
        Wire(("127.0.0.1", running.relay.port)) as wire,
    ):
        assert kinds(wire.enter(USER, stage.name)) == "RSZ"
        assert kinds(wire.ask(query("select 1"))) == "CZ"
        wire.send(TERMINATE)
        assert wire.gone() == [GONE]


@pytest.mark.parametrize(
    ("user", "database", "state"),
    [
        (USER, "nowhere", "3D000"),
        ("nobody_at_all", "", "28000"),
        ("crowded", "", "53300"),
        ("turned_away", "", "28000"),
        ("", "", "28000"),
    ],
)
def test_case_10_errors_before_authentication(stage, user, database, state):
    """No such database or role, too many connections, refused by rule: one error without ReadyForQuery, then the end."""

    def script(wire):
        came = wire.enter(user, database or stage.name)
        while came[-1][0] in "RSK":
            came = wire.until("ZE")
        assert states(came) == [state]
        assert wire.gone() == [GONE]

    played = stage.play(script)
    assert "Z" not in kinds(played.heard)
    assert played.gaps == []


def test_case_10_a_server_too_busy_to_listen(stage):
    """A server that refuses before it has read, as the postmaster does, is heard to the last byte (scripted server)."""
    said = failure("53300", "sorry, too many clients already")

    def serve(connection, _first):
        connection.sendall(said)

    with (
        FakeServer(serve) as fake,
        Running(stage.home("busy", target=f"127.0.0.1:{fake.port}")) as running,
        Wire(("127.0.0.1", running.relay.port)) as wire,
    ):
        wire.send(startup(user=USER, database=stage.name))
        assert wire.gone() == [("E", said[5:]), GONE]


def test_case_11_startup_in_one_segment_stays_in_one(stage):
    """What the server says in one segment at start-up is not torn apart: some drivers read it as one (scripted server)."""
    answer = AUTHENTICATION_OK + b"".join(status(f"name_{n}", "v" * n) for n in range(40))
    answer += frame(b"K", struct.pack("!II", 1, 2)) + READY

    def serve(connection, _first):
        connection.sendall(answer)
        FakeServer.request(connection)

    with (
        FakeServer(serve) as fake,
        Running(stage.home("coalesced", target=f"127.0.0.1:{fake.port}")) as running,
        socket.create_connection(("127.0.0.1", running.relay.port)) as client,
    ):
        client.sendall(startup(user=USER, database=stage.name))
        assert client.recv(1 << 16) == answer
        client.sendall(TERMINATE)


def test_case_11_requests_behind_the_startup_message(stage):
    """A client that asks before it was let in is answered once it is."""

    def script(wire):
        wire.send(startup(user=USER, database=stage.name), query(READ_ONE), query("select 1"))
        wire.until("Z", 3)

    assert stage.play(script).events == [read(7)]


def test_case_11_a_startup_message_in_pieces(stage):
    """The first message byte by byte, each a segment."""

    def script(wire):
        wire.pieces(startup(user=USER, database=stage.name, application_name="é" * 20), 1, 0.0005)
        wire.until("Z")

    stage.play(script)


ENCODINGS = [("UTF8", "utf-8"), ("LATIN1", "latin-1"), ("WIN1252", "cp1252"), ("LATIN9", "iso8859-15")]


@pytest.mark.parametrize(("encoding", "codec"), ENCODINGS)
@pytest.mark.parametrize("at_startup", [True, False])
def test_case_12_keys_in_every_encoding(stage, encoding, codec, at_startup):
    """A key with accents has the same pseudonym whatever the client's encoding: in rows, literals and binds."""
    key = "clé-€" if encoding != "LATIN1" else "Ã©"  # its bytes in LATIN1 are also UTF-8, of another text
    stage.server.execute(f"insert into by_text values ('{key}', 'z') on conflict do nothing", stage.name)

    def script(wire):
        stage.enter(wire, **({"client_encoding": encoding} if at_startup else {}))
        if not at_startup:
            wire.ask(query(f"set client_encoding = '{encoding}'"))
        said = key.encode(codec)
        wire.ask(
            query(b'select id, label as "libell\xe9" from by_text where id = \'' + said + b"'")
            if codec != "utf-8"
            else query(b"select id, label from by_text where id = '" + said + b"'")
        )
        wire.ask(query(b"select label from by_text where id = '" + said + b"'"))
        wire.ask(parse("select label from by_text where id = $1"), bind(said), describe(), execute(), SYNC)
        wire.ask(
            parse("select id from by_text where id = $1", types=[25]),
            bind(said, formats=[1], results=[1]),
            describe(),
            execute(),
            SYNC,
        )
        assert [row[0] for row in rows(wire.heard)] == [
            said,
            b"z" if key != "clé-€" else b"x",
            b"z" if key != "clé-€" else b"x",
            said,
        ]

    played = stage.play(script)
    assert [(event.coverage, event.rows) for event in played.events] == [
        ("exact", 1),
        ("predicate", 1),
        ("predicate", 1),
        ("exact", 1),
    ]
    expected = record_key(KEYS, "public.by_text", key)
    assert stage.keys_told(4) == [[expected]] * 4


def test_case_12_bytes_that_are_no_text(stage):
    """SQL_ASCII passes anything; invalid UTF-8 is the server's error and nobody's end."""

    def script(wire):
        stage.enter(wire)
        assert states(wire.ask(query(b"select id from customer where last_name = '\xff\xfe'"))) == ["22021"]
        wire.ask(query("set client_encoding = 'SQL_ASCII'"))
        wire.ask(query("select id from by_text where id = 'clé-€'"))
        wire.ask(query(READ_ONE))

    played = stage.play(script)
    assert played.gaps == []
    assert played.events[-2:] == [Told("read", "ok", "exact", 1, {"by_text": 1}), read(7)]


def test_case_13_defaults_of_user_and_database(stage):
    """Without a database the server takes the user's name; without a user it refuses: the relay invents nothing."""

    def without_database(wire):
        wire.send(startup(user=USER))
        wire.until("ZE")
        assert rows(wire.ask(query("select current_user, current_database()"))) == [[b"app_user", b"app_user"]]

    def without_user(wire):
        wire.send(startup(database=stage.name))
        assert states(wire.until("ZE")) == ["28000"]
        assert wire.gone() == [GONE]

    stage.play(without_database)
    stage.play(without_user)


def test_case_13_empty_startup_through_psql(stage):
    """What libpq leaves out, the server fills in: the login of the account of the session is the one it used."""
    port = stage.ways["relay"].address[1]
    command = ["psql", "-XAtq", "-h", "127.0.0.1", "-p", str(port), "-U", USER, "-c", "select current_database()"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    out = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    assert out == "app_user\n"
