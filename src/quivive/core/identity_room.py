"""Opens the identity desk, and answers the commands of accounts, inspections and the list of tokens.

Called by `core.main` and `core.commands`. Must never answer a password, nor a second factor twice.
"""

import os
import secrets
from typing import Any, Final

from quivive.core.compose import Parts
from quivive.core.control import Handler
from quivive.identity.desk import IdentityDesk
from quivive.identity.oidc import OidcProvider
from quivive.identity.passkeys import RelyingParty
from quivive.model.clock import Micros, to_rfc3339
from quivive.model.entry import ActBody, ActKind
from quivive.model.errors import ConfigurationError, RefusedError
from quivive.model.permission import Role
from quivive.privacy.keyring import Keyring
from quivive.privacy.pseudonym import neutral_code, person_key
from quivive.privacy.sealing import KEY_BYTES
from quivive.settings import SETTINGS_FILE, Settings
from quivive.vault import Vault

SECRET_VARIABLE: Final = "QUIVIVE_OIDC_CLIENT_SECRET"  # noqa: S105 - the name of a variable
RETURN_PATH: Final = "/sign-in/oidc/return"
OWNER: Final = "owner"


def open_identity(settings: Settings, keyring: Keyring, vault: Vault) -> IdentityDesk:
    """Make the desk of this installation.

    Raises:
        ConfigurationError: the file of the client's secret cannot be read.
    """
    key = keyring.operator_secret("accounts", ("key",), lambda: {"key": secrets.token_bytes(KEY_BYTES)})["key"]
    return IdentityDesk(
        vault=vault,
        key=key,
        party=RelyingParty.of(settings.operator.console_url, f"Quivive · {settings.operator.name}"),
        oidc=_provider(settings, keyring) if settings.oidc.issuer else None,
    )


def _provider(settings: Settings, keyring: Keyring) -> OidcProvider:
    secret = os.environ.get(SECRET_VARIABLE, "")
    if settings.oidc.client_secret_file:
        try:
            secret = (settings.home / settings.oidc.client_secret_file).read_text(encoding="utf-8").strip()
        except OSError:
            raise ConfigurationError(
                file=SETTINGS_FILE, key="oidc.client_secret_file", expected="a file that can be read", found="none"
            ) from None

    def person_of(agent_id: str) -> tuple[str, str]:
        if not agent_id:
            raise RefusedError("oidc_no_agent")
        person = person_key(keyring.operator_agent_key, agent_id)
        return person, f"agent-{neutral_code(person)}"

    return OidcProvider(
        settings.oidc,
        secret=secret,
        redirect_uri=settings.operator.console_url + RETURN_PATH,
        controllers=tuple(settings.controllers),
        person_of=person_of,
    )


def identity_commands(parts: Parts) -> dict[str, Handler]:
    """Return the handlers."""
    table = _Identity(parts)
    return {
        "account-add": table.account_add,
        "account-list": table.account_list,
        "account-disable": table.account_disable,
        "inspection-open": table.inspection_open,
        "inspection-list": table.inspection_list,
        "inspection-end": table.inspection_end,
        "token-list": table.token_list,
    }


class _Identity:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def account_add(self, request: dict[str, Any]) -> dict[str, Any]:
        desk = self._desk()
        name = str(request["name"])
        added = await desk.add_account(
            name=name,
            roles=tuple(Role(role) for role in request["roles"]),
            controllers=self._controllers(request),
            password=str(request["password"]),
            now=self._parts.clock(),
        )
        await self._record(ActKind.ADD_ACCOUNT, name)
        return {"account": name, "code_secret": added.secret, "code_uri": added.uri}

    async def account_list(self, request: dict[str, Any]) -> dict[str, Any]:
        del request
        vault = self._parts.vault
        return {
            "accounts": [
                {
                    "name": each.name,
                    "roles": list(each.roles),
                    "controllers": list(each.controllers),
                    "created_at": _written(each.created_at),
                    "used_at": _written(each.used_at),
                    "disabled_at": _written(each.disabled_at),
                    "passkeys": len(vault.passkeys_of(each.name)),
                }
                for each in vault.accounts()
            ]
        }

    async def account_disable(self, request: dict[str, Any]) -> dict[str, Any]:
        name = str(request["name"])
        self._parts.vault.disable_account(name, self._parts.clock())
        await self._record(ActKind.DISABLE_ACCOUNT, name)
        return {"disabled": name}

    async def inspection_open(self, request: dict[str, Any]) -> dict[str, Any]:
        controllers = self._controllers(request)
        inspection, secret = self._parts.vault.open_inspection(
            controllers=controllers, opened_by=OWNER, ends_at=int(request["ends_at"]), now=self._parts.clock()
        )
        await self._record(ActKind.OPEN_INSPECTION, inspection.id, controllers)
        return {
            "inspection": inspection.id,
            "until": _written(inspection.ends_at),
            "link": f"{self._parts.settings.operator.console_url}/sign-in?token={secret}",
        }

    async def inspection_list(self, request: dict[str, Any]) -> dict[str, Any]:
        del request
        return {
            "inspections": [
                {
                    "inspection": each.id,
                    "controllers": list(each.controllers),
                    "opened_at": _written(each.opened_at),
                    "until": _written(each.ended_at or each.ends_at),
                    "open": each.open_at(self._parts.clock()),
                }
                for each in self._parts.vault.inspections()
            ]
        }

    async def inspection_end(self, request: dict[str, Any]) -> dict[str, Any]:
        inspection = self._parts.vault.inspection(str(request["inspection"]))
        ended = self._parts.vault.end_inspection(inspection, by=OWNER, now=self._parts.clock())
        await self._record(ActKind.END_INSPECTION, inspection.id, inspection.controllers)
        return {"inspection": inspection.id, "sessions": ended}

    async def token_list(self, request: dict[str, Any]) -> dict[str, Any]:
        del request
        return {
            "tokens": [
                {
                    "name": each.name,
                    "sources": list(each.sources),
                    "roles": list(each.roles),
                    "controllers": list(each.controllers),
                    "until": _written(each.expires_at),
                }
                for each in self._parts.vault.tokens()
            ]
        }

    def _desk(self) -> IdentityDesk:
        if self._parts.identity is None:
            raise RefusedError("not_ready", "try again in a moment")
        return self._parts.identity

    def _controllers(self, request: dict[str, Any]) -> tuple[str, ...]:
        known = tuple(self._parts.settings.controllers)
        wanted = tuple(str(each) for each in request.get("controllers") or known)
        for controller in wanted:
            if controller not in known:
                raise RefusedError("controller_unknown", f"expected one of {', '.join(known)}, found {controller}")
        return wanted

    async def _record(self, act: ActKind, what: str, controllers: tuple[str, ...] = ()) -> None:
        """Write an act of the machine's owner; durable before the answer."""
        await self._parts.record_act(
            ActBody(
                act=act,
                principal=OWNER,
                role="",
                controllers=controllers,
                object=what,
                count=1,
                purpose="administration",
            )
        )


def _written(at: int) -> str:
    return to_rfc3339(Micros(at)) if at else ""
