"""The keys folder: what is created, who may read it, what opens what."""

import json
import stat

import pytest

from quivive.model.errors import ConfigurationError, StorageError
from quivive.privacy.keyring import MASTER_KEY_VARIABLE, Keyring, load_relay_keys


def test_everything_survives_reopening(tmp_path):
    """A reopened keyring gives the same keys."""
    first = Keyring.create(tmp_path, ["aurore", "boreal"])
    second = Keyring.open(tmp_path)
    assert second.controllers() == ["aurore", "boreal", "operator"]
    assert first.controller_keys("aurore") == second.controller_keys("aurore")
    assert first.controller_keys("aurore") != first.controller_keys("boreal")
    assert first.operator_agent_key == second.operator_agent_key
    assert first.log_keys("aurore").log_id == second.log_keys("aurore").log_id
    assert first.log_keys("aurore").signing.private_bytes_raw() == second.log_keys("aurore").signing.private_bytes_raw()
    assert first.spine_keys.slot_secret == second.spine_keys.slot_secret


def test_files_belong_to_their_owner_alone(tmp_path):
    """Folders are 0700 and files 0600, the relay's export included."""
    keyring = Keyring.create(tmp_path, ["aurore"])
    keyring.day_key("aurore", "trace", "20261123")
    keyring.export_relay("aurore-db", "aurore")
    for path in (tmp_path / "keys").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert stat.S_IMODE((tmp_path / "run" / "relay" / "aurore-db.json").stat().st_mode) == 0o600


def test_a_relay_gets_its_pseudonym_keys_and_nothing_else(tmp_path):
    """The export holds the pair of keys, no signing key, no day key, no operator key."""
    keyring = Keyring.create(tmp_path, ["aurore"])
    path = keyring.export_relay("aurore-db", "aurore")
    keyring.export_relay("aurore-db", "aurore")
    assert load_relay_keys(path) == keyring.controller_keys("aurore")
    assert set(json.loads(path.read_text())) == {"v", "key_id", "record", "agent"}
    assert keyring.operator_agent_key.hex() not in path.read_text()


def test_a_day_key_is_made_once_and_gone_when_its_file_is(tmp_path):
    """Day keys are stable until destroyed."""
    keyring = Keyring.create(tmp_path, ["aurore"])
    assert keyring.find_day_key("aurore", "trace", "20261123") is None
    made = keyring.day_key("aurore", "trace", "20261123")
    assert keyring.day_key("aurore", "trace", "20261123") == made
    reopened = Keyring.open(tmp_path)
    assert reopened.find_day_key("aurore", "trace", "20261123") == made
    assert reopened.day_key("aurore", "alert", "20261123") != made
    (tmp_path / "keys/days/aurore/trace/20261123.json").unlink()
    assert Keyring.open(tmp_path).find_day_key("aurore", "trace", "20261123") is None


def test_keys_are_never_overwritten(tmp_path):
    """Creating twice is refused."""
    Keyring.create(tmp_path)
    with pytest.raises(ConfigurationError):
        Keyring.create(tmp_path)


def test_a_master_key_that_others_may_read_is_refused(tmp_path):
    """Permissions are checked at each opening."""
    Keyring.create(tmp_path)
    (tmp_path / "keys/master.key").chmod(0o644)
    with pytest.raises(ConfigurationError, match="0644"):
        Keyring.open(tmp_path)


def test_the_master_key_may_live_elsewhere(tmp_path, monkeypatch):
    """The environment may name the file; nothing opens without it."""
    elsewhere = tmp_path / "credential"
    elsewhere.write_text("quivive-master-v1 " + "ab" * 32 + "\n")
    elsewhere.chmod(0o600)
    monkeypatch.setenv(MASTER_KEY_VARIABLE, str(elsewhere))
    Keyring.create(tmp_path, ["aurore"])
    assert not (tmp_path / "keys/master.key").exists()
    monkeypatch.delenv(MASTER_KEY_VARIABLE)
    with pytest.raises(ConfigurationError):
        Keyring.open(tmp_path)


def test_an_altered_key_file_does_not_open(tmp_path):
    """A flipped byte, or a file copied from another controller, is refused by name."""
    keyring = Keyring.create(tmp_path, ["aurore", "boreal"])
    folder = tmp_path / "keys/controllers"
    (folder / "aurore.json").write_bytes((folder / "boreal.json").read_bytes())
    with pytest.raises(StorageError, match=r"aurore\.json"):
        Keyring.open(tmp_path).controller_keys("aurore")
    assert keyring.controller_keys("boreal") == Keyring.open(tmp_path).controller_keys("boreal")


def test_a_controller_id_must_be_one(tmp_path):
    """No path leaves the folder."""
    with pytest.raises(ConfigurationError):
        Keyring.create(tmp_path).ensure_controller("../x")
