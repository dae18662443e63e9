"""Publication: re-signs, never two roots, goes on after any failure."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from quivive.ledger import published
from quivive.ledger.heads import Heads
from quivive.ledger.note import open_note
from quivive.ledger.published import PublishedLog, RollbackError
from quivive.ledger.signing import verifier_key
from quivive.model.errors import StorageError

SIGNING = Ed25519PrivateKey.from_private_bytes(bytes(32))
ORIGIN = "quivive.example/l/00/202611"


def open_log(folder, heads):
    return PublishedLog(
        folder=folder / "log", journal=folder / "journal", name="a", origin=ORIGIN, signing=SIGNING, heads=heads
    )


def entries(first, last):
    return [b"%d" % n for n in range(first, last)]


def test_a_checkpoint_covers_what_was_published(tmp_path):
    """The note in the folder and its journal copy are the same and signed."""
    heads = Heads(tmp_path / "heads.db")
    log = open_log(tmp_path, heads)
    assert log.owes
    checkpoint = log.publish(entries(0, 10))
    assert (log.signed, log.signed_size, log.owes) == (checkpoint, 10, False)
    data = (tmp_path / "log/checkpoint").read_bytes()
    assert data == (tmp_path / "journal").read_bytes()
    assert open_note(data, verifier_key(ORIGIN, SIGNING)) == checkpoint.text
    assert open_log(tmp_path, heads).signed == checkpoint


def test_an_interrupted_publication_signs_the_same_head_later(tmp_path, monkeypatch):
    """After the head moved, the next call signs exactly that head; entries are not integrated twice."""
    heads = Heads(tmp_path / "heads.db")
    log = open_log(tmp_path, heads)
    log.publish(entries(0, 10))

    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(published, "write_atomic", full)
    with pytest.raises(StorageError, match="No space"):
        log.publish(entries(10, 15))
    assert (log.size, log.signed_size, log.owes) == (15, 10, True)
    monkeypatch.undo()
    assert open_log(tmp_path, heads).size == 15
    assert log.publish(()).size == 15


def test_two_roots_for_one_size_are_never_signed(tmp_path):
    """A second publisher that grew the log otherwise is stopped by the head."""
    heads = Heads(tmp_path / "heads.db")
    first, second = open_log(tmp_path, heads), open_log(tmp_path, heads)
    first.publish(entries(0, 10))
    with pytest.raises(StorageError):
        second.publish(entries(100, 110))


def test_a_checkpoint_that_is_not_ours_refuses_the_start(tmp_path):
    """Altered or foreign heads are evidence, not something to write over."""
    heads = Heads(tmp_path / "heads.db")
    open_log(tmp_path, heads).publish(entries(0, 10))
    for name in ("log/checkpoint", "journal"):
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data.replace(b"\n10\n", b"\n11\n"))
        with pytest.raises(RollbackError, match="wrong"):
            open_log(tmp_path, heads)
        (tmp_path / name).write_bytes(data)


def test_altered_tiles_refuse_the_start(tmp_path):
    """The edge must give the head's root."""
    heads = Heads(tmp_path / "heads.db")
    open_log(tmp_path, heads).publish(entries(0, 10))
    path = tmp_path / "log/tile/0/000.p/10"
    path.write_bytes(b"x" * 320)
    with pytest.raises(RollbackError, match="do not give"):
        open_log(tmp_path, heads)
