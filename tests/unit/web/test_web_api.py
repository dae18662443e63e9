"""Claims of the API: same reads as the pages, codes and UTC instants, problems that name fields only."""

import json

import fakes
import pytest

from quivive.model.permission import Role
from quivive.web.routes.intake import MAX_BODY

INTAKES = ("accesses", "contacts", "directory", "roster", "heartbeats", "recordings", "listenings")
NDJSON = "application/x-ndjson"


@pytest.fixture
def headers(bearer):
    """Headers of a token of the security officer's tools."""
    return bearer(Role.SECURITY)


def search(client, headers, **question):
    return client.post("/v1/subject-searches", json={"controller": "aurore"} | question, headers=headers)


def test_a_search_answers_an_opaque_id_that_finds_accesses(anonymous, place, headers):
    """The path of the issue: post a record, read its accesses with agent, time, action, columns, coverage, verdict."""
    answer = search(anonymous, headers, record="customer:2")
    assert answer.status_code == 201
    found = anonymous.get(f"/v1/accesses?subject={answer.json()['id']}", headers=headers).json()
    first = found["items"][0]
    assert first["agent"] == "M2PWA"
    assert first["at"] == "2026-11-22T14:04:23.000000Z"
    assert (first["action"], first["coverage"], first["verdict"]) == ("read", "exact", "explained")
    assert first["columns"][0] == "public.customer.last_name"
    assert found["next"] is None
    assert place.asked[0][2]["keys"] == [fakes.hex_id("aurore record customer:2")]


@pytest.mark.parametrize(
    ("question", "key"),
    [
        ({"phone": "+33612345678"}, "aurore phone +33612345678"),
        ({"identity": "C-1"}, "aurore customer_number C-1"),
        ({"identity": "a@b.fr", "identity_kind": "email"}, "aurore email a@b.fr"),
    ],
)
def test_a_search_takes_any_declared_identity(anonymous, place, headers, question, key):
    """Phone and declared kinds lead to their own keys."""
    identifier = search(anonymous, headers, **question).json()["id"]
    anonymous.get(f"/v1/accesses?subject={identifier}", headers=headers)
    assert place.asked[0][2]["keys"] == [fakes.hex_id(key)]


@pytest.mark.parametrize("question", [{}, {"record": "customer:2", "phone": "0612345678"}])
def test_a_search_takes_exactly_one_identity(anonymous, headers, question):
    """None or two are refused with a code."""
    answer = search(anonymous, headers, **question)
    assert (answer.status_code, answer.json()["code"]) == (422, "subject_one_of")


@pytest.mark.parametrize(
    "body", ['{"controller": 7, "record": "Dupont:2"}', '{"record": "Dupont"', '{"nom": "Dupont"}']
)
def test_a_bad_question_names_the_field_not_the_value(anonymous, headers, body):
    """Problems are RFC 9457 and never quote what was sent."""
    answer = anonymous.post(
        "/v1/subject-searches", content=body, headers=headers | {"content-type": "application/json"}
    )
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert {"type", "title", "status", "code"} <= set(answer.json())
    assert "Dupont" not in answer.text


def test_pages_of_activity_follow_each_other(anonymous, headers):
    """`next` leads to the next page until null; every episode once."""
    seen, before = [], ""
    while before is not None:
        page = anonymous.get(f"/v1/activity?before={before}", headers=headers).json()
        seen += [item["id"] for item in page["items"]]
        before = page["next"]
    assert len(seen) == len(set(seen)) == 130


def test_to_explain_keeps_unknown_apart(anonymous, headers):
    """Groups with their evidence, unknown with their cause, weak excess with what is expected."""
    answer = anonymous.get("/v1/unexplained", headers=headers).json()
    assert [item["records"] for item in answer["items"]] == [23, 4, 312]
    assert answer["items"][1]["assigned"] is False
    line = answer["items"][0]["evidence"][2]
    assert (line["template"], line["found"], line["silent"], line["nearest_at"]) == ("E6", False, True, None)
    assert {item["cause"] for item in answer["unknown"]} == {"source_silent", "unattributed"}
    assert answer["weak"][0]["expected"] == 1.8


def test_health_and_gaps_hold_no_person(anonymous, bearer):
    """Sources, freshness, heads and gaps for an administrator's tool."""
    headers = bearer(Role.ADMINISTRATOR)
    health = anonymous.get("/v1/health", headers=headers).json()
    assert health["ready"] is True
    assert health["sources"][0]["complete_to"].endswith("Z")
    assert health["heads"][0]["controller"] == "operator"
    gap = anonymous.get("/v1/gaps", headers=headers).json()["items"][0]
    assert (gap["cause"], gap["lost"]) == ("source_killed", -1)


@pytest.mark.parametrize("kind", INTAKES)
def test_a_batch_goes_to_its_source(anonymous, place, bearer, kind):
    """The token names the source; the answer counts and names refused fields."""
    headers = bearer(Role.INTEGRATION, source="aurore-cti") | {"content-type": NDJSON}
    answer = anonymous.post(f"/v1/{kind}", content=b'{"id":"1"}\n{"id":"2"}\n', headers=headers)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["accepted"], body["duplicates"], body["refused_total"]) == (2, 1, 1)
    assert body["refused"] == [{"row": 3, "field": "$.at", "expected": "RFC 3339", "found": "string"}]
    assert place.batches == [(kind, "aurore-cti", b'{"id":"1"}\n{"id":"2"}\n')]
    assert place.acts == []


def test_a_batch_needs_a_source(anonymous, bearer):
    """A token without a source sends nothing."""
    answer = anonymous.post("/v1/accesses", content=b"{}", headers=bearer(Role.INTEGRATION))
    assert (answer.status_code, answer.json()["code"]) == (403, "source_refused")


@pytest.mark.parametrize("kind", INTAKES)
def test_a_batch_that_is_not_durable_is_not_acknowledged(anonymous, place, bearer, kind):
    """A full disk is 503 with a time to retry."""
    place.broken = True
    headers = bearer(Role.INTEGRATION, source="s") | {"content-type": "application/json"}
    answer = anonymous.post(f"/v1/{kind}", content=b"{}", headers=headers)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_a_batch_too_large_or_of_another_type_is_refused(anonymous, bearer):
    """413 and 415 as problems."""
    headers = bearer(Role.INTEGRATION, source="s") | {"content-type": "application/json"}
    large = anonymous.post("/v1/contacts", content=b" " * (MAX_BODY + 1), headers=headers)
    assert (large.status_code, large.json()["code"]) == (413, "too_large")
    other = anonymous.post("/v1/contacts", content=b"a;b", headers=headers | {"content-type": "text/csv"})
    assert (other.status_code, other.json()["code"]) == (415, "content_type")


def test_no_answer_holds_a_sentence(anonymous, headers):
    """Codes only: an answer is the same in every language."""
    path = "/v1/unexplained"
    french = anonymous.get(path, headers=headers).json()
    english = anonymous.get(path, headers=headers | {"cookie": "quivive_language=en"}).json()
    assert french == english
    assert " " not in json.dumps(french["items"], separators=(",", ":"))
