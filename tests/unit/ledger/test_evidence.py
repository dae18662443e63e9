"""A controller's bundle and single proofs: whole is 0, every change is found, nothing of another is inside."""

import json
import os
import random
import shutil
from pathlib import Path

import pytest

from quivive.ledger.bundle import write_bundle, write_proofs
from quivive.ledger.evidence import Evidence
from quivive.ledger.finding import Exit, FindingCode
from quivive.ledger.note import parse_verifier_key
from quivive.model.entry import EntryKind

SEED = 20261123
FLIPS = 150


@pytest.fixture
def closed(home):
    """Two controllers, two months."""
    ledger = home.open()
    at, seq = home.now, 1
    for size in (5, 260, 30):
        ledger.append(home.events(seq, seq + size - 1), at)
        ledger.append(home.events(seq, seq + size // 2, controller="boreal", source="boreal-s2"), at)
        ledger.append([home.event(seq, source="s3", kind=EntryKind.GAP)], at)
        ledger.publish(at)
        at, seq = at + 5_000_000, seq + size
    at += 15 * home.day
    ledger.append(home.events(seq, seq + 20, at=at), at)
    ledger.publish(at)
    ledger.close()
    return home


@pytest.fixture
def bundle(closed, tmp_path):
    target = tmp_path / "bundle"
    assert write_bundle(closed.path, "aurore", target) == 298 + 22
    return target


def check(bundle, **held):
    return Evidence(**held).bundle(bundle)


def test_a_bundle_is_durable_before_anything_follows(closed, tmp_path, monkeypatch):
    """Every file and every folder of it was handed to the disk: keys are destroyed next."""
    synced, real = set(), os.fsync

    def watch(fd):
        synced.add(Path(f"/proc/self/fd/{fd}").readlink())
        real(fd)

    monkeypatch.setattr(os, "fsync", watch)
    target = tmp_path / "bundle"
    write_bundle(closed.path, "aurore", target)
    assert {tmp_path, target, *target.rglob("*")} <= synced


def test_a_bundle_verifies_by_itself(bundle):
    """Every entry of every month, the chain between months, the slot and the spine."""
    report = check(bundle)
    assert report.findings == []
    assert (report.entries, report.checkpoints) == (320, 3)


def test_a_bundle_holds_nothing_of_another_controller(bundle, closed):
    """Neither name, log id, size, source, salt nor key of the other; its slot is a hash."""
    other = closed.keyring.log_keys("boreal")
    everything = b"\n".join(path.read_bytes() for path in bundle.rglob("*") if path.is_file())
    forbidden = [b"boreal", other.log_id.encode(), other.slot_salt, other.slot_salt.hex().encode()]
    assert not [text for text in forbidden if text in everything]
    assert closed.keyring.log_keys("aurore").slot_salt.hex().encode() in everything


def test_every_flipped_bit_of_a_bundle_is_found(bundle):
    """Random bits in every file: never verified; nothing written by us goes unread."""
    chance = random.Random(SEED)
    files = sorted(path for path in bundle.rglob("*") if path.is_file())
    for path in [*files, *chance.choices(files, k=FLIPS - len(files))]:
        whole = path.read_bytes()
        if not whole.strip(b"{}"):
            continue  # no witness: an empty list
        altered = bytearray(whole)
        bit = chance.randrange(len(whole) * 8)
        altered[bit // 8] ^= 1 << bit % 8
        path.write_bytes(altered)
        report = check(bundle)
        assert report.exit_code in (Exit.TAMPERED, Exit.INCONSISTENT, Exit.STALE), (path, bit)
        path.write_bytes(whole)


def test_an_event_taken_out_is_missing_and_one_put_elsewhere_is_altered(bundle):
    """A removed line names its index; exchanged lines are out of order; a doubled one is no entry."""
    path = bundle / "logs/202611/events.ndjson"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:7] + lines[9:]))
    (found,) = check(bundle).findings
    assert (found.code, found.place) == (FindingCode.PAYLOAD_MISSING, "aurore/202611 index 7 to 8")
    for altered in ([lines[1], lines[0], *lines[2:]], [lines[0], *lines]):
        path.write_bytes(b"".join(altered))
        assert check(bundle).exit_code is Exit.TAMPERED


def test_a_held_checkpoint_key_and_an_earlier_head_are_compared(bundle, closed):
    """What the reader kept counts: another key, a longer log, another history."""
    spine = parse_verifier_key((bundle / "spine/vkey").read_text().strip())
    kept = (bundle / "logs/202612/checkpoint").read_bytes()
    assert check(bundle, keys=[spine], held=[kept]).exit_code is Exit.VERIFIED
    other = parse_verifier_key((bundle / "logs/202611/vkey").read_text().strip())
    stranger = type(other)(name=spine.name, public=other.public)
    assert FindingCode.KEY_DIFFERS in {f.code for f in check(bundle, keys=[stranger]).findings}
    ledger = closed.open()
    ledger.append(closed.events(1000, 1010, at=closed.now + 16 * closed.day), closed.now + 16 * closed.day)
    ledger.publish(closed.now + 16 * closed.day)
    ledger.close()
    later = next(path for path in (closed.path / "log").rglob("202612/checkpoint")).read_bytes()
    assert check(bundle, held=[later]).exit_code is Exit.INCONSISTENT


def test_a_single_proof_checks_with_the_key_alone(bundle, tmp_path):
    """With the log's key 0; without it not checked; with another event or index altered."""
    path = tmp_path / "one.tlog-proof"
    ((index, text),) = write_proofs(bundle, "202611", [123])
    assert index == 123
    path.write_text(text)
    key = parse_verifier_key((bundle / "logs/202611/vkey").read_text().strip())
    assert Evidence(keys=[key]).proof(path).exit_code is Exit.VERIFIED
    assert Evidence().proof(path).exit_code is Exit.CANNOT_CHECK
    for altered in (text.replace("index 123", "index 122"), text.replace("extra ", "extra AAAA"), "x" + text):
        path.write_text(altered)
        assert Evidence(keys=[key]).proof(path).exit_code in (Exit.TAMPERED, Exit.CANNOT_CHECK)


def test_a_bundle_cut_short_cannot_pass(bundle):
    """A file that is gone is named."""
    for name in ("logs/202611/entries", "spine/slot.json", "bundle.json", "logs/202612"):
        copy = bundle.with_name("copy")
        shutil.copytree(bundle, copy)
        target = copy / name
        shutil.rmtree(target) if target.is_dir() else target.unlink()
        assert check(copy).exit_code is Exit.TAMPERED, name
        shutil.rmtree(copy)


def test_a_slot_of_another_head_is_said(bundle):
    """The last head must be the one that stands in the epoch."""
    slot = json.loads((bundle / "spine/slot.json").read_bytes())
    slot["text"] = slot["text"].replace("\n", "\n", 1)
    document = json.loads((bundle / "bundle.json").read_bytes())
    document["quivive-bundle/v1"].pop()
    (bundle / "bundle.json").write_text(json.dumps(document))
    assert FindingCode.SLOTS_NOT_CHECKED in {f.code for f in check(bundle).findings}
