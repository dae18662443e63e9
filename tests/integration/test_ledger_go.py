"""The Go reference library (Debian's golang-golang-x-mod-dev) accepts our logs and refuses altered ones."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from quivive.ledger.heads import Heads
from quivive.ledger.log import Ledger
from quivive.ledger.published import PublishedLog
from quivive.ledger.signing import verifier_key
from quivive.model.entry import EntryKind, SpoolEvent
from quivive.privacy.keyring import Keyring

PACKAGES = ("golang-go", "golang-golang-x-mod-dev")
GO_SOURCES = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog")
SIZES = (0, 1, 2, 3, 7, 8, 100, 255, 256, 257, 511, 512, 513, 767, 1000, 1023, 1024, 1025)
LARGE = 70_000
NOW = 1_795_000_000_000_000

pytestmark = [pytest.mark.integration, pytest.mark.go]


@pytest.fixture(scope="module")
def go_check(tmp_path_factory):
    """Build the harness once; install the tool chain when it is missing and we may."""
    if (shutil.which("go") is None or not GO_SOURCES.is_dir()) and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-q"], check=True, capture_output=True)
        subprocess.run(
            ["apt-get", "install", "-y", "-q", "--no-install-recommends", *PACKAGES], check=True, capture_output=True
        )
    if shutil.which("go") is None or not GO_SOURCES.is_dir():
        pytest.skip("the Go tool chain is absent and only root may install it")
    folder = tmp_path_factory.mktemp("go")
    environment = {**os.environ, "GO111MODULE": "off", "GOFLAGS": "-mod=mod", "GOPATH": "/usr/share/gocode"}
    environment.setdefault("GOCACHE", str(folder / "cache"))
    source = Path(__file__).parent / "go" / "main.go"
    subprocess.run(["go", "build", "-o", str(folder / "check"), str(source)], check=True, env=environment)

    def check(*folders):
        return subprocess.run([str(folder / "check"), *map(str, folders)], capture_output=True, text=True, check=False)

    return check


def make_log(root, heads, size):
    """One published log of `size` entries, grown in three steps."""
    folder, origin, signing = root / str(size), f"quivive.example/l/{size:032x}/202611", Ed25519PrivateKey.generate()
    log = PublishedLog(
        folder=folder, journal=root / "journal" / str(size), name=str(size), origin=origin, signing=signing, heads=heads
    )
    entries = [b"\x01" + n.to_bytes(32) for n in range(size)]
    for start, end in ((0, size // 3), (size // 3, size // 2), (size // 2, size)):
        log.publish(entries[start:end])
    (folder / "vkey").write_text(verifier_key(origin, signing).text + "\n")
    return folder


def test_go_accepts_logs_of_many_sizes(tmp_path, go_check):
    """Checkpoint, sampled inclusion proofs and consistency proofs for sizes around every tile boundary."""
    heads = Heads(tmp_path / "heads.db")
    folders = [make_log(tmp_path, heads, size) for size in (*SIZES, LARGE)]
    result = go_check(*folders)
    assert result.stdout.splitlines() == [f"ok {size}" for size in (*SIZES, LARGE)]
    assert result.returncode == 0


def test_go_accepts_a_ledger_and_its_spine(tmp_path, go_check):
    """The folders of a real home are accepted as they stand."""
    ledger = Ledger.open(tmp_path, Keyring.create(tmp_path, ["aurore"]), {"aurore": 3}, "quivive.example/centre")
    events = [
        SpoolEvent(
            kind=EntryKind.ACCESS,
            source="s1",
            epoch=1,
            seq=seq,
            captured_at=NOW,
            controller="aurore",
            key_id="k1",
            body=b"{}",
        )
        for seq in range(1, 601)
    ]
    ledger.append(events, NOW)
    ledger.publish(NOW)
    ledger.close()
    (log,) = (path.parent for path in (tmp_path / "log").rglob("checkpoint"))
    result = go_check(log, tmp_path / "spine")
    assert result.stdout.splitlines() == ["ok 600", "ok 2"]


@pytest.mark.parametrize("name", ["checkpoint", "tile/0/000.p/100", "tile/entries/000.p/100"])
def test_go_refuses_an_altered_byte(tmp_path, go_check, name):
    """One flipped byte in the checkpoint, a hash tile or a bundle is refused."""
    folder = make_log(tmp_path, Heads(tmp_path / "heads.db"), 100)
    data = bytearray((folder / name).read_bytes())
    data[40] ^= 1
    (folder / name).write_bytes(data)
    assert go_check(folder).returncode == 1
