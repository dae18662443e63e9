"""`quivive links sync`: the links a relay has not yet seen, read from the declared key columns alone (DESIGN §6).

Called by the command, on request of a person. Reads nothing but key, path and alternate columns of declared tables
(column privileges on these suffice), in batches inside one read-only snapshot; hashes leave, values do not.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from quivive.model.access import LinkBody
from quivive.model.catalogue import Catalogue, Table, TableKind
from quivive.privacy.canonical import canonical_alternate, canonical_key, canonical_literal
from quivive.privacy.hasher import KeyHasher, alternate_hasher, record_hasher
from quivive.privacy.pseudonym import ControllerKeys

BATCH_ROWS: Final = 5_000
"""Rows fetched, hashed and handed over at once."""
MAX_HOPS: Final = 4
"""Tables between a record and its person; a longer path is declared wrong."""
RECORD_KIND: Final = "record"

_SESSION: Final = "SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL TimeZone = 'UTC'; SET LOCAL bytea_output = 'hex'"
_TYPES: Final = """
SELECT a.attname, CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE a.atttypid END
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """A record key among the selected columns: hasher, positions and types."""

    table: str
    hasher: KeyHasher
    positions: tuple[int, ...]
    types: tuple[int, ...]

    def of(self, row: Sequence[str | None]) -> str | None:
        parts = []
        for position, type_oid in zip(self.positions, self.types, strict=True):
            text = row[position]
            canonical = None if text is None else canonical_literal(type_oid, text)
            if canonical is None:
                return None
            parts.append(canonical)
        return self.hasher(canonical_key(parts).encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Other:
    """An alternate key among the selected columns."""

    kind: str
    hasher: KeyHasher
    position: int
    type_oid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """One query and what its rows link: own key, keys it leads to, alternates."""

    sql: str
    own: _Key
    leads: tuple[_Key, ...]
    others: tuple[_Other, ...]


def path_of(catalogue: Catalogue, table: Table) -> tuple[Table, ...]:
    """Tables from a record to its person (from a person to its group), that one last; () when it leads nowhere."""
    found: list[Table] = []
    here = table
    while here.path is not None and len(found) <= MAX_HOPS:
        after = catalogue.table(here.path.to)
        if after is None or after in found or len(after.key) != 1:
            return ()
        found.append(after)
        if after.kind is not TableKind.LINKED:
            break  # a person's own path leads to a household, which is nobody's person
        here = after
    return tuple(found) if found and found[-1].kind is not TableKind.LINKED else ()


async def sync_links(
    connection: "asyncpg.Connection[asyncpg.Record]",
    catalogue: Catalogue,
    keys: ControllerKeys,
    *,
    default_region: str,
    alternates: bool = True,
) -> AsyncIterator[tuple[LinkBody, ...]]:
    """Yield links in batches: each record to the next table on its path and to its person, alternates to records."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(_SESSION)
        for table in catalogue.tables:
            if table.kind is TableKind.REFERENCE:
                continue
            reading = await _reading(connection, catalogue, table, keys, alternates=alternates)
            if reading is None:
                continue
            cursor = await connection.cursor(reading.sql)
            while batch := await cursor.fetch(BATCH_ROWS):
                links = [link for row in batch for link in _links(reading, tuple(row), default_region)]
                yield tuple(dict.fromkeys(links))


async def _reading(
    connection: "asyncpg.Connection[asyncpg.Record]",
    catalogue: Catalogue,
    table: Table,
    keys: ControllerKeys,
    *,
    alternates: bool,
) -> _Reading | None:
    path = path_of(catalogue, table)
    wanted = table.alternates if alternates else ()
    if not path and not wanted:
        return None
    types = [await _types(connection, one) for one in (table, *path)]
    columns = [f"t0.{_quoted(name)}::text" for name in table.key]
    own = _Key(
        table=table.name,
        hasher=record_hasher(keys, table.name),
        positions=tuple(range(len(table.key))),
        types=tuple(types[0].get(name, 0) for name in table.key),
    )
    joins, leads, here = "", [], table
    for hop, after in enumerate(path):
        assert here.path is not None
        column = f"t{hop}.{_quoted(here.path.column)}"
        if hop in {0, len(path) - 1}:  # the next table, and the person
            leads.append(
                _Key(
                    table=after.name,
                    hasher=record_hasher(keys, after.name),
                    positions=(len(columns),),
                    types=(types[hop + 1].get(after.key[0], 0),),
                )
            )
            columns.append(f"{column}::text")
        if hop < len(path) - 1:
            joins += f" LEFT JOIN {_dotted(after.name)} t{hop + 1} ON t{hop + 1}.{_quoted(after.key[0])} = {column}"
        here = after
    others = []
    for one in wanted:
        others.append(
            _Other(
                kind=one.kind,
                hasher=alternate_hasher(keys, one.kind),
                position=len(columns),
                type_oid=types[0].get(one.column, 0),
            )
        )
        columns.append(f"t0.{_quoted(one.column)}::text")
    sql = f"SELECT {', '.join(columns)} FROM {_dotted(table.name)} t0{joins}"
    return _Reading(sql=sql, own=own, leads=tuple(leads), others=tuple(others))


async def _types(connection: "asyncpg.Connection[asyncpg.Record]", table: Table) -> dict[str, int]:
    schema, bare = table.name.split(".", 1)
    return {name: int(oid) for name, oid in await connection.fetch(_TYPES, schema, bare)}


def _links(reading: _Reading, row: Sequence[str | None], region: str) -> list[LinkBody]:
    own = reading.own.of(row)
    if own is None:
        return []
    found: list[LinkBody] = []
    for lead in reading.leads:
        right = lead.of(row)
        if right is not None:
            found.append(LinkBody(left=own, left_kind=RECORD_KIND, right=right, right_table=lead.table))
    for other in reading.others:
        text = row[other.position]
        canonical = None if text is None else canonical_literal(other.type_oid, text)
        canonical = None if canonical is None else canonical_alternate(other.kind, canonical, region)
        if canonical is not None:
            left = other.hasher(canonical.encode())
            found.append(LinkBody(left=left, left_kind=other.kind, right=own, right_table=reading.own.table))
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _dotted(name: str) -> str:
    return ".".join(map(_quoted, name.split(".", 1)))
