"""`[oidc]`: the house's identity provider, and what its groups may do here. Checked while `settings` decodes.

Must never hold a secret: the client's secret comes by file or by the environment.
"""

import re
from collections.abc import Collection
from typing import Final

import msgspec

from quivive.model.errors import ConfigurationError, RefusedError
from quivive.model.permission import Role, check_grant

_ISSUER: Final = re.compile(r"https://[^\s?#]+|http://(127\.\d+\.\d+\.\d+|localhost)(:\d{1,5})?(/[^\s?#]*)?")


class OidcGroup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[oidc.groups.NAME]`: what a group of the provider may do here; no controllers = all of them."""

    roles: tuple[Role, ...]
    controllers: tuple[str, ...] = ()


class OidcSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[oidc]`; without an issuer nobody signs in by a provider."""

    issuer: str = ""
    client_id: str = ""
    client_secret_file: str = ""
    label: str = ""
    scopes: str = "openid profile"
    groups_claim: str = "groups"
    principal_claim: str = "sub"
    agent_claim: str = ""
    ca: str = ""
    groups: dict[str, OidcGroup] | None = None


def check_oidc(oidc: OidcSettings, controllers: Collection[str], shown: str) -> None:
    """Refuse half a provider, and groups that join what must stay apart.

    Raises:
        ConfigurationError: no https issuer, no client, no group, an unknown controller, or a forbidden grant.
    """
    if not oidc.issuer:
        return
    if not _ISSUER.fullmatch(oidc.issuer):
        raise ConfigurationError(file=shown, key="oidc.issuer", expected="an https:// address", found="another text")
    for key, found, expected in (
        ("client_id", oidc.client_id, "the name of this console at the provider"),
        ("groups", oidc.groups, "one group at least, with its roles"),
    ):
        if not found:
            raise ConfigurationError(file=shown, key=f"oidc.{key}", expected=expected, found="nothing")
    if "openid" not in oidc.scopes.split():
        raise ConfigurationError(file=shown, key="oidc.scopes", expected="openid among them", found="other scopes")
    for name, group in (oidc.groups or {}).items():
        _check_group(oidc, name, group, controllers, shown)


def _check_group(oidc: OidcSettings, name: str, group: OidcGroup, controllers: Collection[str], shown: str) -> None:
    key = f"oidc.groups.{name}"
    for controller in group.controllers:
        if controller not in controllers:
            raise ConfigurationError(
                file=shown, key=f"{key}.controllers", expected="a declared controller", found=controller
            )
    if {Role.INTEGRATION, Role.INSPECTOR} & set(group.roles):
        raise ConfigurationError(
            file=shown, key=f"{key}.roles", expected="neither integration nor inspector", found="one of them"
        )
    if Role.AGENT in group.roles and not oidc.agent_claim:
        raise ConfigurationError(
            file=shown, key="oidc.agent_claim", expected="the claim that holds an agent's id", found="nothing"
        )
    try:
        person = "somebody" if Role.AGENT in group.roles else ""
        check_grant(group.roles, group.controllers or controllers, person=person)
    except RefusedError as error:
        raise ConfigurationError(
            file=shown, key=f"{key}.roles", expected="roles that may be held together", found=error.code
        ) from None
