"""Rendering: one Jinja2 environment, templates that never see a store, language by cookie.

Used by every page handler and by the problem pages. Must never mark a value as safe HTML, except
the charts that `charts.py` has escaped itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import jinja2
from litestar import MediaType, Request, Response
from markupsafe import Markup

from quivive.model.ids import OPERATOR
from quivive.model.permission import Permission
from quivive.web import sentences
from quivive.web.alert_sentences import written_day
from quivive.web.guards import principal_of, services_of, session_of
from quivive.web.i18n import LANGUAGES, Texts, load_texts
from quivive.web.services import Services

LANGUAGE_COOKIE: Final = "quivive_language"
KEYS_COOKIE: Final = "quivive_keys"
KEYS_STATES: Final = ("on", "off")
"""Single-key shortcuts are on until a person turns them off."""
_TEMPLATES: Final = Path(__file__).parent / "templates"

NAVIGATION: Final[tuple[tuple[str, str, Permission], ...]] = (
    ("/", "nav.home", Permission.PUBLIC_PAGE_READ),
    ("/activity", "nav.activity", Permission.CONTROLLER_ACCESSES_READ),
    ("/subject", "nav.subject", Permission.CONTROLLER_SUBJECT_SEARCH),
    ("/unexplained", "nav.unexplained", Permission.CONTROLLER_UNEXPLAINED_READ),
    ("/alerts", "nav.alerts", Permission.CONTROLLER_ALERTS_READ),
    ("/cases", "nav.cases", Permission.CONTROLLER_CASES_READ),
    ("/recordings/campaigns", "nav.recordings", Permission.RECORDINGS_REGISTER_READ),
    ("/recordings/analysis", "nav.analysis", Permission.RECORDINGS_REGISTER_READ),
    ("/recordings/playback", "nav.playback", Permission.RECORDINGS_AUDIO_LISTEN),
    ("/recordings/purge", "nav.purge", Permission.RECORDINGS_PURGE_APPROVE),
    ("/evidence", "nav.evidence", Permission.CONTROLLER_PACK_EXPORT),
    ("/coverage", "nav.coverage", Permission.CONTROLLER_COVERAGE_READ),
    ("/exposure", "nav.exposure", Permission.CONTROLLER_EXPOSURE_SEARCH),
    ("/inspections", "nav.inspections", Permission.OPERATOR_INSPECTION_OPEN),
    ("/health", "nav.health", Permission.OPERATOR_HEALTH_READ),
    ("/my-space", "nav.own", Permission.OWN_SPACE_READ),
)
"""Path, label and permission of each menu entry; a role sees no empty menu."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The compiled templates and the languages."""

    environment: jinja2.Environment
    texts: Mapping[str, Texts]

    @classmethod
    @cache
    def load(cls, zone: str) -> "Pages":
        """Load templates and languages; a missing one stops the start."""
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        return cls(environment=environment, texts=load_texts(zone))


def pages_of(request: Request[Any, Any, Any]) -> Pages:
    """The pages given to the application."""
    pages: Pages = request.app.state.pages
    return pages


def texts_of(request: Request[Any, Any, Any]) -> Texts:
    """The language of a request: its cookie, else the installation's."""
    language = request.cookies.get(LANGUAGE_COOKIE, "")
    if language not in LANGUAGES:
        language = services_of(request).language
    return pages_of(request).texts[language]


def page(request: Request[Any, Any, Any], template: str, *, status: int = 200, **values: object) -> Response[str]:
    """Render a template into an answer."""
    services, texts = services_of(request), texts_of(request)
    principal, session = principal_of(request), session_of(request)
    now = services.clock()
    context: dict[str, object] = {
        "_": texts.say,
        "n_": texts.count,
        "texts": texts,
        "speak": sentences.Speaker(texts=texts),
        "when": lambda at: time_tag(texts, at),
        "written_day": written_day,
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "path": request.url.path,
        "languages": LANGUAGES,
        "navigation": [(path, label) for path, label, needed in NAVIGATION if principal and principal.may(needed)],
        "principal": principal,
        "csrf": session.csrf if session else "",
        "may": (lambda name: bool(principal and principal.may(Permission(name)))),
        "demonstration": services.demonstration,
        "operator_name": services.operator_name,
        "contact": services.contact,
        "zone": services.timezone,
        "now": now,
        "name_of": lambda identifier: _name_of(services, identifier),
        "status": status,
        "keys": "off" if request.cookies.get(KEYS_COOKIE) == "off" else "on",
        "live_meta": None,
        "query": lambda **pairs: urlencode({key: value for key, value in pairs.items() if value not in ("", None)}),
    }
    html = pages_of(request).environment.get_template(template).render(context | values)
    return Response(html, status_code=status, media_type=MediaType.HTML)


def _name_of(services: Services, identifier: str) -> str:
    """The name of a company; the operator's own log bears the operator's."""
    facts = services.controller(identifier)
    if facts is not None:
        return facts.name
    return services.operator_name if identifier == OPERATOR else identifier


def time_tag(texts: Texts, at: int) -> Markup:
    """A `<time>` element: the site's local time, UTC on hover, machine-readable."""
    if at <= 0:
        return Markup("<span>–</span>")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        texts.utc(at).replace(" UTC", "Z").replace(" ", "T"), texts.utc(at), texts.moment(at)
    )
