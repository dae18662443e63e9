"""From a file of JSON lines to a Parquet file, by DuckDB and with bounded memory (no pyarrow).

Called by the console's exports. Its own connection, which sees one folder and no projection. Must never guess a type:
the columns are declared, and a line with another one is an error.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import duckdb

EXPORT_MEMORY: Final = "96MB"
"""What DuckDB may hold while it writes an export; the row groups below need a tenth."""
ROW_GROUP_ROWS: Final = 8_192
"""As the sealed days: a reader fetches little to answer about one key."""


def write_parquet(lines: Path, target: Path, columns: Mapping[str, str]) -> None:
    """Write `target` from `lines`. `columns`: DuckDB type by name; the order is theirs.

    Raises:
        duckdb.Error: a line is no object of these columns, or the disk is full.
    """
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "threads": 1,
            "memory_limit": EXPORT_MEMORY,
            "temp_directory": str(target.parent / "spill"),
        }
    )
    try:
        connection.execute("SET allowed_directories = [$1]", [f"{target.parent}/"])
        connection.execute("SET enable_external_access = false")
        declared = "{" + ", ".join(f"{_quoted(name)}: '{kind}'" for name, kind in columns.items()) + "}"
        connection.execute(
            f"COPY (SELECT * FROM read_json({_quoted(str(lines))}, format = 'newline_delimited', columns = {declared}))"
            f" TO {_quoted(str(target))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS})"
        )
    finally:
        connection.close()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
