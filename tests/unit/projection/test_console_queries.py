"""What the console reads beside the alerts' own rows: counts, calls around an access, an agent's own records and looks."""

from dataclasses import replace

import pytest
from traces import CONTROLLER, CUSTOMER, SECOND, T0, Shards, access, call, event, gate, key, person

from quivive.model.alert import AlertBody, AlertChangeBody, AlertOrigin, AlertState, Hit, ReviewOutcome, Severity
from quivive.model.entry import ActBody, ActKind, EntryKind
from quivive.projection.columns import access_id
from quivive.projection.query import Scope

END = T0 + 86_400 * SECOND
ALERT = "0" * 31 + "1"
AT = T0 + 1_000 * SECOND
A1 = access_id("db", "a1", AT)


def scope(**changes):
    fields = {"controllers": (CONTROLLER,), "from_at": T0 - 1, "to_at": END, "purpose": "review", "principal": "p1"}
    return Scope(**{**fields, **changes})


def alert(name=ALERT, *, at=T0 + 10, who="anna", accesses=(A1,)):
    hit = Hit(
        controller=CONTROLLER, ident=key(who), topic="residual", origin=AlertOrigin.RESIDUAL, severity=Severity.MEDIUM,
        rule_version="v" * 64, from_at=T0, to_at=T0 + SECOND, day="20260528", accesses=accesses, facts=(),
    )  # fmt: skip
    body = AlertBody(alert=name, as_of=at, hit=hit, freshness=(), would_explain=())
    return event(EntryKind.ALERT, body, source="core", at=at)


def act(kind, what="", *, role="security", at=T0 + 500, controllers=(CONTROLLER,)):
    body = ActBody(
        act=kind, principal="p1", role=role, controllers=controllers, object=what, count=1, purpose="alert_review"
    )
    return event(EntryKind.ACT, body, source="console", at=at, controller="operator")


@pytest.fixture
def project(projection):
    shards = Shards()

    def make(*events):
        projection.apply(shards.durable([person("anna", ["login-a"]), person("bob", ["login-b"]), *events]))
        return projection

    return make


def test_alerts_are_counted_by_state_with_the_oldest(project):
    """Two open, one reviewed; nothing before the gate is active."""
    reviewed = AlertChangeBody(
        alert="0" * 31 + "3", as_of=T0 + 90, state=AlertState.REVIEWED, hit=None, outcome=ReviewOutcome.TRAINING,
        principal="p1",
    )  # fmt: skip
    made = project(
        alert(at=T0 + 20),
        alert("0" * 31 + "2", at=T0 + 10),
        alert("0" * 31 + "3", at=T0 + 5),
        event(EntryKind.ALERT_CHANGE, reviewed, source="console", at=T0 + 90),
    )
    assert made.query(scope(), "alert_counts", {}) == []
    rows = project(gate()).query(scope(), "alert_counts", {})
    assert [(row["state"], row["alerts"], row["oldest_at"]) for row in rows] == [
        ("open", 2, T0 + 10),
        ("reviewed", 1, T0 + 5),
    ]


def test_the_calls_around_an_access_are_the_agents_own(project):
    """The last call begun before, the next one after; a colleague's calls and tickets are none of them."""
    made = project(
        gate(),
        access("a1", AT, [(CUSTOMER, "c1")]),
        alert(),
        call("A-1", AT - 900 * SECOND, AT - 800 * SECOND),
        call("A-2", AT - 600 * SECOND, AT - 500 * SECOND),
        call("A-3", AT + 60 * SECOND, AT + 90 * SECOND),
        call("A-4", AT + 600 * SECOND, AT + 700 * SECOND),
        call("B-1", AT - SECOND, AT + SECOND, agents=("login-b",)),
    )
    (row,) = made.query(scope(), "calls_around", {"alert": ALERT})
    assert row == {
        "access": A1,
        "before_label": "A-2",
        "before_from_at": AT - 600 * SECOND,
        "before_to_at": AT - 500 * SECOND,
        "after_label": "A-3",
        "after_from_at": AT + 60 * SECOND,
    }


def test_an_access_without_calls_still_stands(project):
    """None before, none after: zeros."""
    (row,) = project(gate(), access("a1", AT, [(CUSTOMER, "c1")]), alert()).query(
        scope(), "calls_around", {"alert": ALERT}
    )
    assert (row["before_from_at"], row["after_from_at"], row["before_label"]) == (0, 0, "")


def test_an_agent_sees_what_is_recorded_about_him_alone(project):
    """Counts by source, after he was informed and the gate is active; nothing of a colleague."""
    events = (
        access("a1", AT, [(CUSTOMER, "c1")]),
        access("a2", AT + SECOND, [(CUSTOMER, "c1")]),
        access("b1", AT, [(CUSTOMER, "c1")], agent="login-b"),
    )
    assert project(*events).query(scope(), "recorded_of", {"person": key("anna")}) == []
    (row,) = project(gate()).query(scope(), "recorded_of", {"person": key("anna")})
    assert (row["source"], row["accesses"], row["first_at"], row["last_at"]) == ("db", 2, AT, AT + SECOND)


def test_an_agent_sees_who_looked_by_day_and_role_without_names(project):
    """Looks at an alert about him are told apart from lists of his companies; others' alerts are not his."""
    made = project(
        gate(),
        alert(),
        alert("0" * 31 + "2", who="bob"),
        act(ActKind.VIEW_ALERT, ALERT),
        act(ActKind.VIEW_ALERT, ALERT, at=T0 + 600),
        act(ActKind.VIEW_ALERT, "0" * 31 + "2"),
        act(ActKind.REVIEW_ALERT, ALERT, role="dpo"),
        act(ActKind.VIEW_ACTIVITY_OPEN, "view", controllers=(CONTROLLER, "other")),
        act(ActKind.VIEW_ACTIVITY_OPEN, "view", controllers=("other",)),
        act(ActKind.VIEW_HEALTH),
    )
    rows = made.query(scope(), "looks_of", {"person": key("anna")})
    assert [(row["role"], row["act"], row["about_me"], row["looks"]) for row in rows] == [
        ("dpo", "review_alert", True, 1),
        ("security", "view_alert", True, 2),
        ("security", "view_activity_open", False, 1),
    ]
    assert "p1" not in str(rows)


def mute(*, at):
    body = AlertChangeBody(
        alert=ALERT, as_of=at, state=AlertState.MUTED, hit=None, outcome=ReviewOutcome.NONE, principal="p1"
    )
    return event(EntryKind.ALERT_CHANGE, body, source="console", at=at)


def joins(*, at):
    """A further hit that joins the alert, as the core writes it."""
    opened = alert().body
    body = AlertChangeBody(
        alert=ALERT, as_of=at, state=AlertState.OPEN, hit=opened.hit, outcome=ReviewOutcome.NONE, principal=""
    )
    return event(EntryKind.ALERT_CHANGE, body, source="core", at=at)


def state(made, as_of=T0 + 1_000):
    (row,) = made.query(scope(), "alerts", {"as_of": as_of})
    (same,) = made.query(scope(), "alert", {"alert": ALERT, "as_of": as_of})
    assert same["state"] == row["state"]
    return row["state"]


def test_a_muted_alert_opens_by_itself_at_half_as_many_hits_again(project):
    """Four hits when it was muted: one more leaves it muted, the second opens it; nobody does anything."""
    made = project(gate(), alert(at=T0 + 10), *(joins(at=T0 + 20 + nth) for nth in range(3)), mute(at=T0 + 100))
    assert state(made) == "muted"
    assert state(project(joins(at=T0 + 200))) == "muted"
    assert state(project(joins(at=T0 + 300))) == "open"


def test_a_muted_alert_opens_by_itself_when_it_appears_at_another_company(project):
    """The same agent and topic elsewhere, later; another agent changes nothing."""
    made = project(gate(), alert(at=T0 + 10), mute(at=T0 + 100))

    def elsewhere(name, who):
        opened = alert(name, at=T0 + 200, who=who)
        hit = replace(opened.body.hit, controller="boreal")
        return replace(opened, controller="boreal", body=replace(opened.body, hit=hit))

    assert state(project(elsewhere("0" * 31 + "8", "bob"))) == "muted"
    assert state(project(elsewhere("0" * 31 + "9", "anna"))) == "open"
    assert made.query(scope(), "alert_counts", {"as_of": T0 + 1_000})[0]["state"] == "open"


def test_no_mute_is_for_ever_and_a_review_stands_above_it(project):
    """Thirty days open it; a conclusion ends it."""
    made = project(gate(), alert(at=T0 + 10), mute(at=T0 + 100))
    month = 30 * 86_400 * SECOND
    assert state(made, T0 + 99 + month) == "muted"
    assert state(made, T0 + 100 + month) == "open"
    reviewed = AlertChangeBody(
        alert=ALERT, as_of=T0 + 50, state=AlertState.REVIEWED, hit=None, outcome=ReviewOutcome.TRAINING, principal="p1"
    )
    made = project(event(EntryKind.ALERT_CHANGE, reviewed, source="console", at=T0 + 500))
    assert state(made, T0 + 100 + month) == "reviewed"
