"""What happened against what was announced: pure judgement of recordings and listening (law reference §1.3, R-01…R-12).

Called by `core.recording_round` over the last days, again and again: the findings are a function of the set of facts,
so late, doubled or shuffled ones change nothing but what they say. Must never aim a finding at the agent who was heard:
it is put to the listener, or to who approved the campaign, or to nobody yet.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from quivive.model.clock import SECOND_US
from quivive.model.recording import GateReason, ListeningKind, Medium, NonconformityKind, Segment, SegmentState
from quivive.model.recording_register import CampaignBody, CampaignState
from quivive.recordings.policy import GatePerson

GRACE_US: Final = 3 * SECOND_US
"""How long an exchange may take to do what the gate said: a pause, a stop."""
SLACK_DEVIATIONS: Final = 3.0
"""A random draw may exceed its share by chance: three standard deviations, about one month in a thousand."""
FEW_CALLS: Final = 20
"""Below so many calls no share is told."""
_LIVE: Final = frozenset({ListeningKind.LIVE, ListeningKind.WHISPER, ListeningKind.BARGE})
_BINDING: Final = frozenset({CampaignState.ANNOUNCED, CampaignState.ENDED})
_OF_REASON: Final = {
    GateReason.PROTECTED_AGENT: NonconformityKind.PROTECTED_AGENT,
    GateReason.PRIVATE_CALL: NonconformityKind.PRIVATE_CALL,
    GateReason.OBJECTION: NonconformityKind.AFTER_OBJECTION,
    GateReason.NO_ANNOUNCEMENT: NonconformityKind.NO_ANNOUNCEMENT,
    GateReason.CAP_REACHED: NonconformityKind.ABOVE_CAP,
}
"""What was done although the gate said no: its reason where it has a word of its own, else `gate_ignored`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One recording, or one listening, as its sources tell it. Keys "" and instants 0 when unknown.

    `person`: who was recorded or heard; `listener`: PersonKey of who listened; `principal`: of our own page.
    `of`: the recording that was played.
    """

    medium: Medium
    object: str
    controller: str
    contact: str
    person: str
    queue: str
    started_at: int
    ended_at: int
    kind: ListeningKind | None = None
    listener: str = ""
    principal: str = ""
    of: str = ""
    segments: tuple[Segment, ...] = ()

    @property
    def at(self) -> int:
        """Instant by which it is judged."""
        return self.started_at or self.ended_at


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFact:
    """One answer of the gate about a call."""

    medium: Medium
    contact: str
    allowed: bool
    reason: GateReason
    campaign: str
    asked_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFact:
    """Calls of one campaign and month inside its periods: handled, and recorded; `by_person` recorded of each."""

    campaign: str
    controller: str
    month: str
    last_at: int
    handled: int
    recorded: int
    by_person: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What the facts are held against.

    Fields:
        campaigns: every version. informed: (campaign, version, PersonKey) → since when.
        neutralised: tokens of people, with their span. people: PersonKey → site and team.
        gated: controllers whose exchanges ask the gate.
    """

    campaigns: tuple[CampaignBody, ...]
    informed: Mapping[tuple[str, int, str], int]
    neutralised: Mapping[str, tuple[int, int]]
    people: Mapping[str, GatePerson]
    gated: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One non-conformity. `name` is 32 hex digits, a function of kind and object: found again, it is the same."""

    name: str
    controller: str
    kind: NonconformityKind
    medium: Medium
    campaign: str
    recording: str
    listening: str
    contact: str
    person: str
    aimed_at: str
    happened_at: int
    found: int = 0
    limit: int = 0


@dataclass(slots=True)
class _Call:
    answers: list[AnswerFact] = field(default_factory=list)
    objected_at: int = 0


def judge(
    happened: Iterable[Happened],
    answers: Iterable[AnswerFact],
    objections: Mapping[str, int],
    months: Iterable[MonthFact],
    announced: Announced,
) -> tuple[Finding, ...]:
    """Hold everything against what was announced; findings by name, each once."""
    calls: dict[str, _Call] = {}
    for answer in answers:
        calls.setdefault(answer.contact, _Call()).answers.append(answer)
    for contact, at in objections.items():
        calls.setdefault(contact, _Call()).objected_at = at
    for call in calls.values():
        call.answers.sort(key=lambda each: (each.asked_at, each.allowed, each.reason))
    found: dict[str, Finding] = {}
    whole = {each.object: each for each in happened}
    for each in whole.values():
        call = calls.get(each.contact, _Call()) if each.contact else _Call()
        for finding in _of_one(each, call, announced, whole):
            found[finding.name] = finding
    for month in months:
        for finding in _of_month(month, announced):
            found[finding.name] = finding
    return tuple(found[name] for name in sorted(found))


def _of_one(each: Happened, call: _Call, announced: Announced, whole: Mapping[str, Happened]) -> Iterable[Finding]:
    fitting = [body for body in announced.campaigns if _concerns(body, each, announced)]
    best = _best(fitting, each)
    if each.medium is Medium.LISTENING and each.kind not in _LIVE:
        if not _may_hear(each, announced, whole):
            yield _finding(each, NonconformityKind.NOT_A_LISTENER, best)
        return
    if _is_neutralised(each, announced):
        yield _finding(each, NonconformityKind.PROTECTED_AGENT, best)
    kind = _outside(fitting, each, announced)
    gate = _against_gate(each, call, announced)
    if kind is not None:
        yield _finding(each, kind, best)
    elif gate is not None:
        yield _finding(each, gate, best)
    yield from _sound(each, call, best)


def _outside(fitting: Sequence[CampaignBody], each: Happened, announced: Announced) -> NonconformityKind | None:
    """The first thing that no announced campaign gave: purpose, period, notice, listener."""
    if not fitting:
        return NonconformityKind.NO_PURPOSE
    within = [body for body in fitting if any(p.from_at <= each.at < p.to_at for p in body.periods)]
    if not within:
        return NonconformityKind.OUTSIDE_PERIOD
    if each.person:
        within = [
            body
            for body in within
            if 0 < announced.informed.get((body.campaign, body.version, each.person), 0) <= each.at
        ]
        if not within:
            return NonconformityKind.NO_NOTICE
    if each.medium is Medium.LISTENING and not any(_names(body, each) for body in within):
        return NonconformityKind.NOT_A_LISTENER
    return None


def _against_gate(each: Happened, call: _Call, announced: Announced) -> NonconformityKind | None:
    """Recorded or heard although the gate said no, or was never asked."""
    if each.controller not in announced.gated or not each.contact:
        return None
    told = [answer for answer in call.answers if answer.medium is each.medium]
    if not told:
        return NonconformityKind.GATE_NOT_ASKED
    if any(answer.allowed for answer in told):
        return None
    return _OF_REASON.get(told[-1].reason, NonconformityKind.GATE_IGNORED)


def _sound(each: Happened, call: _Call, best: CampaignBody | None) -> Iterable[Finding]:
    """Sound that went on through a card payment, after an objection, after the agent took the call out."""
    if each.medium is not Medium.RECORDING:
        return
    paid = sum(_kept(each, from_at + GRACE_US, to_at) for from_at, to_at in _payments(each, call))
    if paid:
        yield _finding(each, NonconformityKind.NO_PAUSE, best, found=paid // SECOND_US)
    objected = _kept(each, call.objected_at + GRACE_US, each.ended_at) if call.objected_at else 0
    if objected:
        yield _finding(each, NonconformityKind.AFTER_OBJECTION, best, found=objected // SECOND_US)
    private_at = next((a.asked_at for a in call.answers if a.reason is GateReason.PRIVATE_CALL), 0)
    private = _kept(each, private_at + GRACE_US, each.ended_at) if private_at else 0
    if private:
        yield _finding(each, NonconformityKind.PRIVATE_CALL, best, found=private // SECOND_US)


def _payments(each: Happened, call: _Call) -> Iterable[tuple[int, int]]:
    """Card payments as the gate was told: from the first `payment_step` to the next answer that says otherwise."""
    began = 0
    for answer in call.answers:
        if answer.medium is not Medium.RECORDING:
            continue
        if answer.reason is GateReason.PAYMENT_STEP:
            began = began or answer.asked_at
        elif began:
            yield began, answer.asked_at
            began = 0
    if began:
        yield began, each.ended_at


def _kept(each: Happened, from_at: int, to_at: int) -> int:
    """Microseconds of sound kept between two instants; without segments it runs from beginning to end."""
    segments = each.segments or (Segment(from_at=each.started_at, to_at=each.ended_at, state=SegmentState.ON),)
    return sum(
        max(0, min(segment.to_at or each.ended_at, to_at) - max(segment.from_at, from_at))
        for segment in segments
        if segment.state is SegmentState.ON
    )


def _of_month(month: MonthFact, announced: Announced) -> Iterable[Finding]:
    """Share and cap of a calendar month, told once each: above, the figure is that of the last look."""
    body = max(
        (b for b in announced.campaigns if b.campaign == month.campaign and b.state in _BINDING),
        key=lambda b: b.version,
        default=None,
    )
    if body is None:
        return
    share = body.share_permille / 1_000
    slack = SLACK_DEVIATIONS * (share * (1 - share) * month.handled) ** 0.5 + 1
    if month.handled >= FEW_CALLS and body.share_permille and month.recorded > share * month.handled + slack:
        found = month.recorded * 1_000 // month.handled
        yield _monthly(month, body, NonconformityKind.ABOVE_SHARE, "", found, body.share_permille)
    for person, count in sorted(month.by_person.items()):
        if body.cap_month and count > body.cap_month:
            yield _monthly(month, body, NonconformityKind.ABOVE_CAP, person, count, body.cap_month)


def _monthly(
    month: MonthFact, body: CampaignBody, kind: NonconformityKind, person: str, found: int, limit: int
) -> Finding:
    return Finding(
        name=_name(kind, f"{month.controller}/{month.campaign}/{month.month}/{person}"),
        controller=month.controller,
        kind=kind,
        medium=Medium.RECORDING,
        campaign=month.campaign,
        recording="",
        listening="",
        contact="",
        person=person,
        aimed_at=_owner(body),
        happened_at=month.last_at,
        found=found,
        limit=limit,
    )


def _concerns(body: CampaignBody, each: Happened, announced: Announced) -> bool:
    """Whether a campaign was announced for this call: controller, medium, queue, and the agent's site and team."""
    if body.state not in _BINDING or body.controller != each.controller or each.medium not in body.media:
        return False
    if not body.from_at <= each.at < body.to_at:
        return False
    if body.queues and each.queue and each.queue not in body.queues:
        return False
    person = announced.people.get(each.person)
    if person is None:
        return True
    return (not body.sites or person.site in body.sites) and (not body.teams or person.team in body.teams)


def _best(fitting: Sequence[CampaignBody], each: Happened) -> CampaignBody | None:
    """The campaign a finding is told under: one whose period covers it, else the nearest by name."""
    covering = [body for body in fitting if any(p.from_at <= each.at < p.to_at for p in body.periods)]
    return min(covering or fitting, key=lambda body: (body.campaign, -body.version), default=None)


def _names(body: CampaignBody, each: Happened) -> bool:
    return any(
        (bool(each.listener) and listener.person == each.listener)
        or (bool(each.principal) and listener.principal == each.principal)
        for listener in body.listeners
    )


def _may_hear(each: Happened, announced: Announced, whole: Mapping[str, Happened]) -> bool:
    """Whether who played a recording is named by a campaign of the call that was recorded."""
    if not (each.listener or each.principal):
        return False
    recorded = whole.get(each.of)
    bodies = announced.campaigns
    if recorded is not None:
        bodies = tuple(body for body in bodies if _concerns(body, recorded, announced)) or bodies
    return any(body.state in _BINDING and body.controller == each.controller and _names(body, each) for body in bodies)


def _is_neutralised(each: Happened, announced: Announced) -> bool:
    from_at, to_at = announced.neutralised.get(each.person, (0, -1))
    return bool(each.person) and from_at <= each.at and (not to_at or each.at < to_at)


def _finding(each: Happened, kind: NonconformityKind, body: CampaignBody | None, *, found: int = 0) -> Finding:
    recording = each.object if each.medium is Medium.RECORDING else each.of
    return Finding(
        name=_name(kind, each.object),
        controller=each.controller,
        kind=kind,
        medium=each.medium,
        campaign=body.campaign if body else "",
        recording=recording,
        listening="" if each.medium is Medium.RECORDING else each.object,
        contact=each.contact,
        person=each.person,
        aimed_at=each.listener or each.principal or (_owner(body) if body else ""),
        happened_at=each.at,
        found=found,
    )


def _owner(body: CampaignBody) -> str:
    return body.approved_by or body.proposed_by


def _name(kind: NonconformityKind, object_: str) -> str:
    return blake2b(f"nonconformity\x1f{kind}\x1f{object_}".encode(), digest_size=16).hexdigest()
