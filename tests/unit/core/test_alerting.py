"""The alert loop: what it writes, that it writes it once, and that the budget holds across restarts."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

from leaky_centre import END, LAST, SETTINGS, TODAY, feed, projected
from traces import CONTROLLER, CUSTOMER, PHONE, SECOND, Shards, access, call, event, heartbeat, key

from quivive.core.alerting import Alerting
from quivive.detection.judge import judge_live
from quivive.ledger.log import LogHead
from quivive.model.alert import AlertOrigin, AlertState, Fact, Hit, Severity, Switch, SwitchBody
from quivive.model.clock import DAY_US
from quivive.model.entry import EntryKind
from quivive.settings import DetectionSettings

MORNING = END + 12 * 3_600 * SECOND  # of the next day


class Writer:
    """Entries go straight to the projection, as they would through spool and ledger a moment later."""

    def __init__(self, projection, shards):
        self.projection, self.shards, self.written = projection, shards, []

    def write(self, kind, body, *, controller="operator", at=None):
        self.written.append((kind, body))
        self.projection.apply(
            self.shards.durable([event(kind, body, source="core", at=at or MORNING, controller=controller)])
        )

    def of(self, kind):
        return [body for each, body in self.written if each is kind]


class Ledger:
    """Only what the seed of the audit is made from."""

    def shards(self):
        return (f"{CONTROLLER}/202605",)

    def head(self, shard):
        return LogHead(entries=1, published=1, root="cm9vdA==", signed_at=1)


def switch(name):
    body = SwitchBody(switch=name, on=True, reference="AIPD 12", demonstration=True)
    return event(EntryKind.SWITCH, body, source="core", at=LAST, controller="operator")


@pytest.fixture
def centre(tmp_path):
    """A finished day with a leak, the statistics switched on."""
    shards = Shards()
    projection = projected(tmp_path / "projection", feed(), shards=shards)
    projection.apply(shards.durable([switch(Switch.RESIDUAL), switch(Switch.LOW_AND_SLOW)]))
    made = SimpleNamespace(projection=projection, shards=shards, writer=Writer(projection, shards), now=MORNING)
    made.settings = SimpleNamespace(
        controllers={CONTROLLER: SimpleNamespace(id=CONTROLLER, timezone="UTC", lateness_s=30)},
        operator=SimpleNamespace(timezone="UTC"),
        detection=DetectionSettings(),
        sources={},
    )

    def alerting():
        return Alerting(
            projection=projection, ledger=Ledger(), writer=made.writer, settings=made.settings, rules=tuple,
            clock=lambda: made.now, ready=lambda: True,
        )  # fmt: skip

    made.alerting = alerting
    yield made
    projection.close()


def test_the_finished_day_gives_one_alert_and_one_digest(centre):
    """The leak opens an alert with freshness and what would have explained it; the digest says the rest."""
    centre.alerting().slow()
    (alert,) = centre.writer.of(EntryKind.ALERT)
    assert (alert.hit.ident, alert.hit.topic, alert.hit.day) == (key("p3"), "residual", TODAY)
    assert [each.source for each in alert.freshness] == [PHONE]
    assert "E1" in alert.would_explain
    (digest,) = [each for each in centre.writer.of(EntryKind.ALERT_DIGEST) if each.day == TODAY]
    assert (digest.opened, digest.budget) == (1, 6)


def test_a_day_that_was_sealed_meanwhile_is_done_all_the_same(centre):
    """A core that was down finds yesterday in Parquet: the same alert."""
    centre.projection.seal(TODAY, MORNING + DAY_US)
    centre.alerting().slow()
    (alert,) = centre.writer.of(EntryKind.ALERT)
    assert alert.hit.ident == key("p3")


def test_a_restart_writes_nothing_twice(centre):
    """State is what the projection shows: another loop on the same projection finds the day done."""
    centre.alerting().slow()
    before = len(centre.writer.written)
    centre.alerting().slow()
    assert len(centre.writer.written) == before


def test_no_budget_no_alert_but_a_digest_that_says_so(centre):
    """What a budget leaves out is told with its reason."""
    centre.settings.detection = DetectionSettings(reviewers=0)
    centre.alerting().slow()
    assert centre.writer.of(EntryKind.ALERT) == []
    (digest,) = [each for each in centre.writer.of(EntryKind.ALERT_DIGEST) if each.day == TODAY]
    assert [(each.topic, each.reason, each.hits) for each in digest.left_out] == [("residual", "budget", 1)]


def test_evidence_that_explains_every_access_closes_the_alert_once(centre):
    """Calls that come late explain what was found: the alert is closed by evidence, and never reopened."""
    loop = centre.alerting()
    loop.slow()
    (alert,) = centre.writer.of(EntryKind.ALERT)
    with centre.projection.reading() as cursor:
        shown = cursor.execute(
            "SELECT started_at FROM access a JOIN alert_access x USING (access_hi, access_lo) ORDER BY started_at"
        ).fetchall()
    late = [
        call(f"late-{at}", at - SECOND, at + 60 * SECOND, subjects=[("record", f"s16-3-{n}")], agents=("login-3",))
        for n, (at,) in enumerate(shown)
    ]
    centre.projection.apply(centre.shards.durable([*late, heartbeat(MORNING, at=MORNING)]))
    judge_live(centre.projection, SETTINGS, as_of=MORNING)
    loop.slow()
    loop.slow()
    (change,) = centre.writer.of(EntryKind.ALERT_CHANGE)
    assert (change.alert, change.state, change.hit) == (alert.alert, AlertState.EXPLAINED, None)


def test_a_silent_source_is_one_incident_that_ends_when_it_speaks(centre):
    """Telephony falls silent for two hours: one incident with its bounds, no alert."""
    loop = centre.alerting()
    loop.slow()
    alerts = len(centre.writer.of(EntryKind.ALERT))
    centre.now += 3_600 * SECOND
    loop.slow()
    loop.slow()
    (incident,) = centre.writer.of(EntryKind.INCIDENT)
    assert (incident.source, incident.to_at) == (PHONE, 0)
    centre.projection.apply(centre.shards.durable([heartbeat(centre.now, at=centre.now)]))
    loop.slow()
    loop.slow()
    opened, ended = centre.writer.of(EntryKind.INCIDENT)
    assert (ended.incident, ended.to_at) == (opened.incident, centre.now)
    assert len(centre.writer.of(EntryKind.ALERT)) == alerts


def hit(ident, topic="bulk", accesses=("0" * 32,)):
    return Hit(
        controller=CONTROLLER, ident=key(ident), topic=topic, origin=AlertOrigin.RULE, severity=Severity.HIGH,
        rule_version="v" * 64, from_at=LAST, to_at=LAST, day=TODAY, accesses=accesses,
        facts=(Fact(name="count", value=1),),
    )  # fmt: skip


def test_live_hits_leave_room_for_the_days_statistics_and_join_what_is_open(centre):
    """A third of the budget is kept; the same hit again is not written; more accesses join, at most now and then."""
    loop = centre.alerting()
    found = [hit(f"p{number}") for number in range(8)]
    loop._decide(found, MORNING, extra_used=2, audit=())
    assert len(centre.writer.of(EntryKind.ALERT)) == 4
    loop._decide(found, MORNING, extra_used=2, audit=())
    assert len(centre.writer.of(EntryKind.ALERT)) == 4
    assert centre.writer.of(EntryKind.ALERT_CHANGE) == []
    opened = centre.writer.of(EntryKind.ALERT)[0].hit
    more = replace(opened, accesses=(*opened.accesses, "1" * 32))
    loop._decide([more], MORNING + SECOND, extra_used=2, audit=())
    assert centre.writer.of(EntryKind.ALERT_CHANGE) == []
    loop._decide([more], MORNING + 600 * SECOND, extra_used=2, audit=())
    assert [change.hit for change in centre.writer.of(EntryKind.ALERT_CHANGE)] == [more]


def stray(name, at, agent="login-5"):
    return access(name, at, [(CUSTOMER, name)], agent=agent)


def test_an_agent_is_asked_the_same_day_at_most_three_times(centre):
    """Few unexplained accesses of today: three questions, once each; somebody with an alert is not warned."""
    centre.writer.write(EntryKind.SWITCH, switch(Switch.AGENT_WORD).body)
    loop = centre.alerting()
    loop.slow()
    at = MORNING - 7_200 * SECOND
    events = [stray(f"w{n}", at + n * 60 * SECOND) for n in range(4)]
    events += [stray(f"x{n}", at + n * 60 * SECOND, "login-3") for n in range(2)]
    events += [call("B-1", at - 900 * SECOND, at - 600 * SECOND, subjects=[("record", "c")], agents=("login-5",))]
    centre.projection.apply(centre.shards.durable([*events, heartbeat(MORNING, at=MORNING)]))
    judge_live(centre.projection, SETTINGS, as_of=MORNING)
    loop.slow()
    loop.slow()
    questions = centre.writer.of(EntryKind.AGENT_QUESTION)
    assert {question.ident for question in questions} == {key("p5")}
    assert len({question.question for question in questions}) == len(questions) == 3
    assert questions[0].call_before_at == at - 900 * SECOND
    assert questions[0].answer_until - questions[0].asked_at == 7 * DAY_US
    assert questions[0].table == CUSTOMER
