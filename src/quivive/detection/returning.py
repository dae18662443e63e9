"""E17, a return to a record: the one reason that rests on a verdict, so it is looked for last and told onward.

Called by `judge`. A return never makes another: only strong verdicts count, and a return is weak. Must never
read more than one day back.
"""

from typing import Final

import duckdb

from quivive.detection.sqlsteps import add, any_row, make, make_steps, step
from quivive.projection.projection import Projection
from quivive.projection.sealed import quoted_files

BACK_US: Final = 86_400_000_000
"""A day: the hard maximum of E17. Sealed days are read so far back."""


def name_sources(cursor: duckdb.DuckDBPyConnection, projection: Projection, from_at: int, to_at: int) -> bool:
    """Name the relations the steps read: hot tables, and the sealed days of a period. Tell whether any was sealed."""
    sealed = False
    for table, stored in (("access", "access"), ("exposure", "exposure"), ("verdict", "verdict_current")):
        paths = projection.sealed.files(table, projection.sealed.controllers(), from_at, to_at) if to_at else []
        union = ""
        if paths:
            sealed = True
            union = f" UNION ALL BY NAME SELECT * FROM read_parquet({quoted_files(paths)}) s"
            if table == "verdict":
                union += (
                    " WHERE NOT EXISTS (SELECT 1 FROM verdict_current h WHERE h.access_hi = s.access_hi"
                    " AND h.access_lo = s.access_lo AND h.started_at = s.started_at)"
                )
        cursor.execute(f"CREATE OR REPLACE TEMP VIEW all_{table} AS SELECT * FROM {stored}{union}")
    return sealed


def add_returns(cursor: duckdb.DuckDBPyConnection, projection: Projection, *, live: bool) -> None:
    """Add E17 and E22 to `reason`, for what no contact explains. Live, yesterday may be sealed already."""
    make_steps(cursor, "return_unit")
    bounds = cursor.execute("SELECT MIN(started_at), MAX(started_at) FROM return_unit").fetchone()
    if bounds is None or bounds[0] is None:
        return
    make_steps(cursor, "return_key")
    sealed = live and name_sources(cursor, projection, int(bounds[0]) - BACK_US, int(bounds[1]) + 1)
    make_steps(cursor, "return_strong")
    if any_row(cursor, "return_strong"):
        make(cursor, "round_work", "SELECT DISTINCT access_hi, access_lo, started_at FROM return_strong")
        make(cursor, "return_access", step("work_access"))
        add(cursor, "reason", step("return_reason"))
    if sealed:
        name_sources(cursor, projection, 0, 0)
    if any_row(cursor, "agent_word"):
        add(cursor, "reason", step("declared_reason"))


def find_later(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Make `return_later`: accesses whose return depends on what was just judged. Tell whether there is any."""
    make_steps(cursor, "strong_unit")
    if not any_row(cursor, "strong_unit"):
        return False
    make_steps(cursor, "return_candidate")
    if not any_row(cursor, "return_candidate"):
        return False
    make(cursor, "named_key", "SELECT DISTINCT controller, key_hi, key_lo FROM strong_unit")
    make_steps(cursor, "live_subject_key", "return_later")
    return any_row(cursor, "return_later")
