"""May this call be recorded, may this person listen? One question, one policy, one answer with its reason.

Called by the gate's server. Pure: the instant, the marks of the call and what was used of the month are arguments.
Default deny: every path that does not find an announced campaign ends in a refusal. Must never let a question choose
its own draw, and never answer from a policy that is too old.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from quivive.model.clock import Micros, utc_day
from quivive.model.recording import GateReason, Medium
from quivive.model.recording_register import Trigger
from quivive.recordings.gate.lent import seed_name
from quivive.recordings.policy import GateCampaign, GatePolicy
from quivive.recordings.sampling import draw

YES: Final = frozenset({GateReason.PERMITTED, GateReason.BY_HAND})
_FURTHEST: Final = (
    GateReason.NO_CAMPAIGN,
    GateReason.OUTSIDE_PERIOD,
    GateReason.NO_NOTICE,
    GateReason.NOTICE_TOO_RECENT,
    GateReason.NOT_A_LISTENER,
    GateReason.NO_ANNOUNCEMENT,
    GateReason.POLICY_STALE,
    GateReason.NOT_SAMPLED,
    GateReason.CAP_REACHED,
)
"""Of several campaigns that refuse, the answer is the reason of the one that came furthest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question of an exchange, keyed. "" when it did not say.

    `contact`: ContactKey of the call. `agent`, `listener`: AgentKeys. `line`: key of the line. `announced`: version of
    the announcement the caller heard. `by_hand`: the agent asked for it himself.
    """

    medium: Medium
    controller: str
    at: int
    contact: str = ""
    agent: str = ""
    listener: str = ""
    line: str = ""
    queue: str = ""
    announced: str = ""
    by_hand: bool = False


@dataclass(slots=True, kw_only=True)
class Marks:
    """What was said of one call so far. `allowed`: `medium/campaign` already answered yes."""

    private: bool = False
    objected: bool = False
    payment: bool = False
    allowed: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The answer. `counts`: it uses one of the month's calls of `campaign` and `person`."""

    reason: GateReason
    person: str = ""
    campaign: str = ""
    version: int = 0
    draw: int = -1
    day: str = ""
    counts: bool = False

    @property
    def allowed(self) -> bool:
        """Whether it says yes."""
        return self.reason in YES


Used = Callable[[Medium, str, str], int]
"""Calls allowed this month, by medium, campaign and PersonKey."""


def decide(policy: GatePolicy, seeds: Mapping[str, str], question: Question, marks: Marks, used: Used) -> Answered:
    """Answer one question."""
    if not policy.made_at or question.at >= policy.good_until:
        return Answered(reason=GateReason.POLICY_STALE)
    person = policy.accounts.get(question.agent, "")
    known = policy.people.get(person)
    if known is None:
        return Answered(reason=GateReason.UNKNOWN_AGENT)
    if not known.active:
        return Answered(reason=GateReason.GATE_NOT_ACTIVE, person=person)
    if reason := _taken_out(policy, question, marks, person):
        return Answered(reason=reason, person=person)
    best = Answered(reason=GateReason.NO_CAMPAIGN, person=person)
    for campaign in policy.campaigns:
        if campaign.controller != question.controller or question.medium not in campaign.media:
            continue
        if not campaign.concerns(known, question.queue):
            continue
        answered = _of_campaign(policy, seeds, campaign, question, marks, person, used)
        if answered.allowed:
            return answered
        if _FURTHEST.index(answered.reason) > _FURTHEST.index(best.reason):
            best = answered
    return best


def _taken_out(policy: GatePolicy, question: Question, marks: Marks, person: str) -> GateReason | None:
    """What takes a call out whatever was announced."""
    if person in policy.neutralised_people:
        return GateReason.PROTECTED_AGENT
    if marks.private or (question.line and question.line in policy.neutralised_lines):
        return GateReason.PRIVATE_CALL
    if marks.objected:
        return GateReason.OBJECTION
    return GateReason.PAYMENT_STEP if marks.payment else None


def _of_campaign(
    policy: GatePolicy,
    seeds: Mapping[str, str],
    campaign: GateCampaign,
    question: Question,
    marks: Marks,
    person: str,
    used: Used,
) -> Answered:
    def answered(reason: GateReason, *, drawn: int = -1, day: str = "", counts: bool = False) -> Answered:
        return Answered(
            reason=reason,
            person=person,
            campaign=campaign.campaign,
            version=campaign.version,
            draw=drawn,
            day=day,
            counts=counts,
        )

    if reason := _refused(policy, campaign, question, person):
        return answered(reason)
    name = f"{question.medium}/{campaign.campaign}"
    again = name in marks.allowed
    drawn, day = -1, ""
    if campaign.trigger is Trigger.SAMPLE and question.medium is Medium.RECORDING:
        day = utc_day(Micros(question.at))
        seed = seeds.get(seed_name(campaign.controller, campaign.campaign, day), "")
        if not seed:
            return answered(GateReason.POLICY_STALE)
        drawn = draw(bytes.fromhex(seed), question.contact)
        if drawn >= campaign.share_permille:
            return answered(GateReason.NOT_SAMPLED, drawn=drawn, day=day)
    if not again and campaign.cap_month and used(question.medium, campaign.campaign, person) >= campaign.cap_month:
        return answered(GateReason.CAP_REACHED, drawn=drawn, day=day)
    yes = GateReason.BY_HAND if campaign.trigger is Trigger.AGENT else GateReason.PERMITTED
    return answered(yes, drawn=drawn, day=day, counts=not again)


def _refused(policy: GatePolicy, campaign: GateCampaign, question: Question, person: str) -> GateReason | None:
    """What the campaign announced and this question does not meet."""
    if question.medium is Medium.RECORDING and (campaign.trigger is Trigger.AGENT) is not question.by_hand:
        return GateReason.NO_CAMPAIGN
    if not campaign.within(question.at):
        return GateReason.OUTSIDE_PERIOD
    since = campaign.informed.get(person)
    if since is None or question.at < since:
        return GateReason.NO_NOTICE if since is None else GateReason.NOTICE_TOO_RECENT
    listener = policy.accounts.get(question.listener, "")
    if question.medium is Medium.LISTENING and not campaign.may_listen(person=listener):
        return GateReason.NOT_A_LISTENER
    if campaign.announcement and question.announced != campaign.announcement:
        return GateReason.NO_ANNOUNCEMENT
    return None
