"""Alerts, incidents, switches, canaries and the agent's word: from entries to what the console reads."""

import msgspec
import pytest
from traces import CONTROLLER, CUSTOMER, SECOND, T0, Shards, access, event, gate, key, person

from quivive.model.alert import (
    AlertBody,
    AlertChangeBody,
    AlertDigestBody,
    AlertOrigin,
    AlertState,
    CanaryBody,
    DriftFigure,
    Fact,
    Freshness,
    Hit,
    IncidentBody,
    IncidentKind,
    LeftOut,
    QuestionBody,
    ReviewOutcome,
    Severity,
    Switch,
    SwitchBody,
    WordBody,
    WordCategory,
)
from quivive.model.entry import EntryKind
from quivive.privacy.pseudonym import neutral_code
from quivive.projection.columns import access_id
from quivive.projection.query import Scope

END = T0 + 3_600 * SECOND
A1 = access_id("db", "a1", T0 + SECOND)
ALERT = "0" * 31 + "1"


def scope(**changes):
    fields = {"controllers": (CONTROLLER,), "from_at": T0 - 1, "to_at": END, "purpose": "review", "principal": "p1"}
    return Scope(**{**fields, **changes})


def hit(**changes):
    fields = {
        "controller": CONTROLLER, "ident": key("anna"), "topic": "residual", "origin": AlertOrigin.RESIDUAL,
        "severity": Severity.MEDIUM, "rule_version": "v" * 64, "from_at": T0, "to_at": T0 + SECOND, "day": "20260528",
        "accesses": (A1,), "facts": (Fact(name="unexplained", value=11),), "p_milli": 4_000,
    }  # fmt: skip
    return Hit(**{**fields, **changes})


def alert(at=T0 + 10, **changes):
    body = AlertBody(
        alert=ALERT, as_of=at, hit=hit(**changes), freshness=(Freshness(source="phone-feed", complete_to=T0),),
        would_explain=("E1", "E7"),
    )  # fmt: skip
    return event(EntryKind.ALERT, body, source="core", at=at)


def change(at, *, state=AlertState.OPEN, joined=None, outcome=ReviewOutcome.NONE):
    body = AlertChangeBody(alert=ALERT, as_of=at, state=state, hit=joined, outcome=outcome, principal="")
    return event(EntryKind.ALERT_CHANGE, body, source="core", at=at)


@pytest.fixture
def shards():
    return Shards()


def project(projection, shards, *events):
    projection.apply(
        shards.durable([person("anna", ["login-a"]), access("a1", T0 + SECOND, [(CUSTOMER, "c1")]), *events])
    )


def test_an_alert_shows_its_hit_and_a_neutral_code_never_a_key(projection, shards):
    """The row of an alert holds facts, freshness and the code; no key of a person leaves."""
    project(projection, shards, gate(), alert())
    (row,) = projection.query(scope(), "alert", {"alert": ALERT})
    assert row["agent_code"] == neutral_code(key("anna"))
    assert key("anna") not in str(row)
    assert msgspec.json.decode(str(row["facts"])) == [{"name": "unexplained", "value": 11}]
    assert msgspec.json.decode(str(row["freshness"])) == [{"complete_to": T0, "source": "phone-feed"}]
    assert row["would_explain"] == ("E1", "E7")
    assert (row["state"], row["outcome"], row["changes"]) == ("open", "none", [])


def test_before_the_gate_is_active_no_alert_is_shown(projection, shards):
    """An alert of a person whose establishment is not active is not shown, whatever was written."""
    project(projection, shards, alert())
    assert projection.query(scope(), "alerts", {}) == []
    assert projection.query(scope(), "alert", {"alert": ALERT}) == []


def test_alerts_of_another_controller_are_out_of_scope(projection, shards):
    """The scope's controllers decide, not the reader."""
    project(projection, shards, gate(), alert())
    assert projection.query(scope(controllers=("other",)), "alerts", {}) == []


def test_a_hit_that_joins_is_counted_and_its_accesses_are_added_once(projection, shards):
    """Joining adds accesses, never a second alert."""
    later = access("a2", T0 + 2 * SECOND, [(CUSTOMER, "c2")])
    a2 = access_id("db", "a2", T0 + 2 * SECOND)
    project(
        projection,
        shards,
        gate(),
        later,
        alert(),
        change(T0 + 20, joined=hit(accesses=(A1, a2), to_at=T0 + 5 * SECOND)),
    )
    (row,) = projection.query(scope(), "alerts", {})
    assert (row["joined"], row["accesses"], row["state"], row["to_at"]) == (1, 2, "open", T0 + 5 * SECOND)
    shown = projection.query(scope(), "alert_accesses", {"alert": ALERT})
    assert [each["access"] for each in shown] == [A1, a2]
    (whole,) = projection.query(scope(), "alert", {"alert": ALERT})
    assert [each["is_hit"] for each in whole["changes"]] == [True]


def test_later_evidence_never_undoes_a_review(projection, shards):
    """A review stands above what evidence says later, in any order of arrival."""
    reviewed = change(T0 + 30, state=AlertState.REVIEWED, outcome=ReviewOutcome.TRAINING)
    project(projection, shards, gate(), alert(), reviewed, change(T0 + 40, state=AlertState.EXPLAINED))
    (row,) = projection.query(scope(), "alerts", {"state": "reviewed"})
    assert row["outcome"] == "training"
    assert projection.query(scope(), "alerts", {"state": "open"}) == []


def test_an_alert_told_twice_is_one(projection, shards):
    """The same alert written again after a restart changes nothing."""
    project(projection, shards, gate(), alert(), alert(at=T0 + 50))
    (row,) = projection.query(scope(), "alerts", {})
    assert row["opened_at"] == T0 + 10
    assert row["accesses"] == 1


def test_pages_go_on_after_the_last_alert_of_a_page(projection, shards):
    """Two alerts of the same instant stand on two pages, none twice."""
    other = AlertBody(alert="0" * 31 + "2", as_of=T0 + 10, hit=hit(topic="bulk"), freshness=(), would_explain=())
    project(projection, shards, gate(), alert(), event(EntryKind.ALERT, other, source="core", at=T0 + 10))
    (first,) = projection.query(scope(), "alerts", {"limit": 1})
    (second,) = projection.query(
        scope(), "alerts", {"limit": 1, "before_at": first["opened_at"], "before_alert": first["alert"]}
    )
    assert {first["alert"], second["alert"]} == {ALERT, "0" * 31 + "2"}


def test_the_latest_digest_of_a_day_is_current(projection, shards):
    """What was left out is shown with its reason."""

    def digest(at, opened):
        body = AlertDigestBody(
            controller=CONTROLLER, day="20260528", budget=6, opened=opened, joined=1, audited=1,
            left_out=(LeftOut(topic="residual", reason="budget", hits=4),), audit_seed="c0ffee",
            drift=(DriftFigure(group="aurore/call", agent_days=120, distance_milli=61, p_milli=400),),
        )  # fmt: skip
        return event(EntryKind.ALERT_DIGEST, body, source="core", at=at)

    project(projection, shards, digest(T0 + 20, 5), digest(T0 + 10, 2))
    (row,) = projection.query(scope(), "alert_digest", {})
    assert (row["opened"], row["audit_seed"]) == (5, "c0ffee")
    assert msgspec.json.decode(str(row["drift"]))[0]["distance_milli"] == 61
    assert msgspec.json.decode(str(row["left_out"])) == [{"hits": 4, "reason": "budget", "topic": "residual"}]


def test_an_incident_ends_when_it_is_told_again(projection, shards):
    """The latest word on an incident is current."""

    def incident(at, to_at):
        body = IncidentBody(
            incident="f" * 32, incident_kind=IncidentKind.SOURCE_SILENT, controller=CONTROLLER, source="phone-feed",
            from_at=T0, to_at=to_at, suppressed=0, facts=(),
        )  # fmt: skip
        return event(EntryKind.INCIDENT, body, source="core", at=at)

    project(projection, shards, incident(T0 + 10, 0), incident(T0 + 20, T0 + 15))
    (row,) = projection.query(scope(), "incidents", {})
    assert (row["to_at"], row["source"]) == (T0 + 15, "phone-feed")


def test_the_latest_state_of_a_switch_is_current(projection, shards):
    """Order of arrival does not matter."""

    def switch(at, on):
        body = SwitchBody(switch=Switch.RESIDUAL, on=on, reference="AIPD 12", demonstration=False)
        return event(EntryKind.SWITCH, body, source="core", at=at, controller="operator")

    project(projection, shards, switch(T0 + 20, True), switch(T0 + 10, False))
    (row,) = projection.query(scope(), "switches", {})
    assert (row["switch"], row["is_on"], row["reference"], row["set_at"]) == ("residual", True, "AIPD 12", T0 + 20)


def test_a_removed_canary_keeps_no_contact_key(projection, shards):
    """Removing a canary forgets the keys that let a call to it be noticed."""

    def canary(at, removed):
        body = CanaryBody(controller=CONTROLLER, key=key("c9"), contact_keys=(key("+9"),), removed=removed)
        return event(EntryKind.CANARY, body, source="core", at=at)

    project(projection, shards, canary(T0 + 10, False))
    rows = projection.cursor()
    assert rows.execute("SELECT COUNT(*) FROM canary_contact").fetchone() == (1,)
    projection.apply(shards.durable([canary(T0 + 20, True)]))
    assert rows.execute("SELECT removed FROM canary").fetchone() == (True,)
    assert rows.execute("SELECT COUNT(*) FROM canary_contact").fetchone() == (0,)
    rows.close()


def question(at=T0 + 100):
    body = QuestionBody(
        question="a" * 32, controller=CONTROLLER, ident=key("anna"), access=A1, table=CUSTOMER, accessed_at=T0 + SECOND,
        call_before_at=0, call_after_at=0, asked_at=at, answer_until=at + 7 * 86_400 * SECOND,
    )  # fmt: skip
    return event(EntryKind.AGENT_QUESTION, body, source="core", at=at)


def word(at, category):
    body = WordBody(
        question="a" * 32, controller=CONTROLLER, ident=key("anna"), access=A1, category=category, answered_at=at
    )
    return event(EntryKind.AGENT_WORD, body, source="console", at=at)


def test_a_question_is_shown_to_its_person_alone_with_the_latest_word(projection, shards):
    """A correction takes the place of the first answer; another person sees nothing."""
    project(
        projection, shards, gate(), question(), word(T0 + 200, WordCategory.CALL), word(T0 + 300, WordCategory.MISTYPED)
    )
    (row,) = projection.query(scope(), "questions_of", {"person": key("anna")})
    assert (row["category"], row["answered_at"], row["record_table"]) == ("mistyped", T0 + 300, CUSTOMER)
    assert "ident" not in row
    assert "agent_code" not in row
    assert projection.query(scope(), "questions_of", {"person": key("bob")}) == []


def test_the_words_of_an_access_are_kept_and_the_access_is_judged_again(projection, shards):
    """Corrections stay beside what they correct; a word makes its access dirty."""
    project(projection, shards, gate())
    cursor = projection.cursor()
    cursor.execute("DELETE FROM dirty_access")
    projection.apply(shards.durable([word(T0 + 200, WordCategory.CALL), word(T0 + 300, WordCategory.MISTYPED)]))
    rows = projection.query(scope(), "words_of_access", {"access": A1})
    assert [(row["category"], row["is_current"]) for row in rows] == [("mistyped", True), ("call", False)]
    assert cursor.execute("SELECT COUNT(*) FROM dirty_access").fetchone() == (1,)
    cursor.close()
