"""Intake over HTTP: accesses, contacts, directory, roster, heartbeats (issue 2 §3, §4).

Registered by `app.create_app`; the mapping and the fsync are `Services.intake`'s. Must never quote a row in
an answer, and never answer 200 before the batch is durable.
"""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, post

from quivive.intake import IntakeKind, IntakeReport
from quivive.model.errors import RefusedError
from quivive.model.permission import Permission
from quivive.web.guards import principal_of, refusal_act, requires, services_of
from quivive.web.schema import BATCH_PROBLEMS, BatchOperation

MAX_BODY: Final = (8 << 20) + 1024
"""Bytes of a batch; the mapper's own limit plus a little, so that its clear refusal is the one that is met."""
MAX_REFUSED_SHOWN: Final = 1_000
"""Refused rows named in an answer; all are counted."""


class RefusedRow(msgspec.Struct, frozen=True):
    """One refused row; the others were kept."""

    row: int
    field: Annotated[str, msgspec.Meta(examples=["$.at"])]
    expected: str
    found: str


class IntakeAnswer(msgspec.Struct, frozen=True):
    """What became of a batch; durable when answered."""

    accepted: int
    duplicates: int
    refused: list[RefusedRow]
    refused_total: int


def answer_of(report: IntakeReport) -> IntakeAnswer:
    """The report as answered."""
    refused = [
        RefusedRow(row=item.row, field=item.field, expected=item.expected, found=item.found)
        for item in report.refused[:MAX_REFUSED_SHOWN]
    ]
    return IntakeAnswer(
        accepted=report.accepted, duplicates=report.duplicates, refused=refused, refused_total=len(report.refused)
    )


async def _take(request: Request[Any, Any, Any], kind: IntakeKind) -> IntakeAnswer:
    services, principal = services_of(request), principal_of(request)
    assert principal is not None
    if not principal.sources:
        await services.act(refusal_act(principal, "source_refused"))
        raise RefusedError("source_refused")
    report = await services.intake(
        kind=kind,
        sources=principal.sources,
        controllers=principal.controllers,
        content_type=request.headers.get("content-type", ""),
        body=await request.body(),
    )
    return answer_of(report)


def _options(permission: Permission, summary: str) -> dict[str, Any]:
    return {
        "opt": requires(permission),
        "status_code": 200,
        "request_max_body_size": MAX_BODY,
        "summary": summary,
        "tags": ["intake"],
        "responses": BATCH_PROBLEMS,
        "operation_class": BatchOperation,
    }


@post("/v1/accesses", **_options(Permission.OPERATOR_ACCESSES_WRITE, "Send accesses (NDJSON or JSON)"))
async def take_accesses(request: Request[Any, Any, Any]) -> IntakeAnswer:
    """Accesses that cannot be relayed."""
    return await _take(request, IntakeKind.ACCESSES)


@post("/v1/contacts", **_options(Permission.OPERATOR_CONTACTS_WRITE, "Send calls, tickets and callbacks"))
async def take_contacts(request: Request[Any, Any, Any]) -> IntakeAnswer:
    """Calls, tickets, callbacks: the reasons."""
    return await _take(request, IntakeKind.CONTACTS)


@post("/v1/directory", **_options(Permission.OPERATOR_DIRECTORY_WRITE, "Send agents and their accounts"))
async def take_directory(request: Request[Any, Any, Any]) -> IntakeAnswer:
    """Agents, their accounts, when they were informed."""
    return await _take(request, IntakeKind.DIRECTORY)


@post("/v1/roster", **_options(Permission.OPERATOR_ROSTER_WRITE, "Send planned shifts"))
async def take_roster(request: Request[Any, Any, Any]) -> IntakeAnswer:
    """Planned shifts."""
    return await _take(request, IntakeKind.ROSTER)


@post("/v1/heartbeats", **_options(Permission.OPERATOR_CONTACTS_WRITE, "Say how far a source has delivered"))
async def take_heartbeats(request: Request[Any, Any, Any]) -> IntakeAnswer:
    """A source is alive and complete up to an instant."""
    return await _take(request, IntakeKind.HEARTBEATS)


@post("/v1/recordings", **_options(Permission.OPERATOR_CONTACTS_WRITE, "Send recordings that were made"))
async def take_recordings(request: Request[Any, Any, Any]) -> IntakeAnswer:
    """Recordings that were made, each with its stretches."""
    return await _take(request, IntakeKind.RECORDINGS)


@post("/v1/listenings", **_options(Permission.OPERATOR_CONTACTS_WRITE, "Send who listened to whom, live or afterwards"))
async def take_listenings(request: Request[Any, Any, Any]) -> IntakeAnswer:
    """Live listening, playback and download."""
    return await _take(request, IntakeKind.LISTENINGS)
