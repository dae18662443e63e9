"""A TLS session in memory: whatever the splits, what one side says the other hears; damage ends it."""

import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from quivive.capture.tls import TlsError, TlsFilter, client_context, server_context
from quivive.model.errors import ConfigurationError


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `db.example.invalid` with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "db.example.invalid")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("db.example.invalid")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("pem") / "own.pem"
    form = serialization.Encoding.PEM
    secret = key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(form) + secret)
    return path


def pair(pem: Path, hostname: str = "db.example.invalid", *, verify: bool = True) -> tuple[TlsFilter, TlsFilter]:
    """A client and a server that have not yet spoken."""
    client = TlsFilter(client_context(pem, verify=verify), server_side=False, hostname=hostname)
    return client, TlsFilter(server_context(pem, pem), server_side=True)


def carry(data: bytes, to: TlsFilter, size: int) -> bytes:
    """Hand bytes over in pieces."""
    return b"".join(to.received(data[at : at + size]) for at in range(0, len(data), size))


def settle(client: TlsFilter, server: TlsFilter, size: int) -> tuple[bytes, bytes]:
    """Carry everything both ways until nobody has more to say; what each side heard."""
    heard = [b"", b""]
    while True:
        up, down = client.outgoing(), server.outgoing()
        if not up and not down:
            return heard[0], heard[1]
        heard[1] += carry(up, server, size)
        heard[0] += carry(down, client, size)


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_whatever_the_splits(pem: Path, size: int) -> None:
    """Bytes written before the handshake is done wait, and arrive whole and in order."""
    client, server = pair(pem)
    client.write(b"early ")
    client.begin()
    settle(client, server, size)
    client.write(b"and late " + b"x" * 40_000)
    server.write(b"answer")
    heard_by_client, heard_by_server = settle(client, server, size)
    assert client.secured
    assert server.secured
    assert client.protocol() == server.protocol() == "postgresql"
    assert heard_by_client == b"answer"
    assert heard_by_server.endswith(b"and late " + b"x" * 40_000)


def test_early_bytes_arrive_first(pem: Path) -> None:
    """What was written before the handshake comes before what was written after it."""
    client, server = pair(pem)
    client.write(b"one")
    client.begin()
    client.write(b"two")
    assert settle(client, server, 1_000_000)[1] == b"onetwo"


def test_an_end_is_told_from_a_cut(pem: Path) -> None:
    """The peer's close is seen as an end."""
    client, server = pair(pem)
    client.begin()
    settle(client, server, 1_000_000)
    client.finish()
    server.received(client.outgoing())
    assert server.ended


def test_a_wrong_name_or_authority_is_refused(pem: Path, tmp_path: Path) -> None:
    """Verification is of the name as well as of the certificate; encrypted only accepts both."""
    client, server = pair(pem, "other.example.invalid")
    client.begin()
    with pytest.raises(TlsError, match="certificate not accepted"):
        settle(client, server, 1_000_000)
    client, server = pair(pem, "other.example.invalid", verify=False)
    client.begin()
    settle(client, server, 1_000_000)
    assert client.secured


def test_damage_ends_it(pem: Path) -> None:
    """A flipped bit in a record is an error, and so are bytes that are no TLS."""
    client, server = pair(pem)
    client.begin()
    settle(client, server, 1_000_000)
    client.write(b"secret")
    record = bytearray(client.outgoing())
    record[-1] ^= 1
    with pytest.raises(TlsError) as raised:
        server.received(bytes(record))
    assert "secret" not in str(raised.value)
    with pytest.raises(TlsError):
        pair(pem)[1].received(b"GET / HTTP/1.1\r\n\r\n")


def test_files_that_are_no_pair(tmp_path: Path) -> None:
    """One clear error that names the key of the configuration."""
    (tmp_path / "empty.pem").write_text("")
    for path in (tmp_path / "none.pem", tmp_path / "empty.pem"):
        with pytest.raises(ConfigurationError, match="tls_certificate"):
            server_context(path, path)
        with pytest.raises(ConfigurationError, match="target_ca"):
            client_context(path, verify=True)
    assert isinstance(client_context(None, verify=True), ssl.SSLContext)
