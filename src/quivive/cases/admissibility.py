"""The admissibility sheet: eight dated checks that courts and the authority ask of evidence against an employee.

Called by the core and the console. Pure: facts and time come as arguments. Must never call evidence *admissible*:
a judge does; the sheet says what can be shown, and since when.

Sources (law reference): W-01 council consulted before capture (L2312-38; Cass. soc. 11 Dec 2019) · D-04 assessment
before (GDPR 35) · W-02 notice to this agent before (L1222-4) · declared purpose (GDPR 5(1)(b)) · W-04 proportionality
of the rule (L1121-1) · T-05 integrity · D-06 agent heard · W-08 two months from knowledge (L1332-4).
"""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from quivive.cases.view import CaseView
from quivive.model.case import Check, CheckState, StepKind
from quivive.model.clock import SECOND_US
from quivive.model.gate import GateState
from quivive.model.gate_record import DeclaredPurpose, GateRecordBody, GateRecordKind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateStep:
    """One sealed state of the agent's establishment, module access, and when it was sealed."""

    state: GateState
    sealed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetFacts:
    """What the checks look at.

    Fields:
        first_at: the first access the case rests on, 0 when it rests on none.
        informed_at: when this agent was told, 0 never.
        gate: sealed states of the establishment, oldest first. records: its adopted documents.
        rule_at: when the version of the rule behind the case was sealed, 0 unknown; rule_noted: it carries a legal
            note and a runbook (its proportionality sheet).
        exhibits, exhibits_proved: kept, and of these with a proof that verified below a published size at `proved_at`.
    """

    first_at: int
    informed_at: int
    gate: Sequence[GateStep]
    records: Sequence[GateRecordBody]
    rule_at: int
    rule_noted: bool
    exhibits: int
    exhibits_proved: int
    proved_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetLine:
    """One check. `dated_at`: the date that shows it (microseconds UTC), 0 for none. `reference`: of a paper."""

    check: Check
    state: CheckState
    dated_at: int
    reference: str = ""


def admissibility(view: CaseView, facts: SheetFacts, now: int) -> tuple[SheetLine, ...]:
    """Judge the eight checks, in the order of `Check`."""
    return (
        _paper(Check.COUNCIL, GateRecordKind.COUNCIL_OPINION, GateState.CONSULTED, facts),
        _paper(Check.ASSESSMENT, GateRecordKind.IMPACT_ASSESSMENT, GateState.ASSESSED, facts),
        _notice(view, facts),
        _purpose(facts),
        _proportionality(view, facts),
        _integrity(facts),
        _heard(view),
        _two_months(view, now),
    )


def _paper(check: Check, kind: GateRecordKind, state: GateState, facts: SheetFacts) -> SheetLine:
    """A document dated before the first access, or a gate state sealed before it."""
    papers = sorted((r for r in facts.records if r.record is kind), key=lambda r: r.dated_at)
    if papers and papers[0].dated_at <= facts.first_at:
        return SheetLine(check=check, state=CheckState.MET, dated_at=papers[0].dated_at, reference=papers[0].reference)
    sealed = [step.sealed_at for step in facts.gate if step.state is state]
    if sealed and min(sealed) <= facts.first_at:
        return SheetLine(check=check, state=CheckState.MET, dated_at=min(sealed))
    late = papers[0].dated_at if papers else min(sealed, default=0)
    return SheetLine(check=check, state=CheckState.MISSED, dated_at=late)


def _notice(view: CaseView, facts: SheetFacts) -> SheetLine:
    met = not view.concerned or 0 < facts.informed_at <= facts.first_at
    state = CheckState.MET if met else CheckState.MISSED
    return SheetLine(check=Check.NOTICE, state=state, dated_at=facts.informed_at)


def _purpose(facts: SheetFacts) -> SheetLine:
    """The papers in force at the first access name control of consultations and proof of misconduct."""
    wanted = {DeclaredPurpose.CONSULTATION_CONTROL, DeclaredPurpose.MISCONDUCT_PROOF}
    for record in sorted(facts.records, key=lambda r: r.dated_at):
        if record.dated_at <= facts.first_at and wanted <= set(record.purposes):
            return SheetLine(
                check=Check.PURPOSE, state=CheckState.MET, dated_at=record.dated_at, reference=record.reference
            )
    return SheetLine(check=Check.PURPOSE, state=CheckState.MISSED, dated_at=0)


def _proportionality(view: CaseView, facts: SheetFacts) -> SheetLine:
    """The rule behind it was sealed with its sheet before the alert; a case from elsewhere rests on no rule."""
    if not view.opened.topic:
        return SheetLine(check=Check.PROPORTIONALITY, state=CheckState.MET, dated_at=view.opened_at)
    met = facts.rule_noted and 0 < facts.rule_at <= view.opened_at
    state = CheckState.MET if met else CheckState.MISSED
    return SheetLine(check=Check.PROPORTIONALITY, state=state, dated_at=facts.rule_at, reference=view.opened.topic)


def _integrity(facts: SheetFacts) -> SheetLine:
    """Every exhibit has its proof. None kept yet is not a fault yet."""
    if not facts.exhibits:
        return SheetLine(check=Check.INTEGRITY, state=CheckState.OPEN, dated_at=0)
    met = facts.exhibits_proved == facts.exhibits
    state = CheckState.MET if met else CheckState.MISSED
    return SheetLine(check=Check.INTEGRITY, state=state, dated_at=facts.proved_at)


def _heard(view: CaseView) -> SheetLine:
    """Heard, or called and declined, or absent when called, and before anything was proposed."""
    hearings = view.of(StepKind.HEARING)
    if not view.concerned:
        return SheetLine(check=Check.HEARD, state=CheckState.MET, dated_at=view.opened_at)
    if hearings:
        return SheetLine(check=Check.HEARD, state=CheckState.MET, dated_at=hearings[-1].taken_at)
    late = view.proposal is not None
    return SheetLine(check=Check.HEARD, state=CheckState.MISSED if late else CheckState.OPEN, dated_at=0)


def _two_months(view: CaseView, now: int) -> SheetLine:
    """L1332-4: no sanction for facts known for more than two months when the procedure begins."""
    until = two_months_after(view.opened.known_at)
    calls = view.of(StepKind.HEARING_CALL)
    if calls:
        in_time = calls[0].taken_at <= until
        return SheetLine(check=Check.TWO_MONTHS, state=CheckState.MET if in_time else CheckState.MISSED, dated_at=until)
    return SheetLine(
        check=Check.TWO_MONTHS, state=CheckState.OPEN if now <= until else CheckState.MISSED, dated_at=until
    )


def two_months_after(at: int) -> int:
    """The same day two months later, at its last instant (microseconds UTC), or the last day of the month."""
    moment = _EPOCH + timedelta(microseconds=at)
    month, year = moment.month + 2, moment.year
    if month > 12:
        month, year = month - 12, year + 1
    day = min(moment.day, calendar.monthrange(year, month)[1])
    end = datetime(year, month, day, 23, 59, 59, tzinfo=UTC)
    return int((end - _EPOCH).total_seconds()) * SECOND_US
