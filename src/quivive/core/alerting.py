"""The alert loop: live hits, evidence that closes, silent sources, the finished day, the agent's questions.

Started by the core in a thread of its own; it reads the projection and writes entries through the core's spool, so
that judging never waits for it. Must never open more than the budget, never name anybody the gate does not allow
(the readings below leave them out), and keep no state: what it did is what the projection shows.
"""

import threading
import time
import traceback
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Final

import structlog

from quivive.core.reconciling import DailyComparison
from quivive.core.rule_sealing import seal_rules
from quivive.core.writers import CoreWriter
from quivive.detection import standing
from quivive.detection.budget import Allotment, Capacity, OpenAlert, alert_id, allot
from quivive.detection.counts import day_before, day_span, local_day
from quivive.detection.daily import audit_pool, daily
from quivive.detection.parameters import DetectionParameters
from quivive.detection.rules import Rule, hits
from quivive.ledger.log import Ledger
from quivive.model.alert import (
    AlertBody,
    AlertChangeBody,
    AlertDigestBody,
    AlertOrigin,
    AlertState,
    DriftFigure,
    Fact,
    Hit,
    IncidentBody,
    IncidentKind,
    QuestionBody,
    ReviewOutcome,
    Switch,
)
from quivive.model.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from quivive.model.entry import EntryKind
from quivive.model.ids import source_of
from quivive.projection.projection import Projection, ProjectionUnavailableError
from quivive.settings import Settings

LIVE_EVERY_S: Final = 3.0
IDLE_FACTOR: Final = 3  # the loop rests at least so many times as long as a round took: judging comes first
LIVE_WINDOW_US: Final = 10 * MINUTE_US  # how far back live rules look again: accesses arrive late
SLOW_EVERY_S: Final = 30.0  # evidence that closes, silent sources, questions, finished days
JOIN_EVERY_US: Final = 5 * MINUTE_US  # further accesses join an open alert at most so often
FAILED_PAUSE_S: Final = 30.0
DAYS_BACK: Final = 3  # a core that was down over a week-end does the days it missed
DAY_CLOSED_AFTER_US: Final = 36 * HOUR_US  # a day is done then, whatever still waits
DAILY_SHARE: Final = 3  # one third of the budget is kept for the day's statistics
QUOTA_DAYS: Final = 3
QUESTIONS_A_DAY: Final = 3
FEW_UNEXPLAINED: Final = 5
"""Accesses of one agent and day that may be asked about; more may be an alert's matter: nobody is warned."""
CORRECTION_US: Final = 7 * DAY_US
WAITING: Final = frozenset({AlertState.OPEN, AlertState.MUTED})  # a muted one takes its hits: so it grows
SINGLE_RULES: Final = frozenset({AlertOrigin.RULE, AlertOrigin.CANARY})

log = structlog.get_logger("quivive.core")


@dataclass(slots=True)
class _Written:
    """Entries that are durable but that the projection may not show yet: not written twice within one run."""

    alerts: dict[str, standing.StandingAlert] = field(default_factory=dict)
    joined: dict[str, set[str]] = field(default_factory=dict)
    changed_at: dict[str, int] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    incidents: dict[tuple[str, str], str] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    days: set[tuple[str, str]] = field(default_factory=set)
    questions: dict[str, tuple[str, int]] = field(default_factory=dict)


class Alerting:
    """One thread between `start` and `stop`. `ready` tells that the projection has caught up with the ledger."""

    def __init__(
        self,
        *,
        projection: Projection,
        ledger: Ledger,
        writer: CoreWriter,
        settings: Settings,
        rules: Callable[[], Sequence[Rule]],
        clock: Callable[[], int],
        ready: Callable[[], bool],
    ) -> None:
        self._projection, self._ledger, self._writer, self._settings = projection, ledger, writer, settings
        self._rules, self._clock, self._ready = rules, clock, ready
        self._controllers = tuple(sorted(settings.controllers))
        self._zones = {each.id: each.timezone for each in settings.controllers.values()}
        self._written = _Written()
        self._comparison = DailyComparison(projection, settings, self._incident)
        self._started_at = clock()
        self._rules_sealed = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerting", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End it; a round under way is finished."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        slow_at = 0.0
        while not self._stop.wait(LIVE_EVERY_S):
            if not self._ready():
                continue
            began = time.monotonic()
            try:
                if not self._rules_sealed:
                    seal_rules(self._projection, self._rules(), self._writer)
                    self._rules_sealed = True
                self.live()
                if began >= slow_at:
                    self.slow()
                    slow_at = time.monotonic() + SLOW_EVERY_S
            except ProjectionUnavailableError:
                continue  # being rebuilt: ask again
            except Exception as error:  # noqa: BLE001 - told, and tried again: detection must not end the record
                log.error(  # noqa: TRY400 - type and place only, an error's text may quote a value
                    "core.alerting_failed",
                    error=type(error).__name__,
                    places=[f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)],
                )
                self._stop.wait(FAILED_PAUSE_S)
            self._stop.wait(IDLE_FACTOR * (time.monotonic() - began))

    # --- every few seconds

    def live(self) -> None:
        """Rules that rest on facts no late evidence reverses, over the last minutes."""
        now = self._clock()
        switches = standing.switches_on(self._projection)
        found = hits(
            self._projection,
            self._rules(),
            controllers=self._controllers,
            from_at=now - LIVE_WINDOW_US,
            to_at=now + 1,
            as_of=now,
            certain_only=True,
            switches=switches,
            timezones=self._zones,
        )
        if found:
            kept = self._budget() // DAILY_SHARE
            self._decide(found, now, extra_used=kept, audit=())

    # --- every half minute

    def slow(self) -> None:
        """What does not need a second: closing, silent sources, questions, finished days."""
        now = self._clock()
        self._close_explained(now)
        self._silent_sources(now)
        self._comparison.round(now)
        switches = standing.switches_on(self._projection)
        if Switch.AGENT_WORD in switches:
            self._ask(now)
        for controller in self._controllers:
            for back in range(DAYS_BACK, 0, -1):
                day = day_before(local_day(now, self._zones[controller]), back)
                if self._day_is_due(controller, day, now):
                    self._finish(controller, day, now, switches)

    def _close_explained(self, now: int) -> None:
        """Later evidence explains every access of an alert: it is closed, never reopened."""
        explained = standing.explained_alerts(self._projection, self._controllers)
        for alert in self._alerts():
            if alert.alert in explained and alert.state in WAITING and alert.alert not in self._written.closed:
                self._change(alert, now, AlertState.EXPLAINED, None, ReviewOutcome.EXPLAINED)
                self._written.closed.add(alert.alert)

    def _silent_sources(self, now: int) -> None:
        """One incident a silent source, ended when it speaks again; after a start sources have time to speak first."""
        lives = standing.source_lives(self._projection, now)
        known = {
            (each.controller, each.source): each
            for each in standing.open_incidents(self._projection)
            if each.incident_kind == IncidentKind.SOURCE_SILENT and each.incident not in self._written.ended
        }
        for life in lives:
            place = (life.controller, life.source)
            open_one = known.get(place)
            if life.silent and open_one is None and place not in self._written.incidents:
                if now - self._started_at > self._silence_us(life.source):
                    body = _silence(life, 0)
                    self._incident(body)
                    self._written.incidents[place] = body.incident
            elif not life.silent and open_one is not None:
                self._incident(
                    IncidentBody(
                        incident=open_one.incident,
                        incident_kind=IncidentKind.SOURCE_SILENT,
                        controller=life.controller,
                        source=life.source,
                        from_at=open_one.from_at,
                        to_at=life.last_at,
                        suppressed=0,
                        facts=(),
                    )
                )
                self._written.ended.add(open_one.incident)
                self._written.incidents.pop(place, None)

    def _silence_us(self, source: str) -> int:
        found = self._settings.sources.get(source_of(source))
        return 2 * (found.silent_after_s if found else 120) * SECOND_US

    def _ask(self, now: int) -> None:
        """Ask agents about few unexplained accesses, the same day, in paid time, at most three a day."""
        zone = self._settings.operator.timezone
        start, _ = day_span(local_day(now, zone), zone)
        wanted = standing.to_ask(
            self._projection,
            self._controllers,
            from_at=start,
            as_of=now,
            most=QUESTIONS_A_DAY,
            few=FEW_UNEXPLAINED,
        )
        # What the projection counts by now need not be kept.
        recent = {q: told for q, told in self._written.questions.items() if told[1] > now - 2 * MINUTE_US}
        for each in wanted:
            waiting = sum(person == each.ident for person, _ in recent.values())
            question = blake2b(f"question\x1f{each.access}".encode(), digest_size=16).hexdigest()
            if question in recent or each.questions + waiting >= QUESTIONS_A_DAY:
                continue
            body = QuestionBody(
                question=question,
                controller=each.controller,
                ident=each.ident,
                access=each.access,
                table=each.table,
                accessed_at=each.accessed_at,
                call_before_at=each.call_before_at,
                call_after_at=each.call_after_at,
                asked_at=now,
                answer_until=now + CORRECTION_US,
            )
            self._writer.write(EntryKind.AGENT_QUESTION, body, controller=each.controller, at=now)
            recent[question] = (each.ident, now)
        self._written.questions = recent

    # --- once a day

    def _day_is_due(self, controller: str, day: str, now: int) -> bool:
        if (controller, day) in self._written.days or day in standing.digests(self._projection, controller):
            return False
        start, end = day_span(day, self._zones[controller])
        judging = self._settings.controllers[controller]
        if now < end + judging.lateness_s * SECOND_US + MINUTE_US:
            return False
        units, waiting = standing.day_state(self._projection, controller, start, end)
        if not units:
            self._written.days.add((controller, day))  # nothing was judged: no digest of an empty day
            return False
        return not waiting or now >= end + DAY_CLOSED_AFTER_US

    def _finish(self, controller: str, day: str, now: int, switches: frozenset[Switch]) -> None:
        """The finished day: hits, budget, entries; the digest last, because it says that the day is done."""
        parameters = DetectionParameters(timezone=self._zones[controller])
        known = self._alerts()
        outcome = daily(
            self._projection,
            rules=self._rules(),
            switches=switches,
            parameters=parameters,
            controller=controller,
            day=day,
            as_of=now,
            alerted=frozenset((each.ident, each.day) for each in known if each.controller == controller),
        )
        for incident in outcome.incidents:
            self._incident(incident)
        pool: tuple[Hit, ...] = ()
        seed = self._seed(controller)
        if Switch.RANDOM_AUDIT in switches:
            half = self._budget()
            wanted = {"weak": half, "explained": half}
            pool = audit_pool(
                self._projection, parameters=parameters, controller=controller, day=day, seed=seed, wanted=wanted
            )
        allotment = self._decide(outcome.hits, now, extra_used=0, audit=pool, seed=seed)
        self._quota_incidents(controller, day, allotment, now)
        digest = AlertDigestBody(
            controller=controller,
            day=day,
            budget=self._budget(),
            opened=len(allotment.opened),
            joined=len(allotment.joined),
            audited=len(allotment.audit),
            left_out=allotment.left_out,
            audit_seed=seed.hex() if Switch.RANDOM_AUDIT in switches else "",
            drift=tuple(
                DriftFigure(
                    group="/".join(each.group), agent_days=each.agent_days, distance_milli=each.distance_milli,
                    p_milli=each.p_milli,
                )
                for each in outcome.drift
            ),
        )  # fmt: skip
        self._writer.write(EntryKind.ALERT_DIGEST, digest, controller=controller, at=now)
        self._written.days.add((controller, day))
        log.info("core.alert_day", controller=controller, opened=digest.opened, scored=outcome.scored)

    def _quota_incidents(self, controller: str, day: str, allotment: Allotment, now: int) -> None:
        """A rule over its quota three days running needs tuning: said openly, never switched off silently."""
        past = standing.digests(self._projection, controller)
        earlier = [past.get(day_before(day, back), ()) for back in range(1, QUOTA_DAYS)]
        for topic in allotment.over_quota:
            if all(topic in topics for topics in earlier):
                text = f"quota\x1f{controller}\x1f{topic}\x1f{day}"
                self._incident(
                    IncidentBody(
                        incident=blake2b(text.encode(), digest_size=16).hexdigest(),
                        incident_kind=IncidentKind.RULE_OVER_QUOTA,
                        controller=controller,
                        source=topic,
                        from_at=day_span(day_before(day, QUOTA_DAYS - 1), self._zones[controller])[0],
                        to_at=now,
                        suppressed=sum(each.hits for each in allotment.left_out if each.topic == topic),
                        facts=(Fact(name="days", value=QUOTA_DAYS),),
                    )
                )

    # --- the budget and the entries

    def _budget(self) -> int:
        return self._capacity(()).budget

    def _capacity(self, alerts: Iterable[standing.StandingAlert], *, now: int = 0, extra_used: int = 0) -> Capacity:
        """What is left of the operator's local day."""
        detection = self._settings.detection
        zone = self._settings.operator.timezone
        today = local_day(now, zone)
        opened = [each for each in alerts if local_day(each.opened_at, zone) == today]
        return Capacity(
            reviewers=detection.reviewers,
            alerts_per_reviewer_day=detection.alerts_per_reviewer_day,
            audit_share_percent=detection.audit_share,
            used=len(opened) + extra_used,
            rule_quotas={rule.topic: rule.quota for rule in self._rules()},
            rule_used=Counter(each.topic for each in opened if each.origin in SINGLE_RULES),
        )

    def _decide(
        self, found: Sequence[Hit], now: int, *, extra_used: int, audit: Sequence[Hit], seed: bytes = b"live"
    ) -> Allotment:
        alerts = self._alerts()
        allotment = allot(
            found,
            open_alerts=[
                OpenAlert(alert=each.alert, controller=each.controller, ident=each.ident, topic=each.topic)
                for each in alerts
                if each.state in WAITING and each.alert not in self._written.closed
            ],
            capacity=self._capacity(alerts, now=now, extra_used=extra_used),
            seed=seed,
            audit_pool=audit,
            known=[each.alert for each in alerts],
        )
        for hit in (*allotment.opened, *allotment.audit):
            self._open(hit, now)
        by_id = {each.alert: each for each in alerts} | self._written.alerts
        joined = [
            each
            for each in allotment.joined
            if self._join(by_id[each.alert], each.hit, now, force=each.hit.origin not in SINGLE_RULES)
        ]
        return replace(allotment, joined=tuple(joined))

    def _open(self, hit: Hit, now: int) -> None:
        statistical = hit.origin in {AlertOrigin.RESIDUAL, AlertOrigin.LOW_AND_SLOW}
        body = AlertBody(
            alert=alert_id(hit),
            as_of=now,
            hit=hit,
            freshness=standing.freshness(self._projection, hit.controller),
            would_explain=standing.reasons_in_force(self._projection) if statistical else (),
        )
        self._writer.write(EntryKind.ALERT, body, controller=hit.controller, at=now)
        self._written.alerts[body.alert] = standing.StandingAlert(
            alert=body.alert,
            controller=hit.controller,
            ident=hit.ident,
            topic=hit.topic,
            origin=hit.origin,
            severity=hit.severity,
            opened_at=now,
            day=hit.day,
            state=AlertState.OPEN,
            changed_at=now,
            accesses=frozenset(hit.accesses),
        )
        log.info("core.alert_opened", controller=hit.controller, topic=hit.topic)

    def _join(self, alert: standing.StandingAlert, hit: Hit, now: int, *, force: bool) -> bool:
        """Further accesses, or a further day of a statistic, go to the open alert; the same hit again does not."""
        known = alert.accesses | self._written.joined.get(alert.alert, set())
        if set(hit.accesses) <= known:
            return False
        if not force and now - max(alert.changed_at, self._written.changed_at.get(alert.alert, 0)) < JOIN_EVERY_US:
            return False
        self._change(alert, now, AlertState.OPEN, hit, ReviewOutcome.NONE)
        self._written.joined.setdefault(alert.alert, set()).update(hit.accesses)
        self._written.changed_at[alert.alert] = now
        return True

    def _change(
        self, alert: standing.StandingAlert, now: int, state: AlertState, hit: Hit | None, outcome: ReviewOutcome
    ) -> None:
        body = AlertChangeBody(alert=alert.alert, as_of=now, state=state, hit=hit, outcome=outcome, principal="")
        self._writer.write(EntryKind.ALERT_CHANGE, body, controller=alert.controller, at=now)

    def _incident(self, body: IncidentBody) -> None:
        self._writer.write(EntryKind.INCIDENT, body, controller=body.controller)
        log.warning("core.incident", kind=body.incident_kind, controller=body.controller, source=body.source)

    def _alerts(self) -> tuple[standing.StandingAlert, ...]:
        """What the projection shows, and what this run has written that it may not show yet."""
        shown = standing.standing_alerts(self._projection, self._controllers)
        known = {each.alert for each in shown}
        self._written.alerts = {alert: each for alert, each in self._written.alerts.items() if alert not in known}
        return (*shown, *self._written.alerts.values())

    def _seed(self, controller: str) -> bytes:
        """The controller's last published root: nobody could foresee it, everybody can look it up."""
        roots = []
        for shard in self._ledger.shards():
            if shard.split("/", maxsplit=1)[0] == controller:
                head = self._ledger.head(shard)
                roots.append((head.signed_at, shard, head.root))
        _, _, root = max(roots, default=(0, "", ""))
        return b64decode(root) if root else b"no root yet"


def _silence(life: standing.SourceLife, to_at: int) -> IncidentBody:
    text = f"silent\x1f{life.controller}\x1f{life.source}\x1f{life.last_at}"
    return IncidentBody(
        incident=blake2b(text.encode(), digest_size=16).hexdigest(),
        incident_kind=IncidentKind.SOURCE_SILENT,
        controller=life.controller,
        source=life.source,
        from_at=life.last_at,
        to_at=to_at,
        suppressed=0,
        facts=(),
    )
