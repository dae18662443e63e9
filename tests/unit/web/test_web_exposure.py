"""Claims of the exposure search and the coverage report: posted lists, neutral codes, expected beside found."""

import re

import fakes
import pytest

from quivive.model.entry import ActKind
from quivive.model.permission import Role
from quivive.vault import MAX_EXPOSURE_KEYS


def post(client, records="customer:2\n\ncustomer:3\ncustomer:2", **more):
    return client.submit("/exposure", controller="aurore", records=records, period="30d", **more)


def text_of(html):
    """The visible text of a page, with plain spaces."""
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html.split("<main", 1)[1]))
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def test_a_list_becomes_keys_under_an_opaque_address(signed_in, place):
    """Each record once; the address, the act and the pages hold no record."""
    client = signed_in(Role.SECURITY)
    target = post(client).headers["location"]
    html = client.get(target).text
    assert re.fullmatch(r"/exposure/[\w-]{22}", target)
    ((controller, victims),) = place.searched
    assert (controller, len(victims)) == ("aurore", 2)
    assert "customer:2" not in html
    assert "customer:2" not in str(place.acts)
    opaque = target.rpartition("/")[2]
    assert [(act.act, act.object, act.count) for act in place.acts] == [(ActKind.SEARCH_EXPOSURE, opaque, 2)] * 2


def test_the_result_shows_expected_beside_found_and_concludes_nothing(signed_in):
    """Codes, opened of searched, expected, lift, dates, and that nobody is designated."""
    client = signed_in(Role.DPO)
    visible = text_of(client.get(post(client).headers["location"]).text)
    for said in (
        "ZB9TT",
        "6 / 2",
        "0,4",
        "15",
        "Personne n’est désigné avant d’avoir été entendu",
        "Poisson-binomiale",
    ):
        assert said in visible, said


def test_the_method_note_is_saved_as_text(signed_in, place):
    """The note with its result and the log's head; its export is an act."""
    client = signed_in(Role.DPO)
    answer = client.get(post(client).headers["location"] + "/note")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "attachment" in answer.headers["content-disposition"]
    assert "ZB9TT : ouvertes 6" in answer.text.replace("\u00a0", " ")
    assert "aurore/202611" in answer.text
    assert place.acts[-1].act is ActKind.EXPORT


def test_switched_off_nothing_is_searched(signed_in, place):
    """The form says how it is turned on; a post is refused and the refusal is an act."""
    client = signed_in(Role.DPO)
    target = post(client).headers["location"]
    place.tables["switches"] = []
    assert "<textarea" not in client.get("/exposure").text
    assert post(client).status_code == 422
    assert place.acts[-1].object == "refused:switch_off"
    assert client.get(target).status_code == 422
    assert place.searched == []


def test_lines_that_name_nothing_are_told_by_their_number(signed_in, place):
    """Nothing is searched, nothing typed comes back."""
    answer = post(signed_in(Role.DPO), "customer:2\nDupont\ncustomer:4\n06 12 34 56 78")
    assert answer.status_code == 422
    assert "2, 4" in text_of(answer.text)
    assert "Dupont" not in answer.text
    assert (place.searched, place.acts[-1].object) == ([], "refused:subject_unreadable")
    assert post(signed_in(Role.DPO), "  ").status_code == 422


def test_a_list_that_is_a_file_is_refused(signed_in, place):
    """At most a thousand records."""
    answer = post(signed_in(Role.DPO), "\n".join(f"customer:{n}" for n in range(MAX_EXPOSURE_KEYS + 1)))
    assert answer.status_code == 422
    assert "trop de fiches" in answer.text
    assert place.acts[-1].object == "refused:too_many_keys"


def test_a_search_belongs_to_its_author_and_company(signed_in, place):
    """Another account reads nothing; another company's list is refused."""
    target = post(signed_in(Role.DPO)).headers["location"]
    assert signed_in(Role.SECURITY).get(target).status_code == 404
    assert signed_in(Role.DPO).submit("/exposure", controller="cassis", records="customer:2").status_code == 403
    assert place.searched == []


@pytest.mark.parametrize("query", ["", "?controller=aurore&period=30d"])
def test_coverage_shows_shares_and_what_to_connect(signed_in, place, query):
    """Bar with a table twin, ranked repairs, delays by source; one company at a time; no agent."""
    html = signed_in(Role.DPO).get(f"/coverage{query}").text
    visible = text_of(html)
    for said in (
        "71",
        "Expliqué, motif fort",
        "aurore-cti",
        "2 200 expositions concernées, 22 %",
        "42 s",
        "3 min",
        "-1,4",
    ):
        assert said in visible.replace("−", "-"), said
    assert "<rect" in html
    assert not re.search("7K3QX|M2PWA|ZB9TT", html)
    assert place.asked[-1][1] == ("aurore",)
    assert (place.acts[-1].act, place.acts[-1].object) == (ActKind.VIEW_COVERAGE, "aurore")


def test_sources_are_shown_as_configured_and_as_they_live(signed_in):
    """Kind, grade, lateness, rows taken and refused; a source never seen stands there too."""
    visible = text_of(signed_in(Role.ADMINISTRATOR).get("/health").text)
    for said in ("relais PostgreSQL", "1 h", "4 100 / 2", "boreal-night", "jamais vue"):
        assert said in visible, said
    assert fakes.NAMES["cassis"] not in visible
