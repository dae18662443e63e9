"""The Go reference library (Debian's golang-golang-x-mod-dev) accepts our logs and refuses altered ones."""

import base64
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from quivive.ledger.heads import Heads
from quivive.ledger.log import Ledger
from quivive.ledger.note import NoteError, open_note
from quivive.ledger.published import PublishedLog
from quivive.ledger.signing import sign_note, verifier_key
from quivive.ledger.tile import parse_path
from quivive.model.entry import EntryKind, SpoolEvent
from quivive.privacy.keyring import Keyring

PACKAGES = ("golang-go", "golang-golang-x-mod-dev")
GO_SOURCES = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog")
SIZES = (0, 1, 2, 3, 7, 8, 100, 255, 256, 257, 511, 512, 513, 767, 1000, 1023, 1024, 1025)
LARGE = (65_535, 65_536, 65_537)
HUGE = 200_000
PRUNED_AT = 150_000
EVERY = os.environ.get("QUIVIVE_FAULT_STRIDE") == "1"
"""`make fault`: every size from 0 to 1,025, not those around the boundaries alone."""
NOTES = 10_000
SEED = 20261123
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
    sizes = (*(range(1_026) if EVERY else SIZES), *LARGE)
    folders = [make_log(tmp_path, heads, size) for size in sizes]
    result = go_check(*folders)
    assert result.stdout.splitlines() == [f"ok {size}" for size in sizes]
    assert result.returncode == 0


def test_go_accepts_a_pruned_log_above_its_bound(tmp_path, go_check):
    """200,000 entries; full tiles and bundles below the minimum index are deleted: above it all proofs hold (45)."""
    folder = make_log(tmp_path, Heads(tmp_path / "heads.db"), HUGE)
    assert go_check(folder).stdout == f"ok {HUGE}\n"
    removed = 0
    for path in [path for path in (folder / "tile").rglob("*") if path.is_file() and ".p" not in path.parent.name]:
        name = parse_path(path.relative_to(folder).as_posix())
        covers = 256 ** (max(name.level, 0) + 1)
        if (name.number + 1) * covers <= PRUNED_AT:
            path.unlink()
            removed += 1
    assert removed == 2 * (PRUNED_AT // 256) + 2
    (folder / "minimum").write_text(f"{PRUNED_AT // 65_536 * 65_536 + 65_536 - 46_144}\n")
    result = go_check(folder)
    assert result.stdout == f"ok {HUGE}\n", result.stdout


def test_go_judges_ten_thousand_notes_as_we_do(tmp_path, go_check):
    """Generated and mutated notes: doubled lines, unknown keys, control characters, endings, bytes, base64."""
    chance = random.Random(SEED)
    signing, other = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
    key = verifier_key("quivive.example/log", signing)
    notes = [mutated(chance, signing, other, key.name) for _ in range(NOTES)]
    (tmp_path / "notes").write_text("\n".join("-" + base64.b64encode(each).decode() for each in notes))
    told = go_check("judge", key.text, tmp_path / "notes").stdout.split()
    assert len(told) == NOTES
    ours = []
    for each in notes:
        try:
            open_note(each, key, exact=False)
            ours.append("true")
        except NoteError:
            ours.append("false")
    differing = [
        (mine, theirs, each[-200:]) for mine, theirs, each in zip(ours, told, notes, strict=True) if mine != theirs
    ]
    assert differing[:3] == []
    assert 1_000 < ours.count("true") < NOTES - 1_000


def mutated(chance, signing, other, name):
    """One note: valid, or changed in one to three ways."""
    text = chance.choice(["a\n", "a\n5\nabc\n", "a\n\nb\n", "\n", "é\u2003x\n", "\u2014 x\n", "x" * 50 + "\n"])
    note = sign_note(text, name, signing)
    line = note.rpartition("\n\n")[2]
    strange = chance.choice(["w", name, "w+x", "w x", "w\u00a0x", "é", ""])
    stranger = sign_note(text, "w", other).rpartition("\n\n")[2].replace("w", strange, 1)
    data = bytearray(note.encode())
    for _ in range(chance.randrange(3)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(11):
            case 0:
                data += line.encode()
            case 1:
                data += stranger.encode()
            case 2:
                data[at:at] = bytes([chance.choice([0, 9, 10, 13, 31, 32, 127, 43, 61])])
            case 3:
                data[at : at + 1] = b""
            case 4 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 5:
                data = bytearray(data.rstrip(b"\n"))
            case 6:
                data += b"\n"
            case 7:
                data += line.encode() * chance.choice([15, 16, 98, 99, 100, 101])
            case 8:
                data = bytearray(data.replace(b"=", b"", 1))
            case 9:
                data[at:at] = chance.choice(
                    [b"\xff", "\u2028".encode(), "\u0085".encode(), b"\n\n", "\u2014 ".encode()]
                )
            case _:
                data = bytearray(data[:at])
    return bytes(data)


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
