"""A backup is whole or none, holds no key, and restores to the same checkpoint; a signed head is never rolled back."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from quivive.core.backup import MANIFEST, back_up
from quivive.core.restoring import UNDER_WAY, restore
from quivive.ledger.finding import Exit
from quivive.ledger.log import Ledger
from quivive.model.clock import now_us
from quivive.model.entry import EntryKind
from quivive.model.errors import StorageError
from quivive.privacy.keyring import Keyring
from quivive.settings import load_settings


def grow(core, count):
    """Entries written by the core, taken by the ledger, published."""
    for number in range(count):
        core.writer.write(EntryKind.CONFIGURATION, {"number": number, "pad": os.urandom(8).hex()})
    core.pipeline.start()
    core.started = True


def taken(core, count):
    """Wait until the ledger has published `count` entries of the operator."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if sum(core.ledger.head(name).published for name in core.ledger.shards()) >= count:
            return
        time.sleep(0.05)
    raise AssertionError("not published")


def backed_up(core, target):
    return back_up(core.settings, target, lambda work: core.ledger.snapshot(work, keys=False), now_us())


def new_home(core, path):
    """An empty machine onto which keys/ came from their own backup."""
    path.mkdir()
    shutil.copytree(core.home / "keys", path / "keys")
    return path


@pytest.fixture
def source(core, tmp_path):
    """A core that runs, and its backup."""
    grow(core, 20)
    taken(core, 20)
    made = backed_up(core, tmp_path / "copies" / "monday")
    return core, tmp_path / "copies" / "monday", made


def test_a_restored_home_has_the_same_checkpoint_and_goes_on(source, tmp_path):
    """Taken while the core runs; verified whole; the ledger opens and publishes behind the same head."""
    core, copy, made = source
    home = new_home(core, tmp_path / "elsewhere")
    restored, _ = restore(home, copy)
    assert (restored.outcome, restored.keys_missing) == (Exit.VERIFIED, 0)
    assert restored.checkpoint_sha256 == made.checkpoint_sha256 != ""
    assert not (home / UNDER_WAY).exists()
    settings = load_settings(home)
    ledger = Ledger.open(home, Keyring.open(home), settings.slots, settings.operator.origin)
    ledger.publish(now_us(), force=True)
    ledger.close()
    assert core.settings.operator == settings.operator


def test_a_backup_holds_no_key_and_only_private_files(source):
    """Neither keys/ nor the master key's bytes, and nothing another account can read."""
    core, copy, _ = source
    master = (core.home / "keys" / "master.key").read_bytes()
    for path in copy.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
        assert path.is_dir() or master not in path.read_bytes(), path
    assert not (copy / "keys").exists()


def test_without_keys_nothing_is_wrong_and_not_everything_is_checked(source, tmp_path):
    """The outcome is neither valid nor altered, and the missing keys are counted."""
    _, copy, _ = source
    restored, _ = restore(tmp_path / "bare", copy)
    assert restored.outcome is Exit.CANNOT_CHECK
    assert restored.keys_missing > 0


def test_a_restoration_never_rolls_back_a_signed_head(source, tmp_path):
    """Neither over a home that went on, nor behind a checkpoint kept elsewhere."""
    core, copy, _ = source
    before = core.ledger.head(core.ledger.shards()[0]).published
    for number in range(5):
        core.writer.write(EntryKind.CONFIGURATION, {"later": number})
    taken(core, before + 5)
    later = tmp_path / "held"
    for _ in range(200):
        backed_up(core, tmp_path / "newer")
        shutil.copy(tmp_path / "newer" / "spine" / "checkpoint", later)
        if later.read_bytes() != (copy / "spine" / "checkpoint").read_bytes():
            break
        shutil.rmtree(tmp_path / "newer")
        time.sleep(0.05)
    with pytest.raises(StorageError, match="would roll back"):
        restore(core.home, copy)
    with pytest.raises(StorageError, match="would roll back"):
        restore(tmp_path / "fresh", copy, held=[later])
    assert not (tmp_path / "fresh").exists()
    with pytest.raises(StorageError, match="not empty"):
        restore(core.home, tmp_path / "newer")


@pytest.mark.parametrize("harm", ["altered", "missing", "added", "unfinished", "keys"])
def test_a_copy_that_is_not_whole_is_refused(source, tmp_path, harm):
    """A changed byte, a file less, a file more, no manifest, or keys slipped in."""
    _, copy, _ = source
    segment = next(path for path in (copy / "segments").rglob("*") if path.is_file())
    if harm == "altered":
        data = bytearray(segment.read_bytes())
        data[-1] ^= 1
        segment.write_bytes(data)
    elif harm == "missing":
        segment.unlink()
    elif harm == "added":
        (copy / "segments" / "more").write_bytes(b"x")
    elif harm == "unfinished":
        (copy / MANIFEST).unlink()
    else:
        manifest = (copy / MANIFEST).read_text().replace('"path": "vault.db"', '"path": "keys/vault.db"')
        (copy / MANIFEST).write_text(manifest)
        (copy / "keys").mkdir()
        (copy / "vault.db").rename(copy / "keys" / "vault.db")
    with pytest.raises(StorageError):
        restore(tmp_path / "refused", copy)
    assert not (tmp_path / "refused" / "quivive.toml").exists()


def test_a_restoration_that_was_interrupted_is_done_again(source, tmp_path):
    """What a kill left half is replaced; the home did not start meanwhile."""
    core, copy, made = source
    home = new_home(core, tmp_path / "half")
    (home / UNDER_WAY / "spine").mkdir(parents=True)
    (home / "segments").mkdir()
    restored, _ = restore(home, copy)
    assert restored.checkpoint_sha256 == made.checkpoint_sha256


def test_a_target_is_never_overwritten(source, tmp_path):
    """Nor put inside the data folder."""
    core, copy, _ = source
    with pytest.raises(StorageError, match="exists already"):
        backed_up(core, copy)
    with pytest.raises(StorageError, match="inside the data folder"):
        backed_up(core, core.home / "backup")


@pytest.mark.parametrize("step", range(1, 42, 4))
def test_a_kill_leaves_no_target_that_passes(source, tmp_path, step):
    """Killed at the n-th file synced or named: no target, or one that restores; the next backup succeeds."""
    core, _, _ = source
    target = tmp_path / "killed"
    script = textwrap.dedent(
        f"""
        import os, signal
        from pathlib import Path
        from quivive.core import backup
        from quivive.settings import load_settings
        left = {step}
        def step(call):
            def counted(*args, **kwargs):
                global left
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*args, **kwargs)
            return counted
        for name in ("_copy_file", "_sync", "sync_directory", "write_atomic"):
            setattr(backup, name, step(getattr(backup, name)))
        Path.rename = step(Path.rename)
        def evidence(work):
            import shutil
            shutil.copytree({str(tmp_path / "copies" / "monday")!r} + "/spine", work / "spine")
        backup.back_up(load_settings(Path({str(core.home)!r})), Path({str(target)!r}), evidence, 1)
        """
    )
    ended = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    if target.exists():
        restore(tmp_path / "after", target, verify=False)
        shutil.rmtree(target)
    else:
        assert ended.returncode == -signal.SIGKILL
    backed_up(core, target)
