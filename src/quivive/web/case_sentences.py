"""Sentences of cases: closed sets in the reader's language, beside the codes that are stored.

Called by the pages of cases. Must never judge a person: a case is a question until it is decided.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from quivive.model.approval import ApprovalRefusal, ApprovalState
from quivive.model.case import (
    CaseOrigin,
    CaseOutcome,
    CaseStage,
    Check,
    CheckState,
    ClearingFinding,
    ClearingMeans,
    ExhibitSide,
    HearingResult,
    Opinion,
    StepKind,
)

CODES: Final[tuple[tuple[str, type[StrEnum]], ...]] = (
    ("case_origin", CaseOrigin),
    ("case_stage", CaseStage),
    ("case_step", StepKind),
    ("case_side", ExhibitSide),
    ("case_means", ClearingMeans),
    ("case_finding", ClearingFinding),
    ("case_result", HearingResult),
    ("case_opinion", Opinion),
    ("case_check", Check),
    ("case.clause", Check),
    ("case_check_state", CheckState),
    ("approval_state", ApprovalState),
)
PROBLEMS: Final = (
    "case_unknown", "case_role", "case_closed", "case_stage", "case_text", "case_text_long", "case_field", "case_until",
    "case_own_approval", "case_nobody", "resolve_too_long",
    "case_unheard", "case_opinion", "case_exhibit", "case_inadmissible", "case_not_published",
    "case_recipient", "approval_unknown", *ApprovalRefusal,
)  # fmt: skip
"""Refusals of a step, in words a person can act on."""


def all_codes() -> Iterator[str]:
    """Every sentence id that the pages of cases can ask for."""
    for prefix, members in CODES:
        yield from (f"{prefix}.{member}" for member in members)
    yield from (f"case_outcome.{outcome}" for outcome in CaseOutcome if outcome is not CaseOutcome.NONE)
    yield from (f"case.help.{kind}" for kind in StepKind)
    yield from (f"case.choose.{name}" for name in ("side", "means", "finding", "result", "outcome", "opinion", "check"))
