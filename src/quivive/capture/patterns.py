"""Form of the search predicates of one execution: wildcards and fixed characters, never the text (DESIGN §6).

Called by the relay once per execution (re-exported by `capture.keys`). Pure; values are dropped here.
"""

from collections.abc import Sequence
from typing import Final

from quivive.capture.operands import Operands
from quivive.capture.resolve import key_column
from quivive.capture.snapshot import CatalogueSnapshot, Column, Relation
from quivive.model.access import Action, Pattern, PatternClass
from quivive.wire.plan import Comparison, Predicate, StatementPlan
from quivive.wire.shape import Literal

MAX_PATTERNS: Final = 32
"""Predicates reported for one execution."""
_SAME_FOR_ALL: Final = frozenset({Comparison.ASSIGNED, Comparison.RANGE, Comparison.IN, Comparison.ANY})


def patterns_of(
    snapshot: CatalogueSnapshot,
    plan: StatementPlan,
    slots: Sequence[Sequence[Literal]],
    binds: Sequence[bytes | None],
    bind_formats: Sequence[int],
) -> tuple[Pattern, ...]:
    """Class and fixed characters of each predicate on a protected table; values are dropped here.

    A read that nothing restricts is the pattern `schema.table.*` of class `all`.
    """
    values = Operands(slots=slots, binds=binds, bind_formats=bind_formats)
    found: dict[Pattern, None] = {}
    restricted: set[int] = set()
    for predicate in plan.predicates:
        if predicate.restricts:
            restricted.update(predicate.sources)
        for index in predicate.sources:
            owner = key_column(snapshot, plan.sources[index], predicate.column)
            if owner is not None and owner[0].protected and not _own_key(owner) and len(found) < MAX_PATTERNS:
                pattern = _pattern(predicate, f"{owner[0].name}.{owner[1].name}", values)
                found.update({} if pattern is None else {pattern: None})
    restricted.update(i for join in plan.joins for i in (join.left, join.right) if restricted & {join.left, join.right})
    reads = plan.action in {Action.READ, Action.LIST, Action.EXPORT, Action.UPDATE, Action.DELETE}
    for index in plan.shown if reads else ():
        relation = snapshot.named(plan.sources[index])
        bases = () if relation is None or index in restricted else snapshot.bases(relation)
        for base in bases:
            if base.protected and not (plan.ddl and index == plan.target) and len(found) < MAX_PATTERNS:
                found[Pattern(column=f"{base.name}.*", pattern_class=PatternClass.ALL, fixed_chars=0)] = None
    return tuple(found)


def values_decide(snapshot: CatalogueSnapshot, plan: StatementPlan) -> bool:
    """Whether `patterns_of` depends on literals and binds; if not, one answer holds for every execution of a plan."""
    for predicate in plan.predicates:
        if predicate.comparison in _SAME_FOR_ALL:
            continue
        for index in predicate.sources:
            owner = key_column(snapshot, plan.sources[index], predicate.column)
            if owner is not None and owner[0].protected and not _own_key(owner):
                return True
    return False


def _own_key(owner: tuple[Relation, Column]) -> bool:
    table = owner[0].table
    return table is not None and owner[1].name in table.key


def _pattern(predicate: Predicate, column: str, values: Operands) -> Pattern | None:
    if predicate.comparison is Comparison.ASSIGNED:
        return None
    if predicate.comparison is Comparison.RANGE:
        return Pattern(column=column, pattern_class=PatternClass.RANGE, fixed_chars=0)
    if predicate.comparison in {Comparison.IN, Comparison.ANY}:
        return Pattern(column=column, pattern_class=PatternClass.EQUALS, fixed_chars=0)
    parts = [values.text(operand) for operand in predicate.operands]
    text = "".join(part or "" for part in parts)
    unknown = any(part is None for part in parts)
    kind, fixed = _classify(predicate.comparison, text)
    if unknown:
        kind = PatternClass.CONTAINS if predicate.comparison is not Comparison.EQUALS else PatternClass.EQUALS
    return Pattern(column=column, pattern_class=kind, fixed_chars=fixed)


def _classify(comparison: Comparison, text: str) -> tuple[PatternClass, int]:
    if comparison is Comparison.EQUALS:
        return PatternClass.EQUALS, len(text)
    if comparison is Comparison.PREFIX:
        return (PatternClass.PREFIX if text else PatternClass.ALL), len(text)
    if comparison is Comparison.REGEX:
        fixed = sum(letter.isalnum() for letter in text)
        anchored = text.startswith("^"), text.endswith("$")
        if fixed == 0:
            return PatternClass.ALL, 0
        plain = text.strip("^$").isalnum()
        if all(anchored):
            return (PatternClass.EQUALS if plain else PatternClass.CONTAINS), fixed
        return (
            PatternClass.PREFIX if anchored[0] else PatternClass.SUFFIX if anchored[1] else PatternClass.CONTAINS
        ), fixed
    return _like(text)


def _like(text: str) -> tuple[PatternClass, int]:
    """LIKE: `%` any run, `_` one character, backslash escapes."""
    fixed, wild, letters = 0, [], iter(text)
    for letter in letters:
        if letter in "%_":
            wild.append(True)
        else:
            fixed += 1
            wild.append(False)
            if letter == "\\":
                next(letters, "")
    if not any(wild):
        return PatternClass.EQUALS, fixed
    if fixed == 0:
        return PatternClass.ALL, 0
    first, last = wild[0], wild[-1]
    if first and not last:
        return PatternClass.SUFFIX, fixed
    if last and not first:
        return PatternClass.PREFIX, fixed
    return PatternClass.CONTAINS, fixed
