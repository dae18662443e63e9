"""Claims of signing in with a local account and of one's own sessions: acts first, bounds, ends."""

import re

import pytest

from quivive.identity.attempts import MAX_PER_PAIR
from quivive.identity.desk import IdentityDesk
from quivive.identity.passkeys import RelyingParty
from quivive.identity.totp import STEP_US, code_at
from quivive.model.clock import HOUR_US, MINUTE_US
from quivive.model.entry import ActKind
from quivive.model.permission import Role
from quivive.web.app import create_app

PHRASE = "correct horse battery"
ORIGIN = "http://testserver.local"


@pytest.fixture
def desk(place):
    return IdentityDesk(
        vault=place.vault, key=b"k" * 32, party=RelyingParty.of("http://127.0.0.1:8443", "Q"), oidc=None
    )


@pytest.fixture
def account(place, desk):
    """A local account; gives the code of now."""
    import asyncio
    import base64

    added = asyncio.run(
        desk.add_account(name="verre", roles=(Role.DPO,), controllers=("aurore",), password=PHRASE, now=place.now)
    )
    secret = base64.b32decode(added.secret + "=" * (-len(added.secret) % 8))
    return lambda: code_at(secret, place.now // STEP_US)


@pytest.fixture
def client(place, desk):
    from web_client import Client

    with Client(create_app(place.services(identity=desk)), base_url=ORIGIN) as client:
        yield client


def enter(client, **changed):
    fields = {"name": "verre", "password": PHRASE, **changed}
    return client.post("/sign-in/password", data=fields, follow_redirects=False)


def test_name_password_and_code_open_a_session(client, place, account):
    """Without script; the act comes first and says by what means."""
    assert "one-time-code" in client.get("/sign-in").text
    answer = enter(client, code=account())
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert (place.acts[-1].act, place.acts[-1].principal, place.acts[-1].object) == (
        ActKind.SIGN_IN,
        "verre",
        "password",
    )
    assert client.get("/account").status_code == 200


def test_whatever_is_wrong_the_answer_is_the_same(client, place, account):
    """Unknown name, wrong password, wrong code, a code used before: one sentence, one act, no name in it."""
    good = account()
    wrong = [
        enter(client, name="nobody", code=good),
        enter(client, password="wrong", code=good),
        enter(client, code="x"),
    ]
    assert enter(client, code=good).status_code == 303
    client.cookies.clear()
    wrong.append(enter(client, code=good))
    said = {re.search(r'role="alert">([^<]*)<', each.text)[1] for each in wrong}
    assert len(said) == 1
    assert {each.status_code for each in wrong} == {403}
    refused = [act for act in place.acts if act.act is ActKind.SIGN_IN_REFUSED]
    assert [(act.principal, act.object) for act in refused] == [("", "credentials_refused")] * 4


def test_an_account_is_tried_a_few_times_only(client, place, account):
    """After five wrong tries even the right answer waits; a quarter of an hour later it opens."""
    for _ in range(MAX_PER_PAIR):
        assert enter(client, code="000000", password="wrong").status_code == 403
    assert enter(client, code=account()).status_code == 429
    place.now += 16 * MINUTE_US
    assert enter(client, code=account()).status_code == 303


def test_a_disabled_account_opens_nothing_and_its_sessions_end(client, place, account):
    """At once."""
    enter(client, code=account())
    place.vault.disable_account("verre", place.now)
    assert client.get("/account", follow_redirects=False).headers["location"] == "/sign-in"
    place.now += 2 * STEP_US
    assert enter(client, code=account()).status_code == 403


def test_no_session_without_its_act(client, place, account):
    """When the act cannot be written there is no cookie."""
    place.broken = True
    answer = enter(client, code=account())
    assert answer.status_code == 503
    assert "quivive_session" not in answer.headers.get("set-cookie", "")


def test_the_vault_holds_neither_password_nor_code_secret(place, account, tmp_path):
    """Argon2id and a sealed blob."""
    (held,) = place.vault.accounts()
    assert held.password.startswith("$argon2id$")
    place.vault.close()
    assert PHRASE.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_session_ends_when_nothing_is_asked_and_a_poll_asks_nothing(signed_in, place):
    """An hour without a request of a person; a page left open does not count."""
    client = signed_in(Role.DPO)
    for _ in range(4):
        place.now += 20 * MINUTE_US
        client.get("/activity/rows")
    assert client.get("/account", follow_redirects=False).status_code == 303


def test_own_sessions_are_listed_and_ended_one_or_all(signed_in, place):
    """Nobody's but one's own."""
    here, there, other = signed_in(Role.DPO), signed_in(Role.DPO), signed_in(Role.SECURITY)
    mine = place.vault.sessions_of("dpo-1", place.now)
    assert len(mine) == 2
    theirs = place.vault.sessions_of("security-1", place.now)[0].id
    assert here.submit("/account/sessions/end", session=theirs).status_code == 404
    cookie = there.cookies["quivive_session"]
    gone = place.vault.session(cookie, place.now).id
    assert here.submit("/account/sessions/end", session=gone).headers["location"] == "/account"
    assert there.get("/account", follow_redirects=False).headers["location"] == "/sign-in"
    assert here.submit("/account/sessions/end", session="all").headers["location"] == "/sign-in"
    assert place.vault.sessions_of("dpo-1", place.now) == []
    assert other.get("/account").status_code == 200


def test_an_absolute_end_stands_whatever_is_done(signed_in, place):
    """Ten hours, used all along."""
    client = signed_in(Role.DPO)
    for _ in range(11):
        assert client.get("/account", follow_redirects=False).status_code == 200
        place.now += HOUR_US - MINUTE_US
    assert client.get("/account", follow_redirects=False).status_code == 303
