"""Secrets of recordings in the vault: kiosk codes, calendar tokens, sealed analysis documents.

A part of `vault.Vault`, in a file of its own. Codes and tokens lie as SHA-256 only; what an analysis says lies sealed
until its clock ends, then it is deleted (the file overwrites what it deletes). Must never give out a document that is
due, nor take a code twice.
"""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from quivive.model.clock import DAY_US
from quivive.model.errors import RefusedError

CODE_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH: Final = 12
"""30^12 is 59 bits: twenty guesses a minute find none in a lifetime."""
CODE_LIFETIME_US: Final = 14 * DAY_US
"""A code handed out on paper covers an absence of two weeks."""
SCHEMA: Final = """
create table kiosk_code (
    hash blob primary key, campaign text not null, version integer not null, person text not null,
    expires_at integer not null, used_at integer not null default 0
) strict;
create table calendar_token (hash blob primary key, person text not null unique) strict;
create table sealed_document (
    document text primary key, expires_at integer not null, blob blob not null
) strict;
"""
_TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class KioskCode:
    """What a code stands for."""

    campaign: str
    version: int
    person: str


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def plain_code(text: str) -> str:
    """A code as typed: without spaces and dashes, in capitals."""
    return "".join(character for character in text.upper() if character not in " -")


class RecordingSecrets:
    """Methods of the vault; `_writing` and `_row` are the vault's."""

    def _writing(self) -> AbstractContextManager[sqlite3.Connection]:
        raise NotImplementedError

    def _row(self, sql: str, *values: object) -> tuple[object, ...] | None:
        raise NotImplementedError

    # --- kiosk codes

    def issue_kiosk_code(self, *, campaign: str, version: int, person: str, now: int) -> str:
        """Make a code for one person and one campaign version; an earlier one of the same is void."""
        code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
        with self._writing() as connection:
            connection.execute("delete from kiosk_code where expires_at <= ?", (now,))
            connection.execute(
                "delete from kiosk_code where campaign = ? and version = ? and person = ?", (campaign, version, person)
            )
            connection.execute(
                "insert into kiosk_code values (?, ?, ?, ?, ?, 0)",
                (_hash(code), campaign, version, person, now + CODE_LIFETIME_US),
            )
        return "-".join(code[i : i + 4] for i in range(0, CODE_LENGTH, 4))

    def kiosk_code(self, typed: str, now: int) -> KioskCode:
        """What a typed code stands for.

        Raises:
            RefusedError: `kiosk_code_unknown`: unknown, used or expired; the page says no more.
        """
        row = self._row(
            "select campaign, version, person from kiosk_code where hash = ? and expires_at > ? and used_at = 0",
            _hash(plain_code(typed)),
            now,
        )
        if row is None:
            raise RefusedError("kiosk_code_unknown")
        return KioskCode(campaign=str(row[0]), version=int(str(row[1])), person=str(row[2]))

    def use_kiosk_code(self, typed: str, now: int) -> None:
        """Mark a code as used; call when the acknowledgement is durable."""
        with self._writing() as connection:
            connection.execute("update kiosk_code set used_at = ? where hash = ?", (now, _hash(plain_code(typed))))

    # --- calendar tokens

    def issue_calendar_token(self, person: str) -> str:
        """Make the secret of one person's feed; the former one is void."""
        secret = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._writing() as connection:
            connection.execute("delete from calendar_token where person = ?", (person,))
            connection.execute("insert into calendar_token values (?, ?)", (_hash(secret), person))
        return secret

    def calendar_person(self, secret: str) -> str:
        """Whose feed it is; "" when nobody's."""
        row = self._row("select person from calendar_token where hash = ?", _hash(secret))
        return "" if row is None else str(row[0])

    def revoke_calendar_token(self, person: str) -> None:
        """Forget one person's feed."""
        with self._writing() as connection:
            connection.execute("delete from calendar_token where person = ?", (person,))

    # --- analysis documents

    def put_document(self, document: str, *, expires_at: int, blob: bytes) -> None:
        """Keep a sealed document until its clock ends."""
        with self._writing() as connection:
            connection.execute("insert or replace into sealed_document values (?, ?, ?)", (document, expires_at, blob))

    def document(self, document: str, now: int) -> bytes | None:
        """A sealed document; None when it is gone or due."""
        row = self._row("select blob from sealed_document where document = ? and expires_at > ?", document, now)
        blob = None if row is None else row[0]
        return blob if isinstance(blob, bytes) else None

    def erase_documents(self, now: int) -> list[str]:
        """Delete what is due; the ids of what was deleted, so that the entry says so."""
        with self._writing() as connection:
            rows: Iterator[Any] = connection.execute(
                "delete from sealed_document where expires_at <= ? returning document", (now,)
            )
            return [str(row[0]) for row in rows]
