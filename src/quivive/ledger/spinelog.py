"""The spine on disk: writes an epoch when a head changed, at most one a second (DESIGN §7; ADR 0004).

Called by the ledger's publication, under its lock. `spine/slots.json` names the checkpoint texts of the last
epoch, so that `verify` can rebuild its root; it is written before the epoch that it explains.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from quivive.ledger.heads import Heads
from quivive.ledger.published import PublishedLog, RollbackError
from quivive.ledger.slot import read_entry
from quivive.ledger.spine import Slots, epoch_entry, key_entry, spine_origin
from quivive.ledger.tile import ENTRIES, TILE_WIDTH, TileName, decode_bundle
from quivive.ledger.tree import read_tile
from quivive.model.clock import SECOND_US
from quivive.model.errors import StorageError
from quivive.privacy.keyring import SpineKeys
from quivive.spool.durable import make_directories, write_atomic

SPINE_NAME: Final = "spine"
SLOTS_FILE: Final = "slots.json"
RETIRED: Final = "retired"
ANCHORS: Final = "anchors"
"""Checkpoints of the spine that others cosigned or time-stamped, one file each."""


class SpineLog:
    """See the module's docstring."""

    def __init__(self, home: Path, keys: SpineKeys, operator_origin: str, heads: Heads) -> None:
        self._folder = home / "spine"
        self._heads = heads
        self._slots = Slots(keys.slot_secret)
        origin = spine_origin(operator_origin)
        self.log = PublishedLog(
            folder=self._folder,
            journal=self._folder / "journal" / SPINE_NAME,
            name=SPINE_NAME,
            origin=origin,
            signing=keys.signing,
            heads=heads,
            anchors=self._folder / ANCHORS,
            retired=keys.retired,
        )
        self._ahead = ""
        self._owed: list[bytes] = []
        self._published_at = 0
        self._epoch, self._root = self._last_epoch()

    def publish(self, used: Mapping[int, tuple[bytes, str]], vkeys: Mapping[str, tuple[bytes, str]], now: int) -> bool:
        """Publish an epoch if a head changed and a second has passed; tell whether it did.

        `used` maps a slot to its salt and checkpoint text, `vkeys` a log id to its salt and verifier key.

        Raises:
            StorageError: the disk refused; the next call goes on.
        """
        if 0 <= now - self._published_at < SECOND_US:
            return False
        root = self._slots.root(used)
        new_keys = [log for log in vkeys if not self._heads.announced(log)]
        entries = [key_entry(time=now, salt=vkeys[log][0], verifier_key=vkeys[log][1]) for log in new_keys]
        if root != self._root:
            entries.append(epoch_entry(epoch=self._epoch + 1, time=now, root=root))
        entries += self._owed
        if not entries and not self.log.owes:
            return False
        self._write_texts(used, self._epoch + (root != self._root))
        before = self.log.size
        try:
            self.log.publish(entries)
        finally:
            if self.log.size > before:
                self._owed.clear()
            if self.log.size > before and root != self._root:
                self._epoch, self._root = self._epoch + 1, root
        for log in new_keys:
            self._heads.announce(log)
        self._published_at = now
        return True

    def owe(self, entry: bytes) -> None:
        """Have an entry of another kind written with the next publication."""
        self._owed.append(entry)

    def compare(self, note: bytes) -> None:
        """Compare a checkpoint of this spine that somebody else holds; ahead or another history ends all signing.

        Raises:
            RollbackError: it is, now and at each publication from here on.
            QuiviveError: it is no checkpoint of ours: it proves nothing.
        """
        try:
            self.log.compare(note)
        except RollbackError as error:
            self._ahead = str(error)
            raise

    def refuse_if_behind(self) -> None:
        """Refuse to sign once a witness or a time-stamp was seen ahead.

        Raises:
            RollbackError: one was.
        """
        if self._ahead:
            raise RollbackError(self._ahead)

    def keep_anchor(self, name: str, note: bytes) -> None:
        """Keep a checkpoint that a witness cosigned or an authority time-stamped: the next start compares it.

        Raises:
            StorageError: the disk refused.
            QuiviveError: it is no checkpoint of ours.
        """
        self.compare(note)
        try:
            make_directories(self._folder / ANCHORS)
            write_atomic(self._folder / ANCHORS / name, note)
        except OSError as error:
            raise StorageError(f"cannot write {self._folder}: {error.strerror}") from error

    def anchored_size(self) -> int:
        """Largest size that a witness cosigned or an authority time-stamped; 0 before one did."""
        return max((found.size for found in self.log.anchored()), default=0)

    def retire_anchors(self) -> None:
        """Put the anchors of a retired key aside: they verify under the old public key, kept beside them.

        Raises:
            StorageError: the disk refused.
        """
        folder = self._folder / ANCHORS
        if not self.log.retired or not folder.is_dir():
            return
        aside = self._folder / RETIRED / f"{self.log.size}"
        try:
            make_directories(aside.parent)
            write_atomic(aside.parent / f"{self.log.size}.vkey", (self.log.retired[0].text + "\n").encode())
            folder.rename(aside)
        except OSError as error:
            raise StorageError(f"cannot write {self._folder}: {error.strerror}") from error

    def _write_texts(self, used: Mapping[int, tuple[bytes, str]], epoch: int) -> None:
        texts = {str(slot): text for slot, (_, text) in used.items()}
        document = json.dumps({"epoch": epoch, "texts": texts}, sort_keys=True).encode()
        try:
            make_directories(self._folder)
            write_atomic(self._folder / SLOTS_FILE, document)
        except OSError as error:
            raise StorageError(f"cannot write {self._folder}: {error.strerror}") from error

    def _last_epoch(self) -> tuple[int, bytes]:
        """Number and root of the last epoch integrated; key events after it are skipped."""
        size = self.log.size
        while size:
            number, width = divmod(size - 1, TILE_WIDTH)
            name = TileName(level=ENTRIES, number=number, width=width + 1)
            for data in reversed(decode_bundle(read_tile(self._folder, name), name.width)):
                entry: dict[str, Any] = read_entry(data)
                if entry["kind"] == "epoch":
                    return int(entry["epoch"]), bytes.fromhex(entry["root"])
            size = number * TILE_WIDTH
        return 0, b""
