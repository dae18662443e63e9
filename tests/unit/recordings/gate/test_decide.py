"""Every reason of the gate, in the order in which it refuses; default deny."""

from dataclasses import replace

import pytest
from gate_support import ANNA, CAMPAIGN, LENT, LISTENER, NOW, POLICY, QUESTION, nothing_used, policy
from hypothesis import given
from hypothesis import strategies as st

from quivive.model.clock import DAY_US, HOUR_US
from quivive.model.recording import GateReason, Medium
from quivive.model.recording_register import Period, Trigger
from quivive.recordings.gate.decide import YES, Marks, decide
from quivive.recordings.policy import NOTHING, GatePerson
from quivive.recordings.sampling import draw

LATER = (Period(from_at=NOW + 1, to_at=NOW + HOUR_US),)
LISTEN = replace(QUESTION, medium=Medium.LISTENING, listener=LISTENER)
PERSON = GatePerson(site="lille", team="assistance", active=True)


def answer(given_policy=POLICY, question=QUESTION, marks=None, used=nothing_used, seeds=LENT.seeds):
    return decide(given_policy, seeds, question, marks or Marks(), used)


@pytest.mark.parametrize(
    ("reason", "given_policy", "question", "marks"),
    [
        (GateReason.PERMITTED, POLICY, QUESTION, Marks()),
        (GateReason.PERMITTED, POLICY, LISTEN, Marks()),
        (GateReason.POLICY_STALE, NOTHING, QUESTION, Marks()),
        (GateReason.POLICY_STALE, replace(POLICY, good_until=NOW), QUESTION, Marks()),
        (GateReason.UNKNOWN_AGENT, POLICY, replace(QUESTION, agent="f" * 32), Marks()),
        (GateReason.UNKNOWN_AGENT, POLICY, replace(QUESTION, agent=""), Marks()),
        (GateReason.GATE_NOT_ACTIVE, replace(POLICY, people={ANNA: replace(PERSON, active=False)}), QUESTION, Marks()),
        (GateReason.PROTECTED_AGENT, replace(POLICY, neutralised_people=(ANNA,)), QUESTION, Marks()),
        (GateReason.PRIVATE_CALL, POLICY, QUESTION, Marks(private=True)),
        (GateReason.PRIVATE_CALL, replace(POLICY, neutralised_lines=("1",)), replace(QUESTION, line="1"), Marks()),
        (GateReason.OBJECTION, POLICY, QUESTION, Marks(objected=True)),
        (GateReason.PAYMENT_STEP, POLICY, QUESTION, Marks(payment=True)),
        (GateReason.PAYMENT_STEP, POLICY, LISTEN, Marks(payment=True)),
        (GateReason.NO_CAMPAIGN, replace(POLICY, campaigns=()), QUESTION, Marks()),
        (GateReason.NO_CAMPAIGN, POLICY, replace(QUESTION, controller="mercato"), Marks()),
        (GateReason.NO_CAMPAIGN, policy(media=(Medium.LISTENING,)), QUESTION, Marks()),
        (GateReason.NO_CAMPAIGN, policy(teams=("ventes",)), QUESTION, Marks()),
        (GateReason.NO_CAMPAIGN, policy(queues=("ventes",)), QUESTION, Marks()),
        (GateReason.NO_CAMPAIGN, POLICY, replace(QUESTION, by_hand=True), Marks()),
        (GateReason.NO_CAMPAIGN, policy(trigger=Trigger.AGENT), QUESTION, Marks()),
        (GateReason.BY_HAND, policy(trigger=Trigger.AGENT), replace(QUESTION, by_hand=True), Marks()),
        (GateReason.PERMITTED, policy(trigger=Trigger.ALL, share_permille=0), QUESTION, Marks()),
        (GateReason.OUTSIDE_PERIOD, policy(periods=LATER), QUESTION, Marks()),
        (GateReason.NO_NOTICE, policy(informed={}), QUESTION, Marks()),
        (GateReason.NOTICE_TOO_RECENT, policy(informed={ANNA: NOW + 1}), QUESTION, Marks()),
        (GateReason.NOT_A_LISTENER, policy(listeners=()), LISTEN, Marks()),
        (GateReason.NOT_A_LISTENER, POLICY, replace(LISTEN, listener=""), Marks()),
        (GateReason.NO_ANNOUNCEMENT, POLICY, replace(QUESTION, announced="v2"), Marks()),
        (GateReason.NOT_SAMPLED, policy(share_permille=0), QUESTION, Marks()),
    ],
)
def test_each_reason_has_its_case(reason, given_policy, question, marks):
    """One thing is missing, and the answer names it."""
    assert answer(given_policy, question, marks).reason is reason


def test_only_two_reasons_say_yes():
    """Whatever is added later says no until somebody decides otherwise."""
    assert {GateReason.PERMITTED, GateReason.BY_HAND} == YES


def test_a_draw_without_seed_is_no_draw():
    """The core did not lend the day's seed: nobody is recorded by chance."""
    assert answer(seeds={}).reason is GateReason.POLICY_STALE


def test_the_cap_counts_calls_not_questions():
    """The third call of the month is refused, a second question about an allowed one is not."""
    full = answer(used=lambda *_: 2)
    assert (full.reason, full.counts) == (GateReason.CAP_REACHED, False)
    again = answer(used=lambda *_: 2, marks=Marks(allowed={"recording/coaching"}))
    assert (again.reason, again.counts) == (GateReason.PERMITTED, False)
    assert answer(used=lambda *_: 1).counts


def test_the_answer_shows_its_draw():
    """An auditor recomputes it from the seed of the day."""
    seed = bytes.fromhex(next(iter(LENT.seeds.values())))
    given = answer(policy(share_permille=500))
    assert (given.draw, given.day) == (draw(seed, QUESTION.contact), "20261123")
    assert (given.draw < 500) is given.allowed


def test_of_two_refusals_the_one_that_came_furthest_is_told():
    """What an administrator reads should be what is missing, not the first campaign that has nothing to do with it."""
    two = (replace(CAMPAIGN, campaign="autre", periods=LATER), replace(CAMPAIGN, announcement="v9"))
    assert answer(replace(POLICY, campaigns=two)).reason is GateReason.NO_ANNOUNCEMENT
    assert answer(replace(POLICY, campaigns=(*two, CAMPAIGN))).reason is GateReason.PERMITTED


@given(at=st.integers(NOW - 2 * DAY_US, NOW + 2 * DAY_US), since=st.integers(NOW - DAY_US, NOW + DAY_US))
def test_yes_means_inside_a_period_after_the_notice_and_a_fresh_policy(at, since):
    """No instant slips through."""
    given_policy = policy(informed={ANNA: since})
    if answer(given_policy, replace(QUESTION, at=at), seeds=_any_day()).allowed:
        assert since <= at < given_policy.good_until
        assert any(period.from_at <= at < period.to_at for period in CAMPAIGN.periods)


def _any_day():
    return {f"aurore/coaching/202611{day:02d}": "00" * 32 for day in range(1, 31)}
