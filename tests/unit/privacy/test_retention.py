"""Which days are due: never early by the period, never late by rounding, never under a hold."""

from quivive.model.clock import DAY_US, HOUR_US
from quivive.model.retention import Hold
from quivive.privacy.retention import RetentionPolicy, SegmentDay, day_start, due, due_at, held, overdue

POLICY = RetentionPolicy(
    controller="aurore",
    days={"trace": 365, "alert": 90, "governance": 1826, "consent": 1095, "certificate": 3653},
)
START = day_start("20260101")


def place(day="20260101", kept="trace", controller="aurore"):
    return SegmentDay(controller=controller, retention_class=kept, day=day)


def hold(**fields):
    told = {
        "hold": "ab" * 16, "controller": "aurore", "retention_class": "", "from_at": START, "to_at": START + DAY_US,
        "until_at": START + 900 * DAY_US, "order": "TJ-1", "approval": "cd" * 16, "placed_by": "p1", "approved_by": "p2",
    }  # fmt: skip
    return Hold(**{**told, **fields})


def test_a_day_is_due_when_its_first_event_is_too_old():
    """The oldest event is never older than declared."""
    at = due_at(POLICY, place())
    assert at == START + 365 * DAY_US
    assert due(POLICY, [place()], [], at - 1) == []
    assert due(POLICY, [place()], [], at) == [place()]
    assert not overdue(POLICY, place(), at + DAY_US)
    assert overdue(POLICY, place(), at + DAY_US + 1)


def test_each_class_has_its_clock_and_each_controller_its_policy():
    """Alerts go before traces; another controller's day is not this policy's."""
    places = [place(kept="alert"), place(), place(controller="boreal")]
    assert due(POLICY, places, [], START + 100 * DAY_US) == [place(kept="alert")]


def test_a_hold_keeps_what_it_touches_until_its_date():
    """Part of a day holds the day; another class, another controller or another day does not."""
    now = START + 400 * DAY_US
    assert held(place(), [hold(from_at=START + HOUR_US, to_at=START + 2 * HOUR_US)], now) == "ab" * 16
    assert due(POLICY, [place()], [hold()], now) == []
    assert due(POLICY, [place()], [hold(until_at=now)], now) == [place()]
    for other in (
        hold(retention_class="alert"),
        hold(controller="boreal"),
        hold(from_at=START + DAY_US, to_at=START + 2 * DAY_US),
    ):
        assert due(POLICY, [place()], [other], now) == [place()]


def test_the_policy_is_cited_by_its_digest():
    """Another period, another digest."""
    other = RetentionPolicy(controller="aurore", days={**POLICY.days, "trace": 180})
    assert POLICY.digest != other.digest
    assert len(POLICY.digest) == 64
