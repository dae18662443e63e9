"""*Mon compte*: the open sessions of whoever is signed in, and the passkeys of a local account.

Registered by `app.create_app`. Must never show or end what is another's.
"""

from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect

from quivive.identity.desk import MAX_LABEL, IdentityDesk
from quivive.model.entry import ActKind
from quivive.model.errors import RefusedError
from quivive.model.permission import Permission
from quivive.vault import Principal
from quivive.web.guards import principal_of, requires, services_of, session_cookie, session_of
from quivive.web.pages import page
from quivive.web.routes.sign_in_means import json_of, refused_json
from quivive.web.routes.signing import act_of, cookie_of

_OWN = requires(Permission.OWN_SESSIONS_READ)


def _me(request: Request[Any, Any, Any]) -> Principal:
    principal = principal_of(request)
    assert principal is not None, "the guard stands before"
    return principal


def _desk(request: Request[Any, Any, Any]) -> IdentityDesk:
    desk = services_of(request).identity
    if desk is None:
        raise RefusedError("passkey_local_only")
    return desk


@get("/account", opt=_OWN, include_in_schema=False)
async def account(request: Request[Any, Any, Any]) -> Response[str]:
    """Who is signed in here, where else, with which keys."""
    services, me, session = services_of(request), _me(request), session_of(request)
    local = services.identity is not None and services.vault.account(me.id) is not None
    return page(
        request,
        "account.html",
        sessions=services.vault.sessions_of(me.id, services.clock()),
        current=session.id if session else "",
        local=local,
        passkeys=services.vault.passkeys_of(me.id) if local else [],
        origin=services.identity.party.origin if services.identity and services.identity.party.id else "",
        max_label=MAX_LABEL,
    )


@post("/account/sessions/end", opt=_OWN, include_in_schema=False, status_code=303)
async def end_session(request: Request[Any, Any, Any]) -> Response[Any]:
    """End one session, or all of them."""
    services, me = services_of(request), _me(request)
    chosen = str((await request.form()).get("session", ""))
    await services.act(act_of(ActKind.END_SESSIONS, me, "all" if chosen == "all" else "one"))
    if chosen == "all":
        services.vault.end_sessions(me.id)
    elif not services.vault.end_session(me.id, chosen):
        raise RefusedError("session_unknown")
    own = session_of(request)
    if chosen != "all" and (own is None or own.id != chosen):
        return Redirect("/account", status_code=303)
    answer: Response[Any] = Redirect("/sign-in", status_code=303)
    answer.set_cookie(cookie_of(services, session_cookie(services), "", max_age=0, path="/"))
    return answer


@post("/account/passkeys/options", opt=_OWN, include_in_schema=False, status_code=200)
async def passkey_options(request: Request[Any, Any, Any]) -> Response[Any]:
    """What the browser is asked, to make a passkey."""
    try:
        return Response(_desk(request).ask_registration(_me(request).id, services_of(request).clock()))
    except RefusedError as error:
        return refused_json(request, error.code)


@post("/account/passkeys", opt=_OWN, include_in_schema=False, status_code=200)
async def passkey_add(request: Request[Any, Any, Any]) -> Response[Any]:
    """Keep the passkey that the browser made."""
    services, me = services_of(request), _me(request)
    try:
        given = await json_of(request)
        answer, label = given.get("answer"), str(given.get("label", ""))
        _desk(request).register(me.id, answer if isinstance(answer, dict) else {}, label, services.clock())
    except RefusedError as error:
        return refused_json(request, error.code)
    await services.act(act_of(ActKind.ADD_PASSKEY, me, ""))
    return Response({"next": "/account"})


@post("/account/passkeys/remove", opt=_OWN, include_in_schema=False, status_code=303)
async def passkey_remove(request: Request[Any, Any, Any]) -> Response[Any]:
    """Forget one passkey; needs no script."""
    services, me = services_of(request), _me(request)
    await services.act(act_of(ActKind.REMOVE_PASSKEY, me, ""))
    if not services.vault.forget_passkey(me.id, str((await request.form()).get("passkey", ""))):
        raise RefusedError("passkey_unknown")
    return Redirect("/account", status_code=303)
