"""Passkeys: what a browser is asked, and whether its answer holds (WebAuthn level 2, by the `webauthn` package).

Called by `identity.desk`. Must never accept an answer to another challenge, for another site, or without the person's
own verification (PIN or finger): a passkey stands for both factors.
"""

import json
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from quivive.model.clock import MINUTE_US
from quivive.model.errors import RefusedError
from quivive.vault_accounts import Account, Passkey

CHALLENGE_LIFETIME_US: Final = 5 * MINUTE_US
MAX_CHALLENGES: Final = 2_000
"""Challenges that wait for an answer; the oldest die first."""
_CHALLENGE_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What a browser registered."""

    credential: bytes
    public_key: bytes
    sign_count: int


class Challenges:
    """Challenges that wait for their one answer, by an opaque name."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, tuple[bytes, int]] = OrderedDict()

    def new(self, name: str, now: int) -> bytes:
        """Make the challenge of a name; an earlier one is void."""
        challenge = secrets.token_bytes(_CHALLENGE_BYTES)
        self._waiting.pop(name, None)
        self._waiting[name] = (challenge, now + CHALLENGE_LIFETIME_US)
        while len(self._waiting) > MAX_CHALLENGES:
            self._waiting.popitem(last=False)
        return challenge

    def take(self, name: str, now: int) -> bytes:
        """Use a challenge up.

        Raises:
            RefusedError: `passkey_refused`: none waits.
        """
        challenge, expires_at = self._waiting.pop(name, (b"", 0))
        if expires_at <= now:
            raise RefusedError("passkey_refused")
        return challenge


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """This console as browsers know it. `id` is its host; a bare IP address cannot hold passkeys ("" then).

    `address`: as configured, for links; on loopback `origin` differs from it.
    """

    id: str
    origin: str
    name: str
    address: str

    @classmethod
    def of(cls, console_url: str, name: str) -> "RelyingParty":
        """From the address of the console. On loopback it is `localhost`, which browsers take for secure."""
        parts = urlsplit(console_url)
        host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
        if host.startswith("127.") or host in {"::1", "localhost"}:
            return cls(id="localhost", origin=f"{parts.scheme}://localhost{port}", name=name, address=console_url)
        bare = ":" in host or host.replace(".", "").isdigit()
        return cls(id="" if bare else host, origin=f"{parts.scheme}://{parts.netloc}", name=name, address=console_url)

    def registration(self, account: Account, held: list[Passkey], challenge: bytes) -> dict[str, Any]:
        """What the browser is asked, to register a passkey for an account."""
        options = generate_registration_options(
            rp_id=self.id,
            rp_name=self.name,
            user_id=account.handle,
            user_name=account.name,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=each.credential) for each in held],
        )
        asked: dict[str, Any] = json.loads(options_to_json(options))
        return asked

    def registered(self, answer: dict[str, Any], challenge: bytes) -> Registered:
        """Check what the browser registered.

        Raises:
            RefusedError: `passkey_refused`.
        """
        try:
            found = verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=self.origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise RefusedError("passkey_refused") from error
        return Registered(
            credential=found.credential_id, public_key=found.credential_public_key, sign_count=found.sign_count
        )

    def authentication(self, challenge: bytes) -> dict[str, Any]:
        """What the browser is asked, to sign in with any passkey of this console."""
        options = generate_authentication_options(
            rp_id=self.id, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
        )
        asked: dict[str, Any] = json.loads(options_to_json(options))
        return asked

    def authenticated(self, answer: dict[str, Any], challenge: bytes, passkey: Passkey) -> int:
        """Check the browser's signature; returns the new counter.

        Raises:
            RefusedError: `passkey_refused`; also a counter that went back, which tells of a copied key.
        """
        try:
            found = verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=self.origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise RefusedError("passkey_refused") from error
        return found.new_sign_count
