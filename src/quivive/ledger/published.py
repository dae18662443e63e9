"""One published log: from integrated tiles to a signed checkpoint that may be shown (DESIGN §7; ADR 0004).

Called by the ledger for each shard and by the spine for itself; one thread at a time. Must never sign two roots
for one size, never sign what was not re-read, never sign when anything we once signed is ahead of what we hold.

Order of one publication; whatever step a crash hits, the next start goes on:
tiles durable → re-read, hashed twice → head swapped in heads.db → signed → journal → `checkpoint` by rename.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from quivive.ledger.checkpoint import Checkpoint, parse_checkpoint
from quivive.ledger.heads import Heads
from quivive.ledger.merkle import EMPTY_ROOT
from quivive.ledger.note import open_signed
from quivive.ledger.proofs import consistency_proof, inclusion_proof, range_root
from quivive.ledger.signing import sign_checkpoint, verifier_keys
from quivive.ledger.tree import TileTree
from quivive.model.errors import QuiviveError, StorageError
from quivive.spool.durable import TEMPORARY_PREFIX, make_directories, write_atomic

VKEY_FILES: Final = ("vkey", "vkey-mldsa44")
"""Public keys beside a log, one line each: Ed25519, ML-DSA-44."""


class RollbackError(StorageError):
    """Something signed earlier is ahead of, or differs from, what stands here: a restored backup or an altered file."""


class PublishedLog:
    """See the module's contract. `name` is the log's name in heads.db.

    `anchors` holds notes of this log that others have cosigned or time-stamped: each must lie behind the head.
    `retired` are keys that signed before: what they signed counts, and is signed again.
    """

    def __init__(
        self,
        *,
        folder: Path,
        journal: Path,
        name: str,
        origin: str,
        signing: Ed25519PrivateKey,
        heads: Heads,
        anchors: Path | None = None,
        retired: Sequence[Ed25519PrivateKey] = (),
    ) -> None:
        self.folder, self.name, self.origin = folder, name, origin
        self._journal, self._signing, self._heads, self._anchors = journal, signing, heads, anchors
        self.keys = verifier_keys(origin, signing)
        self.retired = tuple(key for old in retired for key in verifier_keys(origin, old))
        self._known = (*self.keys, *self.retired)
        self._unsigned = True  # the checkpoint in the folder lacks a line of a present key
        self._published = self._read_signed(folder / "checkpoint")
        self._tree = self._open_tree()

    @property
    def signed(self) -> Checkpoint | None:
        """The checkpoint that readers see."""
        return self._published[0] if self._published else None

    @property
    def size(self) -> int:
        """Entries integrated; at least what is signed."""
        return self._tree.size

    @property
    def signed_size(self) -> int:
        """Entries covered by the checkpoint that readers see."""
        return self.signed.size if self.signed else 0

    @property
    def owes(self) -> bool:
        """Whether a head awaits its signature."""
        return self.signed is None or self.signed_size != self.size or self._unsigned

    @property
    def note(self) -> str:
        """The signed checkpoint that readers see; "" before there is one."""
        return self._published[1] if self._published else ""

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Proof that the tree of `old` entries begins the tree of `new` ones, none when `old` is 0.

        Raises:
            StorageError: a tile is missing.
        """
        return consistency_proof(old, new, lambda height, at: self._tree.read_hash(height, at, new)) if old else []

    def publish(self, entries: Sequence[bytes]) -> Checkpoint:
        """Integrate entries, sign, publish.

        Raises:
            StorageError: the disk refused or altered something. What is not published stays owed: the next call
                goes on. `size` tells how many entries are integrated.
        """
        try:
            if entries or self._heads.head(self.name) is None:
                self._integrate(entries)
            return self._sign()
        except OSError as error:
            raise StorageError(f"cannot publish {self.folder}: {error.strerror}") from error

    def proof(self, index: int) -> tuple[Checkpoint, str, list[bytes]]:
        """Checkpoint, its signed note, and the inclusion proof of an entry below it. Usable from another thread.

        Raises:
            StorageError: it is not published yet, or its tiles cannot be read.
        """
        published = self._published
        if published is None or index >= published[0].size:
            raise StorageError(f"{self.origin}: entry {index} is not published yet")
        checkpoint, note = published
        size = checkpoint.size
        return checkpoint, note, inclusion_proof(index, size, lambda height, at: self._tree.read_hash(height, at, size))

    def _integrate(self, entries: Sequence[bytes]) -> None:
        growth = self._tree.grow(entries)
        make_directories(self.folder)
        self._tree.write(growth)
        self._tree.check(growth)
        old = (self._tree.size, self._tree.root()) if self._heads.head(self.name) else None
        self._heads.swap_head(self.name, old, (growth.size, growth.root))
        self._tree.adopt(growth)

    def _sign(self) -> Checkpoint:
        checkpoint = Checkpoint(origin=self.origin, size=self.size, root=self._tree.root())
        if self._heads.head(self.name) != (checkpoint.size, checkpoint.root):
            raise RollbackError(f"{self.origin}: heads.db holds another head than the tiles; nothing is signed")
        note = sign_checkpoint(checkpoint.text, self.origin, self._signing).encode()
        if self._unsigned:
            make_directories(self.folder)
            for file, key in zip(VKEY_FILES, self.keys, strict=True):
                write_atomic(self.folder / file, (key.text + "\n").encode())
        make_directories(self._journal.parent)
        write_atomic(self._journal, note)
        write_atomic(self.folder / "checkpoint", note)
        self._published, self._unsigned = (checkpoint, note.decode()), False
        self._tree.collect()
        return checkpoint

    def _read_signed(self, path: Path) -> tuple[Checkpoint, str] | None:
        """Read a checkpoint of ours, and check that it is.

        Raises:
            RollbackError: it is damaged or not ours.
        """
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            text, verified = open_signed(data, *self._known)
            checkpoint = parse_checkpoint(text)
        except QuiviveError as error:
            raise RollbackError(f"{path}: {error}; run `quivive verify`") from error
        if checkpoint.origin != self.origin:
            raise RollbackError(f"{path}: the checkpoint of another log")
        if path == self.folder / "checkpoint":
            vkeys = all((self.folder / file).exists() for file in VKEY_FILES)
            self._unsigned = not (vkeys and set(self.keys) <= set(verified))
        return checkpoint, data.decode()

    def anchored(self) -> Iterator[Checkpoint]:
        """Checkpoints of this log that others cosigned or time-stamped, as kept here."""
        for path in sorted(self._anchors.glob("*")) if self._anchors else ():
            if not path.name.startswith(TEMPORARY_PREFIX) and (found := self._read_signed(path)):
                yield found[0]

    def compare(self, note: bytes) -> Checkpoint:
        """Compare a checkpoint of this log from elsewhere with what stands here.

        Raises:
            RollbackError: it is ahead, or of another history.
            QuiviveError: it is not signed by this log.
        """
        found = parse_checkpoint(open_signed(note, *self._known)[0])
        self._refuse_unlike(found, self._tree)
        return found

    def _refuse_unlike(self, found: Checkpoint, tree: TileTree) -> None:
        if found.size > tree.size or (found.size == tree.size and found.root != tree.root()):
            raise _ahead(self.origin, found.size, tree.size)
        if 0 < found.size < tree.size and _root_at(tree, found.size) != found.root:
            raise RollbackError(f"{self.origin}: another history than was signed at size {found.size}")

    def _open_tree(self) -> TileTree:
        """Load the tree at its head, after comparing it with everything we ever signed and still hold."""
        head = self._heads.head(self.name)
        shown = (self._published, self._read_signed(self._journal))
        known = [*(found[0] for found in shown if found is not None), *self.anchored()]
        if head is None and known:  # heads.db was deleted: the furthest signature is the head
            furthest = max(known, key=lambda found: found.size)
            head = (furthest.size, furthest.root)
            self._heads.swap_head(self.name, None, head)
        size, root = head or (0, EMPTY_ROOT)
        for found in known:
            if found.size > size or (found.size == size and found.root != root):
                raise _ahead(self.origin, found.size, size)
        tree = TileTree.load(self.folder, size)
        if tree.root() != root:
            raise RollbackError(f"{self.origin}: the tiles do not give the head's root (run `quivive verify`)")
        for found in known:
            self._refuse_unlike(found, tree)
        tree.clean()
        return tree


def _ahead(origin: str, signed: int, local: int) -> RollbackError:
    return RollbackError(
        f"{origin}: a signed checkpoint of size {signed} is ahead of the local head {local};"
        " a backup was restored or a file altered: nothing is signed (run `quivive verify`)"
    )


def _root_at(tree: TileTree, size: int) -> bytes:
    return range_root(0, size, lambda height, at: tree.read_hash(height, at, tree.size))
