"""Claims of the vault: secrets are hashed, links work once, everything expires, nothing crosses principals."""

import sqlite3
from hashlib import sha256

import pytest

from quivive.model.errors import RefusedError, StorageError
from quivive.model.permission import Permission, Role
from quivive.vault import (
    LINK_LIFETIME_US,
    LIVE_VIEW_SILENCE_US,
    MAX_EXPOSURE_KEYS,
    MAX_LINKS_OPEN,
    MAX_SEARCH_KEYS,
    SEARCH_LIFETIME_US,
    SESSION_LIFETIME_US,
    Principal,
    Vault,
)

NOW = 1_790_000_000_000_000
DPO = Principal(id="dpo", roles=(Role.DPO,), controllers=("aurore", "boreal"), sources=())


@pytest.fixture
def vault(tmp_path):
    vault = Vault.open(tmp_path / "vault.db")
    yield vault
    vault.close()


def link(vault, now=NOW):
    return vault.issue_link(principal="dpo", roles=(Role.DPO,), controllers=("aurore",), now=now)


def refusal(call, *arguments):
    with pytest.raises(RefusedError) as caught:
        call(*arguments)
    return caught.value.code


def test_a_link_signs_in_once(vault):
    """The first use gives the principal, the second is refused."""
    secret = link(vault)
    assert vault.consume_link(secret, NOW + 1) == Principal(
        id="dpo", roles=(Role.DPO,), controllers=("aurore",), sources=()
    )
    assert refusal(vault.consume_link, secret, NOW + 2) == "link_used"


def test_a_link_dies_after_fifteen_minutes(vault):
    """At its expiry a link is refused, one microsecond before it is not."""
    secret, other = link(vault), link(vault)
    assert refusal(vault.consume_link, secret, NOW + LINK_LIFETIME_US) == "link_expired"
    assert vault.consume_link(other, NOW + LINK_LIFETIME_US - 1).id == "dpo"


def test_an_unknown_link_is_refused(vault):
    """A guess is refused as unknown."""
    assert refusal(vault.consume_link, "guess", NOW) == "link_unknown"


def test_unused_links_are_bounded(vault):
    """A loop that issues links cannot grow the file: only the latest stay."""
    first = link(vault)
    for extra in range(MAX_LINKS_OPEN):
        link(vault, NOW + 1 + extra)
    assert refusal(vault.consume_link, first, NOW + 200) == "link_unknown"


def test_two_openings_of_the_file_cannot_both_use_a_link(vault, tmp_path):
    """Single use holds across connections, as between the core and a command."""
    secret = link(vault)
    other = Vault.open(tmp_path / "vault.db")
    assert other.consume_link(secret, NOW + 1).id == "dpo"
    assert refusal(vault.consume_link, secret, NOW + 1) == "link_used"
    other.close()


def test_a_session_lasts_until_its_expiry_or_sign_out(vault):
    """A session is found by its cookie, and gone after sign-out or at expiry."""
    secret = vault.open_session(DPO, NOW)
    session = vault.session(secret, NOW + 1)
    assert session is not None
    assert session.principal == DPO
    assert vault.session(secret, NOW + SESSION_LIFETIME_US) is None
    vault.close_session(secret)
    assert vault.session(secret, NOW + 1) is None


def test_sessions_survive_a_restart(vault, tmp_path):
    """Sessions stand in the file, not in memory."""
    secret = vault.open_session(DPO, NOW)
    vault.close()
    again = Vault.open(tmp_path / "vault.db")
    assert again.session(secret, NOW + 1) is not None
    again.close()


def test_a_token_carries_its_source_and_roles(vault):
    """A token gives the source and roles it was issued with until it expires or is revoked."""
    secret = vault.issue_token(
        name="cti", sources=("aurore-cti",), roles=(Role.INTEGRATION,), controllers=("aurore",), expires_at=NOW + 10
    )
    who = vault.token(secret, NOW)
    assert who is not None
    assert (who.id, who.sources, who.controllers) == ("token:cti", ("aurore-cti",), ("aurore",))
    assert who.may(Permission.OPERATOR_CONTACTS_WRITE)
    assert not who.may(Permission.CONTROLLER_ACCESSES_READ)
    assert vault.token(secret, NOW + 10) is None
    assert vault.token("guess", NOW) is None


def test_a_token_is_replaced_and_revoked_by_name(vault):
    """Issuing again under a name kills the former secret; revoking kills it for good."""
    issue = {"name": "crm", "sources": ("crm",), "roles": (Role.INTEGRATION,), "controllers": (), "expires_at": 0}
    first, second = vault.issue_token(**issue), vault.issue_token(**issue)
    assert vault.token(first, NOW) is None
    assert vault.token(second, NOW) is not None
    vault.revoke_token("crm")
    assert vault.token(second, NOW) is None


def test_no_secret_stands_in_the_file(vault, tmp_path):
    """A stolen vault opens nothing: only hashes of links, sessions and tokens are in the file."""
    found = [
        link(vault),
        vault.open_session(DPO, NOW),
        vault.issue_token(name="t", sources=("s",), roles=(Role.INTEGRATION,), controllers=(), expires_at=0),
    ]
    vault.close()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert content
    assert not any(secret.encode() in content for secret in found)


def test_the_file_is_for_its_owner_only(vault, tmp_path):
    """The vault file is created with mode 0600."""
    assert (tmp_path / "vault.db").stat().st_mode & 0o777 == 0o600


def test_a_search_belongs_to_who_posted_it(vault):
    """An opaque id gives its keys to its own principal only, and not after it expired."""
    search = vault.save_search(principal="dpo", controller="aurore", keys=("ab" * 16,), now=NOW)
    assert vault.search(search.id, principal="dpo", now=NOW + 1) == search
    assert vault.search(search.id, principal="security", now=NOW + 1) is None
    assert vault.search(search.id, principal="dpo", now=NOW + SEARCH_LIFETIME_US) is None
    assert "abab" not in search.id


def test_a_search_is_a_person_not_a_bulk_read(vault):
    """More keys than a person can have are refused."""
    keys = tuple(f"{number:032x}" for number in range(MAX_SEARCH_KEYS + 1))
    with pytest.raises(RefusedError, match="too_many_keys"):
        vault.save_search(principal="dpo", controller="aurore", keys=keys, now=NOW)


def test_a_live_view_is_closed_once_with_its_count(vault):
    """Polls add up; the closing gives the count, and only once."""
    view = vault.open_live_view(principal="dpo", role="dpo", controllers=("aurore",), now=NOW)
    assert vault.touch_live_view(view.id, principal="dpo", shown=3, now=NOW + 1)
    assert vault.touch_live_view(view.id, principal="dpo", shown=4, now=NOW + 2)
    assert not vault.touch_live_view(view.id, principal="other", shown=4, now=NOW + 2)
    closed = vault.take_live_view(view.id, principal="dpo")
    assert closed is not None
    assert closed.shown == 7
    assert vault.take_live_view(view.id, principal="dpo") is None
    assert not vault.touch_live_view(view.id, principal="dpo", shown=1, now=NOW + 3)


def test_a_silent_live_view_is_taken_and_can_be_put_back(vault):
    """A view that stopped polling is closed by the sweep; if its act failed it comes back for a retry."""
    view = vault.open_live_view(principal="dpo", role="dpo", controllers=("aurore",), now=NOW)
    assert vault.take_silent_views(NOW + LIVE_VIEW_SILENCE_US - 1) == []
    (silent,) = vault.take_silent_views(NOW + LIVE_VIEW_SILENCE_US)
    assert silent.id == view.id
    vault.restore_live_view(silent, NOW)
    assert len(vault.take_silent_views(NOW + LIVE_VIEW_SILENCE_US)) == 1


def test_the_latest_sealed_identity_wins_and_can_be_forgotten(vault):
    """An older version never overwrites a newer one; forgetting erases."""
    vault.put_identity("p1", 2, b"sealed-2")
    vault.put_identity("p1", 1, b"sealed-1")
    assert vault.identity("p1") == b"sealed-2"
    vault.forget_identity("p1")
    assert vault.identity("p1") is None


def test_a_newer_file_is_refused(tmp_path):
    """A file of a newer version gives one clear sentence."""
    connection = sqlite3.connect(tmp_path / "vault.db")
    connection.execute("pragma user_version = 99")
    connection.close()
    with pytest.raises(StorageError, match="newer version"):
        Vault.open(tmp_path / "vault.db")


def test_a_damaged_file_is_a_storage_error(tmp_path):
    """A file that is no database is named, without its content."""
    (tmp_path / "vault.db").write_bytes(b"not a database at all, certainly not one" * 100)
    with pytest.raises(StorageError, match="cannot be opened"):
        Vault.open(tmp_path / "vault.db")


def test_an_agents_session_is_bound_to_his_person(vault):
    """The person travels from the link to the session; nobody else's session has one."""
    secret = vault.issue_link(principal="agent-7K3QX", roles=(Role.AGENT,), controllers=(), now=NOW, person="a" * 32)
    principal = vault.consume_link(secret, NOW)
    assert principal.person == "a" * 32
    assert vault.session(vault.open_session(principal, NOW), NOW).principal == principal
    assert vault.session(vault.open_session(DPO, NOW), NOW).principal.person == ""


@pytest.mark.parametrize(
    ("roles", "person"), [((Role.AGENT,), ""), ((Role.DPO,), "a" * 32), ((Role.AGENT, Role.SECURITY), "a" * 32)]
)
def test_the_role_of_an_agent_goes_with_a_person_and_alone(vault, roles, person):
    """No session sees both an own space and the traces of others; none sees an own space of nobody."""
    with pytest.raises(RefusedError, match="agent alone"):
        vault.issue_link(principal="x", roles=roles, controllers=(), now=NOW, person=person)


def test_an_exposure_search_belongs_to_its_author_and_expires(vault):
    """Another principal, or the same one later, finds nothing; a list that is a file is refused."""
    kept = vault.save_exposure_search(
        principal="dpo", controller="aurore", keys=("a" * 32,), from_at=1, to_at=2, now=NOW
    )
    assert vault.exposure_search(kept.id, principal="dpo", now=NOW + 1) == kept
    assert vault.exposure_search(kept.id, principal="eve", now=NOW + 1) is None
    assert vault.exposure_search(kept.id, principal="dpo", now=NOW + SEARCH_LIFETIME_US) is None
    many = ("a" * 32,) * (MAX_EXPOSURE_KEYS + 1)
    with pytest.raises(RefusedError, match="too_many_keys"):
        vault.save_exposure_search(principal="dpo", controller="aurore", keys=many, from_at=1, to_at=2, now=NOW)


def test_an_older_file_is_brought_forward(tmp_path):
    """A vault of version 1 keeps its sessions and links, which are nobody's person."""
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as old:
        old.executescript(
            "create table link (hash blob primary key, principal text not null, roles text not null,"
            " controllers text not null, expires_at integer not null, used_at integer not null default 0) strict;"
            "create table session (hash blob primary key, csrf text not null, principal text not null,"
            " roles text not null, controllers text not null, expires_at integer not null) strict;"
            "pragma user_version = 1;"
        )
        values = (sha256(b"cookie").digest(), "csrf", "dpo", '["dpo"]', '["aurore"]', NOW + 1)
        old.execute("insert into session values (?, ?, ?, ?, ?, ?)", values)
    old.close()
    for _ in range(2):
        vault = Vault.open(path)
        assert vault.session("cookie", NOW).principal.person == ""
        vault.close()
