"""Alerts: what detection found worth a person's look, within a fixed budget (DESIGN §9; detection reference §6).

Built by `quivive.detection`, written by the core, shown by the console. Must never hold a name, a login, a
sentence or a figure that measures work: codes and parameters are stored, sentences are made when shown.
"""

from dataclasses import dataclass
from enum import StrEnum


class AlertOrigin(StrEnum):
    """Which stage found it."""

    RULE = "rule"
    RESIDUAL = "residual"
    LOW_AND_SLOW = "low_and_slow"
    CANARY = "canary"
    RANDOM_AUDIT = "random_audit"


class Severity(StrEnum):
    """How much harm the topic may do, from its rule; never a judgement of a person."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class AlertState(StrEnum):
    """OPEN waits for a person; EXPLAINED was closed by later evidence; REVIEWED by a person, with an outcome.

    MUTED waits until it grows: half as many hits again, the same agent and topic at another company, or thirty days
    open it by themselves (`projection/queries/_scope.sql`, `alert_state`). There is no mute for ever.
    """

    OPEN = "open"
    MUTED = "muted"
    EXPLAINED = "explained"
    REVIEWED = "reviewed"


class ReviewOutcome(StrEnum):
    """What a reviewer concluded. A breach is never concluded here: it is `to_case` (issue 6)."""

    EXPLAINED = "explained"
    TRAINING = "training"
    ACCESS_RIGHTS = "access_rights"
    TOOL_ERROR = "tool_error"
    TO_CASE = "to_case"
    NONE = "none"


class Switch(StrEnum):
    """Parts of detection that are off until somebody turns them on with a reference (law reference §4)."""

    RESIDUAL = "residual"
    LOW_AND_SLOW = "low_and_slow"
    RANDOM_AUDIT = "random_audit"
    EXPOSURE_SEARCH = "exposure_search"
    CANARIES = "canaries"
    AGENT_WORD = "agent_word"
    OWN_RECORD = "own_record"


class IncidentKind(StrEnum):
    """What explains many hits at once, and is nobody's behaviour."""

    SOURCE_SILENT = "source_silent"
    COMMON_SHOCK = "common_shock"
    CLOCK_SKEW = "clock_skew"
    RULE_OVER_QUOTA = "rule_over_quota"
    BYPASS = "bypass"
    LOG_HOLES = "log_holes"


class WordCategory(StrEnum):
    """The agent's one-tap answer: declared, never proved."""

    CALL = "call"
    TICKET = "ticket"
    COLLEAGUE = "colleague"
    MISTYPED = "mistyped"
    TEST_OR_TRAINING = "test_or_training"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One parameter of a sentence: a code and an integer (counts, microseconds, thousandths). Never a text."""

    name: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How far a contact source was complete when the alert was made (microseconds UTC, 0 never)."""

    source: str
    complete_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """What a rule or a test found, before the budget. Pure function of final verdicts and certain facts.

    Fields:
        controller: id. ident: 32 hex digits, the person when known, else the account; "" for an operational hit.
        topic: rule id or `residual`, `low_and_slow`…; one open alert per (controller, ident, topic).
        rule_version: SHA-256 of the rule's text, or of the parameters of a test (64 hex digits).
        from_at, to_at: the stretch it rests on, microseconds UTC. day: local day `yyyymmdd` of the controller.
        accesses: access ids of the projection, 32 hex digits, in order, at most MAX_ALERT_ACCESSES.
        p_milli: mid-p of a statistical test in thousandths of minus its base-10 logarithm; 0 for a rule.
    """

    controller: str
    ident: str
    topic: str
    origin: AlertOrigin
    severity: Severity
    rule_version: str
    from_at: int
    to_at: int
    day: str
    accesses: tuple[str, ...]
    facts: tuple[Fact, ...]
    p_milli: int = 0


MAX_ALERT_ACCESSES = 50
"""Accesses an alert lists; a longer series is counted in a fact, and its period finds the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertBody:
    """Body of `alert`: opened within the budget. `alert` is 32 hex digits, a function of the hit alone.

    `hit` as found; `freshness` of the controller's contact sources at `as_of`; `would_explain` lists the
    templates that, had they matched, would have explained it.
    """

    alert: str
    as_of: int
    hit: Hit
    freshness: tuple[Freshness, ...]
    would_explain: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChangeBody:
    """Body of `alert.change`: further hits that joined an open alert, or its new state.

    `hit` is None for a change of state. `outcome` only with REVIEWED; `principal` "" when evidence did it. A hit says
    OPEN and leaves the state as it stands.
    """

    alert: str
    as_of: int
    state: AlertState
    hit: Hit | None
    outcome: ReviewOutcome
    principal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Hits of one topic that the budget kept closed on one day, and why (`budget`, `quota`, `not_rare`, `muted`)."""

    topic: str
    reason: str
    hits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFigure:
    """Do ordinary days of a peer group still look as the model says? Kolmogorov-Smirnov distance and its p-value."""

    group: str
    agent_days: int
    distance_milli: int
    p_milli: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDigestBody:
    """Body of `alert.digest`: what one day's budget opened and what it left out, visibly.

    audit_seed: hexadecimal, what the random audit was drawn with ("" when it is off). drift: by peer group.
    """

    controller: str
    day: str
    budget: int
    opened: int
    joined: int
    audited: int
    left_out: tuple[LeftOut, ...]
    audit_seed: str = ""
    drift: tuple[DriftFigure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentBody:
    """Body of `incident`: one operational cause in the place of many alerts. `to_at` 0 while it lasts."""

    incident: str
    incident_kind: IncidentKind
    controller: str
    source: str
    from_at: int
    to_at: int
    suppressed: int
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionBody:
    """Body of `agent.question`: the agent is asked about one exposure the same day, at most three a day.

    `ident` is the person (32 hex). `call_before_at`, `call_after_at`: 0 when none.
    """

    question: str
    controller: str
    ident: str
    access: str
    table: str
    accessed_at: int
    call_before_at: int
    call_after_at: int
    asked_at: int
    answer_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WordBody:
    """Body of `agent.word`: one declared answer; a later one within seven days corrects it. Never a proof."""

    question: str
    controller: str
    ident: str
    access: str
    category: WordCategory
    answered_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchBody:
    """Body of `switch` (operator's log): `reference` names the assessment or minutes behind it."""

    switch: Switch
    on: bool
    reference: str
    demonstration: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleVersionBody:
    """Body of `rule.version`: a rule in force. `rule_version` is the SHA-256 of its text; `shipped` or a user's own."""

    rule: str
    rule_version: str
    shipped: bool
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedRecordBody:
    """Body of `watched.record`: a subject's key whose every access is noticed (VIP list). Hash only.

    `owner`: the person of the directory who declared it as his own record, or "" for the VIP list. `reference`:
    code of the request behind it, never a reason in words.
    """

    controller: str
    key: str
    removed: bool
    owner: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryBody:
    """Body of `canary`: a record that no work needs. Hashes only; its contact keys let a call to it be noticed."""

    controller: str
    key: str
    contact_keys: tuple[str, ...]
    removed: bool
