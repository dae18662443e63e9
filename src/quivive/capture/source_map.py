"""`quivive source map`: proposes kind, keys, alternates and path of each table, for a person to confirm (DESIGN §6).

Called by the command. Reads pg_catalog alone (names, keys, estimates), never a row. A proposal is never applied by
itself: it is TOML for `controllers/<id>.toml`, with the reason beside each line.
"""

import json
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from quivive.model.catalogue import Alternate, Path, Table, TableKind

MAX_TABLES: Final = 20_000
"""Tables read from one database."""
SMALL_TABLE_ROWS: Final = 5_000
"""Estimated rows below which a table without personal columns may be reference data."""

_SQL: Final = f"""
SELECT n.nspname, c.relname, c.reltuples::bigint AS estimate,
  ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns,
  (SELECT ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(x.indkey::int2[]) WITH ORDINALITY AS k (n, o)
                  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.n ORDER BY k.o)
     FROM pg_catalog.pg_index x WHERE x.indrelid = c.oid AND x.indisprimary) AS key,
  ARRAY(SELECT a.attname::text FROM pg_catalog.pg_index x
          JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
         WHERE x.indrelid = c.oid AND x.indisunique AND NOT x.indisprimary AND x.indnkeyatts = 1
           AND x.indpred IS NULL AND x.indexprs IS NULL) AS uniques,
  ARRAY(SELECT a.attname || '>' || fn.nspname || '.' || fc.relname FROM pg_catalog.pg_constraint f
          JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = f.conkey[1]
          JOIN pg_catalog.pg_class fc ON fc.oid = f.confrelid
          JOIN pg_catalog.pg_namespace fn ON fn.oid = fc.relnamespace
         WHERE f.conrelid = c.oid AND f.contype = 'f' AND pg_catalog.cardinality(f.conkey) = 1
         ORDER BY f.conkey[1]) AS foreign_keys
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition AND c.relpersistence <> 't'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
 ORDER BY n.nspname, c.relname LIMIT {MAX_TABLES}
"""

_PERSONAL: Final = re.compile(
    r"(^|_)(last_?name|first_?name|full_?name|surname|family_?name|given_?name|birth\w*|dob|iban|email|e_?mail|mail|"
    r"phone\w*|mobile|tel|telephone|address\w*|street|ssn|gender|nom|prenom|civilite|naissance|adresse\w*|courriel|"
    r"portable|rue|nir)($|_)"
)
_PERSON_NAME: Final = re.compile(
    r"^(t_|tbl_)?(customer|client|person|personne|subscriber|insured|policy_?holder|patient|member|adherent|abonne|"
    r"assure|individual|prospect|lead|contact|beneficiary|beneficiaire|tiers|usager)(e?s|x)?$"
)
_GROUP_NAME: Final = re.compile(
    r"(household|foyer|family|famille|company|societe|entreprise|organi[sz]ation|account|compte)"
)
_PHONE: Final = re.compile(r"(^|_)(phone|tel|telephone|mobile|portable|msisdn|gsm)(_?number|_?no)?($|_)")
_EMAIL: Final = re.compile(r"(^|_)(e?_?mail|courriel)($|_)")
_NUMBER: Final = re.compile(r"(number|numero|_num|_no|reference|_ref|code|matricule)$")
_REFERENCE_NAME: Final = re.compile(
    r"(code|type|status|statut|reason|motif|category|categorie|country|pays|ref|lookup)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTable:
    """What pg_catalog says of one table. `foreign_keys` are (column, `schema.table`) of one-column keys."""

    name: str
    estimate: int
    columns: tuple[str, ...]
    key: tuple[str, ...]
    uniques: tuple[str, ...]
    foreign_keys: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedTable:
    """A declaration and the reason for it."""

    table: Table
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Declarations in order, tables that may be left unprotected, and tables a person must decide on."""

    tables: tuple[ProposedTable, ...]
    undecided: tuple[tuple[str, str], ...]


async def read_tables(connection: "asyncpg.Connection[asyncpg.Record]") -> tuple[FoundTable, ...]:
    """Read names, keys and estimates of all user tables."""
    return tuple(
        FoundTable(
            name=f"{row['nspname']}.{row['relname']}",
            estimate=int(row["estimate"]),
            columns=tuple(row["columns"]),
            key=tuple(row["key"] or ()),
            uniques=tuple(row["uniques"]),
            foreign_keys=tuple(_split(text) for text in row["foreign_keys"]),
        )
        for row in await connection.fetch(_SQL)
    )


def _split(text: str) -> tuple[str, str]:
    column, _, table = text.partition(">")
    return column, table


def propose(found: Sequence[FoundTable]) -> Proposal:
    """Propose a declaration for each table. Pure."""
    by_name = {table.name: table for table in found}
    persons = {table.name: reason for table in found if (reason := _person(table))}
    paths = _paths(by_name, persons)
    groups = {
        to
        for name in persons
        for _, to in by_name[name].foreign_keys
        if to in by_name and to not in persons and to not in paths and _GROUP_NAME.search(_bare(to))
    }
    tables: list[ProposedTable] = []
    undecided: list[tuple[str, str]] = []
    for table in found:
        if not table.key:
            undecided.append((table.name, "no primary key"))
        elif table.name in persons:
            tables.append(_declare(table, TableKind.PERSON, None, persons[table.name]))
        elif table.name in paths:
            column, to, reason = paths[table.name]
            tables.append(_declare(table, TableKind.LINKED, Path(column=column, to=to), reason))
        elif table.name in groups:
            tables.append(_declare(table, TableKind.GROUP, None, "a person's table points to it"))
        elif _reference(table):
            tables.append(_declare(table, TableKind.REFERENCE, None, "small, without personal columns"))
        else:
            undecided.append((table.name, "no key leads to a person"))
    return Proposal(tables=tuple(tables), undecided=tuple(undecided))


def _bare(name: str) -> str:
    return name.rsplit(".", 1)[-1].lower()


def _person(table: FoundTable) -> str:
    personal = [column for column in table.columns if _PERSONAL.search(column.lower())]
    if len(table.key) != 1:
        return ""
    if _PERSON_NAME.match(_bare(table.name)) and personal:
        return f"name, and columns {', '.join(personal[:4])}"
    names = [c for c in personal if re.search(r"(last_?name|surname|family_?name|(^|_)nom($|_)|full_?name)", c.lower())]
    if names and len(personal) >= 3 and not table.foreign_keys:
        return f"columns {', '.join(personal[:4])}"
    return ""


def _paths(by_name: dict[str, FoundTable], persons: dict[str, str]) -> dict[str, tuple[str, str, str]]:
    """Shortest way from each other table to a person: declared foreign keys first, names of columns else."""
    paths: dict[str, tuple[str, str, str]] = {}
    queue = deque(sorted(persons))
    while queue:
        here = queue.popleft()
        if len(by_name[here].key) != 1:
            continue
        for table in by_name.values():
            if table.name in persons or table.name in paths or table.name == here:
                continue
            column, reason = _leads(table, here)
            if column:
                paths[table.name] = (column, here, reason)
                queue.append(table.name)
    return paths


def _leads(table: FoundTable, to: str) -> tuple[str, str]:
    for column, target in table.foreign_keys:
        if target == to:
            return column, f"foreign key {column}"
    bare = _bare(to)
    for column in table.columns:
        if column.lower() in {f"{bare}_id", f"id_{bare}", f"{bare.removesuffix('s')}_id", f"fk_{bare}", f"{bare}id"}:
            return column, f"column {column} by its name, no foreign key: please check"
    return "", ""


def _reference(table: FoundTable) -> bool:
    if any(_PERSONAL.search(column.lower()) for column in table.columns):
        return False
    small = table.estimate <= SMALL_TABLE_ROWS and len(table.columns) <= 8 and not table.foreign_keys
    return small and (
        bool(_REFERENCE_NAME.search(_bare(table.name))) or {"label", "libelle", "name"} & set(table.columns) != set()
    )


def _declare(table: FoundTable, kind: TableKind, path: Path | None, reason: str) -> ProposedTable:
    alternates: list[Alternate] = []
    for column in table.columns:
        lowered = column.lower()
        if kind is TableKind.PERSON and _PHONE.search(lowered):
            alternates.append(Alternate(column=column, kind="phone"))
        elif kind is TableKind.PERSON and _EMAIL.search(lowered):
            alternates.append(Alternate(column=column, kind="email"))
        elif kind in {TableKind.PERSON, TableKind.LINKED} and column in table.uniques and _NUMBER.search(lowered):
            own = lowered if "_" in lowered else f"{_bare(table.name)}_{lowered}"
            alternates.append(Alternate(column=column, kind=own))
    declared = Table(name=table.name, kind=kind, key=table.key, alternates=tuple(alternates), path=path)
    return ProposedTable(table=declared, reason=reason)


def to_toml(proposal: Proposal) -> str:
    """Write a proposal as the table part of `controllers/<id>.toml`."""
    lines = [
        "# Proposed by `quivive source map`; nothing holds until a person has confirmed it.",
        "# A table that is neither declared here nor listed in not_protected stays protected and unmapped.",
    ]
    lines += [f"# to decide: {name} ({reason})" for name, reason in proposal.undecided]
    lines.append("not_protected = []")
    for proposed in proposal.tables:
        table = proposed.table
        lines += [
            "",
            f"# {proposed.reason}",
            "[[tables]]",
            f"name = {_text(table.name)}",
            f"kind = {_text(table.kind)}",
            f"key = [{', '.join(map(_text, table.key))}]",
        ]
        if table.alternates:
            pairs = [f"{{ column = {_text(a.column)}, kind = {_text(a.kind)} }}" for a in table.alternates]
            lines.append(f"alternates = [{', '.join(pairs)}]")
        if table.path is not None:
            lines.append(f"path = {{ column = {_text(table.path.column)}, to = {_text(table.path.to)} }}")
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # a TOML basic string escapes as JSON does
