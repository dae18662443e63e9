"""Rows of detection as the projection gives them, invented: alerts, digest, common causes, questions, coverage."""

import hashlib
import json

from quivive.detection.exposure_search import Lift
from quivive.model.clock import DAY_US, HOUR_US, MINUTE_US
from quivive.web.services import RuleFacts, SourceFacts

NOW = 1_795_356_300_000_000  # 2026-11-22 14:05:00 UTC
DAY = "20261121"


def hex_id(text: str) -> str:
    """An opaque id of 32 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


ALERT = hex_id("alert-1")
QUESTION = hex_id("question-1")


def facts(**named: int) -> str:
    """Facts as the entry's own JSON."""
    return json.dumps([{"name": name, "value": value} for name, value in named.items()])


def case_row(**changed: object) -> dict[str, object]:
    """One row of `cases`: preserved, about an agent."""
    body = {
        "case": hex_id("case-1"), "controller": "aurore", "ident": "", "origin": "alert", "alert": ALERT, "topic": "residual",
        "from_at": NOW - DAY_US, "to_at": NOW - HOUR_US, "known_at": NOW - HOUR_US, "principal": "security-1",
        "role": "security", "text_sha256": "",
    }  # fmt: skip
    step = {
        "case": hex_id("case-1"), "step": hex_id("step-1"), "step_kind": "preserve", "taken_at": NOW - MINUTE_US,
        "principal": "security-1", "role": "security", "until_at": NOW + 90 * DAY_US, "text_sha256": "a" * 64,
    }  # fmt: skip
    row: dict[str, object] = {
        "case": hex_id("case-1"), "opened_at": NOW - HOUR_US, "controller": "aurore", "alert": ALERT,
        "agent_code": "ZB9TT", "concerned": True, "body": json.dumps(body), "steps": [json.dumps(step)],
    }  # fmt: skip
    return row | changed


def alert(number: int, **changed: object) -> dict[str, object]:
    """One row of `alerts` and `alert`."""
    at = NOW - number * 3 * HOUR_US
    row: dict[str, object] = {
        "alert": hex_id(f"alert-{number}"),
        "opened_at": at,
        "controller": ("aurore", "boreal")[number % 2 == 0],
        "agent_code": ("ZB9TT", "7K3QX", "M2PWA")[number % 3],
        "topic": "residual",
        "origin": "residual",
        "severity": "medium",
        "state": "open",
        "outcome": "none",
        "from_at": at - 14 * HOUR_US,
        "to_at": at - 6 * HOUR_US,
        "day": DAY,
        "p_milli": 4_600,
        "rule_version": hashlib.sha256(b"parameters").hexdigest(),
        "facts": facts(
            unexplained=11, weak_excess=3, contacts=64, peers=17, expected_milli=1_240, times_a_month_milli=40
        ),
        "freshness": json.dumps(
            [{"source": "aurore-crm", "complete_to": NOW}, {"source": "aurore-cti", "complete_to": NOW}]
        ),
        "would_explain": ("E1", "E7", "E5"),
        "joined": 0,
        "accesses": 11,
        "changes": [],
    }
    return row | changed


ALERTS = (
    alert(
        1,
        changes=[
            {
                "changed_at": NOW - HOUR_US, "state": "open", "outcome": "none", "principal": "", "is_hit": True,
                "day": "20261122", "from_at": 0, "to_at": 0, "facts": facts(unexplained=4), "p_milli": 0,
            }
        ],
        joined=1,
    ),
    alert(
        2,
        topic="wildcard-search",
        origin="rule",
        severity="high",
        facts=facts(rows=1_204, records=312, window_s=600, threshold=50, fixed_chars=1),
        would_explain=(),
        rule_version=hashlib.sha256(b"text").hexdigest(),
    ),
    alert(3, topic="canary", origin="canary", severity="high", facts=facts(count=1), freshness="[]", would_explain=()),
    alert(
        4, topic="low_and_slow", origin="low_and_slow", from_at=NOW - 28 * DAY_US,
        facts=facts(unexplained=41, contacts=1_310, days=19, peers=22, expected_milli=9_800, times_a_month_milli=350),
    ),
    alert(5, topic="random_audit", origin="random_audit", severity="low", facts=facts(weak=1)),
    alert(6, state="reviewed", outcome="training"),
    alert(7, state="explained", would_explain=("E7",)),
)  # fmt: skip


def lifts(controller: str, victims: int) -> tuple[Lift, ...]:
    """What an exposure search gives."""
    return tuple(
        Lift(
            controller=controller, agent_code=code, opened=opened, victims=victims, expected_milli=expected,
            lift_milli=opened * 1_000_000 // expected, p_milli=6_000, q_milli=4_000, unexplained=opened // 2,
            first_at=NOW - 9 * DAY_US, last_at=NOW - 2 * DAY_US, days=4, accesses=(),
        )
        for code, opened, expected in (("ZB9TT", 6, 400), ("M2PWA", 1, 900))
    )  # fmt: skip


def rules() -> tuple[RuleFacts, ...]:
    """One rule in force."""
    return (
        RuleFacts(
            id="wildcard-search",
            version=hashlib.sha256(b"text").hexdigest(),
            shipped=True,
            enabled=True,
            severity="high",
            title={"fr": "Recherche large par début de nom", "en": "Wide search by the beginning of a name"},
            description={"fr": "Une recherche qui montre tout.", "en": "A search that shows everything."},
            runbook={"fr": "Demander quel besoin la recherche servait.", "en": "Ask which need the search served."},
            legal_note={"fr": "Porte sur la requête, non sur la personne.", "en": "About the query, not the person."},
            text="title: Wide search\ndetection:\n  wide:\n    pattern_class: contains\n",
        ),
    )


def sources() -> tuple[SourceFacts, ...]:
    """Sources as configured; one was never seen."""
    rows = (
        ("aurore-db", "postgres", "A", 0), ("aurore-cti", "contacts", "B", 3_600), ("aurore-crm", "contacts", "B", 3_600),
        ("boreal-db", "postgres", "A", 0), ("boreal-night", "access_file", "D", 0),
    )  # fmt: skip
    return tuple(
        SourceFacts(
            name=name, kind=kind, controller=name.partition("-")[0], grade=grade, lateness_s=lateness,
            silent_after_s=120, accepted=4_100, duplicates=3, refused=2,
        )
        for name, kind, grade, lateness in rows
    )  # fmt: skip


def question(number: int, **changed: object) -> dict[str, object]:
    """One row of `questions_of`."""
    at = NOW - number * HOUR_US
    row: dict[str, object] = {
        "question": hex_id(f"question-{number}"),
        "controller": "aurore",
        "access": hex_id(f"access-{number}"),
        "record_table": "public.customer",
        "accessed_at": at,
        "call_before_at": at - 20 * MINUTE_US,
        "call_after_at": at + 12 * MINUTE_US if number == 1 else 0,
        "asked_at": at + 10 * MINUTE_US,
        "answer_until": at + 10 * MINUTE_US + DAY_US,
        "category": "",
        "answered_at": 0,
    }
    return row | changed


def tables() -> dict[str, list[dict[str, object]]]:
    """Rows by query name."""
    nothing = {"source": "", "detail": "", "exposures": 0, "explained": 0, "median_s": 0, "p95_s": 0, "complete_to": 0}
    nothing |= {"silent": False, "skew_ms": 0}
    share = nothing | {"controller": "aurore", "section": "share"}
    fix = nothing | {"controller": "aurore", "section": "fix"}
    source = nothing | {"controller": "aurore", "section": "source"}
    return _hearing() | {
        "alerts": list(ALERTS),
        "alert_counts": [
            {"controller": "aurore", "state": "open", "alerts": 3, "oldest_at": NOW - 15 * HOUR_US},
            {"controller": "boreal", "state": "open", "alerts": 2, "oldest_at": NOW - 12 * HOUR_US},
            {"controller": "boreal", "state": "reviewed", "alerts": 1, "oldest_at": NOW - 18 * HOUR_US},
        ],
        "calls_around": [
            {
                "access": hex_id("access-1"), "before_label": "A-9850", "before_from_at": NOW - 34 * MINUTE_US,
                "before_to_at": NOW - 31 * MINUTE_US, "after_label": "A-9917", "after_from_at": NOW + MINUTE_US,
            },
            {
                "access": hex_id("access-5"), "before_label": "A-9851", "before_from_at": NOW - 4 * MINUTE_US,
                "before_to_at": 0, "after_label": "", "after_from_at": 0,
            },
        ],
        "words_of_access": [
            {"category": "ticket", "answered_at": NOW - HOUR_US, "is_current": True},
            {"category": "other", "answered_at": NOW - 2 * HOUR_US, "is_current": False},
        ],
        "alert_triage": [
            {
                "controller": "aurore", "open_alerts": 3, "closed_alerts": 1, "overdue_alerts": 1, "unattested_days": 2,
            }
        ],
        "attestations": [
            {
                "controller": "aurore", "day": DAY, "principal": "security-1", "role": "security",
                "attested_at": NOW - HOUR_US, "open_alerts": 3, "closed_alerts": 1, "overdue_alerts": 1,
            }
        ],
        "alert_digest": [
            {
                "controller": "aurore", "day": DAY, "budget": 6, "opened": 3, "joined": 1, "audited": 1,
                "left_out": json.dumps(
                    [
                        {"topic": "residual", "reason": "not_rare", "hits": 14},
                        {"topic": "wildcard-search", "reason": "quota", "hits": 2},
                    ]
                ),
                "audit_seed": "c0ffee", "drift": json.dumps(
                    [
                        {"group": "aurore/call", "agent_days": 120, "distance_milli": 61, "p_milli": 400},
                        {"group": "aurore/chat", "agent_days": 90, "distance_milli": 240, "p_milli": 5_000},
                    ]
                ),
            },
            {"controller": "boreal", "day": DAY, "budget": 6, "opened": 1, "joined": 0, "audited": 0, "left_out": "[]"},
        ],
        "incidents": [
            {
                "controller": "aurore", "incident_kind": "source_silent", "source": "aurore-cti",
                "from_at": NOW - 4 * HOUR_US, "to_at": 0, "suppressed": 12, "facts": "[]",
            },
            {
                "controller": "boreal", "incident_kind": "common_shock", "source": "boreal-crm",
                "from_at": NOW - 30 * HOUR_US, "to_at": NOW - 28 * HOUR_US, "suppressed": 31, "facts": "[]",
            },
        ],
        "switches": [
            {"switch": "exposure_search", "is_on": True, "reference": "AIPD 2026-04", "demonstration": True},
            {"switch": "agent_word", "is_on": True, "reference": "PV CSE 2026-03", "demonstration": True},
        ],
        "questions_of": [
            question(1), question(2),
            question(20, category="call", answered_at=NOW - 18 * HOUR_US),
            question(24 * 9, category="mistyped", answered_at=NOW - 8 * DAY_US),
            question(60),
        ],
        "recorded_of": [
            {
                "controller": "aurore", "source": "aurore-db", "grade": "A", "accesses": 1_204,
                "first_at": NOW - 90 * DAY_US, "last_at": NOW - 3 * HOUR_US,
            }
        ],
        "cases": [case_row()],
        "cases_of": [
            {
                "controller": "aurore", "opened_at": NOW - 40 * DAY_US, "closed_at": NOW - 9 * DAY_US,
                "outcome": "tool_error", "named_at": [NOW - 20 * DAY_US],
            }
        ],
        "looks_of": [
            {"day_at": NOW - DAY_US, "role": "security", "act": "view_alert", "about_me": True, "looks": 2},
            {"day_at": NOW - DAY_US, "role": "security+dpo", "act": "view_activity_open", "about_me": False, "looks": 5},
        ],
        "coverage_reasons": [
            share | {"verdict": "explained", "strength": "strong", "template": "E1", "cause": "none", "exposures": 7_100},
            share | {"verdict": "explained", "strength": "weak", "template": "E2", "cause": "none", "exposures": 2_200},
            share | {"verdict": "unexplained", "strength": "none", "template": "none", "cause": "none", "exposures": 400},
            share | {"verdict": "unknown", "strength": "none", "template": "none", "cause": "source_silent", "exposures": 300},
            fix | {"code": "calls_without_customer", "source": "aurore-cti", "exposures": 2_200},
            fix | {"code": "source_silent", "source": "aurore-crm", "exposures": 300},
            source | {"source": "aurore-cti", "explained": 7_100, "median_s": 42, "p95_s": 190, "complete_to": NOW, "skew_ms": -1_400},
        ],
    }  # fmt: skip


def _hearing() -> dict[str, list[dict[str, object]]]:
    """Rows of recordings and listening as the projection gives them."""
    at = 1_795_356_300_000_000
    recording = {
        "recording": "f" * 32, "controller": "aurore", "campaign": "formation-aurore", "queue": "", "started_at": at,
        "ended_at": at + 90_000_000, "gate_reason": "permitted", "gate_allowed": True, "heard": 1, "paused": 0,
        "agent_code": "7K3QX", "source": "telephony",
    }  # fmt: skip
    listening = {
        "listening": "e" * 32, "controller": "aurore", "listening_kind": "playback", "campaign": "formation-aurore",
        "reason": "coaching", "started_at": at, "ended_at": 0, "heard_ms": 42_000,
    }  # fmt: skip
    against = {
        "nonconformity": "d" * 32, "controller": "aurore", "nonconformity_kind": "outside_period", "medium": "listening",
        "campaign": "formation-aurore", "happened_at": at, "found_at": at, "found": 0, "most": 0, "manager": True,
        "owner": "", "version": 1, "closed_by": "", "closing_reference": "",
    }  # fmt: skip
    certificate = {
        "certificate": "c" * 32, "controller": "aurore", "rule": "recording_retention_ended",
        "campaign": "formation-aurore", "removed": 12, "removed_root": "ab" * 32, "executed_at": at,
        "verified_absent_at": at, "declared": False,
    }  # fmt: skip
    return {
        "recordings_of": [recording],
        "recordings_today": [recording],
        "listenings_of": [listening],
        "nonconformities": [against],
        "audio_certificates": [certificate],
    }
