"""Signing in otherwise than by a link: password with a code, identity provider, passkey.

Registered by `app.create_app`. Every entry and every refusal is an act, durable before the answer. Must never say which
part of a credential was wrong, never show what a provider answered, and never open a session that no act tells of.
"""

import secrets
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.exceptions import SerializationException
from litestar.response import Redirect

from quivive.identity.desk import IdentityDesk
from quivive.identity.oidc import Flow
from quivive.model.entry import ActKind
from quivive.model.errors import RefusedError
from quivive.model.permission import Permission
from quivive.vault import SESSION_LIFETIME_US, Principal
from quivive.vault_sessions import Means
from quivive.web.guards import requires, services_of, session_cookie
from quivive.web.pages import page, pages_of, texts_of
from quivive.web.routes.signing import Refusals, act_of, cookie_of, sign_in_view
from quivive.web.sentences import Speaker

FLOW_COOKIE: Final = "quivive_oidc"
BROWSER_COOKIE: Final = "quivive_passkey"
FLOW_S: Final = 600
"""Seconds between leaving for the provider and coming back."""
_PUBLIC: Final = requires(Permission.PUBLIC_PAGE_READ)


def _desk(request: Request[Any, Any, Any]) -> IdentityDesk:
    desk = services_of(request).identity
    if desk is None:
        raise RefusedError("sign_in_by_link_only")
    return desk


def _address(request: Request[Any, Any, Any]) -> str:
    """Where the request comes from; behind a proxy of the house, the proxy. Kept in memory only."""
    return request.client.host if request.client else ""


async def _refused(request: Request[Any, Any, Any], code: str) -> None:
    """Write a refusal, unless refusals already fill the minute.

    Raises:
        RefusedError: `sign_in_refused_too_often`.
    """
    services = services_of(request)
    refusals: Refusals = request.app.state.refusals
    now = services.clock()
    if refusals.too_many(now):
        raise RefusedError("sign_in_refused_too_often")
    refusals.add(now)
    await services.act(act_of(ActKind.SIGN_IN_REFUSED, None, code))


async def _enter(request: Request[Any, Any, Any], principal: Principal, means: Means, answer: Response[Any]) -> None:
    """Write the entry, then open the session into `answer`."""
    services = services_of(request)
    await services.act(act_of(ActKind.SIGN_IN, principal, str(means)))
    secret = services.vault.open_session(principal, services.clock(), means)
    seconds = SESSION_LIFETIME_US // 1_000_000
    answer.set_cookie(cookie_of(services, session_cookie(services), secret, max_age=seconds, path="/"))


@post("/sign-in/password", opt=_PUBLIC, include_in_schema=False, status_code=303)
async def by_password(request: Request[Any, Any, Any]) -> Response[Any]:
    """A local account: name, password and code in one form, which needs no script."""
    form = await request.form()
    try:
        principal = await _desk(request).by_password(
            name=str(form.get("name", "")).strip(),
            password=str(form.get("password", "")),
            code=str(form.get("code", "")),
            address=_address(request),
            now=services_of(request).clock(),
        )
    except RefusedError as error:
        if error.code != "credentials_refused":
            raise
        await _refused(request, error.code)
        return sign_in_view(request, status=403, error=error.code)
    answer: Response[Any] = Redirect("/", status_code=303)
    await _enter(request, principal, Means.PASSWORD, answer)
    return answer


@get("/sign-in/oidc", opt=_PUBLIC, include_in_schema=False)
async def oidc_begin(request: Request[Any, Any, Any]) -> Response[Any]:
    """Send the browser to the provider; what must come back with it stays in a cookie that scripts cannot read."""
    services, desk = services_of(request), _desk(request)
    if desk.oidc is None:
        raise RefusedError("sign_in_by_link_only")
    try:
        url, flow = await desk.oidc.begin()
    except RefusedError as error:
        await _refused(request, error.code)
        return sign_in_view(request, status=503, error=error.code)
    answer: Response[Any] = Redirect(url, status_code=303)
    answer.set_cookie(cookie_of(services, FLOW_COOKIE, flow.written(), max_age=FLOW_S, path="/sign-in/oidc", lax=True))
    return answer


@get("/sign-in/oidc/return", opt=_PUBLIC, include_in_schema=False)
async def oidc_return(request: Request[Any, Any, Any]) -> Response[Any]:
    """The browser comes back from the provider.

    The answer is a page and no redirect: a strict cookie would not travel on a chain that began on another site.
    """
    services, desk = services_of(request), _desk(request)
    over = cookie_of(services, FLOW_COOKIE, "", max_age=0, path="/sign-in/oidc", lax=True)
    if desk.oidc is None:
        raise RefusedError("sign_in_by_link_only")
    try:
        flow = Flow.read(request.cookies.get(FLOW_COOKIE, ""))
        principal = await desk.oidc.finish(flow, dict(request.query_params))
    except RefusedError as error:
        await _refused(request, error.code)
        refusal = sign_in_view(request, status=403, error=error.code)
        refusal.set_cookie(over)
        return refusal
    welcome = page(request, "signed_in.html")
    welcome.headers["Refresh"] = "0; url=/"
    await _enter(request, principal, Means.OIDC, welcome)
    welcome.set_cookie(over)
    return welcome


@post("/sign-in/passkey/options", opt=_PUBLIC, include_in_schema=False, status_code=200)
async def passkey_options(request: Request[Any, Any, Any]) -> Response[Any]:
    """What the browser is asked; the challenge waits under a name that only this browser holds."""
    services, browser = services_of(request), secrets.token_urlsafe(24)
    try:
        asked = _desk(request).ask_passkey(browser, services.clock())
    except RefusedError as error:
        return refused_json(request, error.code)
    answer: Response[Any] = Response(asked)
    answer.set_cookie(cookie_of(services, BROWSER_COOKIE, browser, max_age=FLOW_S, path="/sign-in/passkey"))
    return answer


@post("/sign-in/passkey", opt=_PUBLIC, include_in_schema=False, status_code=200)
async def by_passkey(request: Request[Any, Any, Any]) -> Response[Any]:
    """Check what the browser signed, and open a session."""
    services = services_of(request)
    try:
        given = await json_of(request)
        browser = request.cookies.get(BROWSER_COOKIE, "")
        principal = _desk(request).by_passkey(browser, given, services.clock())
    except RefusedError as error:
        await _refused(request, error.code)
        return refused_json(request, error.code)
    answer: Response[Any] = Response({"next": "/"})
    await _enter(request, principal, Means.PASSKEY, answer)
    return answer


async def json_of(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """The JSON object that a script of ours sent.

    Raises:
        RefusedError: `passkey_refused`.
    """
    try:
        given = await request.json()
    except (ValueError, SerializationException):
        given = None
    if not isinstance(given, dict):
        raise RefusedError("passkey_refused")
    return given


def refused_json(request: Request[Any, Any, Any], code: str) -> Response[Any]:
    """A refusal as the script shows it: a sentence in the reader's language."""
    assert pages_of(request)
    return Response({"error": Speaker(texts=texts_of(request)).problem(code)}, status_code=403)
