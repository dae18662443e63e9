"""Local accounts: who may sign in when the identity provider is gone. A part of the vault.

Mixed into `vault.Vault`. Passwords come here already hashed (argon2id), second factors already sealed. Must never
give out a password, and never let a disabled account sign in.
"""

import secrets
import sqlite3
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from quivive.model.errors import RefusedError
from quivive.model.permission import Role, check_grant
from quivive.vault_sessions import Principal, dump, roles_of, strings_of

MAX_PASSKEYS: Final = 8
"""Passkeys of one account: a few devices and a spare in the safe."""
SCHEMA: Final = """
create table account (
    name text primary key, roles text not null, controllers text not null, password text not null,
    totp blob not null, totp_step integer not null default 0, handle blob not null,
    created_at integer not null, used_at integer not null default 0, disabled_at integer not null default 0
) strict;
create table passkey (
    credential blob primary key, account text not null, id text not null unique, label text not null,
    public_key blob not null, sign_count integer not null, created_at integer not null,
    used_at integer not null default 0
) strict;
"""
_HANDLE_BYTES: Final = 32
_ID_BYTES: Final = 9
_LOCAL: Final = frozenset({Role.SECURITY, Role.DPO, Role.ADMINISTRATOR, Role.EVALUATOR, Role.AUDITOR})
"""Roles a local account may hold: an agent has a person, an inspector an end, an integration a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One local account. `totp`: the sealed secret of its codes; `totp_step`: the last code's step, used once."""

    name: str
    roles: tuple[Role, ...]
    controllers: tuple[str, ...]
    password: str
    totp: bytes
    totp_step: int
    handle: bytes
    created_at: int
    used_at: int
    disabled_at: int

    def principal(self) -> Principal:
        """Who signs in with it."""
        return Principal(id=self.name, roles=self.roles, controllers=self.controllers, sources=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A public key registered for an account. `id` names it on its owner's page, `credential` to the browser."""

    credential: bytes
    account: str
    id: str
    label: str
    public_key: bytes
    sign_count: int
    created_at: int
    used_at: int


_ACCOUNT: Final = "name, roles, controllers, password, totp, totp_step, handle, created_at, used_at, disabled_at"
_PASSKEY: Final = "credential, account, id, label, public_key, sign_count, created_at, used_at"


class AccountSecrets:
    """Methods of the vault; `_writing`, `_row` and `_rows` are the vault's."""

    def _writing(self) -> AbstractContextManager[sqlite3.Connection]:
        raise NotImplementedError

    def _row(self, sql: str, *values: object) -> tuple[object, ...] | None:
        raise NotImplementedError

    def _rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        raise NotImplementedError

    def add_account(
        self,
        *,
        name: str,
        roles: tuple[Role, ...],
        controllers: tuple[str, ...],
        password: str,
        totp: bytes,
        now: int,
    ) -> None:
        """Keep a new account. `password` is an argon2id hash, `totp` a sealed secret.

        Raises:
            RefusedError: `account_exists`, `account_role`, or a grant that joins what must stay apart.
        """
        check_grant(roles, controllers)
        if not set(roles) <= _LOCAL:
            raise RefusedError("account_role", "expected " + ", ".join(sorted(_LOCAL)))
        with self._writing() as connection:
            if connection.execute("select 1 from account where name = ?", (name,)).fetchone():
                raise RefusedError("account_exists", "an account has this name; disabled accounts keep theirs")
            connection.execute(
                f"insert into account ({_ACCOUNT}) values (?, ?, ?, ?, ?, 0, ?, ?, 0, 0)",
                (name, dump(roles), dump(controllers), password, totp, secrets.token_bytes(_HANDLE_BYTES), now),
            )

    def account(self, name: str) -> Account | None:
        """An account in force; None when there is none or it is disabled."""
        row = self._row(f"select {_ACCOUNT} from account where name = ? and disabled_at = 0", name)
        return None if row is None else _account(row)

    def accounts(self) -> list[Account]:
        """All accounts, disabled ones too."""
        return [_account(row) for row in self._rows(f"select {_ACCOUNT} from account order by name")]

    def disable_account(self, name: str, now: int) -> None:
        """Disable an account, its passkeys and its sessions at once.

        Raises:
            RefusedError: `account_unknown`.
        """
        with self._writing() as connection:
            found = connection.execute(
                "update account set disabled_at = ? where name = ? and disabled_at = 0", (now, name)
            )
            if not found.rowcount:
                raise RefusedError("account_unknown", "no account in force has this name")
            connection.execute("delete from passkey where account = ?", (name,))
            connection.execute("delete from session where principal = ?", (name,))

    def take_step(self, name: str, step: int, now: int) -> bool:
        """Use up a code of an account: one code, or an older one, works once. False when it was used."""
        with self._writing() as connection:
            taken = connection.execute(
                "update account set totp_step = ?, used_at = ? where name = ? and totp_step < ? and disabled_at = 0",
                (step, now, name, step),
            )
            return taken.rowcount == 1

    def renew_password(self, name: str, password: str) -> None:
        """Keep a hash with newer parameters."""
        with self._writing() as connection:
            connection.execute("update account set password = ? where name = ?", (password, name))

    # --- passkeys

    def add_passkey(
        self, *, account: str, credential: bytes, public_key: bytes, sign_count: int, label: str, now: int
    ) -> None:
        """Register a passkey.

        Raises:
            RefusedError: `passkey_known` or `passkeys_full`.
        """
        with self._writing() as connection:
            (held,) = connection.execute("select count(*) from passkey where account = ?", (account,)).fetchone()
            if held >= MAX_PASSKEYS:
                raise RefusedError("passkeys_full")
            if connection.execute("select 1 from passkey where credential = ?", (credential,)).fetchone():
                raise RefusedError("passkey_known")
            connection.execute(
                f"insert into passkey ({_PASSKEY}) values (?, ?, ?, ?, ?, ?, ?, 0)",
                (credential, account, secrets.token_urlsafe(_ID_BYTES), label, public_key, sign_count, now),
            )

    def passkeys_of(self, account: str) -> list[Passkey]:
        """Passkeys of one account, oldest first."""
        rows = self._rows(f"select {_PASSKEY} from passkey where account = ? order by created_at, id", account)
        return [_passkey(row) for row in rows]

    def passkey(self, credential: bytes) -> Passkey | None:
        """The passkey a browser names."""
        row = self._row(f"select {_PASSKEY} from passkey where credential = ?", credential)
        return None if row is None else _passkey(row)

    def use_passkey(self, credential: bytes, sign_count: int, now: int) -> None:
        """Remember a use: a counter that goes back tells of a copy."""
        with self._writing() as connection:
            connection.execute(
                "update passkey set sign_count = ?, used_at = ? where credential = ?", (sign_count, now, credential)
            )
            connection.execute(
                "update account set used_at = ? where name = (select account from passkey where credential = ?)",
                (now, credential),
            )

    def forget_passkey(self, account: str, identifier: str) -> bool:
        """Forget one passkey of an account, by its id. False when there is none."""
        with self._writing() as connection:
            found = connection.execute("delete from passkey where account = ? and id = ?", (account, identifier))
            return found.rowcount == 1


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


def _account(row: tuple[object, ...]) -> Account:
    name, roles, controllers, password, totp, totp_step, handle, created_at, used_at, disabled_at = row
    return Account(
        name=str(name),
        roles=roles_of(roles),
        controllers=strings_of(controllers),
        password=str(password),
        totp=_bytes(totp),
        totp_step=_int(totp_step),
        handle=_bytes(handle),
        created_at=_int(created_at),
        used_at=_int(used_at),
        disabled_at=_int(disabled_at),
    )


def _passkey(row: tuple[object, ...]) -> Passkey:
    credential, account, identifier, label, public_key, sign_count, created_at, used_at = row
    return Passkey(
        credential=_bytes(credential),
        account=str(account),
        id=str(identifier),
        label=str(label),
        public_key=_bytes(public_key),
        sign_count=_int(sign_count),
        created_at=_int(created_at),
        used_at=_int(used_at),
    )
