"""The budget never opens more than its capacity, joins what is open, and says what it left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivive.detection.budget import Capacity, OpenAlert, alert_id, allot
from quivive.model.alert import AlertOrigin, Fact, Hit, Severity

TOPICS = {"residual": AlertOrigin.RESIDUAL, "low_and_slow": AlertOrigin.LOW_AND_SLOW, "bulk": AlertOrigin.RULE}


def hit(ident="a", topic="residual", p_milli=4_000, severity=Severity.MEDIUM, q_milli=10, **changes):
    fields = {
        "controller": "aurore", "ident": ident * 32, "topic": topic, "origin": TOPICS.get(topic, AlertOrigin.RULE),
        "severity": severity, "rule_version": "v", "from_at": 1, "to_at": 2, "day": "20260101", "accesses": (ident,),
        "facts": (Fact(name="q_milli", value=q_milli),), "p_milli": p_milli if topic in TOPICS and topic != "bulk" else 0,
    }  # fmt: skip
    return Hit(**{**fields, **changes})


def audit(number, weak):
    return hit(
        ident="abcdef"[number % 6], topic="random_audit", origin=AlertOrigin.RANDOM_AUDIT, severity=Severity.LOW,
        accesses=(f"{number:032x}",), facts=(Fact(name="weak", value=int(weak)),),
    )  # fmt: skip


hits_of = st.lists(
    st.builds(
        hit,
        ident=st.sampled_from("abcdef"),
        topic=st.sampled_from(sorted(TOPICS)),
        p_milli=st.integers(0, 9_000),
        severity=st.sampled_from(list(Severity)),
        q_milli=st.sampled_from([0, 400, 900]),
        from_at=st.integers(0, 3),
    ),
    max_size=40,
)
capacity_of = st.builds(
    Capacity,
    reviewers=st.integers(-1, 3),
    alerts_per_reviewer_day=st.integers(-1, 6),
    audit_share_percent=st.integers(-5, 130),
    used=st.integers(0, 12),
    rule_quota=st.integers(0, 4),
)
pools = st.lists(st.builds(audit, st.integers(0, 60), st.booleans()), max_size=20)


@given(hits_of, capacity_of, pools, st.binary(min_size=1, max_size=80))
def test_never_more_than_the_capacity_whatever_is_found(hits, capacity, pool, seed):
    """Opened and audited together stay within what is left of the day."""
    allotment = allot(hits, open_alerts=(), capacity=capacity, seed=seed, audit_pool=pool)
    assert len(allotment.opened) + len(allotment.audit) <= max(0, capacity.budget - capacity.used)


@given(hits_of, capacity_of, pools, st.randoms(use_true_random=False))
def test_the_order_of_the_hits_changes_nothing(hits, capacity, pool, chance):
    """Ties are broken by what never changes; doubled hits are one."""
    shuffled = [*hits, *hits]
    chance.shuffle(shuffled)
    told = {"open_alerts": (), "capacity": capacity, "seed": b"root"}
    assert allot(hits, audit_pool=pool, **told) == allot(shuffled, audit_pool=pool[::-1], **told)


@given(hits_of, capacity_of)
def test_each_hit_is_opened_joined_or_left_out_with_a_reason(hits, capacity):
    """Nothing vanishes unsaid."""
    allotment = allot(hits, open_alerts=(), capacity=capacity, seed=b"root")
    told = len(allotment.opened) + len(allotment.joined) + sum(each.hits for each in allotment.left_out)
    assert told == len(dict.fromkeys(hits))


def test_a_further_hit_joins_the_open_alert_even_without_capacity():
    """One open alert per person and topic; joining costs no budget."""
    found = hit()
    opened = OpenAlert(alert="1" * 32, controller="aurore", ident="a" * 32, topic="residual")
    allotment = allot([found], open_alerts=[opened], capacity=Capacity(used=99), seed=b"root")
    assert [joined.alert for joined in allotment.joined] == ["1" * 32]
    assert allotment.opened == allotment.left_out == ()


def test_a_quiet_day_opens_none():
    """A rank within the budget is not enough: what is not rare stays closed, visibly."""
    allotment = allot([hit(q_milli=800)], open_alerts=(), capacity=Capacity(), seed=b"root")
    assert allotment.opened == ()
    assert [(each.reason, each.hits) for each in allotment.left_out] == [("not_rare", 1)]


def test_a_rule_over_its_quota_is_told():
    """Five of a noisy rule open; the others are left out by quota and the rule is named."""
    hits = [hit(ident=ident, topic="bulk") for ident in "abcdef"]
    allotment = allot(hits, open_alerts=(), capacity=Capacity(rule_quota=2), seed=b"root")
    assert len(allotment.opened) == 2
    assert allotment.over_quota == ("bulk",)
    assert [(each.topic, each.reason, each.hits) for each in allotment.left_out] == [("bulk", "quota", 4)]


def test_what_opened_an_alert_before_opens_none_again():
    """A closed alert is not reopened by the same hit."""
    found = hit()
    assert allot([found], open_alerts=(), known=[alert_id(found)], capacity=Capacity(), seed=b"x").opened == ()


def test_severity_and_rarity_decide_the_order():
    """A high rule before one in ten thousand before a medium residual of one in a hundred."""
    hits = [hit("a", p_milli=2_100), hit("b", topic="bulk", severity=Severity.HIGH), hit("c", p_milli=5_000)]
    allotment = allot(hits, open_alerts=(), capacity=Capacity(audit_share_percent=0), seed=b"root")
    assert [each.ident[0] for each in allotment.opened] == ["b", "c", "a"]


@pytest.mark.parametrize("seed", [b"one", b"two", b"three"])
def test_the_random_audit_is_half_weak_half_explained_and_follows_its_seed(seed):
    """The same root draws the same accesses; another root others."""
    pool = [audit(number, weak=number % 2 == 0) for number in range(12)]
    capacity = Capacity(reviewers=4, alerts_per_reviewer_day=5, audit_share_percent=20)
    first = allot([], open_alerts=(), capacity=capacity, seed=seed, audit_pool=pool)
    again = allot([], open_alerts=(), capacity=capacity, seed=seed, audit_pool=pool[::-1])
    assert first.audit == again.audit
    assert len(first.audit) == 4
    assert sum(each.facts[0].value for each in first.audit) in {1, 2, 3}
