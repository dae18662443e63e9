"""Lists leave whole, with their filters, after the act; without the act not a byte."""

import csv
import io
import json
import zipfile

import pytest

from quivive.model.entry import ActKind
from quivive.model.permission import ROLE_PERMISSIONS, Permission, Role
from quivive.web.routes import exports

LISTS = ("activity", "unexplained", "alerts")
FORMS = ("csv", "jsonl", "parquet")


def opened(answer):
    assert answer.status_code == 200, answer.text
    return zipfile.ZipFile(io.BytesIO(answer.content))


def lines(answer, name):
    text = opened(answer).read(f"{name}.csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("form", FORMS)
def test_each_list_leaves_in_each_form_between_two_acts(place, signed_in, name, form):
    """The act, the rows, the act with their count; the manifest names checkpoint, period, filter."""
    client = signed_in(Role.SECURITY)
    place.log.clear()
    archived = opened(client.get(f"/{name}.{form}?period=7d"))
    manifest = json.loads(archived.read("manifest.json"))
    assert archived.namelist() == [f"{name}.{form}", "manifest.json"]
    assert manifest["rows"] > 0
    assert {each["log"] for each in manifest["checkpoints"]} == {"aurore/202611", "boreal/202611"}
    assert all(each["root"] for each in manifest["checkpoints"])
    assert place.log[0] == f"act {ActKind.EXPORT}"
    before, after = place.acts[-2:]
    assert before.act is after.act is ActKind.EXPORT
    assert after.object == f"{before.object}/sent"
    assert after.count == manifest["rows"]
    assert manifest["export"] in before.object


@pytest.mark.parametrize("name", LISTS)
def test_without_the_act_nothing_leaves(place, signed_in, name):
    """When the ledger cannot be written the answer is an error, and no query was made."""
    client = signed_in(Role.DPO)
    place.broken, place.asked = True, []
    answer = client.get(f"/{name}.csv")
    assert answer.status_code == 503
    assert place.asked == []


def test_filters_of_the_page_are_filters_of_the_export(place, signed_in):
    """Inclusion and exclusion; the page's links carry them."""
    client = signed_in(Role.SECURITY)
    rows = lines(client.get("/activity.csv?action=update&period=7d"), "activity")
    assert {row["action"] for row in rows} == {"update"}
    rows = lines(client.get("/activity.csv?action=-update&controller=aurore"), "activity")
    assert "update" not in {row["action"] for row in rows}
    assert {row["controller"] for row in rows} == {"aurore"}
    rows = lines(client.get("/alerts.csv?state="), "alerts")
    assert len(rows) == len(place.tables["alerts"])
    for path, link in (
        ("/activity?verdict=unexplained&period=7d&live=0", "/activity.parquet?verdict=unexplained&amp;period=7d"),
        ("/alerts?state=open", "/alerts.csv?state=open"),
        ("/unexplained?period=30d", "/unexplained.jsonl?period=30d"),
    ):
        assert link in client.get(path).text


def test_more_than_a_page_leaves_whole_and_once(place, signed_in, monkeypatch):
    """Pages of 7 over 130 accesses, several of one instant: each access once."""
    monkeypatch.setattr(exports, "PAGE", 7)
    at = place.tables["export_accesses"][0]["at"]
    for row in place.tables["export_accesses"][:11]:
        row["at"] = at
    place.tables["export_accesses"].sort(key=lambda row: (row["at"], row["access"]))
    plain = place.query

    async def paged(name, params, **scope):
        rows = await plain("export_accesses", {key: value for key, value in params.items() if key != "limit"}, **scope)
        after = (params.get("after_at", 0), params.get("after_access", ""))
        rows = [row for row in rows if (row["at"], row["access"]) > after][: params["limit"]]
        if name == "export_edge":
            return [{"last_at": max((row["at"] for row in rows), default=None), "accesses": len(rows)}]
        return rows

    client = signed_in(Role.SECURITY, query=paged)
    rows = lines(client.get("/activity.csv?period=7d"), "activity")
    assert len(rows) == len({row["access"] for row in rows}) == 130


OTHERS = [
    role
    for role in Role
    if role is not Role.INTEGRATION and Permission.CONTROLLER_EVIDENCE_EXPORT not in ROLE_PERMISSIONS[role]
]


@pytest.mark.parametrize("role", OTHERS)
def test_other_roles_export_nothing(place, signed_in, role):
    """No trace leaves by who may not read traces."""
    client = signed_in(role)
    for name in LISTS:
        assert client.get(f"/{name}.csv").status_code == 403
    assert place.asked == []


def test_another_company_is_refused(signed_in):
    """The scope of the reader holds."""
    assert signed_in(Role.SECURITY).get("/activity.csv?controller=cassis").status_code in {403, 404, 422}
