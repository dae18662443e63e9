"""Cases: from a doubt to a decision that stands up (DESIGN §2; law reference §1.2 D-06, §1.4, W-08).

Built by `quivive.cases`, written by the core, shown by the console. Must never hold a name or a sentence: what
people write stays sealed in the case's own folder, and a body holds its salted hash only.
"""

from dataclasses import dataclass
from enum import StrEnum


class CaseOrigin(StrEnum):
    """What made somebody open it."""

    ALERT = "alert"
    COMPLAINT = "complaint"
    VICTIM_LIST = "victim_list"


class CaseStage(StrEnum):
    """How far it came; each stage is reached by a step, in this order."""

    OPEN = "open"
    PRESERVED = "preserved"
    CLEARING = "clearing"
    HEARING = "hearing"
    PROPOSED = "proposed"
    DECIDED = "decided"
    CLOSED = "closed"


class CaseOutcome(StrEnum):
    """What was decided. NONE before."""

    NONE = "none"
    EXPLAINED = "explained"
    TRAINING = "training"
    ACCESS_RIGHTS = "access_rights"
    TOOL_ERROR = "tool_error"
    BREACH = "breach"


class StepKind(StrEnum):
    """What a person did on a case; `cases.steps` says who may do it and when."""

    PRESERVE = "preserve"
    EXHIBIT = "exhibit"
    CLEAR = "clear"
    HEARING_CALL = "hearing_call"
    HEARING = "hearing"
    PROPOSE = "propose"
    OPINION = "opinion"
    SECOND_KEY = "second_key"
    WITHHOLD = "withhold"
    OVERRIDE = "override"
    HAND_OVER = "hand_over"
    CLOSE = "close"


class ExhibitSide(StrEnum):
    """On which list an exhibit stands; what speaks for the agent has its own."""

    SUPPORTING = "supporting"
    EXCULPATORY = "exculpatory"


class ClearingMeans(StrEnum):
    """Where another explanation was looked for before the agent is heard (subsidiarity, W-05)."""

    CALLS_AND_TICKETS = "calls_and_tickets"
    ROSTER_AND_TRAINING = "roster_and_training"
    ACCESS_RIGHTS = "access_rights"
    TECHNICAL = "technical"
    CONTROLLER = "controller"


class ClearingFinding(StrEnum):
    """What was found there."""

    EXPLAINS = "explains"
    DOES_NOT_EXPLAIN = "does_not_explain"
    CANNOT_TELL = "cannot_tell"


class HearingResult(StrEnum):
    """The agent's answer is a right: declining is no admission."""

    HEARD = "heard"
    DECLINED = "declined"
    ABSENT = "absent"


class Opinion(StrEnum):
    """The data protection officer's recorded opinion; it does not decide."""

    FAVOURABLE = "favourable"
    WITH_RESERVES = "with_reserves"
    UNFAVOURABLE = "unfavourable"


class Check(StrEnum):
    """The eight dated checks of the admissibility sheet (law reference §1.4, §3)."""

    COUNCIL = "council"
    ASSESSMENT = "assessment"
    NOTICE = "notice"
    PURPOSE = "purpose"
    PROPORTIONALITY = "proportionality"
    INTEGRITY = "integrity"
    HEARD = "heard"
    TWO_MONTHS = "two_months"


class CheckState(StrEnum):
    """MISSED blocks the hand-over, or needs a written override; OPEN can still be met."""

    MET = "met"
    OPEN = "open"
    MISSED = "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseBody:
    """Body of `case`: opened by a person.

    Fields:
        case: 32 hex digits. controller: id. ident: the person, 32 hex digits, or "" while nobody is concerned.
        alert: 32 hex digits of the alert behind it, or "". topic: its rule or test, or "".
        from_at, to_at: the stretch looked at. known_at: when the employer knew the facts (L1332-4 counts from it).
        text_sha256: salted hash of what was written, "" when nothing was.
    """

    case: str
    controller: str
    ident: str
    origin: CaseOrigin
    alert: str
    topic: str
    from_at: int
    to_at: int
    known_at: int
    principal: str
    role: str
    text_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStepBody:
    """Body of `case.step`: one deed on a case. Fields that a kind does not use are "" or 0.

    Fields:
        step: 32 hex digits. taken_at: microseconds UTC.
        until_at: end of the preservation, or the instant of the hearing. object: id of an access or an alert, or the
            SHA-256 of a bundle. side, means, finding, result, outcome, opinion, check: members of the enums above.
    """

    case: str
    step: str
    step_kind: StepKind
    taken_at: int
    principal: str
    role: str
    until_at: int = 0
    object: str = ""
    side: str = ""
    means: str = ""
    finding: str = ""
    result: str = ""
    outcome: str = ""
    opinion: str = ""
    check: str = ""
    text_sha256: str = ""
