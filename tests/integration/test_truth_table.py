"""The coverage table, row by row, through a real relay: PostgreSQL 15 and 18, simple (strict too), extended text and binary.

What is asserted here is what docs/coverage-classes.md publishes; "no records" is never an answer.
"""

from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from psycopg import pq
from relay_support import KEYS, Running, accesses, agent, entries, make_home
from truth_page import PAGE, page
from truth_reads import READS
from truth_row import ALL, CATALOGUE, EXTRA_SCHEMA, Row
from truth_writes import WRITES

from quivive.model.access import CoverageClass
from quivive.model.hint import hint_of
from quivive.privacy.canonical import canonical_key
from quivive.privacy.pseudonym import alternate_key, record_key

pytestmark = pytest.mark.integration

ROWS = READS + WRITES


@dataclass
class Ran:
    """What the relay wrote while all rows ran one way: accesses by the agent that stands for a row; links."""

    version: int
    by_agent: dict[str, list[dict[str, Any]]]
    links: set[tuple[str, str, str]]
    refused: dict[str, str]


@pytest.fixture(scope="module", params=[*((way, "observe") for way in ALL), ("simple", "strict")], ids="-".join)
def way_mode(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Protocol way and capture mode: strict tells the same, only earlier."""
    chosen: tuple[str, str] = request.param
    return chosen


@pytest.fixture(scope="module")
def way(way_mode: tuple[str, str]) -> str:
    """Protocol way."""
    return way_mode[0]


@pytest.fixture(scope="module")
def ran(pg: Any, way_mode: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run every row of one way through a relay of its own, in a database of its own."""
    way, mode = way_mode
    home = tmp_path_factory.mktemp("truth")
    name = pg.customer_database()
    pg.execute(EXTRA_SCHEMA, name)
    settings = make_home(home, target=f"unix:{pg.socket}", side_dsn=pg.socket_dsn(name, user="side_user"), mode=mode)
    settings = replace(settings, controllers={"aurore": replace(settings.controllers["aurore"], catalogue=CATALOGUE)})
    refused: dict[str, str] = {}
    with Running(settings) as running:
        with psycopg.connect(running.dsn(name)) as connection:
            version = connection.info.server_version // 10_000
        for row in ROWS:
            if way in row.ways and version >= row.since:
                refused[row.name] = _run(running.dsn(name), row, way)
        running.stop()
    by_agent: dict[str, list[dict[str, Any]]] = {}
    for access in accesses(home):
        by_agent.setdefault(access["agent"], []).append(access)
    links = {(b["left"], b["left_kind"], b["right"]) for kind, b in entries(home) if kind == "link"}
    return Ran(version, by_agent, links, refused)


def _run(dsn: str, row: Row, way: str) -> str:
    """Run one row on a connection of its own; the server's error, "" when there was none."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        raw = connection.pgconn
        for sql in row.before:
            assert _one(raw, sql, way) == "", sql
        assert _one(raw, f"set quivive.agent = '{_login(row)}'", "simple") == ""
        bound = row.bound if way != "simple" else ()
        sql, *params = bound or (row.sql,)
        refused = _copy_in(connection, row) if row.copy else _one(raw, sql, way, tuple(params))
        _one(raw, "set quivive.agent = 'after'", "simple")
        for sql in row.after:
            _one(raw, sql.format(way=way), way)
    return refused


def _copy_in(connection: psycopg.Connection, row: Row) -> str:
    try:
        with connection.cursor().copy(row.sql) as copy:
            for start in range(0, len(row.copy), 7):
                copy.write(row.copy[start : start + 7])
    except psycopg.Error as error:
        return str(error)
    return ""


def _one(raw: Any, sql: str, way: str, params: tuple[str, ...] = ()) -> str:
    if way == "simple":
        result = raw.exec_(sql.encode())
    else:
        values = [one.encode() for one in params]
        result = raw.exec_params(sql.encode(), values, result_format=int(way == "binary"))
    if result.status == pq.ExecStatus.COPY_OUT:
        while raw.get_copy_data(0)[0] > 0:
            pass
        result = raw.get_result()
    error: str = result.error_message.decode().strip()
    while raw.get_result() is not None:
        pass
    return error


def _login(row: Row) -> str:
    return "row-" + "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in row.name).lower()


def _keys(row: Row) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {}
    for table, keys in row.shows.items():
        parts = [key if isinstance(key, tuple) else (key,) for key in keys]
        texts = [canonical_key([str(p) for p in key]) if len(key) > 1 else str(key[0]) for key in parts]
        wanted[f"public.{table}"] = {record_key(KEYS, f"public.{table}", text) for text in texts}
    for (table, kind), values in row.alternates.items():
        wanted.setdefault(f"public.{table}", set()).update(alternate_key(KEYS, kind, value) for value in values)
    return {table: keys for table, keys in wanted.items() if keys}


@pytest.mark.parametrize("row", ROWS, ids=_login)
def test_row(ran: Ran, way: str, row: Row) -> None:
    """Class, keys, action, changed columns, outcome and rows of one statement shape."""
    if way not in row.ways or ran.version < row.since:
        pytest.skip("not this way, or not on this server")
    assert bool(ran.refused[row.name]) == row.fails, ran.refused[row.name]
    found = ran.by_agent.get(agent(_login(row)), [])
    if row.coverage is None:
        assert found == []
        return
    assert len(found) == 1
    access = found[0]
    assert access["coverage"] == row.coverage
    assert {table: set(keys) for table, keys in access["records"].items() if keys} == _keys(row)
    assert access["action"] == row.action
    assert set(access["changed"]) >= set(row.changed)
    assert bool(access["changed"]) == bool(row.changed) or not row.changed
    assert access["outcome"] == row.outcome
    assert row.rows is None or access["rows"] == row.rows
    assert set(row.tables) <= set(access["tables"])
    declared = {table.name for table in CATALOGUE.tables}
    hint = hint_of(
        CoverageClass(access["coverage"]), access["action"], access["tables"], declared, passed=access["rows_bytes"] > 0
    )
    assert hint == row.hint


def test_join_links_both_keys(ran: Ran) -> None:
    """A row that shows an order and its customer ties the one to the other."""
    customer = record_key(KEYS, "public.customer", "2")
    for number in ("1", "1001"):
        assert (record_key(KEYS, "public.orders", number), "record", customer) in ran.links


def test_names_are_unique() -> None:
    """One row, one name."""
    names = [_login(row) for row in ROWS]
    assert len(set(names)) == len(names)


def test_page_tells_these_rows() -> None:
    """docs/coverage-classes.md is written from the rows: `.venv/bin/python tests/integration/truth_page.py`."""
    assert PAGE.read_text() == page()
