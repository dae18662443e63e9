"""Claims of the identity provider, against a real one on a real port: groups give roles, all else is refused, unlogged."""

import asyncio
import contextlib
import json
import logging
import re
import socket
import subprocess
import sys
import time
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from quivive.identity.oidc import Flow, OidcProvider
from quivive.model.errors import RefusedError
from quivive.model.permission import Role
from quivive.oidc_settings import OidcGroup, OidcSettings

RETURN = "http://127.0.0.1:8443/sign-in/oidc/return"
MAIL = "camille.verre@relais-horizon.example"
PEOPLE = [
    {"sub": "u-dpo", "email": MAIL, "groups": ["quivive-dpo", "canteen"]},
    {"sub": MAIL, "groups": ["quivive-security"]},
    {"sub": "u-none", "groups": ["canteen"]},
    {"sub": "u-apart", "groups": ["quivive-dpo", "quivive-security"]},
    {"sub": "u-agent", "groups": ["quivive-agents"], "staff": "RH-0007"},
    {"sub": "u-plain"},
]


@pytest.fixture(scope="module")
def issuer():
    """The provider, in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    users = [word for person in PEOPLE for word in ("--user-claims", json.dumps(person))]
    command = [str(Path(sys.executable).parent / "oidc-provider-mock"), "-p", str(port), "-n", "true", *users]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _ in range(400):
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(f"{address}/.well-known/openid-configuration").raise_for_status()
            break
        time.sleep(0.1)
    yield address
    process.terminate()
    process.wait(20)


def provider(issuer, **changed):
    settings = OidcSettings(
        issuer=issuer,
        client_id="quivive",
        agent_claim="staff",
        groups={
            "quivive-dpo": OidcGroup(roles=(Role.DPO,)),
            "quivive-security": OidcGroup(roles=(Role.SECURITY,), controllers=("aurore",)),
            "quivive-agents": OidcGroup(roles=(Role.AGENT,)),
        },
        **changed,
    )
    return OidcProvider(
        settings,
        secret="a-secret",
        redirect_uri=RETURN,
        controllers=("aurore", "boreal"),
        person_of=lambda agent: (f"person of {agent}", "agent-7K3QX"),
    )


def authorise(url, subject):
    """What a browser does at the provider: choose who one is; the answer that comes back."""
    with httpx.Client(follow_redirects=False) as browser:
        browser.get(url).raise_for_status()
        answer = browser.post(url, data={"sub": subject})
    location = answer.headers["location"]
    assert location.startswith(RETURN)
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def sign_in(one, subject):
    async def run():
        url, flow = await one.begin()
        return await one.finish(flow, authorise(url, subject))

    return asyncio.run(run())


def refusal(one, subject):
    with pytest.raises(RefusedError) as caught:
        sign_in(one, subject)
    return caught.value.code


def test_groups_give_roles_and_companies(issuer):
    """A group without companies means all of them; groups of other houses give nothing."""
    one = sign_in(provider(issuer), "u-dpo")
    assert (one.id, one.roles, one.controllers) == ("u-dpo", (Role.DPO,), ("aurore", "boreal"))


def test_a_name_that_is_an_address_becomes_opaque(issuer):
    """No e-mail enters an entry."""
    one = sign_in(provider(issuer), MAIL)
    assert re.fullmatch(r"oidc-[0-9a-f]{16}", one.id)
    assert one.controllers == ("aurore",)


def test_an_agent_is_bound_to_his_person(issuer):
    """By the claim that holds the directory's id; without it nobody is let in as an agent."""
    one = sign_in(provider(issuer), "u-agent")
    assert (one.id, one.roles, one.person) == ("agent-7K3QX", (Role.AGENT,), "person of RH-0007")


@pytest.mark.parametrize(
    ("subject", "code"), [("u-none", "oidc_no_group"), ("u-plain", "oidc_no_group"), ("u-apart", "oidc_groups_apart")]
)
def test_who_has_no_clear_grant_is_refused(issuer, subject, code):
    """Known to the provider is not enough."""
    assert refusal(provider(issuer), subject) == code


def test_the_request_carries_challenge_state_and_nonce(issuer):
    """PKCE with S256; nothing secret in the address."""
    url, flow = asyncio.run(provider(issuer).begin())
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert (asked["state"], asked["nonce"], asked["response_type"]) == (flow.state, flow.nonce, "code")
    assert flow.verifier not in unescape(url)
    assert Flow.read(flow.written()) == flow


def finish(one, changed_flow, changed_answer, subject="u-dpo"):
    async def run():
        url, flow = await one.begin()
        answer = authorise(url, subject) | changed_answer
        kept = Flow(
            state=changed_flow.get("state", flow.state),
            nonce=changed_flow.get("nonce", flow.nonce),
            verifier=changed_flow.get("verifier", flow.verifier),
        )
        return await one.finish(kept, answer)

    with pytest.raises(RefusedError) as caught:
        asyncio.run(run())
    return caught.value.code


@pytest.mark.parametrize(
    ("flow", "answer", "code"),
    [
        ({"state": "another"}, {}, "oidc_state"),
        ({}, {"state": "another"}, "oidc_state"),
        ({"nonce": "another"}, {}, "oidc_token"),
        ({}, {"code": "guess"}, "oidc_refused"),
        ({}, {"error": "access_denied"}, "oidc_refused"),
    ],
)
def test_an_answer_to_another_question_is_refused(issuer, flow, answer, code):
    """State, nonce and code are each checked."""
    assert finish(provider(issuer), flow, answer) == code


def test_a_token_for_another_client_or_of_another_issuer_is_refused(issuer):
    """A provider that calls itself otherwise is not ours."""
    assert refusal(provider(f"{issuer}/"), "u-dpo") == "oidc_unreachable"


def test_a_provider_that_is_gone_is_a_refusal(issuer):
    """Nobody waits for ever, nobody gets in."""
    del issuer
    with pytest.raises(RefusedError, match="oidc_unreachable"):
        asyncio.run(provider("http://127.0.0.1:9").begin())


def test_no_token_and_no_address_is_logged(issuer, caplog):
    """At the level of warnings, where the product runs, and one below it."""
    caplog.set_level(logging.INFO)
    sign_in(provider(issuer), MAIL)
    refusal(provider(issuer), "u-none")
    for secret in (MAIL, "eyJ", "a-secret", "code="):
        assert secret not in caplog.text
