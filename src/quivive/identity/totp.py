"""Codes of an authenticator application: RFC 6238 over RFC 4226, 30 seconds, six digits, SHA-1 as all of them speak.

Called by `identity.desk` and the command that adds an account. Pure: time is an argument. Must never accept a code
twice: the caller remembers the step that `matching_step` gives.
"""

import base64
import hmac
import struct
from typing import Final
from urllib.parse import quote

SECRET_BYTES: Final = 20
STEP_US: Final = 30_000_000
DRIFT_STEPS: Final = 1
"""A telephone's clock may be one step off, either way."""
DIGITS: Final = 6


def code_at(secret: bytes, step: int) -> str:
    """The code of one step."""
    mac = hmac.digest(secret, struct.pack(">Q", step), "sha1")
    offset = mac[-1] & 15
    (word,) = struct.unpack(">I", mac[offset : offset + 4])
    return str((word & 0x7FFF_FFFF) % 10**DIGITS).zfill(DIGITS)


def matching_step(secret: bytes, typed: str, now: int) -> int | None:
    """The step whose code was typed, None when it is none of now."""
    plain = "".join(character for character in typed if character not in " -")
    found = None
    for step in range(now // STEP_US - DRIFT_STEPS, now // STEP_US + DRIFT_STEPS + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), plain.encode()):
            found = step
    return found


def written(secret: bytes) -> str:
    """The secret as a person types it into the application."""
    return base64.b32encode(secret).decode().rstrip("=")


def provisioning_uri(secret: bytes, *, account: str, issuer: str) -> str:
    """What an authenticator application reads (otpauth)."""
    label = quote(f"{issuer}:{account}")
    return f"otpauth://totp/{label}?secret={written(secret)}&issuer={quote(issuer)}&digits={DIGITS}&period=30"
