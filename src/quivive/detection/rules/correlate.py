"""A rule as one SQL text over the flat views: its marked events, each with the instant at which the rule was satisfied.

Called by `run`. Pure. Windows are true sliding windows in event time (three events eight hours apart are not three in
an hour). Plain joins and window functions only, so that the text runs on Spark as well.
"""

from typing import Final

from quivive.detection.rules.emit import condition_sql
from quivive.detection.rules.fields import FIELDS, Category, FieldType
from quivive.detection.rules.model import Correlation, CorrelationType, Part, Rule
from quivive.projection.store import read_sql

MARKED: Final = "event_at, controller, ident, access, row_count, record_count, fixed_chars, record, hit_at, reached"
"""Columns of the result. `reached` is the number in the window, 0 for an event that only stands in one."""
_EVENT: Final = (
    "part, event_at, controller, ident, access, grp, val, weight, row_count, record_count, fixed_chars, record"
)


def rule_sql(rule: Rule, from_at: int, to_at: int) -> str:
    """Marked events of a rule satisfied in [from_at, to_at)."""
    correlation = rule.correlation
    since = from_at - rule.span_us
    events = "\nUNION ALL\n".join(
        _events(number, part, correlation, since, to_at) for number, part in enumerate(rule.parts)
    )
    if correlation is None:
        body = _text("plain")
    elif correlation.type is CorrelationType.TEMPORAL_ORDERED:
        body = _ordered(correlation, len(rule.parts), from_at)
    elif correlation.type is CorrelationType.TEMPORAL:
        body = _together(correlation, len(rule.parts), from_at)
    else:
        body = _counted(correlation, from_at)
    return (
        f"WITH event AS (\n{events}\n),\nmarked AS (\n{body}\n)\n"
        f"SELECT {MARKED} FROM marked WHERE hit_at >= {int(from_at)} AND hit_at < {int(to_at)}"
    )


def _events(number: int, part: Part, correlation: Correlation | None, since: int, to_at: int) -> str:
    """Events of one part, laid out alike for every category."""
    category = part.category
    shown = category is not Category.CONTACT
    group = correlation.group_by if correlation else ()
    value = correlation.value if correlation else ""
    named = "ident" if correlation is None or "ident" in group else "''"
    weight = value if correlation and correlation.type is CorrelationType.VALUE_SUM else "1"
    text = f"CAST({value} AS VARCHAR)" if value and weight == "1" else "''"
    keyed = [f"CAST({name} AS VARCHAR)" for name in group]
    grp = " || '|' || ".join(keyed) if keyed else "''"
    wanted = [condition_sql(category, part.condition), f"event_at >= {int(since)}", f"event_at < {int(to_at)}"]
    wanted += [_there(category, name) for name in (*group, *([value] if value else []))]
    return (
        f"SELECT {number} AS part, event_at, controller, {named} AS ident,"
        f" {'access' if shown else repr('')} AS access,"
        f" {grp} AS grp, {text} AS val, CAST({weight} AS BIGINT) AS weight,"
        f" {'rows' if shown else '0'} AS row_count, {'records' if shown else '0'} AS record_count,"
        f" {'fixed_chars' if shown else 'NULL'} AS fixed_chars,"
        f" {repr('') if category is Category.ACCESS else 'record'} AS record"
        f"\nFROM {category}_enriched WHERE {' AND '.join(wanted)}"
    )


def _there(category: Category, name: str) -> str:
    """Events without a value to group by or to count take no part."""
    kind = FIELDS[category][name]
    return f"{name} IS NOT NULL" if kind in (FieldType.INTEGER, FieldType.FLAG) else f"{name} <> ''"


def _counted(correlation: Correlation, from_at: int) -> str:
    distinct = correlation.type is CorrelationType.VALUE_COUNT
    following = "LEAD(event_at) OVER (PARTITION BY controller, grp, val ORDER BY event_at)" if distinct else "NULL"
    text = _text("count").replace("{span}", str(correlation.span_us)).replace("{next}", f"CAST({following} AS BIGINT)")
    return text.replace("{at_least}", str(correlation.at_least)).replace("{from_at}", str(int(from_at)))


def _ordered(correlation: Correlation, parts: int, from_at: int) -> str:
    """Chains of events in the order of the parts. `begun_n`: the latest begin of a chain that ends in part n here."""
    over = "OVER (PARTITION BY controller, grp ORDER BY event_at RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    steps = ["chain0 AS (SELECT *, CASE WHEN part = 0 THEN event_at END AS begun FROM event)"]
    for number in range(1, parts):
        begun = f"CASE WHEN part = {number} THEN before END AS begun"
        earlier = f"SELECT {_EVENT}, MAX(begun) {over} AS before FROM chain{number - 1}"
        steps.append(f"chain{number} AS (SELECT {_EVENT}, {begun} FROM ({earlier}) AS earlier)")
    last = f"chain{parts - 1}"
    return (
        f"WITH {', '.join(steps)},\n"
        f"satisfied AS (SELECT DISTINCT controller, grp, begun, event_at AS hit_at FROM {last}"
        f" WHERE part = {parts - 1} AND begun >= event_at - {correlation.span_us} AND event_at >= {int(from_at)})\n"
        f"{_between('s.begun', parts)}"
    )


def _together(correlation: Correlation, parts: int, from_at: int) -> str:
    """Every part has been there within the span, in any order."""
    over = "OVER (PARTITION BY controller, grp ORDER BY event_at RANGE UNBOUNDED PRECEDING)"
    latest = [f"MAX(CASE WHEN part = {number} THEN event_at END) {over}" for number in range(parts)]
    columns = ", ".join(f"{each} AS last{number}" for number, each in enumerate(latest))
    least = f"LEAST({', '.join(f'last{number}' for number in range(parts))})"
    whole = " AND ".join(f"last{number} IS NOT NULL" for number in range(parts))
    return (
        f"WITH latest AS (SELECT controller, grp, event_at, {columns} FROM event),\n"
        f"satisfied AS (SELECT DISTINCT controller, grp, {least} AS begun, event_at AS hit_at FROM latest"
        f" WHERE {whole} AND {least} >= event_at - {correlation.span_us}"
        f" AND event_at >= {int(from_at)})\n"
        f"{_between('s.begun', parts)}"
    )


def _between(begun: str, parts: int) -> str:
    """Events that stand between the begin and the end of a satisfied stretch."""
    return (
        "SELECT e.event_at, e.controller, e.ident, e.access, e.row_count, e.record_count, e.fixed_chars, e.record,"
        f" MIN(s.hit_at) AS hit_at, CAST({parts} AS BIGINT) AS reached\n"
        f"FROM event e JOIN satisfied s ON s.controller = e.controller AND s.grp = e.grp"
        f" AND e.event_at >= {begun} AND e.event_at <= s.hit_at\n"
        "GROUP BY e.event_at, e.controller, e.ident, e.access, e.row_count, e.record_count, e.fixed_chars, e.record"
    )


def _text(name: str) -> str:
    return read_sql("quivive.detection.rules", f"{name}.sql").rstrip()
