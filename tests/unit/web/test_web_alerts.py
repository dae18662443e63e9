"""Claims of the alert pages: evidence, what was left out, common causes, and a review that is durable first."""

import re

import fakes
import pytest
from fakes_detection import ALERT, ALERTS, hex_id

from quivive.model.alert import AlertState, ReviewOutcome
from quivive.model.entry import ActKind
from quivive.model.permission import Role


def text_of(html):
    """The visible text of a page, with plain spaces."""
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html.split("<main", 1)[1]))
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def test_the_list_shows_open_alerts_first(signed_in):
    """Without a filter, the open ones; each leads to its page and says its sentence."""
    html = signed_in(Role.SECURITY).get("/alerts").text
    assert html.count('class="card alert-card"') == 5
    assert f'href="/alerts/{ALERT}"' in html
    assert "Recherche large par début de nom" in html
    assert "Téléconseiller" not in re.findall(r'<p class="said">(.*?)</p>', html)[0]


@pytest.mark.parametrize(("state", "count"), [("open", 5), ("reviewed", 1), ("explained", 1), ("", 7)])
def test_the_state_filters(signed_in, state, count):
    """Open, explained since, reviewed, all."""
    assert signed_in(Role.DPO).get(f"/alerts?state={state}").text.count('class="card alert-card"') == count


@pytest.mark.parametrize("query", ["state=guilty", "controller=A%27--", "before=x"])
def test_a_filter_out_of_its_set_is_refused(signed_in, place, query):
    """No free text passes through an address: 400, no read."""
    assert signed_in(Role.DPO).get(f"/alerts?{query}").status_code == 400
    assert place.asked == []


def test_the_digest_tells_the_seed_of_the_audit_and_whether_the_model_fits(signed_in):
    """The draw can be made again; a peer group whose ordinary days left the model is named as such."""
    visible = text_of(signed_in(Role.DPO).get("/alerts").text)
    assert "c0ffee" in visible
    assert "aurore/call · 120 journées d’agent · jours ordinaires comme attendu (écart 0,06)" in visible
    assert "jours ordinaires loin de l’attendu (écart 0,24)" in visible


def test_what_the_budget_left_out_is_on_the_same_page(signed_in):
    """Cap, opened, joined, drawn at random, left out with topic and reason."""
    visible = text_of(signed_in(Role.DPO).get("/alerts").text)
    assert "14 faits · Fiches ouvertes sans motif trouvé, en une journée · pas assez rare" in visible
    assert "2 faits · Recherche large par début de nom · au-delà du quota de la règle" in visible
    assert "Rien n’a été laissé de côté" in visible


def test_common_causes_are_charged_to_nobody(signed_in):
    """A silent source and a common shock stand in the place of alerts, with how many were not opened."""
    visible = text_of(signed_in(Role.DPO).get("/alerts").text)
    assert "La source aurore-cti ne transmet rien depuis le 22/11/2026 11:05:00" in visible
    assert "n’est imputé à personne" in visible
    assert "12 alertes n’ont pas été ouvertes" in visible


def test_pages_of_alerts_follow_each_other(signed_in, place):
    """The pager goes by the instant of opening and ends."""
    place.tables["alerts"] = [ALERTS[0] | {"alert": hex_id(f"a{n}"), "opened_at": fakes.NOW - n} for n in range(120)]
    client, address, seen = signed_in(Role.DPO), "/alerts", []
    for _ in range(4):
        html = client.get(address).text
        seen += re.findall(r'<h3><a href="/alerts/(\w+)"', html)
        more = re.search(r'rel="next" href="([^"]*)"', html)
        if not more:
            break
        address = more.group(1).replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 120


def test_an_alert_holds_all_that_a_reviewer_needs(signed_in):
    """Sentence, accesses with calls around, reasons looked for, what would explain, sources, version, history."""
    visible = text_of(signed_in(Role.SECURITY).get(f"/alerts/{ALERT}").text)
    for said in (
        "11 fiches ouvertes sans appel, ticket ni campagne",
        "ne dit rien d’une personne avant qu’elle ait été entendue",
        "terminé 30 min avant l’accès",
        "en cours au moment de l’accès",
        "Un appel en cours avec cette personne",
        "Ce qui l’aurait expliquée",
        "Fraîcheur des sources à l’ouverture",
        "aurore-crm",
        "déclaré, non prouvé",
        "corrigé ensuite par la personne",
        "un fait du 22/11/2026 s’y est ajouté",
        "Conclure la relecture",
    ):
        assert said in visible, said


def test_a_rule_alert_leads_to_its_text_and_says_when_it_changed(signed_in, place):
    """Title, version, link; a later version of the rule is told."""
    client = signed_in(Role.DPO)
    html = client.get(f"/alerts/{hex_id('alert-2')}").text
    assert 'href="/rules/wildcard-search"' in html
    assert "La règle a changé depuis" not in html
    place.tables["alerts"][1] = ALERTS[1] | {"rule_version": "0" * 64}
    assert "La règle a changé depuis" in client.get(f"/alerts/{hex_id('alert-2')}").text
    rule = text_of(client.get("/rules/wildcard-search").text)
    for said in ("Que faire", "Note juridique", "pattern_class: contains", "livrée avec Quivive"):
        assert said in rule
    assert client.get("/rules/none").status_code == 404


@pytest.mark.parametrize("identifier", ["x", "0" * 32, "..%2Fhealth", "customer:2"])
def test_an_alert_that_is_not_there_is_not_found(signed_in, place, identifier):
    """Unknown or malformed: 404, and no act of a view."""
    assert signed_in(Role.DPO).get(f"/alerts/{identifier}").status_code == 404
    assert place.acts == []


def test_an_alert_of_another_company_is_not_found(signed_in):
    """The scope holds for a known id too, to read and to review."""
    client = signed_in(Role.DPO, ("boreal",))
    assert client.get(f"/alerts/{ALERT}").status_code == 404
    assert client.submit(f"/alerts/{ALERT}/review", outcome="training").status_code == 404


def test_a_review_is_an_entry_and_an_act_before_the_answer(signed_in, place):
    """The change of state with its author, then the act, then the way back to the alert."""
    answer = signed_in(Role.SECURITY).submit(f"/alerts/{ALERT}/review", outcome="access_rights")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/alerts/{ALERT}?reviewed=1")
    ((controller, body),) = place.reviews
    assert controller == "aurore"
    assert (body.alert, body.state, body.outcome) == (ALERT, AlertState.REVIEWED, ReviewOutcome.ACCESS_RIGHTS)
    assert (body.hit, body.principal, body.as_of) == (None, "security-1", fakes.NOW)
    assert place.log[-2:] == ["review", "act review_alert"]
    assert (place.acts[-1].object, place.acts[-1].count) == (ALERT, 1)


def test_a_review_that_cannot_be_written_is_not_answered(signed_in, place):
    """503, and nothing was changed."""
    client = signed_in(Role.SECURITY)
    place.broken = True
    assert client.submit(f"/alerts/{ALERT}/review", outcome="training").status_code == 503
    assert place.reviews == []


@pytest.mark.parametrize("outcome", ["", "none", "guilty", "breach"])
def test_a_conclusion_comes_from_a_closed_set(signed_in, place, outcome):
    """No free text, no guilt: 422 and nothing written."""
    assert signed_in(Role.DPO).submit(f"/alerts/{ALERT}/review", outcome=outcome).status_code == 422
    assert place.reviews == []
    assert ActKind.REVIEW_ALERT not in {act.act for act in place.acts}


def test_an_alert_explained_by_later_evidence_takes_no_conclusion(signed_in):
    """Evidence closed it; nobody needs to conclude. A reviewed one shows its conclusion and may be corrected."""
    client = signed_in(Role.DPO)
    assert "Conclure la relecture" not in client.get(f"/alerts/{hex_id('alert-7')}").text
    reviewed = client.get(f"/alerts/{hex_id('alert-6')}").text
    assert re.search(r'value="training" required checked', reviewed)


def test_every_word_and_column_survives_absence(signed_in, place):
    """Rows with absent fields break no page."""
    bare = {"alert": ALERT, "controller": "aurore", "opened_at": fakes.NOW}
    place.tables["alerts"] = [bare]
    for name in ("alert_accesses", "calls_around", "words_of_access", "alert_digest", "incidents", "evidence"):
        place.tables[name] = [{"controller": "aurore"}]
    place.tables["alert_counts"] = []
    client = signed_in(Role.DPO)
    for path in ("/", "/alerts?state=", f"/alerts/{ALERT}"):
        assert client.get(path).status_code == 200, path


def test_the_first_page_counts_what_waits(signed_in, place):
    """Open alerts, since when, lasting causes; an act, because counts were shown."""
    visible = text_of(signed_in(Role.DPO).get("/").text)
    assert "5 alertes ouvertes" in visible
    assert "la plus ancienne attend depuis le 22/11/2026 00:05:00" in visible
    assert "aurore-cti ne transmet rien" in visible
    assert "boreal-crm" not in visible
    assert [(act.act, act.object, act.count) for act in place.acts] == [(ActKind.VIEW_ALERTS, "counts", 5)]


def test_an_open_alert_is_muted_until_it_grows(place, signed_in):
    """The change is an entry and so is the act; what is not open is refused; the page says when it opens again."""
    client = signed_in(Role.SECURITY)
    assert "trente jours" in client.get(f"/alerts/{ALERT}").text
    answer = client.submit(f"/alerts/{ALERT}/mute")
    assert answer.status_code == 303
    ((_, body),) = place.reviews
    assert (body.alert, str(body.state), str(body.outcome), body.hit) == (ALERT, "muted", "none", None)
    assert place.acts[-1].act is ActKind.REVIEW_ALERT
    row = next(row for row in place.tables["alerts"] if row["alert"] == ALERT)
    row["state"] = "muted"
    assert client.submit(f"/alerts/{ALERT}/mute").status_code == 409
    assert "sourdine" in client.get("/alerts?state=muted").text


def test_shortcuts_can_be_turned_off_and_on(signed_in):
    """A link in the footer, kept in a cookie; the page says so and the script obeys (WCAG 2.1.4)."""
    client = signed_in(Role.SECURITY)
    assert '<body data-keys="on">' in client.get("/alerts").text
    answer = client.get("/keys?to=off&next=/alerts", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/alerts")
    assert '<body data-keys="off">' in client.get("/alerts").text
    client.get("/keys?to=on&next=/alerts")
    assert '<body data-keys="on">' in client.get("/alerts").text
    assert client.get("/keys?to=x&next=//elsewhere", follow_redirects=False).headers["location"] == "/"
