"""TLS of one socket, as a filter between its bytes and the leg's: no transport is exchanged under way.

Used by `leg`, `target` and `relay`. A filter over memory takes what a socket cannot give back: bytes of a handshake
that were already read (PostgreSQL 17's `sslnegotiation=direct`). Pure but for OpenSSL. Must never let bytes pass in
clear once it was made, and never keep a secret or a byte of a session in an error.
"""

import hashlib
import ssl
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from quivive.model.errors import ConfigurationError

ALPN: Final = "postgresql"
"""Protocol name of PostgreSQL over TLS (manual 55.2.10, SSL Session Encryption); direct TLS is refused without it."""
MAX_READ_BYTES: Final = 64 << 10
"""Bytes taken out of OpenSSL at once: four of its records."""


class TlsError(Exception):
    """The handshake or the session failed; `reason` is OpenSSL's word for it, without data."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class TlsFilter:
    """One TLS session. Call `received` with what came from the socket, send `outgoing()` after every call."""

    __slots__ = ("_in", "_object", "_out", "_waiting", "ended", "secured")

    def __init__(self, context: ssl.SSLContext, *, server_side: bool, hostname: str | None = None) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._in, self._out, server_side=server_side, server_hostname=hostname)
        self._waiting = bytearray()
        self.secured = False
        self.ended = False

    def begin(self) -> None:
        """Start the handshake (a client speaks first).

        Raises:
            TlsError: it cannot begin.
        """
        self._shake()

    def received(self, data: bytes) -> bytes:
        """Take bytes of the socket; return what they say in clear, b"" while the handshake lasts.

        Raises:
            TlsError: the handshake failed, or a record is damaged.
        """
        self._in.write(data)
        if not self.secured:
            self._shake()
            if not self.secured:
                return b""
        clear = bytearray()
        try:
            while chunk := self._object.read(MAX_READ_BYTES):
                clear += chunk
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            raise _told(error) from None
        return bytes(clear)

    def write(self, data: bytes) -> None:
        """Encrypt bytes for the socket; before the handshake is done they wait.

        Raises:
            TlsError: the session is broken.
        """
        if not self.secured:
            self._waiting += data
            return
        try:
            self._object.write(data)
        except ssl.SSLError as error:
            raise _told(error) from None

    def finish(self) -> None:
        """Say that nothing more will come, so that the peer can tell an end from a cut."""
        try:
            if self.secured:
                self._object.unwrap()
        except ssl.SSLError:
            pass  # the peer has not said so too, or is gone

    def outgoing(self) -> bytes:
        """Bytes that the socket must send now."""
        return self._out.read()

    def protocol(self) -> str | None:
        """Application protocol that both sides agreed on (ALPN)."""
        return self._object.selected_alpn_protocol()

    def binding(self) -> bytes:
        """What a proof towards this peer is bound to (RFC 5929 §4), b"" when it showed no certificate."""
        shown = self._object.getpeercert(binary_form=True)
        return endpoint_binding(shown) if shown else b""

    def _shake(self) -> None:
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as error:
            raise _told(error) from None
        self.secured = True
        if self._waiting:
            self._object.write(self._waiting)
            self._waiting.clear()


def _told(error: ssl.SSLError) -> TlsError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return TlsError(f"certificate not accepted: {error.verify_message}")
    return TlsError((error.reason or type(error).__name__).lower().replace("_", " "))


def endpoint_binding(certificate: bytes) -> bytes:
    """Binding `tls-server-end-point` of a certificate (DER): its hash, by the algorithm of its signature.

    b"" where that names none (Ed25519): nothing can be bound to it, and libpq would refuse to.
    """
    try:
        signed_by = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except ValueError:
        return b""
    if signed_by is None:
        return b""
    name = "sha256" if signed_by.name in {"md5", "sha1"} else signed_by.name.replace("-", "_")
    return hashlib.new(name, certificate).digest()


def front_binding(certificate: Path) -> bytes:
    """What clients bind their proof to: our certificate, the first of the file."""
    shown = x509.load_pem_x509_certificate(certificate.read_bytes())
    return endpoint_binding(shown.public_bytes(Encoding.DER))


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS towards clients, with our certificate (PEM).

    Raises:
        ConfigurationError: a file is missing or no pair.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([ALPN])
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:  # an SSLError is one too
        found = error.strerror or "no such pair"
        raise ConfigurationError(
            file="quivive.toml", key="tls_certificate", expected="a certificate and its key, PEM", found=found
        ) from None
    return context


def client_context(authority: Path | None, *, verify: bool) -> ssl.SSLContext:
    """TLS towards the server: verified against `authority` (or the system's), or encrypted only.

    Raises:
        ConfigurationError: the file holds no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([ALPN])
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        if authority is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(authority)
    except OSError as error:
        found = error.strerror or "no certificate"
        raise ConfigurationError(
            file="quivive.toml", key="target_ca", expected="certificates of an authority, PEM", found=found
        ) from None
    return context
