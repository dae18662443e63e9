"""Two keys, in order, with the agent called to be heard before a breach is decided."""

import pytest

from quivive.cases.admissibility import SheetLine
from quivive.cases.steps import HEARING_DAYS_MIN, PRESERVE_DAYS_MAX, ROLES, TEXT_NEEDED, Actor, judge_step
from quivive.cases.view import fold
from quivive.model.case import CaseBody, CaseOrigin, CaseStage, CaseStepBody, Check, CheckState, StepKind
from quivive.model.clock import DAY_US
from quivive.model.errors import RefusedError
from quivive.model.permission import Role

NOW = 20_000 * DAY_US
OFFICER = Actor(principal="security-1", roles=frozenset({Role.SECURITY}))
OTHER_OFFICER = Actor(principal="security-2", roles=frozenset({Role.SECURITY}))
DPO = Actor(principal="dpo-1", roles=frozenset({Role.DPO}))
BOTH = Actor(principal="security-1", roles=frozenset({Role.SECURITY, Role.DPO}))
MET = tuple(SheetLine(check=check, state=CheckState.MET, dated_at=1) for check in Check)
ORDERLY = (
    (OFFICER, StepKind.PRESERVE, {"until_at": NOW + 90 * DAY_US}),
    (OFFICER, StepKind.EXHIBIT, {"side": "supporting", "object": "a" * 32}),
    (OFFICER, StepKind.CLEAR, {"means": "calls_and_tickets", "finding": "does_not_explain"}),
    (OFFICER, StepKind.HEARING_CALL, {"until_at": NOW + 3 * DAY_US}),
    (OFFICER, StepKind.HEARING, {"result": "heard"}),
    (OFFICER, StepKind.PROPOSE, {"outcome": "breach"}),
    (DPO, StepKind.OPINION, {"opinion": "with_reserves"}),
    (DPO, StepKind.SECOND_KEY, {}),
    (OFFICER, StepKind.HAND_OVER, {"object": "f" * 64}),
    (OFFICER, StepKind.CLOSE, {}),
)


def opened(**changes):
    fields = {
        "case": "c" * 32, "controller": "aurore", "ident": "1" * 32, "origin": CaseOrigin.ALERT, "alert": "2" * 32,
        "topic": "bulk", "from_at": NOW - DAY_US, "to_at": NOW, "known_at": NOW, "principal": "security-1",
        "role": "security", "text_sha256": "",
    }  # fmt: skip
    return CaseBody(**{**fields, **changes})


def made(number, kind, actor, **fields):
    told = {"text_sha256": "e" * 64 if kind in TEXT_NEEDED else "", **fields}
    role = "+".join(sorted(actor.roles))
    return CaseStepBody(
        case="c" * 32, step=f"{number:032x}", step_kind=kind, taken_at=NOW + number, principal=actor.principal, role=role,
        **told,
    )  # fmt: skip


def at(count, sheet=MET, body=None):
    """The view after the first `count` orderly steps, each of them judged."""
    view = fold(body or opened(), NOW, ())
    steps = []
    for number, (actor, kind, fields) in enumerate(ORDERLY[:count]):
        step = made(number, kind, actor, **fields)
        judge_step(view, step, actor, sheet, NOW + number)
        steps.append(step)
        view = fold(view.opened, NOW, steps)
    return view


def refused(view, step, actor, sheet=MET, now=NOW + 100):
    with pytest.raises(RefusedError) as found:
        judge_step(view, step, actor, sheet, now)
    return found.value.code


def test_the_orderly_way_ends_closed_with_what_was_decided():
    """Every step in its order is allowed, and the outcome appears only with the second key."""
    stages = [at(count).stage for count in range(len(ORDERLY) + 1)]
    assert stages[0] is CaseStage.OPEN
    assert stages[-1] is CaseStage.CLOSED
    assert [at(count).outcome for count in (6, 7, 8, 10)] == ["none", "none", "breach", "breach"]


@pytest.mark.parametrize("number", range(len(ORDERLY)))
def test_no_step_is_taken_by_a_role_that_does_not_hold_it(number):
    """Everybody else is refused, an evaluator and an administrator above all."""
    actor, kind, fields = ORDERLY[number]
    for role in set(Role) - ROLES[kind]:
        stranger = Actor(principal="somebody", roles=frozenset({role}))
        assert refused(at(number), made(90, kind, actor, **fields), stranger) == "case_role"


@pytest.mark.parametrize("number", range(1, len(ORDERLY)))
def test_no_step_is_taken_before_the_one_it_rests_on(number):
    """On a fresh case only preservation is possible."""
    actor, kind, fields = ORDERLY[number]
    assert refused(at(0), made(90, kind, actor, **fields), actor) == "case_stage"


@pytest.mark.parametrize("number", [n for n, (_, kind, _) in enumerate(ORDERLY) if kind in TEXT_NEEDED])
def test_a_step_that_says_why_says_it(number):
    """No empty reason."""
    actor, kind, fields = ORDERLY[number]
    assert refused(at(number), made(90, kind, actor, **fields, text_sha256=""), actor) == "case_text"


def test_nobody_holds_both_keys():
    """One person with both roles may neither give the opinion on, nor decide, what that person proposed or opened."""
    for number in (6, 7):
        _, kind, fields = ORDERLY[number]
        assert refused(at(number), made(90, kind, BOTH, **fields), BOTH) == "case_own_approval"
    assert refused(at(6), made(90, StepKind.WITHHOLD, BOTH), BOTH) == "case_own_approval"


def test_no_breach_without_a_hearing_and_an_exhibit():
    """The agent was called, and something is shown."""
    breach = made(90, StepKind.PROPOSE, OFFICER, outcome="breach")
    assert refused(at(3), breach, OFFICER) == "case_unheard"
    without = fold(opened(), NOW, [step for step in at(5).steps if step.step_kind is not StepKind.EXHIBIT])
    assert refused(without, breach, OFFICER) == "case_exhibit"
    judge_step(at(3), made(90, StepKind.PROPOSE, OFFICER, outcome="explained"), OFFICER, MET, NOW + 100)


def test_no_second_key_without_an_opinion_on_this_very_proposal():
    """A withheld proposal takes its opinion with it."""
    assert refused(at(6), made(90, StepKind.SECOND_KEY, DPO), DPO) == "case_opinion"
    steps = [*at(7).steps, made(20, StepKind.WITHHOLD, DPO), made(21, StepKind.PROPOSE, OFFICER, outcome="training")]
    again = fold(opened(), NOW, steps)
    assert again.stage is CaseStage.PROPOSED
    assert refused(again, made(90, StepKind.SECOND_KEY, DPO), DPO) == "case_opinion"


def test_a_withheld_proposal_lets_the_work_go_on():
    """After it, another explanation may be looked for and the agent heard again."""
    view = fold(opened(), NOW, [*at(6).steps, made(20, StepKind.WITHHOLD, DPO)])
    assert view.proposal is None
    judge_step(view, made(90, StepKind.CLEAR, OFFICER, means="technical", finding="explains"), OFFICER, MET, NOW + 100)
    judge_step(view, made(91, StepKind.HEARING, OFFICER, result="heard"), OFFICER, MET, NOW + 100)


@pytest.mark.parametrize(("until_at", "fine"), [
    (NOW + 100, False), (NOW + 101, True), (NOW + 100 + PRESERVE_DAYS_MAX * DAY_US, True),
    (NOW + 101 + PRESERVE_DAYS_MAX * DAY_US, False), (0, False),
])  # fmt: skip
def test_a_preservation_has_an_end_ahead_and_not_too_far(until_at, fine):
    """From the next microsecond to a year."""
    step = made(90, StepKind.PRESERVE, OFFICER, until_at=until_at)
    if fine:
        judge_step(at(0), step, OFFICER, MET, NOW + 100)
    else:
        assert refused(at(0), step, OFFICER) == "case_until"


def test_a_hearing_is_announced_ahead_and_absence_is_known_only_after_it():
    """Two days at least; nobody is absent from a hearing that has not been."""
    soon = made(90, StepKind.HEARING_CALL, OFFICER, until_at=NOW + 99 + HEARING_DAYS_MIN * DAY_US)
    assert refused(at(3), soon, OFFICER) == "case_until"
    absent = made(90, StepKind.HEARING, OFFICER, result="absent")
    assert refused(at(4), absent, OFFICER) == "case_until"
    judge_step(at(4), absent, OFFICER, MET, NOW + 3 * DAY_US)


def test_a_missed_check_blocks_the_hand_over_until_another_person_overrides_it_in_writing():
    """Named check, written reason, not by who opened the case, and only for a check that is missed."""
    red = tuple(
        SheetLine(check=line.check, state=CheckState.MISSED if line.check is Check.COUNCIL else line.state, dated_at=0)
        for line in MET
    )
    view = at(8)
    hand_over = made(90, StepKind.HAND_OVER, OFFICER, object="f" * 64)
    assert refused(view, hand_over, OFFICER, red) == "case_inadmissible"
    assert refused(view, made(91, StepKind.OVERRIDE, DPO, check="notice"), DPO, red) == "case_field"
    assert refused(view, made(91, StepKind.OVERRIDE, BOTH, check="council"), BOTH, red) == "case_own_approval"
    override = made(91, StepKind.OVERRIDE, DPO, check="council")
    judge_step(view, override, DPO, red, NOW + 100)
    judge_step(fold(view.opened, NOW, [*view.steps, override]), hand_over, OFFICER, red, NOW + 100)


def test_a_check_that_is_still_open_blocks_as_a_missed_one():
    """Nothing leaves on a promise."""
    waiting = tuple(SheetLine(check=line.check, state=CheckState.OPEN, dated_at=0) for line in MET)
    assert refused(at(8), made(90, StepKind.HAND_OVER, OFFICER), OFFICER, waiting) == "case_inadmissible"


def test_a_closed_case_takes_no_step_but_its_hand_over():
    """What is decided stays; a bundle may be made again."""
    closed = at(10)
    for actor, kind, fields in ORDERLY:
        step = made(90, kind, actor, **fields)
        if kind is StepKind.HAND_OVER:
            judge_step(closed, step, actor, MET, NOW + 100)
        else:
            assert refused(closed, step, actor) == "case_closed"


@pytest.mark.parametrize(("kind", "count", "fields"), [
    (StepKind.EXHIBIT, 1, {"side": "elsewhere", "object": "a"}), (StepKind.EXHIBIT, 1, {"side": "supporting"}),
    (StepKind.CLEAR, 2, {"means": "hearsay", "finding": "explains"}),
    (StepKind.CLEAR, 2, {"means": "technical", "finding": "perhaps"}),
    (StepKind.HEARING, 4, {"result": "confessed"}), (StepKind.PROPOSE, 5, {"outcome": "none"}),
    (StepKind.PROPOSE, 5, {"outcome": "dismissal"}),
])  # fmt: skip
def test_a_field_outside_its_closed_set_is_refused(kind, count, fields):
    """No free word becomes a fact."""
    assert refused(at(count), made(90, kind, OFFICER, **fields), OFFICER) == "case_field"


def test_steps_told_twice_or_in_another_order_give_the_same_case():
    """The view is a function of the set of steps."""
    steps = list(at(10).steps)
    assert fold(opened(), NOW, [*reversed(steps), *steps]) == at(10)
