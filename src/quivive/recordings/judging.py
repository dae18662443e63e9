"""What is to become of each object of a store: keep, hold or purge, and why. Pure: time is an argument.

Called by `recordings.plan`, by the daily round and by playback, which all judge alike. Must never count an age from a
file's own date while anything better is known: a restored file is always young.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from quivive.model.audio import (
    BUFFER_DAYS,
    LEGAL_MAX_DAYS,
    AudioClock,
    AudioProposal,
    AudioReason,
    HoldScope,
)
from quivive.model.clock import DAY_US
from quivive.recordings.audio import SETTLING_US

LONGEST_CALL_US: Final = DAY_US
"""Added to a beginning whose end is unknown: nothing goes too early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of the ledger. `ended_at` 0 while it lasts or when its end was never told."""

    contact: str
    controller: str
    queue: str
    started_at: int
    ended_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A recording as a source told of it (entry `recording`). "" and 0 where it said nothing."""

    recording: str
    controller: str
    campaign: str
    contact: str
    queue: str
    location: str
    started_at: int
    ended_at: int
    call_ended_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a campaign declared, of the versions in force over a call: `retention_days` from the end of the call."""

    campaign: str
    controller: str
    queues: tuple[str, ...]
    from_at: int
    to_at: int
    retention_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A hold in force, or asked for and not yet decided."""

    hold: str
    controller: str
    scope: HoldScope
    object: str
    until_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One object of a store with everything known of it.

    `certified`: one of this name or of this content was removed under a certificate; `same_content`: of this content.
    """

    audio: str
    store: str
    controller: str
    size_bytes: int
    modified_at: int
    name_started_at: int = 0
    name_ended_at: int = 0
    call: Call | None = None
    told: Told | None = None
    certified: bool = False
    same_content: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One object and its proposal. `ended_at` by its `clock`; `limit_days` 0 when none could be told."""

    seen: Seen
    proposal: AudioProposal
    reason: AudioReason
    clock: AudioClock
    campaign: str
    recording: str
    contact: str
    ended_at: int
    limit_days: int

    @property
    def expires_at(self) -> int:
        """First instant at which it may no longer be there, or be heard."""
        return self.ended_at + self.limit_days * DAY_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is in force at the instant of judging. `objected`: contacts whose callers objected."""

    limits: Sequence[Limit] = ()
    holds: Sequence[Hold] = ()
    objected: frozenset[str] = frozenset()
    buffer_days: int = BUFFER_DAYS


def judge(seen: Seen, rules: Rules, now: int) -> Judged:
    """Judge one object. Precedence: being written, hold, objection, limit, purpose; what came back goes again."""
    ended_at, clock = end_of_call(seen)
    limit = _limit(seen, rules.limits)
    days = limit.retention_days if limit else LEGAL_MAX_DAYS
    contact = _contact(seen)
    proposal, reason = _decide(seen, rules, now, ended_at=ended_at, clock=clock, days=days, limit=limit)
    if seen.certified and _came_back(seen, proposal, reason):
        proposal, reason = AudioProposal.PURGE, AudioReason.FOUND_AGAIN
    return Judged(
        seen=seen,
        proposal=proposal,
        reason=reason,
        clock=clock,
        campaign=limit.campaign if limit else "",
        recording=seen.told.recording if seen.told else "",
        contact=contact,
        ended_at=ended_at,
        limit_days=days if clock is not AudioClock.NONE else 0,
    )


def _decide(  # noqa: PLR0911 - one rule a line, in their order
    seen: Seen, rules: Rules, now: int, *, ended_at: int, clock: AudioClock, days: int, limit: Limit | None
) -> tuple[AudioProposal, AudioReason]:
    contact = _contact(seen)
    if now - seen.modified_at < SETTLING_US and not seen.same_content:
        return AudioProposal.KEEP, AudioReason.BEING_WRITTEN
    if held(seen, rules.holds, contact=contact, campaign=limit.campaign if limit else "", now=now):
        return AudioProposal.HOLD, AudioReason.HELD
    if contact and contact in rules.objected:
        return AudioProposal.PURGE, AudioReason.CALLER_OBJECTED
    if clock is AudioClock.NONE:
        return AudioProposal.HOLD, AudioReason.AGE_UNKNOWN
    age = now - ended_at
    if age > days * DAY_US:
        return AudioProposal.PURGE, AudioReason.PAST_LIMIT
    if limit is not None:
        return AudioProposal.KEEP, AudioReason.WITHIN_LIMIT
    if clock is AudioClock.FILE_DATE:  # younger than it looks never, older perhaps: a person must say
        return AudioProposal.HOLD, AudioReason.AGE_UNKNOWN
    if age > rules.buffer_days * DAY_US:
        return AudioProposal.PURGE, AudioReason.NO_PURPOSE
    return AudioProposal.HOLD, AudioReason.UNDECIDED


def _came_back(seen: Seen, proposal: AudioProposal, reason: AudioReason) -> bool:
    """Whether something removed before is back, and not a new recording under an old name, or as silent as another.

    Nothing goes for its name or its content alone while its own call says that it may stay.
    """
    if proposal is AudioProposal.PURGE:
        return reason is not AudioReason.CALLER_OBJECTED
    return reason is AudioReason.AGE_UNKNOWN and seen.same_content


def end_of_call(seen: Seen) -> tuple[int, AudioClock]:
    """When the clock began, and by what it is known."""
    if seen.call is not None and seen.call.ended_at:
        return seen.call.ended_at, AudioClock.CALL_END
    told = seen.told
    if told is not None and told.call_ended_at:
        return told.call_ended_at, AudioClock.CALL_END
    if told is not None and told.ended_at:
        return told.ended_at, AudioClock.RECORDING_END
    if seen.name_ended_at:
        return seen.name_ended_at, AudioClock.NAME
    started_at = seen.name_started_at or (seen.call.started_at if seen.call else 0) or (told.started_at if told else 0)
    if started_at:  # never later than the file itself was written, unless it was copied
        latest = started_at + LONGEST_CALL_US
        return (min(latest, seen.modified_at) if seen.modified_at > started_at else latest), AudioClock.NAME
    return (seen.modified_at, AudioClock.FILE_DATE) if seen.modified_at else (0, AudioClock.NONE)


def held(seen: Seen, holds: Sequence[Hold], *, contact: str, campaign: str, now: int) -> str:
    """Return the id of the hold that keeps an object, "" when none does."""
    wanted: Mapping[HoldScope, str] = {
        HoldScope.AUDIO: seen.audio,
        HoldScope.CONTACT: contact,
        HoldScope.CAMPAIGN: campaign,
    }
    for hold in holds:
        if hold.controller == seen.controller and now < hold.until_at and wanted[hold.scope] == hold.object:
            return hold.hold
    return ""


def _contact(seen: Seen) -> str:
    if seen.call is not None:
        return seen.call.contact
    return seen.told.contact if seen.told else ""


def _limit(seen: Seen, limits: Sequence[Limit]) -> Limit | None:
    """Find the campaign of an object: the one its source named, else the strictest that covers its call."""
    named = seen.told.campaign if seen.told else ""
    if named:
        of = [each for each in limits if each.campaign == named and each.controller == seen.controller]
    else:
        at = seen.call.started_at if seen.call else seen.told.started_at if seen.told else 0
        queue = seen.call.queue if seen.call else seen.told.queue if seen.told else ""
        of = [
            each
            for each in limits
            if at
            and each.controller == seen.controller
            and each.from_at <= at < each.to_at
            and (not each.queues or queue in each.queues)
        ]
    return min(of, key=lambda each: (each.retention_days, each.campaign), default=None)
