"""Runs rules over a period and gives their hits, one per (controller, person, rule, local day).

Called by the alert loop (live and daily), by `quivive rules test` and by the benchmark. Deterministic: the same
verdicts and facts give the same hits in the same order. Must never name somebody the gate does not allow (the views
leave such accesses out), and never open an alert.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import duckdb

from quivive.detection.rules.check import demanded_flags, fields_of
from quivive.detection.rules.correlate import rule_sql
from quivive.detection.rules.model import CorrelationType, Rule
from quivive.detection.rules.views import build_views, local_days
from quivive.model.alert import MAX_ALERT_ACCESSES, AlertOrigin, Fact, Hit, Switch
from quivive.model.clock import SECOND_US
from quivive.projection.projection import Projection


def hits(
    projection: Projection,
    rules: Sequence[Rule],
    *,
    controllers: Sequence[str],
    from_at: int,
    to_at: int,
    as_of: int,
    certain_only: bool,
    switches: AbstractSet[Switch] = frozenset(),
    timezones: Mapping[str, str] | None = None,
) -> tuple[Hit, ...]:
    """Find the hits satisfied in [from_at, to_at), microseconds UTC, and not after `as_of`.

    certain_only: only rules that rest on facts no late evidence reverses; else all, on final verdicts. `timezones`
    of the controllers give the local day (default Europe/Paris).
    """
    wanted = [rule for rule in rules if rule.runs(switches) and (rule.certain or not certain_only)]
    to_at = min(to_at, as_of + 1)
    if not wanted or not controllers or to_at <= from_at:
        return ()
    days = local_days(controllers, timezones or {}, from_at, to_at)
    with projection.reading() as cursor:
        wanted = [rule for rule in wanted if not _pointless(cursor, rule)]
        if not wanted:
            return ()
        build_views(
            cursor,
            projection,
            controllers=controllers,
            from_at=from_at - max(rule.span_us for rule in wanted),
            to_at=to_at,
            categories={part.category for rule in wanted for part in rule.parts},
        )
        return rule_hits(cursor, wanted, days, from_at=from_at, to_at=to_at)


def _pointless(cursor: duckdb.DuckDBPyConnection, rule: Rule) -> bool:
    """A rule about noticed records has nothing to find while none is noticed: live, it would look back in vain."""
    demanded = {name for part in rule.parts for name in demanded_flags(part.condition)}
    lists = {table for name in demanded for table in (_NOTICED.get(name),) if table}
    return any(cursor.execute(f"SELECT 1 FROM {each} LIMIT 1").fetchone() is None for each in sorted(lists))


_NOTICED = {
    "vip": "watched_record",
    "own_record": "watched_record",
    "colleague_record": "watched_record",
    "canary": "canary",
}
"""Flags that only a list of records can make true, and the list."""


def rule_hits(
    cursor: duckdb.DuckDBPyConnection,
    rules: Sequence[Rule],
    days: Sequence[tuple[str, str, int, int]],
    *,
    from_at: int,
    to_at: int,
) -> tuple[Hit, ...]:
    """Hits of rules over flat views that stand already; `days` as `local_days` gives them."""
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE rule_day (controller VARCHAR, day VARCHAR, from_at BIGINT, to_at BIGINT)"
    )
    if days:
        cursor.executemany("INSERT INTO rule_day VALUES (?, ?, ?, ?)", [list(each) for each in days])
    found = [hit for rule in rules for hit in _hits_of(cursor, rule, from_at, to_at)]
    return tuple(sorted(found, key=lambda hit: (hit.day, hit.controller, hit.topic, hit.ident)))


def _hits_of(cursor: duckdb.DuckDBPyConnection, rule: Rule, from_at: int, to_at: int) -> Iterator[Hit]:
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE rule_marked AS {rule_sql(rule, from_at, to_at)}")
    rows = cursor.execute(_GROUPED).fetchall()
    if not rows:
        return
    accesses: dict[tuple[str, str, str], list[str]] = {}
    for controller, ident, day, access in cursor.execute(_ACCESSES, [MAX_ALERT_ACCESSES]).fetchall():
        accesses.setdefault((controller, ident, day), []).append(access)
    origin = AlertOrigin.CANARY if rule.switch is Switch.CANARIES else AlertOrigin.RULE
    for controller, ident, day, first, last, *measured in rows:
        yield Hit(
            controller=controller,
            ident=ident,
            topic=rule.topic,
            origin=origin,
            severity=rule.severity,
            rule_version=rule.version,
            from_at=first,
            to_at=last,
            day=day,
            accesses=tuple(accesses.get((controller, ident, day), ())),
            facts=tuple(_facts(rule, measured)),
        )


def _facts(rule: Rule, measured: Sequence[Any]) -> Iterator[Fact]:
    accesses, reached, rows, records, fixed_chars = measured
    correlation = rule.correlation
    temporal = correlation is not None and correlation.type in {
        CorrelationType.TEMPORAL,
        CorrelationType.TEMPORAL_ORDERED,
    }
    counted = correlation is not None and not temporal
    yield Fact(name="count", value=int(reached if counted else accesses))
    if correlation is not None:
        if counted:
            yield Fact(name="threshold", value=correlation.at_least)
        yield Fact(name="window_s", value=correlation.span_us // SECOND_US)
    asked = {name for part in rule.parts for name in fields_of(part.condition)}
    if rows and "rows" in asked:
        yield Fact(name="rows", value=int(rows))
    if records:
        yield Fact(name="records", value=int(records))
    if fixed_chars is not None and "fixed_chars" in asked:
        yield Fact(name="fixed_chars", value=int(fixed_chars))


_GROUPED = """
SELECT m.controller, m.ident, d.day, MIN(m.event_at), MAX(m.event_at), COUNT(DISTINCT m.access), MAX(m.reached),
    MAX(m.row_count), GREATEST(MAX(m.record_count), COUNT(DISTINCT CASE WHEN m.record <> '' THEN m.record END)),
    MIN(m.fixed_chars)
FROM rule_marked m
JOIN rule_day d ON d.controller = m.controller AND m.hit_at >= d.from_at AND m.hit_at < d.to_at
GROUP BY m.controller, m.ident, d.day
"""
_ACCESSES = """
SELECT controller, ident, day, access
FROM (
    SELECT controller, ident, day, access,
        ROW_NUMBER() OVER (PARTITION BY controller, ident, day ORDER BY event_at, access) AS nth
    FROM (
        SELECT m.controller, m.ident, d.day, m.access, MIN(m.event_at) AS event_at
        FROM rule_marked m
        JOIN rule_day d ON d.controller = m.controller AND m.hit_at >= d.from_at AND m.hit_at < d.to_at
        WHERE m.access <> ''
        GROUP BY m.controller, m.ident, d.day, m.access
    ) AS shown
) AS numbered
WHERE nth <= ?
ORDER BY controller, ident, day, nth
"""
