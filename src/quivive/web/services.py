"""What the console and the API may ask of the rest: the only door of `web` to the product.

Filled by `app.py` (and by the in-memory implementation of the tests), handed to `create_app`.
Must never offer a way to read that is not scoped, nor a way to answer before an act is durable.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from quivive.cases.office import CaseOffice
from quivive.connectors.model import RowKind
from quivive.detection.exposure_search import Lift
from quivive.identity.desk import IdentityDesk
from quivive.intake import IntakeKind, IntakeReport
from quivive.model.alert import AlertChangeBody, WordBody
from quivive.model.attestation import AttestationBody
from quivive.model.entry import ActBody
from quivive.recordings.desk import Desk
from quivive.reports.office import ReportOffice
from quivive.vault import Vault
from quivive.web.audio_services import PlaybackDesk, PurgeDesk


class Query(Protocol):
    """Read a named query inside a scope (DESIGN §4). Row fields: docs of the projection.

    `controllers` is never empty and never wider than the principal's. Instants are microseconds UTC,
    from inclusive, to exclusive. Concurrency: any number of calls at once. The gate is the query's: agents of an
    establishment that is not active come back without a code.
    """

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
    ) -> list[dict[str, object]]: ...


class Intake(Protocol):
    """Accept a batch of a source; returns after fdatasync. `content_type` is JSON or NDJSON.

    Raises RefusedError for the whole batch (`body_unreadable` 400, `too_large` 413, anything else 422) and
    StorageError (503) when nothing was acknowledged. Trusts `sources`: the token named them; the one that takes
    this kind is meant, `source_ambiguous` when several do.
    """

    async def __call__(
        self,
        *,
        kind: IntakeKind,
        sources: tuple[str, ...],
        controllers: tuple[str, ...],
        content_type: str,
        body: bytes,
    ) -> IntakeReport: ...


class Webhook(Protocol):
    """Take a foreign payload through the mapping of the token's one source that has one; durable on return.

    Raises RefusedError (`source_kind`, `source_ambiguous`, `too_large`, `body_unreadable`) and StorageError.
    """

    def kind(self, sources: Sequence[str]) -> RowKind: ...

    async def take(self, *, sources: tuple[str, ...], controllers: tuple[str, ...], body: bytes) -> IntakeReport: ...


class SubjectKeys(Protocol):
    """Turn what a person typed into keyed pseudonyms of one controller.

    `kind` is `record` (`customer:2`), `phone`, or a declared alternate kind (`email`, `customer_number`…).
    Raises RefusedError with a stored code (`subject_unreadable`, `record_notation`, `record_table_unknown`…);
    never keeps, logs or quotes the text.
    """

    def __call__(self, controller: str, kind: str, text: str) -> tuple[str, ...]: ...


class ExposureSearch(Protocol):
    """Over-representation of agents among the accesses to listed persons (detection reference §6, victim list).

    `victims` are record keys of the controller; instants as in `Query`. The gate holds: an agent who was not informed
    or whose establishment is not active is not named. Raises RefusedError (`rebuilding`).
    """

    async def __call__(
        self, controller: str, victims: tuple[str, ...], *, from_at: int, to_at: int
    ) -> Sequence[Lift]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFacts:
    """A rule as its file tells it: texts for a reader by language (`fr`, `en`), and the file itself."""

    id: str
    version: str
    shipped: bool
    enabled: bool
    severity: str
    title: Mapping[str, str]
    description: Mapping[str, str]
    runbook: Mapping[str, str]
    legal_note: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """What the installation says of a source, and rows taken in by this process since its start (0 for a relay).

    `lateness_s`: how late a contact source may be before a verdict is final, 0 when it brings no contacts.
    """

    name: str
    kind: str
    controller: str
    grade: str
    lateness_s: int
    silent_after_s: int
    accepted: int
    duplicates: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerFacts:
    """What a page says of a controller. `identity_kinds`: declared alternate kinds beside the record itself.

    `record_example`: a record notation that this catalogue understands (`customer:2`), shown beside the form.
    """

    id: str
    name: str
    timezone: str
    trace_retention_days: int
    identity_kinds: tuple[str, ...]
    record_example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerHead:
    """Head of one log. `signed_at` 0 while nothing is published; `root` is base64 of the signed root."""

    controller: str
    shard: str
    entries: int
    published: int
    root: str
    signed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryFinding:
    """One finding of `quivive verify`: a stored code and the place (file relative to the folder, shard, index)."""

    code: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryResult:
    """Outcome of a verification on a copy of the data folder.

    Fields:
        exit_code: as `quivive verify` (0 = everything checked is whole).
        entries, checkpoints: how many of each were checked.
        findings: at most 20, first ones.
        changed_file, changed_offset: the byte that was changed first, "" and 0 when proving only.
        controllers_published: per controller, published size and root, for a reader to note down.
        command: the command a sceptic can type to repeat it.
    """

    exit_code: int
    entries: int
    checkpoints: int
    findings: tuple[StoryFinding, ...]
    changed_file: str
    changed_offset: int
    elapsed_ms: int
    heads: tuple[LedgerHead, ...]
    command: str


class ConformityDesk(Protocol):
    """What happened outside what was announced, closed by a person; durable on return, RefusedError else."""

    def close(self, name: str, *, principal: str, controllers: tuple[str, ...], reference: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything the web may call.

    Fields:
        act: append an act of a principal; returns when durable; raises StorageError when it cannot, and then
            the view is refused.
        word: append an agent's declared answer; review: append a reviewer's change of an alert of a controller. Both
            return when durable and raise StorageError when they cannot.
        exposure_search: see the protocol. rules: the rules in force, in their order. sources: as configured.
        playback, purge: hearing and removing recordings; None where no audio store is declared.
        conformity: non-conformities of recordings; None where there are none (tests).
        cases, reports: the offices of cases and of reports; None where there is none (tests).
        identity: passwords, passkeys and the provider; None where there is none but links (tests).
        desk: deeds on the register of recordings; None where there is none (tests).
        attest: append a reviewer's attestation; durable on return; None where there is none (tests).
        webhook: see the protocol; None where no connector runs (tests).
        clock: now, microseconds UTC.
        heads: current head of every log.
        story_prove: verify a copy of the data folder. story_tamper: the same with one byte changed in the copy.
        ready: the core follows its spools and the projection answers.
        metrics: the Prometheus text of this process (no label holds a person, record or phone).
        timezone: time zone of the site, shown beside times. secure_cookies: False only behind plain loopback HTTP.
        contact: whom to ask (DPO address), "" when not configured.
    """

    query: Query
    act: Callable[[ActBody], Awaitable[None]]
    word: Callable[[WordBody], Awaitable[None]]
    review: Callable[[str, AlertChangeBody], Awaitable[None]]
    exposure_search: ExposureSearch
    rules: Callable[[], Sequence[RuleFacts]]
    sources: Callable[[], Sequence[SourceFacts]]
    intake: Intake
    subject_keys: SubjectKeys
    vault: Vault
    clock: Callable[[], int]
    heads: Callable[[], Awaitable[Sequence[LedgerHead]]]
    story_prove: Callable[[], Awaitable[StoryResult]]
    story_tamper: Callable[[], Awaitable[StoryResult]]
    ready: Callable[[], Awaitable[bool]]
    metrics: Callable[[], bytes]
    controllers: tuple[ControllerFacts, ...]
    operator_name: str
    language: str
    timezone: str
    demonstration: bool
    secure_cookies: bool
    contact: str
    webhook: Webhook | None = None
    attest: Callable[[AttestationBody], Awaitable[None]] | None = None
    cases: CaseOffice | None = None
    reports: ReportOffice | None = None
    playback: PlaybackDesk | None = None
    purge: PurgeDesk | None = None
    conformity: ConformityDesk | None = None
    desk: Desk | None = None
    identity: IdentityDesk | None = None

    def controller(self, identifier: str) -> ControllerFacts | None:
        """Find a controller by id."""
        for facts in self.controllers:
            if facts.id == identifier:
                return facts
        return None
