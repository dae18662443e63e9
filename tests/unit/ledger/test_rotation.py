"""A new signing key: heads unchanged and signed again, the event under the old key, the old key gone."""

import pytest

from quivive.core.init import initialise
from quivive.ledger import rotation
from quivive.ledger.log import Ledger
from quivive.ledger.note import NoteError, open_note
from quivive.ledger.rotation import KeyEvent, replace_key
from quivive.ledger.slot import read_entry
from quivive.ledger.tile import decode_bundle
from quivive.ledger.verify import verify_home
from quivive.model.errors import ConfigurationError
from quivive.privacy.keyring import Keyring
from quivive.settings import load_settings


@pytest.fixture
def running(tmp_path, home):
    """A home with a configuration, one controller of which has entries."""
    initialise(tmp_path / "h", operator="Exemple", origin=home.origin, language="en")
    path = tmp_path / "h"
    settings = load_settings(path)
    keyring = Keyring.open(path) if (path / "keys").exists() else Keyring.create(path, list(settings.controllers))
    name = next(iter(settings.controllers), "operator")
    keyring.ensure_controller(name)

    def open_ledger():
        return Ledger.open(path, Keyring.open(path), settings.slots, home.origin)

    ledger = open_ledger()
    ledger.append(home.events(1, 300, controller=name), home.now)
    ledger.publish(home.now)
    ledger.close()
    return path, name, open_ledger


def spine_entries(path):
    (bundle,) = (path / "spine/tile/entries/000.p").iterdir()
    return [read_entry(data) for data in decode_bundle(bundle.read_bytes(), int(bundle.name))]


@pytest.mark.parametrize("which", ["spine", "controller"])
def test_every_head_bears_the_new_key_and_the_same_root(running, which):
    """Verified afterwards; the old public key opens the new note no more; the event names reason and size."""
    path, name, open_ledger = running
    log = "spine" if which == "spine" else name
    checkpoint = path / "spine/checkpoint" if which == "spine" else next((path / "log").rglob("checkpoint"))
    ledger = open_ledger()
    old = ledger.spine.log.keys[0] if which == "spine" else ledger.verifier_key(ledger.shards()[0])
    ledger.close()
    before = checkpoint.read_bytes()
    done = replace_key(path, log, KeyEvent.COMPROMISED, reason="laptop stolen")
    assert done.vkey != old.text
    assert (done.vkey + "\n").encode() == checkpoint.with_name("vkey").read_bytes()
    with pytest.raises(NoteError):
        open_note(checkpoint.read_bytes(), old)
    if which == "controller":
        assert checkpoint.read_bytes().split(b"\n\n")[0] == before.split(b"\n\n")[0]
    events = [entry for entry in spine_entries(path) if entry["kind"] == "key.event"]
    assert [(entry["event"], entry["reason"]) for entry in events] == [("compromised", "laptop stolen")]
    assert verify_home(path).exit_code == 0
    open_ledger().close()


def test_an_interrupted_replacement_is_taken_up(running, monkeypatch):
    """Between the new key and the new signatures: run again, one event, everything verified."""
    path, name, open_ledger = running
    monkeypatch.setattr(rotation, "_sign_again", lambda home, log: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        replace_key(path, name, KeyEvent.ROTATED, reason="")
    monkeypatch.undo()
    open_ledger().close()
    replace_key(path, name, KeyEvent.ROTATED, reason="")
    assert len([entry for entry in spine_entries(path) if entry["kind"] == "key.event"]) == 1
    assert verify_home(path).exit_code == 0
    assert not Keyring.open(path).log_keys(name).retired


def test_an_unknown_log_is_refused(running):
    """Neither a controller nor the spine."""
    with pytest.raises(ConfigurationError):
        replace_key(running[0], "nobody", KeyEvent.ROTATED, reason="")
