"""One catalogue of sentences per stored code: verdicts, templates, causes, actions, evidence (DESIGN §9, §14).

Codes and parameters are stored; sentences are made here, when shown, in the reader's language. Must never
judge a person: "unexplained" means that no reason was found, nothing more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from quivive.detection.coverage import FixCode
from quivive.ledger.finding import FindingCode
from quivive.model.access import Action, AttributionSource, CoverageClass, GapCause, Grade, Outcome, PatternClass
from quivive.model.alert import AlertOrigin, AlertState, ReviewOutcome, Severity, WordCategory
from quivive.model.contact import ContactKind
from quivive.model.entry import ActKind, RetentionClass
from quivive.model.gate import GateState
from quivive.model.permission import Role
from quivive.model.purge import PurgePlace
from quivive.model.verdict import Strength, Template, UnknownCause, Verdict
from quivive.reports import sentences as report_sentences
from quivive.settings import SourceKind
from quivive.web import alert_sentences, audio_sentences, case_sentences, identity_sentences, recording_sentences
from quivive.web.i18n import Texts
from quivive.web.rows import Row

CODES: Final[tuple[tuple[str, type[StrEnum]], ...]] = (
    ("action", Action),
    ("attribution", AttributionSource),
    ("coverage", CoverageClass),
    ("coverage_short", CoverageClass),
    ("gap", GapCause),
    ("gate", GateState),
    ("grade", Grade),
    ("outcome", Outcome),
    ("pattern", PatternClass),
    ("contact", ContactKind),
    ("role", Role),
    ("story.finding", FindingCode),
    ("strength", Strength),
    ("template", Template),
    ("expected", Template),
    ("cause", UnknownCause),
    ("verdict", Verdict),
    ("alert_state", AlertState),
    ("severity", Severity),
    ("origin", AlertOrigin),
    ("word", WordCategory),
    ("source_kind", SourceKind),
    ("fix", FixCode),
    ("retention_class", RetentionClass),
    ("retention_store", PurgePlace),
)
"""Every closed set that has a sentence per member; the test of completeness walks it."""

DUE_CODES: Final = (
    "questions", "overdue", "nonconformities", "unmask", "resolve", "recordings_campaign", "recordings_purge",
    "recordings_hold", "recordings_release",
)  # fmt: skip
"""What may wait for somebody on the first page."""

LOOKS: Final = (
    ActKind.VIEW_ACTIVITY_OPEN, ActKind.VIEW_UNEXPLAINED, ActKind.VIEW_ACCESS, ActKind.VIEW_ALERTS, ActKind.VIEW_ALERT,
    ActKind.REVIEW_ALERT, ActKind.EXPORT,
)  # fmt: skip
"""Acts that an agent may see in his own space: looks at activity, his own among it."""

PROBLEMS: Final = (
    "alert_not_open", "alert_unknown", "answer_missing", "attestation_day",
    "bad_request", "content_type", "controller_unknown", "defect",
    "field_invalid", "filter_invalid", "form_expired", "identity_kind_unknown", "link_expired", "link_unknown",
    "link_used", "method_not_allowed", "not_durable", "not_found", "other_site", "outcome_missing",
    "period_invalid", "permission_refused", "person_missing", "question_closed", "question_unknown", "rebuilding",
    "record_key_parts", "record_notation", "record_table_ambiguous", "record_table_unknown", "rule_unknown",
    "sign_in_needed", "sign_in_refused_too_often", "subject_one_of", "subject_unreadable", "switch_off",
    "too_large", "too_many_keys", "unknown_search", *case_sentences.PROBLEMS,
    *audio_sentences.PROBLEMS, *recording_sentences.PROBLEMS, *identity_sentences.PROBLEMS,
)  # fmt: skip
"""Refusals that a person may meet; any other code is shown as `problem.other` with its code."""


def all_codes() -> Iterator[str]:
    """Every sentence id that this file can ask for."""
    for prefix, members in CODES:
        yield from (f"{prefix}.{member}" for member in members)
    yield from (f"problem.{code}" for code in (*PROBLEMS, "other"))
    yield from (f"act.{act}" for act in LOOKS)
    yield from (f"review.{outcome}" for outcome in ReviewOutcome if outcome is not ReviewOutcome.NONE)
    yield from alert_sentences.all_codes()
    yield from case_sentences.all_codes()
    yield from report_sentences.all_codes()
    yield from audio_sentences.all_codes()
    yield from recording_sentences.all_codes()
    yield from identity_sentences.all_codes()
    yield from (
        "evidence.before",
        "evidence.after",
        "evidence.during",
        "evidence.nothing",
        "evidence.nearest",
        "evidence.nearest_during",
    )
    yield from (f"due.{code}" for code in DUE_CODES)
    yield from ("fresh.silent", "fresh.until", "fresh.never", "reason.pending")
    yield from ("reason.unexplained", "reason.not_judged", "report.reason_open", "verdict.none")
    yield from ("unit.days", "unit.hours", "unit.minutes", "unit.seconds", "story.finding.other", "identity.record")
    yield from ("identity.phone", "identity.other", "agent.none", "found.yes", "found.no", "found.cannot_tell")


_STATED: Final[dict[str, Template]] = {ContactKind.TICKET: Template.E7, ContactKind.CALLBACK: Template.E6}


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Makes the sentences of rows in one language."""

    texts: Texts

    def code(self, prefix: str, code: str) -> str:
        """The sentence of a member of a closed set; an empty code gives a dash."""
        return self.texts.say(f"{prefix}.{code}") if code else "–"

    def problem(self, code: str) -> str:
        """What happened, in words a person can act on."""
        if code in PROBLEMS:
            return self.texts.say(f"problem.{code}")
        return self.texts.say("problem.other", code=code)

    def agent(self, row: Row) -> str:
        """The neutral code of the agent, or why there is none."""
        return row.agent_code or self.texts.say("agent.none")

    def reason(self, row: Row) -> str:
        """The reason on the row: what explains the access, or that nothing was found, or why one cannot tell."""
        match row.verdict:
            case Verdict.EXPLAINED:
                return self._explained(row)
            case Verdict.UNKNOWN:
                return self.code("cause", row.unknown_cause or UnknownCause.NONE)
            case Verdict.PENDING:
                return self.texts.say("reason.pending")
            case Verdict.UNEXPLAINED:
                return self.texts.say("reason.unexplained")
            case _:
                return self.texts.say("reason.not_judged")

    def _explained(self, row: Row) -> str:
        # A ticket or callback that the application itself stated matches as E1 does; its sentence is its own kind's.
        stated = _STATED.get(row.evidence_kind) if row.template == Template.E1 else None
        template = self.code("template", stated or row.template or Template.NONE)
        return f"{template} · {self.evidence(row)}" if row.evidence_kind else template

    def evidence(self, row: Row) -> str:
        """The contact behind a reason: its kind and the reference a reader can look up."""
        kind = self.code("contact", row.evidence_kind)
        return f"{kind} {row.evidence_label}".strip()

    def delta(self, seconds: int) -> str:
        """How far a contact lies from the access; positive = the contact came first (access minus contact)."""
        if seconds == 0:
            return self.texts.say("evidence.during")
        code = "evidence.before" if seconds > 0 else "evidence.after"
        return self.texts.say(code, duration=self.texts.duration(seconds))

    def found(self, row: Row) -> str:
        """Found, not found, or cannot tell because the source was silent."""
        if row.found:
            return self.texts.say("found.yes")
        return self.texts.say("found.cannot_tell" if row.silent else "found.no")

    def proof(self, row: Row) -> str:
        """The contact that was found, or the nearest one that was not enough."""
        if row.found:
            return f"{row.contact_label} · {self.delta(row.delta_s)}".strip(" ·")
        if not row.nearest_at:
            return self.texts.say("evidence.nothing")
        code = "evidence.nearest" if row.delta_s else "evidence.nearest_during"
        said = self.texts.say(code, at=self.texts.moment(row.nearest_at), distance=self.delta(row.delta_s))
        return f"{row.contact_label} · {said}".strip(" ·")

    def freshness(self, row: Row) -> str:
        """How far the source that would hold the reason had delivered."""
        if not row.complete_to:
            return self.texts.say("fresh.never")
        code = "fresh.silent" if row.silent else "fresh.until"
        return self.texts.say(code, at=self.texts.moment(row.complete_to))

    def identity(self, kind: str) -> str:
        """A kind of identity in the search form; kinds a controller declares itself are shown by their code."""
        if kind in {"record", "phone"}:
            return self.texts.say(f"identity.{kind}")
        known = f"identity.{kind}"
        return self.texts.say(known) if self.texts.knows(known) else self.texts.say("identity.other", code=kind)

    def known(self, prefix: str, code: str) -> str:
        """The sentence of a code that another part may extend; the bare code when it is newer than we are."""
        text = f"{prefix}.{code}"
        return self.texts.say(text) if code and self.texts.knows(text) else code or "–"

    def listing(self, distinct: int) -> str:
        """That the person was one of several in a listing."""
        return self.texts.count("records.listing", distinct)

    def report_reason(self, row: Row) -> str:
        """The reason as a subject reads it: never a word about anyone before that person was heard."""
        if row.verdict in {Verdict.UNEXPLAINED, Verdict.PENDING}:
            return self.texts.say("report.reason_open")
        return self.reason(row)

    def finding(self, code: str) -> str:
        """One finding of the verifier."""
        known = f"story.finding.{code}"
        return self.texts.say(known) if self.texts.knows(known) else self.texts.say("story.finding.other", code=code)
