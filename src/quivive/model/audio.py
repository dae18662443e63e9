"""Kept sound and its end: plans of removal, their steps, holds (DESIGN §10; law reference R-04, R-11).

Built by `quivive.recordings`, written by the core, shown by console and commands. Must never hold a file name, a path,
a number or a name: an object of a store is 32 hexadecimal digits, keyed.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from quivive.model.purge import PurgeRule

LEGAL_MAX_DAYS: Final = 180
"""No recording is kept longer without a purpose of its own clock (R-04)."""
BUFFER_DAYS: Final = 30
"""A recording without a purpose may wait so long for somebody to say what it is for (law reference §5)."""
HOLD_MAX_DAYS: Final = 366
"""A hold ends within a year; a longer need is a new hold, decided again."""
PLAN_VALID_DAYS: Final = 30
"""So long an approved plan may be carried out, and resumed after a failure."""
MAX_PLAN_PART_ITEMS: Final = 128
"""Items of one entry of a plan, about 45 kB."""
MAX_KEPT_IDS: Final = 1_000
"""Ids of one step, about 35 kB."""


class AudioProposal(StrEnum):
    """What is to become of one object of a store."""

    KEEP = "keep"
    HOLD = "hold"
    PURGE = "purge"


class AudioReason(StrEnum):
    """Why it is proposed."""

    WITHIN_LIMIT = "within_limit"
    BEING_WRITTEN = "being_written"
    HELD = "held"
    UNDECIDED = "undecided"
    AGE_UNKNOWN = "age_unknown"
    PAST_LIMIT = "past_limit"
    NO_PURPOSE = "no_purpose"
    CALLER_OBJECTED = "caller_objected"
    FOUND_AGAIN = "found_again"


class AudioClock(StrEnum):
    """What the age is counted from, the best first: a file's own date is the last resort, a copy is always younger."""

    CALL_END = "call_end"
    RECORDING_END = "recording_end"
    NAME = "name"
    FILE_DATE = "file_date"
    NONE = "none"


PURGE_RULE: Final[dict[AudioReason, PurgeRule]] = {
    AudioReason.PAST_LIMIT: PurgeRule.RECORDING_RETENTION_ENDED,
    AudioReason.NO_PURPOSE: PurgeRule.RECORDING_WITHOUT_PURPOSE,
    AudioReason.CALLER_OBJECTED: PurgeRule.RECORDING_OBJECTION,
    AudioReason.FOUND_AGAIN: PurgeRule.RECORDING_FOUND_AGAIN,
}


class PlanStep(StrEnum):
    """BEGUN is durable before the first removal; INCOMPLETE was reported and is resumed; FINISHED is certified."""

    BEGUN = "begun"
    INCOMPLETE = "incomplete"
    FINISHED = "finished"


class AudioFailure(StrEnum):
    """Why an object is still there after its removal was asked."""

    REFUSED = "refused"
    LOCKED = "locked"
    UNREACHABLE = "unreachable"
    CHANGED = "changed"
    HELD_SINCE = "held_since"
    STILL_LISTED = "still_listed"
    NO_NEWER_LISTING = "no_newer_listing"


class HoldScope(StrEnum):
    """What a hold keeps: one object, everything of one call, everything of one campaign."""

    AUDIO = "audio"
    CONTACT = "contact"
    CAMPAIGN = "campaign"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanItem:
    """One object to be removed. `recording` "" when no source told of it; `sha256` "" where we cannot read it."""

    audio: str
    store: str
    campaign: str
    recording: str
    reason: AudioReason
    clock: AudioClock
    ended_at: int
    limit_days: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCount:
    """Objects of one proposal and reason, removed or not: the whole store stands in the plan as figures."""

    proposal: AudioProposal
    reason: AudioReason
    campaign: str
    count: int
    oldest_ended_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanBody:
    """Body of `recording.plan`: one part of a plan of removal, whole when all parts are there.

    `plan` is 32 hex digits, a function of its digest. `digest`: SHA-256 of every item, in order of their ids: what two
    persons agree to and what is carried out. `rounds`: 1, more when objects of an earlier plan came back. `follows`:
    the plan whose objects came back, "" otherwise. `counts` only in part 1. `declared`: of a vendor's listing.
    """

    plan: str
    controller: str
    part: int
    parts: int
    digest: str
    planned_by: str
    planned_role: str
    planned_at: int
    stores: tuple[str, ...]
    declared: bool
    follows: str
    objects: int
    items: tuple[PlanItem, ...]
    counts: tuple[PlanCount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureCount:
    """How many objects could not be removed, by reason."""

    failure: AudioFailure
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStepBody:
    """Body of `recording.step`. `removed`, `left`: objects of the plan gone and still there after this attempt.

    `kept`: those that a hold keeps, by id; the agreement on them ends with the plan. More than MAX_KEPT_IDS stand in
    INCOMPLETE steps of the same attempt before its FINISHED one.
    """

    plan: str
    controller: str
    attempt: int
    step: PlanStep
    at: int
    principal: str
    removed: int
    left: int
    failures: tuple[FailureCount, ...]
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioHoldBody:
    """Body of `recording.hold`: nothing of this scope is removed before `until_at`, or until it is released.

    `object`: audio id, ContactKey or campaign. `reference`: code of the request or proceedings behind it.
    `approval`: id of the agreement of two persons; of the release when `released`.
    """

    hold: str
    controller: str
    scope: HoldScope
    object: str
    reference: str
    from_at: int
    until_at: int
    asked_by: str
    approved_by: str
    approval: str
    released: bool
