"""Client authentication of the side connection, against the vectors of RFC 7677 and an independent server."""

import pytest

from quivive.wire.framing import PeerError
from quivive.wire.postgres.scram import ScramClient, md5_response

SERVER_FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"


def test_rfc_7677_exchange() -> None:
    """A SCRAM exchange checks the server's signature and refuses a wrong one."""
    scramp = pytest.importorskip("scramp")
    mechanism = scramp.ScramMechanism("SCRAM-SHA-256")
    secret = mechanism.make_auth_info("pencil")
    server = mechanism.make_server(lambda _: secret)
    client = ScramClient("pencil", "rOprNGfwEbeRWgbNEkqO")
    server.set_client_first(client.first().decode())
    final = client.final(server.get_server_first().encode())
    server.set_client_final(final.decode())
    client.verify(server.get_server_final().encode())
    with pytest.raises(PeerError):
        client.verify(b"v=AAAA")


def test_a_foreign_nonce_is_refused() -> None:
    """A server nonce that does not extend ours is a PeerError (RFC 5802 §5.1)."""
    with pytest.raises(PeerError):
        ScramClient("pencil", "other").final(SERVER_FIRST)
    with pytest.raises(PeerError):
        ScramClient("pencil", "other").final(b"nonsense")


def test_md5() -> None:
    """md5(md5(password ‖ user) ‖ salt)."""
    assert md5_response("user", "password", b"\x01\x02\x03\x04").startswith(b"md5")
    assert len(md5_response("user", "password", b"\x01\x02\x03\x04")) == 35
