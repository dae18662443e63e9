"""The sentence of an alert, from its stored codes and facts alone, in the reader's language (DESIGN §9.6).

Called by the alert pages and by the test that walks every topic and fact. Pure. Must never judge a person, never
speak of guilt or its odds, and never leave a fact unsaid: what the sentence does not hold stands in the table.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from quivive.model.alert import AlertOrigin, IncidentKind
from quivive.web.alert_rows import AlertRow, CauseRow, DriftRow
from quivive.web.i18n import Texts

FACTS: Final = (
    "unexplained", "weak_excess", "self_made", "contacts", "peers", "expected_milli", "times_a_month_milli", "days",
    "rows", "records", "window_s", "count", "threshold", "fixed_chars", "q_milli", "weak",
)  # fmt: skip
"""Facts that have a label; any other is shown under its code."""
REASONS: Final = ("budget", "quota", "not_rare", "muted")
"""Why hits stayed closed."""
MAX_MONTHS: Final = 120
"""Rarer than once in ten years is not told more finely: no statistics of ours reach further."""
_MILLI: Final = 1_000
_COUNTED: Final = ("count", "records", "rows")  # in this order in a rule's sentence
_STATISTICAL: Final = frozenset({AlertOrigin.RESIDUAL, AlertOrigin.LOW_AND_SLOW})


def written_day(day: str) -> str:
    """`20260312` → `12/03/2026`: the day is the controller's own, no time zone is applied again."""
    return f"{day[6:8]}/{day[4:6]}/{day[:4]}" if len(day) == len("yyyymmdd") else day


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSpeaker:
    """Makes the sentences of alerts in one language."""

    texts: Texts

    def sentence(self, alert: AlertRow, title: str) -> str:
        """All that the alert says, in three to five plain sentences. `title` is the rule's, "" for a test."""
        parts = [f"{self._head(alert)} {self._found(alert, title)}", *self._compared(alert), self._sources(alert)]
        return " ".join(part for part in parts if part)

    def short(self, alert: AlertRow, title: str) -> str:
        """The first sentence without its head: for a list whose columns hold agent and day."""
        found = self._found(alert, title)
        return found[:1].upper() + found[1:]

    def topic(self, topic: str, title: str) -> str:
        """The name of a topic: the rule's title, or the test's name."""
        if title:
            return title
        known = f"topic.{topic}"
        return self.texts.say(known) if self.texts.knows(known) else topic

    def fact(self, name: str, value: int) -> tuple[str, str]:
        """Label and figure of one fact."""
        label = self.texts.say(f"fact.{name}") if name in FACTS else name
        if name.endswith("_milli"):
            return label, self.texts.number(round(value / _MILLI, 2))
        if name.endswith("_s"):
            return label, self.texts.duration(value)
        return label, self.texts.number(value)

    def cause(self, cause: CauseRow) -> str:
        """One common cause, and that nobody is charged with it."""
        known = cause.kind if cause.kind in set(IncidentKind) else "other"
        lasting = "" if cause.to_at else ".lasting"
        return self.texts.say(
            f"cause_of.{known}{lasting}",
            source=cause.source or "–",
            from_at=self.texts.moment(cause.from_at),
            **({} if lasting else {"to_at": self.texts.moment(cause.to_at)}),
        )

    def left_out(self, reason: str) -> str:
        """Why hits stayed closed."""
        return self.texts.say(f"left_out.{reason}" if reason in REASONS else "left_out.other")

    def drift(self, row: DriftRow) -> str:
        """Whether the model of a peer group still fits, with its distance."""
        code = "digest.drift_fits" if row.fits else "digest.drift_not"
        return self.texts.say(code, distance=self.texts.number(round(row.distance_milli / _MILLI, 2)))

    def _head(self, alert: AlertRow) -> str:
        when = written_day(alert.day)
        several = alert.origin == AlertOrigin.LOW_AND_SLOW or "days" in alert.facts
        if alert.origin in _STATISTICAL and several and alert.from_at:
            when = self.texts.say(
                "alert.span", from_at=self.texts.day(alert.from_at), to_at=self.texts.day(alert.to_at)
            )
        if not alert.agent_code:
            return self.texts.say("alert.head_nobody", when=when)
        return self.texts.say("alert.head", agent=alert.agent_code, when=when)

    def _found(self, alert: AlertRow, title: str) -> str:
        match alert.origin:
            case AlertOrigin.CANARY:
                return self.texts.say("alert.canary")
            case AlertOrigin.RANDOM_AUDIT:
                return self.texts.say("alert.audit_weak") if alert.facts.get("weak") else self.texts.say("alert.audit")
            case AlertOrigin.RESIDUAL | AlertOrigin.LOW_AND_SLOW:
                return self._counted(alert)
            case _:
                return self._rule(alert, title)

    def _counted(self, alert: AlertRow) -> str:
        said = [
            self.texts.count(f"alert.{name}", alert.facts[name])
            for name in ("unexplained", "weak_excess", "self_made")
            if alert.facts.get(name)
        ]
        listed = self.texts.say("list.and").join(said) if said else self.texts.count("alert.unexplained", 0)
        if "contacts" in alert.facts:
            listed += self.texts.count("alert.contacts", alert.facts["contacts"])
        return f"{listed}."

    def _rule(self, alert: AlertRow, title: str) -> str:
        said = [self.texts.count(f"alert.rule_{name}", alert.facts[name]) for name in _COUNTED if alert.facts.get(name)]
        if "window_s" in alert.facts:
            said.append(self.texts.say("alert.rule_window", duration=self.texts.duration(alert.facts["window_s"])))
        if "fixed_chars" in alert.facts:
            said.append(self.texts.count("alert.rule_fixed_chars", alert.facts["fixed_chars"]))
        if "threshold" in alert.facts:
            said.append(self.texts.say("alert.rule_threshold", threshold=self.texts.number(alert.facts["threshold"])))
        name = self.topic(alert.topic, title)
        if not said:
            return self.texts.say("alert.rule", title=name)
        return self.texts.say("alert.rule_with", title=name, facts=", ".join(said))

    def _compared(self, alert: AlertRow) -> list[str]:
        if alert.origin not in _STATISTICAL:
            return []
        said = []
        if "expected_milli" in alert.facts:
            expected = self.texts.number(round(alert.facts["expected_milli"] / _MILLI, 1))
            if "peers" in alert.facts:
                said.append(self.texts.count("alert.peers", alert.facts["peers"], expected=expected))
            else:
                said.append(self.texts.say("alert.expected", expected=expected))
        if "times_a_month_milli" in alert.facts:
            said.append(self._often("days" in alert.facts, alert.facts["times_a_month_milli"]))
        return said

    def _often(self, several: bool, milli: int) -> str:
        code = "alert.often_days" if several else "alert.often"
        if milli * MAX_MONTHS < _MILLI:
            return self.texts.say(f"{code}.never")
        if milli >= _MILLI:
            return self.texts.count(f"{code}.month", round(milli / _MILLI))
        return self.texts.count(f"{code}.months", round(_MILLI / milli))

    def _sources(self, alert: AlertRow) -> str:
        if not alert.freshness:
            return ""
        late = [reach.source for reach in alert.freshness if reach.complete_to < alert.to_at]
        if late:
            return self.texts.say("alert.sources_late", sources=", ".join(late))
        return self.texts.say("alert.sources_whole", sources=", ".join(reach.source for reach in alert.freshness))


def all_codes() -> Iterator[str]:
    """Every sentence id that this file can ask for by joining."""
    yield from (f"fact.{name}" for name in FACTS)
    yield from (f"left_out.{reason}" for reason in (*REASONS, "other"))
    for kind in (*IncidentKind, "other"):
        yield from (f"cause_of.{kind}", f"cause_of.{kind}.lasting")
    for code in ("alert.often", "alert.often_days"):
        yield from (f"{code}.never", f"{code}.month", f"{code}.months")
    yield from ("alert.unexplained", "alert.weak_excess", "alert.self_made")
    yield from ("digest.drift_fits", "digest.drift_not")
    yield from (f"alert.rule_{name}" for name in _COUNTED)
    yield from (f"topic.{origin}" for origin in AlertOrigin if origin != AlertOrigin.RULE)
