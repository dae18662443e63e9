"""Claims of an agent's own page: his own only, one tap, declared not proved, silence is no answer."""

import re

import fakes
import pytest
from fakes_detection import QUESTION, hex_id, question

from quivive.model.alert import WordCategory
from quivive.model.clock import DAY_US
from quivive.model.entry import ActKind
from quivive.model.permission import Role
from quivive.privacy.pseudonym import neutral_code
from quivive.vault import Principal
from quivive.web.guards import session_cookie

OWN_QUERIES = {"questions_of", "recorded_of", "looks_of"}


def text_of(html):
    """The visible text of a page, with plain spaces."""
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html.split("<main", 1)[1]))
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def test_it_says_what_is_recorded_who_looked_and_what_is_asked(signed_in):
    """Sources, counts, questions with the calls around, looks by role and day, rights and contact."""
    visible = text_of(signed_in(Role.AGENT).get("/my-space").text)
    for said in (
        f"par le code {neutral_code(fakes.PERSON)}",
        "2 questions du jour",
        "Pourquoi cette fiche de customer, à 14:05:00 ?",
        "aurore-db",
        "1 204",
        "365 jours",
        "alerte qui vous concerne",
        "sécurité, DPO",
        "Pas de réponse donnée : cela ne dit rien de vous.",
        "déclaré, non prouvé",
        "dpo@relais-horizon.example",
        "Ne pas répondre n’est jamais retenu contre vous",
    ):
        assert said in visible, said


def test_the_person_is_in_no_page_act_or_address(signed_in, place):
    """The key of the session stays in the session and the query."""
    client = signed_in(Role.AGENT)
    html = client.get("/my-space").text
    assert fakes.PERSON not in html
    assert fakes.PERSON not in str(place.acts)
    assert [(act.act, act.count, act.object) for act in place.acts] == [(ActKind.VIEW_OWN_SPACE, 5, "")]
    assert {params["person"] for name, _, params in place.asked if name in OWN_QUERIES} == {fakes.PERSON}


def test_no_other_page_reads_what_only_an_agent_may(signed_in, place):
    """The three queries that take a person are asked by the own page alone."""
    client = signed_in(Role.DPO)
    for path in ("/", "/activity", "/alerts", "/unexplained", "/coverage", "/health", "/exposure"):
        assert client.get(path).status_code == 200
    assert not OWN_QUERIES & {name for name, _, _ in place.asked}


@pytest.mark.parametrize("role", [Role.SECURITY, Role.DPO, Role.ADMINISTRATOR, Role.INTEGRATION])
def test_no_other_role_reads_or_answers(signed_in, place, role):
    """Neither page nor answer: 403, and the refusal is an act."""
    client = signed_in(role)
    assert client.get("/my-space").status_code == 403
    assert client.submit("/my-space/answer", question=QUESTION, category="call").status_code == 403
    assert place.words == []
    assert {act.act for act in place.acts} == {ActKind.PERMISSION_REFUSED}


def test_an_agent_lands_on_his_own_page_and_reads_no_other(signed_in):
    """The first page leads there; traces stay closed."""
    client = signed_in(Role.AGENT)
    answer = client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/my-space")
    for path in ("/activity", "/alerts", "/coverage", "/exposure", "/unexplained", "/health", "/rules/wildcard-search"):
        assert client.get(path).status_code == 403, path


def test_one_tap_is_an_entry_and_an_act_before_the_answer(signed_in, place):
    """The word holds the question, the access and the category; the act names no person."""
    answer = signed_in(Role.AGENT).submit("/my-space/answer", question=QUESTION, category="ticket")
    assert (answer.status_code, answer.headers["location"]) == (303, "/my-space?answered=1")
    (word,) = place.words
    assert (word.question, word.controller, word.access) == (QUESTION, "aurore", hex_id("access-1"))
    assert (word.ident, word.category, word.answered_at) == (fakes.PERSON, WordCategory.TICKET, fakes.NOW)
    assert place.log[-2:] == ["word", "act answer_question"]
    assert (place.acts[-1].object, place.acts[-1].principal) == (QUESTION, "agent-1")


def test_an_answer_that_cannot_be_written_is_not_thanked(signed_in, place):
    """503; the agent may tap again."""
    client = signed_in(Role.AGENT)
    place.broken = True
    assert client.submit("/my-space/answer", question=QUESTION, category="call").status_code == 503
    assert place.words == []


@pytest.mark.parametrize(
    ("asked", "category", "status"),
    [
        (hex_id("question-20"), "ticket", 303),  # answered yesterday: a correction
        (hex_id("question-216"), "ticket", 422),  # answered nine days ago: closed
        (hex_id("question-60"), "ticket", 422),  # never answered in its time: closed
        (hex_id("another's"), "ticket", 404),
        ("customer:2", "ticket", 404),
        (QUESTION, "guilty", 422),
        (QUESTION, "", 422),
    ],
)
def test_what_is_taken_and_what_is_not(signed_in, place, asked, category, status):
    """Own questions, a closed set of answers, corrections for seven days."""
    assert signed_in(Role.AGENT).submit("/my-space/answer", question=asked, category=category).status_code == status
    assert len(place.words) == (status == 303)


def test_a_correction_ends_after_seven_days(signed_in, place):
    """One microsecond before, it is taken; then no more, and no button is shown."""
    client = signed_in(Role.AGENT)
    row = question(20, category="call", answered_at=fakes.NOW)
    place.tables["questions_of"] = [row]
    place.now = int(str(row["asked_at"])) + 7 * DAY_US - 1
    secret = place.session(Role.AGENT)
    client.cookies.set(session_cookie(place.services()), secret)
    client.csrf = place.vault.session(secret, place.now).csrf
    assert client.submit("/my-space/answer", question=row["question"], category="other").status_code == 303
    place.now += 1
    assert client.submit("/my-space/answer", question=row["question"], category="other").status_code == 422
    assert "Corriger" not in client.get("/my-space").text


def test_a_session_bound_to_nobody_shows_nothing(anonymous, place):
    """A session without a person (an older vault) reads no own page."""
    nobody = Principal(id="agent-x", roles=(Role.AGENT,), controllers=fakes.CONTROLLERS[:2], sources=())
    anonymous.cookies.set(session_cookie(place.services()), place.vault.open_session(nobody, place.now))
    answer = anonymous.get("/my-space")
    assert answer.status_code == 422
    assert "reliée à aucune personne" in answer.text
    assert place.asked == []


def test_buttons_need_no_script_and_the_chosen_one_is_told(signed_in):
    """Plain forms with a secret; the given answer is told to assistive technology."""
    html = signed_in(Role.AGENT).get("/my-space").text
    assert html.count('name="category" value="call"') == 3
    assert html.count('aria-pressed="true"') == 1
    assert "onclick" not in html
