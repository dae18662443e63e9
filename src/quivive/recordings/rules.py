"""May this campaign be? A draft against the requirements R-01 to R-14 (law reference §1.3). Pure.

Called by the register (commands and console) before anything is proposed. Every refusal is a code with its clause and
figures; sentences are made when shown. Must never pass a draft that a rule refuses, whoever asks: there is no override,
only the declaration of a legal text where the law itself makes one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from quivive.model.clock import DAY_US
from quivive.model.recording import Purpose
from quivive.model.recording_register import (
    MAX_LISTENERS,
    OCCASIONAL,
    CampaignBody,
    LegalBasis,
    Payment,
    Refusal,
    RefusalCode,
    Trigger,
    Wanted,
    WarningCode,
)
from quivive.recordings.limits import Limits

INCIVILITY: Final = frozenset({"incivility", "incivilite", "incident"})
"""Named as a purpose, it is refused with the lawful way beside it: the agent starts the recording (R-03)."""
FITTING: Final[dict[Purpose, frozenset[LegalBasis]]] = {
    Purpose.TRAINING: frozenset({LegalBasis.LEGITIMATE_INTEREST}),
    Purpose.EVALUATION: frozenset({LegalBasis.LEGITIMATE_INTEREST}),
    Purpose.QUALITY: frozenset({LegalBasis.LEGITIMATE_INTEREST}),
    Purpose.CONTRACT_EVIDENCE: frozenset({LegalBasis.LEGITIMATE_INTEREST, LegalBasis.CONTRACT}),
    Purpose.LEGAL_DUTY: frozenset({LegalBasis.LEGAL_OBLIGATION}),
}
"""Bases that can carry a purpose. Consent is none of an employee's: he cannot refuse it freely."""
_SCREEN: Final = frozenset({Wanted.SCREEN_CAPTURE, Wanted.SCREEN_VIDEO})
_EVERY: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Lawful, but worth a question: `found` against `usual`."""

    code: WarningCode
    found: int
    usual: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the rules say of one draft. Lawful when nothing is refused."""

    refusals: tuple[Refusal, ...]
    warnings: tuple[Warned, ...]


def judge(draft: CampaignBody, limits: Limits, at: int) -> Judgement:
    """Hold a draft against every rule; all refusals at once, in the order of the clauses. `at`: now, microseconds."""
    refusals = (
        *_purpose(draft),
        *_occasional(draft, limits),
        *_kept(draft, limits),
        *_evidence(draft, limits),
        *_never(draft),
        *_announced(draft, limits),
        *_listeners(draft),
        *_duty(draft),
    )
    return Judgement(refusals=refusals, warnings=() if refusals else tuple(_warnings(draft, limits, at)))


def purpose_of(draft: CampaignBody) -> Purpose | None:
    """The purpose of a draft, None when it names none of the closed list."""
    return Purpose(draft.purpose) if draft.purpose in set(Purpose) else None


def _purpose(draft: CampaignBody) -> Iterator[Refusal]:
    """R-01 and R-03: a purpose of the list, a basis that can carry it, a population somebody named."""
    purpose = purpose_of(draft)
    if draft.purpose.casefold() in INCIVILITY:
        yield Refusal(code=RefusalCode.INCIVILITY_BY_AGENT_ONLY)
    elif purpose is None:
        yield Refusal(code=RefusalCode.PURPOSE_UNKNOWN)
    if draft.basis is LegalBasis.NONE:
        yield Refusal(code=RefusalCode.BASIS_MISSING)
    elif purpose is not None and draft.basis not in FITTING[purpose]:
        yield Refusal(code=RefusalCode.BASIS_UNFIT)
    if not draft.sites and not draft.teams:
        yield Refusal(code=RefusalCode.POPULATION_MISSING)


def _occasional(draft: CampaignBody, limits: Limits) -> Iterator[Refusal]:
    """R-02: neither permanent nor systematic, unless a legal text says so; and that can only be a legal duty."""
    by_text = purpose_of(draft) is Purpose.LEGAL_DUTY and bool(draft.legal_text)
    if not by_text and (draft.trigger is Trigger.ALL or draft.share_permille >= _EVERY):
        yield Refusal(code=RefusalCode.PERMANENT)
    elif not by_text and draft.share_permille > limits.share_most_permille:
        yield Refusal(
            code=RefusalCode.SHARE_TOO_HIGH, found=draft.share_permille, limit=limits.share_most_permille
        )  # fmt: skip
    if draft.trigger is Trigger.SAMPLE and draft.cap_month <= 0:
        yield Refusal(code=RefusalCode.CAP_MISSING, limit=limits.cap_month)
    if draft.to_at <= draft.from_at:
        yield Refusal(code=RefusalCode.NO_END)
        return
    days = -(-(draft.to_at - draft.from_at) // DAY_US)
    if not by_text and days > limits.campaign_days:
        yield Refusal(code=RefusalCode.SYSTEMATIC, found=days, limit=limits.campaign_days)
    elif not by_text and days > 1 and announced_permille(draft) > limits.announced_permille:
        yield Refusal(code=RefusalCode.PERMANENT)


def announced_permille(draft: CampaignBody) -> int:
    """Share of the campaign's whole time that its periods cover, in thousandths; overlaps count once."""
    covered = last = 0
    for period in sorted(draft.periods, key=lambda each: each.from_at):
        covered += max(0, period.to_at - max(period.from_at, last))
        last = max(last, period.to_at)
    return covered * _EVERY // max(1, draft.to_at - draft.from_at)


def _kept(draft: CampaignBody, limits: Limits) -> Iterator[Refusal]:
    """R-04, R-05, R-14: six months for sound, a year for analysis, more only as the purpose's own text says."""
    most = {Purpose.CONTRACT_EVIDENCE: limits.evidence_days, Purpose.LEGAL_DUTY: limits.duty_days}
    purpose = purpose_of(draft)
    longest = limits.retention_days if purpose is None else most.get(purpose, limits.retention_days)
    if draft.retention_days <= 0:
        yield Refusal(code=RefusalCode.RETENTION_MISSING, limit=longest)
    elif draft.retention_days > longest:
        yield Refusal(code=RefusalCode.RETENTION_TOO_LONG, found=draft.retention_days, limit=longest)
    if draft.analysis_days > limits.analysis_days:
        yield Refusal(code=RefusalCode.ANALYSIS_TOO_LONG, found=draft.analysis_days, limit=limits.analysis_days)


def _evidence(draft: CampaignBody, limits: Limits) -> Iterator[Refusal]:
    """R-06: proof of a contract, by hand, necessary, and never on outbound sales to consumers."""
    if purpose_of(draft) is not Purpose.CONTRACT_EVIDENCE:
        return
    if draft.outbound_sale:
        yield Refusal(code=RefusalCode.EVIDENCE_OUTBOUND_SALE)
    if draft.trigger is not Trigger.AGENT:
        yield Refusal(code=RefusalCode.EVIDENCE_BY_HAND_ONLY)
    if len(draft.necessity.strip()) < limits.necessity_chars:
        yield Refusal(
            code=RefusalCode.NECESSITY_MISSING, found=len(draft.necessity.strip()), limit=limits.necessity_chars
        )  # fmt: skip


def _never(draft: CampaignBody) -> Iterator[Refusal]:
    """R-07, R-08, R-09, R-13: what no purpose makes lawful, and what every campaign must have beside it."""
    if draft.payment is Payment.UNSTATED:
        yield Refusal(code=RefusalCode.PAYMENT_UNSTATED)
    if _SCREEN.intersection(draft.wanted):
        yield Refusal(code=RefusalCode.SCREEN_CAPTURE)
    if not draft.neutralisation:
        yield Refusal(code=RefusalCode.NO_NEUTRALISATION)
    if set(draft.wanted) - _SCREEN:
        yield Refusal(code=RefusalCode.EMOTION_OR_VOICE)


def _announced(draft: CampaignBody, limits: Limits) -> Iterator[Refusal]:
    """R-10, R-11: agents know the periods in time, callers know and may object."""
    if not draft.periods:
        yield Refusal(code=RefusalCode.NO_PERIOD)
    outside = next(
        (
            place
            for place, period in enumerate(draft.periods, start=1)
            if not draft.from_at <= period.from_at < period.to_at or (draft.to_at and period.to_at > draft.to_at)
        ),
        0,
    )
    if outside:
        yield Refusal(code=RefusalCode.PERIOD_OUTSIDE, found=outside)
    if draft.lead_us < limits.lead_days * DAY_US:
        yield Refusal(code=RefusalCode.NOTICE_TOO_SHORT, found=draft.lead_us // DAY_US, limit=limits.lead_days)
    if not draft.announcement.strip():
        yield Refusal(code=RefusalCode.ANNOUNCEMENT_MISSING)
    if not draft.objection:
        yield Refusal(code=RefusalCode.OBJECTION_MISSING)


def _listeners(draft: CampaignBody) -> Iterator[Refusal]:
    """R-12: named, and few."""
    named = [each for each in draft.listeners if each.principal or each.person]
    if not named:
        yield Refusal(code=RefusalCode.LISTENERS_MISSING)
    elif len(named) > MAX_LISTENERS:
        yield Refusal(code=RefusalCode.TOO_MANY_LISTENERS, found=len(named), limit=MAX_LISTENERS)


def _duty(draft: CampaignBody) -> Iterator[Refusal]:
    """R-14: a legal duty names its text."""
    if purpose_of(draft) is Purpose.LEGAL_DUTY and not draft.legal_text.strip():
        yield Refusal(code=RefusalCode.LEGAL_TEXT_MISSING)


def _warnings(draft: CampaignBody, limits: Limits, at: int) -> Iterator[Warned]:
    if purpose_of(draft) in OCCASIONAL:
        if draft.share_permille > limits.share_warn_permille:
            yield Warned(
                code=WarningCode.SHARE_HIGH, found=draft.share_permille, usual=limits.share_warn_permille
            )  # fmt: skip
        if draft.cap_month > limits.cap_month:
            yield Warned(code=WarningCode.CAP_HIGH, found=draft.cap_month, usual=limits.cap_month)
        if draft.retention_days > limits.buffer_days:
            yield Warned(code=WarningCode.KEPT_LONG, found=draft.retention_days, usual=limits.buffer_days)
    begins = min(period.from_at for period in draft.periods)
    if begins < at + draft.lead_us:
        yield Warned(
            code=WarningCode.BEGINS_SOON, found=max(0, begins - at) // DAY_US, usual=draft.lead_us // DAY_US
        )  # fmt: skip
