"""Writes the evidence of one controller: a folder that it checks by itself, and that reveals nothing of another.

Called by `quivive bundle`, offline or beside a running core: heads are read once, what they cover only grows.
Must never write a key but public ones, a slot's salt but this controller's, nor an entry of another log.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from quivive.ledger.checkpoint import Checkpoint, parse_checkpoint
from quivive.ledger.commitment import ENTRY_BYTES
from quivive.ledger.evidence import BUNDLE_FILE, BUNDLE_VERSION, VKEYS
from quivive.ledger.frame import open_frame
from quivive.ledger.merkle import leaf_hash
from quivive.ledger.note import open_note, parse_verifier_key
from quivive.ledger.pinned import SLOTS as SLOTS_FILE
from quivive.ledger.pinned import pin
from quivive.ledger.proof import TlogProof
from quivive.ledger.proofs import HashReader, complete_root, consistency_proof, inclusion_proof
from quivive.ledger.segcheck import FrameAt, Segments, scan_segments
from quivive.ledger.slot import SLOTS, read_entry
from quivive.ledger.spine import Slots
from quivive.ledger.spinelog import ANCHORS
from quivive.ledger.tile import ENTRIES, TILE_WIDTH, TileName, decode_bundle
from quivive.ledger.tree import TileTree, read_tile
from quivive.model.errors import StorageError
from quivive.privacy.keyring import Keyring
from quivive.spool.durable import TEMPORARY_PREFIX, sync_directory


def write_bundle(home: Path, controller: str, target: Path) -> int:
    """Write a controller's bundle into a folder that does not exist yet; return how many entries it proves.

    Durable on return: at the end of a contract the keys are destroyed next.

    Raises:
        StorageError: the controller has no published log, the folder exists, or something cannot be read.
    """
    try:
        target.mkdir(mode=0o700)
        count = _Bundle(home, controller, target).write()
        _sync_tree(target)
        sync_directory(target.absolute().parent)
    except OSError as error:
        raise StorageError(f"cannot write {target}: {error.strerror}") from error
    return count


class _Bundle:
    def __init__(self, home: Path, controller: str, target: Path) -> None:
        self._home, self._controller, self._target = home, controller, target
        self._keyring = Keyring.open(home)
        self._pinned = pin(home).files
        self._keys = self._keyring.log_keys(controller)

    def write(self) -> int:
        folders = sorted(path.parent for path in self._pinned if path.parent.parent.name == self._keys.log_id)
        if not folders:
            raise StorageError(f"{self._controller}: nothing is published yet")
        segments = Segments()
        for item in scan_segments(self._home, self._controller):
            segments = item if isinstance(item, Segments) else segments
        count = 0
        for folder in folders:
            frames = segments.shards.get((self._keys.log_id, folder.name), [])
            count += self._log(folder, frames)
        document = {BUNDLE_VERSION: [folder.name for folder in folders]}
        self._write(BUNDLE_FILE, json.dumps(document, sort_keys=True).encode())
        self._spine(self._checkpoint(folders[-1] / "checkpoint"))
        return count

    def _log(self, folder: Path, frames: list[FrameAt]) -> int:
        part = f"logs/{folder.name}"
        checkpoint = self._checkpoint(folder / "checkpoint")
        self._copy_heads(folder, part)
        self._write(f"{part}/checkpoint", self._pinned[folder / "checkpoint"])
        with (self._target / part / "entries").open("xb") as file:
            for start in range(0, checkpoint.size, TILE_WIDTH):
                width = min(TILE_WIDTH, checkpoint.size - start)
                name = TileName(level=ENTRIES, number=start // TILE_WIDTH, width=width)
                file.write(b"".join(decode_bundle(read_tile(folder, name), width)))
        with (self._target / part / "events.ndjson").open("xb") as file:
            for index, salt, event in self._events(frames):
                if index < checkpoint.size:
                    line = {"event": event.decode(), "index": index, "salt": salt.hex()}
                    file.write(json.dumps(line, sort_keys=True, ensure_ascii=False).encode() + b"\n")
        return checkpoint.size

    def _events(self, frames: list[FrameAt]) -> Iterator[tuple[int, bytes, bytes]]:
        for frame in frames:
            key = self._keyring.find_day_key(*_place(frame.path))
            if key is None:
                raise StorageError(f"{frame.path}: its day key is gone")
            with (self._home / frame.path).open("rb") as file:
                file.seek(frame.start)
                opened = open_frame(file.read(frame.length), key.key)
            for position, (salt, event) in enumerate(opened):
                yield frame.first + position, salt, event

    def _spine(self, latest: Checkpoint) -> None:
        folder = self._home / "spine"
        note = self._pinned[folder / "checkpoint"]
        checkpoint = self._checkpoint(folder / "checkpoint")
        tree, size = TileTree.load(folder, checkpoint.size), checkpoint.size

        def read(height: int, at: int) -> bytes:
            return tree.read_hash(height, at, size)

        document = json.loads(self._pinned[self._home / SLOTS_FILE])
        index, entry = _last_epoch(folder, size)
        if read_entry(entry)["epoch"] != document["epoch"]:
            raise StorageError("the spine was about to publish: try again")
        proof = TlogProof(
            index=index, hashes=tuple(inclusion_proof(index, size, read)), note=note.decode(), extra=entry
        )
        self._copy_heads(folder, "spine")
        self._write("spine/epoch.tlog-proof", proof.text.encode())
        self._write("spine/slot.json", json.dumps(self._slot(document["texts"], latest), sort_keys=True).encode())
        anchors: dict[str, list[str]] = {}
        for path in sorted((folder / ANCHORS).glob("*")):
            anchor = _parse(path.read_bytes(), folder / VKEYS[0])
            if not path.name.startswith(TEMPORARY_PREFIX) and 0 < anchor.size <= size:
                anchors[path.name] = [each.hex() for each in consistency_proof(anchor.size, size, read)]
                self._write(f"spine/anchors/{path.name}", path.read_bytes())
        self._write("spine/anchors.json", json.dumps(anchors, sort_keys=True).encode())

    def _slot(self, texts: dict[str, str], latest: Checkpoint) -> dict[str, Any]:
        """This controller's slot and its path; the others are hashes."""
        used: dict[int, tuple[bytes, str]] = {}
        mine = -1
        for controller in self._keyring.controllers():
            keys = self._keyring.log_keys(controller)
            for slot, text in texts.items():
                if f"/l/{keys.log_id}/" in text:
                    used[int(slot)] = (keys.slot_salt, text)
                    mine = int(slot) if controller == self._controller else mine
        if mine < 0:
            raise StorageError(f"{self._controller}: {latest.origin} has no slot in the last epoch")
        leaves = Slots(self._keyring.spine_keys.slot_secret).leaves(used)
        path = inclusion_proof(mine, SLOTS, _leaves(leaves))
        return {"path": [e.hex() for e in path], "salt": used[mine][0].hex(), "slot": mine, "text": used[mine][1]}

    def _checkpoint(self, path: Path) -> Checkpoint:
        return _parse(self._pinned[path], path.with_name(VKEYS[0]))

    def _copy_heads(self, folder: Path, part: str) -> None:
        (self._target / part).mkdir(parents=True)
        for name in VKEYS:
            shutil.copyfile(folder / name, self._target / part / name)

    def _write(self, name: str, data: bytes) -> None:
        (self._target / name).parent.mkdir(exist_ok=True)
        (self._target / name).write_bytes(data)


def write_proofs(bundle: Path, month: str, indices: Iterable[int]) -> Iterator[tuple[int, str]]:
    """The `.tlog-proof` of single entries, each with its event, from a bundle.

    Raises:
        StorageError: the bundle does not hold such an event.
    """
    folder = bundle / "logs" / month
    try:
        note = (folder / "checkpoint").read_bytes()
        data = (folder / "entries").read_bytes()
        lines = (folder / "events.ndjson").read_bytes().splitlines()
    except OSError as error:
        raise StorageError(f"cannot read {folder}: {error.strerror}") from error
    events = {int(item["index"]): item for item in map(json.loads, lines)}
    size = _parse(note, folder / VKEYS[0]).size
    leaves = [leaf_hash(data[at * ENTRY_BYTES : (at + 1) * ENTRY_BYTES]) for at in range(size)]
    for index in indices:
        if index not in events or index >= size:
            raise StorageError(f"{folder}: no event at index {index}")
        extra = bytes.fromhex(events[index]["salt"]) + str(events[index]["event"]).encode()
        path = inclusion_proof(index, size, _leaves(leaves))
        yield index, TlogProof(index=index, hashes=tuple(path), note=note.decode(), extra=extra).text


def _sync_tree(folder: Path) -> None:
    """Make every file and every name below a folder durable."""
    for root, _, names in os.walk(folder, topdown=False, onerror=_raise):
        for name in names:
            fd = os.open(Path(root) / name, os.O_RDONLY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        sync_directory(Path(root))


def _raise(error: OSError) -> None:
    raise error


def _place(path: str) -> tuple[str, str, str]:
    controller, retention_class, day = path.split("/")[-3:]
    return controller, retention_class, day


def _leaves(leaves: list[bytes]) -> HashReader:
    """Hashes of complete subtrees over leaves in memory."""

    def read(height: int, at: int) -> bytes:
        return complete_root(b"".join(leaves[at << height : (at + 1) << height]))

    return read


def _parse(note: bytes, vkey: Path) -> Checkpoint:
    return parse_checkpoint(open_note(note, parse_verifier_key(vkey.read_text(encoding="utf-8").rstrip("\n"))))


def _last_epoch(folder: Path, size: int) -> tuple[int, bytes]:
    for start in range((size - 1) // TILE_WIDTH * TILE_WIDTH, -1, -TILE_WIDTH):
        width = min(TILE_WIDTH, size - start)
        name = TileName(level=ENTRIES, number=start // TILE_WIDTH, width=width)
        entries = decode_bundle(read_tile(folder, name), width)
        for position in range(width - 1, -1, -1):
            if read_entry(entries[position])["kind"] == "epoch":
                return start + position, entries[position]
    raise StorageError(f"{folder}: no epoch is published yet")
