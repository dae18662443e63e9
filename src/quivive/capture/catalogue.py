"""Reads a database's catalogue into a CatalogueSnapshot, over a role with only CONNECT and USAGE (DESIGN §6).

Called by the relay at start, after DDL and when an unknown OID shows up. Reads pg_catalog alone, and describes the
definitions of views (Parse and Describe; nothing is executed). Must never read a user row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from quivive.capture.side import SideError
from quivive.capture.snapshot import VIEW_KINDS, CatalogueSnapshot, Column, Relation, is_protected
from quivive.model.catalogue import Catalogue, Table
from quivive.wire.fields import Field

__all__ = ["CatalogueReader", "CatalogueSnapshot", "Column", "Relation", "build_snapshot", "load_snapshot"]

MAX_RELATIONS: Final = 100_000
"""Relations read from one database; a schema beyond this is unmapped, hence protected and shown."""
SERVER_PATH: Final = '"$user", public'
"""PostgreSQL's own default."""
MAX_VIEW_DEPTH: Final = 16
"""Views inside views that are followed."""

_USER: Final = "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
RELATIONS_SQL: Final = f"""
SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence,
       CASE WHEN c.relispartition THEN pg_catalog.pg_partition_root(c.oid) ELSE c.oid END,
       (SELECT i.inhparent FROM pg_catalog.pg_inherits i
         WHERE i.inhrelid = c.oid AND NOT c.relispartition ORDER BY i.inhseqno LIMIT 1),
       (SELECT x.indkey::text FROM pg_catalog.pg_index x WHERE x.indrelid = c.oid AND x.indisprimary)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {_USER} AND n.nspname NOT LIKE 'pg_toast%'
 ORDER BY c.oid LIMIT {MAX_RELATIONS}
"""
COLUMNS_SQL: Final = f"""
SELECT a.attrelid, a.attnum, a.attname,
       CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE a.atttypid END, a.attgenerated
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
 WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND {_USER} AND n.nspname NOT LIKE 'pg_toast%'
"""
VIEWS_SQL: Final = f"""
SELECT c.oid, pg_catalog.pg_get_viewdef(c.oid)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('v', 'm') AND {_USER}
"""
VIEW_BASES_SQL: Final = f"""
SELECT DISTINCT r.ev_class, d.refobjid
  FROM pg_catalog.pg_rewrite r
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
   AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> r.ev_class
  JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('v', 'm') AND {_USER}
"""
FUNCTIONS_SQL: Final = f"""
SELECT DISTINCT n.nspname, p.proname
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 WHERE {_USER} AND p.prokind IN ('f', 'p') AND p.provolatile <> 'i' AND p.prorettype <> 2279
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e'
                     AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                     AND p.proname NOT LIKE 'dblink%')
"""
"""User functions that may read tables: not immutable, not a trigger (2279), not of an extension (dblink excepted)."""
PATHS_SQL: Final = """
SELECT coalesce(r.rolname, ''), c.text
  FROM pg_catalog.pg_db_role_setting s
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
 CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c (text)
 WHERE c.text LIKE 'search\\_path=%' AND (s.setrole = 0 OR r.oid IS NOT NULL)
   AND s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d
                              WHERE d.datname = pg_catalog.current_database()))
 ORDER BY s.setdatabase
"""
"""Search paths set for roles and for the database; of two for one role the database's own comes last and holds."""
BASE_PATH_SQL: Final = "SELECT pg_catalog.current_setting('search_path'), current_user"
CLOSED_SQL: Final = f"""
SELECT n.nspname FROM pg_catalog.pg_namespace n
 WHERE {_USER} AND NOT pg_catalog.has_schema_privilege('public', n.oid, 'USAGE')
"""
SEARCH_PATH_SQL: Final = "SELECT pg_catalog.unnest(pg_catalog.current_schemas(false))"
_READING_BUILTINS: Final = frozenset(
    {
        "query_to_xml",
        "table_to_xml",
        "schema_to_xml",
        "database_to_xml",
        "cursor_to_xml",
        "lo_get",
        "lo_export",
        "loread",
        "pg_read_file",
        "pg_read_binary_file",
        "pg_ls_dir",
    }
)
"""Functions of the system that read what no wire column names (capture case 71)."""


class CatalogueReader(Protocol):
    """What the loader needs of the side connection: `query` runs our own text, `describe` parses and never executes."""

    async def query(self, sql: str) -> list[tuple[str | None, ...]]:
        """Rows as text."""

    async def describe(self, sql: str, types: tuple[int, ...] = ()) -> tuple[Field, ...]:
        """Columns of a statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawCatalogue:
    """Rows of the catalogue queries, and the described columns of each view ((), when the server refused)."""

    relations: Sequence[tuple[str | None, ...]]
    columns: Sequence[tuple[str | None, ...]]
    view_bases: Sequence[tuple[str | None, ...]]
    view_fields: dict[int, tuple[Field, ...]]
    functions: Sequence[tuple[str | None, ...]]
    search_path: tuple[str, ...]
    base_path: str = ""
    defaults: Sequence[tuple[str | None, ...]] = ()
    closed: Sequence[tuple[str | None, ...]] = ()


async def load_snapshot(connection: CatalogueReader, catalogue: Catalogue) -> CatalogueSnapshot:
    """Read the catalogue of the connected database.

    Raises:
        SideError: the connection failed; the caller keeps the snapshot it has. A view whose definition the server
            refuses to describe only stays unresolved: its rows are opaque.
    """
    view_fields: dict[int, tuple[Field, ...]] = {}
    for oid, definition in await connection.query(VIEWS_SQL):
        if oid is None or definition is None:
            continue
        try:
            view_fields[int(oid)] = await connection.describe(definition.rstrip().rstrip(";"))
        except SideError as error:
            if not error.state:
                raise
            view_fields[int(oid)] = ()
    defaults = await connection.query(PATHS_SQL)
    base = await connection.query(BASE_PATH_SQL)
    base_path, side_user = base[0] if base else ("", "")
    own = any(role == side_user for role, _ in defaults)  # then the server's default cannot be seen from here
    return build_snapshot(
        RawCatalogue(
            relations=await connection.query(RELATIONS_SQL),
            columns=await connection.query(COLUMNS_SQL),
            view_bases=await connection.query(VIEW_BASES_SQL),
            view_fields=view_fields,
            functions=await connection.query(FUNCTIONS_SQL),
            search_path=tuple(row[0] for row in await connection.query(SEARCH_PATH_SQL) if row[0] is not None),
            base_path=SERVER_PATH if own else base_path or "",
            defaults=defaults,
            closed=await connection.query(CLOSED_SQL),
        ),
        catalogue,
    )


def build_snapshot(raw: RawCatalogue, catalogue: Catalogue) -> CatalogueSnapshot:
    """Make the snapshot of what was read. Pure."""
    columns: dict[int, dict[int, Column]] = {}
    for relation, attnum, name, type_oid, *generated in raw.columns:
        number = _number(attnum)
        column = Column(name=name or "", attnum=number, type_oid=_number(type_oid), generated=any(generated))
        columns.setdefault(_number(relation), {})[number] = column
    bases = _view_bases(raw.view_bases)
    relations = {
        relation.oid: relation for relation in _relations(raw.relations, columns, raw.view_fields, bases, catalogue)
    }
    relations = _with_roots(relations, catalogue)
    user = [r for r in relations.values() if r.kind not in VIEW_KINDS and r.root == r.oid and not r.temporary]
    return CatalogueSnapshot(
        declared=catalogue,
        relations=relations,
        search_path=raw.search_path or ("public",),
        functions=_functions(raw.functions, catalogue),
        unmapped=tuple(sorted(r.name for r in user if r.table is None and r.protected)),
        missing=_missing(catalogue, relations.values()),
        by_name=_by_name(relations.values()),
        base_path=raw.base_path,
        defaults={role or "": (text or "").partition("=")[2] for role, text in raw.defaults},
        closed=frozenset(row[0] for row in raw.closed if row[0] is not None),
    )


def _number(text: str | None) -> int:
    return int(text) if text else 0


def _relations(
    rows: Sequence[tuple[str | None, ...]],
    columns: dict[int, dict[int, Column]],
    view_fields: dict[int, tuple[Field, ...]],
    bases: dict[int, tuple[int, ...]],
    catalogue: Catalogue,
) -> Iterable[Relation]:
    declared = {table.name: table for table in catalogue.tables}
    for oid_text, schema, bare, kind, persistence, root, parent, key in rows:
        oid = _number(oid_text)
        name = f"{schema}.{bare}"
        temporary = persistence == "t"
        table = None if temporary else declared.get(name)
        own = columns.get(oid, {})
        yield Relation(
            oid=oid,
            name=name,
            kind=kind or "r",
            root=_number(parent) or _number(root) or oid,
            columns=_with_origins(own, view_fields.get(oid, ())) if kind in VIEW_KINDS else own,
            primary_key=tuple(int(part) for part in (key or "").split()),
            table=table,
            protected=is_protected(catalogue, name, table),
            bases=_through_views(oid, bases) if kind in VIEW_KINDS else (),
            temporary=temporary,
        )


def _with_origins(columns: dict[int, Column], fields: tuple[Field, ...]) -> dict[int, Column]:
    """The n-th output column of a view's definition is its n-th attribute (a view never drops one)."""
    origins = {
        number: (field.table_oid, field.attnum)
        for number, field in zip(sorted(columns), fields, strict=False)
        if field.table_oid and field.attnum > 0
    }
    return {number: replace(column, origin=origins.get(number)) for number, column in columns.items()}


def _view_bases(rows: Sequence[tuple[str | None, ...]]) -> dict[int, tuple[int, ...]]:
    found: dict[int, list[int]] = {}
    for view, base in rows:
        found.setdefault(_number(view), []).append(_number(base))
    return {view: tuple(sorted(set(oids))) for view, oids in found.items()}


def _through_views(oid: int, bases: dict[int, tuple[int, ...]]) -> tuple[int, ...]:
    """Base relations of a view, through nested views."""
    found: dict[int, None] = {}
    level = bases.get(oid, ())
    for _ in range(MAX_VIEW_DEPTH):
        deeper: list[int] = []
        for base in level:
            if base in bases:
                deeper += bases[base]
            else:
                found[base] = None
        level = tuple(dict.fromkeys(deeper))
        if not level:
            break
    return tuple(found)


def _with_roots(relations: dict[int, Relation], catalogue: Catalogue) -> dict[int, Relation]:
    """Partitions and children take the declaration of their root; views are protected as what they show."""
    done: dict[int, Relation] = {}
    for oid, relation in relations.items():
        top = _root(relation, relations)
        table: Table | None = relation.table if relation.table is not None else top.table
        protected = relation.protected if top is relation else is_protected(catalogue, relation.name, table)
        root = top.oid if relation.table is None else oid
        done[oid] = replace(relation, root=root, table=table, protected=protected)
    for oid, relation in done.items():
        if relation.kind in VIEW_KINDS and relation.bases and relation.table is None:
            shows = any(done[base].protected for base in relation.bases if base in done)
            done[oid] = replace(relation, bases=_rooted(relation.bases, done), protected=shows and relation.protected)
    return done


def _root(relation: Relation, relations: dict[int, Relation]) -> Relation:
    for _ in range(MAX_VIEW_DEPTH):
        above = relations.get(relation.root)
        if above is None or above is relation:
            break
        relation = above
    return relation


def _rooted(oids: tuple[int, ...], relations: dict[int, Relation]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(relations[oid].root for oid in oids if oid in relations))


def _functions(rows: Sequence[tuple[str | None, ...]], catalogue: Catalogue) -> frozenset[str]:
    """Names as a statement may write them."""
    free = set(catalogue.not_protected)
    names = {f"{schema}.{bare}" for schema, bare in rows} - free
    short = {name.split(".", 1)[1] for name in names}
    return frozenset(names | short | _READING_BUILTINS | {f"pg_catalog.{name}" for name in _READING_BUILTINS})


def _missing(catalogue: Catalogue, relations: Iterable[Relation]) -> tuple[str, ...]:
    present = {relation.name: relation for relation in relations}
    missing: list[str] = []
    for table in catalogue.tables:
        relation = present.get(table.name)
        if relation is None:
            missing.append(table.name)
            continue
        wanted = [*table.key, *(alternate.column for alternate in table.alternates)]
        wanted += [table.path.column] if table.path is not None else []
        names = {column.name for column in relation.columns.values()}
        missing += [f"{table.name}.{column}" for column in wanted if column not in names]
    return tuple(missing)


def _by_name(relations: Iterable[Relation]) -> dict[str, int]:
    """Names to OIDs; temporary tables of any session under `pg_temp`, as a statement would find its own."""
    names: dict[str, int] = {}
    for relation in relations:
        names[relation.name] = relation.oid
        if relation.temporary:
            names[f"pg_temp.{relation.name.split('.', 1)[1]}"] = relation.oid
    return names
