"""Claims of isolation: every route × role × company answers as its permission says, and names no other company.

Enumerated from the application itself: a new route is tried without anybody thinking of it.
"""

import fakes
import pytest

from quivive.model.permission import ROLE_PERMISSIONS, Permission, Role
from quivive.web.app import create_app
from quivive.web.guards import guarded_handlers, session_cookie

PEOPLE = [role for role in Role if role is not Role.INTEGRATION]
ALLOWED = {200, 201, 303, 400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 503}
ENDS_SESSION = {"/sign-out", "/account/sessions/end"}


def concrete(template):
    """An address for a path template."""
    path = template.replace("{file_path:path}", "console.css")
    return path.replace("{identifier:str}", "unknown").replace("{ident:str}", "unknown")


@pytest.mark.parametrize("company", fakes.CONTROLLERS[:2])
@pytest.mark.parametrize("role", PEOPLE)
def test_no_answer_names_or_reads_another_company(place, signed_in, role, company):
    """Whoever is signed in for one company, asking for another by every route, meets it nowhere."""
    (other,) = {*fakes.CONTROLLERS[:2]} - {company}
    client = signed_in(role, (company,))
    for method, template, permission in guarded_handlers(create_app(place.services())):
        if template in ENDS_SESSION or template.startswith("/static"):
            continue
        asked = {
            "csrf": client.csrf,
            "controller": other,
            "kind": "record",
            "text": "customer:2",
            "records": "customer:2",
        }
        sent = {"data": asked} if method == "POST" else {"params": {"controller": other}}
        response = client.request(method, concrete(template), follow_redirects=False, **sent)
        where = (method, template, role, company, response.status_code)
        assert response.status_code in ALLOWED, where
        granted = permission is Permission.PUBLIC_PAGE_READ or permission in ROLE_PERMISSIONS[role]
        assert ("permission_refused" in response.text and response.status_code == 403) is not granted, where
        assert fakes.NAMES[other] not in response.text, where
    assert all(other not in controllers for _, controllers, _ in place.asked)
    assert all(other not in act.controllers for act in place.acts)


def test_an_auditor_reads_no_agent_and_no_live_activity(place, signed_in):
    """Own company in figures, own subject requests with agents withheld; never who did what now."""
    client = signed_in(Role.AUDITOR, ("aurore",))
    for path in ("/activity", "/unexplained", "/alerts", "/cases", "/health", "/exposure", "/recordings/campaigns"):
        assert client.get(path).status_code == 403, path
    assert client.get("/coverage").status_code == 200
    answer = client.submit("/subject", controller="aurore", kind="record", text="customer:2")
    page = client.get(answer.headers["location"]).text
    codes = {str(row["agent_code"]) for row in place.tables["accesses_by_subject"] if row["agent_code"]}
    assert codes
    assert not [code for code in codes if code in page]
    assert "A1" in page


def test_an_inspection_is_opened_by_the_dpo_and_ends_by_itself_or_by_hand(place, signed_in):
    """A link shown once, read only, every look listed for the DPO; at the end, or when ended, nothing opens."""
    dpo = signed_in(Role.DPO)
    place.tables["acts_of_principal"] = []
    until = "2026-11-22T18:00"
    shown = dpo.submit("/inspections", controller="aurore", until=until)
    assert shown.status_code == 200
    link = shown.text.split("/sign-in?token=")[1].split("<")[0]
    (inspection,) = place.vault.inspections()
    principal = place.vault.consume_link(link, place.now)
    assert (principal.roles, principal.controllers) == ((Role.INSPECTOR,), ("aurore",))
    secret = place.vault.open_session(principal, place.now)
    assert place.vault.session(secret, place.now).expires_at == inspection.ends_at
    inspector = signed_in(Role.INSPECTOR, ("aurore",))
    inspector.cookies.set(session_cookie(place.services()), secret)
    inspector.csrf = place.vault.session(secret, place.now).csrf
    assert inspector.get("/alerts").status_code == 200
    assert inspector.submit("/cases", controller="aurore").status_code == 403
    assert dpo.submit(f"/inspections/{inspection.id}/end").status_code == 303
    assert inspector.get("/alerts", follow_redirects=False).headers["location"] == "/sign-in"
    assert "inspection_over" not in dpo.get(f"/inspections/{inspection.id}").text
    assert dpo.submit(f"/inspections/{inspection.id}/link").status_code == 422


def test_an_inspection_never_reaches_beyond_who_opens_it(place, signed_in):
    """A DPO of one company opens none for another, and sees none of another."""
    wide = signed_in(Role.DPO, ("aurore", "boreal"))
    assert wide.submit("/inspections", controller="boreal", until="2026-11-22T18:00").status_code == 200
    (inspection,) = place.vault.inspections()
    narrow = signed_in(Role.DPO, ("aurore",))
    assert narrow.submit("/inspections", controller="boreal", until="2026-11-22T18:00").status_code == 422
    assert inspection.principal not in narrow.get("/inspections").text
    assert narrow.get(f"/inspections/{inspection.id}").status_code == 404


@pytest.mark.parametrize("until", ["", "2026-11-21T12:00", "2027-01-01T12:00", "tomorrow"])
def test_an_inspection_needs_an_end(signed_in, place, until):
    """No end, a past one or one too far: nothing is opened."""
    assert signed_in(Role.DPO).submit("/inspections", controller="aurore", until=until).status_code == 422
    assert place.vault.inspections() == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_everybody_reads_what_everybody_sees(signed_in, language):
    """The page of roles tells each permission in words, for each role, in both languages; the footer leads there."""
    client = signed_in(Role.AGENT)
    client.cookies.set("quivive_language", language)
    page = client.get("/roles").text
    for permission in Permission:
        assert permission == Permission.PUBLIC_PAGE_READ or f">{permission}<" not in page
    assert page.count("<tr>") == len(Permission) - 1 + 4
    assert 'href="/roles"' in page
