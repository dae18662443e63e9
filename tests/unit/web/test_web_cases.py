"""Cases through the pages: opened from an alert, taken step by step by two persons, handed over sealed."""

import re
import sys
from pathlib import Path

import pyrage
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

from case_centre import ALERT, NOW, centre_with_alert
from traces import CONTROLLER

from quivive.cases.bundle import check_bundle, open_bundle
from quivive.model.clock import DAY_US
from quivive.model.permission import Role
from quivive.projection.query import Scope

DAY = "2026-11-18"


@pytest.fixture
def centre(tmp_path):
    made = centre_with_alert(tmp_path / "centre")
    yield made
    made.close()


@pytest.fixture
def client_of(signed_in, place, centre):
    """A client of the pages over the real office and the real projection."""
    place.now = NOW

    async def query(name, params, *, controllers, from_at, to_at, purpose, principal):
        scope = Scope(controllers=controllers, from_at=from_at, to_at=to_at, purpose=purpose, principal=principal)
        return centre.projection.query(scope, name, params)

    def make(role):
        return signed_in(role, controllers=(CONTROLLER,), query=query, cases=centre.office)

    return make


def open_case(client):
    answer = client.submit("/cases", alert=ALERT, controller=CONTROLLER, known_at=DAY, text="Vérifier.")
    assert answer.status_code == 303
    return answer.headers["location"]


def step(client, case, kind, **fields):
    return client.submit(f"{case}/steps", step_kind=kind, **fields)


def decide(officer, dpo):
    """Bring a case to its decision; its address."""
    case = open_case(officer)
    assert step(officer, case, "preserve", until="2027-02-01", text="garder").status_code == 303
    place = re.search(r'<option value="([^"]+/\d+)"', officer.get(case).text).group(1)
    taken = (
        (officer, "exhibit", {"object": place, "side": "supporting"}),
        (officer, "clear", {"means": "technical", "finding": "does_not_explain", "text": "rien"}),
        (officer, "hearing_call", {"until": "2026-12-01"}),
        (officer, "hearing", {"result": "heard", "text": "dit"}),
        (officer, "propose", {"outcome": "breach", "text": "retenu"}),
        (dpo, "opinion", {"opinion": "favourable", "text": "oui"}),
        (dpo, "second_key", {}),
    )
    for client, kind, fields in taken:
        assert step(client, case, kind, **fields).status_code == 303, kind
    return case


def test_a_case_goes_from_its_alert_to_a_sealed_bundle(client_of, place):
    """Every deed is an act too, and the bundle opens for its recipient with every proof whole."""
    officer, dpo = client_of(Role.SECURITY), client_of(Role.DPO)
    case = decide(officer, dpo)
    key = pyrage.x25519.Identity.generate()
    answer = officer.submit(f"{case}/hand-over", recipient=str(key.to_public()))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert check_bundle(open_bundle(answer.content, str(key))) == 3
    acts = [str(act.act) for act in place.acts]
    assert (acts.count("open_case"), acts.count("step_case"), acts.count("hand_over_case")) == (1, 8, 1)
    assert "décidé" in officer.get("/cases").text


def test_the_sheet_shows_eight_checks_with_their_dates(client_of):
    """All shown, none missing, in the reader's language."""
    officer = client_of(Role.SECURITY)
    text = officer.get(decide(officer, client_of(Role.DPO))).text
    assert text.count('class="found found-yes"') == 8
    assert "Cass. soc. 11 déc. 2019" in text


def test_a_refused_step_says_what_to_do_and_changes_nothing(client_of):
    """In words, with its status."""
    officer, dpo = client_of(Role.SECURITY), client_of(Role.DPO)
    case = open_case(officer)
    assert "n’est pas encore possible" in step(officer, case, "close").text
    assert step(dpo, case, "propose", outcome="breach", text="x").status_code == 403
    assert step(officer, case, "preserve", until="yesterday", text="x").status_code == 422
    assert step(officer, case, "dismiss").status_code == 422
    assert "ouvert" in officer.get(case).text


def test_a_name_needs_two_and_each_look_at_it_is_an_act(client_of, place):
    """Shown to both, then no longer; never in an address."""
    officer, dpo = client_of(Role.SECURITY), client_of(Role.DPO)
    case = open_case(officer)
    step(officer, case, "preserve", until="2027-02-01", text="garder")
    officer.submit(f"{case}/name", text="Convoquer.")
    approval = re.search(r'name="approval" value="(\w+)"', dpo.get(case).text).group(1)
    assert 'name="approval"' not in officer.get(case).text
    dpo.submit(f"{case}/name", approval=approval, decision="grant")
    for client in (officer, dpo):
        assert "Camille Exemple" in client.get(case).text
    assert [str(act.act) for act in place.acts].count("view_unmasked") == 2
    place.now = NOW + DAY_US
    assert all("Camille" not in act.object for act in place.acts)


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AGENT, Role.EVALUATOR])
def test_no_other_role_sees_that_a_case_exists(client_of, role):
    """Refused before anything is read."""
    case = open_case(client_of(Role.SECURITY))
    assert client_of(role).get(case).status_code == 403
    assert client_of(role).get("/cases").status_code == 403


def test_an_unknown_case_is_not_found(client_of):
    """Nor is one that is no id at all."""
    officer = client_of(Role.SECURITY)
    assert officer.get(f"/cases/{'f' * 32}").status_code == 404
    assert officer.get("/cases/customer:2").status_code == 404
