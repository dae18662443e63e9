"""JSON twins of the pages under /v1/: same reads, same acts, instants in RFC 3339 UTC, codes instead of sentences.

Registered by `app.create_app`. Must never answer a sentence (codes only), a key or a name.
"""

import asyncio
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import Parameter

from quivive.model.entry import ActKind
from quivive.model.errors import RefusedError
from quivive.model.permission import Permission
from quivive.web.filters import read_cursor, read_filters
from quivive.web.guards import requires, services_of
from quivive.web.listing import PAGE_ROWS, episodes
from quivive.web.reading import Period, Purpose, reader_for
from quivive.web.routes.subject import MAX_INPUT, start_search, view_subject
from quivive.web.routes.unexplained import read_to_explain
from quivive.web.rows import GapRow, Row, SourceRow, instant, read_gap, read_source
from quivive.web.schema import READ_PROBLEMS, SEARCH_PROBLEMS, SUBJECT_PROBLEMS
from quivive.web.services import LedgerHead

SUBJECT_LIMIT: Final = 500
"""Accesses in one answer of a subject search; `next` goes on."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """One access or episode. `agent` is a neutral code or null; `reason` names template and contact."""

    id: str
    at: str | None
    ended_at: str | None
    controller: str
    source: str
    grade: str
    agent: str | None
    attribution: str
    action: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    changed: tuple[str, ...]
    coverage: str
    rows: int
    distinct: int
    outcome: str
    pattern: str
    verdict: str
    strength: str
    template: str
    unknown_cause: str
    evidence: str
    evidence_kind: str
    evidence_delta_s: int
    records: int
    statements: int


class AccessPage(msgspec.Struct, frozen=True):
    """A page; `next` is the value of `before` for the next one, null at the end."""

    items: list[Access]
    next: str | None


class SearchAsk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Exactly one of `record`, `phone`, or `identity` with its `identity_kind`."""

    controller: Annotated[str, msgspec.Meta(max_length=32)]
    record: Annotated[str, msgspec.Meta(max_length=MAX_INPUT)] | None = None
    phone: Annotated[str, msgspec.Meta(max_length=MAX_INPUT)] | None = None
    identity: Annotated[str, msgspec.Meta(max_length=MAX_INPUT)] | None = None
    identity_kind: Annotated[str, msgspec.Meta(max_length=32)] = "customer_number"


class SearchAnswer(msgspec.Struct, frozen=True):
    """`id` is opaque and works for who posted the search, until `expires_at`."""

    id: str
    expires_at: str | None


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of reason: was it found, what was nearest, how fresh its source was."""

    template: str
    found: bool
    contact: str
    nearest_at: str | None
    delta_s: int
    source: str
    complete_to: str | None
    silent: bool


class GroupToExplain(msgspec.Struct, frozen=True, kw_only=True):
    """One group without a reason, not yet heard. Neutral: nothing is held against anybody."""

    access: str
    controller: str
    agent: str | None
    action: str
    tables: tuple[str, ...]
    pattern: str
    records: int
    first_at: str | None
    last_at: str | None
    assigned: bool
    evidence: list[Evidence]


class UnknownGroup(msgspec.Struct, frozen=True):
    """What cannot be judged, and why."""

    cause: str
    controller: str
    episodes: int
    last_at: str | None


class WeakGroup(msgspec.Struct, frozen=True):
    """Records beyond the first in calls without an identified caller, against what the peers let expect."""

    controller: str
    agent: str | None
    calls: int
    excess: int
    expected: float
    peers: int


class ToExplainAnswer(msgspec.Struct, frozen=True):
    """`next` is the value of `before` for the next page."""

    items: list[GroupToExplain]
    unknown: list[UnknownGroup]
    weak: list[WeakGroup]
    next: str | None


class SourceHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Freshness of one source."""

    controller: str
    source: str
    last_at: str | None
    complete_to: str | None
    entries: int
    gaps: int
    silent: bool


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Head of one log."""

    controller: str
    shard: str
    entries: int
    published: int
    root: str
    signed_at: str | None


class HealthAnswer(msgspec.Struct, frozen=True):
    """Sources and ledger heads; no customer data."""

    ready: bool
    sources: list[SourceHealth]
    heads: list[Head]


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """An interval in which a source may have missed something; `lost` -1 = not known."""

    controller: str
    source: str
    from_at: str | None
    to_at: str | None
    cause: str
    lost: int


class GapsAnswer(msgspec.Struct, frozen=True):
    """All gaps of the period."""

    items: list[Gap]


def access_of(row: Row) -> Access:
    """One row as answered; "" fields stay "", an unknown agent is null."""
    return Access(
        id=row.access or row.episode,
        at=instant(row.at),
        ended_at=instant(row.ended_at),
        controller=row.controller,
        source=row.source,
        grade=row.grade,
        agent=row.agent_code or None,
        attribution=row.attribution,
        action=row.action,
        tables=row.tables,
        columns=row.columns,
        changed=row.changed,
        coverage=row.coverage,
        rows=row.rows,
        distinct=row.distinct,
        outcome=row.outcome,
        pattern=row.pattern_class,
        verdict=row.verdict,
        strength=row.strength,
        template=row.template,
        unknown_cause=row.unknown_cause,
        evidence=row.evidence_label,
        evidence_kind=row.evidence_kind,
        evidence_delta_s=row.evidence_delta_s,
        records=row.records or row.distinct,
        statements=row.statements,
    )


def _evidence(row: Row) -> Evidence:
    return Evidence(
        template=row.template,
        found=row.found,
        contact=row.contact_label,
        nearest_at=instant(row.nearest_at),
        delta_s=row.delta_s,
        source=row.source,
        complete_to=instant(row.complete_to),
        silent=row.silent,
    )


@post(
    "/v1/subject-searches",
    opt=requires(Permission.CONTROLLER_SUBJECT_SEARCH),
    tags=["subject"],
    responses=SEARCH_PROBLEMS,
)
async def post_search(request: Request[Any, Any, Any], data: SearchAsk) -> SearchAnswer:
    """Search a person; the answer is an opaque id."""
    given = [("record", data.record), ("phone", data.phone), (data.identity_kind, data.identity)]
    asked = [(kind, value) for kind, value in given if value is not None]
    if len(asked) != 1:
        raise RefusedError("subject_one_of")
    ((kind, value),) = asked
    search = await start_search(request, controller=data.controller, kind=kind, text=value)
    return SearchAnswer(id=search.id, expires_at=instant(search.expires_at))


@get("/v1/accesses", opt=requires(Permission.CONTROLLER_SUBJECT_SEARCH), tags=["subject"], responses=SUBJECT_PROBLEMS)
async def get_accesses(
    request: Request[Any, Any, Any],
    subject: Annotated[str, Parameter(max_length=64)],
    before: Annotated[str, Parameter(max_length=17)] = "",
) -> AccessPage:
    """Accesses of the person behind a search, newest first."""
    view = await view_subject(request, subject, before=read_cursor(before), limit=SUBJECT_LIMIT)
    return AccessPage(items=[access_of(row) for row in view.found], next=_cursor(view.next_before))


@get("/v1/activity", opt=requires(Permission.CONTROLLER_ACCESSES_READ), tags=["activity"], responses=READ_PROBLEMS)
async def get_activity(
    request: Request[Any, Any, Any],
    controller: str = "",
    action: str = "",
    verdict: str = "",
    period: str = "",
    before: str = "",
) -> AccessPage:
    """Episodes, newest first; a filter led by `-` excludes."""
    asked = {"controller": controller, "action": action, "verdict": verdict, "period": period, "before": before}
    filters = read_filters(asked)
    reader = await reader_for(
        request, Purpose.ACTIVITY_REVIEW, controller=filters.controller_asked, period=filters.period
    )
    found = await episodes(reader, filters, sample=PAGE_ROWS + 1)
    await reader.record(ActKind.EXPORT, object_id="activity", count=len(found.rows))
    return AccessPage(items=[access_of(row) for row in found.rows], next=_cursor(found.next_before))


@get(
    "/v1/unexplained",
    opt=requires(Permission.CONTROLLER_UNEXPLAINED_READ),
    tags=["unexplained"],
    responses=READ_PROBLEMS,
)
async def get_unexplained(
    request: Request[Any, Any, Any], controller: str = "", period: str = "", before: str = ""
) -> ToExplainAnswer:
    """Groups without a reason with their evidence; the unknown apart."""
    filters = read_filters({"controller": controller, "period": period, "before": before})
    reader = await reader_for(
        request, Purpose.EXPLANATION_REVIEW, controller=filters.controller_asked, period=filters.period
    )
    found = await read_to_explain(reader, filters)
    await reader.record(ActKind.EXPORT, object_id="unexplained", count=len(found.groups))
    items = [
        GroupToExplain(
            access=group.row.access,
            controller=group.row.controller,
            agent=group.row.agent_code or None,
            action=group.row.action,
            tables=group.row.tables,
            pattern=group.row.pattern_class,
            records=group.row.records,
            first_at=instant(group.row.first_at),
            last_at=instant(group.row.last_at),
            assigned=group.row.assigned,
            evidence=[_evidence(row) for row in group.evidence],
        )
        for group in found.groups
    ]
    return ToExplainAnswer(
        items=items,
        unknown=[UnknownGroup(u.cause, u.controller, u.episodes, instant(u.last_at)) for u in found.unknown],
        weak=[
            WeakGroup(w.controller, w.agent_code or None, w.calls, w.excess, w.expected, w.peers) for w in found.weak
        ],
        next=_cursor(found.groups[-1].row.first_at) if found.more else None,
    )


@get("/v1/health", opt=requires(Permission.OPERATOR_HEALTH_READ), tags=["health"], responses=READ_PROBLEMS)
async def get_health(request: Request[Any, Any, Any]) -> HealthAnswer:
    """Sources, freshness, ledger heads."""
    services = services_of(request)
    reader = await reader_for(request, Purpose.OPERATION, period=Period.MONTH)
    rows, heads, ready = await asyncio.gather(reader.raw("health"), services.heads(), services.ready())
    await reader.record(ActKind.VIEW_HEALTH, object_id="api", count=len(rows))
    sources = [_source(read_source(row)) for row in rows]
    return HealthAnswer(ready=ready, sources=sources, heads=[_head(head) for head in heads])


def _source(row: SourceRow) -> SourceHealth:
    return SourceHealth(
        controller=row.controller,
        source=row.source,
        last_at=instant(row.last_at),
        complete_to=instant(row.complete_to),
        entries=row.entries,
        gaps=row.gaps,
        silent=row.silent,
    )


def _head(head: LedgerHead) -> Head:
    return Head(
        controller=head.controller,
        shard=head.shard,
        entries=head.entries,
        published=head.published,
        root=head.root,
        signed_at=instant(head.signed_at),
    )


@get("/v1/gaps", opt=requires(Permission.OPERATOR_HEALTH_READ), tags=["health"], responses=READ_PROBLEMS)
async def get_gaps(request: Request[Any, Any, Any], period: str = "") -> GapsAnswer:
    """Intervals in which a source may have missed something."""
    filters = read_filters({"period": period or Period.MONTH.value})
    reader = await reader_for(request, Purpose.OPERATION, period=filters.period)
    rows = await reader.raw("gaps")
    await reader.record(ActKind.VIEW_HEALTH, object_id="gaps", count=len(rows))
    return GapsAnswer(items=[_gap(read_gap(row)) for row in rows])


def _gap(row: GapRow) -> Gap:
    return Gap(
        controller=row.controller,
        source=row.source,
        from_at=instant(row.from_at),
        to_at=instant(row.to_at),
        cause=row.cause,
        lost=row.lost,
    )


def _cursor(before: int) -> str | None:
    return str(before) if before else None
