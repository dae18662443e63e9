"""What the projection holds of one day, one access or one controller: to delete it, and to count that nothing is left.

Called by `Projection` under its locks. One definition of "the rows of a day" serves the deletion and the search
afterwards. State that is in force (gate, directory, catalogue, switches, canaries) is no day's: it is not listed here.
"""

from typing import Final

import duckdb

from quivive.model.entry import RetentionClass
from quivive.projection.sealed import ROW_GROUP_ROWS, SEALED_TABLES, SealedDays, quoted_files

_IN_DAY: Final = "controller = $controller AND {at} >= $from_at AND {at} < $to_at"
_OF_CONTACT: Final = (
    "(contact_hi, contact_lo) IN (SELECT c.contact_hi, c.contact_lo FROM contact c"
    " WHERE c.controller = $controller AND c.noted_at >= $from_at AND c.noted_at < $to_at)"
)
_TOUCHED: Final = (
    "touched_at >= $from_at AND touched_at < $to_at AND (contact_hi, contact_lo) IN"
    " (SELECT c.contact_hi, c.contact_lo FROM contact c WHERE c.controller = $controller)"
)
_OPERATOR: Final = "$controller = 'operator' AND {at} >= $from_at AND {at} < $to_at"


def _by(at: str) -> str:
    return _IN_DAY.format(at=at)


BY_ACCESS: Final = (
    "exposure", "access_neighbourhood", "access", "verdict_current", "verdict", "second_access", "second_exposure",
)  # fmt: skip
"""Hot tables whose rows leave with their access, and with their day."""

ROWS_OF_DAY: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    RetentionClass.TRACE: (
        *((table, _by("started_at")) for table in BY_ACCESS),
        ("leg", _OF_CONTACT),
        ("contact_subject", _OF_CONTACT),
        ("contact_touch", _OF_CONTACT),
        ("contact_touch", _TOUCHED),
        ("contact", _by("noted_at")),
        ("link", _by("last_at")),
        ("statement_count", _by("minute_at")),
        *((table, _by("noted_at")) for table in ("recording_answer", "recording", "listening", "objection")),
        ("shift", _OPERATOR.format(at="noted_at")),
        ("dirty_access", "started_at >= $from_at AND started_at < $to_at AND $controller IS NOT NULL"),
    ),
    RetentionClass.ALERT: (
        ("alert_access", _by("changed_at")),
        ("alert_change", _by("changed_at")),
        ("alert_digest", _by("version")),
        ("agent_question", _by("asked_at")),
        ("agent_word", _by("answered_at")),
        ("alert", _by("opened_at")),
    ),
    RetentionClass.GOVERNANCE: (
        ("gap", _by("to_at")),
        ("incident", _by("version")),
        ("nonconformity", _by("found_at")),
        ("recording_seed", _by("written_at")),
        ("act", _OPERATOR.format(at="acted_at")),
        ("retention_store", _OPERATOR.format(at="version")),
        ("retention_check", _OPERATOR.format(at="version")),
    ),
    RetentionClass.CONSENT: (),
    RetentionClass.CERTIFICATE: (("purge", _by("noted_at")),),
}
"""By class: table and condition, in an order in which the later ones still find what the earlier ones need."""

_MOVED: Final = """UPDATE link SET first_at = $to_at WHERE controller = $controller AND first_at >= $from_at
    AND first_at < $to_at"""


def delete_day(
    connection: duckdb.DuckDBPyConnection, controller: str, retention_class: str, from_at: int, to_at: int
) -> None:
    """Delete the hot rows of a day; a link that was seen again later stays, without its first instant."""
    bounds = {"controller": controller, "from_at": from_at, "to_at": to_at}
    for table, where in ROWS_OF_DAY[retention_class]:
        connection.execute(f"DELETE FROM {table} WHERE {where}", bounds)
    if retention_class == RetentionClass.TRACE:
        connection.execute(_MOVED, bounds)


def count_day(
    connection: duckdb.DuckDBPyConnection, controller: str, retention_class: str, from_at: int, to_at: int
) -> int:
    """Count the hot rows of a day."""
    bounds = {"controller": controller, "from_at": from_at, "to_at": to_at}
    found = 0
    for table, where in ROWS_OF_DAY[retention_class]:
        row = connection.execute(f"SELECT COUNT(*) FROM {table} WHERE {where}", bounds).fetchone()
        found += int(row[0]) if row else 0
    return found


def oldest(connection: duckdb.DuckDBPyConnection, controller: str, retention_class: str) -> int:
    """Instant of the oldest hot row of a class, 0 when there is none."""
    instants = []
    bounds = {"controller": controller, "from_at": 1, "to_at": 1 << 62}
    for table, where in ROWS_OF_DAY[retention_class]:
        at = _instant(table)
        if at and "(contact_hi" not in where:
            row = connection.execute(f"SELECT MIN({at}) FROM {table} WHERE {where}", bounds).fetchone()
            instants += [int(row[0])] if row and row[0] is not None else []
    return min(instants, default=0)


def _instant(table: str) -> str:
    for conditions in ROWS_OF_DAY.values():
        for name, where in conditions:
            if name == table and "_at >= $from_at" in where:
                return where.partition(" >= $from_at")[0].rpartition(" ")[2]
            if name == table and "version >= $from_at" in where:
                return "version"
    return ""


_OPERATORS: Final = (
    "judge_source", "sensitive_column", "approval", "hold", "hold_release", "purge", "retention_store",
)  # fmt: skip
"""Tables that name a controller, made from the configuration or the operator's own log: they tell nobody's doing."""


def controller_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Tables that hold rows of controllers, in order."""
    found = connection.execute(
        "SELECT DISTINCT table_name FROM duckdb_columns() WHERE column_name = 'controller' AND NOT internal ORDER BY 1"
    ).fetchall()
    return [str(table) for (table,) in found if table not in _OPERATORS]


def delete_controller(connection: duckdb.DuckDBPyConnection, controller: str) -> None:
    """Delete every hot row of a controller, and what only hung on its contacts."""
    connection.execute(
        "DELETE FROM contact_touch WHERE (contact_hi, contact_lo) IN"
        " (SELECT c.contact_hi, c.contact_lo FROM contact c WHERE c.controller = $1)",
        [controller],
    )
    for table in controller_tables(connection):
        connection.execute(f"DELETE FROM {table} WHERE controller = $1", [controller])
    connection.execute("DELETE FROM watermark WHERE starts_with(shard, $1)", [f"{controller}/"])


def count_controller(connection: duckdb.DuckDBPyConnection, controller: str) -> int:
    """Count every hot row of a controller."""
    found = 0
    for table in controller_tables(connection):
        row = connection.execute(f"SELECT COUNT(*) FROM {table} WHERE controller = $1", [controller]).fetchone()
        found += int(row[0]) if row else 0
    return found


def rewrite_sealed_day(
    connection: duckdb.DuckDBPyConnection, sealed: SealedDays, controller: str, day: str, access: tuple[int, int]
) -> None:
    """Write a sealed day again, as one set of files, without one access; the sets before it are no longer listed."""
    folder, number = sealed.day_folder(controller, day), sealed.next_number(controller, day)
    for table, order in SEALED_TABLES.items():
        files = [str(path) for path in sorted(folder.glob(f"{table}-*.parquet"))]
        if not files:
            continue
        source = (
            f"SELECT * FROM read_parquet({quoted_files(files)})"
            f" WHERE NOT (access_hi = {access[0]} AND access_lo = {access[1]}) ORDER BY {order}"
        )
        path = folder / f"{table}-{number:04d}.parquet"
        options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS}"
        connection.execute(f"COPY ({source}) TO '{path}' ({options})")
    connection.execute("DELETE FROM sealed_set WHERE controller = $1 AND day = $2", [controller, day])
    connection.execute("INSERT INTO sealed_set VALUES ($1, $2, $3)", [controller, day, number])
