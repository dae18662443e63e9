"""Claims of the sign-in: the secret leaves the URL, one confirmation, one use, both outcomes are acts."""

import pytest

from quivive.model.entry import ActKind
from quivive.model.permission import Role
from quivive.vault import LINK_LIFETIME_US
from quivive.web.routes.signing import MAX_REFUSALS_PER_MINUTE


@pytest.fixture
def link(place):
    """A fresh one-time link."""
    return place.vault.issue_link(principal="dpo-1", roles=(Role.DPO,), controllers=("aurore",), now=place.now)


def confirm(client):
    return client.post("/sign-in", follow_redirects=False)


def test_a_link_signs_in_after_one_confirmation(anonymous, place, link):
    """The secret moves from the URL to a short cookie; the confirmation opens the session; the act comes first."""
    opened = anonymous.get(f"/sign-in?token={link}", follow_redirects=False)
    assert (opened.status_code, opened.headers["location"]) == (303, "/sign-in")
    assert "HttpOnly" in opened.headers["set-cookie"]
    page = anonymous.get("/sign-in").text
    assert "Ouvrir la session" in page
    assert link not in page
    welcome = confirm(anonymous)
    assert (welcome.status_code, welcome.headers["location"]) == (303, "/")
    assert [act.act for act in place.acts] == [ActKind.SIGN_IN]
    assert "Visite en quatre étapes" in anonymous.get("/").text


def test_opening_a_link_does_not_use_it(anonymous, place, link):
    """A program that previews the link leaves it whole."""
    for _ in range(3):
        anonymous.get(f"/sign-in?token={link}")
    assert place.acts == []
    assert confirm(anonymous).headers["location"] == "/"


@pytest.mark.parametrize(("later", "said"), [(0, "déjà servi"), (LINK_LIFETIME_US, "a expiré")])
def test_a_used_or_late_link_is_refused_in_words(anonymous, place, link, later, said):
    """The second use and the late one say why, and are acts."""
    if not later:
        place.vault.consume_link(link, place.now)
    place.now += later
    anonymous.get(f"/sign-in?token={link}")
    refused = confirm(anonymous)
    assert refused.status_code == 403
    assert said in refused.text
    assert [act.act for act in place.acts] == [ActKind.SIGN_IN_REFUSED]


def test_guesses_do_not_fill_the_ledger(anonymous, place):
    """Beyond a bound per minute, refused sign-ins are answered 429 without an act."""
    codes = [confirm(anonymous).status_code for _ in range(MAX_REFUSALS_PER_MINUTE + 5)]
    assert codes == [403] * MAX_REFUSALS_PER_MINUTE + [429] * 5
    assert len(place.acts) == MAX_REFUSALS_PER_MINUTE
    place.now += 60_000_001
    assert confirm(anonymous).status_code == 403


def test_guesses_do_not_lock_out_who_holds_a_link(anonymous, link):
    """While guesses are answered 429, a good link still signs in."""
    for _ in range(MAX_REFUSALS_PER_MINUTE + 1):
        refused = confirm(anonymous)
    assert refused.status_code == 429
    anonymous.get(f"/sign-in?token={link}")
    assert confirm(anonymous).status_code == 303


def test_no_session_opens_when_the_act_cannot_be_written(anonymous, place, link):
    """Signing in without a trace is refused."""
    anonymous.get(f"/sign-in?token={link}")
    place.broken = True
    refused = confirm(anonymous)
    assert refused.status_code == 503
    assert "quivive_session" not in refused.headers.get("set-cookie", "")


def test_signing_out_ends_the_session_at_once(signed_in, place):
    """The cookie of an ended session opens nothing, even if it was copied."""
    client = signed_in(Role.DPO)
    cookie = client.cookies["quivive_session"]
    assert client.submit("/sign-out").headers["location"] == "/sign-in"
    assert place.acts[-1].act is ActKind.SIGN_OUT
    assert place.vault.session(cookie, place.now) is None


def test_the_session_cookie_is_strict(anonymous, link):
    """HttpOnly and SameSite=Strict."""
    anonymous.get(f"/sign-in?token={link}")
    cookies = confirm(anonymous).headers.get_list("set-cookie")
    cookie = next(value for value in cookies if value.startswith("quivive_session"))
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


def test_the_anonymous_learn_only_how_to_sign_in(anonymous):
    """The first page leads to the sign-in page, which tells how a link is obtained."""
    page = anonymous.get("/")
    assert page.url.path == "/sign-in"
    assert "quivive sign-in-link" in page.text
