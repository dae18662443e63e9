"""Verification: whole is 0, any flipped byte is found with its place, no keys is never `valid`."""

import random
import shutil

import pytest

from quivive.ledger.finding import Exit, FindingCode
from quivive.ledger.verify import verify_home
from quivive.model.entry import EntryKind

SEED = 20261123
FLIPS = 90


@pytest.fixture
def closed(home):
    """Two controllers, three classes, a new month, several publications; cleanly closed."""
    ledger = home.open()
    at, seq = home.now, 1
    for size in (1, 40, 260, 30):
        ledger.append(home.events(seq, seq + size - 1), at)
        ledger.append(home.events(seq, seq + size // 2, controller="boreal", source="s2"), at)
        ledger.append([home.event(seq, source="s3", kind=EntryKind.GAP)], at)
        ledger.publish(at)
        at, seq = at + 5_000_000, seq + size
    at += 15 * home.day
    ledger.append(home.events(seq, seq + 20, at=at), at)
    ledger.publish(at)
    ledger.close()
    return home


def evidence(path):
    """Every file that must not change: segments, logs, spine; not the cache and the lock."""
    files = [file for name in ("segments", "log", "spine") for file in (path / name).rglob("*") if file.is_file()]
    return sorted(file for file in files if not file.name.startswith(("heads.db", "lock")))


def test_a_whole_folder_is_verified(closed):
    """Nothing is found, and the counts are those of the logs."""
    report = verify_home(closed.path)
    assert report.findings == []
    assert (report.exit_code, report.unpublished) == (Exit.VERIFIED, 0)
    assert report.entries == 331 + (1 + 21 + 131 + 16) + 4 + 1 + 21
    assert report.checkpoints == 4


def test_every_flipped_byte_is_found_and_its_place_named(closed):
    """One random bit in each file, then in random files: each is found, with the file in a finding."""
    chance = random.Random(SEED)
    files = evidence(closed.path)
    targets = [*files, *(chance.choice(files) for _ in range(FLIPS - len(files)))]
    for path in targets:
        whole = path.read_bytes()
        altered = bytearray(whole)
        bit = chance.randrange(len(whole) * 8)
        altered[bit // 8] ^= 1 << bit % 8
        path.write_bytes(altered)
        report = verify_home(closed.path)
        relative = path.relative_to(closed.path).as_posix()
        assert report.exit_code in (Exit.STALE, Exit.TAMPERED, Exit.INCONSISTENT), (relative, bit, report.findings)
        assert any(relative in finding.place for finding in report.findings), (relative, bit, report.findings)
        path.write_bytes(whole)
    assert verify_home(closed.path).exit_code == 0


def test_a_flip_in_published_evidence_is_tampering(closed):
    """Segments, tiles, bundles and checkpoints give 40, whatever the byte."""
    chance = random.Random(SEED)
    for path in evidence(closed.path):
        if path.parent.name == "journal" or path.name == "slots.json":
            continue
        whole = path.read_bytes()
        altered = bytearray(whole)
        altered[chance.randrange(len(whole))] ^= 0x10
        path.write_bytes(altered)
        assert verify_home(closed.path).exit_code == Exit.TAMPERED, path
        path.write_bytes(whole)


def test_without_keys_payload_is_not_called_valid(closed):
    """Everything public is checked; the exit code says that the payload was not."""
    shutil.rmtree(closed.path / "keys")
    report = verify_home(closed.path)
    assert report.exit_code == Exit.CANNOT_CHECK
    assert [finding.code for finding in report.findings] == [FindingCode.PAYLOAD_NOT_CHECKED]
    path = next((closed.path / "log").rglob("000.p/*"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert verify_home(closed.path).exit_code == Exit.TAMPERED


def test_a_damaged_key_leaves_its_payload_unchecked(closed):
    """A key file that does not open is named; the rest is checked, and nothing is called valid that was not."""
    path = closed.path / "keys/days/boreal/trace/20261118.json"
    path.write_bytes(path.read_bytes()[:-20])
    report = verify_home(closed.path)
    assert report.exit_code == Exit.CANNOT_CHECK
    assert {finding.code for finding in report.findings} == {FindingCode.UNREADABLE}
    path.unlink()
    assert {finding.code for finding in verify_home(closed.path).findings} == {FindingCode.PAYLOAD_NOT_CHECKED}
    (closed.path / "keys/controllers/boreal.json").unlink()
    assert verify_home(closed.path).exit_code == Exit.CANNOT_CHECK


def test_a_missing_day_is_named(closed):
    """A deleted segment without a certificate is tampering, with the indices that are gone."""
    (closed.path / "segments/boreal/trace/20261118").unlink()
    report = verify_home(closed.path)
    assert report.exit_code == Exit.TAMPERED
    (finding,) = report.findings
    assert (finding.code, finding.place) == (FindingCode.PAYLOAD_MISSING, "boreal/202611 index 0 to 168")


def test_a_frame_moved_swapped_or_doubled_is_found(closed):
    """Files put in each other's place, and a frame appended twice."""
    folder = closed.path / "segments"
    ours, theirs = folder / "aurore/trace/20261118", folder / "boreal/trace/20261118"
    a, b = ours.read_bytes(), theirs.read_bytes()
    ours.write_bytes(b)
    theirs.write_bytes(a)
    assert FindingCode.SEGMENT_MOVED in {finding.code for finding in verify_home(closed.path).findings}
    ours.write_bytes(a + a)
    theirs.write_bytes(b)
    codes = {finding.code for finding in verify_home(closed.path).findings}
    assert {FindingCode.EVENT_DOUBLED, FindingCode.INDEX_DOUBLED} <= codes


def test_a_log_resigned_with_the_real_key_is_inconsistent_with_the_journal(closed):
    """Cutting a log back and signing it again shows against the copy in the spine."""
    from quivive.ledger.heads import Heads
    from quivive.ledger.published import PublishedLog

    keys = closed.keyring.log_keys("boreal")
    origin = f"{closed.origin}/l/{keys.log_id}/202611"
    folder = closed.path / "log" / origin
    shutil.rmtree(folder / "tile")
    (folder / "checkpoint").unlink()
    forged = PublishedLog(
        folder=folder,
        journal=closed.path / "forged",
        name="forged",
        origin=origin,
        signing=keys.signing,
        heads=Heads(closed.path / "forged.db"),
    )
    forged.publish([b"\x01" + b"f" * 32] * 10)
    report = verify_home(closed.path)
    assert {FindingCode.JOURNAL_AHEAD, FindingCode.PAYLOAD_ALTERED} <= {finding.code for finding in report.findings}
    assert report.exit_code == Exit.TAMPERED


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("checkpoint", FindingCode.CHECKPOINT_MISSING),
        ("tile/0/000", FindingCode.TILE_MISSING),
        ("tile/entries/000", FindingCode.TILE_MISSING),
        ("tile/1/000.p/1", FindingCode.TILE_MISSING),
    ],
)
def test_a_deleted_file_is_named(closed, name, code):
    """What is gone is missed."""
    keys = closed.keyring.log_keys("aurore")
    folder = closed.path / "log" / closed.origin / "l" / keys.log_id / "202611"
    (folder / name).unlink()
    found = [finding for finding in verify_home(closed.path).findings if finding.code is code]
    assert len(found) == 1
    assert name in found[0].place


def test_strange_files_are_named(closed):
    """Nobody of us wrote these."""
    keys = closed.keyring.log_keys("aurore")
    folder = closed.path / "log" / closed.origin / "l" / keys.log_id / "202611"
    places = [
        folder / "tile/0/note.txt",
        folder / "extra",
        closed.path / "spine/extra",
        closed.path / "spine/journal/extra",
    ]
    for path in places:
        path.write_bytes(b"x")
    found = {f.place for f in verify_home(closed.path).findings if f.code is FindingCode.UNEXPECTED_FILE}
    assert found == {path.relative_to(closed.path).as_posix() for path in places}


def test_an_unfinished_append_is_not_called_tampering(closed):
    """What a kill leaves is stale until the ledger starts again."""
    path = closed.path / "segments/aurore/trace/20261118"
    path.write_bytes(path.read_bytes() + b"QVF1\x00\x00")
    report = verify_home(closed.path)
    assert report.exit_code == Exit.STALE
    assert [finding.code for finding in report.findings] == [FindingCode.SEGMENT_TAIL]


def test_the_spine_key_may_come_from_elsewhere(closed):
    """A caller who holds the spine's public key sees a folder signed by another."""
    own = (closed.path / "spine/vkey").read_text().strip()
    assert verify_home(closed.path, spine_vkey=own).exit_code == Exit.VERIFIED
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from quivive.ledger.signing import verifier_key

    other = verifier_key(own.partition("+")[0], Ed25519PrivateKey.generate()).text
    assert verify_home(closed.path, spine_vkey=other).exit_code == Exit.TAMPERED


def test_one_controller_alone(closed):
    """The check can be limited to one log."""
    report = verify_home(closed.path, controller="boreal")
    assert (report.exit_code, report.entries) == (Exit.VERIFIED, 169)


def test_what_was_removed_whole_is_missed(closed):
    """A deleted log, spine or slots file never passes for a smaller home."""
    keys = closed.keyring.log_keys("boreal")
    (closed.path / "spine/slots.json").rename(closed.path / "slots")
    assert {finding.code for finding in verify_home(closed.path).findings} == {FindingCode.SLOTS_NOT_CHECKED}
    (closed.path / "slots").rename(closed.path / "spine/slots.json")
    shutil.rmtree(closed.path / "log" / closed.origin / "l" / keys.log_id)
    shutil.rmtree(closed.path / "segments/boreal")
    report = verify_home(closed.path)
    assert report.exit_code == Exit.TAMPERED
    assert {FindingCode.CHECKPOINT_MISSING, FindingCode.UNEXPECTED_FILE} == {
        finding.code for finding in report.findings
    }
    for name in ("checkpoint", "vkey", "journal/spine"):
        (closed.path / "spine" / name).unlink()
    shutil.rmtree(closed.path / "spine/tile")
    assert FindingCode.SLOTS_NOT_CHECKED in {finding.code for finding in verify_home(closed.path).findings}


def test_a_month_that_commits_to_another_past_is_found(home, monkeypatch):
    """The first entry of a month must name the checkpoint that ended the month before."""
    from quivive.ledger import log
    from quivive.ledger.own import opening

    def lying(previous, shard, at):
        prepared = opening(previous, shard, at)
        root = previous.log.signed.root.hex().encode()
        return type(prepared)(event=prepared.event, data=prepared.data.replace(root, b"0" * 64))

    monkeypatch.setattr(log, "opening", lying)
    ledger = home.open()
    ledger.append(home.events(1, 5), home.now)
    later = home.now + 15 * home.day
    ledger.append(home.events(6, 7, at=later), later)
    ledger.publish(later)
    ledger.close()
    (finding,) = verify_home(home.path).findings
    assert (finding.code, finding.place) == (FindingCode.HEAD_DIFFERS, "aurore/202612 index 0")
