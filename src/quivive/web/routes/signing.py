"""Sign in by a one-time link, sign out.

The link is opened (GET): its secret leaves the URL at once for a short-lived cookie; the person confirms (POST):
the link is used. So no preview of a link by a program uses it up. Must never log or show the secret.
"""

from collections import deque
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect

from quivive.model.clock import MINUTE_US
from quivive.model.entry import ActBody, ActKind
from quivive.model.errors import RefusedError
from quivive.model.permission import Permission
from quivive.vault import SESSION_LIFETIME_US, Principal
from quivive.web.guards import principal_of, requires, services_of, session_cookie
from quivive.web.pages import page
from quivive.web.services import Services

LINK_COOKIE: Final = "quivive_link"
LINK_COOKIE_S: Final = 300
"""Seconds between opening the link and confirming."""
MAX_REFUSALS_PER_MINUTE: Final = 20
"""Refused sign-ins written per minute; beyond, they are answered 429 unwritten: guesses must not fill the ledger."""


class Refusals:
    """Instants of the last refused sign-ins of this process."""

    def __init__(self) -> None:
        self._at: deque[int] = deque(maxlen=MAX_REFUSALS_PER_MINUTE)

    def too_many(self, now: int) -> bool:
        """Tell whether the minute is full."""
        return len(self._at) == MAX_REFUSALS_PER_MINUTE and now - self._at[0] < MINUTE_US

    def add(self, now: int) -> None:
        """Count one."""
        self._at.append(now)


def sign_in_view(
    request: Request[Any, Any, Any], *, status: int = 200, waiting: bool = False, error: str = ""
) -> Response[str]:
    """The page with every means this installation has."""
    desk = services_of(request).identity
    return page(
        request,
        "sign_in.html",
        status=status,
        waiting=waiting,
        error=error,
        provider=desk.oidc.label if desk is not None and desk.oidc is not None else None,
        local=desk is not None,
        origin=desk.party.origin if desk is not None and desk.party.id else "",
    )


def cookie_of(services: Services, key: str, value: str, *, max_age: int, path: str, lax: bool = False) -> Cookie:
    """A cookie of ours: out of reach of scripts, and of other sites."""
    return Cookie(
        key=key,
        value=value,
        max_age=max_age,
        path=path,
        httponly=True,
        secure=services.secure_cookies,
        samesite="lax" if lax else "strict",
    )


@get("/sign-in", opt=requires(Permission.PUBLIC_PAGE_READ), include_in_schema=False)
async def sign_in_page(request: Request[Any, Any, Any]) -> Response[Any]:
    """Explain the link, or ask to confirm."""
    services = services_of(request)
    token = request.query_params.get("token", "")
    if token:
        answer: Response[Any] = Redirect("/sign-in", status_code=303)
        # Lax, not Strict: the link may be opened from a mail page, and this hop must still carry it.
        answer.set_cookie(
            cookie_of(services, LINK_COOKIE, token[:256], max_age=LINK_COOKIE_S, path="/sign-in", lax=True)
        )
        return answer
    return sign_in_view(request, waiting=bool(request.cookies.get(LINK_COOKIE)))


@post("/sign-in", opt=requires(Permission.PUBLIC_PAGE_READ), include_in_schema=False, status_code=303)
async def sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
    """Use the link and open a session; both the entry and the refusal are acts."""
    services, now = services_of(request), services_of(request).clock()
    refusals: Refusals = request.app.state.refusals
    try:
        principal = services.vault.consume_link(request.cookies.get(LINK_COOKIE, ""), now)
    except RefusedError as error:
        # After the look, not before it: a guesser must not be able to lock out who holds a good link.
        if refusals.too_many(now):
            raise RefusedError("sign_in_refused_too_often") from None
        refusals.add(now)
        await services.act(act_of(ActKind.SIGN_IN_REFUSED, None, error.code))
        answer: Response[Any] = sign_in_view(request, status=403, error=error.code)
        answer.set_cookie(cookie_of(services, LINK_COOKIE, "", max_age=0, path="/sign-in", lax=True))
        return answer
    await services.act(act_of(ActKind.SIGN_IN, principal, ""))
    secret = services.vault.open_session(principal, now)
    welcome: Response[Any] = Redirect("/", status_code=303)
    welcome.set_cookie(cookie_of(services, LINK_COOKIE, "", max_age=0, path="/sign-in", lax=True))
    seconds = SESSION_LIFETIME_US // 1_000_000
    welcome.set_cookie(cookie_of(services, session_cookie(services), secret, max_age=seconds, path="/"))
    return welcome


@post("/sign-out", opt=requires(Permission.PUBLIC_PAGE_READ), include_in_schema=False, status_code=303)
async def sign_out(request: Request[Any, Any, Any]) -> Response[Any]:
    """End the session at once."""
    services, principal = services_of(request), principal_of(request)
    answer: Response[Any] = Redirect("/sign-in", status_code=303)
    secret = request.cookies.get(session_cookie(services), "")
    if principal is not None and secret:
        services.vault.close_session(secret)
        await services.act(act_of(ActKind.SIGN_OUT, principal, ""))
    answer.set_cookie(cookie_of(services, session_cookie(services), "", max_age=0, path="/"))
    return answer


def act_of(kind: ActKind, principal: Principal | None, what: str) -> ActBody:
    """An act about signing in or out; `what` is a code."""
    return ActBody(
        act=kind,
        principal=principal.id if principal else "",
        role=principal.role_text if principal else "",
        controllers=(),
        object=what,
        count=0,
        purpose="",
    )
