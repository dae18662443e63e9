"""A case as its entries tell it: the opening and its steps, folded in order (DESIGN §2, "State is entry-first").

Called by the core and the console. Pure. Must never hold a state that the entries do not give.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from quivive.model.case import CaseBody, CaseOutcome, CaseStage, CaseStepBody, StepKind

_STAGE_OF: Final = {
    StepKind.PRESERVE: CaseStage.PRESERVED,
    StepKind.CLEAR: CaseStage.CLEARING,
    StepKind.HEARING_CALL: CaseStage.HEARING,
    StepKind.HEARING: CaseStage.HEARING,
    StepKind.PROPOSE: CaseStage.PROPOSED,
    StepKind.SECOND_KEY: CaseStage.DECIDED,
    StepKind.CLOSE: CaseStage.CLOSED,
}
_ORDER: Final = tuple(CaseStage)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """A case now. `steps` in the order they were taken; `concerned`: it is about a person, whose key stays outside."""

    opened: CaseBody
    opened_at: int
    concerned: bool
    steps: tuple[CaseStepBody, ...]

    @property
    def stage(self) -> CaseStage:
        """The furthest stage reached; a withheld proposal brings the case back before it."""
        reached = CaseStage.OPEN
        for step in self.steps:
            if step.step_kind is StepKind.WITHHOLD:
                reached = CaseStage.HEARING if self._was_called(step) else CaseStage.CLEARING
                continue
            stage = _STAGE_OF.get(step.step_kind)
            if stage is not None and _ORDER.index(stage) > _ORDER.index(reached):
                reached = stage
        return reached

    @property
    def outcome(self) -> CaseOutcome:
        """What was decided; NONE until the second key is turned."""
        if self.stage not in (CaseStage.DECIDED, CaseStage.CLOSED):
            return CaseOutcome.NONE
        proposed = self.proposal
        return CaseOutcome(proposed.outcome) if proposed else CaseOutcome.NONE

    @property
    def proposal(self) -> CaseStepBody | None:
        """The proposal that stands: the last one not withheld since."""
        standing: CaseStepBody | None = None
        for step in self.steps:
            if step.step_kind is StepKind.PROPOSE:
                standing = step
            elif step.step_kind is StepKind.WITHHOLD:
                standing = None
        return standing

    @property
    def preserved_until(self) -> int:
        """End of the preservation (microseconds UTC), 0 before it."""
        return max((step.until_at for step in self.of(StepKind.PRESERVE)), default=0)

    def of(self, kind: StepKind) -> tuple[CaseStepBody, ...]:
        """Steps of one kind, in order."""
        return tuple(step for step in self.steps if step.step_kind is kind)

    def since_proposal(self, kind: StepKind) -> tuple[CaseStepBody, ...]:
        """Steps of one kind taken after the standing proposal."""
        proposed = self.proposal
        if proposed is None:
            return ()
        return tuple(step for step in self.of(kind) if self.steps.index(step) > self.steps.index(proposed))

    def _was_called(self, before: CaseStepBody) -> bool:
        earlier = self.steps[: self.steps.index(before)]
        return any(step.step_kind is StepKind.HEARING_CALL for step in earlier)


def fold(opened: CaseBody, opened_at: int, steps: Sequence[CaseStepBody], *, concerned: bool = True) -> CaseView:
    """Make the view; the same step told twice counts once, whatever the order of arrival."""
    once = {step.step: step for step in steps if step.case == opened.case}
    ordered = sorted(once.values(), key=lambda step: (step.taken_at, step.step))
    return CaseView(opened=opened, opened_at=opened_at, concerned=concerned, steps=tuple(ordered))
