"""Who may take which step of a case, and when (law reference D-05, D-06, W-04, W-08).

Called by the core before a step becomes an entry. Pure: the time comes as an argument. Must never let one person
hold both keys, and never let a breach be decided before the agent was called to be heard.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from quivive.cases.admissibility import SheetLine
from quivive.cases.view import CaseView
from quivive.model.case import (
    CaseOutcome,
    CaseStage,
    CaseStepBody,
    Check,
    CheckState,
    ClearingFinding,
    ClearingMeans,
    ExhibitSide,
    HearingResult,
    Opinion,
    StepKind,
)
from quivive.model.clock import DAY_US
from quivive.model.errors import RefusedError
from quivive.model.permission import Role

PRESERVE_DAYS_MAX: Final = 365
"""A preservation ends; a longer one is asked again, with its reason (law reference §5: proportionate to the case)."""
HEARING_DAYS_MIN: Final = 2
"""The agent learns of the hearing at least two days before: time to prepare and to be accompanied (L1332-2)."""
TEXT_NEEDED: Final = frozenset(
    {StepKind.PRESERVE, StepKind.CLEAR, StepKind.HEARING, StepKind.PROPOSE, StepKind.OPINION, StepKind.WITHHOLD,
     StepKind.OVERRIDE}
)  # fmt: skip
"""Steps that say why in words; the words stay sealed in the case's folder."""

_SECURITY: Final = frozenset({Role.SECURITY})
_DPO: Final = frozenset({Role.DPO})
_EITHER: Final = _SECURITY | _DPO
ROLES: Final[dict[StepKind, frozenset[Role]]] = {
    StepKind.PRESERVE: _EITHER,
    StepKind.EXHIBIT: _EITHER,
    StepKind.CLEAR: _SECURITY,
    StepKind.HEARING_CALL: _SECURITY,
    StepKind.HEARING: _SECURITY,
    StepKind.PROPOSE: _SECURITY,
    StepKind.OPINION: _DPO,
    StepKind.SECOND_KEY: _DPO,
    StepKind.WITHHOLD: _DPO,
    StepKind.OVERRIDE: _DPO,
    StepKind.HAND_OVER: _SECURITY,
    StepKind.CLOSE: _SECURITY,
}
"""Security decides; the data protection officer gives an opinion and holds the second key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who takes the step, with every role held."""

    principal: str
    roles: frozenset[Role]


def judge_step(view: CaseView, step: CaseStepBody, actor: Actor, sheet: tuple[SheetLine, ...], now: int) -> None:
    """Refuse a step that may not be taken.

    Raises:
        RefusedError: `case_role`, `case_closed`, `case_stage`, `case_text`, `case_field`, `case_until`,
            `case_own_approval`, `case_unheard`, `case_opinion`, `case_exhibit`, `case_inadmissible`.
    """
    if not actor.roles & ROLES[step.step_kind]:
        raise RefusedError("case_role")
    if view.stage is CaseStage.CLOSED and step.step_kind is not StepKind.HAND_OVER:
        raise RefusedError("case_closed")
    if step.step_kind in TEXT_NEEDED and not step.text_sha256:
        raise RefusedError("case_text")
    if step.step_kind is not StepKind.PRESERVE and not view.preserved_until:
        raise RefusedError("case_stage", "preserve the facts first")
    _JUDGES[step.step_kind](view, step, actor, sheet, now)


def _member(enum: type[ExhibitSide] | type[ClearingMeans] | type[ClearingFinding] | type[HearingResult] | type[Opinion]
            | type[Check] | type[CaseOutcome], value: str) -> None:  # fmt: skip
    if value not in {member.value for member in enum}:
        raise RefusedError("case_field", enum.__name__)


def _preserve(view: CaseView, step: CaseStepBody, actor: Actor, sheet: tuple[SheetLine, ...], now: int) -> None:
    del view, actor, sheet
    if not now < step.until_at <= now + PRESERVE_DAYS_MAX * DAY_US:
        raise RefusedError("case_until", f"at most {PRESERVE_DAYS_MAX} days ahead")


def _exhibit(view: CaseView, step: CaseStepBody, actor: Actor, sheet: tuple[SheetLine, ...], now: int) -> None:
    del view, actor, sheet, now
    _member(ExhibitSide, step.side)
    if not step.object:
        raise RefusedError("case_field", "object")


def _clear(view: CaseView, step: CaseStepBody, actor: Actor, sheet: tuple[SheetLine, ...], now: int) -> None:
    del actor, sheet, now
    _before_proposal(view)
    _member(ClearingMeans, step.means)
    _member(ClearingFinding, step.finding)


def _hearing_call(view: CaseView, step: CaseStepBody, actor: Actor, sheet: tuple[SheetLine, ...], now: int) -> None:
    del actor, sheet
    _before_proposal(view)
    if not view.of(StepKind.CLEAR):
        raise RefusedError("case_stage", "look for another explanation first")
    if step.until_at < now + HEARING_DAYS_MIN * DAY_US:
        raise RefusedError("case_until", f"at least {HEARING_DAYS_MIN} days ahead")


def _hearing(view: CaseView, step: CaseStepBody, actor: Actor, sheet: tuple[SheetLine, ...], now: int) -> None:
    del actor, sheet
    _before_proposal(view)
    calls = view.of(StepKind.HEARING_CALL)
    if not calls:
        raise RefusedError("case_stage", "call the agent first")
    _member(HearingResult, step.result)
    if step.result == HearingResult.ABSENT and now < calls[-1].until_at:
        raise RefusedError("case_until", "the hearing has not taken place yet")


def _propose(view: CaseView, step: CaseStepBody, actor: Actor, sheet: tuple[SheetLine, ...], now: int) -> None:
    del actor, sheet, now
    _before_proposal(view)
    _member(CaseOutcome, step.outcome)
    if step.outcome == CaseOutcome.NONE:
        raise RefusedError("case_field", "outcome")
    if not view.of(StepKind.CLEAR):
        raise RefusedError("case_stage", "look for another explanation first")
    if step.outcome == CaseOutcome.BREACH:
        if not view.of(StepKind.HEARING):
            raise RefusedError("case_unheard")
        if not any(each.side == ExhibitSide.SUPPORTING for each in view.of(StepKind.EXHIBIT)):
            raise RefusedError("case_exhibit")


def _opinion(view: CaseView, step: CaseStepBody, actor: Actor, sheet: tuple[SheetLine, ...], now: int) -> None:
    del sheet, now
    _other_than_proposer(view, actor)
    _member(Opinion, step.opinion)


def _second_key(view: CaseView, step: CaseStepBody, actor: Actor, sheet: tuple[SheetLine, ...], now: int) -> None:
    del step, sheet, now
    _other_than_proposer(view, actor)
    if not view.since_proposal(StepKind.OPINION):
        raise RefusedError("case_opinion")


def _withhold(view: CaseView, step: CaseStepBody, actor: Actor, sheet: tuple[SheetLine, ...], now: int) -> None:
    del step, sheet, now
    _other_than_proposer(view, actor)


def _override(view: CaseView, step: CaseStepBody, actor: Actor, sheet: tuple[SheetLine, ...], now: int) -> None:
    del now
    _member(Check, step.check)
    if actor.principal == view.opened.principal:
        raise RefusedError("case_own_approval")
    if not any(line.check == step.check and line.state is CheckState.MISSED for line in sheet):
        raise RefusedError("case_field", "check")


def _hand_over(view: CaseView, step: CaseStepBody, actor: Actor, sheet: tuple[SheetLine, ...], now: int) -> None:
    del step, actor, now
    if view.stage not in (CaseStage.DECIDED, CaseStage.CLOSED):
        raise RefusedError("case_stage", "decide first")
    overridden = {each.check for each in view.of(StepKind.OVERRIDE)}
    blocking = [line.check for line in sheet if line.state is not CheckState.MET and line.check not in overridden]
    if blocking:
        raise RefusedError("case_inadmissible", ", ".join(blocking))


def _close(view: CaseView, step: CaseStepBody, actor: Actor, sheet: tuple[SheetLine, ...], now: int) -> None:
    del step, actor, sheet, now
    if view.stage is not CaseStage.DECIDED:
        raise RefusedError("case_stage", "decide first")


def _before_proposal(view: CaseView) -> None:
    if view.stage in (CaseStage.PROPOSED, CaseStage.DECIDED):
        raise RefusedError("case_stage", "a proposal stands")


def _other_than_proposer(view: CaseView, actor: Actor) -> None:
    if view.proposal is None or view.stage is not CaseStage.PROPOSED:
        raise RefusedError("case_stage", "no proposal stands")
    if actor.principal in {view.proposal.principal, view.opened.principal}:
        raise RefusedError("case_own_approval")


_Judge = Callable[[CaseView, CaseStepBody, Actor, tuple[SheetLine, ...], int], None]
_JUDGES: Final[dict[StepKind, _Judge]] = {
    StepKind.PRESERVE: _preserve,
    StepKind.EXHIBIT: _exhibit,
    StepKind.CLEAR: _clear,
    StepKind.HEARING_CALL: _hearing_call,
    StepKind.HEARING: _hearing,
    StepKind.PROPOSE: _propose,
    StepKind.OPINION: _opinion,
    StepKind.SECOND_KEY: _second_key,
    StepKind.WITHHOLD: _withhold,
    StepKind.OVERRIDE: _override,
    StepKind.HAND_OVER: _hand_over,
    StepKind.CLOSE: _close,
}
