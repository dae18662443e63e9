"""Claims of the rules R-01 to R-14 (law reference §1.3): each refusal, its clause, its sentence in both languages."""

from dataclasses import replace

import pytest
from register_bodies import CAMPAIGN, NOW

from quivive.model.clock import DAY_US, HOUR_US
from quivive.model.recording import Purpose
from quivive.model.recording_register import (
    CLAUSE,
    LegalBasis,
    Listener,
    Payment,
    Period,
    Refusal,
    RefusalCode,
    Trigger,
    Wanted,
    WarningCode,
)
from quivive.recordings.limits import limits, reason
from quivive.recordings.rules import Warned, announced_permille, judge
from quivive.web.i18n import load_texts
from quivive.web.recording_sentences import refusal, warning

EVIDENCE = replace(
    CAMPAIGN,
    purpose="contract_evidence",
    trigger=Trigger.AGENT,
    retention_days=1_826,
    basis=LegalBasis.CONTRACT,
    necessity="No written contract exists for these renewals; the customer dictates the terms.",
)
DUTY = replace(
    CAMPAIGN, purpose="legal_duty", basis=LegalBasis.LEGAL_OBLIGATION, legal_text="L. 533-10 CMF", retention_days=1_826
)
LONG = replace(CAMPAIGN, to_at=CAMPAIGN.from_at + 200 * DAY_US)
ROUND_THE_CLOCK = replace(CAMPAIGN, periods=(Period(from_at=CAMPAIGN.from_at, to_at=CAMPAIGN.to_at),))

REFUSED = [
    # clause, draft, code, figures found and limit, words of the French and of the English sentence
    ("R-01", replace(CAMPAIGN, purpose="curiosity"), "purpose_unknown", 0, 0, "pas dans la liste", "not on the list"),
    ("R-01", replace(CAMPAIGN, basis=LegalBasis.NONE), "basis_missing", 0, 0, "base légale", "legal basis"),
    ("R-01", replace(CAMPAIGN, basis=LegalBasis.CONSENT), "basis_unfit", 0, 0, "ne consent pas", "not consent freely"),
    ("R-01", replace(CAMPAIGN, sites=()), "population_missing", 0, 0, "Aucun site ni équipe", "No site or team"),
    ("R-02", replace(CAMPAIGN, trigger=Trigger.ALL), "permanent", 0, 0, "permanent est interdit", "Permanent recording"),
    ("R-02", replace(CAMPAIGN, share_permille=1_000), "permanent", 0, 0, "permanent", "Permanent"),
    ("R-02", ROUND_THE_CLOCK, "permanent", 0, 0, "permanent", "Permanent"),
    ("R-02", replace(CAMPAIGN, share_permille=201), "share_too_high", 201, 200, "20,1\u202f%", "20.1%"),
    ("R-02", replace(CAMPAIGN, cap_month=0), "cap_missing", 0, 5, "5 appels", "5 calls"),
    ("R-02", replace(CAMPAIGN, to_at=0), "no_end", 0, 0, "n’a pas de fin", "has no end"),
    ("R-02", LONG, "systematic", 200, 184, "200 jours", "200 days"),
    ("R-03", replace(CAMPAIGN, purpose="incivility"), "incivility_by_agent_only", 0, 0, "incivilités", "incivility"),
    ("R-04", replace(CAMPAIGN, retention_days=0), "retention_missing", 0, 180, "180 jours", "180 days"),
    ("R-04", replace(CAMPAIGN, retention_days=181), "retention_too_long", 181, 180, "181 jours", "181 days"),
    ("R-04", replace(EVIDENCE, retention_days=1_827), "retention_too_long", 1827, 1826, "1\u202f827", "1,827"),
    ("R-05", replace(CAMPAIGN, analysis_days=366), "analysis_too_long", 366, 365, "366 jours", "366 days"),
    ("R-06", replace(EVIDENCE, outbound_sale=True), "evidence_outbound_sale", 0, 0, "support durable", "durable medium"),
    ("R-06", replace(EVIDENCE, trigger=Trigger.SAMPLE), "evidence_by_hand_only", 0, 0, "à la main", "by hand"),
    ("R-06", replace(EVIDENCE, necessity="useful"), "necessity_missing", 6, 40, "nécessité", "necessity"),
    ("R-07", replace(CAMPAIGN, payment=Payment.UNSTATED), "payment_unstated", 0, 0, "carte", "card payment"),
    ("R-08", replace(CAMPAIGN, wanted=(Wanted.SCREEN_CAPTURE,)), "screen_capture", 0, 0, "captures", "captures"),
    ("R-08", replace(CAMPAIGN, wanted=(Wanted.SCREEN_VIDEO,)), "screen_capture", 0, 0, "vidéo", "video"),
    ("R-09", replace(CAMPAIGN, neutralisation=False), "no_neutralisation", 0, 0, "privé", "private"),
    ("R-10", replace(CAMPAIGN, periods=()), "no_period", 0, 0, "Aucune période", "No period"),
    ("R-10", replace(CAMPAIGN, to_at=CAMPAIGN.from_at + HOUR_US), "period_outside", 1, 0, "n° 1", "no. 1"),
    ("R-10", replace(CAMPAIGN, lead_us=DAY_US), "notice_too_short", 1, 7, "7 au moins", "at least 7"),
    ("R-11", replace(CAMPAIGN, announcement=" "), "announcement_missing", 0, 0, "annonce", "announcement"),
    ("R-11", replace(CAMPAIGN, objection=False), "objection_missing", 0, 0, "s’opposer", "cannot object"),
    ("R-12", replace(CAMPAIGN, listeners=()), "listeners_missing", 0, 0, "Personne", "Nobody"),
    (
        "R-12",
        replace(CAMPAIGN, listeners=tuple(Listener(principal=f"e{n}") for n in range(51))),
        "too_many_listeners", 51, 50, "51 personnes", "51 persons",
    ),
    ("R-13", replace(CAMPAIGN, wanted=(Wanted.EMOTION,)), "emotion_or_voice", 0, 0, "émotions", "emotions"),
    ("R-13", replace(CAMPAIGN, wanted=(Wanted.VOICE_PRINT,)), "emotion_or_voice", 0, 0, "vocale", "voice print"),
    ("R-14", replace(DUTY, legal_text=""), "legal_text_missing", 0, 0, "son texte", "its text"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("clause", "draft", "code", "found", "limit", "french", "english"), REFUSED, ids=[f"{r[0]}-{r[2]}" for r in REFUSED]
)
def test_each_draft_is_refused_with_its_rule_in_both_languages(clause, draft, code, found, limit, french, english):
    """The refusal, its clause, its figures, and a sentence that a person understands."""
    refusals = judge(draft, limits(), NOW).refusals
    expected = Refusal(code=RefusalCode(code), found=found, limit=limit)
    assert expected in refusals
    assert CLAUSE[expected.code] == clause
    texts = load_texts("Europe/Paris")
    assert french in refusal(texts["fr"], expected)
    assert english in refusal(texts["en"], expected)


def test_every_code_is_met_by_the_table_and_every_clause_has_one():
    """No refusal without a case here, and R-01 to R-14 all stand."""
    assert {row[2] for row in REFUSED} == set(RefusalCode)
    assert set(CLAUSE) == set(RefusalCode)
    assert set(CLAUSE.values()) == {f"R-{number:02d}" for number in range(1, 15)}


@pytest.mark.parametrize("draft", [CAMPAIGN, EVIDENCE, DUTY], ids=["training", "evidence", "duty"])
def test_a_lawful_draft_is_refused_nothing(draft):
    """Each purpose has a way that every rule accepts."""
    assert judge(draft, limits(), NOW).refusals == ()


def test_only_a_declared_legal_duty_may_record_every_call():
    """The exception of R-02 is the law's own, never an occasional purpose with a text beside it."""
    assert judge(replace(DUTY, trigger=Trigger.ALL, share_permille=1_000), limits(), NOW).refusals == ()
    assert judge(replace(CAMPAIGN, trigger=Trigger.ALL, legal_text="L. 1"), limits(), NOW).refusals


def test_all_refusals_come_at_once():
    """A person mends a draft in one go."""
    worst = replace(LONG, purpose="x", basis=LegalBasis.NONE, sites=(), trigger=Trigger.ALL, objection=False)
    codes = [refused.code for refused in judge(worst, limits(), NOW).refusals]
    assert codes == ["purpose_unknown", "basis_missing", "population_missing", "permanent", "systematic", "objection_missing"]  # fmt: skip


def test_lawful_but_worth_a_question():
    """Warnings are no refusals; a refused draft has none, since it must be mended first."""
    draft = replace(CAMPAIGN, share_permille=101, cap_month=6, retention_days=31)
    found = judge(draft, limits(), CAMPAIGN.from_at - 2 * DAY_US).warnings
    assert found == (
        Warned(code=WarningCode.SHARE_HIGH, found=101, usual=100),
        Warned(code=WarningCode.CAP_HIGH, found=6, usual=5),
        Warned(code=WarningCode.KEPT_LONG, found=31, usual=30),
        Warned(code=WarningCode.BEGINS_SOON, found=2, usual=7),
    )
    for texts in load_texts("Europe/Paris").values():
        assert all(warning(texts, each) for each in found)
    assert judge(replace(draft, objection=False), limits(), NOW).warnings == ()


def test_announced_time_counts_overlaps_once():
    """Two periods over the same hours are those hours."""
    start, half = CAMPAIGN.from_at, (CAMPAIGN.to_at - CAMPAIGN.from_at) // 2
    twice = (Period(from_at=start, to_at=start + half),) * 2
    assert announced_permille(replace(CAMPAIGN, periods=twice)) == 500


def test_every_limit_has_its_reason():
    """`defaults.toml` says why, for the dossier."""
    assert all(reason(name).startswith("R-") for name in type(limits()).__slots__)
    assert set(Purpose) == {"training", "evaluation", "quality", "contract_evidence", "legal_duty"}
