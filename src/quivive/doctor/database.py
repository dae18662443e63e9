"""Checks of each relayed database: who answers, which mode of TLS and authentication applies, what is mapped.

Called by `run`. Must never log in as anybody but the side account, nor run a statement but our own catalogue queries.
"""

import os
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from quivive.capture.address import Address, parse_address, parse_side_dsn
from quivive.capture.catalogue import load_snapshot
from quivive.capture.side import SideConnection, SideError
from quivive.capture.tls import client_context
from quivive.doctor.authentication import authentication
from quivive.doctor.finding import Finding, Level
from quivive.doctor.probe import probe
from quivive.model.errors import ConfigurationError, RefusedError
from quivive.settings import Settings, SourceSettings

_USER: Final = "quivive_doctor"  # asks which proof is wanted; nobody by this name needs to exist


async def check_database(settings: Settings, name: str, source: SourceSettings) -> AsyncIterator[Finding]:
    """Everything about one source of kind `postgres`."""
    target, listen = parse_address(source.target), parse_address(source.listen)
    behind = await probe(target, _USER, "postgres")
    if not behind.answers:
        yield Finding(
            check="database",
            level=Level.FAIL,
            about=name,
            found="the database does not answer",
            expected="a PostgreSQL server at `target`",
            advice="Start it, or correct `target`; the relay refuses sessions until then.",
        )
        return
    yield Finding(check="database", level=Level.OK, about=name, found="the database answers")
    yield await _relay(name, listen)
    for finding in authentication(settings.home, name, source, behind):
        yield finding
    yield _apart(name, target)
    async for finding in _side(settings, name, source):
        yield finding


async def _relay(name: str, listen: Address) -> Finding:
    front = await probe(listen, _USER, "postgres", tls=False)
    if front.answers:
        return Finding(check="relay", level=Level.OK, about=name, found="the relay answers")
    return Finding(
        check="relay",
        level=Level.FAIL,
        about=name,
        found="the relay does not answer",
        expected="a running relay at `listen`",
        advice="Start it: quivive serve, or quivive relay NAME. Until then applications cannot work.",
    )


def _apart(name: str, target: Address) -> Finding:
    """CNIL 2021-122: the log stands apart from what it observes (law reference T-04)."""
    try:
        own = bool(target.path) or socket.gethostbyname(target.host).startswith("127.")
    except OSError:
        own = False
    if own:
        return Finding(
            check="apart",
            level=Level.WARN,
            about=name,
            found="trace and database on one machine",
            expected="the trace apart from the system it observes",
            advice="Run the core on another machine before real data comes: who owns this one owns both.",
        )
    return Finding(check="apart", level=Level.OK, about=name, found="trace and database on two machines")


async def _side(settings: Settings, name: str, source: SourceSettings) -> AsyncIterator[Finding]:
    if not source.side_dsn:
        yield Finding(
            check="side_connection",
            level=Level.WARN,
            about=name,
            found="no side_dsn",
            expected="an account with CONNECT and USAGE",
            advice="Without it views, COPY and first executions stay opaque or count_only.",
        )
        return
    try:
        authority = settings.home / source.target_ca if source.target_ca else None
        tls = _context(source, authority)
        target = parse_side_dsn(source.side_dsn, os.environ.get("QUIVIVE_SIDE_PASSWORD", ""))
        side = SideConnection(target, tls)
        snapshot = await load_snapshot(side, settings.controllers[source.controller].catalogue)
        await side.close()
    except (SideError, RefusedError, ConfigurationError) as error:
        yield Finding(
            check="side_connection",
            level=Level.FAIL,
            about=name,
            found=f"the side account cannot read the catalogue: {error}",
            expected="an account with CONNECT and USAGE",
            advice="Correct side_dsn, or QUIVIVE_SIDE_PASSWORD in the environment of the relay.",
        )
        return
    yield Finding(check="side_connection", level=Level.OK, about=name, found="the side account reads the catalogue")
    unmapped = _unmapped(settings, name, [relation.name for relation in snapshot.relations.values()])
    if unmapped:
        yield unmapped


def _context(source: SourceSettings, authority: Path | None) -> ssl.SSLContext | None:
    return None if source.target_tls == "off" else client_context(authority, verify=source.target_tls == "verify")


def _unmapped(settings: Settings, name: str, relations: list[str]) -> Finding | None:
    catalogue = settings.controllers[settings.sources[name].controller].catalogue
    known = {table.name for table in catalogue.tables} | set(catalogue.not_protected)
    missing = [relation for relation in relations if relation not in known]
    if not missing:
        return Finding(check="catalogue", level=Level.OK, about=name, found="every table is declared")
    return Finding(
        check="catalogue",
        level=Level.WARN,
        about=name,
        found=f"{len(missing)} tables or views not declared",
        expected="every table declared, or listed in not_protected",
        advice="Run quivive source map: what is not declared is protected, but never explained.",
    )
