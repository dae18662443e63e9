"""The spine on disk: one epoch for a change, at most one a second, numbers without holes."""

import json

from quivive.ledger.heads import Heads
from quivive.ledger.slot import read_entry
from quivive.ledger.spinelog import SpineLog
from quivive.ledger.tile import decode_bundle
from quivive.privacy.keyring import Keyring

SECOND = 1_000_000


def entries(folder, size):
    return [
        read_entry(data) for data in decode_bundle((folder / f"spine/tile/entries/000.p/{size}").read_bytes(), size)
    ]


def test_an_epoch_is_written_when_a_head_changed(tmp_path):
    """Keys are announced once; an unchanged head or a too early call writes nothing; a restart goes on counting."""
    keys = Keyring.create(tmp_path).spine_keys
    (tmp_path / "spine").mkdir()
    heads = Heads(tmp_path / "spine/heads.db")
    spine = SpineLog(tmp_path, keys, "op.example", heads)
    vkeys = {"log": (b"salt", "vkey")}
    assert spine.publish({1: (b"salt", "one")}, vkeys, 10 * SECOND)
    assert not spine.publish({1: (b"salt", "two")}, vkeys, 10 * SECOND + 5)
    assert not spine.publish({1: (b"salt", "one")}, vkeys, 12 * SECOND)
    again = SpineLog(tmp_path, keys, "op.example", heads)
    assert again.publish({1: (b"salt", "two")}, vkeys, 13 * SECOND)
    assert [(entry["kind"], entry.get("epoch")) for entry in entries(tmp_path, 3)] == [
        ("key", None),
        ("epoch", 1),
        ("epoch", 2),
    ]
    assert json.loads((tmp_path / "spine/slots.json").read_text()) == {"epoch": 2, "texts": {"1": "two"}}
