"""Rows of alerts as the pages read them: what an alert says, what changed, what the budget left out, common causes.

Built from the dictionaries of the projection; read by the alert pages, their sentences and the home page. Must never
hold an AgentKey or a PersonKey (agents are neutral codes), and never invent a figure.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from quivive.web.rows import flag, names, number, text


def items(row: Mapping[str, object], name: str) -> list[object]:
    """A list that the projection keeps as JSON text, or gives as a list; anything else is empty."""
    value = row.get(name)
    if isinstance(value, str) and value:
        value = json.loads(value)
    return list(value) if isinstance(value, (list, tuple)) else []


def facts_of(row: Mapping[str, object], name: str = "facts") -> dict[str, int]:
    """Facts by name, in their stored order."""
    found: dict[str, int] = {}
    for item in items(row, name):
        if isinstance(item, Mapping):
            found[text(item, "name")] = number(item, "value")
    return found


DRIFT_P_MILLI: Final = 3_000
"""A peer group's ordinary days are told to fit no longer below one in a thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReach:
    """How far one source was complete when the alert was made; 0 = never."""

    source: str
    complete_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One alert. `at`: when it was opened. `day`: local day of the controller, `yyyymmdd`. Facts by name."""

    alert: str
    at: int
    controller: str
    agent_code: str
    topic: str
    origin: str
    severity: str
    state: str
    outcome: str
    from_at: int
    to_at: int
    day: str
    joined: int
    facts: Mapping[str, int]
    rule_version: str
    freshness: tuple[SourceReach, ...]
    would_explain: tuple[str, ...]


def read_alert(row: Mapping[str, object]) -> AlertRow:
    """Read one row of `alerts` or `alert`."""
    return AlertRow(
        alert=text(row, "alert"),
        at=number(row, "opened_at"),
        controller=text(row, "controller"),
        agent_code=text(row, "agent_code"),
        topic=text(row, "topic"),
        origin=text(row, "origin"),
        severity=text(row, "severity"),
        state=text(row, "state"),
        outcome=text(row, "outcome"),
        from_at=number(row, "from_at"),
        to_at=number(row, "to_at"),
        day=text(row, "day"),
        joined=number(row, "joined"),
        facts=facts_of(row),
        rule_version=text(row, "rule_version"),
        freshness=tuple(
            SourceReach(source=text(item, "source"), complete_to=number(item, "complete_to"))
            for item in items(row, "freshness")
            if isinstance(item, Mapping)
        ),
        would_explain=names(row, "would_explain"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One change of an alert: a further hit, later evidence, or a person's review (`principal` "" = evidence)."""

    at: int
    state: str
    outcome: str
    principal: str
    is_hit: bool
    day: str
    facts: Mapping[str, int]


def read_changes(row: Mapping[str, object]) -> tuple[ChangeRow, ...]:
    """Read the changes of one row of `alert`, oldest first."""
    return tuple(
        ChangeRow(
            at=number(item, "changed_at"),
            state=text(item, "state"),
            outcome=text(item, "outcome"),
            principal=text(item, "principal"),
            is_hit=flag(item, "is_hit"),
            day=text(item, "day"),
            facts=facts_of(item),
        )
        for item in items(row, "changes")
        if isinstance(item, Mapping)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutRow:
    """Hits of one topic that stayed closed on a day, and why."""

    topic: str
    reason: str
    hits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRow:
    """One peer group of a day: does the model still tell its ordinary days?"""

    group: str
    agent_days: int
    distance_milli: int
    p_milli: int

    @property
    def fits(self) -> bool:
        """Ordinary days as expected, unless chance would show such a distance less than once in a thousand times."""
        return self.p_milli < DRIFT_P_MILLI


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestDay:
    """One day of one controller: what the budget opened and what it left out."""

    controller: str
    day: str
    budget: int
    opened: int
    joined: int
    audited: int
    left_out: tuple[LeftOutRow, ...]
    audit_seed: str = ""
    drift: tuple[DriftRow, ...] = ()

    @property
    def hits_left_out(self) -> int:
        """Hits that opened nothing."""
        return sum(item.hits for item in self.left_out)


def read_digest(row: Mapping[str, object]) -> DigestDay:
    """Read one row of `alert_digest`."""
    return DigestDay(
        controller=text(row, "controller"),
        day=text(row, "day"),
        budget=number(row, "budget"),
        opened=number(row, "opened"),
        joined=number(row, "joined"),
        audited=number(row, "audited"),
        left_out=tuple(
            LeftOutRow(topic=text(item, "topic"), reason=text(item, "reason"), hits=number(item, "hits"))
            for item in items(row, "left_out")
            if isinstance(item, Mapping)
        ),
        audit_seed=text(row, "audit_seed"),
        drift=tuple(
            DriftRow(
                group=text(item, "group"),
                agent_days=number(item, "agent_days"),
                distance_milli=number(item, "distance_milli"),
                p_milli=number(item, "p_milli"),
            )
            for item in items(row, "drift")
            if isinstance(item, Mapping)
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRow:
    """A technical or common cause in the place of many alerts. `to_at` 0 = it lasts."""

    kind: str
    controller: str
    source: str
    from_at: int
    to_at: int
    suppressed: int
    facts: Mapping[str, int]


def read_cause(row: Mapping[str, object]) -> CauseRow:
    """Read one row of `incidents`."""
    return CauseRow(
        kind=text(row, "incident_kind"),
        controller=text(row, "controller"),
        source=text(row, "source"),
        from_at=number(row, "from_at"),
        to_at=number(row, "to_at"),
        suppressed=number(row, "suppressed"),
        facts=facts_of(row),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsAround:
    """The agent's call before (or during) an access and the next one; instants 0 when none, an end 0 while it lasts."""

    before_label: str
    before_from_at: int
    before_to_at: int
    after_label: str
    after_from_at: int


NO_CALLS: Final = CallsAround(before_label="", before_from_at=0, before_to_at=0, after_label="", after_from_at=0)


def read_calls(row: Mapping[str, object]) -> CallsAround:
    """Read one row of `calls_around`."""
    return CallsAround(
        before_label=text(row, "before_label"),
        before_from_at=number(row, "before_from_at"),
        before_to_at=number(row, "before_to_at"),
        after_label=text(row, "after_label"),
        after_from_at=number(row, "after_from_at"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredWord:
    """What an agent declared about one access; `current` unless a later word corrected it. Never proved."""

    access: str
    category: str
    answered_at: int
    current: bool


def read_word(access: str, row: Mapping[str, object]) -> DeclaredWord:
    """Read one row of `words_of_access`."""
    return DeclaredWord(
        access=access,
        category=text(row, "category"),
        answered_at=number(row, "answered_at"),
        current=flag(row, "is_current"),
    )


def is_on(rows: list[dict[str, object]], switch: str) -> bool:
    """Tell whether a part of detection is switched on; off before any entry."""
    return any(text(row, "switch") == switch and flag(row, "is_on") for row in rows)
