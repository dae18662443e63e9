"""Every screen of every role, French and English, light and dark: axe finds nothing serious; shortcuts by keyboard.

Real Chromium over the real application and the in-memory installation of the unit tests. The screens are the menu of
the role and what it leads to, so that a new screen is tried as soon as somebody may see it.
"""

from pathlib import Path

import axe
import pytest
from browser import CHROMIUM, browsing, serving
from fakes_detection import ALERT, ALERTS
from playwright.sync_api import expect

from quivive.model.permission import Role
from quivive.web.guards import session_cookie

MAX_SCREENS = 40
"""Screens tried per role: the menu and one step beyond; a larger console needs a larger number here."""

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="needs the system's Chromium"),
    pytest.mark.skipif(axe.script() is None, reason=f"needs axe-core {axe.VERSION}, which npm could not fetch"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
ROLES = [role for role in Role if role is not Role.INTEGRATION]
MORE = (
    "/alerts?state=",
    f"/alerts/{ALERT}",
    "/activity?live=0",
    "/subject",
    "/no-such-page",
    "/recordings/campaigns/new",
)
LEFT_OUT = ("/sign-out", "/language", "/keys", "/static/")
"""What is no screen: choices that lead back, and files."""


def signed_in(page, place, address, role):
    """Put the session's cookie into the browser."""
    page.context.add_cookies([{"name": session_cookie(place.services()), "value": place.session(role), "url": address}])


def screens(page, address):
    """The menu of the role, and what each of its screens leads to (one example of each shape)."""
    page.goto(f"{address}/")
    menu = links(page, address)
    shapes, found = set(), []
    for path in [*menu, *MORE]:
        shape = path.split("?")[0].replace(ALERT, "*")
        if shape not in shapes:
            shapes.add(shape)
            found.append(path)
    return found[:MAX_SCREENS]


def links(page, address):
    """Paths of this console that the page links to, in order."""
    targets = page.eval_on_selector_all("nav a[href], footer a[href], .top-end a[href]", "all => all.map(a => a.href)")
    paths = [target.removeprefix(address) for target in targets if target.startswith(f"{address}/")]
    return list(dict.fromkeys(path for path in paths if not path.startswith(LEFT_OUT)))


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("role", ROLES)
def test_no_screen_has_a_serious_finding(place, role, language):
    """WCAG 2.2 AA as far as a machine can tell, in both themes. What needs a person is not claimed here."""
    found = {}
    with serving(place) as address, browsing(address, script=True, tolerate=("4", "503")) as page:
        signed_in(page, place, address, role)
        page.context.add_cookies([{"name": "quivive_language", "value": language, "url": address}])
        tried = screens(page, address)
        assert tried
        for path in tried:
            page.goto(f"{address}{path}")
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme)
                severe = axe.findings(page)
                if severe:
                    found[f"{path} {theme}"] = severe
    assert found == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_sign_in_page_has_no_serious_finding(place, theme):
    """Also before anybody is signed in, in both languages."""
    with serving(place) as address, browsing(address, script=True, color_scheme=theme) as page:
        for language in ("fr", "en"):
            page.context.add_cookies([{"name": "quivive_language", "value": language, "url": address}])
            page.goto(f"{address}/sign-in")
            assert axe.findings(page) == []


def test_keys_move_and_never_conclude(place):
    """j and k go from alert to alert, e and m to their controls, ? opens the list; nothing is sent, off is off."""
    with serving(place) as address, browsing(address, script=True) as page:
        signed_in(page, place, address, Role.SECURITY)
        page.goto(f"{address}/alerts")
        page.keyboard.press("j")
        first = page.evaluate("document.activeElement.href")
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement.href") != first
        page.keyboard.press("k")
        assert page.evaluate("document.activeElement.href") == first
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}/alerts/*")
        page.goto(f"{address}/alerts/{ALERT}")
        page.keyboard.press("e")
        assert page.evaluate("document.activeElement.value") == "explained"
        assert not page.evaluate("document.activeElement.checked")
        page.keyboard.press("m")
        assert page.evaluate("document.activeElement.form.action").endswith("/mute")
        page.keyboard.press("?")
        expect(page.locator("#keys-help")).to_be_visible()
        assert axe.findings(page) == []
        page.keyboard.press("Escape")
        expect(page.locator("#keys-help")).to_be_hidden()
        assert place.reviews == []
        page.locator("footer a[href^='/keys']").click()
        page.goto(f"{address}/alerts")
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement === document.body")
    assert len(ALERTS) > 2
