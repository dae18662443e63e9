"""Recordings and listening: answers of the gate and what happened (DESIGN §10; law reference §1.3).

Written by the gate, the connectors and the core, projected, shown by the console; the register's part stands in
`recording_register`. Must never hold a name, a sound, a transcript, a file path in clear or a word about a voice:
pseudonyms, instants, codes and hashes only. Instants are microseconds UTC, 0 when absent; a person is a PersonKey
of the directory, 32 hex digits, "" when unknown.
"""

from dataclasses import dataclass
from enum import StrEnum


class Purpose(StrEnum):
    """Why a call may be recorded or listened to: the closed list of the authority (R-01)."""

    TRAINING = "training"
    EVALUATION = "evaluation"
    QUALITY = "quality"
    CONTRACT_EVIDENCE = "contract_evidence"
    LEGAL_DUTY = "legal_duty"


class Medium(StrEnum):
    """What a campaign announces: sound that is kept, or a third person who listens while it happens."""

    RECORDING = "recording"
    LISTENING = "listening"


class GateReason(StrEnum):
    """Why the gate answered as it did. Only PERMITTED and BY_HAND say yes."""

    PERMITTED = "permitted"
    BY_HAND = "by_hand"
    NO_CAMPAIGN = "no_campaign"
    OUTSIDE_PERIOD = "outside_period"
    NO_NOTICE = "no_notice"
    NOTICE_TOO_RECENT = "notice_too_recent"
    NOT_SAMPLED = "not_sampled"
    CAP_REACHED = "cap_reached"
    PROTECTED_AGENT = "protected_agent"
    PRIVATE_CALL = "private_call"
    OBJECTION = "objection"
    PAYMENT_STEP = "payment_step"
    NO_ANNOUNCEMENT = "no_announcement"
    NOT_A_LISTENER = "not_a_listener"
    UNKNOWN_AGENT = "unknown_agent"
    GATE_NOT_ACTIVE = "gate_not_active"
    POLICY_STALE = "policy_stale"
    TRACE_NOT_WRITTEN = "trace_not_written"


class ListeningKind(StrEnum):
    """LIVE hears both, WHISPER speaks to the agent, BARGE joins the call; the others concern kept sound."""

    LIVE = "live"
    WHISPER = "whisper"
    BARGE = "barge"
    PLAYBACK = "playback"
    DOWNLOAD = "download"


class ListeningReason(StrEnum):
    """What a listener declared; UNSTATED when a source saw a listening nobody gave a reason for."""

    UNSTATED = "unstated"
    COACHING = "coaching"
    EVALUATION = "evaluation"
    CALIBRATION = "calibration"
    COMPLAINT = "complaint"
    EVIDENCE = "evidence"
    SUBJECT_REQUEST = "subject_request"


class SegmentState(StrEnum):
    """A stretch of a recording: kept, interrupted (card data), or overwritten by silence."""

    ON = "on"
    PAUSED = "paused"
    MASKED = "masked"


class NonconformityKind(StrEnum):
    """What happened outside what was announced. Each is aimed at who decided it, never at the agent heard."""

    NO_PURPOSE = "no_purpose"
    OUTSIDE_PERIOD = "outside_period"
    NO_NOTICE = "no_notice"
    ABOVE_SHARE = "above_share"
    ABOVE_CAP = "above_cap"
    NO_PAUSE = "no_pause"
    NOT_A_LISTENER = "not_a_listener"
    PROTECTED_AGENT = "protected_agent"
    PRIVATE_CALL = "private_call"
    AFTER_OBJECTION = "after_objection"
    NO_ANNOUNCEMENT = "no_announcement"
    GATE_IGNORED = "gate_ignored"
    GATE_NOT_ASKED = "gate_not_asked"
    OVERDUE = "overdue"


class ObjectionChannel(StrEnum):
    """How the caller objected, before the end of the call or after it."""

    KEY = "key"
    SPOKEN = "spoken"
    REQUEST = "request"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerBody:
    """Body of `recording.answer`: one answer of the gate, whatever it was.

    `medium`: what was asked. `contact`: ContactKey of the call, "" when the exchange gave none. `agent`: AgentKey
    asked about. `listener`: principal or AgentKey of who would listen. `policy_at`: when the policy in force was
    made. `draw`: the draw in thousandths behind NOT_SAMPLED and PERMITTED, -1 when none was made; `day`: its seed's
    day `yyyymmdd`, "" none.
    """

    answer: str
    controller: str
    medium: Medium
    allowed: bool
    reason: GateReason
    campaign: str
    version: int
    contact: str
    agent: str
    person: str
    listener: str
    asked_at: int
    policy_at: int
    draw: int
    day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of one recording and whether its sound was kept."""

    from_at: int
    to_at: int
    state: SegmentState


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingBody:
    """Body of `recording`: one version of one recording. The clock of its retention starts at `call_ended_at`.

    `recording` is 32 hex digits (keyed, of the source and its native id). `answer`: the gate's answer behind it, ""
    when none. `media_sha256`: of the sound, "" while unknown. `location`: keyed hash of file or object name.
    `purpose`: a Purpose or "". `announced`: the caller's announcement was played, by the source's word.
    """

    recording: str
    version: int
    controller: str
    campaign: str
    campaign_version: int
    purpose: str
    answer: str
    contact: str
    agent: str
    person: str
    queue: str
    started_at: int
    ended_at: int
    call_ended_at: int
    segments: tuple[Segment, ...]
    announced: bool
    media_sha256: str
    location: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListeningBody:
    """Body of `listening`: one person heard a call as it happened, or a recording afterwards.

    `listening` is 32 hex digits. `recording`: "" for a call as it happens. `person`: who was heard. `listener`:
    AgentKey of the listener in the source's system, `listener_person` his PersonKey, `principal` of our own page.
    `heard_ms`: sound actually heard, -1 when the source does not say. `case`: opaque id, for a download.
    """

    listening: str
    version: int
    controller: str
    listening_kind: ListeningKind
    campaign: str
    campaign_version: int
    purpose: str
    reason: ListeningReason
    recording: str
    contact: str
    agent: str
    person: str
    listener: str
    listener_person: str
    principal: str
    started_at: int
    ended_at: int
    heard_ms: int
    case: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NonconformityBody:
    """Body of `nonconformity`: what happened against what was announced, and whom it is put to.

    `nonconformity` is 32 hex digits, a function of kind and object. `aimed_at`: the listener's or the campaign's
    owner's principal or PersonKey, never the agent heard. `found`, `limit`: figures of its sentence.
    `closed_by`: principal, "" while open.
    """

    nonconformity: str
    version: int
    controller: str
    nonconformity_kind: NonconformityKind
    medium: Medium
    campaign: str
    recording: str
    listening: str
    contact: str
    person: str
    aimed_at: str
    happened_at: int
    found_at: int
    found: int
    limit: int
    closed_by: str
    closing_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionBody:
    """Body of `objection`: a caller objected; what was captured on that call is deleted."""

    controller: str
    contact: str
    channel: ObjectionChannel
    objected_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedBody:
    """Body of `recording.seed`: the seed of one campaign and UTC day `yyyymmdd`, first committed to, then revealed.

    `commitment`: 64 hex digits, written before the day begins. `seed`: "" until the day has ended, then 64 hex digits.
    """

    controller: str
    campaign: str
    day: str
    commitment: str
    seed: str
