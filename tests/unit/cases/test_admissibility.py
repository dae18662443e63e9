"""Eight checks, each with the date that shows it, and what is missing said as missing."""

import pytest
from tests.unit.cases.test_steps import NOW, at, opened

from quivive.cases.admissibility import GateStep, SheetFacts, admissibility, two_months_after
from quivive.cases.view import fold
from quivive.model.case import Check, CheckState
from quivive.model.clock import DAY_US, from_rfc3339
from quivive.model.gate import GateState, Module
from quivive.model.gate_record import DeclaredPurpose, GateRecordBody, GateRecordKind

FIRST = NOW - 10 * DAY_US


def paper(kind, dated_at, purposes=(), reference="CSE-2026-03"):
    return GateRecordBody(
        employer="lumen", establishment="lille", module=Module.ACCESS, record=kind, dated_at=dated_at,
        reference=reference, text_sha256="0" * 64, purposes=purposes, rules=(), demonstration=False,
    )  # fmt: skip


def facts(**changes):
    fields = {
        "first_at": FIRST, "informed_at": FIRST - DAY_US,
        "gate": (GateStep(state=GateState.ASSESSED, sealed_at=FIRST - 9 * DAY_US),
                 GateStep(state=GateState.CONSULTED, sealed_at=FIRST - 8 * DAY_US)),
        "records": (paper(GateRecordKind.IMPACT_ASSESSMENT, FIRST - 10 * DAY_US, tuple(DeclaredPurpose)),),
        "rule_at": NOW - 20 * DAY_US, "rule_noted": True, "exhibits": 3, "exhibits_proved": 3, "proved_at": NOW,
    }  # fmt: skip
    return SheetFacts(**{**fields, **changes})


def states(view=None, now=NOW + DAY_US, **changes):
    return {line.check: line.state for line in admissibility(view or at(10), facts(**changes), now)}


def test_an_orderly_case_meets_the_eight():
    """In the order of the sheet."""
    found = states()
    assert tuple(found) == tuple(Check)
    assert set(found.values()) == {CheckState.MET}


@pytest.mark.parametrize(("check", "changes"), [
    (Check.COUNCIL, {"gate": ()}),
    (Check.COUNCIL, {"gate": (GateStep(state=GateState.CONSULTED, sealed_at=FIRST + 1),)}),
    (Check.ASSESSMENT, {"gate": (), "records": (paper(GateRecordKind.IMPACT_ASSESSMENT, FIRST + 1),)}),
    (Check.NOTICE, {"informed_at": 0}),
    (Check.NOTICE, {"informed_at": FIRST + 1}),
    (Check.PURPOSE, {"records": (paper(GateRecordKind.AGENT_NOTICE, FIRST, (DeclaredPurpose.SECURITY,)),)}),
    (Check.PURPOSE, {"records": (paper(GateRecordKind.AGENT_NOTICE, FIRST + 1, tuple(DeclaredPurpose)),)}),
    (Check.PROPORTIONALITY, {"rule_at": 0}),
    (Check.PROPORTIONALITY, {"rule_at": NOW + 1}),
    (Check.PROPORTIONALITY, {"rule_noted": False}),
    (Check.INTEGRITY, {"exhibits_proved": 2}),
])  # fmt: skip
def test_what_came_too_late_or_never_is_missed(check, changes):
    """One microsecond after the first access is after it."""
    assert states(**changes)[check] is CheckState.MISSED


def test_a_paper_stands_before_the_state_and_names_its_reference():
    """The adopted document is the better proof, with its own date."""
    records = (paper(GateRecordKind.COUNCIL_OPINION, FIRST - 30 * DAY_US, reference="PV-12"),)
    (line,) = (x for x in admissibility(at(10), facts(records=records), NOW) if x.check is Check.COUNCIL)
    assert (line.dated_at, line.reference) == (FIRST - 30 * DAY_US, "PV-12")


def test_what_can_still_be_done_is_open_and_not_missed():
    """Before a proposal the hearing may come; before anything is kept integrity says nothing."""
    fresh = fold(opened(), NOW, ())
    found = states(fresh, exhibits=0, exhibits_proved=0)
    assert (found[Check.HEARD], found[Check.INTEGRITY], found[Check.TWO_MONTHS]) == ("open", "open", "open")
    assert states(at(6, body=opened()))[Check.HEARD] is CheckState.MET


def test_two_months_run_from_knowledge_to_the_call():
    """A call after them is too late, and without a call the day passes."""
    late = two_months_after(NOW) + 1
    assert states(fold(opened(), NOW, ()), now=late)[Check.TWO_MONTHS] is CheckState.MISSED
    assert states(at(4), now=late)[Check.TWO_MONTHS] is CheckState.MET
    assert states(at(4, body=opened(known_at=NOW - 80 * DAY_US)))[Check.TWO_MONTHS] is CheckState.MISSED


@pytest.mark.parametrize(("known", "last"), [
    ("2026-11-22T10:00:00Z", "2027-01-22T23:59:59Z"), ("2026-12-31T00:00:00Z", "2027-02-28T23:59:59Z"),
    ("2027-12-31T12:00:00Z", "2028-02-29T23:59:59Z"), ("2026-06-30T23:59:59Z", "2026-08-30T23:59:59Z"),
])  # fmt: skip
def test_two_months_are_calendar_months(known, last):
    """The same day, or the last of a shorter month."""
    assert two_months_after(from_rfc3339(known)) == from_rfc3339(last)


def test_a_case_about_nobody_needs_no_notice_and_no_hearing():
    """A complaint before anybody is concerned."""
    found = states(fold(opened(topic=""), NOW, (), concerned=False), informed_at=0, rule_at=0)
    assert (found[Check.NOTICE], found[Check.HEARD], found[Check.PROPORTIONALITY]) == ("met", "met", "met")
