"""What happened against what was announced: one case a kind, and the same findings in any order."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from register_bodies import ANNE, ANNOUNCED, BEN, LISTENER

from quivive.model.clock import DAY_US, HOUR_US, SECOND_US
from quivive.model.recording import GateReason, ListeningKind, Medium, NonconformityKind, Segment, SegmentState
from quivive.model.recording_register import CampaignState
from quivive.recordings.conformity import Announced, AnswerFact, Happened, MonthFact, judge
from quivive.recordings.policy import GatePerson

BODY = replace(ANNOUNCED, media=(Medium.RECORDING, Medium.LISTENING))
AT = BODY.periods[0].from_at + HOUR_US
PEOPLE = {name: GatePerson(site="nord", team="a", active=True) for name in (ANNE, BEN, LISTENER)}
KNOWN = Announced(
    campaigns=(BODY,),
    informed={(BODY.campaign, 1, ANNE): AT - DAY_US},
    neutralised={},
    people=PEOPLE,
    gated=frozenset({"aurore"}),
)
CALL = "c" * 32
RECORDED = Happened(
    medium=Medium.RECORDING, object="1" * 32, controller="aurore", contact=CALL, person=ANNE, queue="assistance",
    started_at=AT, ended_at=AT + 300 * SECOND_US,
)  # fmt: skip
HEARD = Happened(
    medium=Medium.LISTENING, object="2" * 32, controller="aurore", contact=CALL, person=ANNE, queue="assistance",
    started_at=AT, ended_at=AT + 60 * SECOND_US, kind=ListeningKind.LIVE, listener=LISTENER,
)  # fmt: skip


def answer(reason=GateReason.PERMITTED, medium=Medium.RECORDING, at=AT - SECOND_US):
    return AnswerFact(
        medium=medium, contact=CALL, allowed=reason is GateReason.PERMITTED, reason=reason, campaign=BODY.campaign,
        asked_at=at,
    )  # fmt: skip


YES = answer()
HEAR = answer(medium=Medium.LISTENING)


def kinds(happened, answers=(YES, HEAR), known=KNOWN, objections=None, months=()):
    found = judge(happened, answers, objections or {}, months, known)
    return [finding.kind for finding in found]


def test_what_was_announced_is_no_finding():
    """Inside the period, told beforehand, allowed by the gate, heard by who may."""
    assert kinds([RECORDED, HEARD]) == []


@pytest.mark.parametrize(
    ("kind", "happened", "known"),
    [
        (NonconformityKind.NO_PURPOSE, RECORDED, replace(KNOWN, campaigns=())),
        (NonconformityKind.NO_PURPOSE, replace(RECORDED, controller="mercato"), KNOWN),
        (NonconformityKind.NO_PURPOSE, RECORDED, replace(KNOWN, campaigns=(replace(BODY, teams=("ventes",)),))),
        (
            NonconformityKind.NO_PURPOSE,
            RECORDED,
            replace(KNOWN, campaigns=(replace(BODY, state=CampaignState.PROPOSED),)),
        ),
        (
            NonconformityKind.OUTSIDE_PERIOD,
            replace(RECORDED, started_at=AT + 5 * HOUR_US, ended_at=AT + 6 * HOUR_US),
            KNOWN,
        ),
        (NonconformityKind.OUTSIDE_PERIOD, replace(HEARD, started_at=AT + 5 * HOUR_US, ended_at=0), KNOWN),
        (NonconformityKind.NO_NOTICE, RECORDED, replace(KNOWN, informed={})),
        (NonconformityKind.NO_NOTICE, HEARD, replace(KNOWN, informed={(BODY.campaign, 1, ANNE): AT + 1})),
        (NonconformityKind.NOT_A_LISTENER, replace(HEARD, listener=BEN), KNOWN),
        (NonconformityKind.NOT_A_LISTENER, replace(HEARD, listener=""), KNOWN),
        (NonconformityKind.PROTECTED_AGENT, RECORDED, replace(KNOWN, neutralised={ANNE: (0, 0)})),
    ],
)
def test_each_kind_has_its_case(kind, happened, known):
    """One thing was missing, and one finding says so."""
    assert kinds([happened], known=known) == [kind]


@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        (NonconformityKind.GATE_NOT_ASKED, ()),
        (NonconformityKind.GATE_IGNORED, (answer(GateReason.NOT_SAMPLED),)),
        (NonconformityKind.NO_ANNOUNCEMENT, (answer(GateReason.NO_ANNOUNCEMENT),)),
        (NonconformityKind.ABOVE_CAP, (answer(GateReason.CAP_REACHED),)),
    ],
)
def test_recorded_although_the_gate_was_not_asked_or_said_no(kind, answers):
    """Only where an exchange of this company asks at all."""
    assert kinds([RECORDED], answers) == [kind]
    assert kinds([RECORDED], answers, replace(KNOWN, gated=frozenset())) == []


def test_a_payment_without_a_pause_is_told_in_seconds():
    """Sound that went on through the payment; a pause, or the grace of an exchange, is none."""
    paid = [YES, answer(GateReason.PAYMENT_STEP, at=AT + 60 * SECOND_US), answer(at=AT + 100 * SECOND_US)]
    (finding,) = judge([RECORDED], paid, {}, (), KNOWN)
    assert (finding.kind, finding.found) == (NonconformityKind.NO_PAUSE, 37)
    paused = (
        Segment(from_at=AT, to_at=AT + 61 * SECOND_US, state=SegmentState.ON),
        Segment(from_at=AT + 61 * SECOND_US, to_at=AT + 99 * SECOND_US, state=SegmentState.PAUSED),
        Segment(from_at=AT + 100 * SECOND_US, to_at=0, state=SegmentState.ON),
    )
    assert kinds([replace(RECORDED, segments=paused)], paid) == []


def test_sound_after_an_objection_or_a_private_call():
    """Both stop at once."""
    assert kinds([RECORDED], objections={CALL: AT + 10 * SECOND_US}) == [NonconformityKind.AFTER_OBJECTION]
    private = (YES, answer(GateReason.PRIVATE_CALL, at=AT + 10 * SECOND_US))
    assert kinds([RECORDED], private) == [NonconformityKind.PRIVATE_CALL]


def test_playing_is_for_those_named():
    """No period binds a playback, but who may hear does."""
    played = replace(HEARD, kind=ListeningKind.PLAYBACK, of=RECORDED.object, started_at=AT + 9 * HOUR_US)
    assert kinds([RECORDED, played]) == []
    assert kinds([RECORDED, replace(played, listener=BEN)]) == [NonconformityKind.NOT_A_LISTENER]


def test_a_finding_is_never_put_to_the_agent_heard():
    """The listener, else who approved the campaign, else nobody yet."""
    late = {"started_at": AT + 5 * HOUR_US, "ended_at": AT + 6 * HOUR_US}
    for happened, aimed_at in (
        (replace(HEARD, **late), LISTENER),
        (replace(RECORDED, **late), "dpo-1"),
        (replace(RECORDED, controller="mercato"), ""),
    ):
        (finding,) = judge([happened], [YES, HEAR], {}, (), KNOWN)
        assert finding.aimed_at == aimed_at != finding.person


def test_share_and_cap_of_a_month():
    """Chance is allowed for; a switch that records everything is not."""
    month = MonthFact(
        campaign=BODY.campaign, controller="aurore", month="202611", last_at=AT, handled=1_000, recorded=40,
        by_person={ANNE: 5},
    )  # fmt: skip
    assert kinds([], months=[month]) == []
    assert kinds([], months=[replace(month, recorded=900)]) == [NonconformityKind.ABOVE_SHARE]
    assert kinds([], months=[replace(month, by_person={ANNE: 6})]) == [NonconformityKind.ABOVE_CAP]
    assert kinds([], months=[replace(month, handled=5, recorded=5)]) == []


@given(st.integers(0, 2**32))
def test_late_doubled_and_shuffled_facts_give_the_same_findings(seed):
    """A finding is a function of the set of facts."""
    chance = random.Random(seed)
    late = replace(HEARD, object="3" * 32, started_at=AT + 5 * HOUR_US, ended_at=0)
    happened = [RECORDED, HEARD, late, replace(RECORDED, object="4" * 32, contact="d" * 32, person=BEN)]
    answers = [YES, HEAR, answer(GateReason.PAYMENT_STEP, at=AT + 9 * SECOND_US), answer(at=AT + 30 * SECOND_US)]
    whole = judge(happened, answers, {CALL: AT}, (), KNOWN)
    mixed = [each for each in happened for _ in range(chance.choice((1, 2, 3)))]
    told = [each for each in answers for _ in range(chance.choice((1, 2)))]
    chance.shuffle(mixed)
    chance.shuffle(told)
    assert judge(mixed, told, {CALL: AT}, (), KNOWN) == whole
    assert len({finding.name for finding in whole}) == len(whole) >= 4
