"""Damage and forgery of stored evidence: flipped bits, torn writes, swapped, removed and rewritten entries, clocks."""

import os
import random
import shutil
import struct
from pathlib import Path

import pytest
from ledger_support import BASE, LONG, NOW, SLOTS, WORK, event, make_base, open_ledger, settle, stored

from quivive.ledger.commitment import Committer
from quivive.ledger.finding import Exit
from quivive.ledger.log import Ledger
from quivive.ledger.merkle import CompactRoot, leaf_hash
from quivive.ledger.recovery import LedgerDamagedError
from quivive.ledger.signing import sign_checkpoint
from quivive.ledger.tile import TILE_WIDTH, TileName, decode_bundle, encode_bundle, parse_path
from quivive.ledger.tree import TileTree, read_tile
from quivive.ledger.verify import verify_home
from quivive.model.errors import StorageError
from quivive.privacy.keyring import Keyring

pytestmark = [pytest.mark.integration, pytest.mark.fault, pytest.mark.timeout(3_000)]

SEED = 20261123
FLIPS = 1_000 if LONG else 60
DAY = 86_400_000_000
HOUR = 3_600_000_000


@pytest.fixture
def home(tmp_path):
    make_base(tmp_path / "home", entries=300)
    return tmp_path / "home"


def evidence(home):
    files = [path for name in ("segments", "log", "spine") for path in (home / name).rglob("*") if path.is_file()]
    return sorted(path for path in files if not path.name.startswith(("heads.db", "lock")))


def test_a_thousand_flipped_bits_are_all_found(home):
    """Each in any file of the evidence: never *verified*, and the file named (16, 17)."""
    chance, files = random.Random(SEED), evidence(home)
    for number in range(FLIPS):
        path = files[number % len(files)] if number < len(files) else chance.choice(files)
        whole = path.read_bytes()
        altered = bytearray(whole)
        bit = chance.randrange(len(whole) * 8)
        altered[bit // 8] ^= 1 << bit % 8
        path.write_bytes(altered)
        report = verify_home(home)
        assert report.exit_code in (Exit.TAMPERED, Exit.INCONSISTENT, Exit.STALE), (path, bit)
        name = path.relative_to(home).as_posix()
        if "segments" in name:
            assert any(name in found.place for found in report.findings), (path, bit, report.findings)
        path.write_bytes(whole)
    print(f"\n{FLIPS} flipped bits, all found")
    assert verify_home(home).exit_code is Exit.VERIFIED


@pytest.mark.parametrize("known", [True, False], ids=["acknowledged", "not acknowledged"])
def test_a_frame_torn_at_every_sector(tmp_path, known):
    """Cut or zeroed from each 512-byte boundary: dropped and reported only when it was never acknowledged (13)."""
    make_base(tmp_path / "home")
    home = tmp_path / "home"
    before = {path: path.stat().st_size for path in (home / "segments").rglob("*") if path.is_file()}
    kept = tmp_path / "before"
    shutil.copytree(home, kept)
    ledger = open_ledger(home)
    ledger.append([event(seq) for seq in range(BASE + 1, BASE + WORK + 1) if seq % 3], NOW)
    ledger.close()
    (path,) = (path for path, size in before.items() if path.stat().st_size > size)
    whole, start = path.read_bytes(), before[path]
    if not known:  # the cache did not hear of it either: the append never returned
        shutil.rmtree(home / "spine")
        shutil.copytree(kept / "spine", home / "spine")
    cuts = sorted({start + 1, *range(start - start % 512 + 512, len(whole), 512), len(whole) - 1})
    for cut in cuts:
        for data in (whole[:cut], whole[:cut] + bytes(len(whole) - cut)):
            if data == whole:
                continue
            copy = tmp_path / "copy"
            shutil.copytree(home, copy)
            (copy / path.relative_to(home)).write_bytes(data)
            if known and len(data) < len(whole):
                with pytest.raises(LedgerDamagedError):
                    open_ledger(copy)
            elif not known:
                ledger = open_ledger(copy)
                assert [tail.start for tail in ledger.torn_tails] == [start]
                ledger.close()
                settle(copy, BASE)
            else:
                assert verify_home(copy).exit_code is not Exit.VERIFIED
            shutil.rmtree(copy)


def log_of(home, controller):
    log_id = Keyring.open(home).log_keys(controller).log_id
    return next(path.parent for path in (home / "log").rglob("checkpoint") if path.parent.parent.name == log_id)


def test_cut_and_missing_tiles(home):
    """Empty or cut tiles are altered; a partial tile that is gone while the full one exists is not needed (19, 44)."""
    folder = log_of(home, "aurore")
    tile = next(path for path in (folder / "tile/0").rglob("*") if path.is_file())
    whole = tile.read_bytes()
    for data in (b"", whole[:-1], whole[:32]):
        tile.write_bytes(data)
        assert verify_home(home).exit_code is Exit.TAMPERED
    tile.write_bytes(whole)
    ledger = open_ledger(home)
    ledger.append([event(seq) for seq in range(301, 701)], NOW + 10**7)
    ledger.publish(NOW + 10**7)
    ledger.close()
    narrow = TileName(level=0, number=0, width=200)
    shutil.rmtree((folder / narrow.full.path).with_suffix(".p"), ignore_errors=True)
    assert read_tile(folder, narrow) == (folder / narrow.full.path).read_bytes()[: 200 * 32]
    assert verify_home(home).exit_code is Exit.VERIFIED


def test_swapped_and_doubled_entries(home):
    """Two entries exchanged, one stored in place of its neighbour: altered (20)."""
    folder = log_of(home, "aurore")
    bundle = next(path for path in (folder / "tile/entries").rglob("*") if path.is_file())
    whole = bundle.read_bytes()
    width = parse_path(bundle.relative_to(folder).as_posix()).width
    entries = decode_bundle(whole, width)
    for changed in ([entries[1], entries[0], *entries[2:]], [entries[0], entries[0], *entries[2:]]):
        bundle.write_bytes(encode_bundle(changed))
        assert verify_home(home).exit_code is Exit.TAMPERED
    bundle.write_bytes(whole)


def rewritten(home, controller, drop):
    """The whole log built anew without one entry, and signed with the real key: what an operator could do."""
    keyring = Keyring.open(home)
    folder, keys = log_of(home, controller), keyring.log_keys(controller)
    origin = (folder / "checkpoint").read_text().partition("\n")[0]
    size = int((folder / "checkpoint").read_text().split("\n")[1])
    entries = []
    for start in range(0, size, TILE_WIDTH):
        name = TileName(level=-1, number=start // TILE_WIDTH, width=min(TILE_WIDTH, size - start))
        entries += decode_bundle(read_tile(folder, name), name.width)
    del entries[drop]
    shutil.rmtree(folder / "tile")
    tree = TileTree(folder)
    growth = tree.grow(entries)
    tree.write(growth)
    compact = CompactRoot()
    for entry in entries:
        compact.push(leaf_hash(entry))
    text = f"{origin}\n{len(entries)}\n{__import__('base64').b64encode(compact.root()).decode()}\n"
    note = sign_checkpoint(text, origin, keys.signing).encode()
    (folder / "checkpoint").write_bytes(note)
    (home / "spine/journal" / f"{keys.log_id}-{folder.name}").write_bytes(note)


def test_a_history_rewritten_and_signed_anew_contradicts_what_was_kept(home, tmp_path):
    """One entry gone, everything above computed again, real key: 30 against a checkpoint kept elsewhere (21)."""
    kept = tmp_path / "kept"
    shutil.copy(log_of(home, "aurore") / "checkpoint", kept)
    rewritten(home, "aurore", drop=17)
    report = verify_home(home, held=[kept])
    assert Exit.INCONSISTENT in {found.exit for found in report.findings}
    assert any(found.place == str(kept) for found in report.findings)


def test_a_flip_between_hash_and_write_stops_before_signing(home, monkeypatch):
    """What is read back is not what was worked out: nothing is signed, the head stays (18)."""
    real = TileTree.write

    def faulty(self, growth):
        real(self, growth)
        path = self.folder / next(iter(growth.files)).path
        data = bytearray(path.read_bytes())
        data[5] ^= 4
        path.write_bytes(data)

    before = (log_of(home, "aurore") / "checkpoint").read_bytes()
    ledger = open_ledger(home)
    monkeypatch.setattr(TileTree, "write", faulty)
    ledger.append([event(seq) for seq in range(301, 331)], NOW + 10**7)
    with pytest.raises(StorageError, match="nothing is signed"):
        ledger.publish(NOW + 10**7)
    ledger.close()
    assert (log_of(home, "aurore") / "checkpoint").read_bytes() == before


def test_clocks_that_jump_change_no_order_and_refuse_nothing(tmp_path):
    """A day ahead, an hour back, before the month's beginning, thirty days late: stored in order of arrival (32, 37)."""
    Keyring.create(tmp_path / "home", list(SLOTS))
    ledger = open_ledger(tmp_path / "home")
    now, seq = NOW, 0
    for jump in (0, DAY, -HOUR, -40 * DAY, 31 * DAY, -DAY, 1):
        now += jump
        batch = [event(seq + n, at=now - (30 * DAY if n == 3 else 0)) for n in range(1, 6)]
        assert ledger.append(batch, now) == len(batch)
        seq += len(batch)
        ledger.publish(now, force=True)
    batches = [(number - 1) // 5 for number in stored(ledger) if number % 3]  # one frame a day within a batch
    assert batches == sorted(batches)
    ledger.close()
    settle(tmp_path / "home", seq)


def test_doubled_and_late_deliveries_stand_once(home):
    """The same batch again, in part, in another order, and after a restart (34)."""
    for _ in range(2):
        ledger = open_ledger(home)
        batch = [event(seq) for seq in range(280, 320)]
        random.Random(SEED).shuffle(batch)
        ledger.append(batch, NOW)
        assert ledger.append(batch, NOW) == 0
        ledger.publish(NOW, force=True)
        ledger.close()
    settle(home, 319)


def test_a_second_writer_is_refused(home):
    """One process has the folder; another gets a sentence (39)."""
    ledger = open_ledger(home)
    with pytest.raises(StorageError, match="another process"):
        Ledger.open(home, Keyring.open(home), SLOTS, "quivive.example/centre")
    ledger.close()


def test_an_erased_salt_leaves_nothing_to_guess(home):
    """With its salt an event is found among all plausible ones; without, no guess confirms it (48)."""
    folder = log_of(home, "aurore")
    origin = (folder / "checkpoint").read_text().partition("\n")[0]
    ledger = open_ledger(home)
    shard = next(name for name in ledger.shards() if name.startswith("aurore"))
    proof = ledger.proof(shard, 7)
    ledger.close()
    committed = decode_bundle(read_tile(folder, TileName(level=-1, number=0, width=8)), 8)[7]
    plausible = [proof.data, *(proof.data.replace(b'"n":', b'"n":%d' % n) for n in range(50))]
    commit = Committer(origin)
    assert [commit.log_entry(7, proof.salt, guess) == committed for guess in plausible].index(True) == 0
    assert not any(commit.log_entry(7, os.urandom(32), guess) == committed for guess in plausible for _ in range(20))


def test_a_frame_behind_the_end_with_another_index(home):
    """A frame whose index was taken already refuses the start: indices are never given twice."""
    path = max((home / "segments").rglob("2*"), key=lambda file: file.stat().st_size)
    data = path.read_bytes()
    _, header, sealed = struct.unpack(">4sII", data[:12])
    first = data[: 12 + header + sealed + 4]
    path.write_bytes(data + first)
    with pytest.raises(LedgerDamagedError):
        open_ledger(home)
    assert verify_home(Path(home)).exit_code is Exit.TAMPERED
