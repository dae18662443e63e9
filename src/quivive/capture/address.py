"""Addresses of PostgreSQL servers: `host:port`, `unix:/path/.s.PGSQL.5432`, and side-connection URLs.

Called by the relay at its start and for each connection. Must never put a password into an error.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from quivive.model.errors import RefusedError

DEFAULT_PORT: Final = 5_432


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a server listens: `path` for a Unix socket, else `host` and `port`."""

    host: str = ""
    port: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideTarget:
    """Everything the side connection needs to log in."""

    address: Address
    user: str
    password: str
    database: str


def parse_address(text: str) -> Address:
    """Read `host:port`, `[v6]:port` or `unix:/path`.

    Raises:
        RefusedError: neither form.
    """
    if text.startswith("unix:"):
        return Address(path=text.removeprefix("unix:"))
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise RefusedError("address", "expected host:port or unix:/path")
    return Address(host=host.strip("[]"), port=int(port))


def parse_side_dsn(dsn: str, environment_password: str = "") -> SideTarget:
    """Read `postgresql://user:password@host:port/database`, or `…/database?host=/socket/folder&port=5432`.

    Raises:
        RefusedError: another form.
    """
    try:
        parts = urlsplit(dsn)
        port = parts.port or DEFAULT_PORT
    except ValueError as error:
        raise RefusedError("side_dsn", "expected postgresql://user@host:port/database") from error
    if parts.scheme not in {"postgresql", "postgres"}:
        raise RefusedError("side_dsn", "expected postgresql://user@host:port/database")
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    host = query.get("host") or unquote(parts.hostname or "127.0.0.1")
    port = int(query.get("port", port))
    folder = host.startswith("/")
    address = Address(path=str(Path(host) / f".s.PGSQL.{port}")) if folder else Address(host=host, port=port)
    user = unquote(parts.username or query.get("user", "postgres"))
    password = unquote(parts.password or query.get("password", "")) or environment_password
    return SideTarget(address=address, user=user, password=password, database=unquote(parts.path.lstrip("/")) or user)
