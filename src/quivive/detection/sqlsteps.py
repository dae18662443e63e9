"""The few things that every step of a judgement is made with: a text, a relation made of it, and whether it is empty.

Used by `judge` and its neighbours. Must never hold a rule of judgement: those are texts in `steps/`.
"""

from functools import cache

import duckdb

from quivive.projection.store import read_sql


@cache
def step(name: str) -> str:
    """Text of one step."""
    return read_sql("quivive.detection", "steps", f"{name}.sql").rstrip()


def make(cursor: duckdb.DuckDBPyConnection, name: str, text: str) -> None:
    """Make a relation of a query, in the place of the former."""
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {text}")


def make_steps(cursor: duckdb.DuckDBPyConnection, *names: str) -> None:
    """Make relations of the steps of the same names, in order."""
    for name in names:
        make(cursor, name, step(name))


def add(cursor: duckdb.DuckDBPyConnection, name: str, text: str) -> None:
    """Add the rows of a query to a relation."""
    cursor.execute(f"INSERT INTO {name} {text}")


def any_row(cursor: duckdb.DuckDBPyConnection, relation: str) -> bool:
    """Tell whether a relation has a row."""
    return cursor.execute(f"SELECT 1 FROM {relation} LIMIT 1").fetchone() is not None


def count(cursor: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Rows of a relation."""
    found = cursor.execute(f"SELECT COUNT(*) FROM {relation}").fetchone()
    assert found is not None, "an aggregate always gives a row"
    return int(found[0])
