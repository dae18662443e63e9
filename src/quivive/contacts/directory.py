"""Rows of the operator's directory: who works where, with which accounts, informed since when (DESIGN §5, §11).

Called by `quivive.intake` for `POST /v1/directory`. Pure. Must never put a name or a login into a body:
the identity leaves apart, to be sealed in the vault, and accounts leave as AgentKeys.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from quivive.model.contact import AccountRef, AgentBody
from quivive.privacy.pseudonym import ControllerKeys, agent_key, person_key
from quivive.rows import FieldError, Row, sub_row, text_item

MAX_ACCOUNTS: Final = 256
"""Accounts of one person: every system of every controller served, recycled logins included."""
MAX_CONTROLLERS: Final = 1_023
"""Controllers of one person: as many as the spine has slots."""

_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_EMAIL: Final = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+")
_NAMESPACE: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,47}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryContext:
    """The operator's own agent key (32 bytes) and the pseudonym keys of every controller it works for."""

    operator_agent_key: bytes = field(repr=False)
    controllers: Mapping[str, ControllerKeys] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedIdentity:
    """An identity on its way to the vault, still in clear: the app seals it at once and keeps nothing else.

    `plaintext` is a JSON object of `id`, `name` and `email` as the row told them; it must never be logged: no repr.
    """

    person: str
    version: int
    plaintext: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedAgent:
    """One row. `identity` is None when the row tells neither name nor address: what the vault holds stays."""

    body: AgentBody
    identity: SealedIdentity | None


def map_agent(row: Row, context: DirectoryContext) -> MappedAgent:
    """Map one version of one person.

    Raises:
        FieldError: the first field that is wrong.
    """
    hr_id = row.native_id()
    person = person_key(context.operator_agent_key, hr_id)
    version = row.integer("version")
    name = row.text("name", default="", expected="a name")
    email = row.text("email", default="", expected="an e-mail address")
    if email and not _EMAIL.fullmatch(email):
        raise row.wrong("email", "an e-mail address")
    country = row.text("country", expected="a country")
    if not _COUNTRY.fullmatch(country):
        raise row.wrong("country", "two capital letters (ISO 3166-1)")
    active_from, active_to = row.instant("active_from", default=0), row.instant("active_to", default=0)
    if active_to and active_to <= active_from:
        raise FieldError(row.where("active_to"), "an instant after `active_from`", "an earlier instant")
    body = AgentBody(
        person=person,
        version=version,
        employer=row.code("employer"),
        establishment=row.code("establishment"),
        country=country,
        site=row.code("site", default=""),
        team=row.code("team", default=""),
        controllers=tuple(sorted(set(row.items("controllers", _controller(context))))),
        accounts=row.items("accounts", lambda value, path: _account(context, value, path)),
        informed_at=row.instant("informed_at", default=0),
        active_from=active_from,
        active_to=active_to,
    )
    if len(body.accounts) > MAX_ACCOUNTS or len(body.controllers) > MAX_CONTROLLERS:
        raise FieldError(row.where("accounts"), f"at most {MAX_ACCOUNTS} accounts", "a longer array")
    row.done()
    identity = None
    if name or email:
        told = {"name": name, "email": email}
        plaintext = msgspec.json.encode({"id": hr_id} | {field: value for field, value in told.items() if value})
        identity = SealedIdentity(person=person, version=version, plaintext=plaintext)
    return MappedAgent(body=body, identity=identity)


def _controller(context: DirectoryContext) -> Any:
    def read(value: Any, path: str) -> str:
        text = text_item(value, path)
        if text not in context.controllers:
            raise FieldError(path, "the id of a configured controller", "string")
        return text

    return read


def _account(context: DirectoryContext, value: Any, path: str) -> AccountRef:
    item = sub_row(value, path)
    controller = item.text("controller", expected="the id of a controller")
    keys = context.controllers.get(controller)
    if keys is None:
        raise item.wrong("controller", "the id of a configured controller")
    namespace = item.text("namespace", expected="the name of a login space")
    if not _NAMESPACE.fullmatch(namespace):
        raise item.wrong("namespace", "the name of a login space, as in quivive.toml")
    valid_from, valid_to = item.instant("valid_from", default=0), item.instant("valid_to", default=0)
    if valid_to and valid_to <= valid_from:
        raise FieldError(f"{path}.valid_to", "an instant after `valid_from`", "an earlier instant")
    agent = agent_key(keys, namespace, item.text("login", expected="a login"))
    item.done()
    return AccountRef(controller=controller, namespace=namespace, agent=agent, valid_from=valid_from, valid_to=valid_to)
