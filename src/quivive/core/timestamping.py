"""Time-stamps of the spine's checkpoint by RFC 3161 authorities, with what is needed to check them in ten years.

Called by `core.anchoring`. Must never keep a token that it did not verify: imprint, nonce, chain up to the authority's
own roots, and a time near ours. What is kept: request, answer (with the authority's certificates), checkpoint, roots;
`openssl ts -verify` checks them without us (docs/paper-procedure.md).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from quivive.anchor_settings import AuthoritySettings
from quivive.core.witnessing import Fetch, fetch
from quivive.model.errors import QuiviveError, StorageError
from quivive.spool.durable import make_directories, write_atomic

MAX_SKEW_S: Final = 300
"""Between an authority's clock and ours: beyond it one of the two is wrong, and the token says nothing sure."""
_OK: Final = 200


class TokenError(QuiviveError):
    """An authority did not answer, or its answer proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A verified time-stamp over a note."""

    authority: str
    request: bytes
    response: bytes
    roots: bytes
    at: int
    """The authority's time, in seconds."""


def ask(authority: AuthoritySettings, home: Path, note: bytes, now: int, *, get: Fetch = fetch) -> Token:
    """Have a note time-stamped; `now` is our clock, in seconds.

    Raises:
        TokenError: no answer, or one with a wrong imprint or nonce, an unknown or expired certificate, another time.
    """
    request = (
        TimestampRequestBuilder()
        .data(note)
        .hash_algorithm(HashAlgorithm.SHA256)
        .cert_request(cert_request=True)
        .build()
    )
    sent = request.as_bytes()
    try:
        roots = (home / authority.roots).read_bytes()
        status, answer = get(authority.url, sent)
        if status != _OK:
            raise TokenError(f"{authority.name}: HTTP {status}")
        response = decode_timestamp_response(answer)
        verifier = VerifierBuilder.from_request(request)
        for certificate in x509.load_pem_x509_certificates(roots):
            verifier = verifier.add_root_certificate(certificate)
        verifier.build().verify(response, sha256(note).digest())
        at = int(response.tst_info.gen_time.astimezone(UTC).timestamp())
    except (OSError, ValueError, VerificationError) as error:
        raise TokenError(f"{authority.name}: {error}") from error
    if abs(at - now) > MAX_SKEW_S:
        raise TokenError(f"{authority.name}: its clock is {at - now} s from ours")
    return Token(authority=authority.name, request=sent, response=answer, roots=roots, at=at)


def keep(spine: Path, note: bytes, token: Token) -> str:
    """Keep a token with its validation data below `spine/timestamps/`; return its name.

    Raises:
        StorageError: the disk refused.
    """
    moment = datetime.fromtimestamp(token.at, tz=UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = spine / "timestamps" / moment[:6]
    name = f"{moment}-{token.authority}"
    try:
        make_directories(folder)
        for ending, data in (
            ("note", note),
            ("tsq", token.request),
            ("roots.pem", token.roots),
            ("tsr", token.response),
        ):
            write_atomic(folder / f"{name}.{ending}", data)
    except OSError as error:
        raise StorageError(f"cannot write {folder}: {error.strerror}") from error
    return name
