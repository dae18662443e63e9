"""Claims of the guards: every route × role has its expected answer; refusals are acts; forms must be ours."""

import fakes
import pytest
from litestar import get
from litestar.testing import TestClient

from quivive.model.entry import ActKind
from quivive.model.permission import ROLE_PERMISSIONS, Permission, Role
from quivive.web.app import create_app
from quivive.web.guards import UnguardedHandlerError, guarded_handlers

ROLES = [None, *Role]


def concrete(path, search=""):
    """An address for a path template."""
    return path.replace("{file_path:path}", "console.css").replace("{identifier:str}", search or "unknown")


def expected(role, permission):
    """What a role must meet: refused, or let through to the handler."""
    if permission is Permission.PUBLIC_PAGE_READ:
        return "through"
    if role is None:
        return "sign-in"
    return "through" if permission in ROLE_PERMISSIONS[role] else "refused"


@pytest.mark.parametrize("role", ROLES)
def test_every_route_answers_each_role_as_its_permission_says(app, anonymous, signed_in, role):
    """Route × role × expected status, enumerated from the application itself."""
    client = anonymous if role is None else signed_in(role)
    routes = guarded_handlers(app)
    assert len(routes) > 30
    for method, template, permission in routes:
        if template == "/sign-out":
            continue  # it would end the session under test; it is public
        data = {"csrf": client.csrf, "controller": "aurore", "kind": "record", "text": "customer:2"}
        kwargs = {"data": data} if method == "POST" else {}
        response = client.request(method, concrete(template), follow_redirects=False, **kwargs)
        met = "through"
        led_away = response.headers.get("location") == "/sign-in" and template not in {"/", "/sign-in"}
        if led_away or response.status_code == 401:
            met = "sign-in"
        elif response.status_code == 403 and "permission_refused" in response.text:
            met = "refused"
        assert response.status_code != 500, (method, template)
        assert met == expected(role, permission), (method, template, role, response.status_code)


def test_no_role_but_those_of_the_traces_reads_them():
    """Agents, administrators and integrations never receive a permission on traces."""
    traces = {permission for permission in Permission if permission.startswith("controller.")}
    for role in (Role.AGENT, Role.ADMINISTRATOR, Role.INTEGRATION):
        assert not traces & ROLE_PERMISSIONS[role]


def test_a_handler_without_permission_stops_the_start(place):
    """The application refuses to be built with an unguarded handler."""

    @get("/forgotten")
    async def forgotten() -> str:
        return "oops"

    with pytest.raises(UnguardedHandlerError, match="/forgotten"):
        create_app(place.services(), more_handlers=(forgotten,))


def test_a_refusal_is_an_act_before_the_answer(signed_in, place):
    """A known principal who is refused leaves an act that names the permission."""
    assert signed_in(Role.ADMINISTRATOR).get("/activity").status_code == 403
    (act,) = place.acts
    assert (act.act, act.principal, act.object) == (
        ActKind.PERMISSION_REFUSED,
        "administrator-1",
        "controller.accesses.read",
    )


def test_a_refusal_that_cannot_be_written_is_unavailable(signed_in, place):
    """Without the act there is not even a refusal: 503."""
    client = signed_in(Role.ADMINISTRATOR)
    place.broken = True
    assert client.get("/activity").status_code == 503


def test_a_form_without_its_secret_is_refused(signed_in, place):
    """CSRF: a form that does not carry the session's secret does nothing."""
    client = signed_in(Role.DPO)
    fields = {"controller": "aurore", "kind": "record", "text": "customer:2"}
    for data in (fields, fields | {"csrf": "guess"}):
        response = client.post("/subject", data=data, follow_redirects=False)
        assert response.status_code == 403
        assert "form_expired" in response.text
    assert place.acts == []


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://elsewhere.example"}])
def test_a_form_of_another_site_is_refused(anonymous, signed_in, headers):
    """Fetch metadata and Origin are checked, also before anybody signed in."""
    client = signed_in(Role.DPO)
    response = client.post("/story/prove", data={"csrf": client.csrf}, headers=headers)
    assert response.status_code == 403
    assert anonymous.post("/sign-in", headers=headers).status_code == 403


def test_a_json_question_of_a_session_needs_the_header(signed_in):
    """A session may use the API, with its secret in a header."""
    client = signed_in(Role.DPO)
    question = {"controller": "aurore", "record": "customer:2"}
    assert client.post("/v1/subject-searches", json=question).status_code == 403
    answer = client.post("/v1/subject-searches", json=question, headers={"x-csrf-token": client.csrf})
    assert answer.status_code == 201


def test_an_invalid_bearer_is_nobody(anonymous):
    """A wrong token counts as none: 401 with the scheme named."""
    response = anonymous.get("/v1/activity", headers={"Authorization": "Bearer guess"})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["code"] == "sign_in_needed"


def test_an_expired_session_is_nobody(signed_in, place):
    """At its expiry a session opens nothing."""
    client = signed_in(Role.DPO)
    place.now += 11 * 3_600_000_000
    response = client.get("/activity", follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, "/sign-in")


def test_the_session_cookie_is_pinned_behind_tls(place):
    """Behind TLS the cookie is `__Host-` and Secure; HSTS is sent."""
    link = place.vault.issue_link(principal="dpo", roles=(Role.DPO,), controllers=("aurore",), now=place.now)
    app = create_app(place.services(secure_cookies=True))
    with TestClient(app, base_url="https://console.example") as client:
        client.get(f"/sign-in?token={link}")
        response = client.post("/sign-in", follow_redirects=False)
        cookie = next(value for value in response.headers.get_list("set-cookie") if value.startswith("__Host-quivive"))
        assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=strict", "Path=/"))
        assert "strict-transport-security" in response.headers


def test_another_ones_controller_is_refused_and_named_only_when_ours(signed_in, place):
    """A controller outside the scope is 403 and an act; free text never enters the act."""
    client = signed_in(Role.SECURITY, ("aurore",))
    assert client.get("/activity?controller=boreal").status_code == 403
    assert client.get("/activity?controller=mallory").status_code == 403
    assert [act.object for act in place.acts] == ["boreal", "controller_unknown"]
    assert place.asked == []


@pytest.mark.parametrize("path", ["/", "/activity", "/subject", "/unexplained", "/health"])
def test_no_page_names_another_company(signed_in, place, path):
    """Neither filters nor forms name a company outside the principal's controllers."""
    page = signed_in(Role.DPO, ("boreal",)).get(path).text
    assert fakes.NAMES["aurore"] not in page
    assert fakes.NAMES["cassis"] not in page


def test_queries_never_leave_the_principals_controllers(signed_in, place):
    """Every query of every page stays within the principal's controllers."""
    client = signed_in(Role.DPO, ("boreal",))
    for path in ("/", "/activity", "/unexplained", "/health", "/v1/unexplained"):
        assert client.get(path).status_code == 200, path
    assert {controllers for _, controllers, _ in place.asked} == {("boreal",)}
    assert fakes.CONTROLLERS[0] not in str(place.asked)
