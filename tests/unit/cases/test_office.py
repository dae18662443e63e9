"""The office on a real ledger and a real projection: deeds in order, one at a time, with two persons."""

import asyncio
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

from case_centre import ALERT, NOW, centre_with_alert
from traces import CONTROLLER, gate, key

from quivive.cases.office import Opening
from quivive.cases.steps import Actor
from quivive.model.approval import UNMASK_VALID_US
from quivive.model.case import CaseOrigin, CaseOutcome, CaseStage, Check, CheckState, StepKind
from quivive.model.clock import DAY_US
from quivive.model.errors import RefusedError
from quivive.model.gate import GateState
from quivive.model.permission import Role
from quivive.privacy.pseudonym import neutral_code

OFFICER = Actor(principal="s1", roles=frozenset({Role.SECURITY}))
DPO = Actor(principal="d1", roles=frozenset({Role.DPO}))
ONE = (CONTROLLER,)


@pytest.fixture
def centre(tmp_path):
    made = centre_with_alert(tmp_path)
    yield made
    made.close()


def opening(**changes):
    fields = {
        "origin": CaseOrigin.ALERT, "controller": CONTROLLER, "alert": ALERT, "known_at": NOW, "from_at": NOW,
        "to_at": NOW, "text": "À vérifier.",
    }  # fmt: skip
    return Opening(**{**fields, **changes})


def run(awaitable):
    return asyncio.run(awaitable)


async def preserved(centre, **changes):
    case = await centre.office.open(opening(**changes), OFFICER, ONE)
    await centre.office.step(case, ONE, OFFICER, StepKind.PRESERVE, "garder", until_at=NOW + 90 * DAY_US)
    return case


def refused(awaitable):
    with pytest.raises(RefusedError) as found:
        run(awaitable)
    return found.value.code


async def decided(centre):
    """A case brought to its decision."""
    office, case = centre.office, await preserved(centre)
    place = (await office.exhibits((await office.told(case, ONE)).view))[0]
    steps = (
        (OFFICER, StepKind.EXHIBIT, "", {"side": "supporting", "object": f"{place['shard']}/{place['index']}"}),
        (OFFICER, StepKind.CLEAR, "rien", {"means": "calls_and_tickets", "finding": "does_not_explain"}),
        (OFFICER, StepKind.HEARING_CALL, "", {"until_at": NOW + 3 * DAY_US}),
        (OFFICER, StepKind.HEARING, "dit avoir rappelé", {"result": "heard"}),
        (OFFICER, StepKind.PROPOSE, "retenu", {"outcome": "breach"}),
        (DPO, StepKind.OPINION, "d'accord", {"opinion": "favourable"}),
        (DPO, StepKind.SECOND_KEY, "", {}),
    )
    for actor, kind, text, fields in steps:
        await office.step(case, ONE, actor, kind, text, **fields)
    return case


def test_a_case_from_an_alert_meets_the_eight_checks_and_is_decided(centre):
    """From the alert to the second key, with every exhibit proved."""

    async def story():
        case = await decided(centre)
        told = await centre.office.told(case, ONE)
        return told, await centre.office.sheet(told.view), await centre.office.exhibits(told.view)

    told, sheet, exhibits = run(story())
    assert (told.view.stage, told.view.outcome) == (CaseStage.DECIDED, CaseOutcome.BREACH)
    assert told.agent_code == neutral_code(key("anna"))
    assert {line.check: line.state for line in sheet} == dict.fromkeys(Check, CheckState.MET)
    assert len(exhibits) == 3


def test_the_words_stay_out_of_the_ledger(centre):
    """In the folder sealed, in the entries a fingerprint."""
    case = run(decided(centre))
    entries = b"".join(each.data for each in centre.ledger.read({}, 10_000))
    assert "rappelé".encode() not in entries
    words = run(centre.office.words(run(centre.office.told(case, ONE)).view))
    assert "dit avoir rappelé" in words.values()


def test_what_was_done_a_moment_ago_counts_before_the_projection_shows_it(centre):
    """A slow projection lets nobody turn the key twice."""
    centre.lagging = True

    async def story():
        case = await decided(centre)
        return (await centre.office.told(case, ONE)).view.stage, case

    stage, case = run(story())
    assert stage is CaseStage.DECIDED
    assert refused(centre.office.step(case, ONE, DPO, StepKind.SECOND_KEY, "")) == "case_stage"
    centre.follow()
    assert run(centre.office.told(case, ONE)).view.stage is CaseStage.DECIDED


def test_two_deeds_at_once_are_judged_one_after_the_other(centre):
    """Of two proposals sent together one stands."""

    async def story():
        case = await preserved(centre)
        await centre.office.step(case, ONE, OFFICER, StepKind.CLEAR, "x", means="technical", finding="explains")
        both = [centre.office.step(case, ONE, OFFICER, StepKind.PROPOSE, "x", outcome="explained") for _ in range(2)]
        return await asyncio.gather(*both, return_exceptions=True)

    results = run(story())
    assert sorted(type(each).__name__ for each in results) == ["CaseStepBody", "RefusedError"]


def test_a_case_of_another_controller_is_unknown(centre):
    """To read, to step, to name."""
    case = run(preserved(centre))
    assert refused(centre.office.told(case, ("other",))) == "case_unknown"
    assert refused(centre.office.step(case, ("other",), OFFICER, StepKind.CLOSE, "")) == "case_unknown"
    assert refused(centre.office.ask(case, ("other",), OFFICER, "x")) == "case_unknown"
    assert refused(centre.office.told("../x", ONE)) == "case_unknown"


@pytest.mark.parametrize(("changes", "code"), [
    ({"controller": "other"}, "controller_unknown"), ({"alert": "b" * 32}, "alert_unknown"),
    ({"alert": "no"}, "alert_unknown"), ({"known_at": NOW + 1}, "case_field"), ({"known_at": 0}, "case_field"),
])  # fmt: skip
def test_an_opening_that_does_not_hold_is_refused(centre, changes, code):
    """And leaves nothing."""
    assert refused(centre.office.open(opening(**changes), OFFICER, ONE)) == code
    assert not (centre.home / "cases").exists()


def test_an_alert_of_an_establishment_that_is_no_longer_active_opens_nothing(centre):
    """The gate stands before cases too."""
    centre.told(gate(GateState.DRY, at=NOW - 5))
    assert refused(centre.office.open(opening(), OFFICER, ONE)) == "alert_unknown"


def test_a_name_is_shown_to_the_two_persons_for_eight_hours(centre):
    """Asked by one, granted by the other, to nobody else, and not longer."""
    office = centre.office

    async def story():
        case = await preserved(centre)
        asked = await office.ask(case, ONE, OFFICER, "Convoquer la personne.")
        before = await office.name(case, ONE, OFFICER)
        await office.decide(case, ONE, DPO, asked.approval, granted=True)
        shown = [await office.name(case, ONE, actor) for actor in (OFFICER, DPO)]
        other = await office.name(case, ONE, Actor(principal="s2", roles=frozenset({Role.SECURITY})))
        centre.now = NOW + UNMASK_VALID_US + 1
        return before, shown, other, await office.name(case, ONE, OFFICER)

    before, shown, other, later = run(story())
    assert (before, other, later) == (None, None, None)
    assert [each["name"] for each in shown] == ["Camille Exemple"] * 2


def test_nobody_grants_the_own_request_nor_one_of_the_same_role(centre):
    """Two persons, two roles; a refused request stays refused."""
    both = Actor(principal="s1", roles=frozenset({Role.SECURITY, Role.DPO}))
    peer = Actor(principal="s2", roles=frozenset({Role.SECURITY}))

    async def ask():
        case = await preserved(centre)
        return case, (await centre.office.ask(case, ONE, OFFICER, "x")).approval

    case, approval = run(ask())
    decide = centre.office.decide
    assert refused(decide(case, ONE, both, approval, granted=True)) == "approval_same_person"
    assert refused(decide(case, ONE, peer, approval, granted=True)) == "approval_same_role"
    peer_and_more = Actor(principal="s2", roles=frozenset({Role.SECURITY, Role.ADMINISTRATOR}))
    assert refused(decide(case, ONE, peer_and_more, approval, granted=True)) == "approval_same_role"
    assert refused(decide(case, ONE, DPO, "f" * 32, granted=True)) == "approval_unknown"
    run(decide(case, ONE, DPO, approval, granted=False))
    assert refused(decide(case, ONE, DPO, approval, granted=True)) == "approval_not_open"
    assert run(centre.office.name(case, ONE, OFFICER)) is None


def test_a_complaint_concerns_nobody_and_names_nobody(centre):
    """Until there is an alert."""

    async def story():
        case = await preserved(centre, origin=CaseOrigin.COMPLAINT, alert="")
        return case, await centre.office.told(case, ONE)

    case, told = run(story())
    assert (told.agent_code, told.view.concerned) == ("", False)
    assert refused(centre.office.ask(case, ONE, OFFICER, "x")) == "case_stage"
