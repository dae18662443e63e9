"""Claims of the vault's part for recordings: codes work once, tokens name nobody else, documents end on their clock."""

import sqlite3

import pytest

from quivive.model.clock import DAY_US
from quivive.model.errors import RefusedError
from quivive.vault import Vault
from quivive.vault_recordings import CODE_LIFETIME_US

NOW = 1_790_000_000_000_000
ANNE, BEN = "a" * 32, "b" * 32


@pytest.fixture
def vault(tmp_path):
    vault = Vault.open(tmp_path / "vault.db")
    yield vault
    vault.close()


def test_a_kiosk_code_works_once_however_it_is_typed(vault):
    """Spaces, dashes and small letters are one code; used, it is unknown."""
    code = vault.issue_kiosk_code(campaign="c", version=2, person=ANNE, now=NOW)
    found = vault.kiosk_code(f" {code.lower().replace('-', ' ')} ", NOW)
    assert (found.campaign, found.version, found.person) == ("c", 2, ANNE)
    vault.use_kiosk_code(code, NOW)
    with pytest.raises(RefusedError, match="kiosk_code_unknown"):
        vault.kiosk_code(code, NOW)


def test_a_kiosk_code_ends_and_a_new_one_voids_the_old(vault):
    """Two weeks; one code per person and campaign version."""
    first = vault.issue_kiosk_code(campaign="c", version=1, person=ANNE, now=NOW)
    second = vault.issue_kiosk_code(campaign="c", version=1, person=ANNE, now=NOW)
    for code, at in ((first, NOW), (second, NOW + CODE_LIFETIME_US)):
        with pytest.raises(RefusedError):
            vault.kiosk_code(code, at)
    assert vault.kiosk_code(second, NOW + CODE_LIFETIME_US - 1).person == ANNE


def test_a_calendar_token_is_one_persons_and_can_be_replaced(vault):
    """The former feed stops; a guess is nobody's."""
    first, other = vault.issue_calendar_token(ANNE), vault.issue_calendar_token(BEN)
    second = vault.issue_calendar_token(ANNE)
    assert [vault.calendar_person(each) for each in (first, second, other, "guess")] == ["", ANNE, BEN, ""]
    vault.revoke_calendar_token(ANNE)
    assert vault.calendar_person(second) == ""


def test_documents_end_on_their_clock_and_are_deleted(vault, tmp_path):
    """Due is gone before it is deleted; deleted is not in the file."""
    vault.put_document("d1", expires_at=NOW + DAY_US, blob=b"sealed-content-one")
    vault.put_document("d2", expires_at=NOW + 2 * DAY_US, blob=b"two")
    assert vault.document("d1", NOW) == b"sealed-content-one"
    assert vault.document("d1", NOW + DAY_US) is None
    assert vault.erase_documents(NOW + DAY_US) == ["d1"]
    assert vault.erase_documents(NOW + DAY_US) == []
    assert vault.document("d2", NOW) == b"two"
    vault.close()
    with sqlite3.connect(tmp_path / "vault.db") as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    assert b"sealed-content-one" not in (tmp_path / "vault.db").read_bytes()


def test_no_code_or_token_lies_in_clear(vault, tmp_path):
    """A stolen file acknowledges nothing and opens no feed."""
    code, token = vault.issue_kiosk_code(campaign="c", version=1, person=ANNE, now=NOW), vault.issue_calendar_token(BEN)
    vault.close()
    data = b"".join(path.read_bytes() for path in tmp_path.glob("vault.db*"))
    assert code.replace("-", "").encode() not in data
    assert token.encode() not in data


def test_an_older_vault_gets_the_new_tables(tmp_path):
    """Version 2 becomes the present one and keeps what it held."""
    Vault.open(tmp_path / "vault.db").close()
    with sqlite3.connect(tmp_path / "vault.db") as connection:
        newer = ("kiosk_code", "calendar_token", "sealed_document", "inspection", "account", "passkey")
        for table in newer:
            connection.execute(f"drop table {table}")
        connection.execute("alter table link drop column ends_at")
        for column in ("id", "means", "opened_at", "seen_at"):
            connection.execute(f"alter table session drop column {column}")
        connection.execute("pragma user_version = 2")
    vault = Vault.open(tmp_path / "vault.db")
    vault.put_document("d", expires_at=NOW, blob=b"x")
    vault.close()
