"""Errors as answers: RFC 9457 problems for the API, a plain page for people.

Registered by `app.create_app`. Must never repeat what was sent: codes and field paths only.
"""

import traceback
from pathlib import Path
from typing import Any, Final

import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.response import Redirect

from quivive.model.errors import RefusedError, StorageError
from quivive.web.guards import principal_of
from quivive.web.pages import page
from quivive.web.schema import PROBLEM_MEDIA_TYPE

_MACHINE_PATHS: Final = ("/v1/", "/livez", "/readyz", "/metrics")
_CODE_STATUS: Final[dict[str, int]] = {
    "body_unreadable": 400,
    "content_type": 415,
    "too_large": 413,
    "unknown_search": 404,
    "alert_unknown": 404,
    "alert_not_open": 409,
    "rule_unknown": 404,
    "case_unknown": 404,
    "approval_unknown": 404,
    "case_role": 403,
    "playback_unknown": 404,
    "playback_over": 404,
    "playback_absent": 404,
    "playback_not_a_listener": 403,
    "playback_past_limit": 403,
    "playback_objected": 403,
    "download_needs_case": 403,
    "question_unknown": 404,
    "campaign_unknown": 404,
    "document_unknown": 404,
    "kiosk_code_unknown": 404,
    "recording_unknown": 404,
    "not_found": 404,
    "not_a_listener": 403,
    "campaign_dpo_announces": 403,
    "controller_unknown": 403,
    "filter_invalid": 400,
    "source_refused": 403,
    "rebuilding": 503,
    "sign_in_refused_too_often": 429,
    "inspection_unknown": 404,
    "session_unknown": 404,
    "passkey_unknown": 404,
}
_STATUS_CODE: Final[dict[int, str]] = {
    400: "bad_request",
    401: "sign_in_needed",
    403: "permission_refused",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "content_type",
    429: "sign_in_refused_too_often",
}
_TITLES: Final[dict[int, str]] = {
    400: "Bad request",
    401: "Sign-in needed",
    403: "Refused",
    404: "Not found",
    405: "Method not allowed",
    413: "Too large",
    415: "Unsupported media type",
    422: "Unprocessable content",
    429: "Too many attempts",
    500: "Internal error",
    503: "Unavailable",
}
_OWN_DETAILS: Final = frozenset({"sign_in_needed", "permission_refused", "other_site", "form_expired"})

log = structlog.get_logger()


def is_machine(request: Request[Any, Any, Any]) -> bool:
    """Tell whether the caller is a program: it gets a problem, not a page."""
    return request.url.path.startswith(_MACHINE_PATHS)


def answer(
    request: Request[Any, Any, Any], *, status: int, code: str, errors: list[dict[str, str]] | None = None
) -> Response[Any]:
    """Build the problem or the page of one error."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}  # RFC 9110 §11.6.1
    if is_machine(request):
        problem: dict[str, Any] = {
            "type": f"urn:quivive:problem:{code}",
            "title": _TITLES.get(status, "Error"),
            "status": status,
            "code": code,
        }
        if errors:
            problem["errors"] = errors
        return Response(problem, status_code=status, media_type=PROBLEM_MEDIA_TYPE, headers=headers)
    if status == 401 and request.headers.get("hx-request"):
        return Response("", status_code=401, media_type=MediaType.HTML, headers={"HX-Redirect": "/sign-in"})
    if status == 401 and request.method == "GET":
        return Redirect("/sign-in", status_code=303)
    return page(request, "problem.html", status=status, code=code)


def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Litestar's own refusals. Their texts may quote the request: only paths of fields are kept."""
    code = error.detail if error.detail in _OWN_DETAILS else _STATUS_CODE.get(error.status_code, "bad_request")
    errors = None
    if isinstance(error, ValidationException):
        code = "field_invalid"
        extra = error.extra if isinstance(error.extra, list) else []
        errors = [
            {"field": str(item.get("key") or "$"), "in": str(item.get("source") or "body")}
            for item in extra
            if isinstance(item, dict)
        ]
        return answer(request, status=422 if request.method == "POST" else 400, code=code, errors=errors)
    return answer(request, status=error.status_code, code=code)


def on_refused(request: Request[Any, Any, Any], error: RefusedError) -> Response[Any]:
    """The gate, a permission or a limit refuses."""
    return answer(request, status=_CODE_STATUS.get(error.code, 422), code=error.code)


def on_storage(request: Request[Any, Any, Any], error: StorageError) -> Response[Any]:
    """An act or a batch could not be made durable: nothing is shown and nothing acknowledged."""
    log.error("web.storage_refused", place=_place(error), principal=_principal(request))
    response = answer(request, status=503, code="not_durable")
    response.headers["Retry-After"] = "5"
    return response


def on_defect(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A defect of ours. The log names the type and the line, never the message: it could quote a value."""
    log.error("web.defect", error=type(error).__name__, place=_place(error), principal=_principal(request))
    return answer(request, status=500, code="defect")


def _principal(request: Request[Any, Any, Any]) -> str:
    principal = principal_of(request)
    return principal.id if principal else ""


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
