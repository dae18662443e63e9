"""Judge exposures set-wise: the same SQL texts live and in replay (DESIGN §9.1, §9.2).

The core calls `judge_live` every second and `judge` for a past period. What is judged is chosen here; how,
in `steps/*.sql`. Must never read the clock (`as_of` is given), never store a figure per agent, and never
change a verdict that stands without appending a revision.
"""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Final

import duckdb
import numpy as np

from quivive.detection.templates import ExplanationTemplate, shipped_templates
from quivive.model.clock import HOUR_US, SECOND_US
from quivive.projection.projection import Projection
from quivive.projection.sealed import day_bounds, quoted_files
from quivive.projection.store import read_sql

MARGIN_US: Final = 5 * HOUR_US
"""Around a replayed period, how far sealed accesses are read for the context of its first and last calls."""
MAX_LIVE_CONTACTS: Final = 20_000
MAX_LIVE_ACCESSES: Final = 100_000
"""Above either (a rebuild, a feed that comes back), one pass over all hot accesses is cheaper than following links."""
MAX_PIECES: Final = 64
"""Ten-minute pieces of one call window: four hours, and the margins twice over."""
MAX_INSTANT_US: Final = 2**62
"""Later than any instant: the span of a judgement that holds everything."""
DEFAULT_LATENESS_S: Final = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerJudging:
    """How one controller's accesses become final: every contact source complete to the access plus `lateness_s`.

    `silent_after_s`: a source without a sign of life for so long makes verdicts `unknown` (source_silent).
    """

    contact_sources: tuple[str, ...]
    lateness_s: int
    silent_after_s: int = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """Per controller; a controller that is not named waits `DEFAULT_LATENESS_S` and has no contact source."""

    controllers: Mapping[str, ControllerJudging]
    templates: tuple[ExplanationTemplate, ...] = field(default_factory=shipped_templates)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeReport:
    """`exposures` judged, `revised` verdict rows appended."""

    exposures: int
    revised: int


def judge(projection: Projection, settings: JudgeSettings, *, from_at: int, to_at: int, as_of: int) -> JudgeReport:
    """Judge every access of a period again (replay), sealed days included; sealed files stay as they are."""
    with projection.judging:
        cursor = projection.cursor()
        try:
            cursor.begin()
            _prepare(cursor, settings, as_of)
            _sources(cursor, projection, from_at - MARGIN_US, to_at + MARGIN_US)
            _make(
                cursor, "target", f"SELECT access_hi, access_lo, started_at FROM all_access {_between(from_at, to_at)}"
            )
            _make(cursor, "work_span", f"SELECT {int(from_at)} AS from_at, {int(to_at)} AS to_at")
            report = _judge_target(cursor, live=False)
            cursor.execute(f"DELETE FROM dirty_access {_between(from_at, to_at)}")
            cursor.commit()
        except BaseException:
            with contextlib.suppress(duckdb.TransactionException):  # a refused commit has rolled back already
                cursor.rollback()
            raise
        finally:
            cursor.close()
    return report


def judge_live(projection: Projection, settings: JudgeSettings, *, as_of: int) -> JudgeReport:
    """Judge what arrived, what new evidence touches and what has become decidable, in the hot days."""
    with projection.judging:
        cursor = projection.cursor()
        try:
            cursor.begin()
            _prepare(cursor, settings, as_of)
            _sources(cursor, projection, 0, 0)
            _live_target(cursor)
            report = _judge_target(cursor, live=True)
            for table in ("dirty_access", "dirty_contact", "dirty_key", "dirty_agent"):
                # Only what this transaction saw: rows that came meanwhile are another snapshot's.
                cursor.execute(f"DELETE FROM {table}")
            cursor.commit()
        except BaseException:
            with contextlib.suppress(duckdb.TransactionException):  # a refused commit has rolled back already
                cursor.rollback()
            raise
        finally:
            cursor.close()
    return report


def verdict_hash(projection: Projection, day: str) -> str:
    """SHA-256 over the final verdicts of a UTC day, in key order: what the daily entry commits (DESIGN §9.2)."""
    start, end = day_bounds(day)
    cursor = projection.cursor()
    try:
        _sources(cursor, projection, start, end)
        columns = cursor.execute(_step("verdicts_of_day"), {"from_at": start, "to_at": end}).fetchnumpy()
    finally:
        cursor.close()
    digest = sha256(b"quivive verdicts v1\n")
    for name, column in columns.items():
        digest.update(name.encode() + b"\n")
        values = np.asarray(column)
        numeric = values.dtype.kind in "iub"
        digest.update(values.astype("<u8").tobytes() if numeric else "\n".join(values.tolist()).encode())
    return digest.hexdigest()


# --- what is judged


def _prepare(cursor: duckdb.DuckDBPyConnection, settings: JudgeSettings, as_of: int) -> None:
    templates = [template.row() for template in settings.templates]
    stored = cursor.execute("SELECT * FROM template ORDER BY priority, shape").fetchall()
    if stored != templates:
        cursor.execute("DELETE FROM template")
        cursor.executemany("INSERT INTO template VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", templates)
    before_us = max((t.before_us for t in settings.templates if t.shape == "call"), default=0)
    known = {str(c) for (c,) in cursor.execute("SELECT DISTINCT controller FROM source_state").fetchall()}
    rows = sorted(_source_rows(settings, known, before_us))
    if cursor.execute("SELECT * FROM judge_source ORDER BY ALL").fetchall() != rows:
        cursor.execute("DELETE FROM judge_source")
        if rows:
            cursor.executemany("INSERT INTO judge_source VALUES (?, ?, ?, ?)", rows)
    _make(cursor, "judge_clock", f"SELECT CAST({int(as_of)} AS BIGINT) AS as_of")
    _make(cursor, "piece_step", f"SELECT range AS step FROM range({MAX_PIECES})")
    _make(cursor, "source_state_of", _step("source_state_of"))


def _source_rows(settings: JudgeSettings, known: Iterable[str], before_us: int) -> Iterable[tuple[str, str, int, int]]:
    default = ControllerJudging(contact_sources=(), lateness_s=DEFAULT_LATENESS_S)
    for controller in {*known, *settings.controllers}:
        judging = settings.controllers.get(controller, default)
        # A call may be offered up to `before_us` after the access that prepared it: wait for it too.
        lateness_us = judging.lateness_s * SECOND_US + before_us
        for source in judging.contact_sources or ("",):
            yield controller, source, lateness_us, judging.silent_after_s * SECOND_US


def _sources(cursor: duckdb.DuckDBPyConnection, projection: Projection, from_at: int, to_at: int) -> None:
    """Name the relations the steps read: hot tables, and the sealed days of a replay."""
    for table, stored in (("access", "access"), ("exposure", "exposure"), ("verdict", "verdict_current")):
        paths = projection.sealed.files(table, projection.sealed.controllers(), from_at, to_at) if to_at else []
        union = ""
        if paths:
            union = f" UNION ALL BY NAME SELECT * FROM read_parquet({quoted_files(paths)}) s"
            if table == "verdict":
                union += (
                    " WHERE NOT EXISTS (SELECT 1 FROM verdict_current h WHERE h.access_hi = s.access_hi"
                    " AND h.access_lo = s.access_lo AND h.started_at = s.started_at)"
                )
        cursor.execute(f"CREATE OR REPLACE TEMP VIEW all_{table} AS SELECT * FROM {stored}{union}")


def _live_target(cursor: duckdb.DuckDBPyConnection) -> None:
    """Choose the accesses to judge. Each step is skipped whose input is empty: mostly nothing late has come."""
    accesses, contacts, keys, agents = (
        _count(cursor, f"dirty_{each}") for each in ("access", "contact", "key", "agent")
    )
    _make(cursor, "work_span", "SELECT 0 AS from_at, 0 AS to_at")
    _make(cursor, "live_key", _step("live_key") if keys else "SELECT * FROM dirty_key")
    touched = False
    if contacts or keys or agents:
        _make(cursor, "contact_near", _step("live_contact"))
        contacts = _count(cursor, "contact_near")
        touched = contacts > 0
    if contacts > MAX_LIVE_CONTACTS or accesses > MAX_LIVE_ACCESSES:
        _make(cursor, "target", "SELECT access_hi, access_lo, started_at FROM all_access")
        _make(cursor, "work_span", f"SELECT 0 AS from_at, {MAX_INSTANT_US} AS to_at")
        return
    _make(cursor, "target", _step("live_target"))
    if touched:
        for name in ("contact_leg", "contact_window", "live_subject_key"):
            _make(cursor, name, _step(name))
        _add(cursor, "target", f"SELECT * FROM ({_step('live_touched')}) EXCEPT SELECT * FROM target")
    if _any(cursor, "target"):
        _add(cursor, "target", _step("live_listing"))


# --- how it is judged


def _judge_target(cursor: duckdb.DuckDBPyConnection, *, live: bool) -> JudgeReport:
    if not _any(cursor, "target"):
        return JudgeReport(exposures=0, revised=0)
    listings = _any(
        cursor,
        "all_access a JOIN target t ON t.started_at = a.started_at AND t.access_hi = a.access_hi"
        " AND t.access_lo = a.access_lo WHERE a.distinct_count BETWEEN 2 AND 500",
    )
    groups = _any(cursor, "catalogue_table WHERE table_kind = 'group'")
    _work(cursor, listings=listings)
    _contacts(cursor)
    if _context(cursor, groups=groups):
        _contacts(cursor)
    _match(cursor)
    for name in ("leftover", "call_window"):
        _make(cursor, name, _step(name))
    left = _any(cursor, "leftover")
    if live and left:
        _add(cursor, "target", _step("live_later"))
    _make(cursor, "presence", _step("presence") if left else _NO_PRESENCE)
    if groups and left:
        _make(cursor, "group_of", _step("group_of"))
    _make(cursor, "related", _step("related") if groups and left and _any(cursor, "group_of") else _NO_RELATED)
    _make(cursor, "reason", _step("reason"))
    _make(cursor, "listing", _step("listing") if listings else _NO_LISTING)
    _make(cursor, "decision", _step("decision"))
    return _write(cursor)


def _work(cursor: duckdb.DuckDBPyConnection, *, listings: bool) -> None:
    """What must be looked at to judge the target: itself, and openings that may explain its listings."""
    _make(cursor, "round_work", "SELECT * FROM target")
    if listings:
        _add(cursor, "round_work", f"SELECT * FROM ({_step('opening_work')}) EXCEPT SELECT * FROM target")
    _make(cursor, "work_access", _step("work_access"))


def _contacts(cursor: duckdb.DuckDBPyConnection) -> None:
    """Contacts that may be a reason for the work, by its accounts and instants, and when they are one."""
    _make(cursor, "work_bounds", "SELECT MIN(started_at) AS from_at, MAX(started_at) AS to_at FROM work_access")
    for name in ("contact_near", "contact_leg", "contact_window"):
        _make(cursor, name, _step(name))


def _context(cursor: duckdb.DuckDBPyConnection, *, groups: bool) -> bool:
    """Add the rest of the calls that the target falls in: caps count over a whole call."""
    _make(cursor, "capped_window", _step("capped_window"))
    if not groups:
        cursor.execute("DELETE FROM capped_window WHERE shape <> 'unidentified'")
    if not _any(cursor, "capped_window"):
        return False
    _make(cursor, "need_window", _step("need_window"))
    _make(cursor, "round_work", _step("context_work"))
    if not _any(cursor, "round_work"):
        return False
    _add(cursor, "work_access", _step("work_access"))
    return True


def _match(cursor: duckdb.DuckDBPyConnection) -> None:
    """Resolve the records of the work to subjects and match them with contacts."""
    for name in ("work_records", "work_exposure"):
        _make(cursor, name, _step(name))
    _make(cursor, "key_set", _step("key_set"))
    _make(cursor, "hop_from", "SELECT *, key_hi AS subject_hi, key_lo AS subject_lo FROM key_set")
    further = True
    for hop in ("hop1", "hop2", "hop3"):
        _make(cursor, hop, _step("edge") if further else "SELECT * FROM hop1 LIMIT 0")
        further = further and _any(cursor, f"{hop} WHERE is_person = 0")
        if further:
            _make(cursor, "hop_from", f"SELECT * FROM {hop} WHERE is_person = 0")
    for name in ("identity", "work_subject", "work_size", "contact_identity", "identity_match"):
        _make(cursor, name, _step(name))
    if _any(cursor, "contact_window WHERE team <> ''"):
        _add(cursor, "identity_match", _step("team_match"))
    if _any(cursor, "work_access WHERE stated_hi <> 0 OR stated_lo <> 0"):
        _add(cursor, "identity_match", _step("stated_match"))
    _make(cursor, "identity_best", _step("identity_best"))


def _write(cursor: duckdb.DuckDBPyConnection) -> JudgeReport:
    _make(
        cursor,
        "standing",
        "SELECT v.* FROM all_verdict v JOIN target t"
        " ON t.started_at = v.started_at AND t.access_hi = v.access_hi AND t.access_lo = v.access_lo",
    )
    for name in ("compared", "changed", "revision"):
        _make(cursor, name, _step(name))
    if _any(cursor, "standing"):
        cursor.execute(f"INSERT INTO verdict BY NAME {_step('superseded')}")
        cursor.execute(
            "DELETE FROM verdict_current v USING (SELECT t.* FROM target t JOIN changed c"
            " ON c.access_hi = t.access_hi AND c.access_lo = t.access_lo) t"
            " WHERE v.started_at = t.started_at AND v.access_hi = t.access_hi AND v.access_lo = t.access_lo"
        )
    cursor.execute("INSERT INTO verdict_current BY NAME SELECT * EXCLUDE (moved) FROM revision")
    found = cursor.execute(
        "SELECT (SELECT COUNT(*) FROM decision WHERE verdict <> 'not_applicable'),"
        " (SELECT COUNT(*) FROM revision WHERE moved)"
    ).fetchone()
    assert found is not None, "an aggregate always gives a row"
    return JudgeReport(exposures=int(found[0]), revised=int(found[1]))


_NO_RELATED: Final = (
    "SELECT access_hi, access_lo, access_hi AS key_hi, access_lo AS key_lo, started_at, access_hi AS contact_hi,"
    " access_lo AS contact_lo, started_at AS anchor_at, CAST(0 AS BIGINT) AS subject_rank FROM target LIMIT 0"
)
_NO_PRESENCE: Final = (
    "SELECT access_hi, access_lo, access_hi AS key_hi, access_lo AS key_lo, started_at, access_hi AS contact_hi,"
    " access_lo AS contact_lo, started_at AS anchor_at, 0 AS is_stated, CAST(0 AS BIGINT) AS subject_rank"
    " FROM target LIMIT 0"
)
_NO_LISTING: Final = (
    "SELECT access_hi, access_lo, access_hi AS contact_hi, access_lo AS contact_lo, '' AS template, '' AS strength,"
    " started_at AS delta_us FROM target LIMIT 0"
)
"""Empty relations in the place of steps that have nothing to look at: each step costs milliseconds, each second."""

# --- small tools


@cache
def _step(name: str) -> str:
    return read_sql("quivive.detection", "steps", f"{name}.sql").rstrip()


def _make(cursor: duckdb.DuckDBPyConnection, name: str, text: str) -> None:
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {text}")


def _add(cursor: duckdb.DuckDBPyConnection, name: str, text: str) -> None:
    cursor.execute(f"INSERT INTO {name} {text}")


def _any(cursor: duckdb.DuckDBPyConnection, relation: str) -> bool:
    return cursor.execute(f"SELECT 1 FROM {relation} LIMIT 1").fetchone() is not None


def _count(cursor: duckdb.DuckDBPyConnection, name: str) -> int:
    found = cursor.execute(f"SELECT COUNT(*) FROM {name}").fetchone()
    assert found is not None, "an aggregate always gives a row"
    return int(found[0])


def _between(from_at: int, to_at: int) -> str:
    return f"WHERE started_at >= {int(from_at)} AND started_at < {int(to_at)}"
