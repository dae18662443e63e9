"""Named queries inside a scope: `query(scope, name, params)` is the only door to the tables (DESIGN §4).

Called through `Projection.query` by everyone who reads. The scope and the gate stand in the relations that
a text may name (`queries/_scope.sql`), so a query cannot forget them. Must never return an AgentKey or a
PersonKey: they leave as neutral codes, or not at all.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import PurePath
from typing import Any, Final

import duckdb

from quivive.model.clock import Micros, utc_day
from quivive.model.ids import KEY_PATTERN
from quivive.privacy.pseudonym import neutral_code
from quivive.projection.columns import NAME_SEPARATOR
from quivive.projection.sealed import SealedDays, quoted_files
from quivive.projection.store import read_sql

MAX_ROWS: Final = 5_000
"""Rows one query may return; a page or an API answer never needs more, an export pages on."""

QUERY_NAMES: Final = tuple(
    sorted(
        each.name.removesuffix(".sql")
        for each in files("quivive.projection").joinpath("queries").iterdir()
        if each.name.endswith(".sql") and not each.name.startswith("_")
    )
)
"""Every text of `queries/` but its fragments."""

_FRAGMENT: Final = re.compile(r"^-- fragment: (\w+)\n", re.MULTILINE)
_PARAMETER: Final = re.compile(r"\$(\w+)")
_INCLUDES: Final = ("linked", "worst", "episode", "row")  # replaced in this order: `worst` uses none of the others
_NAME_LISTS: Final = ("tables", "columns", "changed", "would_explain")
_SEALED: Final = ("access", "exposure", "verdict", "second_access", "second_exposure")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a reader may see: controllers, period (microseconds UTC, from inclusive, to exclusive), purpose, principal.

    Purpose and principal are recorded by the caller as an act before the answer; here they are mandatory so that
    no reader exists without them.
    """

    controllers: tuple[str, ...]
    from_at: int
    to_at: int
    purpose: str
    principal: str


def run_query(
    connection: duckdb.DuckDBPyConnection,
    sealed: SealedDays,
    scope: Scope,
    name: str,
    params: Mapping[str, object],
) -> list[dict[str, object]]:
    """Run one named query; rows as dictionaries, agents as neutral codes.

    Raises:
        ValueError: unknown name, empty purpose or principal, or a key that is no 32 hexadecimal digits.
    """
    if name not in QUERY_NAMES:
        raise ValueError(f"expected a named query, found {name[:40]!r}")
    if not scope.purpose or not scope.principal:
        raise ValueError("a scope needs a purpose and a principal")
    values = _values(scope, params)
    known = _Known()
    if name == "accesses_by_subject":
        # In three steps, because each lets the next read less of the sealed days: keys, then instants, then rows.
        linked = _run(connection, sealed, scope, "links_of", values, known)
        values |= {f"linked_{half}": [row[f"key_{half}"] for row in linked] for half in ("hi", "lo")}
        shown = _run(connection, sealed, scope, "_shown", values, _Known(key_hi=[int(row["key_hi"]) for row in linked]))
        if not shown:
            return []
        instants = [int(row["started_at"]) for row in shown]
        values |= {f"shown_{half}": [row[f"access_{half}"] for row in shown] for half in ("hi", "lo")}
        values["shown_at"] = instants
        known = _Known(instants=instants)
    return [_shape(row) for row in _run(connection, sealed, scope, name, values, known)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the steps before have found: the only instants, or halves of keys, that sealed days need be read for."""

    instants: Sequence[int] | None = None
    key_hi: Sequence[int] | None = None


def _run(
    connection: duckdb.DuckDBPyConnection,
    sealed: SealedDays,
    scope: Scope,
    name: str,
    values: Mapping[str, object],
    known: _Known,
) -> list[dict[str, Any]]:
    """Execute one text, whose sealed relations keep to what is known."""
    text = _text(name)
    for table in _SEALED:
        if f"{{sealed_{table}}}" in text:
            text = text.replace(f"{{sealed_{table}}}", _sealed_union(sealed, scope, table, known))
    bound = {each: values.get(each) for each in set(_PARAMETER.findall(text))}
    cursor = connection.execute(text, bound)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchmany(MAX_ROWS)]


@cache
def _text(name: str) -> str:
    """One query with its includes and the scope fragments it names."""
    text = _read(name)
    for include in _INCLUDES:
        if f"{{{include}}}" in text:
            text = text.replace(f"{{{include}}}", _read(f"_{include}").strip())
    fragments = _fragments()
    wanted: dict[str, str] = {}

    def want(body: str) -> None:
        for fragment, sql in fragments.items():
            if fragment not in wanted and re.search(rf"\b{fragment}\b", body):
                want(sql)
                wanted[fragment] = sql

    want(text)
    prefix = ",\n".join(f"{fragment} AS (\n{sql}\n)" for fragment, sql in wanted.items())
    if not prefix:
        return text
    return f"WITH {prefix},\n{text[5:]}" if text.startswith("WITH ") else f"WITH {prefix}\n{text}"


def _read(name: str) -> str:
    """A query text without its leading comment, so that it starts with its first keyword."""
    text = read_sql("quivive.projection", "queries", f"{name}.sql")
    if name == "_scope":
        return text
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    return "\n".join(lines[first:])


@cache
def _fragments() -> dict[str, str]:
    parts = _FRAGMENT.split(_read("_scope"))
    found = dict(zip(parts[1::2], (body.strip() for body in parts[2::2]), strict=True))
    columns = {f"{{{table}_columns}}": ", ".join(_COLUMNS[table]) for table in _SEALED}
    for mark, listed in columns.items():
        found = {name: body.replace(mark, listed) for name, body in found.items()}
    return found


def _sealed_union(sealed: SealedDays, scope: Scope, table: str, known: _Known) -> str:
    paths = sealed.files(table, scope.controllers, scope.from_at, scope.to_at)
    if known.instants is not None:
        days = {utc_day(Micros(at)) for at in known.instants}
        paths = [path for path in paths if PurePath(path).parent.name in days]
    if not paths:
        return ""
    listed = ", ".join(f"s.{column}" for column in _COLUMNS[table])
    union = (
        f"UNION ALL\nSELECT {listed} FROM read_parquet({quoted_files(paths)}) s\n"
        "WHERE s.started_at >= $from_at AND s.started_at < $to_at"
    )
    # Literal lists prune row groups; a join alone would read everything between its least and its greatest key.
    if known.instants is not None:
        union += f"\nAND s.started_at IN ({', '.join(map(str, sorted(set(known.instants))))})"
    if known.key_hi is not None and table == "exposure":
        union += f"\nAND s.key_hi IN ({', '.join(map(str, sorted(set(known.key_hi))))})"
    if table == "verdict":
        # A later revision stands in the hot table; the sealed day itself never changes.
        union += (
            "\nAND NOT EXISTS (SELECT 1 FROM verdict_current h WHERE h.access_hi = s.access_hi"
            " AND h.access_lo = s.access_lo AND h.started_at = s.started_at)"
        )
    return union


def _values(scope: Scope, params: Mapping[str, object]) -> dict[str, object]:
    values: dict[str, object] = {
        **params,
        "controllers": list(scope.controllers),
        "from_at": scope.from_at,
        "to_at": scope.to_at,
    }
    if "limit" in params:
        values["limit"] = min(int(str(params["limit"])), MAX_ROWS)
    for name in ("access", "alert", "person", "plan", "after"):
        if name in params:
            values[f"{name}_hi"], values[f"{name}_lo"] = _halves(str(params[name]))
    if "keys" in params:
        keys = params["keys"]
        if not isinstance(keys, Sequence) or isinstance(keys, str):
            raise ValueError("expected a list of keys")
        for key in keys:
            _halves(str(key))
        values["keys"] = [str(key) for key in keys]
    # Times that a reader did not state are the end of the scope, so that a query never reads the clock.
    values.setdefault("as_of", scope.to_at)
    return values


def _halves(key: str) -> tuple[int, int]:
    if not KEY_PATTERN.fullmatch(key):
        raise ValueError("expected a key of 32 hexadecimal digits")
    return int(key[:16], 16), int(key[16:], 16)


def _shape(values: Mapping[str, Any]) -> dict[str, object]:
    shaped: dict[str, object] = {}
    for name, value in values.items():
        if name == "ident_hi":
            low = values["ident_lo"]
            shaped["agent_code"] = None if value is None else neutral_code(f"{value:016x}{low:016x}")
        elif name.endswith("_hi"):
            shaped[name[:-3]] = f"{value:016x}{values[name[:-3] + '_lo']:016x}"
        elif name.endswith("_lo"):
            continue
        elif name in _NAME_LISTS:
            shaped[name] = tuple(value.split(NAME_SEPARATOR)) if value else ()
        else:
            shaped[name] = value
    return shaped


_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "access": (
        "access_hi", "access_lo", "started_at", "ended_at", "controller", "source", "grade", "agent_hi", "agent_lo",
        "contact_hi", "contact_lo", "attribution", '"action"', "shape", "tables", "columns", "changed", "coverage",
        "row_count", "distinct_count", "outcome", "pattern_class", "fixed_chars", "account_hi", "account_lo", "program",
    ),
    "second_access": (
        "access_hi", "access_lo", "started_at", "ended_at", "controller", "source", "agent_hi", "agent_lo", '"action"',
        "tables", "coverage", "row_count", "outcome",
    ),
    "second_exposure": ("access_hi", "access_lo", "started_at", "controller", "key_hi", "key_lo"),
    "exposure": ("access_hi", "access_lo", "started_at", "controller", "key_hi", "key_lo", "record_table"),
    "verdict": (
        "access_hi", "access_lo", "started_at", "controller", "key_hi", "key_lo", "revision", "decided_at", "verdict",
        "strength", "template", "cause", "contact_hi", "contact_lo", "delta_us", "subject_rank", "final", "late",
    ),
}  # fmt: skip
