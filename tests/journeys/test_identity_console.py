"""A person signs in: local account without script, a passkey with it, a house account by a real provider; looks at roles."""

import asyncio
import base64
import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import uvicorn
from browser import CONTRAST, browsing

from quivive.identity.desk import IdentityDesk
from quivive.identity.oidc import OidcProvider
from quivive.identity.passkeys import RelyingParty
from quivive.identity.totp import STEP_US, code_at
from quivive.model.permission import Role
from quivive.oidc_settings import OidcGroup, OidcSettings
from quivive.web.app import create_app

PHRASE = "correct horse battery"
USER = {"sub": "u-dpo", "groups": ["quivive-dpo"]}


@contextlib.contextmanager
def serving(place, issuer=""):
    """Serve with an identity desk; gives the desk and the address by name."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    address = f"http://localhost:{listener.getsockname()[1]}"
    settings = OidcSettings(
        issuer=issuer, client_id="quivive", label="Relais Horizon", groups={"quivive-dpo": OidcGroup(roles=(Role.DPO,))}
    )
    provider = OidcProvider(
        settings,
        secret="a-secret",
        redirect_uri=f"{address}/sign-in/oidc/return",
        controllers=("aurore", "boreal"),
        person_of=lambda agent: (agent, agent),
    )
    desk = IdentityDesk(
        vault=place.vault, key=b"k" * 32, party=RelyingParty.of(address, "Quivive"), oidc=provider if issuer else None
    )
    config = uvicorn.Config(create_app(place.services(identity=desk)), log_level="error", access_log=False, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield desk, address
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


def add_account(place, desk):
    fields = {"name": "coffre", "roles": (Role.DPO,), "controllers": ("aurore", "boreal"), "password": PHRASE}
    with ThreadPoolExecutor(1) as elsewhere:  # Playwright's loop runs in this thread
        added = elsewhere.submit(lambda: asyncio.run(desk.add_account(**fields, now=place.now))).result()
    secret = base64.b32decode(added.secret + "=" * (-len(added.secret) % 8))
    return code_at(secret, place.now // STEP_US)


def by_password(page, address, code):
    page.goto(f"{address}/sign-in")
    page.get_by_label("Nom du compte").fill("coffre")
    page.get_by_label("Mot de passe").fill(PHRASE)
    page.get_by_label("Code à six chiffres").fill(code)
    page.get_by_role("button", name="Ouvrir la session").click()
    page.wait_for_url(f"{address}/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_script_a_local_account_signs_in_and_reads_who_sees_what(place, shot, scheme):
    """Form, sessions, roles, sign-out everywhere; the page says that passkeys need script; texts are legible."""
    with serving(place) as (desk, address), browsing(address, script=False, color_scheme=scheme) as page:
        code = add_account(place, desk)
        page.goto(f"{address}/sign-in")
        assert "JavaScript" in page.content()
        shot(page, f"sign-in-{scheme}")
        by_password(page, address, code)
        page.get_by_role("link", name="Qui voit quoi").click()
        assert "Lire les accès" in page.content()
        shot(page, f"roles-{scheme}")
        page.get_by_role("link", name="coffre").click()
        shot(page, f"account-{scheme}")
        page.get_by_role("button", name="Clore toutes mes sessions").click()
        page.wait_for_url(f"{address}/sign-in")


def test_a_passkey_is_registered_and_signs_in(place, shot):
    """By Chromium's own virtual authenticator, under the strict policy; a removed key opens nothing."""
    with serving(place) as (desk, address), browsing(address, script=True) as page:
        by_password(page, address, add_account(place, desk))
        devices = page.context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        devices.send(
            "WebAuthn.addVirtualAuthenticator",
            {
                "options": {
                    "protocol": "ctap2",
                    "transport": "internal",
                    "hasResidentKey": True,
                    "hasUserVerification": True,
                    "isUserVerified": True,
                    "automaticPresenceSimulation": True,
                }
            },
        )
        page.goto(f"{address}/account")
        page.get_by_label("Nom de l’appareil").fill("portable du coffre")
        page.get_by_role("button", name="Ajouter une clé d’accès").click()
        page.get_by_role("cell", name="portable du coffre").or_(page.get_by_text("portable du coffre")).first.wait_for()
        shot(page, "account-passkey")
        assert page.evaluate(CONTRAST) == []
        page.get_by_role("button", name="Clore toutes mes sessions").click()
        page.wait_for_url(f"{address}/sign-in")
        assert page.evaluate(CONTRAST) == []
        page.get_by_role("button", name="Utiliser une clé d’accès").click()
        page.wait_for_url(f"{address}/")
        assert [(act.act, act.object) for act in place.acts if act.act == "sign_in"] == [
            ("sign_in", "password"),
            ("sign_in", "passkey"),
        ]
        (key,) = place.vault.passkeys_of("coffre")
        assert key.sign_count > 0


def test_a_house_account_signs_in_by_the_provider(place):
    """Out to a real provider and back; the strict session cookie holds on the way home."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).parent / "oidc-provider-mock"), "-p", str(port), "-n", "true"]
    process = subprocess.Popen(
        [*command, "--user-claims", json.dumps(USER)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    issuer = f"http://127.0.0.1:{port}"
    try:
        for _ in range(400):
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{issuer}/.well-known/openid-configuration").raise_for_status()
                break
            time.sleep(0.1)
        with (
            serving(place, issuer) as (_, address),
            browsing(address, script=False, beyond=("http",), tolerate=("4",)) as page,
        ):
            page.goto(f"{address}/sign-in")
            page.get_by_role("link", name="Continuer avec Relais Horizon").click()
            page.wait_for_url(f"{issuer}/**")
            page.locator("input[name=sub]").first.fill("u-dpo")
            page.locator("button, input[type=submit]").first.click()
            page.wait_for_url(f"{address}/")
            assert "u-dpo" in page.content()
    finally:
        process.terminate()
        process.wait(20)
    assert place.acts[0].act == "sign_in"
    assert (place.acts[0].principal, place.acts[0].object) == ("u-dpo", "oidc")
