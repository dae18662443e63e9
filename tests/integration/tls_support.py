"""Certificates for the loopback and a PostgreSQL that speaks TLS; shared by the tests of TLS and of authentication."""

import datetime as dt
import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from quivive.simulation.database import PostgresServer


def certificate(folder: Path, name: str, algorithm: hashes.HashAlgorithm | None = None) -> Path:
    """A self-signed certificate for the loopback, key in the same file; clients verify it against itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, algorithm or hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    path.chmod(0o600)
    return path


@contextmanager
def secured_server(server_parts, folder: Path, rules: tuple[str, ...] = ()) -> Iterator[tuple[object, str, Path, Path]]:
    """A server that speaks TLS, its database, its certificate and another one."""
    hba, programs, wrapper = server_parts
    own, other = certificate(folder, "own"), certificate(folder, "other", hashes.SHA384())
    server = PostgresServer(folder=folder, programs=programs, hba=(*rules, *hba))
    try:
        server.start()
        owner = server.data.stat()
        placed = server.data / "server.pem"
        placed.write_bytes(own.read_bytes())
        os.chown(placed, owner.st_uid, owner.st_gid)
        placed.chmod(0o600)
        wrapped = wrapper(server)
        wrapped.execute("ALTER SYSTEM SET ssl_cert_file = 'server.pem'")
        wrapped.execute("ALTER SYSTEM SET ssl_key_file = 'server.pem'")
        wrapped.execute("ALTER SYSTEM SET ssl = on")
        wrapped.execute("SELECT pg_reload_conf()")
        for role in ("scram_user", "md5_user", "password_user", "side_tls"):
            wrapped.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'scram-secret'")
        yield wrapped, wrapped.customer_database(), own, other
    finally:
        server.destroy()
