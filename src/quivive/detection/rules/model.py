"""A rule as read: one reported topic, its parts and, if it has one, its correlation.

Built by `parse`, run by `run`, shown by the console. Must never hold a threshold on a person's work.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from sigma.conditions import ConditionFieldEqualsValueExpression, ConditionItem

from quivive.detection.rules.fields import Category
from quivive.model.alert import Severity, Switch


class CorrelationType(StrEnum):
    """The Sigma correlations that are evaluated, each over a true sliding window."""

    EVENT_COUNT = "event_count"
    VALUE_COUNT = "value_count"
    VALUE_SUM = "value_sum"
    TEMPORAL = "temporal"
    TEMPORAL_ORDERED = "temporal_ordered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One detection: events of `category` that satisfy `condition` (pySigma's parsed tree)."""

    name: str
    category: Category
    condition: ConditionItem | ConditionFieldEqualsValueExpression


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """`at_least` events, distinct values of `value`, or their sum, within `span_us` and for equal `group_by`.

    The window of an event holds what happened at most `span_us` before it, both ends included.
    """

    type: CorrelationType
    group_by: tuple[str, ...]
    span_us: int
    at_least: int
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTexts:
    """What a reader sees of a rule, in one language."""

    title: str
    description: str
    runbook: str
    legal_note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. `topic` is its name; `version` the SHA-256 of its text, 64 hex digits.

    Fields:
        certain: rests only on facts that no late evidence reverses, so it may run live.
        quota: alerts it may open a day.
        switch: part of detection that must be on for it, or None.
        text: the file's own, for a reader.
        scenarios: numbers of the misuse catalogue (detection reference §4).
    """

    topic: str
    version: str
    shipped: bool
    enabled: bool
    severity: Severity
    certain: bool
    quota: int
    switch: Switch | None
    scenarios: tuple[int, ...]
    texts: Mapping[str, RuleTexts]
    parts: tuple[Part, ...]
    correlation: Correlation | None
    text: str = ""

    def runs(self, switches: AbstractSet[Switch]) -> bool:
        """Tell whether it is enabled and its switch, if it has one, is on."""
        return self.enabled and (self.switch is None or self.switch in switches)

    @property
    def span_us(self) -> int:
        """How far before an event it looks."""
        return self.correlation.span_us if self.correlation else 0
