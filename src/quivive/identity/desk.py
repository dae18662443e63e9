"""The desk where people say who they are: password with a code, passkey, identity provider.

Made by `core.compose`, called by the sign-in pages and the account commands. Must never tell which part of a
credential was wrong, never log one, and never let a wrong one be tried without bound.
"""

import asyncio
import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from quivive.identity import totp
from quivive.identity.attempts import Attempts
from quivive.identity.oidc import OidcProvider
from quivive.identity.passkeys import Challenges, RelyingParty
from quivive.model.errors import RefusedError
from quivive.model.permission import Role
from quivive.privacy.sealing import NONCE_BYTES, seal, unseal
from quivive.vault import Principal, Vault

MIN_PASSWORD: Final = 14
"""Characters of a break-glass password: a phrase, kept in a safe."""
MAX_PASSWORD: Final = 256
MAX_LABEL: Final = 60
"""Characters of what a person calls a passkey."""
HASHES_AT_ONCE: Final = 2
"""Argon2 takes 64 MiB each; two at a time leave the core its memory."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
_TOTP_PURPOSE: Final = "account-totp"
_HASHER: Final = PasswordHasher()  # argon2id, RFC 9106: 3 passes, 64 MiB, 4 lanes


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A new account's second factor, shown once."""

    secret: str
    uri: str


@dataclass(slots=True, kw_only=True)
class IdentityDesk:
    """See the module. `key`: seals the secrets of codes. `oidc`: None where no provider is declared."""

    vault: Vault
    key: bytes
    party: RelyingParty
    oidc: OidcProvider | None
    attempts: Attempts = field(default_factory=Attempts)
    challenges: Challenges = field(default_factory=Challenges)
    _nobody: str = ""
    _hashing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(HASHES_AT_ONCE))

    async def add_account(
        self, *, name: str, roles: tuple[Role, ...], controllers: tuple[str, ...], password: str, now: int
    ) -> Added:
        """Add a local account.

        Raises:
            RefusedError: `account_name`, `account_password`, or what `Vault.add_account` refuses.
        """
        if not _NAME.fullmatch(name):
            raise RefusedError("account_name", "expected 2 to 40 of a-z, 0-9, . _ -")
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD or len(set(password)) < MIN_PASSWORD // 2:
            raise RefusedError("account_password", "expected 14 to 256 characters, seven of them different")
        secret = secrets.token_bytes(totp.SECRET_BYTES)
        sealed = seal(
            self.key, purpose=f"{_TOTP_PURPOSE}/{name}", plaintext=secret, nonce=secrets.token_bytes(NONCE_BYTES)
        )
        hashed = await self._hash(password)
        self.vault.add_account(name=name, roles=roles, controllers=controllers, password=hashed, totp=sealed, now=now)
        return Added(
            secret=totp.written(secret), uri=totp.provisioning_uri(secret, account=name, issuer=self.party.name)
        )

    async def by_password(self, *, name: str, password: str, code: str, address: str, now: int) -> Principal:
        """Sign in with a password and a code. The same refusal whatever was wrong, after the same work.

        Raises:
            RefusedError: `credentials_refused`; `sign_in_refused_too_often`, before anything is looked at.
        """
        if self.attempts.too_many(name[:MAX_PASSWORD], address, now):
            raise RefusedError("sign_in_refused_too_often")
        account = self.vault.account(name)
        if not self._nobody:
            self._nobody = await self._hash(secrets.token_urlsafe())
        good = await self._verify(account.password if account else self._nobody, password[:MAX_PASSWORD])
        step = None
        if account is not None:
            opened = unseal(self.key, purpose=f"{_TOTP_PURPOSE}/{account.name}", sealed=account.totp)
            step = totp.matching_step(opened, code, now)
        if account is None or not good or step is None or not self.vault.take_step(account.name, step, now):
            self.attempts.failed(name[:MAX_PASSWORD], address, now)
            raise RefusedError("credentials_refused")
        self.attempts.succeeded(name, address)
        if _HASHER.check_needs_rehash(account.password):
            self.vault.renew_password(account.name, await self._hash(password))
        return account.principal()

    async def _hash(self, password: str) -> str:
        async with self._hashing:
            return await asyncio.to_thread(_HASHER.hash, password)

    async def _verify(self, hashed: str, password: str) -> bool:
        async with self._hashing:
            try:
                return await asyncio.to_thread(_HASHER.verify, hashed, password)
            except (Argon2Error, InvalidHashError):
                return False

    # --- passkeys

    def ask_registration(self, name: str, now: int) -> dict[str, Any]:
        """What the browser of a signed-in account is asked.

        Raises:
            RefusedError: `passkey_local_only`: who comes by the provider keeps his keys there; `passkey_host`.
        """
        account = self.vault.account(name)
        if account is None:
            raise RefusedError("passkey_local_only")
        self._need_host()
        return self.party.registration(account, self.vault.passkeys_of(name), self.challenges.new(f"add {name}", now))

    def register(self, name: str, answer: Mapping[str, Any], label: str, now: int) -> None:
        """Keep the passkey that a browser made for a signed-in account.

        Raises:
            RefusedError: `passkey_refused`, `passkey_local_only`, or what `Vault.add_passkey` refuses.
        """
        if self.vault.account(name) is None:
            raise RefusedError("passkey_local_only")
        found = self.party.registered(dict(answer), self.challenges.take(f"add {name}", now))
        self.vault.add_passkey(
            account=name,
            credential=found.credential,
            public_key=found.public_key,
            sign_count=found.sign_count,
            label=label.strip()[:MAX_LABEL],
            now=now,
        )

    def ask_passkey(self, browser: str, now: int) -> dict[str, Any]:
        """What a browser is asked, to sign in. `browser`: the opaque name in its cookie."""
        self._need_host()
        return self.party.authentication(self.challenges.new(f"in {browser}", now))

    def by_passkey(self, browser: str, answer: Mapping[str, Any], now: int) -> Principal:
        """Sign in with a passkey.

        Raises:
            RefusedError: `passkey_refused`.
        """
        challenge = self.challenges.take(f"in {browser}", now)
        passkey = self.vault.passkey(_credential(answer))
        account = self.vault.account(passkey.account) if passkey else None
        if passkey is None or account is None:
            raise RefusedError("passkey_refused")
        counter = self.party.authenticated(dict(answer), challenge, passkey)
        self.vault.use_passkey(passkey.credential, counter, now)
        return account.principal()

    def _need_host(self) -> None:
        if not self.party.id:
            raise RefusedError("passkey_host")


def _credential(answer: Mapping[str, Any]) -> bytes:
    """The id of the credential that a browser answers with."""
    text = answer.get("rawId")
    if not isinstance(text, str) or len(text) > 2_048:
        raise RefusedError("passkey_refused")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise RefusedError("passkey_refused") from None
