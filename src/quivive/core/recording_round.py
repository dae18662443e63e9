"""The round of recordings: seeds committed and revealed, the gate's loan, what happened against what was announced.

Started by the core in a thread of its own; it reads the projection and the register and writes entries through the
core's spool. Must never lend a seed whose commitment is not durable, never reveal the seed of a day that has not ended,
and keep no state: what it wrote is what the projection shows.
"""

import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import structlog

from quivive.core.writers import CoreWriter
from quivive.model.clock import DAY_US, HOUR_US, SECOND_US, Micros, from_rfc3339, utc_day, utc_month
from quivive.model.entry import EntryKind
from quivive.model.errors import RefusedError, StorageError
from quivive.model.ids import KEY_PATTERN
from quivive.model.recording import NonconformityBody, SeedBody
from quivive.model.recording_register import PROVEN, CampaignBody, CampaignState, NeutralisedScope, Trigger
from quivive.policy import controllers_of
from quivive.projection.projection import Projection, ProjectionUnavailableError
from quivive.recordings.conformity import Announced, Finding, judge
from quivive.recordings.gate.lent import Lent, encode_lent, seed_name
from quivive.recordings.happened import Days, Standing, days, drawn, month, seeds, standing_finding, used
from quivive.recordings.policy import GatePerson
from quivive.recordings.register import Register
from quivive.recordings.sampling import DayProof, SeedFacts, commitment, prove_day, seed_of
from quivive.settings import Settings, SourceKind
from quivive.spool.durable import write_atomic
from quivive.vault import Vault

EVERY_S: Final = 2.0
"""Seconds between two looks at tokens and campaigns: a revoked token stops asking within that, and a second more."""
JUDGE_EVERY_US: Final = 10 * SECOND_US
DAYS_BACK: Final = 3
"""Days that are judged again: a core that was down over a week-end, and evidence that comes late."""
DAYS_AHEAD: Final = 2
"""Seeds are committed to for today, tomorrow and the day after."""
REVEAL_AFTER_US: Final = HOUR_US
"""A day's seed is revealed so long after its end: no answer of that day is still on its way."""
REVEAL_DAYS: Final = 14
LENT_FILE: Final = "gate-lent.json"
MAX_REFERENCE_CHARS: Final = 80
"""Of the reference of a closing: a document's code, no words about a person."""
EVIDENCE: Final = "evidence"
"""`closed_by` of what later evidence took back."""
log = structlog.get_logger("quivive.core")


class RecordingRound:
    """One thread between `start` and `stop`. `ready` tells that the projection has caught up with the ledger."""

    def __init__(
        self,
        *,
        settings: Settings,
        register: Register,
        projection: Projection,
        writer: CoreWriter,
        vault: Vault,
        key: bytes,
        clock: Callable[[], int],
        ready: Callable[[], bool],
    ) -> None:
        self._settings, self._register, self._projection = settings, register, projection
        self._writer, self._vault, self._key, self._clock, self._ready = writer, vault, key, clock, ready
        self._controllers = tuple(sorted(settings.controllers))
        self._gates = tuple(name for name, s in settings.sources.items() if s.kind is SourceKind.GATE)
        self._gated = frozenset(each for name in self._gates for each in controllers_of(settings, name))
        self._committed: set[tuple[str, str, str]] = set()  # durable; the projection may not show it yet
        self._revealed: set[tuple[str, str, str]] = set()
        self._written: dict[str, Standing] = {}
        self._judged_at = 0
        self._lent = b""
        self._telling = threading.Lock()
        """A round and a person write versions of the same finding."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End it; a round under way is finished."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            if not self._ready():
                continue
            try:
                self.lend()
                now = self._clock()
                if now - self._judged_at >= JUDGE_EVERY_US:
                    self.compare()
                    self._judged_at = self._clock()
            except ProjectionUnavailableError:
                continue  # being rebuilt: ask again
            except StorageError as error:
                log.warning("core.recordings_not_durable", reason=str(error))
            except Exception as error:  # noqa: BLE001 - told, and tried again: it must not end the record
                log.error(  # noqa: TRY400 - type and place only, an error's text may quote a value
                    "core.recordings_failed",
                    error=type(error).__name__,
                    places=[f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)],
                )

    # --- what the gate is lent

    def lend(self) -> None:
        """Commit to the seeds of the days ahead, reveal those of the days that ended, write the gate's loan."""
        now = self._clock()
        ahead = [utc_day(Micros(now + step * DAY_US)) for step in range(DAYS_AHEAD + 1)]
        behind = [utc_day(Micros(now - step * DAY_US)) for step in range(1, REVEAL_DAYS + 1)]
        known = {
            (each.controller, each.campaign, each.day): each
            for each in seeds(self._projection, self._controllers, behind[-1], ahead[-1])
        }
        lent: dict[str, str] = {}
        for body in self._register.in_force():
            if body.trigger is not Trigger.SAMPLE:
                continue
            for day in ahead:
                place = (body.controller, body.campaign, day)
                self._commit(place, known)
                lent[seed_name(*place)] = seed_of(self._key, *place).hex()
        self._reveal(known, now)
        if self._gates:
            self._write_loan(lent, now)

    def _commit(self, place: tuple[str, str, str], known: Mapping[tuple[str, str, str], SeedFacts]) -> None:
        if place in known or place in self._committed:
            return
        seed = seed_of(self._key, *place)
        self._write_seed(place, commitment(seed, *place), "")
        self._committed.add(place)

    def _reveal(self, known: Mapping[tuple[str, str, str], SeedFacts], now: int) -> None:
        for place, facts in known.items():
            ended_at = _day_at(place[2]) + DAY_US
            if facts.seed or place in self._revealed or now < ended_at + REVEAL_AFTER_US:
                continue
            self._write_seed(place, facts.committed, seed_of(self._key, *place).hex())
            self._revealed.add(place)

    def _write_seed(self, place: tuple[str, str, str], committed: str, seed: str) -> None:
        controller, campaign, day = place
        body = SeedBody(controller=controller, campaign=campaign, day=day, commitment=committed, seed=seed)
        self._writer.write(EntryKind.RECORDING_SEED, body, controller=controller, at=self._clock())

    def _write_loan(self, lent: Mapping[str, str], now: int) -> None:
        tokens: dict[str, tuple[str, ...]] = {}
        for digest, sources in self._vault.token_hashes(now):
            for name in sources:
                if name in self._gates:
                    tokens[name] = (*tokens.get(name, ()), digest)
        began_at = _day_at(utc_month(Micros(now)) + "01")
        loan = Lent(
            tokens={name: tuple(sorted(found)) for name, found in tokens.items()},
            seeds=dict(lent),
            month=utc_month(Micros(now)),
            used=used(self._projection, began_at),
        )
        data = encode_lent(loan)
        if data == self._lent:
            return
        try:
            write_atomic(self._settings.home / "run" / LENT_FILE, data)
        except OSError as error:
            raise StorageError(f"run/{LENT_FILE}: cannot be written: {error.strerror}") from error
        self._lent = data

    # --- what happened

    def compare(self) -> int:
        """Hold the last days against what was announced; write what is new, take back what later evidence clears."""
        now = self._clock()
        lateness = max((c.lateness_s for c in self._settings.controllers.values()), default=0) * SECOND_US
        from_at, to_at = now - DAYS_BACK * DAY_US, now - lateness
        found = days(self._projection, self._controllers, from_at, to_at)
        months = [fact for body in self._register.in_force() if (fact := self._month(body, now)) is not None]
        findings = judge(found.happened, found.answers, found.objections, months, self._announced())
        with self._telling:
            return self._tell(findings, found, now)

    def _month(self, body: CampaignBody, now: int) -> Any:
        name = utc_month(Micros(now))
        return month(self._projection, body, name, _day_at(name + "01"), now)

    def _announced(self) -> Announced:
        informed: dict[tuple[str, int, str], int] = {}
        lead = {(body.campaign, body.version): body.lead_us for body in self._register.campaigns()}
        for notice in self._register.notices():
            if notice.state in PROVEN:
                name = (notice.campaign, notice.version, notice.person)
                since = notice.at + lead.get(name[:2], 0)
                informed[name] = min(since, informed.get(name, since))
        return Announced(
            campaigns=tuple(self._register.campaigns()),
            informed=informed,
            neutralised={
                body.token: (body.from_at, body.to_at)
                for body in self._register.neutralised()
                if body.scope is NeutralisedScope.PERSON and not body.removed
            },
            people={
                each.person: GatePerson(site=each.site, team=each.team, active=True) for each in self._register.people()
            },
            gated=self._gated,
        )

    def _tell(self, findings: tuple[Finding, ...], found: Days, now: int) -> int:
        """Write what changed; nothing is written twice, whatever the projection shows by now."""
        standing = dict(found.standing)
        for name, written in self._written.items():
            known = standing.get(name)
            if known is None or known.version < written.version:
                standing[name] = written
        told = 0
        for finding in findings:
            before = standing.pop(finding.name, None)
            if before is None or before.closed_by == EVIDENCE:
                self._write(finding, (before.version if before else 0) + 1, "", now)
                told += 1
        shown = {finding.name for finding in findings}
        for name, before in standing.items():
            body = standing_finding(self._projection, name) if not before.closed_by and name not in shown else None
            if body is not None:
                self._write(body, before.version + 1, EVIDENCE, now)
                told += 1
        return told

    def close(self, name: str, *, principal: str, controllers: tuple[str, ...], reference: str) -> None:
        """A person closes a non-conformity, with the reference of what was done; nobody closes what is put to himself.

        Raises:
            RefusedError: `nonconformity_unknown` (or closed, or of another company), `nonconformity_own`,
                `nonconformity_reference`.
        """
        reference = reference.strip()
        if not reference or len(reference) > MAX_REFERENCE_CHARS or not reference.isprintable():
            raise RefusedError("nonconformity_reference")
        with self._telling:
            body = standing_finding(self._projection, name) if KEY_PATTERN.fullmatch(name) else None
            if body is None or body.controller not in controllers:
                raise RefusedError("nonconformity_unknown")
            now = self._clock()
            found = days(self._projection, (body.controller,), body.happened_at, body.happened_at + 1).standing[name]
            newest = max(found, self._written.get(name, found), key=lambda each: each.version)
            if newest.closed_by:
                raise RefusedError("nonconformity_unknown")
            if body.aimed_at == principal:
                raise RefusedError("nonconformity_own")
            self._write(body, newest.version + 1, principal, now, reference)

    def _write(self, finding: Finding, version: int, closed_by: str, now: int, reference: str = "") -> None:
        body = NonconformityBody(
            nonconformity=finding.name,
            version=version,
            controller=finding.controller,
            nonconformity_kind=finding.kind,
            medium=finding.medium,
            campaign=finding.campaign,
            recording=finding.recording,
            listening=finding.listening,
            contact=finding.contact,
            person=finding.person,
            aimed_at=finding.aimed_at,
            happened_at=finding.happened_at,
            found_at=now,
            found=finding.found,
            limit=finding.limit,
            closed_by=closed_by,
            closing_reference=reference,
        )
        self._writer.write(EntryKind.NONCONFORMITY, body, controller=finding.controller, at=now)
        self._written[finding.name] = Standing(
            name=finding.name, version=version, closed_by=closed_by, found=finding.found
        )
        log.info("core.nonconformity", kind=finding.kind, controller=finding.controller, closed=bool(closed_by))

    # --- proof

    def prove(self, day: str) -> tuple[DayProof, ...]:
        """Recompute the draws of a UTC day `yyyymmdd` from the seeds that were revealed.

        Raises:
            RefusedError: no such day, or it has not ended.
        """
        try:
            began_at = _day_at(day)
        except ValueError:
            raise RefusedError("day", "a day as 20261123") from None
        if self._clock() < began_at + DAY_US:
            raise RefusedError("day_not_over", "a day that has ended: its seed is not revealed before")
        shares = {
            (body.campaign, body.version): body.share_permille
            for body in self._register.campaigns()
            if body.state in {CampaignState.ANNOUNCED, CampaignState.ENDED}
        }
        facts = seeds(self._projection, self._controllers, day, day)
        return prove_day(facts, drawn(self._projection, self._controllers, day, shares))


def _day_at(day: str) -> int:
    if len(day) != 8 or not day.isdigit():
        raise ValueError("expected eight digits")
    return from_rfc3339(f"{day[:4]}-{day[4:6]}-{day[6:]}T00:00:00Z")
