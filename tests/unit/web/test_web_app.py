"""Claims of the application: strict headers everywhere, one OpenAPI file, errors as problems or plain pages."""

import re

import pytest
from litestar import get

from quivive.model.permission import Permission, Role
from quivive.web.app import create_app
from quivive.web.guards import requires

PATHS = ("/sign-in", "/livez", "/nope", "/static/console.css", "/v1/nope", "/v1/activity", "/activity")


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_security_headers(anonymous, path):
    """Pages, files, redirects, 404 and problems alike."""
    headers = anonymous.get(path, follow_redirects=False).headers
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_pages_are_never_stored(signed_in):
    """No cache keeps a page."""
    assert signed_in(Role.DPO).get("/activity").headers["cache-control"] == "no-store"


def test_openapi_is_one_file_of_ours(anonymous):
    """OpenAPI 3.1 as JSON; no viewer page, so nothing from another origin."""
    schema = anonymous.get("/v1/openapi.json").json()
    assert schema["openapi"].startswith("3.1")
    paths = schema["paths"]
    assert {"/v1/accesses", "/v1/contacts", "/v1/directory", "/v1/roster", "/v1/heartbeats"} <= set(paths)
    assert {"/v1/subject-searches", "/v1/activity", "/v1/unexplained", "/v1/health", "/v1/gaps"} <= set(paths)
    assert not any(path.startswith("/subject") for path in paths)
    assert anonymous.get("/v1").headers["content-type"] == anonymous.get("/v1/openapi.json").headers["content-type"]
    assert "text/html" not in anonymous.get("/v1/nope").headers["content-type"]


def test_openapi_says_batches_and_problems(anonymous):
    """Each batch route names its two content types; each route its problems, as RFC 9457."""
    paths = anonymous.get("/v1/openapi.json").json()["paths"]
    batch = paths["/v1/contacts"]["post"]
    assert set(batch["requestBody"]["content"]) == {"application/x-ndjson", "application/json"}
    for path, methods in paths.items():
        for operation in methods.values():
            problems = [code for code in operation["responses"] if int(code) >= 400]
            assert problems or path in {"/livez", "/readyz", "/metrics"}, path
            for code in problems:
                assert set(operation["responses"][code]["content"]) == {"application/problem+json"}, (path, code)


def test_unknown_addresses_are_plain_404(anonymous):
    """404 as a page for people, as a problem for programs; nothing at /setup."""
    for path in ("/nope", "/setup"):
        page = anonymous.get(path)
        assert (page.status_code, "n’existe pas" in page.text) == (404, True)
    problem = anonymous.get("/v1/nope")
    assert problem.headers["content-type"].startswith("application/problem+json")
    assert problem.json()["status"] == 404


def test_a_defect_says_nothing_of_its_cause(place, capfd):
    """A defect is a 500 without a message; the log has type and line, not the value."""

    @get("/broken", opt=requires(Permission.PUBLIC_PAGE_READ))
    async def broken() -> str:
        raise RuntimeError("Madame Dupont 0612345678")

    from litestar.testing import TestClient

    with TestClient(create_app(place.services(), more_handlers=(broken,))) as client:
        response = client.get("/broken")
    assert response.status_code == 500
    logged = capfd.readouterr()
    assert "Dupont" not in response.text + logged.out + logged.err
    assert "RuntimeError" in logged.out


def test_a_large_form_is_refused(signed_in):
    """A question is small; 413 beyond."""
    client = signed_in(Role.DPO)
    response = client.submit("/subject", controller="aurore", kind="record", text="x" * 100_000)
    assert response.status_code == 413


def test_probes_answer_machines(anonymous, place, bearer):
    """Alive, ready or not, and figures for whoever may read health."""
    assert anonymous.get("/livez").text == "ok\n"
    assert anonymous.get("/readyz").status_code == 200
    place.is_ready = False
    assert anonymous.get("/readyz").status_code == 503
    assert anonymous.get("/metrics").status_code == 401
    assert "quivive_entries_total" in anonymous.get("/metrics", headers=bearer(Role.ADMINISTRATOR)).text


def test_language_is_a_choice_that_stays(signed_in):
    """French first; the switch leads back to the same page in English; other sites are no way back."""
    client = signed_in(Role.DPO)
    assert '<html lang="fr">' in client.get("/unexplained").text
    answer = client.get("/language?to=en&next=/unexplained%3Fperiod%3D7d", follow_redirects=False)
    assert answer.headers["location"] == "/unexplained?period=7d"
    assert '<html lang="en">' in client.get("/unexplained").text
    for hostile in ("https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)"):
        answer = client.get("/language", params={"to": "fr", "next": hostile}, follow_redirects=False)
        assert answer.headers["location"] == "/"


@pytest.mark.parametrize("path", ["/", "/activity", "/subject", "/unexplained", "/health"])
def test_pages_hold_nothing_that_the_policy_forbids(signed_in, path):
    """No inline script, style or handler, no address of another origin, every field labelled."""
    html = signed_in(Role.DPO).get(path).text
    assert not re.search(r"<script(?![^>]*src=)", html)
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)
    assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', html)
    for field in re.findall(r"<(?:select|input)[^>]*>", html):
        assert 'type="hidden"' in field or html.rfind("<label", 0, html.index(field)) > html.rfind(
            "</label", 0, html.index(field)
        )
