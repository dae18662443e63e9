"""The entry envelope and the closed list of entry kinds (DESIGN §7; ADR 0001).

Every package that writes or reads the ledger uses these names. Must never gain a free-form kind:
a new kind is a new member here, a retention class in `KIND_CLASS` and a row in docs/glossary.md.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

ENTRY_VERSION: Final = 1


class EntryKind(StrEnum):
    ACCESS = "access"
    ACCESS_COUNT = "access.count"
    ACCESS_SECOND = "access.second"
    LINK = "link"
    LINK_BATCH = "link.batch"
    CONTACT = "contact"
    HEARTBEAT = "heartbeat"
    GAP = "gap"
    DIRECTORY_AGENT = "directory.agent"
    ROSTER_SHIFT = "roster.shift"
    GATE_STATE = "gate.state"
    INSTRUCTION = "instruction"
    CATALOGUE_VERSION = "catalogue.version"
    CONFIGURATION = "configuration"
    ACT = "act"
    PARAMETERS = "parameters"
    VERDICTS_DAY = "verdicts.day"
    SHARD_OPEN = "shard.open"
    ALERT = "alert"
    ALERT_CHANGE = "alert.change"
    ALERT_DIGEST = "alert.digest"
    INCIDENT = "incident"
    AGENT_QUESTION = "agent.question"
    AGENT_WORD = "agent.word"
    SWITCH = "switch"
    RULE_VERSION = "rule.version"
    WATCHED_RECORD = "watched.record"
    CANARY = "canary"
    PURGE = "purge"
    HOLD = "hold"
    HOLD_RELEASE = "hold.release"
    ERASURE = "erasure"
    RETENTION_CHECK = "retention.check"
    APPROVAL = "approval"
    CASE = "case"
    CASE_STEP = "case.step"
    GATE_RECORD = "gate.record"
    REGISTER_ROW = "register.row"
    ATTESTATION = "attestation"
    RECORDING_CAMPAIGN = "recording.campaign"
    RECORDING_NOTICE = "recording.notice"
    RECORDING_NEUTRALISED = "recording.neutralised"
    RECORDING_ANSWER = "recording.answer"
    RECORDING_SEED = "recording.seed"
    RECORDING = "recording"
    LISTENING = "listening"
    NONCONFORMITY = "nonconformity"
    OBJECTION = "objection"
    RECORDING_PLAN = "recording.plan"
    RECORDING_STEP = "recording.step"
    RECORDING_PURGE = "recording.purge"
    RECORDING_HOLD = "recording.hold"
    ANALYSIS_GRID = "analysis.grid"
    ANALYSIS_DOCUMENT = "analysis.document"


class RetentionClass(StrEnum):
    """One clock each (DESIGN §7): trace 365 days, alert 90, governance 5 years, consent proof 3 years."""

    TRACE = "trace"
    ALERT = "alert"
    GOVERNANCE = "governance"
    CONSENT = "consent"
    CERTIFICATE = "certificate"


KIND_CLASS: Final[dict[EntryKind, RetentionClass]] = {
    EntryKind.ACCESS: RetentionClass.TRACE,
    EntryKind.ACCESS_COUNT: RetentionClass.TRACE,
    EntryKind.ACCESS_SECOND: RetentionClass.TRACE,
    EntryKind.LINK: RetentionClass.TRACE,
    EntryKind.LINK_BATCH: RetentionClass.TRACE,
    EntryKind.CONTACT: RetentionClass.TRACE,
    EntryKind.HEARTBEAT: RetentionClass.TRACE,
    EntryKind.GAP: RetentionClass.GOVERNANCE,
    EntryKind.DIRECTORY_AGENT: RetentionClass.GOVERNANCE,
    EntryKind.ROSTER_SHIFT: RetentionClass.TRACE,
    EntryKind.GATE_STATE: RetentionClass.GOVERNANCE,
    EntryKind.INSTRUCTION: RetentionClass.GOVERNANCE,
    EntryKind.CATALOGUE_VERSION: RetentionClass.GOVERNANCE,
    EntryKind.CONFIGURATION: RetentionClass.GOVERNANCE,
    EntryKind.ACT: RetentionClass.GOVERNANCE,
    EntryKind.PARAMETERS: RetentionClass.GOVERNANCE,
    EntryKind.VERDICTS_DAY: RetentionClass.GOVERNANCE,
    EntryKind.SHARD_OPEN: RetentionClass.CERTIFICATE,
    EntryKind.ALERT: RetentionClass.ALERT,
    EntryKind.ALERT_CHANGE: RetentionClass.ALERT,
    EntryKind.ALERT_DIGEST: RetentionClass.ALERT,
    EntryKind.INCIDENT: RetentionClass.GOVERNANCE,
    EntryKind.AGENT_QUESTION: RetentionClass.ALERT,
    EntryKind.AGENT_WORD: RetentionClass.ALERT,
    EntryKind.SWITCH: RetentionClass.GOVERNANCE,
    EntryKind.RULE_VERSION: RetentionClass.GOVERNANCE,
    EntryKind.WATCHED_RECORD: RetentionClass.GOVERNANCE,
    EntryKind.CANARY: RetentionClass.GOVERNANCE,
    EntryKind.PURGE: RetentionClass.CERTIFICATE,
    EntryKind.HOLD: RetentionClass.GOVERNANCE,
    EntryKind.HOLD_RELEASE: RetentionClass.GOVERNANCE,
    EntryKind.ERASURE: RetentionClass.GOVERNANCE,
    EntryKind.RETENTION_CHECK: RetentionClass.GOVERNANCE,
    EntryKind.APPROVAL: RetentionClass.GOVERNANCE,
    EntryKind.CASE: RetentionClass.GOVERNANCE,
    EntryKind.CASE_STEP: RetentionClass.GOVERNANCE,
    EntryKind.GATE_RECORD: RetentionClass.GOVERNANCE,
    EntryKind.REGISTER_ROW: RetentionClass.GOVERNANCE,
    EntryKind.ATTESTATION: RetentionClass.GOVERNANCE,
    EntryKind.RECORDING_CAMPAIGN: RetentionClass.GOVERNANCE,
    EntryKind.RECORDING_NOTICE: RetentionClass.GOVERNANCE,
    EntryKind.RECORDING_NEUTRALISED: RetentionClass.GOVERNANCE,
    EntryKind.RECORDING_ANSWER: RetentionClass.TRACE,
    EntryKind.RECORDING_SEED: RetentionClass.GOVERNANCE,
    EntryKind.RECORDING: RetentionClass.TRACE,
    EntryKind.LISTENING: RetentionClass.TRACE,
    EntryKind.NONCONFORMITY: RetentionClass.GOVERNANCE,
    EntryKind.OBJECTION: RetentionClass.TRACE,
    EntryKind.RECORDING_PLAN: RetentionClass.GOVERNANCE,
    EntryKind.RECORDING_STEP: RetentionClass.GOVERNANCE,
    EntryKind.RECORDING_PURGE: RetentionClass.CERTIFICATE,
    EntryKind.RECORDING_HOLD: RetentionClass.GOVERNANCE,
    EntryKind.ANALYSIS_GRID: RetentionClass.GOVERNANCE,
    EntryKind.ANALYSIS_DOCUMENT: RetentionClass.GOVERNANCE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolEvent:
    """What a source writes: an entry without `ingested_at` and `class`, which the core adds.

    `body` is a JSON object already encoded (UTF-8, sorted keys, integers only): the source encodes it once.
    `captured_at` is the instant of the event at the source; it decides the segment's day.
    """

    kind: EntryKind
    source: str
    epoch: int
    seq: int
    captured_at: int
    controller: str
    key_id: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A decoded ledger entry. `body` is the decoded JSON object; typed bodies live beside their noun."""

    v: int
    kind: EntryKind
    id: str
    source: str
    epoch: int
    seq: int
    captured_at: int
    ingested_at: int
    controller: str
    retention_class: RetentionClass
    key_id: str
    body: dict[str, Any]


class ActKind(StrEnum):
    """Acts of principals on the console and the API; each is an entry, durable before the answer."""

    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    SIGN_IN_REFUSED = "sign_in_refused"
    SEARCH_SUBJECT = "search_subject"
    VIEW_SUBJECT = "view_subject"
    VIEW_ACTIVITY_OPEN = "view_activity_open"
    VIEW_ACTIVITY_CLOSE = "view_activity_close"
    VIEW_UNEXPLAINED = "view_unexplained"
    VIEW_ACCESS = "view_access"
    VIEW_HEALTH = "view_health"
    VIEW_ALERTS = "view_alerts"
    VIEW_ALERT = "view_alert"
    VIEW_COVERAGE = "view_coverage"
    VIEW_OWN_SPACE = "view_own_space"
    SEARCH_EXPOSURE = "search_exposure"
    REVIEW_ALERT = "review_alert"
    ATTEST_REVIEW = "attest_review"
    ANSWER_QUESTION = "answer_question"
    OPEN_INSPECTION = "open_inspection"
    END_INSPECTION = "end_inspection"
    VIEW_INSPECTION = "view_inspection"
    ADD_ACCOUNT = "add_account"
    DISABLE_ACCOUNT = "disable_account"
    END_SESSIONS = "end_sessions"
    ADD_PASSKEY = "add_passkey"
    REMOVE_PASSKEY = "remove_passkey"
    SET_SWITCH = "set_switch"
    RECORD_INSTRUCTION = "record_instruction"
    EXPORT = "export"
    VERIFY_LEDGER = "verify_ledger"
    PERMISSION_REFUSED = "permission_refused"
    ISSUE_TOKEN = "issue_token"  # noqa: S105 - the name of an act
    REVOKE_TOKEN = "revoke_token"  # noqa: S105
    ISSUE_SIGN_IN_LINK = "issue_sign_in_link"
    VIEW_CASES = "view_cases"
    VIEW_CASE = "view_case"
    OPEN_CASE = "open_case"
    STEP_CASE = "step_case"
    HAND_OVER_CASE = "hand_over_case"
    REQUEST_UNMASK = "request_unmask"
    DECIDE_UNMASK = "decide_unmask"
    VIEW_UNMASKED = "view_unmasked"
    REQUEST_RESOLVE = "request_resolve"
    DECIDE_RESOLVE = "decide_resolve"
    RESOLVE_RECORDS = "resolve_records"
    RECORD_GATE_PAPER = "record_gate_paper"
    IMPORT_REGISTER = "import_register"
    VIEW_RECORDINGS = "view_recordings"
    PROPOSE_CAMPAIGN = "propose_campaign"
    DECIDE_CAMPAIGN = "decide_campaign"
    END_CAMPAIGN = "end_campaign"
    CLOSE_NONCONFORMITY = "close_nonconformity"
    SEND_NOTICES = "send_notices"
    ACKNOWLEDGE_NOTICE = "acknowledge_notice"
    IMPORT_SHEET = "import_sheet"
    NEUTRALISE = "neutralise"
    REGISTER_GRID = "register_grid"
    MAKE_DOCUMENT = "make_document"
    VIEW_DOCUMENT = "view_document"
    PLAN_RECORDINGS_PURGE = "plan_recordings_purge"
    DECIDE_RECORDINGS_PURGE = "decide_recordings_purge"
    RUN_RECORDINGS_PURGE = "run_recordings_purge"
    HOLD_RECORDINGS = "hold_recordings"
    PLAY_RECORDING = "play_recording"
    PROPOSE_REMOVAL = "propose_removal"
    DECIDE_REMOVAL = "decide_removal"
    CARRY_OUT_REMOVAL = "carry_out_removal"
    REMOVAL_REFUSED = "removal_refused"
    PLACE_HOLD = "place_hold"
    VIEW_COMPLETENESS = "view_completeness"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActBody:
    """Body of `act`: who (principal id, role) did what on what (opaque ids and counts only, no key, no name)."""

    act: ActKind
    principal: str
    role: str
    controllers: tuple[str, ...]
    object: str
    count: int
    purpose: str
