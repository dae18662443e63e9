"""Counts of the residual: what is counted, for whom, on which day."""

import pytest
from counted import DAY, END, SETTINGS, fill
from traces import (
    CONTROLLER,
    CUSTOMER,
    ORDER,
    PHONE,
    SECOND,
    T0,
    access,
    call,
    contact,
    event,
    key,
    link,
)

from quivive.detection.counts import accesses_behind, day_counts, day_span, hour_counts, local_day
from quivive.detection.judge import judge_live
from quivive.model.access import GapBody, GapCause
from quivive.model.alert import CanaryBody
from quivive.model.contact import ContactKind
from quivive.model.entry import EntryKind


def count(projection, zone="Europe/Paris", day=DAY):
    found = day_counts(projection, controllers=(CONTROLLER,), from_day=day, to_day=day, timezones={CONTROLLER: zone})
    return {each.ident: each for each in found}


def test_subjects_without_a_reason_are_counted_once_a_day(projection):
    """Two openings of one customer are one; the order of the customer leads to the customer."""
    fill(
        projection,
        link("o1", "c1"),
        access("a1", T0 + SECOND, [(CUSTOMER, "c1")]),
        access("a2", T0 + 2 * SECOND, [(CUSTOMER, "c1")]),
        access("a3", T0 + 3 * SECOND, [(ORDER, "o1")]),
        access("a4", T0 + 4 * SECOND, [(CUSTOMER, "c2")]),
    )
    assert count(projection)[key("anna")].unexplained == 2


def test_an_identified_call_is_exposure_and_its_customer_no_count(projection):
    """An explained access counts nowhere; the call is a contact of its queue."""
    fill(
        projection,
        call("A-1", T0, T0 + 300 * SECOND, subjects=[("record", "c1")], queue="support"),
        access("a1", T0 + SECOND, [(CUSTOMER, "c1")]),
    )
    found = count(projection)[key("anna")]
    assert (found.unexplained, found.weak_excess, found.contacts) == (0, 0, 1)
    assert found.group == (CONTROLLER, "call", "support", "settled")


def test_the_first_customer_of_an_unidentified_call_is_no_excess_the_second_is(projection):
    """The smart one hides in calls without identity: the second subject is weak excess."""
    fill(
        projection,
        call("A-1", T0, T0 + 300 * SECOND),
        access("a1", T0 + SECOND, [(CUSTOMER, "c1")]),
        access("a2", T0 + 9 * SECOND, [(CUSTOMER, "c2")]),
    )
    found = count(projection)[key("anna")]
    assert (found.unexplained, found.weak_excess) == (0, 1)


def test_a_ticket_the_agent_made_is_a_reason_of_his_own_making_and_no_exposure(projection):
    """Laundering by a ticket of one's own does not make room for itself."""
    ticket = contact(
        "T-1", ContactKind.TICKET, subjects=[("record", "c1")], self_made=True, opened_at=T0, assigned_at=T0,
        touched_at=T0 + SECOND,
    )  # fmt: skip
    fill(projection, ticket, access("a1", T0 + SECOND, [(CUSTOMER, "c1")]))
    found = count(projection)[key("anna")]
    assert (found.unexplained, found.weak_excess, found.self_made, found.contacts) == (0, 0, 1, 0)


def test_without_the_residual_gate_nobody_is_counted(projection):
    """Module access alone is not enough."""
    fill(projection, access("a1", T0 + SECOND, [(CUSTOMER, "c1")]), gates=False)
    assert count(projection) == {}


def test_a_canary_and_a_gap_of_a_contact_source_are_not_counted(projection):
    """A record no work needs, and what fell in lost sight, are nobody's residual."""
    canary = event(
        EntryKind.CANARY, CanaryBody(controller=CONTROLLER, key=key("c1"), contact_keys=(), removed=False),
        source="core", at=T0,
    )  # fmt: skip
    gap = event(
        EntryKind.GAP,
        GapBody(from_at=T0 + 50 * SECOND, to_at=T0 + 90 * SECOND, cause=GapCause.SOURCE_KILLED, lost=-1),
        source=PHONE, at=T0,
    )  # fmt: skip
    fill(
        projection,
        canary,
        gap,
        access("a1", T0 + SECOND, [(CUSTOMER, "c1")]),
        access("a2", T0 + 60 * SECOND, [(CUSTOMER, "c2")]),
        access("a3", T0 + 100 * SECOND, [(CUSTOMER, "c3")]),
    )
    assert count(projection)[key("anna")].unexplained == 1


@pytest.mark.parametrize(("zone", "day"), [("Europe/Paris", "20260529"), ("UTC", "20260528")])
def test_days_are_local_days_of_the_controller(projection, zone, day):
    """23:30 UTC belongs to the next day in Paris."""
    late = T0 + (2 * 3_600 + 3_800) * SECOND
    fill(projection, access("a1", late, [(CUSTOMER, "c1")]))
    judge_live(projection, SETTINGS, as_of=END + 86_400 * SECOND)
    assert local_day(late, zone) == day
    start, end = day_span(day, zone)
    assert start <= late < end


def test_hours_hold_everybody_who_opened_something(projection):
    """An hour's count is there for those with nothing to count, so that a share can be told."""
    fill(
        projection,
        call("A-1", T0, T0 + 300 * SECOND, subjects=[("record", "c1")], agents=("login-b",)),
        access("b1", T0 + SECOND, [(CUSTOMER, "c1")], agent="login-b"),
        access("a1", T0 + SECOND, [(CUSTOMER, "c2")]),
    )
    hours = hour_counts(projection, controller=CONTROLLER, day=DAY, timezone="Europe/Paris")
    assert sorted((each.ident, each.unexplained) for each in hours) == sorted([(key("anna"), 1), (key("bob"), 0)])


def test_the_accesses_behind_a_count_are_told_oldest_first(projection):
    """What an alert lists is what was counted."""
    fill(projection, access("a2", T0 + 9 * SECOND, [(CUSTOMER, "c2")]), access("a1", T0 + SECOND, [(CUSTOMER, "c1")]))
    behind = accesses_behind(
        projection, controller=CONTROLLER, from_day=DAY, to_day=DAY, timezone="Europe/Paris", idents=[key("anna")]
    )
    assert [each.at for each in behind[key("anna")]] == [T0 + SECOND, T0 + 9 * SECOND]
