"""What the OpenAPI file says beside the handlers' types: problems (RFC 9457) and the bodies of batches.

Used by the API and intake routes. Pure.
"""

from dataclasses import dataclass
from typing import Final

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error (RFC 9457). `code` is stable; `errors` name fields, never values."""

    type: str
    title: str
    status: int
    code: str
    errors: list[dict[str, str]] = []


PROBLEM_MEDIA_TYPE: Final = "application/problem+json"


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """The problems a route may answer."""
    words = {
        400: "The body or a parameter cannot be read",
        401: "No valid token or session",
        403: "The role, the scope or the gate refuses",
        404: "No such search, or it has expired",
        413: "Too large",
        415: "The content type is not accepted",
        422: "Understood, but refused; the code says why",
        503: "Not durable: nothing was shown or acknowledged; try again",
    }
    return {
        status: ResponseSpec(
            data_container=Problem, media_type=PROBLEM_MEDIA_TYPE, description=words[status], generate_examples=False
        )
        for status in statuses
    }


READ_PROBLEMS: Final = problems(400, 401, 403, 503)
SEARCH_PROBLEMS: Final = problems(400, 401, 403, 422, 503)
SUBJECT_PROBLEMS: Final = problems(400, 401, 403, 404, 503)
BATCH_PROBLEMS: Final = problems(400, 401, 403, 413, 415, 422, 503)

_ROW: Final = Schema(type=OpenAPIType.OBJECT, description="One row; fields in the documentation of the intake.")


@dataclass
class BatchOperation(Operation):
    """A batch of rows: NDJSON (one object a line), a JSON array or one JSON object."""

    def __post_init__(self) -> None:
        self.request_body = RequestBody(
            required=True,
            content={
                "application/x-ndjson": OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING)),
                "application/json": OpenAPIMediaType(
                    schema=Schema(one_of=[_ROW, Schema(type=OpenAPIType.ARRAY, items=_ROW)])
                ),
            },
        )
