"""A second opinion on rules: plain Python, one event after the other, no SQL. Only tests use it."""

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sigma.conditions import ConditionAND, ConditionNOT, ConditionOR
from sigma.types import CompareOperators, SigmaBool, SigmaCompareExpression, SigmaExists, SigmaNull, SpecialChars

from quivive.detection.rules.model import CorrelationType, Rule

_COMPARE = {
    CompareOperators.LT: lambda a, b: a < b,
    CompareOperators.LTE: lambda a, b: a <= b,
    CompareOperators.GT: lambda a, b: a > b,
    CompareOperators.GTE: lambda a, b: a >= b,
    CompareOperators.NEQ: lambda a, b: a != b,
}


def _known(value: Any) -> bool:
    return value is not None and value not in ("", [])


def truth(node: Any, event: Mapping[str, Any]) -> bool | None:
    """Three-valued: unknown stays unknown under `not`."""
    if isinstance(node, ConditionNOT):
        inner = truth(node.args[0], event)
        return None if inner is None else not inner
    if isinstance(node, ConditionAND | ConditionOR):
        found = [truth(each, event) for each in node.args]
        decisive = isinstance(node, ConditionOR)
        if decisive in found:
            return decisive
        return None if None in found else not decisive
    return _compare(event.get(node.field), node.value)


def _compare(value: Any, wanted: Any) -> bool | None:
    if isinstance(wanted, SigmaExists | SigmaNull):
        return _known(value) == bool(isinstance(wanted, SigmaExists) and wanted.exists)
    if isinstance(wanted, SigmaBool | SigmaCompareExpression) or hasattr(wanted, "number"):
        if value is None:
            return None
        if isinstance(wanted, SigmaCompareExpression):
            return _COMPARE[wanted.op](value, wanted.number.number)
        return value == (wanted.boolean if isinstance(wanted, SigmaBool) else wanted.number)
    pieces = [
        ".*" if each is SpecialChars.WILDCARD_MULTI else "." if not isinstance(each, str) else re.escape(each)
        for each in wanted.s
    ]
    texts = value if isinstance(value, list) else [value or ""]
    return any(re.fullmatch("".join(pieces), text, re.IGNORECASE | re.DOTALL) for text in texts)


def satisfied_instants(rule: Rule, events: Sequence[Mapping[str, Any]]) -> set[tuple[str, ...]]:
    """(controller, group…, instant) at which the rule was satisfied; events in any order."""
    correlation = rule.correlation
    group = correlation.group_by if correlation else ()
    wanted = [*group, *([correlation.value] if correlation and correlation.value else [])]
    rows = []
    for number, part in enumerate(rule.parts):
        for event in events:
            if event.get("view", "access") != part.category or truth(part.condition, event) is not True:
                continue
            if all(_known(event.get(name)) for name in wanted):
                key = (event["controller"], *(str(event[name]) for name in group))
                rows.append((event["at"], number, key, event))
    rows.sort(key=lambda row: (row[0], row[1]))
    if correlation is None:
        return {(*key, str(at)) for at, _, key, _ in rows}
    groups = defaultdict(list)
    for at, number, key, event in rows:
        groups[key].append((at, number, event))
    judge = _SCANS[correlation.type]
    return {(*key, str(at)) for key, mine in groups.items() for at in judge(correlation, mine, len(rule.parts))}


def _scan_count(correlation, events, parts) -> Iterable[int]:
    window = deque()
    for index, (at, _, event) in enumerate(events):
        window.append((at, event))
        while window[0][0] < at - correlation.span_us:
            window.popleft()
        if index + 1 < len(events) and events[index + 1][0] == at:
            continue  # judge an instant once all its events are there
        if correlation.type is CorrelationType.EVENT_COUNT:
            reached = len(window)
        elif correlation.type is CorrelationType.VALUE_COUNT:
            reached = len({str(each[correlation.value]) for _, each in window})
        else:
            reached = sum(each[correlation.value] for _, each in window)
        if reached >= correlation.at_least:
            yield at


def _scan_ordered(correlation, events, parts) -> Iterable[int]:
    for at, number, _ in events:
        if number == parts - 1 and _chain(events, number, at, at - correlation.span_us):
            yield at


def _chain(events, number, before, earliest) -> bool:
    if number == 0:
        return True
    return any(n == number - 1 and earliest <= at < before and _chain(events, n, at, earliest) for at, n, _ in events)


def _scan_together(correlation, events, parts) -> Iterable[int]:
    for at, _, _ in events:
        seen = {number for other, number, _ in events if at - correlation.span_us <= other <= at}
        if len(seen) == parts:
            yield at


_SCANS = {
    CorrelationType.EVENT_COUNT: _scan_count,
    CorrelationType.VALUE_COUNT: _scan_count,
    CorrelationType.VALUE_SUM: _scan_count,
    CorrelationType.TEMPORAL_ORDERED: _scan_ordered,
    CorrelationType.TEMPORAL: _scan_together,
}
