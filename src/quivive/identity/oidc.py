"""Sign-in by the house's identity provider: OpenID Connect, code flow with PKCE, state and nonce, by Authlib.

Called by `identity.desk`. Must never log or keep a token, a code or a claim: what leaves is a principal or a refusal
by code. Fails closed: an answer that cannot be checked is a refusal.
"""

import hashlib
import hmac
import re
import secrets
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from quivive.model.errors import RefusedError
from quivive.model.permission import Role, check_grant
from quivive.oidc_settings import OidcSettings
from quivive.vault_sessions import Principal

with warnings.catch_warnings():  # Authlib announces another HTTP client; ours stays until that one is out
    from authlib.deprecate import AuthlibDeprecationWarning

    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.httpx_client import AsyncOAuth2Client

ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures that a provider may use: never `none`, never a shared secret."""
TIMEOUT_S: Final = 10
METADATA_LIFETIME_S: Final = 3_600
LEEWAY_S: Final = 60
"""Seconds that the provider's clock may be off."""
MAX_ANSWER: Final = 1 << 20
"""Bytes of one answer of the provider: a document of keys is a few kilobytes."""
VERIFIER_CHARS: Final = 64
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What one browser keeps, in a cookie only the server reads, between leaving and coming back."""

    state: str
    nonce: str
    verifier: str

    def written(self) -> str:
        """As one cookie value."""
        return f"{self.state}.{self.nonce}.{self.verifier}"

    @classmethod
    def read(cls, text: str) -> "Flow":
        """From the cookie.

        Raises:
            RefusedError: `oidc_state`.
        """
        parts = text.split(".")
        if len(parts) != 3 or not all(parts):
            raise RefusedError("oidc_state")
        return cls(state=parts[0], nonce=parts[1], verifier=parts[2])


class OidcProvider:
    """One provider. Its metadata and keys are read when first needed, and again each hour or for an unknown key."""

    def __init__(
        self,
        settings: OidcSettings,
        *,
        secret: str,
        redirect_uri: str,
        controllers: tuple[str, ...],
        person_of: Callable[[str], tuple[str, str]],
    ) -> None:
        """`controllers`: all of them. `person_of`: an agent's id of the directory → (PersonKey, principal)."""
        self._settings, self._secret, self._redirect_uri = settings, secret, redirect_uri
        self._controllers, self._person_of = controllers, person_of
        self._metadata: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._read_at = 0.0

    @property
    def label(self) -> str:
        """What the sign-in page calls it."""
        return self._settings.label

    async def begin(self) -> tuple[str, Flow]:
        """Where to send the browser, and what it keeps.

        Raises:
            RefusedError: `oidc_unreachable`.
        """
        flow = Flow(
            state=secrets.token_urlsafe(24), nonce=secrets.token_urlsafe(24), verifier=generate_token(VERIFIER_CHARS)
        )
        async with self._client() as client:
            metadata = await self._discover(client)
            url, _state = client.create_authorization_url(
                metadata["authorization_endpoint"], state=flow.state, nonce=flow.nonce, code_verifier=flow.verifier
            )
        return str(url), flow

    async def finish(self, flow: Flow, answer: Mapping[str, str]) -> Principal:
        """Turn the provider's answer into a principal.

        Raises:
            RefusedError: `oidc_state`, `oidc_refused`, `oidc_unreachable`, `oidc_token`, `oidc_no_group`,
                `oidc_groups_apart`.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), flow.state.encode()):
            raise RefusedError("oidc_state")
        if "error" in answer or not answer.get("code"):
            raise RefusedError("oidc_refused")
        async with self._client() as client:
            metadata = await self._discover(client)
            if answer.get("iss", metadata["issuer"]) != metadata["issuer"]:  # RFC 9207
                raise RefusedError("oidc_state")
            try:
                token = await client.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=answer["code"],
                    code_verifier=flow.verifier,
                )
            except (OAuthError, ValueError) as error:
                raise RefusedError("oidc_refused") from error
            except httpx.HTTPError as error:
                raise RefusedError("oidc_unreachable") from error
            claims = await self._claims(client, token, flow)
            if self._settings.groups_claim not in claims and metadata.get("userinfo_endpoint"):
                claims = await self._more(client, metadata["userinfo_endpoint"], claims)
        return self._principal(claims)

    def _client(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            client_id=self._settings.client_id,
            client_secret=self._secret or None,
            token_endpoint_auth_method="client_secret_basic" if self._secret else "none",
            scope=self._settings.scopes,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            timeout=TIMEOUT_S,
            follow_redirects=False,
            **({"verify": self._settings.ca} if self._settings.ca else {}),
        )

    async def _get(self, client: AsyncOAuth2Client, url: str, *, with_token: bool = False) -> dict[str, Any]:
        try:
            response = await client.request("GET", url, withhold_token=not with_token)
            response.raise_for_status()
            found = response.json() if len(response.content) <= MAX_ANSWER else None
        except (httpx.HTTPError, ValueError) as error:
            raise RefusedError("oidc_unreachable") from error
        if not isinstance(found, dict):
            raise RefusedError("oidc_unreachable")
        return found

    async def _discover(self, client: AsyncOAuth2Client) -> dict[str, Any]:
        if self._metadata and time.monotonic() - self._read_at < METADATA_LIFETIME_S:
            return self._metadata
        issuer = self._settings.issuer
        metadata = await self._get(client, issuer.rstrip("/") + "/.well-known/openid-configuration")
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if metadata.get("issuer") != issuer or not all(isinstance(metadata.get(key), str) for key in needed):
            raise RefusedError("oidc_unreachable", "the provider calls itself otherwise, or tells no endpoints")
        await self._read_keys(client, metadata)
        self._metadata, self._read_at = metadata, time.monotonic()
        return metadata

    async def _read_keys(self, client: AsyncOAuth2Client, metadata: dict[str, Any]) -> None:
        found = await self._get(client, metadata["jwks_uri"])
        try:
            self._keys = KeySet.import_key_set({"keys": list(found["keys"])})
        except (JoseError, KeyError, TypeError, ValueError) as error:
            raise RefusedError("oidc_unreachable") from error

    async def _claims(self, client: AsyncOAuth2Client, token: Mapping[str, Any], flow: Flow) -> dict[str, Any]:
        text = token.get("id_token")
        if not isinstance(text, str):
            raise RefusedError("oidc_token")
        try:
            return self._checked(text, token, flow)
        except RefusedError:
            await self._read_keys(client, self._metadata)  # the provider may have changed its keys
        return self._checked(text, token, flow)

    def _checked(self, text: str, token: Mapping[str, Any], flow: Flow) -> dict[str, Any]:
        assert self._keys is not None
        client_id = self._settings.client_id
        try:
            decoded = jwt.decode(text, self._keys, algorithms=ALGORITHMS)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                options={
                    "iss": {"essential": True, "value": self._settings.issuer},
                    "aud": {"essential": True, "value": client_id},
                    "nonce": {"essential": True, "value": flow.nonce},
                },
                params={"nonce": flow.nonce, "client_id": client_id, "access_token": token.get("access_token")},
            )
            claims.validate(leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise RefusedError("oidc_token") from error
        return dict(decoded.claims)

    async def _more(self, client: AsyncOAuth2Client, url: str, claims: dict[str, Any]) -> dict[str, Any]:
        """Groups may stand only in the user's information; it must be the same person's."""
        more = await self._get(client, url, with_token=True)
        if more.get("sub") != claims["sub"]:
            raise RefusedError("oidc_token")
        return more | claims

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        settings = self._settings
        named = claims.get(settings.groups_claim, [])
        names = named if isinstance(named, list) else [named]
        known = settings.groups or {}
        held = [known[name] for name in names if isinstance(name, str) and name in known]
        if not held:
            raise RefusedError("oidc_no_group")
        if len({frozenset(group.controllers) for group in held}) > 1:
            raise RefusedError("oidc_groups_apart")  # roles of one must not reach the companies of the other
        roles = tuple(role for role in Role if any(role in group.roles for group in held))
        person, name = "", str(claims.get(settings.principal_claim, "") or claims["sub"])
        if Role.AGENT in roles:
            person, name = self._person_of(str(claims.get(settings.agent_claim, "")))
        elif not _PLAIN.fullmatch(name):  # an e-mail address or worse: the entry holds an opaque name
            name = "oidc-" + hashlib.sha256(f"{settings.issuer}|{claims['sub']}".encode()).hexdigest()[:16]
        controllers = held[0].controllers or self._controllers
        check_grant(roles, controllers, person=person)
        return Principal(id=name, roles=roles, controllers=controllers, sources=(), person=person)
