"""The register: campaigns of recording or listening, notices to agents, analysis documents (law reference §1.3).

Built by `quivive.recordings`, written by the core, projected, shown by the console; what happened stands in
`recording`. Must never hold a name, a mark or a remark of an evaluation: those stay sealed in the vault, on their
own clock. Instants are microseconds UTC, 0 when absent; a person is a PersonKey of the directory, 32 hex digits.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from quivive.model.recording import Medium, Purpose

MAX_PERIODS = 400
"""Stretches one campaign announces: two a day for half a year, the longest a recording may be kept."""

MAX_LISTENERS = 50
"""Persons named to listen in one campaign; more is no longer "limited to those who train or evaluate" (R-12)."""

OCCASIONAL: Final = frozenset({Purpose.TRAINING, Purpose.EVALUATION, Purpose.QUALITY})
"""Purposes for which recording is occasional only, and kept 180 days at most (R-02, R-04)."""


class Trigger(StrEnum):
    """What starts a recording: a random draw, the agent by hand (R-03, R-06), or every call (R-02 forbids it)."""

    SAMPLE = "sample"
    AGENT = "agent"
    ALL = "all"


class LegalBasis(StrEnum):
    """GDPR article 6 as a campaign declares it; NONE is what a draft says before somebody chose."""

    NONE = "none"
    LEGITIMATE_INTEREST = "legitimate_interest"
    LEGAL_OBLIGATION = "legal_obligation"
    CONTRACT = "contract"
    CONSENT = "consent"


class Payment(StrEnum):
    """Card payment on these calls: none, with an interruption of the recording, or nobody said (R-07)."""

    UNSTATED = "unstated"
    NONE = "none"
    PAUSED = "paused"


class Wanted(StrEnum):
    """What a draft may ask for and never gets; named so that the refusal can say which text (R-08, R-13)."""

    SCREEN_CAPTURE = "screen_capture"
    SCREEN_VIDEO = "screen_video"
    EMOTION = "emotion"
    VOICE_PRINT = "voice_print"


class CampaignState(StrEnum):
    """REFUSED by a rule, PROPOSED waits for a second person, ANNOUNCED binds notices and gate, ENDED stops at once."""

    REFUSED = "refused"
    PROPOSED = "proposed"
    ANNOUNCED = "announced"
    ENDED = "ended"


class RefusalCode(StrEnum):
    """Why a draft is refused. `CLAUSE` gives the requirement of the law reference; sentences are made when shown."""

    PURPOSE_UNKNOWN = "purpose_unknown"
    BASIS_MISSING = "basis_missing"
    BASIS_UNFIT = "basis_unfit"
    POPULATION_MISSING = "population_missing"
    LISTENERS_MISSING = "listeners_missing"
    TOO_MANY_LISTENERS = "too_many_listeners"
    PERMANENT = "permanent"
    SYSTEMATIC = "systematic"
    SHARE_TOO_HIGH = "share_too_high"
    CAP_MISSING = "cap_missing"
    NO_END = "no_end"
    NO_PERIOD = "no_period"
    PERIOD_OUTSIDE = "period_outside"
    INCIVILITY_BY_AGENT_ONLY = "incivility_by_agent_only"
    RETENTION_MISSING = "retention_missing"
    RETENTION_TOO_LONG = "retention_too_long"
    ANALYSIS_TOO_LONG = "analysis_too_long"
    EVIDENCE_OUTBOUND_SALE = "evidence_outbound_sale"
    EVIDENCE_BY_HAND_ONLY = "evidence_by_hand_only"
    NECESSITY_MISSING = "necessity_missing"
    PAYMENT_UNSTATED = "payment_unstated"
    SCREEN_CAPTURE = "screen_capture"
    NO_NEUTRALISATION = "no_neutralisation"
    NOTICE_TOO_SHORT = "notice_too_short"
    ANNOUNCEMENT_MISSING = "announcement_missing"
    OBJECTION_MISSING = "objection_missing"
    EMOTION_OR_VOICE = "emotion_or_voice"
    LEGAL_TEXT_MISSING = "legal_text_missing"


CLAUSE: Final[dict[RefusalCode, str]] = {
    RefusalCode.PURPOSE_UNKNOWN: "R-01",
    RefusalCode.BASIS_MISSING: "R-01",
    RefusalCode.BASIS_UNFIT: "R-01",
    RefusalCode.POPULATION_MISSING: "R-01",
    RefusalCode.LISTENERS_MISSING: "R-12",
    RefusalCode.TOO_MANY_LISTENERS: "R-12",
    RefusalCode.PERMANENT: "R-02",
    RefusalCode.SYSTEMATIC: "R-02",
    RefusalCode.SHARE_TOO_HIGH: "R-02",
    RefusalCode.CAP_MISSING: "R-02",
    RefusalCode.NO_END: "R-02",
    RefusalCode.NO_PERIOD: "R-10",
    RefusalCode.PERIOD_OUTSIDE: "R-10",
    RefusalCode.INCIVILITY_BY_AGENT_ONLY: "R-03",
    RefusalCode.RETENTION_MISSING: "R-04",
    RefusalCode.RETENTION_TOO_LONG: "R-04",
    RefusalCode.ANALYSIS_TOO_LONG: "R-05",
    RefusalCode.EVIDENCE_OUTBOUND_SALE: "R-06",
    RefusalCode.EVIDENCE_BY_HAND_ONLY: "R-06",
    RefusalCode.NECESSITY_MISSING: "R-06",
    RefusalCode.PAYMENT_UNSTATED: "R-07",
    RefusalCode.SCREEN_CAPTURE: "R-08",
    RefusalCode.NO_NEUTRALISATION: "R-09",
    RefusalCode.NOTICE_TOO_SHORT: "R-10",
    RefusalCode.ANNOUNCEMENT_MISSING: "R-11",
    RefusalCode.OBJECTION_MISSING: "R-11",
    RefusalCode.EMOTION_OR_VOICE: "R-13",
    RefusalCode.LEGAL_TEXT_MISSING: "R-14",
}
"""The requirement of `reference/law.md` §1.3 behind each refusal; shown beside its sentence."""


class WarningCode(StrEnum):
    """What a lawful draft should still be asked about; never stored, only shown."""

    SHARE_HIGH = "share_high"
    CAP_HIGH = "cap_high"
    KEPT_LONG = "kept_long"
    BEGINS_SOON = "begins_soon"


class NoticeChannel(StrEnum):
    """How an agent is told: many have no e-mail."""

    CONSOLE = "console"
    EMAIL = "email"
    CALENDAR = "calendar"
    KIOSK = "kiosk"
    SHEET = "sheet"


class NoticeState(StrEnum):
    """SENT is ours alone; DELIVERED, ACKNOWLEDGED and REFUSED (to sign) prove it reached the agent; FAILED did not."""

    SENT = "sent"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    FAILED = "failed"


PROVEN: Final = frozenset({NoticeState.DELIVERED, NoticeState.ACKNOWLEDGED, NoticeState.REFUSED})
"""States from which the lead time counts: a refusal to sign is a delivery."""


class NeutralisedScope(StrEnum):
    """What a token takes out of recording and listening: everything of a person, or one line (private calls)."""

    PERSON = "person"
    LINE = "line"


class DocumentState(StrEnum):
    """MADE by the evaluator, SHOWN to the agent on his own page, ERASED on its clock."""

    MADE = "made"
    SHOWN = "shown"
    ERASED = "erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """An announced stretch, from–to."""

    from_at: int
    to_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who may listen: a principal of the console, a person of the directory (telephony), or both."""

    principal: str = ""
    person: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One rule a draft breaks: `found` and `limit` are the figures of its sentence (days, thousandths, counts)."""

    code: RefusalCode
    found: int = 0
    limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignBody:
    """Body of `recording.campaign`: one version of a campaign of recording or listening, whole.

    Fields:
        campaign: short name `[a-z][a-z0-9-]{1,47}`, chosen by who drafts it. version: 1, 2, …
        controller: whose calls. sites, teams: of the agents concerned; () is all of them.
        queues: of the calls, as telephony names them (queue or dialler campaign); () is all of them.
        purpose: a `Purpose`, or what a refused draft said in its place.
        legal_text: reference of the text for legal_duty, or for a share above the limit; "" none.
        necessity: why nothing less would do; mandatory for contract_evidence.
        from_at, to_at: first and last instant of the campaign; to_at 0 is "no end" and refused.
        periods: what is announced to the agents.
        share_permille: of the calls inside the periods, in thousandths; cap_month: per agent and calendar month.
        retention_days: of the sound, from the end of the call. analysis_days: of analysis documents.
        announcement: version of what callers hear; announcement_sha256: hash of its text, "" when not given.
        objection: the caller can object until the end of the call. neutralisation: agents can take a call out.
        lead_us: least time between proof of notice and the first recording.
        proposed_by, approved_by: principals. refusals: only when REFUSED. demonstration: no real agent is concerned.
    """

    campaign: str
    version: int
    state: CampaignState
    controller: str
    purpose: str
    media: tuple[Medium, ...]
    basis: LegalBasis
    legal_text: str
    necessity: str
    sites: tuple[str, ...]
    teams: tuple[str, ...]
    queues: tuple[str, ...]
    outbound_sale: bool
    trigger: Trigger
    from_at: int
    to_at: int
    periods: tuple[Period, ...]
    share_permille: int
    cap_month: int
    listeners: tuple[Listener, ...]
    retention_days: int
    analysis_days: int
    announcement: str
    announcement_sha256: str
    objection: bool
    neutralisation: bool
    payment: Payment
    wanted: tuple[Wanted, ...]
    lead_us: int
    proposed_by: str
    approved_by: str
    refusals: tuple[Refusal, ...]
    demonstration: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeBody:
    """Body of `recording.notice` (operator's log): what became of the notice of one campaign version to one person.

    `notice` is 32 hex digits, a function of campaign, version, person and channel. `at`: when the state began.
    `proof`: hash (64 hex digits) of the server's answer, of the sign-in sheet or of the typed code; "" none.
    `principal`: who sent it, imported it or, for the agent, the own space; never a name.
    """

    notice: str
    campaign: str
    version: int
    controller: str
    person: str
    channel: NoticeChannel
    state: NoticeState
    at: int
    proof: str
    principal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeutralisedBody:
    """Body of `recording.neutralised` (operator's log): an opaque token nobody may record or listen to.

    `token`: a PersonKey, or the key of a line. Never why: protected employee and private line look alike.
    """

    token: str
    scope: NeutralisedScope
    from_at: int
    to_at: int
    removed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One line of a grid: what is looked at in a call, in both languages, and its highest mark."""

    code: str
    french: str
    english: str
    highest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GridBody:
    """Body of `analysis.grid` (operator's log): one version of an evaluation grid, announced before use (W-03)."""

    grid: str
    version: int
    purpose: Purpose
    criteria: tuple[Criterion, ...]
    in_force_at: int
    withdrawn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentBody:
    """Body of `analysis.document`: an analysis of one call, with its own clock (R-05). Its content stays in the vault.

    `document` is 32 hex digits. `content_sha256`: of what the vault keeps sealed until `expires_at`, then erases.
    `person`: who is told the result. `principal`: the evaluator. `state`: `made`, `shown` to the agent, `erased`.
    """

    document: str
    version: int
    controller: str
    campaign: str
    campaign_version: int
    grid: str
    grid_version: int
    recording: str
    listening: str
    person: str
    principal: str
    content_sha256: str
    made_at: int
    expires_at: int
    state: DocumentState
