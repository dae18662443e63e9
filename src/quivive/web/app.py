"""The web application: `create_app(services)` gives the console, the API and the probes in one Litestar.

Called by the core. Must never start with a handler that has no permission, nor with a sentence missing.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from litestar import Litestar, Router
from litestar.datastructures import MutableScopeHeaders, State
from litestar.exceptions import HTTPException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.static_files import create_static_files_router
from litestar.types import Message, Scope

from quivive import __version__
from quivive.model.errors import RefusedError, StorageError
from quivive.model.permission import Permission
from quivive.web.guards import IdentityMiddleware, guarded_handlers, require_permission, requires
from quivive.web.live import LiveViews
from quivive.web.pages import Pages
from quivive.web.problems import on_defect, on_http, on_refused, on_storage
from quivive.web.routes import (
    account,
    activity,
    alerts,
    analysis,
    api,
    attestation,
    cases,
    coverage,
    evidence,
    exports,
    exposure,
    health,
    home,
    inspections,
    intake,
    own,
    own_recordings,
    playback,
    recordings,
    recordings_purge,
    roles,
    sign_in_means,
    signing,
    subject,
    unexplained,
    webhook,
)
from quivive.web.services import Services

STATIC: Final = Path(__file__).parent / "static"
OPENAPI_FILE: Final = "/openapi.json"
MAX_BODY: Final = 64 << 10
"""Bytes of a form or an API question; batches have their own limit."""

POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final[dict[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: browsers would send `Origin: null` with our own forms (Fetch §3.2).
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
}
_HANDLERS: Final = (
    home.home,
    home.language,
    home.keys,
    home.story_prove,
    home.story_tamper,
    signing.sign_in_page,
    signing.sign_in,
    signing.sign_out,
    sign_in_means.by_password,
    sign_in_means.oidc_begin,
    sign_in_means.oidc_return,
    sign_in_means.passkey_options,
    sign_in_means.by_passkey,
    account.account,
    account.end_session,
    account.passkey_options,
    account.passkey_add,
    account.passkey_remove,
    inspections.inspections,
    inspections.open_inspection,
    inspections.inspection,
    inspections.acts_file,
    inspections.new_link,
    inspections.end_inspection,
    roles.roles,
    activity.activity,
    activity.activity_rows,
    activity.activity_episode,
    activity.activity_close,
    subject.subject_form,
    subject.subject_search,
    subject.subject_page,
    subject.subject_report,
    unexplained.unexplained,
    alerts.alerts,
    alerts.alert,
    alerts.review,
    alerts.mute,
    alerts.rule,
    attestation.attest,
    coverage.coverage,
    exposure.exposure_form,
    exposure.exposure_search,
    exposure.exposure_page,
    exposure.exposure_note,
    evidence.evidence,
    evidence.dossier,
    evidence.pack,
    evidence.subject_pdf,
    exports.activity_export,
    exports.unexplained_export,
    exports.alerts_export,
    cases.cases,
    cases.open_case,
    cases.case,
    cases.take_step,
    cases.name,
    cases.records,
    cases.hand_over,
    playback.playback_list,
    playback.playback_open,
    playback.playback_page,
    playback.playback_sound,
    playback.playback_end,
    playback.playback_download,
    recordings_purge.purge_page,
    recordings_purge.purge_plan,
    recordings_purge.purge_decide,
    recordings.register,
    recordings.new_campaign,
    recordings.propose,
    recordings.decide,
    recordings.end,
    recordings.close,
    analysis.analysis,
    analysis.make,
    analysis.document,
    own_recordings.acknowledge,
    own_recordings.calendar_link,
    own_recordings.calendar_feed,
    own_recordings.kiosk,
    own_recordings.kiosk_show,
    own_recordings.kiosk_read,
    own.own_space,
    own.answer,
    health.health,
    health.livez,
    health.readyz,
    health.metrics,
    api.post_search,
    api.get_accesses,
    api.get_activity,
    api.get_unexplained,
    api.get_health,
    api.get_gaps,
    intake.take_accesses,
    intake.take_contacts,
    intake.take_directory,
    intake.take_roster,
    intake.take_heartbeats,
    intake.take_recordings,
    intake.take_listenings,
    webhook.take_payload,
)


def create_app(services: Services, *, more_handlers: tuple[Any, ...] = ()) -> Litestar:
    """Build the application. `more_handlers` are for tests of the start-up check.

    Raises:
        UnguardedHandlerError: a handler carries no permission.
    """
    live = LiveViews(services)
    public = requires(Permission.PUBLIC_PAGE_READ)
    app = Litestar(
        route_handlers=[
            *_HANDLERS,
            *more_handlers,
            create_static_files_router(path="/static", directories=[STATIC], opt=public),
        ],
        guards=[require_permission],
        middleware=[IdentityMiddleware(services)],
        exception_handlers={
            HTTPException: on_http,
            RefusedError: on_refused,
            StorageError: on_storage,
            Exception: on_defect,
        },
        before_send=[_add_headers(services)],
        lifespan=[_background(live)],
        openapi_config=_openapi(public),
        request_max_body_size=MAX_BODY,
        state=State(
            {"services": services, "pages": Pages.load(services.timezone), "live": live, "refusals": signing.Refusals()}
        ),
        logging_config=None,
    )
    guarded_handlers(app)
    return app


def _background(live: LiveViews) -> Any:
    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        sweeper = asyncio.create_task(live.run(), name="web-live-views")
        try:
            yield
        finally:
            sweeper.cancel()
            await asyncio.gather(sweeper, return_exceptions=True)

    return lifespan


def _add_headers(services: Services) -> Any:
    async def add(message: Message, scope: Scope) -> None:
        """Security headers on every answer, also those made outside the handlers."""
        if message["type"] != "http.response.start":
            return
        headers = MutableScopeHeaders.from_message(message)
        for name, value in HEADERS.items():
            headers[name] = value
        if services.secure_cookies:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        headers["Cache-Control"] = "no-cache" if scope["path"].startswith("/static/") else "no-store"

    return add


class _OneFile(Router):
    """Keeps the one JSON file of the OpenAPI router, not its index and HTML pages."""

    def register(self, value: Any) -> Any:
        return super().register(value) if OPENAPI_FILE in getattr(value, "paths", ()) else []


def _openapi(opt: dict[str, Permission]) -> OpenAPIConfig:
    """OpenAPI 3.1 as one JSON file; no viewer, since Litestar's load from other origins."""
    return OpenAPIConfig(
        title="Quivive",
        version=__version__,
        path="/v1",
        render_plugins=[JsonRenderPlugin(path=OPENAPI_FILE)],
        openapi_router=_OneFile(path="/v1", route_handlers=[], opt=opt, include_in_schema=False),
        components=Components(security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")}),
        security=[{"bearer": []}],
        use_handler_docstrings=True,
    )
