"""The server's side of SCRAM, against our own client, scramp as an independent peer, and the words of the RFC."""

import base64
import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivive.wire.framing import PeerError
from quivive.wire.postgres.scram import BOUND, NO_BINDING, NOT_OFFERED, ScramClient, keys_of, prepared
from quivive.wire.postgres.scram_server import (
    ProofError,
    ScramServer,
    mock_verifier,
    read_verifier,
    verifier_of,
)

SALT = b"0123456789abcdef"
VERIFIER = verifier_of("pencil", SALT)
BINDING = hashlib.sha256(b"a certificate").digest()


def text_of(verifier):
    """As it stands in pg_authid.rolpassword."""
    salt, stored, server = (
        base64.b64encode(part).decode() for part in (verifier.salt, verifier.stored_key, verifier.server_key)
    )
    return f"SCRAM-SHA-256${verifier.rounds}:{salt}${stored}:{server}"


def talk(password="pencil", *, header=NO_BINDING, binding=b"", offered=b"", plus=False):
    """One whole exchange; both sides when it succeeds."""
    client, server = (
        ScramClient(password, "clientnonce", header=header, binding=binding),
        ScramServer(VERIFIER, "servernonce", binding=offered),
    )
    final = client.final(server.first(client.first(), plus=plus))
    client.verify(server.final(final))
    return client, server


def test_both_prove_themselves():
    """An exchange ends with the client's own keys at the server, good for any server with this verifier."""
    _, server = talk()
    assert server.keys.client_key == keys_of("pencil", SALT, 4_096).client_key
    assert server.keys.server_key == VERIFIER.server_key


def test_a_wrong_password_and_an_unknown_name_fail_alike():
    """The same exception at the same moment."""
    with pytest.raises(ProofError):
        talk("pen")
    client, server = ScramClient("pencil", "clientnonce"), ScramServer(mock_verifier(b"secret", "nobody"), "s")
    with pytest.raises(ProofError):
        server.final(client.final(server.first(client.first(), plus=False)))


def test_an_unknown_name_always_has_the_same_salt():
    """Asked twice, it answers as a known one does; another name has another salt."""
    assert mock_verifier(b"secret", "a").salt == mock_verifier(b"secret", "a").salt
    assert mock_verifier(b"secret", "a").salt != mock_verifier(b"secret", "b").salt


def test_bound_to_the_channel():
    """-PLUS passes with the right certificate and with no other."""
    talk(header=BOUND, binding=BINDING, offered=BINDING, plus=True)
    with pytest.raises(PeerError, match="another channel"):
        talk(header=BOUND, binding=b"x" * 32, offered=BINDING, plus=True)


@pytest.mark.parametrize(
    ("header", "offered", "plus"),
    [
        (NOT_OFFERED, BINDING, False),  # somebody between took our offer away
        (BOUND, BINDING, False),
        (NO_BINDING, BINDING, True),
        (BOUND, b"", True),
        ("p=tls-unique,,", BINDING, True),
        ("n,a=admin,", b"", False),  # an identity to act for
        ("x,,", b"", False),
    ],
)
def test_what_was_not_agreed_on(header, offered, plus):
    """Each other header is refused before anything is proved."""
    with pytest.raises(PeerError):
        talk(header=header, binding=BINDING if header == BOUND else b"", offered=offered, plus=plus)


def test_a_client_that_could_bind_in_clear():
    """`y` is right where no binding is offered."""
    talk(header=NOT_OFFERED, offered=b"")


def test_scramp_is_let_in():
    """An independent client."""
    scramp = pytest.importorskip("scramp")
    client = scramp.ScramClient(["SCRAM-SHA-256"], "user", "pencil")
    server = ScramServer(VERIFIER, "servernonce")
    client.set_server_first(server.first(client.get_client_first().encode(), plus=False).decode())
    client.set_server_final(server.final(client.get_client_final().encode()).decode())


def test_scramp_refuses_the_empty_name_of_libpq():
    """Why the server's side is our own (ADR 0010); when this fails, scramp may take its place."""
    scramp = pytest.importorskip("scramp")
    server = scramp.ScramMechanism("SCRAM-SHA-256").make_server(lambda _: None)
    with pytest.raises(scramp.ScramException, match="at least one character"):
        server.set_client_first("n,,n=,r=abcdefghijklmnop")


def test_a_verifier_is_read_as_it_is_written():
    """The form of pg_authid."""
    found = read_verifier(f" {text_of(VERIFIER)}\n")
    assert (found.rounds, found.salt, found.stored_key) == (4_096, SALT, VERIFIER.stored_key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "md5" + "0" * 32,
        "SCRAM-SHA-256$4096:AAAA$AAAA:AAAA",
        text_of(VERIFIER).replace("4096", "0"),
        text_of(VERIFIER).replace("4096", "99999999999"),
        text_of(VERIFIER)[:-1],
    ],
)
def test_no_verifier(text):
    """Anything else is none."""
    assert read_verifier(text) is None


def test_no_secret_in_a_repr():
    """Neither keys nor verifiers show themselves."""
    for one in (VERIFIER, keys_of("pencil", SALT, 1)):
        assert repr(VERIFIER.stored_key)[2:8] not in repr(one)
        assert "pencil" not in repr(one)


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("plain \x07", b"plain \x07"),  # ASCII is never touched
        ("I\u00adX é", "IX é".encode()),
        ("a\u00a0b", b"a b"),
        ("\u2168", b"IX"),
        ("ﬁn", b"fin"),
        ("\u0627\u0031", "\u0627\u0031".encode()),  # may not be prepared: stays as it is
        ("é\x07", "é\x07".encode()),
        ("\u00ad", "\u00ad".encode()),
    ],
)
def test_passwords_are_prepared_as_by_postgresql(password, expected):
    """SASLprep where it may be done (RFC 4013 §3), the password as it is elsewhere."""
    assert prepared(password) == expected


@given(st.text(min_size=1).filter(lambda text: not text.isascii()))
def test_prepared_as_scramp_does(password):
    """Where an independent SASLprep yields a text, ours is the same."""
    utils = pytest.importorskip("scramp.utils")
    try:
        theirs = utils.saslprep(password)
    except utils.ScramException:
        return
    assert not theirs or prepared(password) == theirs.encode()


@given(st.binary(max_size=300), st.booleans())
def test_any_first_message(message, plus):
    """Read, or a PeerError."""
    with contextlib.suppress(PeerError):
        ScramServer(VERIFIER, "servernonce", binding=BINDING).first(message, plus=plus)


@given(st.binary(max_size=300))
def test_any_final_message(message):
    """Never accepted, always a PeerError."""
    server = ScramServer(VERIFIER, "servernonce")
    server.first(b"n,,n=,r=clientnonce", plus=False)
    for tail in (message, b"c=biws,r=clientnonceservernonce,p=" + base64.b64encode(message)):
        with pytest.raises(PeerError):
            server.final(tail)
