"""Fills `web.services.Services` with the real parts: the only place that knows them all.

Called by `core.main`. Must never add behaviour: each function here is one call into a room below.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from quivive.cases.folder import CaseFolder
from quivive.cases.office import CaseOffice, OfficePorts
from quivive.connectors.webhook import Webhook
from quivive.core.audio_desk import AudioDesk
from quivive.core.audio_keeping import AudioKeeping
from quivive.core.metrics import Metrics
from quivive.core.pipeline import Pipeline
from quivive.core.playback import Playbacks
from quivive.core.policies import PolicyKeeper
from quivive.core.recording_round import RecordingRound
from quivive.core.reporting import report_ports
from quivive.core.retention_room import RetentionRoom
from quivive.core.story import prove
from quivive.detection.exposure_search import Lift, search
from quivive.detection.rules import Rule
from quivive.identity.desk import IdentityDesk
from quivive.intake import Intake, IntakeKind, IntakeReport
from quivive.intake.opening import identity_key, identity_purpose
from quivive.ledger.log import Ledger
from quivive.model.alert import AlertChangeBody, WordBody
from quivive.model.attestation import AttestationBody
from quivive.model.entry import ActBody, EntryKind
from quivive.model.errors import RefusedError
from quivive.privacy.keyring import Keyring
from quivive.privacy.sealing import unseal
from quivive.privacy.subject import RECORD_KIND, SubjectKeyer
from quivive.projection.projection import Projection, ProjectionUnavailableError
from quivive.projection.query import Scope
from quivive.recordings.desk import Desk
from quivive.reports.office import ReportOffice
from quivive.settings import ControllerSettings, Settings
from quivive.vault import Vault
from quivive.web.services import ControllerFacts, LedgerHead, RuleFacts, Services, SourceFacts, StoryResult

PROJECTION_DELAY_US_READY_MAX: Final = 60_000_000  # `/readyz` is false when the verdicts are older than a minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the core has opened."""

    settings: Settings
    keyring: Keyring
    vault: Vault
    ledger: Ledger
    projection: Projection
    pipeline: Pipeline
    intake: Intake
    policies: PolicyKeeper
    record_act: Callable[[ActBody], Awaitable[None]]
    record_entry: Callable[[EntryKind, str, Any], Awaitable[None]]
    rules: Callable[[], tuple[Rule, ...]]
    clock: Callable[[], int]
    anchors: Callable[[], dict[str, Any]] = dict
    """State of witnesses and time-stamps, for `quivive status`."""
    desk: Desk | None = None
    audio: AudioKeeping | None = None
    retention: RetentionRoom | None = None
    rounds: RecordingRound | None = None
    audio_desk: AudioDesk | None = None
    playbacks: Playbacks | None = None
    identity: IdentityDesk | None = None


def services(parts: Parts) -> Services:
    """Build what the web may call."""
    settings = parts.settings
    return Services(
        query=_Query(parts.projection),
        act=parts.record_act,
        word=_word(parts),
        review=_review(parts),
        attest=_attest(parts),
        exposure_search=_ExposureSearch(parts.projection),
        rules=lambda: tuple(_rule(rule) for rule in parts.rules()),
        sources=_sources(parts),
        intake=_Intake(parts.intake),
        cases=_cases(parts),
        reports=ReportOffice(report_ports(parts.settings, parts.keyring, parts.ledger, parts.clock)),
        playback=parts.playbacks,
        purge=parts.audio_desk,
        conformity=parts.rounds,
        webhook=Webhook(settings, parts.intake, parts.clock),
        desk=parts.desk,
        identity=parts.identity,
        subject_keys=_SubjectKeys(parts.keyring, settings),
        vault=parts.vault,
        clock=parts.clock,
        heads=_heads(parts),
        story_prove=_story(parts, tamper=False),
        story_tamper=_story(parts, tamper=True),
        ready=_ready(parts),
        metrics=_metrics(parts),
        controllers=tuple(_facts(controller) for controller in settings.controllers.values()),
        operator_name=settings.operator.name,
        language=settings.operator.language,
        timezone=settings.operator.timezone,
        demonstration=settings.operator.demonstration,
        secure_cookies=settings.operator.console_url.startswith("https://"),
        contact=settings.operator.contact,
    )


def _metrics(parts: Parts) -> Callable[[], bytes]:
    return Metrics(
        settings=parts.settings,
        ledger=parts.ledger,
        projection=parts.projection,
        pipeline=parts.pipeline,
        retention=parts.retention,
        clock=parts.clock,
    ).text


class _Query:
    def __init__(self, projection: Projection) -> None:
        self._projection = projection

    async def __call__(
        self,
        name: str,
        params: Mapping[str, object],
        *,
        controllers: tuple[str, ...],
        from_at: int,
        to_at: int,
        purpose: str,
        principal: str,
    ) -> list[dict[str, object]]:
        scope = Scope(controllers=controllers, from_at=from_at, to_at=to_at, purpose=purpose, principal=principal)
        try:
            return await asyncio.to_thread(self._projection.query, scope, name, params)
        except ProjectionUnavailableError:
            raise RefusedError("rebuilding") from None


class _Intake:
    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def __call__(
        self,
        *,
        kind: IntakeKind,
        sources: tuple[str, ...],
        controllers: tuple[str, ...],
        content_type: str,
        body: bytes,
    ) -> IntakeReport:
        return await self._intake.take(
            kind=kind,
            source=self._intake.source_for(kind, sources),
            controllers=controllers,
            content_type=content_type,
            body=body,
        )


class _SubjectKeys:
    def __init__(self, keyring: Keyring, settings: Settings) -> None:
        self._keyers = {
            controller.id: SubjectKeyer(
                keys=keyring.controller_keys(controller.id),
                catalogue=controller.catalogue,
                region=controller.default_region,
            )
            for controller in settings.controllers.values()
        }

    def __call__(self, controller: str, kind: str, text: str) -> tuple[str, ...]:
        keyer = self._keyers.get(controller)
        if keyer is None:
            raise RefusedError("controller_unknown")
        if kind == RECORD_KIND:
            return (keyer.record(text).key,)
        if kind not in keyer.kinds():
            raise RefusedError("identity_kind_unknown")
        identity = keyer.identity(kind, text)
        if identity is None:
            raise RefusedError("subject_unreadable")
        return (identity.key,)


def _word(parts: Parts) -> Callable[[WordBody], Awaitable[None]]:
    async def record(body: WordBody) -> None:
        await parts.record_entry(EntryKind.AGENT_WORD, body.controller, body)

    return record


def _review(parts: Parts) -> Callable[[str, AlertChangeBody], Awaitable[None]]:
    async def record(controller: str, body: AlertChangeBody) -> None:
        await parts.record_entry(EntryKind.ALERT_CHANGE, controller, body)

    return record


def _attest(parts: Parts) -> Callable[[AttestationBody], Awaitable[None]]:
    async def record(body: AttestationBody) -> None:
        await parts.record_entry(EntryKind.ATTESTATION, body.controller, body)

    return record


def _cases(parts: Parts) -> CaseOffice:
    key = identity_key(parts.keyring.operator_agent_key)

    def identity(person: str) -> dict[str, str] | None:
        sealed = parts.vault.identity(person)
        if sealed is None:
            return None
        return msgspec.json.decode(unseal(key, purpose=identity_purpose(person), sealed=sealed), type=dict[str, str])

    def noted(topic: str) -> bool:
        return any(
            rule.topic == topic and all(texts.legal_note and texts.runbook for texts in rule.texts.values())
            for rule in parts.rules()
        )

    ports = OfficePorts(
        projection=parts.projection,
        ledger=parts.ledger,
        folder=CaseFolder(parts.settings.home, parts.keyring),
        record=parts.record_entry,
        identity=identity,
        noted=noted,
        clock=parts.clock,
    )
    return CaseOffice(ports)


class _ExposureSearch:
    def __init__(self, projection: Projection) -> None:
        self._projection = projection

    async def __call__(self, controller: str, victims: tuple[str, ...], *, from_at: int, to_at: int) -> Sequence[Lift]:
        try:
            return await asyncio.to_thread(
                search, self._projection, controllers=(controller,), victims=victims, from_at=from_at, to_at=to_at
            )
        except ProjectionUnavailableError:
            raise RefusedError("rebuilding") from None


def _rule(rule: Rule) -> RuleFacts:
    return RuleFacts(
        id=rule.topic,
        version=rule.version,
        shipped=rule.shipped,
        enabled=rule.enabled,
        severity=rule.severity,
        title={language: texts.title for language, texts in rule.texts.items()},
        description={language: texts.description for language, texts in rule.texts.items()},
        runbook={language: texts.runbook for language, texts in rule.texts.items()},
        legal_note={language: texts.legal_note for language, texts in rule.texts.items()},
        text=rule.text,
    )


def _sources(parts: Parts) -> Callable[[], Sequence[SourceFacts]]:
    """Sources as configured, with what the intake took in. A source that brings contacts has a lateness budget."""
    lateness = {
        name: controller.lateness_s
        for controller in parts.settings.controllers.values()
        for name in controller.contact_sources
    }

    def read() -> Sequence[SourceFacts]:
        return tuple(
            SourceFacts(
                name=name,
                kind=source.kind,
                controller=source.controller,
                grade=source.grade,
                lateness_s=lateness.get(name, 0),
                silent_after_s=source.silent_after_s,
                accepted=parts.intake.totals.get(name, Counter())["accepted"],
                duplicates=parts.intake.totals.get(name, Counter())["duplicates"],
                refused=parts.intake.totals.get(name, Counter())["refused"],
            )
            for name, source in parts.settings.sources.items()
        )

    return read


def _heads(parts: Parts) -> Callable[[], Awaitable[Sequence[LedgerHead]]]:
    async def read() -> Sequence[LedgerHead]:
        return await asyncio.to_thread(lambda: [_head(parts.ledger, shard) for shard in parts.ledger.shards()])

    return read


def _head(ledger: Ledger, shard: str) -> LedgerHead:
    head = ledger.head(shard)
    return LedgerHead(
        controller=shard.split("/", maxsplit=1)[0],
        shard=shard,
        entries=head.entries,
        published=head.published,
        root=head.root,
        signed_at=head.signed_at,
    )


def _story(parts: Parts, *, tamper: bool) -> Callable[[], Awaitable[StoryResult]]:
    async def run() -> StoryResult:
        heads = await _heads(parts)()
        return await asyncio.to_thread(prove, parts.ledger, parts.settings.home, heads, tamper=tamper)

    return run


def _ready(parts: Parts) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        state = parts.pipeline.state
        fresh = parts.clock() - state.judged_at < PROJECTION_DELAY_US_READY_MAX
        return fresh and not parts.pipeline.rebuilding and not state.storage_failing_since

    return ready


def _facts(controller: ControllerSettings) -> ControllerFacts:
    person = next((t.name for t in controller.catalogue.tables if t.kind == "person"), "")
    kinds = {a.kind for table in controller.catalogue.tables for a in table.alternates}
    return ControllerFacts(
        id=controller.id,
        name=controller.name,
        timezone=controller.timezone,
        trace_retention_days=controller.retention_days["trace"],
        identity_kinds=tuple(sorted(kinds)),
        record_example=f"{person.rpartition('.')[2]}:2" if person else "",
    )
