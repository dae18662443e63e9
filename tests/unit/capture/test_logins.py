"""The secrets of a source that authenticates in the relay: read strictly, never repeated."""

import base64

import pytest

from quivive.capture.logins import LoginsFile, read_logins, variable_of
from quivive.model.errors import ConfigurationError
from quivive.wire.postgres.scram_server import verifier_of

SALT = b"0123456789abcdef"
MADE = verifier_of("hush-hush", SALT)
KEY = base64.b64encode(b"k" * 32).decode()
VERIFIER = "SCRAM-SHA-256$4096:{}${}:{}".format(
    *(base64.b64encode(part).decode() for part in (MADE.salt, MADE.stored_key, MADE.server_key))
)


def read(text):
    return read_logins(text, "logins.toml", SALT)


def test_three_forms():
    """A verifier lends what the client proves, a password and keys are the relay's own."""
    found = read(
        f'[crm_app]\nverifier = "{VERIFIER}"\n["Report é"]\npassword = "hush-hush"\n'
        f'[batch]\nverifier = "{VERIFIER}"\nclient_key = "{KEY}"\nserver_key = "{KEY}"\n'
    )
    assert [login.lends for login in found.values()] == [True, False, False]
    assert found["Report é"].verifier == MADE


@pytest.mark.parametrize(
    "text",
    [
        "[app",
        'app = "hush-hush"',
        '[app]\npasswrod = "hush-hush"',
        "[app]",
        '[app]\nverifier = "hush-hush"',
        f'[app]\nverifier = "{VERIFIER}"\nclient_key = "hush-hush"\nserver_key = "{KEY}"',
        f'[app]\nverifier = "{VERIFIER}"\nclient_key = "{KEY}"',
        f'[app]\nclient_key = "{KEY}"\nserver_key = "{KEY}"',
        '[app]\npassword = "hush-hush',
        "[app]\npassword = 4711",
    ],
)
def test_what_is_refused_is_not_repeated(text):
    """The sentence names the login and what is expected, no value."""
    with pytest.raises(ConfigurationError) as refused:
        read(text)
    for secret in ("hush", KEY, "4711"):
        assert secret not in str(refused.value)


def test_nothing_of_it_is_shown():
    """A login has no repr that tells anything."""
    assert "hush" not in repr(read('[app]\npassword = "hush-hush"'))


def test_the_environment_holds_them_too(tmp_path, monkeypatch):
    """One variable for each source."""
    assert variable_of("crm-db") == "QUIVIVE_LOGINS_CRM_DB"
    file = LoginsFile(tmp_path, "crm-db", "")
    with pytest.raises(ConfigurationError, match="QUIVIVE_LOGINS_CRM_DB"):
        file.load()
    monkeypatch.setenv("QUIVIVE_LOGINS_CRM_DB", '[app]\npassword = "hush-hush"')
    file.load()
    assert list(file.current) == ["app"]
    file.refresh()
    assert file.problem == ""


def test_a_file_is_followed(tmp_path):
    """What cannot be taken leaves what is there, and says why; others may not read it."""
    path = tmp_path / "logins.toml"
    path.touch(mode=0o600)
    path.write_text('[app]\npassword = "hush-hush"')
    file = LoginsFile(tmp_path, "db", "logins.toml")
    file.load()
    path.write_text("[app")
    file.refresh()
    assert (list(file.current), file.problem != "") == (["app"], True)
    path.write_text('[other]\npassword = "hush-hush"')
    file.refresh()
    assert (list(file.current), file.problem) == (["other"], "")
    path.chmod(0o644)
    path.write_text('[third]\npassword = "hush-hush"')
    file.refresh()
    assert list(file.current) == ["other"]
    assert "0644" in file.problem
    path.unlink()
    file.refresh()
    assert list(file.current) == ["other"]


def test_keys_of_a_password_are_made_once(tmp_path):
    """They cost milliseconds."""
    file = LoginsFile(tmp_path, "db", "")
    login = read('[app]\npassword = "hush-hush"')["app"]
    assert file.keys("app", login, SALT, 4_096) is file.keys("app", login, SALT, 4_096)
    assert file.keys("app", login, SALT, 4_097) is not file.keys("app", login, SALT, 4_096)
