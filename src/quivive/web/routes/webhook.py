"""Foreign payloads over HTTP: a helpdesk or a telephony service posts what it has, a mapping makes rows of it.

Registered by `app.create_app`; the mapping is `connectors.webhook`'s, reached through `Services.webhook`. Must never
quote a payload in an answer, and never answer 200 before its rows are durable.
"""

from dataclasses import dataclass
from typing import Any, Final

from litestar import Request, post
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from quivive.connectors.model import RowKind
from quivive.model.errors import RefusedError
from quivive.model.permission import Permission
from quivive.web.guards import principal_of, refusal_act, requires, services_of
from quivive.web.routes.intake import MAX_BODY, IntakeAnswer, answer_of
from quivive.web.schema import BATCH_PROBLEMS

NEEDS: Final = {
    RowKind.ACCESSES: Permission.OPERATOR_ACCESSES_WRITE,
    RowKind.CONTACTS: Permission.OPERATOR_CONTACTS_WRITE,
    RowKind.HEARTBEATS: Permission.OPERATOR_CONTACTS_WRITE,
    RowKind.DIRECTORY: Permission.OPERATOR_DIRECTORY_WRITE,
    RowKind.ROSTER: Permission.OPERATOR_ROSTER_WRITE,
}
"""What the token must hold beside the route's own permission, by the rows its mapping makes."""


@dataclass
class WebhookOperation(Operation):
    """Any body that the mapping of the source reads: JSON, NDJSON, CSV or a workbook."""

    def __post_init__(self) -> None:
        self.request_body = RequestBody(
            required=True, content={"*/*": OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))}
        )


@post(
    "/v1/webhook",
    opt=requires(Permission.OPERATOR_CONTACTS_WRITE),
    status_code=200,
    request_max_body_size=MAX_BODY,
    summary="Send a foreign payload; the mapping of the token's source reads it",
    tags=["intake"],
    responses=BATCH_PROBLEMS,
    operation_class=WebhookOperation,
)
async def take_payload(request: Request[Any, Any, Any]) -> IntakeAnswer:
    """A payload as its sender writes it."""
    services, principal = services_of(request), principal_of(request)
    assert principal is not None
    if services.webhook is None or not principal.sources:
        await services.act(refusal_act(principal, "source_refused"))
        raise RefusedError("source_refused")
    needed = NEEDS[services.webhook.kind(principal.sources)]
    if not principal.may(needed):
        await services.act(refusal_act(principal, needed))
        raise RefusedError("source_refused")
    report = await services.webhook.take(
        sources=principal.sources, controllers=principal.controllers, body=await request.body()
    )
    return answer_of(report)
