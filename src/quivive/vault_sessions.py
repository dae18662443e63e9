"""Who is signed in: one-time links, sessions, inspections. A part of the vault.

Mixed into `vault.Vault`. Must never hold a clear secret of a link or session, and never let a session outlive its
absolute end, its idle end, its inspection or its account.
"""

import json
import secrets
import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

from quivive.model.clock import DAY_US, HOUR_US, MINUTE_US
from quivive.model.errors import RefusedError
from quivive.model.permission import ROLE_PERMISSIONS, Permission, Role, check_grant

LINK_LIFETIME_US: Final = 15 * MINUTE_US
"""A sign-in link works once, for 15 minutes (issue 2 §9)."""
SESSION_LIFETIME_US: Final = 10 * HOUR_US
"""A console session ends after one working day, whatever is done in it."""
SESSION_IDLE_US: Final = HOUR_US
"""A session in which nothing was asked for an hour has ended: the desk may have been left."""
SEEN_EVERY_US: Final = MINUTE_US
"""How often a session's last use is written: each write waits for the disk."""
MAX_INSPECTION_US: Final = 7 * DAY_US
"""An inspection on the premises lasts one to three days; a week covers its follow-up, then a new one is opened."""
MAX_LINKS_OPEN: Final = 64
"""Unused links of one principal kept at a time; older ones die, so that a loop cannot fill the file."""
SCHEMA: Final = """
create table link (
    hash blob primary key, principal text not null, roles text not null, controllers text not null,
    expires_at integer not null, used_at integer not null default 0, person text not null default '',
    ends_at integer not null default 0
) strict;
create table session (
    hash blob primary key, csrf text not null, principal text not null, roles text not null,
    controllers text not null, expires_at integer not null, person text not null default '',
    id text not null default '', means text not null default 'link', opened_at integer not null default 0,
    seen_at integer not null default 0
) strict;
create table inspection (
    id text primary key, controllers text not null, opened_by text not null, opened_at integer not null,
    ends_at integer not null, ended_at integer not null default 0, ended_by text not null default ''
) strict;
"""
STEP: Final = """
alter table link add column ends_at integer not null default 0;
alter table session add column id text not null default '';
alter table session add column means text not null default 'link';
alter table session add column opened_at integer not null default 0;
alter table session add column seen_at integer not null default 0;
update session set
    id = lower(hex(randomblob(16))), opened_at = unixepoch('now') * 1000000, seen_at = unixepoch('now') * 1000000;
create table inspection (
    id text primary key, controllers text not null, opened_by text not null, opened_at integer not null,
    ends_at integer not null, ended_at integer not null default 0, ended_by text not null default ''
) strict;
"""
"""From version 3: who was signed in stays so."""
_SECRET_BYTES: Final = 32
_OPAQUE_BYTES: Final = 16
_INSPECTION_BYTES: Final = 5


class Means(StrEnum):
    """How somebody signed in."""

    LINK = "link"
    PASSWORD = "password"  # noqa: S105 - the name of a means
    PASSKEY = "passkey"
    OIDC = "oidc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An authenticated identity of the console or the API. `sources`: those a token may write, () for a person.

    `person` is the PersonKey of an agent in his own space, "" for everybody else. It never enters an act or a page.
    `ends_at`: no session may last longer, 0 = no such end.
    """

    id: str
    roles: tuple[Role, ...]
    controllers: tuple[str, ...]
    sources: tuple[str, ...]
    person: str = ""
    ends_at: int = 0

    def may(self, permission: Permission) -> bool:
        """Tell whether one of the roles grants `permission`."""
        return any(permission in ROLE_PERMISSIONS[role] for role in self.roles)

    @property
    def role_text(self) -> str:
        """Roles as written in an act."""
        return "+".join(self.roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An open console session. `csrf` must come back with every form; `id` names it on its owner's page."""

    principal: Principal
    csrf: str
    expires_at: int
    id: str
    means: Means
    opened_at: int
    seen_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A time-boxed look of the authority, opened by the DPO. `ended_at` 0 = until `ends_at`."""

    id: str
    controllers: tuple[str, ...]
    opened_by: str
    opened_at: int
    ends_at: int
    ended_at: int

    @property
    def principal(self) -> str:
        """The name of the inspector in acts."""
        return f"inspector-{self.id}"

    def open_at(self, now: int) -> bool:
        """Tell whether it is still open."""
        return not self.ended_at and now < self.ends_at


def digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return sha256(secret.encode()).digest()


def roles_of(text: object) -> tuple[Role, ...]:
    """Roles as written by `dump`."""
    return tuple(Role(name) for name in json.loads(str(text)))


def strings_of(text: object) -> tuple[str, ...]:
    """Texts as written by `dump`."""
    return tuple(str(item) for item in json.loads(str(text)))


def dump(items: Iterable[str]) -> str:
    """Texts as one column."""
    return json.dumps([str(item) for item in items])


class SessionSecrets:
    """Methods of the vault; `_writing`, `_row` and `_rows` are the vault's."""

    def _writing(self) -> AbstractContextManager[sqlite3.Connection]:
        raise NotImplementedError

    def _row(self, sql: str, *values: object) -> tuple[object, ...] | None:
        raise NotImplementedError

    def _rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        raise NotImplementedError

    # --- one-time sign-in links

    def issue_link(
        self,
        *,
        principal: str,
        roles: tuple[Role, ...],
        controllers: tuple[str, ...],
        now: int,
        person: str = "",
        ends_at: int = 0,
    ) -> str:
        """Make the secret of a one-time sign-in link. Only its hash is kept. `person` binds an agent's session.

        Raises:
            RefusedError: a grant that joins what must stay apart (`model.permission.check_grant`);
                `inspector_by_inspection`: an inspector without an end.
        """
        check_grant(roles, controllers, person=person)
        if Role.INSPECTOR in roles and not ends_at:
            raise RefusedError("inspector_by_inspection", "expected quivive inspection open, which has an end")
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        with self._writing() as connection:
            connection.execute("delete from link where expires_at <= ?", (now - HOUR_US,))
            connection.execute(
                "delete from link where principal = ? and hash not in"
                " (select hash from link where principal = ? order by expires_at desc limit ?)",
                (principal, principal, MAX_LINKS_OPEN - 1),
            )
            connection.execute(
                "insert into link values (?, ?, ?, ?, ?, 0, ?, ?)",
                (
                    digest(secret),
                    principal,
                    dump(roles),
                    dump(controllers),
                    now + LINK_LIFETIME_US,
                    person,
                    ends_at,
                ),
            )
        return secret

    def consume_link(self, secret: str, now: int) -> Principal:
        """Use a sign-in link, once.

        Raises:
            RefusedError: `link_unknown`, `link_used` or `link_expired`.
        """
        with self._writing() as connection:
            row = connection.execute(
                "select principal, roles, controllers, expires_at, used_at, person, ends_at from link where hash = ?",
                (digest(secret),),
            ).fetchone()
            if row is None:
                raise RefusedError("link_unknown")
            principal, roles, controllers, expires_at, used_at, person, ends_at = row
            if used_at:
                raise RefusedError("link_used")
            if expires_at <= now or 0 < ends_at <= now:
                raise RefusedError("link_expired")
            connection.execute("update link set used_at = ? where hash = ?", (now, digest(secret)))
        return Principal(
            id=principal,
            roles=roles_of(roles),
            controllers=strings_of(controllers),
            sources=(),
            person=str(person),
            ends_at=ends_at,
        )

    # --- sessions

    def open_session(self, principal: Principal, now: int, means: Means = Means.LINK) -> str:
        """Open a session; returns the cookie's secret."""
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        ends_at = now + SESSION_LIFETIME_US
        with self._writing() as connection:
            connection.execute("delete from session where expires_at <= ?", (now,))
            connection.execute(
                "insert into session values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    digest(secret),
                    secrets.token_urlsafe(_SECRET_BYTES),
                    principal.id,
                    dump(principal.roles),
                    dump(principal.controllers),
                    min(ends_at, principal.ends_at or ends_at),
                    principal.person,
                    secrets.token_urlsafe(_OPAQUE_BYTES),
                    means,
                    now,
                    now,
                ),
            )
        return secret

    def session(self, secret: str, now: int, *, use: bool = True) -> Session | None:
        """Find the open session of a cookie; None when unknown or past an end. `use` False: a poll keeps none open."""
        row = self._row(
            f"select {_SESSION} from session where hash = ? and expires_at > ? and seen_at > ?",
            digest(secret),
            now,
            now - SESSION_IDLE_US,
        )
        found = None if row is None else _session(row)
        if found is not None and use and now - found.seen_at >= SEEN_EVERY_US:
            with self._writing() as connection:
                connection.execute("update session set seen_at = ? where hash = ?", (now, digest(secret)))
        return found

    def sessions_of(self, principal: str, now: int) -> list[Session]:
        """The open sessions of one principal, latest first."""
        rows = self._rows(
            f"select {_SESSION} from session where principal = ? and expires_at > ? and seen_at > ?"
            " order by opened_at desc, id",
            principal,
            now,
            now - SESSION_IDLE_US,
        )
        return [_session(row) for row in rows]

    def close_session(self, secret: str) -> None:
        """End a session at once."""
        with self._writing() as connection:
            connection.execute("delete from session where hash = ?", (digest(secret),))

    def end_session(self, principal: str, identifier: str) -> bool:
        """End one session of a principal, by its id. False when there is none."""
        with self._writing() as connection:
            ended = connection.execute(
                "delete from session where principal = ? and id = ? and id <> ''", (principal, identifier)
            )
            return ended.rowcount == 1

    def end_sessions(self, principal: str) -> int:
        """End all sessions of a principal and void the links not yet used; returns how many sessions."""
        with self._writing() as connection:
            connection.execute("delete from link where principal = ? and used_at = 0", (principal,))
            return connection.execute("delete from session where principal = ?", (principal,)).rowcount

    # --- inspections

    def open_inspection(
        self, *, controllers: tuple[str, ...], opened_by: str, ends_at: int, now: int
    ) -> tuple[Inspection, str]:
        """Open an inspection; returns it and the secret of its first sign-in link.

        Raises:
            RefusedError: `inspection_end`: the end is past, or too far.
        """
        if not now < ends_at <= now + MAX_INSPECTION_US:
            raise RefusedError("inspection_end", "expected an end within seven days from now")
        inspection = Inspection(
            id=secrets.token_hex(_INSPECTION_BYTES),
            controllers=controllers,
            opened_by=opened_by,
            opened_at=now,
            ends_at=ends_at,
            ended_at=0,
        )
        with self._writing() as connection:
            connection.execute(
                "insert into inspection values (?, ?, ?, ?, ?, 0, '')",
                (inspection.id, dump(controllers), opened_by, now, ends_at),
            )
        return inspection, self.inspection_link(inspection, now)

    def inspection_link(self, inspection: Inspection, now: int) -> str:
        """The secret of one more sign-in link of an inspection that is open.

        Raises:
            RefusedError: `inspection_over`.
        """
        if not inspection.open_at(now):
            raise RefusedError("inspection_over", "open a new one")
        return self.issue_link(
            principal=inspection.principal,
            roles=(Role.INSPECTOR,),
            controllers=inspection.controllers,
            now=now,
            ends_at=inspection.ends_at,
        )

    def inspections(self) -> list[Inspection]:
        """Every inspection, latest first."""
        return [_inspection(row) for row in self._rows(f"select {_INSPECTION} from inspection order by opened_at desc")]

    def inspection(self, identifier: str) -> Inspection:
        """One inspection.

        Raises:
            RefusedError: `inspection_unknown`.
        """
        row = self._row(f"select {_INSPECTION} from inspection where id = ?", identifier)
        if row is None:
            raise RefusedError("inspection_unknown")
        return _inspection(row)

    def end_inspection(self, inspection: Inspection, *, by: str, now: int) -> int:
        """End an inspection, its sessions and links with it; returns how many sessions ended."""
        with self._writing() as connection:
            connection.execute(
                "update inspection set ended_at = ?, ended_by = ? where id = ? and ended_at = 0",
                (now, by, inspection.id),
            )
        return self.end_sessions(inspection.principal)


_SESSION: Final = "principal, roles, controllers, csrf, expires_at, person, id, means, opened_at, seen_at"
_INSPECTION: Final = "id, controllers, opened_by, opened_at, ends_at, ended_at"


def _session(row: tuple[object, ...]) -> Session:
    principal, roles, controllers, csrf, expires_at, person, identifier, means, opened_at, seen_at = map(str, row)
    who = Principal(id=principal, roles=roles_of(roles), controllers=strings_of(controllers), sources=(), person=person)
    return Session(
        principal=who,
        csrf=csrf,
        expires_at=int(expires_at),
        id=identifier,
        means=Means(means),
        opened_at=int(opened_at),
        seen_at=int(seen_at),
    )


def _inspection(row: tuple[object, ...]) -> Inspection:
    identifier, controllers, opened_by, opened_at, ends_at, ended_at = map(str, row)
    return Inspection(
        id=identifier,
        controllers=strings_of(controllers),
        opened_by=opened_by,
        opened_at=int(opened_at),
        ends_at=int(ends_at),
        ended_at=int(ended_at),
    )
