"""*Personne concernée*: who saw this record, with reasons; printable as a first subject report.

Registered by `app.create_app`. Must never put what was typed, a key or a person into a URL, a page title or a
log: the search is posted and answers an opaque id. Agents' names are withheld (CJEU C-579/21).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.response import Redirect

from quivive.model.access import AttributionSource
from quivive.model.clock import DAY_US
from quivive.model.entry import ActKind
from quivive.model.errors import RefusedError
from quivive.model.permission import Permission
from quivive.vault import SubjectSearch
from quivive.web.filters import read_cursor
from quivive.web.guards import principal_of, requires, services_of
from quivive.web.listing import page_length
from quivive.web.pages import page
from quivive.web.reading import Period, Purpose, Reader, controllers_of, reader_for
from quivive.web.rows import GapRow, Row, read_gap
from quivive.web.services import Services

PAGE_ROWS: Final = 100
"""Accesses on a page; Estonia's tracker shows 100 too."""
REPORT_ROWS: Final = 2_000
"""Accesses in a printed report; beyond, the report says how many more there are."""
MAX_INPUT: Final = 200
"""Characters of a search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomaticGroup:
    """Reads of one application account, grouped: they are processing, not consultations by a person."""

    source: str
    action: str
    accesses: int
    first_at: int
    last_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectView:
    """What a search found. `retained_from`: nothing older is retained. `next_before` 0 = last page.

    `found` is all of the page; `rows` are the consultations by persons, `automatic` the rest, grouped.
    """

    search: SubjectSearch
    reader: Reader
    found: tuple[Row, ...]
    rows: tuple[Row, ...]
    automatic: tuple[AutomaticGroup, ...]
    next_before: int
    retained_from: int
    gaps: tuple[GapRow, ...]


def automatic_groups(rows: Sequence[Row]) -> tuple[list[Row], list[AutomaticGroup]]:
    """Split consultations from automatic processing (a declared application account, no agent behind it)."""
    people: list[Row] = []
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.attribution == AttributionSource.ACCOUNT and not row.agent_code:
            groups.setdefault((row.source, row.action), []).append(row)
        else:
            people.append(row)
    return people, [
        AutomaticGroup(
            source=source,
            action=action,
            accesses=len(members),
            first_at=min(row.at for row in members),
            last_at=max(row.at for row in members),
        )
        for (source, action), members in groups.items()
    ]


def withheld(rows: Sequence[Row]) -> list[Row]:
    """The same accesses without neutral codes: an auditor reads which were the same person's, of this page alone."""
    ordinals: dict[str, str] = {}
    for row in reversed(rows):
        if row.agent_code:
            ordinals.setdefault(row.agent_code, f"A{len(ordinals) + 1}")
    return [replace(row, agent_code=ordinals.get(row.agent_code or "", row.agent_code)) for row in rows]


async def start_search(request: Request[Any, Any, Any], *, controller: str, kind: str, text: str) -> SubjectSearch:
    """Turn what was typed into keys and keep them under an opaque id; the search is an act, refused or not.

    Raises:
        RefusedError: unknown controller, or a text that names no record or identity.
    """
    reader = await reader_for(request, Purpose.SUBJECT_REQUEST, controller=controller)
    services = services_of(request)
    try:
        keys = _keys(services, controller, kind, text.strip())
        search = services.vault.save_search(
            principal=reader.principal.id, controller=controller, keys=keys, now=services.clock()
        )
    except RefusedError as error:
        await reader.record(ActKind.SEARCH_SUBJECT, object_id=f"refused:{error.code}", count=0)
        raise
    await reader.record(ActKind.SEARCH_SUBJECT, object_id=search.id, count=len(keys))
    return search


def _keys(services: Services, controller: str, kind: str, text: str) -> tuple[str, ...]:
    if not controller:
        raise RefusedError("controller_unknown")
    if not text or len(text) > MAX_INPUT:
        raise RefusedError("subject_unreadable")
    return services.subject_keys(controller, kind, text)


async def view_subject(request: Request[Any, Any, Any], identifier: str, *, before: int, limit: int) -> SubjectView:
    """Read what a search found; the view is an act, written before this returns.

    Raises:
        RefusedError: `unknown_search` (never posted by this principal, or expired).
    """
    services, principal = services_of(request), principal_of(request)
    assert principal is not None
    search = services.vault.search(identifier, principal=principal.id, now=services.clock())
    if search is None:
        raise RefusedError("unknown_search")
    reader = await reader_for(request, Purpose.SUBJECT_REQUEST, controller=search.controller, period=Period.YEAR)
    # The query itself follows the links (an order to its customer), so that late links count too.
    found = await reader.rows("accesses_by_subject", keys=list(search.keys), limit=limit + 1, before_at=before or None)
    if not principal.may(Permission.CONTROLLER_ACCESSES_READ):
        found = withheld(found)
    gaps = await reader.raw("gaps")
    shown = found[: page_length(found, limit)]
    await reader.record(ActKind.VIEW_SUBJECT, object_id=search.id, count=len(shown))
    people, automatic = automatic_groups(shown)
    facts = services.controller(search.controller)
    days = facts.trace_retention_days if facts else 0
    return SubjectView(
        search=search,
        reader=reader,
        found=tuple(shown),
        rows=tuple(people),
        automatic=tuple(automatic),
        next_before=shown[-1].at if len(found) > len(shown) else 0,
        retained_from=services.clock() - days * DAY_US,
        gaps=tuple(read_gap(gap) for gap in gaps),
    )


def _form_page(
    request: Request[Any, Any, Any], *, error: str = "", controller: str = "", status: int = 200
) -> Response[str]:
    services, principal = services_of(request), principal_of(request)
    assert principal is not None
    mine = controllers_of(services, principal)
    kinds = list(dict.fromkeys(("record", *(kind for facts in mine for kind in facts.identity_kinds))))
    return page(
        request,
        "subject_form.html",
        status=status,
        controllers=mine,
        kinds=kinds,
        error=error,
        chosen=controller,
        max_input=MAX_INPUT,
    )


@get("/subject", opt=requires(Permission.CONTROLLER_SUBJECT_SEARCH), include_in_schema=False)
async def subject_form(request: Request[Any, Any, Any]) -> Response[str]:
    """The form; it shows nothing about anybody."""
    return _form_page(request)


@post("/subject", opt=requires(Permission.CONTROLLER_SUBJECT_SEARCH), include_in_schema=False, status_code=303)
async def subject_search(request: Request[Any, Any, Any]) -> Response[Any]:
    """Search; the answer leads to an opaque address."""
    form: Mapping[str, Any] = await request.form()
    controller = str(form.get("controller", ""))
    try:
        search = await start_search(
            request, controller=controller, kind=str(form.get("kind", "record")), text=str(form.get("text", ""))
        )
    except RefusedError as error:
        if error.code == "controller_unknown":
            raise
        return _form_page(request, error=error.code, controller=controller, status=422)
    return Redirect(f"/subject/{search.id}", status_code=303)


@get("/subject/{identifier:str}", opt=requires(Permission.CONTROLLER_SUBJECT_SEARCH), include_in_schema=False)
async def subject_page(request: Request[Any, Any, Any], identifier: str) -> Response[str]:
    """The accesses of a person, newest first."""
    before = read_cursor(request.query_params.get("before", ""))
    view = await view_subject(request, identifier, before=before, limit=PAGE_ROWS)
    return page(request, "subject.html", **_values(request, view))


@get("/subject/{identifier:str}/report", opt=requires(Permission.CONTROLLER_SUBJECT_SEARCH), include_in_schema=False)
async def subject_report(request: Request[Any, Any, Any], identifier: str) -> Response[str]:
    """The first subject report, addressed to the controller, to be printed."""
    view = await view_subject(request, identifier, before=0, limit=REPORT_ROWS)
    ordinals: dict[str, int] = {}
    for row in reversed(view.rows):
        if row.agent_code:
            ordinals.setdefault(row.agent_code, len(ordinals) + 1)
    heads = await services_of(request).heads()
    return page(
        request,
        "report.html",
        ordinals=ordinals,
        heads=[head for head in heads if head.controller == view.search.controller],
        report_rows=REPORT_ROWS,
        **_values(request, view),
    )


def _values(request: Request[Any, Any, Any], view: SubjectView) -> dict[str, Any]:
    return {
        "view": view,
        "facts": services_of(request).controller(view.search.controller),
    }
