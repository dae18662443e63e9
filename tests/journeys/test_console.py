"""One person's way through the console in a real Chromium: in French and English, with and without JavaScript.

The server is the real application over the in-memory installation of the unit tests (real vault). Every
request of the browser is watched: none may leave for another origin. Screenshots go to the test's folder,
or to QUIVIVE_SCREENSHOTS.
"""

from pathlib import Path

import fakes
import pytest
from browser import CHROMIUM, CONTRAST, browsing, serving
from fakes_detection import ALERT
from playwright.sync_api import expect

from quivive.model.entry import ActKind
from quivive.model.permission import Role

WORDS = {
    "fr": {
        "confirm": "Ouvrir la session",
        "story": "Visite en quatre étapes",
        "find": "Voir ce qui reste à expliquer",
        "unexplained": "sans motif trouvé",
        "activity": "Activité",
        "subject": "Personne concernée",
        "search": "Chercher",
        "report": "Premier rapport à imprimer",
        "report_title": "Qui a consulté mes données",
        "prove": "Vérifier une copie",
        "whole": "Tout ce qui a été vérifié est intact.",
        "tamper": "Changer un octet d’une copie",
        "found": "L’octet changé a été trouvé.",
        "sign_out": "Se déconnecter",
        "call": "appel en cours avec cette personne",
        "held": "En attente pendant votre lecture",
        "pause": "Mettre en pause",
        "paused": "En pause",
        "unfold": "Montrer les accès",
    },
    "en": {
        "confirm": "Open the session",
        "story": "A tour in four steps",
        "find": "See what is to be explained",
        "unexplained": "no reason found",
        "activity": "Activity",
        "subject": "Data subject",
        "search": "Search",
        "report": "First report, to print",
        "report_title": "Who accessed my data",
        "prove": "Verify a copy",
        "whole": "Everything that was checked is whole.",
        "tamper": "Change one byte of a copy",
        "found": "The changed byte was found.",
        "sign_out": "Sign out",
        "call": "call in progress with this person",
        "held": "Held while you read",
        "pause": "Pause",
        "paused": "Paused",
        "unfold": "Show the accesses",
    },
}

PAGES = (
    "/", "/activity?live=0", "/unexplained", "/subject", "/health", "/alerts?state=", f"/alerts/{ALERT}", "/coverage",
    "/exposure", "/rules/wildcard-search",
)  # fmt: skip

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="needs the system's Chromium"),
    # The browser is closed by Playwright; its sockets may still be collected later.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def link(place, address):
    """A one-time link of the data protection officer."""
    controllers = fakes.CONTROLLERS[:2]
    token = place.vault.issue_link(principal="dpo-1", roles=(Role.DPO,), controllers=controllers, now=place.now)
    return f"{address}/sign-in?token={token}"


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_way_of_a_data_protection_officer(place, shot, language, script):
    """Sign in, follow the four steps, find who saw a person, print the report, sign out."""
    words = WORDS[language]
    name = f"{language}-{'script' if script else 'plain'}"
    with serving(place) as address, browsing(address, script=script) as page:
        page.goto(link(place, address))
        assert page.url == f"{address}/sign-in"
        if language == "en":
            page.get_by_role("link", name="English").click()
        page.get_by_role("button", name=words["confirm"]).click()
        expect(page.get_by_role("heading", name=words["story"])).to_be_visible()
        expect(page.locator("html")).to_have_attribute("lang", language)
        shot(page, f"{name}-1-home")

        page.get_by_role("link", name=words["find"]).click()
        expect(page.get_by_text(words["unexplained"]).first).to_be_visible()
        expect(page.locator("table.evidence").first).to_be_visible()
        shot(page, f"{name}-2-to-explain")

        page.get_by_role("link", name=words["activity"], exact=True).first.click()
        expect(page.get_by_text(words["call"]).first).to_be_visible()
        page.locator("summary").first.click()
        if not script:
            page.get_by_role("link", name=words["unfold"]).first.click()
        expect(page.locator("table.accesses").first).to_be_visible()
        shot(page, f"{name}-3-activity")

        page.get_by_role("link", name=words["subject"]).first.click()
        page.locator("input[name=text]").fill(fakes.SECRET_RECORD)
        page.get_by_role("button", name=words["search"], exact=True).click()
        assert fakes.SECRET_RECORD not in page.url
        assert page.locator("main table tbody tr").count() > 5
        shot(page, f"{name}-4-subject")
        page.get_by_role("link", name=words["report"]).click()
        expect(page.get_by_role("heading", name=words["report_title"])).to_be_visible()
        page.emulate_media(media="print")
        expect(page.locator("header.top")).to_be_hidden()
        shot(page, f"{name}-5-report")
        page.emulate_media(media="screen")

        page.goto(f"{address}/")
        page.get_by_role("button", name=words["prove"]).click()
        expect(page.get_by_text(words["whole"])).to_be_visible()
        page.get_by_role("button", name=words["tamper"]).click()
        expect(page.get_by_text(words["found"])).to_be_visible()
        shot(page, f"{name}-6-byte-found")

        page.get_by_role("button", name=words["sign_out"]).click()
        page.goto(f"{address}/activity")
        assert page.url == f"{address}/sign-in"
    kinds = [act.act for act in place.acts]
    assert kinds[0] is ActKind.SIGN_IN
    assert kinds[-1] is ActKind.SIGN_OUT
    for kind in (ActKind.VIEW_UNEXPLAINED, ActKind.VIEW_ACTIVITY_OPEN, ActKind.SEARCH_SUBJECT, ActKind.VIEW_SUBJECT):
        assert kind in kinds


def test_the_live_list_grows_holds_and_pauses(place, shot):
    """A new episode appears by itself; the list holds while one is read; pausing stops it."""
    words = WORDS["fr"]
    with serving(place) as address, browsing(address, script=True) as page:
        page.goto(link(place, address))
        page.get_by_role("button", name=words["confirm"]).click()
        page.goto(f"{address}/activity")
        newest = fakes.episode(0, agent_code="NEW22")
        place.tables["activity"].insert(0, newest)
        expect(page.get_by_text("NEW22")).to_be_visible()

        page.locator("summary").nth(1).click()
        expect(page.locator("table.accesses").first).to_be_visible()
        place.tables["activity"].insert(0, fakes.episode(0, agent_code="NEW33", episode=fakes.hex_id("later")))
        expect(page.get_by_text(words["held"])).to_be_visible()
        expect(page.get_by_text("NEW33")).to_have_count(0)
        page.locator("summary").nth(1).click()
        page.locator("h1").click()
        page.evaluate("document.activeElement.blur()")
        expect(page.get_by_text("NEW33")).to_be_visible()

        page.get_by_role("link", name=words["pause"]).click()
        expect(page.get_by_text(words["paused"])).to_be_visible()
        asked = len(place.asked)
        page.wait_for_timeout(2_500)
        assert len(place.asked) == asked
    assert [act.act for act in place.acts].count(ActKind.VIEW_ACTIVITY_OPEN) == 1


def test_the_keyboard_reaches_everything_and_shows_where_it_is(place, shot):
    """The first stop skips to the content; focus is drawn; the dark theme and a narrow screen hold."""
    with serving(place) as address, browsing(address, script=True, color_scheme="dark") as page:
        page.goto(link(place, address))
        page.get_by_role("button", name=WORDS["fr"]["confirm"]).click()
        expect(page.get_by_role("heading", name=WORDS["fr"]["story"])).to_be_visible()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        shot(page, "dark-1-home")
        page.goto(f"{address}/unexplained")
        shot(page, "dark-2-to-explain")
        page.set_viewport_size({"width": 390, "height": 844})
        for path in PAGES:
            page.goto(f"{address}{path}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        shot(page, "narrow-health")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_legible(place, theme):
    """WCAG AA: text has a contrast of at least 4.5:1 on every page, in both themes."""
    with serving(place) as address, browsing(address, script=True, color_scheme=theme) as page:
        page.goto(link(place, address))
        page.get_by_role("button", name=WORDS["fr"]["confirm"]).click()
        expect(page.get_by_role("heading", name=WORDS["fr"]["story"])).to_be_visible()
        for path in PAGES:
            page.goto(f"{address}{path}")
            assert page.evaluate(CONTRAST) == [], path
