"""Claims on the directory: the identity leaves apart, accounts as keys of their own controller."""

import json

import pytest

from quivive.contacts.directory import MAX_ACCOUNTS, DirectoryContext, map_agent
from quivive.model.contact import AccountRef
from quivive.privacy.pseudonym import ControllerKeys, agent_key, derive_controller_agent_key, person_key
from quivive.rows import FieldError, Row

OPERATOR_KEY = b"o" * 32
KEYS = {
    name: ControllerKeys(key_id="k1", record=name.encode() * 4, agent=derive_controller_agent_key(OPERATOR_KEY, name))
    for name in ("aurore", "boreal")
}
CONTEXT = DirectoryContext(operator_agent_key=OPERATOR_KEY, controllers=KEYS)
ROW = {
    "id": "hr-7",
    "version": 1,
    "name": "Camille Dupont",
    "employer": "qualis",
    "establishment": "lille",
    "country": "FR",
    "site": "lille-1",
    "team": "assist",
    "controllers": ["boreal", "aurore", "aurore"],
    "accounts": [
        {"controller": "aurore", "namespace": "crm", "login": "C.Dupont", "valid_from": "2026-01-01T00:00:00Z"},
        {"controller": "boreal", "namespace": "crm", "login": "C.Dupont"},
    ],
    "informed_at": "2026-01-02T00:00:00Z",
}


def mapped(**change):
    return map_agent(Row({**ROW, **change}), CONTEXT)


def test_the_body_holds_neither_name_nor_login():
    """Person and accounts are keyed pseudonyms; the same login differs between two controllers."""
    body = mapped().body
    assert body.person == person_key(OPERATOR_KEY, "hr-7")
    assert body.accounts[0] == AccountRef(
        controller="aurore",
        namespace="crm",
        agent=agent_key(KEYS["aurore"], "crm", "c.dupont"),
        valid_from=1_767_225_600_000_000,
        valid_to=0,
    )
    assert body.accounts[0].agent != body.accounts[1].agent
    assert body.controllers == ("aurore", "boreal")
    assert "upont" not in repr(body)


def test_the_identity_leaves_apart_and_never_shows():
    """Name and HR id go to the vault; no repr tells them; a row without name leaves the vault as it is."""
    identity = mapped().identity
    assert identity is not None
    assert json.loads(identity.plaintext) == {"id": "hr-7", "name": "Camille Dupont"}
    assert "Dupont" not in repr(mapped())
    assert mapped(name=None).identity is None


def test_not_informed_is_zero():
    """Without `informed_at` nothing will ever be linked to the person."""
    assert mapped(informed_at=None).body.informed_at == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"employer": None}, "$.employer"),
        ({"establishment": "Chez Dupont"}, "$.establishment"),
        ({"country": "France"}, "$.country"),
        ({"controllers": ["dupont"]}, "$.controllers[0]"),
        ({"accounts": [{"controller": "dupont", "namespace": "crm", "login": "x"}]}, "$.accounts[0].controller"),
        ({"accounts": [{"controller": "aurore", "namespace": "C R M", "login": "x"}]}, "$.accounts[0].namespace"),
        ({"accounts": [{"controller": "aurore", "namespace": "crm"}]}, "$.accounts[0].login"),
        (
            {
                "accounts": [
                    {
                        "controller": "aurore",
                        "namespace": "crm",
                        "login": "x",
                        "valid_from": "2026-01-02T00:00:00Z",
                        "valid_to": "2026-01-01T00:00:00Z",
                    }
                ]
            },
            "$.accounts[0].valid_to",
        ),
        ({"accounts": [ROW["accounts"][0]] * (MAX_ACCOUNTS + 1)}, "$.accounts"),
        (
            {"active_from": "2026-01-02T00:00:00Z", "active_to": "2026-01-01T00:00:00Z"},
            "$.active_to",
        ),
        ({"first_name": "Camille"}, "$"),
    ],
)
def test_a_wrong_field_is_named_without_its_value(change, field):
    """Field, expected, type: never what stood there."""
    with pytest.raises(FieldError) as caught:
        mapped(**change)
    assert caught.value.field == field
    assert "upont" not in str(caught.value)
