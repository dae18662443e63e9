"""Builds the flat views of a period for the rules, on a cursor of the projection.

Called by `run`. Reads hot and sealed days of the named controllers only. Must never keep anything beyond its cursor:
what it makes are temporary relations.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import duckdb
import numpy as np

from quivive.detection.rules.fields import Category
from quivive.model.clock import HOUR_US, MINUTE_US, SECOND_US
from quivive.projection.projection import Projection
from quivive.projection.sealed import quoted_files
from quivive.projection.store import read_sql

SHIFT_TOLERANCE_US: Final = 30 * MINUTE_US
"""Before and after a planned shift: overtime and early starts are no hit."""
ROSTER_AROUND_US: Final = 7 * 24 * HOUR_US
"""A person with no shift within a week of the period has no roster."""
TIMEZONE: Final = "Europe/Paris"
WATCHED_WHEN_CHANGED: Final = frozenset({"contact", "opposition"})
"""Groups of sensitive columns that every page shows: only their change is looked at."""
_STORED: Final = {
    "rule_access": ("access", "access"),
    "rule_exposure": ("exposure", "exposure"),
    "rule_near": ("access_neighbourhood", "access_neighbourhood"),
    "rule_verdict_stored": ("verdict_current", "verdict"),
}
"""View, hot table, sealed table."""


def build_views(
    cursor: duckdb.DuckDBPyConnection,
    projection: Projection,
    *,
    controllers: Sequence[str],
    from_at: int,
    to_at: int,
    categories: AbstractSet[Category] = frozenset(Category),
) -> None:
    """Make the flat views of [from_at, to_at): `access_enriched`, and the others that are wanted."""
    _make(cursor, "rule_period", f"SELECT {int(from_at)} AS from_at, {int(to_at)} AS to_at")
    cursor.execute("CREATE OR REPLACE TEMP TABLE rule_controller (controller VARCHAR)")
    cursor.executemany(
        "INSERT INTO rule_controller VALUES (?)", [[each] for each in sorted(set(controllers))] or [[""]]
    )
    for view, (hot, sealed) in _STORED.items():
        files = projection.sealed.files(sealed, sorted(set(controllers)), from_at, to_at)
        cursor.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {_union(hot, files, from_at, to_at)}")
    _make(cursor, "rule_held", _sql("held"))
    _make(cursor, "rule_verdict", _sql("verdict"))
    _make(cursor, "rule_judged", _sql("judged"))
    _noticed(cursor)
    _roster(cursor, from_at, to_at)
    _sensitive(cursor)
    _make(
        cursor,
        "rule_neighbourhood",
        "SELECT access_hi, access_lo, COUNT(DISTINCT neighbourhood) AS neighbourhoods,"
        " MIN(neighbourhood) AS neighbourhood FROM rule_near GROUP BY access_hi, access_lo",
    )
    _make(cursor, "access_enriched", _sql("access_enriched"))
    for category in (Category.EXPOSURE, Category.CONTACT):
        if category in categories:
            _make(cursor, f"{category}_enriched", _sql(f"{category}_enriched"))


def local_days(
    controllers: Sequence[str], timezones: Mapping[str, str], from_at: int, to_at: int
) -> list[tuple[str, str, int, int]]:
    """Local days of each controller that touch [from_at, to_at): controller, `yyyymmdd`, first and next instant."""
    found = []
    for controller in sorted(set(controllers)):
        zone = ZoneInfo(timezones.get(controller, TIMEZONE))
        day = datetime.fromtimestamp(from_at // SECOND_US, tz=zone).replace(hour=0, minute=0, second=0, microsecond=0)
        while (start := int(day.timestamp()) * SECOND_US) < to_at:
            following = (day + timedelta(days=1)).replace(fold=0)
            found.append((controller, day.strftime("%Y%m%d"), start, int(following.timestamp()) * SECOND_US))
            day = following
    return found


def _union(hot: str, files: Sequence[str], from_at: int, to_at: int) -> str:
    inside = f"s.started_at >= {int(from_at)} AND s.started_at < {int(to_at)}"
    named = "s.controller IN (SELECT controller FROM rule_controller)"
    text = f"SELECT s.* FROM {hot} s WHERE {inside} AND {named}"
    if not files:
        return text
    text += f" UNION ALL BY NAME SELECT s.* FROM read_parquet({quoted_files(files)}) s WHERE {inside}"
    if hot == "verdict_current":  # a later revision stands in the hot table; the sealed day itself never changes
        text += (
            " AND NOT EXISTS (SELECT 1 FROM verdict_current h WHERE h.access_hi = s.access_hi"
            " AND h.access_lo = s.access_lo AND h.started_at = s.started_at)"
        )
    return text


def _noticed(cursor: duckdb.DuckDBPyConnection) -> None:
    _make(cursor, "rule_noticed_key", _sql("noticed_key"))
    _make(
        cursor,
        "rule_canary_contact",
        "SELECT DISTINCT t.controller, t.contact_key_hi AS key_hi, t.contact_key_lo AS key_lo FROM canary_contact t"
        " JOIN canary c ON c.controller = t.controller AND c.key_hi = t.key_hi AND c.key_lo = t.key_lo"
        " WHERE NOT c.removed",
    )
    _make(
        cursor,
        "rule_noticed",
        "SELECT e.access_hi, e.access_lo, MAX(k.vip) AS vip, MAX(k.canary) AS canary FROM rule_exposure e"
        " JOIN rule_noticed_key k ON k.controller = e.controller AND k.key_hi = e.key_hi AND k.key_lo = e.key_lo"
        " GROUP BY e.access_hi, e.access_lo",
    )


def _roster(cursor: duckdb.DuckDBPyConnection, from_at: int, to_at: int) -> None:
    inside = f"to_at > {int(from_at) - ROSTER_AROUND_US} AND from_at < {int(to_at) + ROSTER_AROUND_US}"
    _make(
        cursor,
        "rule_shift",
        f"SELECT person_hi, person_lo, from_at, to_at FROM shift WHERE NOT cancelled AND {inside}",
    )
    _make(cursor, "rule_rostered", "SELECT DISTINCT person_hi, person_lo FROM rule_shift")
    _make(cursor, "rule_on_shift", _sql("on_shift").replace("{tolerance}", str(SHIFT_TOLERANCE_US)))
    _make(cursor, "rule_roster_to", _sql("roster_to"))
    _make(cursor, "rule_roster_complete", _sql("roster_complete"))


def _sensitive(cursor: duckdb.DuckDBPyConnection) -> None:
    """Which groups each distinct list of columns touches: few lists, so they are looked at one by one."""
    groups: dict[tuple[str, str], set[str]] = {}
    for controller, column, name in cursor.execute(
        "SELECT controller, column_name, name FROM sensitive_column"
    ).fetchall():
        groups.setdefault((controller, column.lower()), set()).add(name)
    lists = []
    if groups:
        lists = cursor.execute(
            "SELECT controller, columns FROM rule_held WHERE columns <> ''"
            " UNION SELECT controller, changed FROM rule_held WHERE changed <> ''"
        ).fetchall()
    rows = []
    for controller, listed in lists:
        names = {name for column in listed.lower().split(",") for name in groups.get((controller, column), ())}
        if names:
            rows.append((controller, listed, _listed(names), _listed(names - WATCHED_WHEN_CHANGED)))
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE rule_sensitive"
        " (controller VARCHAR, listed VARCHAR, names VARCHAR, shown_names VARCHAR)"
    )
    if rows:
        columns = ("controller", "listed", "names", "shown_names")
        named = dict(zip(columns, zip(*rows, strict=True), strict=True))
        staged = {name: np.array(column, dtype=object) for name, column in named.items()}
        cursor.register("staged_sensitive", staged)
        cursor.execute(f"INSERT INTO rule_sensitive SELECT {', '.join(columns)} FROM staged_sensitive")
        cursor.unregister("staged_sensitive")


def _listed(names: AbstractSet[str]) -> str:
    return f",{','.join(sorted(names))}," if names else ""


def _make(cursor: duckdb.DuckDBPyConnection, name: str, text: str) -> None:
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {text}")


@cache
def _sql(name: str) -> str:
    return read_sql("quivive.detection.rules", f"{name}.sql").rstrip()
