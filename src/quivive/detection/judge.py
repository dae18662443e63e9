"""Judge exposures set-wise: the same SQL texts live and in replay (DESIGN §9.1, §9.2).

The core calls `judge_live` every second and `judge` for a past period. What is judged is chosen here; how,
in `steps/*.sql`. Must never read the clock (`as_of` is given), never store a figure per agent, and never
change a verdict that stands without appending a revision.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import duckdb
import numpy as np

from quivive.detection.returning import add_returns, find_later, name_sources
from quivive.detection.sqlsteps import add, any_row, count, make, make_steps, step
from quivive.detection.templates import ExplanationTemplate, shipped_templates
from quivive.model.clock import DAY_US, HOUR_US, SECOND_US
from quivive.projection.projection import SEAL_AFTER_US, Projection
from quivive.projection.sealed import day_bounds

MARGIN_US: Final = 25 * HOUR_US
"""Around a replayed period, how far sealed accesses are read: context of its first and last calls, returns (E17)."""
REACH_US: Final = 20 * 60 * SECOND_US
"""Beyond the windows, how far contacts are looked at: stated contacts, clocks that differ."""
CONTEXT_US: Final = 10 * 60 * SECOND_US
"""Around the work, for the rest of its calls: a longer call has its contacts looked for again."""
MAX_LIVE_CONTACTS: Final = 20_000
MAX_LIVE_ACCESSES: Final = 100_000
"""Above either (a rebuild, a feed that comes back), one pass over all hot accesses is cheaper than following links."""
MAX_PIECES: Final = 64
"""Ten-minute pieces of one call window: four hours, and the margins twice over."""
MAX_INSTANT_US: Final = 2**62
"""Later than any instant: the span of a judgement that holds everything."""
LATE_DAYS: Final = 7
"""Sealed days that late contacts may have judged again; older ones wait for `quivive judge`."""
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
    with judgement(projection, settings, as_of) as cursor:
        name_sources(cursor, projection, from_at - MARGIN_US, to_at + MARGIN_US)
        make(cursor, "target", f"SELECT access_hi, access_lo, started_at FROM all_access {_between(from_at, to_at)}")
        make(cursor, "work_span", f"SELECT {int(from_at)} AS from_at, {int(to_at)} AS to_at")
        report = _judge_target(cursor, projection, live=False)
        cursor.execute(f"DELETE FROM dirty_access {_between(from_at, to_at)}")
        if report.exposures and find_later(cursor):  # after the period: the next live judgement looks at them
            add(cursor, "dirty_access", "SELECT * FROM return_later")
    return report


def judge_live(projection: Projection, settings: JudgeSettings, *, as_of: int) -> JudgeReport:
    """Judge what arrived, what new evidence touches and what has become decidable, in the hot days."""
    with judgement(projection, settings, as_of) as cursor:
        name_sources(cursor, projection, 0, 0)
        _live_target(cursor, as_of)
        report = _judge_target(cursor, projection, live=True)
        if report.exposures and find_later(cursor):  # once is enough: a return makes no other
            make(cursor, "target", "SELECT * FROM return_later")
            make(cursor, "work_span", "SELECT 0 AS from_at, 0 AS to_at")
            later = _judge_target(cursor, projection, live=True)
            report = JudgeReport(exposures=report.exposures + later.exposures, revised=report.revised + later.revised)
        for table in ("dirty_access", "dirty_contact", "dirty_key", "dirty_agent"):
            # Only what this transaction saw: rows that came meanwhile are another snapshot's.
            cursor.execute(f"DELETE FROM {table}")
    return report


def late_days(projection: Projection) -> tuple[int, ...]:
    """First instants of sealed days that late contacts have touched, the oldest first."""
    with projection.judging, contextlib.closing(projection.cursor()) as cursor:
        found = cursor.execute("SELECT DISTINCT day_at FROM late_day ORDER BY day_at").fetchall()
    return tuple(int(at) for (at,) in found)


def forget_late_day(projection: Projection, day_at: int) -> None:
    """The day was judged again, or is not sealed."""
    with projection.judging, contextlib.closing(projection.cursor()) as cursor:
        cursor.execute("DELETE FROM late_day WHERE day_at = $1", [day_at])


@contextlib.contextmanager
def judgement(
    projection: Projection, settings: JudgeSettings, as_of: int, *, keep: bool = True
) -> Iterator[duckdb.DuckDBPyConnection]:
    """One transaction over the relations that the steps read; `keep=False` leaves nothing behind."""
    with projection.judging:
        cursor = projection.cursor()
        try:
            cursor.begin()
            _prepare(cursor, settings, as_of)
            yield cursor
            if keep:
                cursor.commit()
            else:
                cursor.rollback()
        except BaseException:
            with contextlib.suppress(duckdb.TransactionException):  # a refused commit has rolled back already
                cursor.rollback()
            raise
        finally:
            cursor.close()


def verdict_hash(projection: Projection, day: str) -> str:
    """SHA-256 over the final verdicts of a UTC day, in key order: what the daily entry commits (DESIGN §9.2)."""
    start, end = day_bounds(day)
    cursor = projection.cursor()
    try:
        name_sources(cursor, projection, start, end)
        columns = cursor.execute(step("verdicts_of_day"), {"from_at": start, "to_at": end}).fetchnumpy()
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
    rows = sorted(row for template in settings.templates for row in template.rows())
    if cursor.execute("SELECT * FROM template ORDER BY ALL").fetchall() != rows:
        cursor.execute("DELETE FROM template")
        cursor.executemany(f"INSERT INTO template VALUES ({', '.join('?' * len(rows[0]))})", rows)
    before_us = max((t.before_us for t in settings.templates if t.shape == "call" and "first" in t.places), default=0)
    known = {str(c) for (c,) in cursor.execute("SELECT DISTINCT controller FROM source_state").fetchall()}
    sources = sorted(_source_rows(settings, known, before_us))
    if cursor.execute("SELECT * FROM judge_source ORDER BY ALL").fetchall() != sources:
        cursor.execute("DELETE FROM judge_source")
        if sources:
            cursor.executemany("INSERT INTO judge_source VALUES (?, ?, ?, ?)", sources)
    make(cursor, "judge_clock", f"SELECT CAST({int(as_of)} AS BIGINT) AS as_of")
    make(cursor, "piece_step", f"SELECT range AS step FROM range({MAX_PIECES})")
    make(cursor, "kind_reach", _reaches(settings.templates))
    make_steps(cursor, "source_state_of", "learned_span")


def _reaches(templates: Iterable[ExplanationTemplate]) -> str:
    """How far the windows of each kind of contact reach at most, with the margin of stated contacts and of skew."""
    reach: dict[str, list[int]] = {}
    for template in templates:
        for kind in template.contact:
            capped = int(template.shape == "work" and template.cap > 0)
            found = reach.setdefault(kind, [0, 0, 0, 0])
            hour = HOUR_US if capped else 0
            wide = (template.before_most_us, template.after_most_us + hour, template.max_us, capped)
            reach[kind] = [max(pair) for pair in zip(found, wide, strict=True)]
    rows = ", ".join(
        f"('{kind}', CAST({before + REACH_US} AS BIGINT), CAST({after + REACH_US} AS BIGINT),"
        f" CAST({most} AS BIGINT), {capped})"
        for kind, (before, after, most, capped) in sorted(reach.items())
    )
    return f"SELECT * FROM (VALUES {rows}) AS r (contact_kind, before_us, after_us, max_us, is_capped)"


def _source_rows(settings: JudgeSettings, known: Iterable[str], before_us: int) -> Iterable[tuple[str, str, int, int]]:
    default = ControllerJudging(contact_sources=(), lateness_s=DEFAULT_LATENESS_S)
    for controller in {*known, *settings.controllers}:
        judging = settings.controllers.get(controller, default)
        # A call may be offered up to `before_us` after the access that prepared it: wait for it too.
        lateness_us = judging.lateness_s * SECOND_US + before_us
        for source in judging.contact_sources or ("",):
            yield controller, source, lateness_us, judging.silent_after_s * SECOND_US


def _live_target(cursor: duckdb.DuckDBPyConnection, as_of: int) -> None:
    """Choose the accesses to judge. Each step is skipped whose input is empty: mostly nothing late has come."""
    accesses, contacts, keys, agents = (
        count(cursor, f"dirty_{each}") for each in ("access", "contact", "key", "agent")
    )
    make(cursor, "work_span", "SELECT 0 AS from_at, 0 AS to_at")
    make(cursor, "live_key", step("live_key") if keys else "SELECT * FROM dirty_key")
    touched = False
    if contacts or keys or agents:
        make(cursor, "live_near", step("live_contact"))
        contacts = count(cursor, "live_near")
        touched = contacts > 0
    if contacts > MAX_LIVE_CONTACTS or accesses > MAX_LIVE_ACCESSES:
        make(cursor, "target", "SELECT access_hi, access_lo, started_at FROM all_access")
        make(cursor, "work_span", f"SELECT 0 AS from_at, {MAX_INSTANT_US} AS to_at")
        return
    make(cursor, "target", step("live_target"))
    if touched:
        make(cursor, "contact_near", "SELECT * FROM live_near")
        if any_row(cursor, _SESSIONS):
            add(cursor, "contact_near", step("live_session"))
        _windows(cursor)
        make(cursor, "late_span", _late_span(as_of))
        add(cursor, "late_day", step("late_day"))
        make_steps(cursor, "named_key", "live_subject_key")
        add(cursor, "target", f"SELECT * FROM ({step('live_touched')}) EXCEPT SELECT * FROM target")
    if any_row(cursor, "target"):
        add(cursor, "target", step("live_listing"))
        if any_row(cursor, _JOBS):
            add(cursor, "target", step("live_rhythm"))


def _late_span(as_of: int) -> str:
    """Days that are sealed by now, at most `LATE_DAYS` back."""
    last = (as_of - SEAL_AFTER_US) // DAY_US * DAY_US
    days = ", ".join(f"(CAST({last - back * DAY_US} AS BIGINT))" for back in range(1, LATE_DAYS + 1))
    return f"SELECT * FROM (VALUES {days}) AS d (day_at)"


_BEYOND: Final = "work_access w JOIN work_bounds b ON w.started_at < b.from_at OR w.started_at > b.to_at"
_SESSIONS: Final = "contact WHERE contact_kind IN ('training', 'assistance')"
_JOBS: Final = "contact WHERE contact_kind = 'job'"

# --- how it is judged


def _judge_target(cursor: duckdb.DuckDBPyConnection, projection: Projection, *, live: bool) -> JudgeReport:
    if not any_row(cursor, "target"):
        return JudgeReport(exposures=0, revised=0)
    listings = any_row(
        cursor,
        "all_access a JOIN target t ON t.started_at = a.started_at AND t.access_hi = a.access_hi"
        " AND t.access_lo = a.access_lo WHERE a.distinct_count BETWEEN 2 AND 500",
    )
    groups = any_row(cursor, "catalogue_table WHERE table_kind = 'group'")
    _work(cursor, listings=listings)
    _contacts(cursor)
    if _context(cursor, groups=groups) and any_row(cursor, _BEYOND):
        _contacts(cursor)
    _match(cursor)
    make_steps(cursor, "leftover", "call_window")
    left = any_row(cursor, "leftover")
    if live and left:
        add(cursor, "target", step("live_later"))
    make(cursor, "presence", step("presence") if left else _NO_PRESENCE)
    if groups and left:
        make_steps(cursor, "group_of")
    make(cursor, "related", step("related") if groups and left and any_row(cursor, "group_of") else _NO_RELATED)
    make_steps(cursor, "reason")
    make(cursor, "listing", step("listing") if listings else _NO_LISTING)
    if left:
        add_returns(cursor, projection, live=live)
    make(cursor, "job_reason", step("job_reason") if any_row(cursor, _JOBS) else _NO_LISTING)
    make_steps(cursor, "decision")
    return _write(cursor)


def _work(cursor: duckdb.DuckDBPyConnection, *, listings: bool) -> None:
    """What must be looked at to judge the target: itself, and openings that may explain its listings."""
    make(cursor, "round_work", "SELECT * FROM target")
    if listings:
        add(cursor, "round_work", f"SELECT * FROM ({step('opening_work')}) EXCEPT SELECT * FROM target")
    make_steps(cursor, "work_access")


def _contacts(cursor: duckdb.DuckDBPyConnection) -> None:
    """Contacts that may be a reason for the work, by its accounts and instants, and when they are one."""
    # Wider than the work: its calls' other accesses mostly stand within, then once is enough.
    make(
        cursor,
        "work_bounds",
        f"SELECT MIN(started_at) - {CONTEXT_US} AS from_at, MAX(started_at) + {CONTEXT_US} AS to_at FROM work_access",
    )
    make_steps(cursor, "contact_near")
    _windows(cursor)


def _windows(cursor: duckdb.DuckDBPyConnection) -> None:
    """When the contacts near are a reason for whom."""
    make_steps(cursor, "contact_leg", "contact_window")
    if any_row(cursor, "contact_window WHERE shape = 'work' AND cap > 0"):
        make_steps(cursor, "over_cap")
        cursor.execute(
            "DELETE FROM contact_window w USING over_cap o WHERE o.contact_hi = w.contact_hi AND o.contact_lo ="
            " w.contact_lo AND o.ident_hi = w.ident_hi AND o.ident_lo = w.ident_lo AND o.template = w.template"
        )
    if any_row(cursor, "contact_window WHERE shape = 'companion'"):
        make_steps(cursor, "companion")
        add(cursor, "contact_window", step("shared_window"))


def _context(cursor: duckdb.DuckDBPyConnection, *, groups: bool) -> bool:
    """Add the rest of the calls that the target falls in: caps count over a whole call."""
    make_steps(cursor, "capped_window")
    if not groups:
        cursor.execute("DELETE FROM capped_window WHERE shape <> 'unidentified'")
    if not any_row(cursor, "capped_window"):
        return False
    make_steps(cursor, "need_window")
    make(cursor, "round_work", step("context_work"))
    if not any_row(cursor, "round_work"):
        return False
    add(cursor, "work_access", step("work_access"))
    return True


def _match(cursor: duckdb.DuckDBPyConnection) -> None:
    """Resolve the records of the work to subjects and match them with contacts."""
    make_steps(cursor, "work_records", "work_exposure", "key_set")
    make(cursor, "hop_from", "SELECT *, key_hi AS subject_hi, key_lo AS subject_lo FROM key_set")
    further = True
    for hop in ("hop1", "hop2", "hop3"):
        make(cursor, hop, step("edge") if further else "SELECT * FROM hop1 LIMIT 0")
        further = further and any_row(cursor, f"{hop} WHERE is_person = 0")
        if further:
            make(cursor, "hop_from", f"SELECT * FROM {hop} WHERE is_person = 0")
    make_steps(cursor, "identity", "work_subject", "work_size", "contact_identity", "identity_match")
    if any_row(cursor, "contact_window WHERE team <> ''"):
        add(cursor, "identity_match", step("team_match"))
    if any_row(cursor, "work_access WHERE stated_hi <> 0 OR stated_lo <> 0"):
        add(cursor, "identity_match", step("stated_match"))
    make_steps(cursor, "identity_best")


def _write(cursor: duckdb.DuckDBPyConnection) -> JudgeReport:
    make(
        cursor,
        "standing",
        "SELECT v.* FROM all_verdict v JOIN target t"
        " ON t.started_at = v.started_at AND t.access_hi = v.access_hi AND t.access_lo = v.access_lo",
    )
    make_steps(cursor, "compared", "changed", "revision")
    if any_row(cursor, "standing"):
        cursor.execute(f"INSERT INTO verdict BY NAME {step('superseded')}")
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
    " access_lo AS contact_lo, started_at AS anchor_at, 0 AS is_stated, '' AS template,"
    " '' AS strength, 0 AS priority, 0 AS cap, CAST(0 AS BIGINT) AS subject_rank FROM target LIMIT 0"
)
_NO_LISTING: Final = (
    "SELECT access_hi, access_lo, access_hi AS contact_hi, access_lo AS contact_lo, '' AS template, '' AS strength,"
    " started_at AS delta_us FROM target LIMIT 0"
)
"""Empty relations in the place of steps that have nothing to look at: each step costs milliseconds, each second."""


def _between(from_at: int, to_at: int) -> str:
    return f"WHERE started_at >= {int(from_at)} AND started_at < {int(to_at)}"
