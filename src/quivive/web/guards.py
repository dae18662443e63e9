"""Who may pass: one permission per handler, checked before the handler; identity and same-origin checks.

Used by `app.create_app` for every route. Must never let a handler exist without a permission, and never
answer a refusal to a known principal before the act of refusal is durable (DESIGN §11).
"""

import hmac
from typing import Final
from urllib.parse import urlsplit

from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.handlers.http_handlers import HTTPRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Receive, Scope, Send

from quivive.model.entry import ActBody, ActKind
from quivive.model.errors import QuiviveError
from quivive.model.permission import Permission
from quivive.vault import Principal, Session
from quivive.web.services import Services

PERMISSION_OPT: Final = "permission"
CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "x-csrf-token"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_POLLS: Final = frozenset({"/activity/rows"})
"""Asked by a page left open, not by a person: they keep no idle session alive."""
_SAME_SITE: Final = frozenset({"", "same-origin", "none"})


class UnguardedHandlerError(QuiviveError):
    """A handler was written without a permission; the application refuses to start."""


def requires(permission: Permission) -> dict[str, Permission]:
    """`opt` of a handler that needs `permission`."""
    return {PERMISSION_OPT: permission}


def services_of(connection: ASGIConnection) -> Services:  # type: ignore[type-arg]
    """The services given to `create_app`."""
    services: Services = connection.app.state.services
    return services


def session_cookie(services: Services) -> str:
    """Name of the session cookie; `__Host-` pins it to this host and to TLS."""
    return "__Host-quivive" if services.secure_cookies else "quivive_session"


def principal_of(connection: ASGIConnection) -> Principal | None:  # type: ignore[type-arg]
    """Who is asking; None when anonymous."""
    user = connection.scope.get("user")
    return user if isinstance(user, Principal) else None


def session_of(connection: ASGIConnection) -> Session | None:  # type: ignore[type-arg]
    """The console session of the request; None for tokens and the anonymous."""
    auth = connection.scope.get("auth")
    return auth if isinstance(auth, Session) else None


class IdentityMiddleware(ASGIMiddleware):
    """Resolve a bearer token or the session cookie into `user` and `auth`. An invalid one counts as none."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, services: Services) -> None:
        self._services = services

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Put the principal into the scope."""
        request: Request = Request(scope)  # type: ignore[type-arg]
        now = self._services.clock()
        scope["user"], scope["auth"] = None, None
        bearer = _bearer(request)
        if bearer:
            scope["user"] = self._services.vault.token(bearer, now)
        elif cookie := request.cookies.get(session_cookie(self._services)):
            session = self._services.vault.session(cookie, now, use=scope["path"] not in _POLLS)
            if session is not None:
                scope["user"], scope["auth"] = session.principal, session
        await next_app(scope, receive, send)


def _bearer(connection: ASGIConnection) -> str:  # type: ignore[type-arg]
    scheme, _, secret = connection.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


async def require_permission(connection: ASGIConnection, handler: BaseRouteHandler) -> None:  # type: ignore[type-arg]
    """Guard of every route.

    Raises:
        NotAuthorizedException: nobody is signed in.
        PermissionDeniedException: the role does not grant it, or the form did not come from our own page.
    """
    if _is_options(handler):
        return
    request = connection if isinstance(connection, Request) else None
    if request is not None and request.method not in _SAFE and not _bearer(connection):
        await _require_own_page(request)
    permission = handler.opt[PERMISSION_OPT]
    if permission is Permission.PUBLIC_PAGE_READ:
        return
    principal = principal_of(connection)
    if principal is None:
        raise NotAuthorizedException(detail="sign_in_needed")
    if not principal.may(permission):
        await services_of(connection).act(refusal_act(principal, permission))
        raise PermissionDeniedException(detail="permission_refused")


def refusal_act(principal: Principal, what: str) -> ActBody:
    """The act of a refusal; `what` is a permission, a controller id or a stored code."""
    return ActBody(
        act=ActKind.PERMISSION_REFUSED,
        principal=principal.id,
        role=principal.role_text,
        controllers=(),
        object=str(what),
        count=0,
        purpose="",
    )


async def _require_own_page(request: Request) -> None:  # type: ignore[type-arg]
    """Refuse a form that another site sent (CSRF): fetch metadata, Origin, then the session's own secret."""
    if request.headers.get("sec-fetch-site", "") not in _SAME_SITE:
        raise PermissionDeniedException(detail="other_site")
    origin = request.headers.get("origin", "")
    if origin and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise PermissionDeniedException(detail="other_site")
    session = session_of(request)
    if session is None:
        return
    given = request.headers.get(CSRF_HEADER, "")
    if not given and request.headers.get("content-type", "").startswith(_FORM):
        field = (await request.form()).get(CSRF_FIELD)
        given = field if isinstance(field, str) else ""
    if not hmac.compare_digest(given.encode(), session.csrf.encode()):
        raise PermissionDeniedException(detail="form_expired")


def _is_options(handler: BaseRouteHandler) -> bool:
    return isinstance(handler, HTTPRouteHandler) and set(handler.http_methods) == {"OPTIONS"}


def guarded_handlers(app: Litestar) -> list[tuple[str, str, Permission]]:
    """Every (method, path template, permission) of the application, for the start-up check and the tests.

    Raises:
        UnguardedHandlerError: a handler has no permission, or the guard does not stand before it.
    """
    found: list[tuple[str, str, Permission]] = []
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            raise UnguardedHandlerError(f"{route.path}: only HTTP routes are guarded")
        for handler in route.route_handlers:
            if _is_options(handler):
                continue
            permission = handler.opt.get(PERMISSION_OPT)
            if not isinstance(permission, Permission) or not handler.resolve_guards():
                raise UnguardedHandlerError(f"{route.path}: handler {handler.handler_name} has no permission")
            found.extend((str(method), route.path, permission) for method in sorted(handler.http_methods))
    return sorted(found)
