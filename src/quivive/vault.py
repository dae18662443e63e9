"""The vault: secrets that must not be entries (DESIGN §2, "Only secrets live elsewhere").

One sqlite3 file: one-time sign-in links, sessions, API tokens (all as SHA-256 of 256-bit secrets, so a
stolen file opens nothing), subject searches (opaque id → keys), open live views, sealed identities.
Called by `web` and by the commands that issue links and tokens. Must never hold a clear token, a clear
identity or a searched text, and must never be the only trace of an act: acts are entries.

Calls are short and synchronous; one lock lets several threads share the connection.
"""

import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quivive.model.clock import HOUR_US
from quivive.model.errors import RefusedError, StorageError
from quivive.model.permission import Role, check_grant
from quivive.vault_accounts import SCHEMA as ACCOUNTS_SCHEMA
from quivive.vault_accounts import AccountSecrets
from quivive.vault_recordings import SCHEMA as RECORDINGS_SCHEMA
from quivive.vault_recordings import RecordingSecrets
from quivive.vault_sessions import (
    LINK_LIFETIME_US,
    MAX_LINKS_OPEN,
    SESSION_LIFETIME_US,
    Principal,
    Session,
    SessionSecrets,
    digest,
    dump,
    roles_of,
    strings_of,
)
from quivive.vault_sessions import SCHEMA as SESSIONS_SCHEMA
from quivive.vault_sessions import STEP as SESSIONS_STEP

__all__ = [
    "LINK_LIFETIME_US",
    "MAX_LINKS_OPEN",
    "SESSION_LIFETIME_US",
    "LiveView",
    "Principal",
    "Session",
    "SubjectSearch",
    "Vault",
]

SEARCH_LIFETIME_US: Final = 2 * HOUR_US
"""A subject search is forgotten after two hours: the keys stay no longer than the work on them."""
LIVE_VIEW_SILENCE_US: Final = 30_000_000
"""A live view that has not polled for 30 s is closed."""
MAX_SEARCH_KEYS: Final = 256
"""Keys kept for one subject search; more would be a bulk read, not a person."""
MAX_EXPOSURE_KEYS: Final = 1_000
"""Records of one exposure search: a list of persons who were harmed, not a file."""
_SECRET_BYTES: Final = 32
_OPAQUE_BYTES: Final = 16
_SCHEMA_VERSION: Final = 4
_SCHEMA: Final = (
    """
create table token (
    hash blob primary key, name text not null unique, sources text not null, roles text not null,
    controllers text not null, expires_at integer not null
) strict;
create table subject_search (
    id text primary key, principal text not null, controller text not null, keys text not null,
    created_at integer not null, expires_at integer not null
) strict;
create table exposure_search (
    id text primary key, principal text not null, controller text not null, keys text not null,
    from_at integer not null, to_at integer not null, created_at integer not null, expires_at integer not null
) strict;
create table live_view (
    id text primary key, principal text not null, role text not null, controllers text not null,
    opened_at integer not null, seen_at integer not null, shown integer not null
) strict;
create table sealed_identity (
    person text primary key, version integer not null, blob blob not null
) strict;
"""
    + RECORDINGS_SCHEMA
    + SESSIONS_SCHEMA
    + ACCOUNTS_SCHEMA
)
_STEPS: Final[dict[int, str]] = {
    1: """
alter table link add column person text not null default '';
alter table session add column person text not null default '';
create table exposure_search (
    id text primary key, principal text not null, controller text not null, keys text not null,
    from_at integer not null, to_at integer not null, created_at integer not null, expires_at integer not null
) strict;
""",
    2: RECORDINGS_SCHEMA,
    3: SESSIONS_STEP + ACCOUNTS_SCHEMA,
}
"""From each older version to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What may be told of an API token. `expires_at` 0 = until revoked."""

    name: str
    sources: tuple[str, ...]
    roles: tuple[Role, ...]
    controllers: tuple[str, ...]
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectSearch:
    """One posted search: the keys found for what was typed, not the text."""

    id: str
    principal: str
    controller: str
    keys: tuple[str, ...]
    created_at: int
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureSearchKept:
    """One posted exposure search: record keys and the period, not what was typed."""

    id: str
    controller: str
    keys: tuple[str, ...]
    from_at: int
    to_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveView:
    """A live view of Activity between its opening and its closing act. `shown` counts the episodes shown."""

    id: str
    principal: str
    role: str
    controllers: tuple[str, ...]
    opened_at: int
    shown: int


class Vault(SessionSecrets, AccountSecrets, RecordingSecrets):
    """Secrets of one installation. Every method that writes is durable on return; StorageError when it cannot."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> "Vault":
        """Open or create the vault file (mode 0600).

        Raises:
            StorageError: the file cannot be opened, is damaged, or comes from a newer version.
        """
        try:
            path.touch(mode=0o600, exist_ok=True)
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = full")
            connection.execute("pragma secure_delete = on")
            (version,) = connection.execute("pragma user_version").fetchone()
            if version > _SCHEMA_VERSION:
                raise StorageError(f"{path.name}: written by a newer version; upgrade Quivive")
            if version == 0:
                connection.executescript(f"begin; {_SCHEMA} pragma user_version = {_SCHEMA_VERSION}; commit;")
            else:
                for step in range(version, _SCHEMA_VERSION):
                    connection.executescript(f"begin; {_STEPS[step]} pragma user_version = {step + 1}; commit;")
        except (sqlite3.Error, OSError) as error:
            raise StorageError(f"{path.name}: cannot be opened ({type(error).__name__})") from error
        return cls(connection)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._connection.execute("begin immediate")
                try:
                    yield self._connection
                except BaseException:
                    self._connection.execute("rollback")
                    raise
                self._connection.execute("commit")
            except sqlite3.Error as error:
                raise StorageError(f"vault: write failed ({type(error).__name__})") from error

    def _row(self, sql: str, *values: object) -> tuple[object, ...] | None:
        with self._lock:
            try:
                row: tuple[object, ...] | None = self._connection.execute(sql, values).fetchone()
            except sqlite3.Error as error:
                raise StorageError(f"vault: read failed ({type(error).__name__})") from error
            return row

    def _rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        with self._lock:
            try:
                return self._connection.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise StorageError(f"vault: read failed ({type(error).__name__})") from error

    # --- API tokens

    def issue_token(
        self,
        *,
        name: str,
        sources: tuple[str, ...],
        roles: tuple[Role, ...],
        controllers: tuple[str, ...],
        expires_at: int,
    ) -> str:
        """Make an API token; a token of the same name is replaced. `expires_at` 0 = until revoked.

        Raises:
            RefusedError: a grant that joins what must stay apart; `token_role`: a role that only a person holds.
        """
        check_grant(roles, controllers)
        if Role.INSPECTOR in roles:
            raise RefusedError("token_role", "an inspector is a person with a session")
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        with self._writing() as connection:
            connection.execute("delete from token where name = ?", (name,))
            connection.execute(
                "insert into token values (?, ?, ?, ?, ?, ?)",
                (digest(secret), name, dump(sources), dump(roles), dump(controllers), expires_at),
            )
        return secret

    def token(self, secret: str, now: int) -> Principal | None:
        """Find the principal of a bearer token; None when unknown, revoked or expired."""
        row = self._row(
            "select name, sources, roles, controllers from token where hash = ? and (expires_at = 0 or expires_at > ?)",
            digest(secret),
            now,
        )
        if row is None:
            return None
        name, sources, roles, controllers = (str(item) for item in row)
        return Principal(
            id=f"token:{name}", roles=roles_of(roles), controllers=strings_of(controllers), sources=strings_of(sources)
        )

    def tokens(self) -> list[Token]:
        """All tokens not revoked, by name, those past their end too until they are removed."""
        rows = self._rows("select name, sources, roles, controllers, expires_at from token order by name")
        return [
            Token(
                name=str(name),
                sources=strings_of(sources),
                roles=roles_of(roles),
                controllers=strings_of(controllers),
                expires_at=int(str(expires_at)),
            )
            for name, sources, roles, controllers, expires_at in rows
        ]

    def token_hashes(self, now: int) -> list[tuple[str, tuple[str, ...]]]:
        """SHA-256 (hex) of each token in force and the sources it may speak for: what the recording gate is lent."""
        rows = self._rows("select hash, sources from token where expires_at = 0 or expires_at > ?", now)
        return [(key.hex(), strings_of(sources)) for key, sources in rows if isinstance(key, bytes)]

    def revoke_token(self, name: str) -> None:
        """Forget a token."""
        with self._writing() as connection:
            connection.execute("delete from token where name = ?", (name,))

    # --- subject searches

    def save_search(self, *, principal: str, controller: str, keys: tuple[str, ...], now: int) -> SubjectSearch:
        """Keep the keys of a posted search under an opaque id.

        Raises:
            RefusedError: `too_many_keys`.
        """
        if len(keys) > MAX_SEARCH_KEYS:
            raise RefusedError("too_many_keys")
        search = SubjectSearch(
            id=secrets.token_urlsafe(_OPAQUE_BYTES),
            principal=principal,
            controller=controller,
            keys=keys,
            created_at=now,
            expires_at=now + SEARCH_LIFETIME_US,
        )
        with self._writing() as connection:
            connection.execute("delete from subject_search where expires_at <= ?", (now,))
            connection.execute(
                "insert into subject_search values (?, ?, ?, ?, ?, ?)",
                (search.id, principal, controller, dump(keys), now, search.expires_at),
            )
        return search

    def search(self, identifier: str, *, principal: str, now: int) -> SubjectSearch | None:
        """Find a search by its opaque id; only for who posted it, only until it expires."""
        row = self._row(
            "select controller, keys, created_at, expires_at from subject_search"
            " where id = ? and principal = ? and expires_at > ?",
            identifier,
            principal,
            now,
        )
        if row is None:
            return None
        controller, keys, created_at, expires_at = (str(item) for item in row)
        return SubjectSearch(
            id=identifier,
            principal=principal,
            controller=controller,
            keys=strings_of(keys),
            created_at=int(created_at),
            expires_at=int(expires_at),
        )

    # --- exposure searches

    def save_exposure_search(
        self, *, principal: str, controller: str, keys: tuple[str, ...], from_at: int, to_at: int, now: int
    ) -> ExposureSearchKept:
        """Keep the keys of a posted exposure search under an opaque id.

        Raises:
            RefusedError: `too_many_keys`.
        """
        if len(keys) > MAX_EXPOSURE_KEYS:
            raise RefusedError("too_many_keys")
        kept = ExposureSearchKept(
            id=secrets.token_urlsafe(_OPAQUE_BYTES), controller=controller, keys=keys, from_at=from_at, to_at=to_at
        )
        with self._writing() as connection:
            connection.execute("delete from exposure_search where expires_at <= ?", (now,))
            connection.execute(
                "insert into exposure_search values (?, ?, ?, ?, ?, ?, ?, ?)",
                (kept.id, principal, controller, dump(keys), from_at, to_at, now, now + SEARCH_LIFETIME_US),
            )
        return kept

    def exposure_search(self, identifier: str, *, principal: str, now: int) -> ExposureSearchKept | None:
        """Find an exposure search by its opaque id; only for who posted it, only until it expires."""
        row = self._row(
            "select controller, keys, from_at, to_at from exposure_search"
            " where id = ? and principal = ? and expires_at > ?",
            identifier,
            principal,
            now,
        )
        if row is None:
            return None
        controller, keys, from_at, to_at = (str(item) for item in row)
        return ExposureSearchKept(
            id=identifier, controller=controller, keys=strings_of(keys), from_at=int(from_at), to_at=int(to_at)
        )

    # --- live views

    def open_live_view(self, *, principal: str, role: str, controllers: tuple[str, ...], now: int) -> LiveView:
        """Remember an opened live view so that its closing can be written even after a crash."""
        view = LiveView(
            id=secrets.token_urlsafe(_OPAQUE_BYTES),
            principal=principal,
            role=role,
            controllers=controllers,
            opened_at=now,
            shown=0,
        )
        with self._writing() as connection:
            connection.execute(
                "insert into live_view values (?, ?, ?, ?, ?, ?, 0)",
                (view.id, principal, role, dump(controllers), now, now),
            )
        return view

    def touch_live_view(self, identifier: str, *, principal: str, shown: int, now: int) -> bool:
        """Count what a poll showed. False when the view is no longer open."""
        with self._writing() as connection:
            cursor = connection.execute(
                "update live_view set seen_at = ?, shown = shown + ? where id = ? and principal = ?",
                (now, shown, identifier, principal),
            )
            return cursor.rowcount == 1

    def take_live_view(self, identifier: str, *, principal: str) -> LiveView | None:
        """Close one live view; returns what its closing act must say, None when already closed."""
        return next(iter(self._take_views("id = ? and principal = ?", (identifier, principal))), None)

    def take_silent_views(self, now: int) -> list[LiveView]:
        """Close the live views that stopped polling."""
        return self._take_views("seen_at <= ?", (now - LIVE_VIEW_SILENCE_US,))

    def restore_live_view(self, view: LiveView, now: int) -> None:
        """Put back a view whose closing act could not be written, to be retried."""
        with self._writing() as connection:
            connection.execute(
                "insert into live_view values (?, ?, ?, ?, ?, ?, ?)",
                (view.id, view.principal, view.role, dump(view.controllers), view.opened_at, now, view.shown),
            )

    def _take_views(self, where: str, values: tuple[object, ...]) -> list[LiveView]:
        with self._writing() as connection:
            rows = connection.execute(
                f"delete from live_view where {where} returning id, principal, role, controllers, opened_at, shown",
                values,
            ).fetchall()
        return [
            LiveView(
                id=row[0],
                principal=row[1],
                role=row[2],
                controllers=strings_of(row[3]),
                opened_at=row[4],
                shown=row[5],
            )
            for row in rows
        ]

    # --- sealed identities

    def forget_expired(self, now: int) -> None:
        """Remove what has ended: searches and their keys, sessions, links; then give free pages back, overwritten."""
        with self._writing() as connection:
            for table in ("subject_search", "exposure_search", "session", "link", "token"):
                ends = "expires_at > 0 and " if table == "token" else ""
                connection.execute(f"delete from {table} where {ends}expires_at <= ?", (now,))
        with self._lock:
            try:
                self._connection.execute("vacuum")
                self._connection.execute("pragma wal_checkpoint(truncate)")
            except sqlite3.Error as error:
                raise StorageError(f"vault: vacuum failed ({type(error).__name__})") from error

    def forget_controller(self, controller: str) -> None:
        """Remove the searches made for a controller, and tokens and sessions that were for it alone."""
        with self._writing() as connection:
            for table in ("subject_search", "exposure_search"):
                connection.execute(f"delete from {table} where controller = ?", (controller,))
            for table in ("token", "session", "link"):
                connection.execute(f"delete from {table} where controllers = ?", (dump((controller,)),))

    def left_of_controller(self, controller: str) -> int:
        """Rows that `forget_controller` would remove."""
        found = 0
        for table in ("subject_search", "exposure_search"):
            row = self._row(f"select count(*) from {table} where controller = ?", controller)
            found += int(str(row[0])) if row else 0
        for table in ("token", "session", "link"):
            row = self._row(f"select count(*) from {table} where controllers = ?", dump((controller,)))
            found += int(str(row[0])) if row else 0
        return found

    def put_identity(self, person: str, version: int, blob: bytes) -> None:
        """Keep the sealed identity of a person; the highest version wins. The caller has sealed it."""
        with self._writing() as connection:
            connection.execute(
                "insert into sealed_identity values (?, ?, ?) on conflict (person) do update"
                " set version = excluded.version, blob = excluded.blob where excluded.version >= version",
                (person, version, blob),
            )

    def identity(self, person: str) -> bytes | None:
        """Return the sealed identity of a person. No route of this version calls it: unmasking comes with cases."""
        row = self._row("select blob from sealed_identity where person = ?", person)
        blob = None if row is None else row[0]
        return blob if isinstance(blob, bytes) else None

    def forget_identity(self, person: str) -> None:
        """Erase a sealed identity (secure_delete overwrites the page)."""
        with self._writing() as connection:
            connection.execute("delete from sealed_identity where person = ?", (person,))
