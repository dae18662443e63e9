"""`quivive source map` and `quivive links sync`: one connection to a source's database, on request of a person.

Called by the commands, in a process of their own: links reach the ledger through a spool like any other
source's. Must never print a value of a row, and never keep a DSN.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import asyncpg
import msgspec

from quivive.capture.links_sync import sync_links as read_links
from quivive.capture.source_map import propose, read_tables, to_toml
from quivive.model.access import MAX_LINKS_PER_BATCH, LinkBatchBody, LinkBody
from quivive.model.clock import now_us
from quivive.model.entry import EntryKind
from quivive.model.errors import ConfigurationError, QuiviveError, StorageError
from quivive.privacy.keyring import load_relay_keys
from quivive.settings import LINKS_SUFFIX, SETTINGS_FILE, Settings, SourceKind, SourceSettings
from quivive.spool import SpoolWriter

_ENCODER: Final = msgspec.json.Encoder(order="sorted")


class DatabaseUnreachableError(QuiviveError):
    """The source's database does not answer, or refuses; the DSN is never quoted."""


async def propose_catalogue(settings: Settings, name: str) -> str:
    """Read names and keys of a source's database and return the proposal as TOML."""
    source = _source(settings, name)
    connection = await _connect(name, source.side_dsn)
    try:
        return to_toml(propose(await read_tables(connection)))
    finally:
        await connection.close()


async def sync_links(settings: Settings, name: str, dsn: str | None) -> int:
    """Read the declared key columns and spool their hashed links; returns how many.

    Raises:
        StorageError: the relay's keys are not written yet (start `quivive serve` once), or the disk refuses.
    """
    source = _source(settings, name)
    controller = settings.controllers[source.controller]
    path = settings.home / "run" / "relay" / f"{name}.json"
    if not path.exists():
        raise StorageError(f"run/relay/{name}.json: not written yet; start `quivive serve` once")
    keys = load_relay_keys(path)
    connection = await _connect(name, dsn or source.side_dsn)
    spool = SpoolWriter.open(settings.home / "spool", name + LINKS_SUFFIX, now_us())
    written = 0
    try:
        async for links in read_links(connection, controller.catalogue, keys, default_region=controller.default_region):
            for body in batches(links):
                spool.append(
                    kind=EntryKind.LINK_BATCH,
                    captured_at=now_us(),
                    controller=controller.id,
                    key_id=keys.key_id,
                    body=_ENCODER.encode(body),
                )
            written += len(links)
            spool.sync()
        spool.close()
    finally:
        spool.abandon()
        await connection.close()
    return written


def batches(links: Sequence[LinkBody]) -> Iterator[LinkBatchBody]:
    """Gather links of one kind into bodies of at most MAX_LINKS_PER_BATCH pairs."""
    groups: dict[tuple[str, str], list[str]] = {}
    for link in links:
        groups.setdefault((link.left_kind, link.right_table), []).append(link.left + link.right)
    for (left_kind, right_table), pairs in groups.items():
        for start in range(0, len(pairs), MAX_LINKS_PER_BATCH):
            text = "".join(pairs[start : start + MAX_LINKS_PER_BATCH])
            yield LinkBatchBody(left_kind=left_kind, right_table=right_table, pairs=text)


def _source(settings: Settings, name: str) -> SourceSettings:
    source = settings.sources.get(name)
    if source is None or source.kind is not SourceKind.POSTGRES:
        known = ", ".join(n for n, s in settings.sources.items() if s.kind is SourceKind.POSTGRES) or "none configured"
        raise ConfigurationError(
            file=SETTINGS_FILE, key=f"sources.{name}", expected=f"a postgres source ({known})", found="no such source"
        )
    return source


async def _connect(name: str, dsn: str) -> "asyncpg.Connection[asyncpg.Record]":
    if not dsn:
        raise ConfigurationError(
            file=SETTINGS_FILE, key=f"sources.{name}.side_dsn", expected="a DSN (or --dsn)", found="nothing"
        )
    try:
        return await asyncpg.connect(dsn, timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError, ValueError) as error:
        raise DatabaseUnreachableError(f"{name}: the database does not answer ({type(error).__name__})") from None
