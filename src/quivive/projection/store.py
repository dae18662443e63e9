"""The DuckDB file of the hot days and its settings; staging of columns and the merge of one batch (ADR 0006).

Used by `Projection` and, for its connection, by detection. Must never load an extension, read or write
outside the projection folder, or let a statement change these settings.
"""

from collections.abc import Mapping
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from typing import Final

import duckdb

from quivive.projection.columns import Columns, empty_columns

HOT_FILE: Final = "hot.duckdb"
THREADS_MAX: Final = 2
"""DuckDB threads: the relays share the machine, and a query must never starve them."""
MEMORY_MAX: Final = "2GB"
"""DuckDB spills to the projection folder beyond it; sized for 16-byte keys of 50 M exposures in one scan."""

_MERGES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("agent", ("agent", "account", "assignment")),
    ("shift", ("shift",)),
    ("gate_history", ("gate_state",)),
    ("gate_state", ("gate_state",)),
    ("contact", ("contact", "leg", "contact_subject", "contact_touch")),
    ("link", ("link",)),
    ("access", ("access", "exposure", "access_neighbourhood")),
    ("second_access", ("second_access", "second_exposure")),
    ("catalogue", ("catalogue_version", "catalogue_table")),
    ("source", ("source_state", "heartbeat")),
    ("gap", ("gap",)),
    ("statement_count", ("statement_count",)),
    ("act", ("act",)),
    ("learned", ("learned_set", "learned_window", "learned_skew")),
    ("alert", ("alert",)),
    ("alert_access", ("alert_access",)),
    ("alert_change", ("alert_change",)),
    ("alert_digest", ("alert_digest",)),
    ("incident", ("incident",)),
    ("switch_state", ("switch_state",)),
    ("canary", ("canary", "canary_contact")),
    ("agent_question", ("agent_question",)),
    ("agent_word", ("agent_word",)),
    ("rule_version", ("rule_version",)),
    ("case_file", ("case_file",)),
    ("case_step", ("case_step",)),
    ("gate_record", ("gate_record",)),
    ("approval", ("approval",)),
    ("register_row", ("register_row",)),
    ("attestation", ("attestation",)),
    ("purge", ("purge",)),
    ("hold", ("hold",)),
    ("hold_release", ("hold_release",)),
    ("retention_check", ("retention_check", "retention_store")),
    ("watched_record", ("watched_record",)),
    ("audio_plan", ("audio_plan", "audio_plan_item")),
    ("audio_step", ("audio_step",)),
    ("audio_hold", ("audio_hold",)),
    ("audio_limit", ("audio_limit",)),
    ("recording_answer", ("recording_answer",)),
    ("recording", ("recording",)),
    ("listening", ("listening",)),
    ("nonconformity", ("nonconformity",)),
    ("objection", ("objection",)),
    ("recording_seed", ("recording_seed",)),
    ("register_campaign", ("register_campaign",)),
    ("configuration", ("configuration", "zone", "sensitive_column", "configured_source")),
)
"""Merge text and the staged tables it reads; it runs when the first of them has rows."""


def read_sql(package: str, *parts: str) -> str:
    """Read one SQL text shipped with a package."""
    return files(package).joinpath(*parts).read_text(encoding="utf-8")


def merge_text(name: str) -> str:
    """Read one text of `merge/`."""
    return read_sql("quivive.projection", "merge", f"{name}.sql")


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """Open `hot.duckdb` read-write with every outside door closed, then lock the settings.

    Raises:
        duckdb.Error: the file is damaged or belongs to another version.
    """
    connection = duckdb.connect(
        str(folder / HOT_FILE),
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "threads": THREADS_MAX,
            "memory_limit": MEMORY_MAX,
            "temp_directory": str(folder / "spill"),
        },
    )
    connection.execute("SET allowed_directories = [$1]", [f"{folder}/"])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET preserve_insertion_order = false")
    # Sealed files never change; reading their footers was more than half of a look-up.
    connection.execute("SET GLOBAL parquet_metadata_cache = true")
    connection.execute("SET lock_configuration = true")
    return connection


def create_schema(connection: duckdb.DuckDBPyConnection) -> bool:
    """Create the tables when absent. Return False when the file was made by another text of `schema.sql`."""
    text = "".join(
        read_sql("quivive.projection", name)
        for name in ("schema.sql", "rules.sql", "audio.sql", "register.sql", "hearing.sql", "retention.sql")
    )
    version = blake2b(text.encode(), digest_size=16).hexdigest()
    # Asked before the text runs: over tables of another shape it may fail half-way.
    if connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'meta'").fetchone():
        found = connection.execute("SELECT setting FROM meta WHERE name = 'schema_version'").fetchone()
        return found is not None and bool(found[0] == version)
    connection.execute(text)
    connection.execute("INSERT INTO meta VALUES ('schema_version', $1)", [version])
    return True


def merge(
    connection: duckdb.DuckDBPyConnection,
    staged: Mapping[str, Columns],
    texts: Mapping[str, str],
    sealed_files: Mapping[str, list[str]],
) -> None:
    """Merge staged columns into the tables, inside the caller's transaction.

    `sealed_files` are the files of already sealed days that this batch reaches back to, by parameter name.
    """
    for name, tables in _MERGES:
        if tables[0] not in staged:
            continue
        for table in tables:
            connection.register(f"staged_{table}", staged.get(table) or empty_columns(table))
        connection.execute(texts[name])
        if name == "access":
            if sealed_files.get("access_files"):
                for statement in texts["sealed_access"].split(";\n"):
                    if "DELETE" in statement:
                        wanted = {key: value for key, value in sealed_files.items() if f"${key}" in statement}
                        connection.execute(statement, wanted)
            connection.execute(texts["access_write"])
        for table in tables:
            connection.unregister(f"staged_{table}")


def merge_texts() -> dict[str, str]:
    """Read all merge texts once."""
    names = [*(name for name, _ in _MERGES), "access_write", "sealed_access"]
    return {name: merge_text(name) for name in names}
