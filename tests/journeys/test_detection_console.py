"""A security officer opens an alert, reads its evidence and concludes; an agent answers in one tap and corrects.

Real Chromium over the real application and the in-memory installation of the unit tests, in French and English, with
and without JavaScript, light and dark. Every request is watched, as in `browser.browsing`.
"""

from pathlib import Path

import pytest
from browser import CHROMIUM, CONTRAST, browsing, serving
from fakes import CONTROLLERS, PERSON
from fakes_detection import ALERT, ALERTS, QUESTION
from playwright.sync_api import expect

from quivive.model.entry import ActKind
from quivive.model.permission import Role

WORDS = {
    "fr": {
        "confirm": "Ouvrir la session",
        "alerts": "Alertes",
        "residual": "Fiches ouvertes sans motif trouvé, en une journée",
        "sentence": "11 fiches ouvertes sans appel, ticket ni campagne",
        "neutral": "avant qu’elle ait été entendue",
        "looked": "Ce qui expliquerait",
        "outcome": "Habilitation à revoir",
        "conclude": "Inscrire la conclusion",
        "entered": "Conclusion inscrite au journal",
        "rule": "Recherche large par début de nom",
        "runbook": "Que faire",
        "coverage": "Couverture",
        "fix": "À raccorder ensuite",
        "answer": "C’était pour un ticket",
        "correction": "Je me suis trompé de fiche",
        "thanks": "Merci, votre réponse est inscrite",
        "declared": "déclaré, non prouvé",
        "correct": "Corriger",
    },
    "en": {
        "confirm": "Open the session",
        "alerts": "Alerts",
        "residual": "Records opened with no reason found, in one day",
        "sentence": "11 records opened with no call, ticket or campaign",
        "neutral": "before that person has been heard",
        "looked": "Expected",
        "outcome": "Entitlement to be reviewed",
        "conclude": "Enter the conclusion",
        "entered": "Conclusion entered in the ledger",
        "rule": "Wide search by the beginning of a name",
        "runbook": "What to do",
        "coverage": "Coverage",
        "fix": "Fix next",
        "answer": "It was for a ticket",
        "correction": "I opened the wrong record",
        "thanks": "Thank you, your answer is entered",
        "declared": "declared, not proved",
        "correct": "Correct",
    },
}

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="needs the system's Chromium"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def enter(page, place, address, role, language):
    """Sign in by a one-time link."""
    person = PERSON if role is Role.AGENT else ""
    token = place.vault.issue_link(
        principal=f"{role}-1", roles=(role,), controllers=CONTROLLERS[:2], now=place.now, person=person
    )
    page.goto(f"{address}/sign-in?token={token}")
    if language == "en":
        page.get_by_role("link", name="English").click()
    page.get_by_role("button", name=WORDS[language]["confirm"]).click()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("language", "script"), [("fr", True), ("en", False)])
def test_a_security_officer_reads_and_concludes(place, shot, language, script, theme):
    """List, alert, evidence, conclusion, rule, coverage."""
    words, name = WORDS[language], f"alerts-{language}-{theme}"
    with serving(place) as address, browsing(address, script=script, color_scheme=theme) as page:
        enter(page, place, address, Role.SECURITY, language)
        shot(page, f"{name}-0-home")
        page.get_by_role("link", name=words["alerts"], exact=True).click()
        shot(page, f"{name}-1-list")
        page.get_by_role("link", name=words["residual"]).first.click()
        assert page.url == f"{address}/alerts/{ALERT}"
        expect(page.get_by_text(words["sentence"]).first).to_be_visible()
        expect(page.get_by_text(words["neutral"]).first).to_be_visible()
        expect(page.get_by_role("columnheader", name=words["looked"]).first).to_be_visible()
        shot(page, f"{name}-2-alert")
        page.get_by_role("radio", name=words["outcome"]).check()
        page.get_by_role("button", name=words["conclude"]).click()
        expect(page.get_by_text(words["entered"]).first).to_be_visible()
        page.goto(f"{address}/alerts")
        page.get_by_role("link", name=words["rule"]).click()
        page.get_by_role("link", name=words["rule"]).click()
        expect(page.get_by_role("heading", name=words["runbook"])).to_be_visible()
        page.get_by_role("link", name=words["coverage"], exact=True).click()
        expect(page.get_by_role("heading", name=words["fix"])).to_be_visible()
        shot(page, f"{name}-3-coverage")
    ((controller, body),) = place.reviews
    assert (controller, body.alert, body.outcome) == ("aurore", ALERT, "access_rights")
    assert ActKind.REVIEW_ALERT in {act.act for act in place.acts}


def test_an_alert_is_concluded_by_keyboard_alone(place):
    """From the first stop to the conclusion without a mouse."""
    with serving(place) as address, browsing(address, script=True) as page:
        enter(page, place, address, Role.SECURITY, "fr")
        page.goto(f"{address}/alerts/{ALERT}")
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.name") == "outcome":
                break
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_text(WORDS["fr"]["entered"]).first).to_be_visible()
    assert len(place.reviews) == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("language", "script"), [("fr", False), ("en", True)])
def test_an_agent_answers_in_one_tap_and_corrects(place, shot, language, script, theme):
    """One tap writes the word; the correction is one more."""
    words, name = WORDS[language], f"own-{language}-{theme}"
    with serving(place) as address, browsing(address, script=script, color_scheme=theme) as page:
        enter(page, place, address, Role.AGENT, language)
        assert page.url == f"{address}/my-space"
        shot(page, f"{name}-1-questions")
        page.get_by_role("button", name=words["answer"]).first.click()
        expect(page.get_by_text(words["thanks"])).to_be_visible()
        place.tables["questions_of"][0] |= {"category": "ticket", "answered_at": place.now}
        page.goto(f"{address}/my-space")
        expect(page.get_by_text(words["declared"]).first).to_be_visible()
        page.get_by_text(words["correct"], exact=True).first.click()
        page.get_by_role("button", name=words["correction"]).nth(1).click()
        expect(page.get_by_text(words["thanks"])).to_be_visible()
        assert page.evaluate(CONTRAST) == []
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        shot(page, f"{name}-2-narrow")
    assert [(word.question, str(word.category)) for word in place.words] == [
        (QUESTION, "ticket"),
        (QUESTION, "mistyped"),
    ]


def test_every_alert_is_legible_on_a_narrow_screen(place):
    """No alert page is wider than a telephone, in either language."""
    with serving(place) as address, browsing(address, script=True) as page:
        enter(page, place, address, Role.SECURITY, "en")
        page.set_viewport_size({"width": 390, "height": 844})
        for row in ALERTS:
            page.goto(f"{address}/alerts/{row['alert']}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
