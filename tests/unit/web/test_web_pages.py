"""Claims of the pages: what each shows, in which words, and what it must not."""

import re

import fakes
import fakes_detection
import pytest

from quivive.model.permission import Role
from quivive.web.listing import PAGE_ROWS


def text_of(html):
    """The visible text of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html.split("<main", 1)[1]))


def subject(client):
    target = client.submit("/subject", controller="aurore", kind="record", text="customer:2").headers["location"]
    return client.get(target).text, client.get(f"{target}/report").text


def exposure(client):
    target = client.submit("/exposure", controller="aurore", records="customer:2\ncustomer:3").headers["location"]
    return client.get(target).text


def test_the_first_page_counts_and_tells_the_story(signed_in):
    """Counts are links to their rows; the chart has a table twin; four steps; the banner says demonstration."""
    html = signed_in(Role.DPO).get("/").text
    assert "41\u202f902" in html
    assert 'href="/unexplained?period=24h"' in html
    assert html.count("<rect") == 6
    assert "72,0\u202f%" in html or "71,8\u202f%" in html
    assert html.count("<h3>") == 4
    assert "registre fictif" in html


def test_the_banner_is_for_demonstrations_only(place, tmp_path):
    """A real installation shows no banner."""
    from litestar.testing import TestClient

    from quivive.web.app import create_app

    with TestClient(create_app(place.services(demonstration=False))) as client:
        assert "registre fictif" not in client.get("/sign-in").text


def test_the_administrator_sees_no_trace(signed_in, place):
    """Menu, first page and health of an administrator hold neither accesses nor agents."""
    client = signed_in(Role.ADMINISTRATOR)
    html = client.get("/").text + client.get("/health").text
    assert "/activity" not in html.replace("/activity?", "")
    assert not re.search("7K3QX|M2PWA|ZB9TT|4HHRD|A-9917", html)
    assert {name for name, _, _ in place.asked} <= {"health", "gaps", "coverage", "gate", "retention", "due_today"}


def test_activity_shows_episodes_with_their_reason_on_the_row(signed_in):
    """One group of rows per episode; the reason and its reference stand there; the table unfolds without script."""
    client = signed_in(Role.DPO)
    html = client.get("/activity").text
    assert html.count("data-episode=") == PAGE_ROWS
    assert "ticket de cette personne, confié à ce téléconseiller · ticket 55120" in html
    assert "la source des contacts n’a rien transmis" in html
    unfolded = re.search(r'href="(/activity\?[^"]*open=[^"]*)"', html).group(1).replace("&amp;", "&")
    again = client.get(unfolded).text
    assert again.count("<details open>") == 1
    assert "customer.last_name" in again


def test_filters_include_exclude_and_stay_in_the_address(signed_in, place):
    """`+` includes through the query, `−` excludes; both are links that carry the other filters."""
    client = signed_in(Role.DPO)
    html = client.get("/activity?controller=aurore&verdict=-explained&period=7d").text
    assert "expliqué" not in text_of(html).split("Heure", 1)[1].split("Répartition")[0].replace("à expliquer", "")
    name, controllers, params = place.asked[-1]
    assert (name, controllers) == ("activity", ("aurore",))
    assert "verdict" not in params
    assert "controller=aurore&amp;action=-" in html
    assert "verdict=-explained&amp;period=7d" in html


@pytest.mark.parametrize("query", ["action=drop", "verdict=guilty", "period=9y", "before=x", "controller=A%27--"])
def test_a_filter_out_of_its_set_is_refused(signed_in, place, query):
    """No free text passes through an address: 400, no read."""
    response = signed_in(Role.DPO).get(f"/activity?{query}")
    assert response.status_code == 400
    assert place.asked == []


def test_pages_of_episodes_follow_each_other_without_loss(signed_in):
    """Following "older" to the end shows every episode once."""
    client = signed_in(Role.DPO)
    seen, address = [], "/activity"
    for _ in range(5):
        html = client.get(address).text
        seen += re.findall(r'data-episode="(\w+)"', html)
        more = re.search(r'rel="next" href="([^"]*)"', html)
        if not more:
            break
        address = more.group(1).replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 130


def test_exclusion_never_loses_a_page(signed_in):
    """A page full of excluded rows still leads on."""
    client = signed_in(Role.DPO)
    answer = client.get("/v1/activity?verdict=-explained").json()
    assert len(answer["items"]) == 4
    assert answer["next"] is None


def test_facets_count_what_they_say(signed_in):
    """Top values with their counts over the episodes read."""
    html = signed_in(Role.DPO).get("/activity").text
    assert "Cinq premières valeurs parmi les 130 épisodes" in html.replace("\u202f", " ")


def test_subject_page_withholds_names_and_groups_the_automatic(signed_in):
    """Accesses with reasons and codes; application accounts grouped; gaps listed; window stated."""
    html, report = subject(signed_in(Role.DPO))
    visible = text_of(html)
    assert "Traces conservées : du 22/11/2025 au 22/11/2026 (365 jours)" in visible.replace("\u00a0", " ")
    assert "une fiche parmi 23 montrées ensemble" in visible
    assert "aurore-night" in visible
    assert "source arrêtée brutalement" in visible
    assert "C-579/21" in report
    assert "Qui a consulté mes données" in report


def test_the_report_names_no_agent_and_accuses_nobody(signed_in):
    """Ordinal numbers instead of codes; an access without a reason found is "not established", no more."""
    _, report = subject(signed_in(Role.DPO))
    visible = text_of(report)
    assert not re.search("7K3QX|M2PWA|ZB9TT|4HHRD", report)
    assert "Téléconseiller 1" in visible
    assert "Motif non établi à la date du rapport" in visible
    assert "sans motif trouvé" not in visible
    assert "élément de preuve" in visible
    assert "Aurore Énergie, responsable de traitement" in visible


def test_to_explain_shows_the_evidence_of_each_group(signed_in, place):
    """Expected, found, proof and freshness; "cannot tell" when the source was silent."""
    html = signed_in(Role.DPO).get("/unexplained").text
    visible = text_of(html)
    for said in ("Ce qui expliquerait", "Trouvé", "Preuve", "Fraîcheur de la source", "impossible de dire"):
        assert said in visible
    assert "pas encore entendu" in visible
    assert "non affecté à Boréal Boutique" in visible
    assert "recherche large, par fragment" in visible
    assert "1 h avant l’accès" in visible
    assert [name for name, _, _ in place.asked].count("evidence") == 3


def test_unknown_is_never_called_unexplained(signed_in):
    """The unknown stand apart, with their cause, in neither the groups nor their words."""
    html = signed_in(Role.DPO).get("/unexplained").text
    unknown = text_of("<main" + html.split('id="unknown"', 1)[1].split('id="weak"')[0])
    assert "accès non attribué à un téléconseiller" in unknown
    assert "sans motif trouvé" not in unknown


def test_weak_excess_is_a_comparison_not_a_verdict(signed_in):
    """Calls, records beyond the first, what colleagues let expect."""
    weak = text_of("<main" + signed_in(Role.DPO).get("/unexplained").text.split('id="weak"', 1)[1])
    assert all(figure in weak for figure in ("14", "19", "1,8", "11"))


def test_empty_pages_say_what_to_do(signed_in, place):
    """Nothing found is a sentence, not a blank."""
    for rows in place.tables.values():
        rows.clear()
    client = signed_in(Role.DPO, sources=lambda: ())
    assert "Aucune alerte dans cet état" in client.get("/alerts").text
    assert "Aucun relevé encore" in client.get("/alerts").text
    assert "Rien à raccorder" in client.get("/coverage").text
    assert "éteinte" in client.get("/exposure").text
    assert "Aucune question aujourd" in signed_in(Role.AGENT).get("/my-space").text
    assert "Rien n’est encore arrivé" in client.get("/").text
    assert "Élargissez la période" in client.get("/activity").text
    assert "Rien à expliquer" in client.get("/unexplained").text
    assert "quivive.toml" in client.get("/health").text


def test_rows_with_absent_fields_still_render(signed_in, place):
    """A projection that leaves fields out (unknown agent, nothing judged) breaks no page."""
    bare = {"access": fakes.hex_id("x"), "at": place.now, "controller": "aurore", "verdict": "", "agent_code": None}
    for name in ("activity", "episode", "accesses_by_subject", "unexplained", "evidence"):
        place.tables[name] = [bare | {"episode": fakes.hex_id("y")}]
    for name in ("gaps", "coverage", "health", "gate", "counts", "shares", "weak_excess"):
        place.tables[name] = [{"controller": "aurore"}]
    client = signed_in(Role.DPO)
    for path in ("/", "/activity", "/activity/episode?open=y", "/unexplained", "/health", "/v1/unexplained"):
        assert client.get(path).status_code == 200, path
    assert all("aucune fiche" in html or "sans objet" in html or html for html in subject(client))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_page_renders_in_both_languages(signed_in, language):
    """All pages of all roles, in each language, without a code on the screen."""
    dpo, agent = signed_in(Role.DPO), signed_in(Role.AGENT)
    for client in (dpo, agent):
        client.get(f"/language?to={language}&next=/")
    pages = [
        dpo.get(path).text for path in ("/", "/activity", "/subject", "/unexplained", "/health", "/nope", "/my-space")
    ]
    pages += [
        *subject(dpo),
        *(dpo.get(path).text for path in ("/alerts?state=", "/coverage", "/exposure", "/rules/wildcard-search")),
        *(dpo.get(f"/alerts/{row['alert']}").text for row in fakes_detection.ALERTS),
        dpo.submit("/exposure", controller="aurore", records="x").text,
        exposure(dpo),
        dpo.submit("/story/prove").text,
        dpo.submit("/story/tamper").text,
        agent.get("/my-space").text,
    ]
    for html in pages:
        assert f'<html lang="{language}">' in html
        assert not re.search(
            r"\b(nav|field|verdict|template|cause|problem|story|home|alert|fact)\.[a-z_]+\b", text_of(html)
        )
