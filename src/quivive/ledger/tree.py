"""One tile tree on disk: grows by whole batches, re-reads what it wrote, proves from its tiles (ADR 0004).

Called by publication. Must never sign, never decide what is published, never trust what it wrote: `check`
reads every new file back from the disk and hashes it twice before anyone may sign.

The order that a crash must not break: tiles and bundles (temporary, fsync, rename, directory fsync) before the
head that covers them. What lies beyond the head was never signed and may be written again.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quivive.ledger import tile
from quivive.ledger.merkle import HASH_BYTES, CompactRoot, leaf_hash
from quivive.ledger.proofs import complete_root
from quivive.ledger.tile import ENTRIES, TILE_WIDTH, TileError, TileName, edge_tiles, partial_tiles
from quivive.model.errors import StorageError
from quivive.spool.durable import TEMPORARY_PREFIX, make_directories, sync_directory, write_atomic

_FULL_TILE_BYTES: Final = TILE_WIDTH * HASH_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """A batch worked out in memory: the files to write and the tree afterwards."""

    size: int
    root: bytes
    files: dict[TileName, bytes]
    edges: list[bytes]
    bundle: list[bytes]


class TileTree:
    """The tree of one log at one size; see the module's contract."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.size = 0
        self._edges: list[bytes] = []  # per level, the hashes of the tile that is not full yet
        self._bundle: list[bytes] = []  # entries of the bundle that is not full yet
        self._superseded: list[TileName] = []  # partial tiles of the size before: a reader may still hold it
        self._stale: list[TileName] = []  # older ones, to be deleted

    @classmethod
    def load(cls, folder: Path, size: int) -> "TileTree":
        """Read the right edge of a tree of `size` back from the disk.

        Raises:
            StorageError: a file of the edge is missing or damaged.
        """
        tree = cls(folder)
        tree.size = size
        try:
            for name in partial_tiles(size):
                data = tree._read(name)
                if name.level == ENTRIES:
                    tree._bundle = tile.decode_bundle(data, name.width)
                else:
                    tree._edges.extend(b"" for _ in range(len(tree._edges), name.level))
                    tree._edges.append(data)
        except (OSError, TileError) as error:
            raise StorageError(f"{folder}: the tiles do not reach the head of size {size}: {error}") from error
        return tree

    def root(self) -> bytes:
        """Root at the present size."""
        return _edge_root(self._edges)

    def grow(self, entries: Sequence[bytes]) -> Growth:
        """Work out a batch; nothing changes until `adopt`."""
        edges, bundle = [bytearray(edge) for edge in self._edges], list(self._bundle)
        files: dict[TileName, bytes] = {}
        size = self.size
        for entry in entries:
            bundle.append(entry)
            if len(bundle) == TILE_WIDTH:
                files[TileName(level=ENTRIES, number=size // TILE_WIDTH, width=TILE_WIDTH)] = tile.encode_bundle(bundle)
                bundle = []
            size += 1
            _push(edges, leaf_hash(entry), size, files)
        if bundle and entries:
            name = TileName(level=ENTRIES, number=size // TILE_WIDTH, width=len(bundle))
            files[name] = tile.encode_bundle(bundle)
        for name in edge_tiles(size):
            edge = bytes(edges[name.level])
            if name.level >= len(self._edges) or edge != self._edges[name.level]:
                files[name] = edge
        frozen = [bytes(edge) for edge in edges]
        return Growth(size=size, root=_edge_root(frozen), files=files, edges=frozen, bundle=bundle)

    def write(self, growth: Growth) -> None:
        """Write the files of a growth, durable on return.

        Raises:
            OSError: the disk refused; what was written lies beyond the head and harms nothing.
        """
        folders = set()
        for name, data in growth.files.items():
            path = self.folder / name.path
            make_directories(path.parent)
            write_atomic(path, data, sync_parent=False)
            folders.add(path.parent)
        for folder in folders:
            sync_directory(folder)

    def check(self, growth: Growth) -> None:
        """Read every new file and the edge back, hash twice, and compare with what was worked out.

        Raises:
            StorageError: the disk or the memory altered a byte: nothing may be signed.
        """
        try:
            first, second = self._check_once(growth, from_disk=True), self._check_once(growth, from_disk=False)
        except TileError as error:
            raise StorageError(f"{self.folder}: {error}; nothing is signed") from error
        if not first == second == growth.root:
            raise StorageError(f"{self.folder}: re-reading gives another root; nothing is signed")

    def adopt(self, growth: Growth) -> None:
        """Make a growth the present state."""
        if growth.size == self.size:
            return
        before = set(partial_tiles(self.size))
        self._stale += self._superseded
        self.size, self._edges, self._bundle = growth.size, growth.edges, growth.bundle
        self._superseded = sorted(before - set(partial_tiles(self.size)), key=lambda name: name.path)

    def collect(self) -> None:
        """Delete partial tiles older than the size before: no checkpoint served now or just before needs them.

        Raises:
            OSError: a file cannot be deleted; it stays on the list.
        """
        while self._stale:
            path = self.folder / self._stale[-1].path
            path.unlink(missing_ok=True)
            self._stale.pop()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()

    def clean(self) -> None:
        """At start: delete temporary files and partial tiles that a killed writer left.

        Raises:
            OSError: a file cannot be deleted.
        """
        keep = {self.folder / name.path for name in partial_tiles(self.size)}
        for path in (self.folder / "tile").rglob(f"{TEMPORARY_PREFIX}*"):
            path.unlink()
        for folder in list((self.folder / "tile").rglob("*.p")):
            for path in set(folder.iterdir()) - keep:
                path.unlink()
            if not any(folder.iterdir()):
                folder.rmdir()

    def read_hash(self, height: int, index: int, size: int) -> bytes:
        """Hash of a complete subtree, from the tiles of a tree of `size`; a HashReader once `size` is bound.

        Raises:
            StorageError: the tile is missing or cut.
        """
        level, inside = divmod(height, 8)
        start = index << inside
        number, position = divmod(start, TILE_WIDTH)
        hashes_of_level = size >> (8 * level)
        width = min(TILE_WIDTH, hashes_of_level - number * TILE_WIDTH)
        data = self.read_tile(TileName(level=level, number=number, width=width))
        return complete_root(data[position * HASH_BYTES : (position + (1 << inside)) * HASH_BYTES])

    def read_tile(self, name: TileName) -> bytes:
        """Read a tile; when a partial one is gone, the beginning of a wider one (tlog-tiles, "Partial Tiles").

        Raises:
            StorageError: none is there.
        """
        return read_tile(self.folder, name)

    def _read(self, name: TileName) -> bytes:
        return (self.folder / name.path).read_bytes()

    def _check_once(self, growth: Growth, *, from_disk: bool) -> bytes:
        read = {name: _reread(self.folder / name.path, from_disk=from_disk) for name in growth.files}
        for name, data in read.items():
            if name.level == ENTRIES:
                hashes = b"".join([leaf_hash(entry) for entry in tile.decode_bundle(data, name.width)])
                leaves = read.get(TileName(level=0, number=name.number, width=name.width))
                if hashes != leaves:
                    raise StorageError(f"{self.folder / name.path}: bundle and tile differ; nothing is signed")
            elif name.width == TILE_WIDTH:
                above, position = divmod(name.number, TILE_WIDTH)
                width = min(TILE_WIDTH, (growth.size >> (8 * (name.level + 1))) - above * TILE_WIDTH)
                parent = read[TileName(level=name.level + 1, number=above, width=width)]
                if tile.tile_hash(parent, position) != complete_root(data):
                    raise StorageError(f"{self.folder / name.path}: the tile above differs; nothing is signed")
        edges: list[bytes] = []
        for name in edge_tiles(growth.size):
            edges.extend(b"" for _ in range(len(edges), name.level))
            edges.append(read.get(name) or self._read(name))
        return _edge_root(edges)


def _push(edges: list[bytearray], hashed: bytes, size: int, files: dict[TileName, bytes]) -> None:
    """Add a leaf hash; tiles that fill up are handed out and counted in the level above."""
    level = 0
    while True:
        if level == len(edges):
            edges.append(bytearray())
        edges[level] += hashed
        if len(edges[level]) < _FULL_TILE_BYTES:
            return
        full = bytes(edges[level])
        edges[level].clear()
        level += 1
        files[TileName(level=level - 1, number=(size >> (8 * level)) - 1, width=TILE_WIDTH)] = full
        hashed = complete_root(full)


def _edge_root(edges: Sequence[bytes]) -> bytes:
    compact = CompactRoot()
    for level in range(len(edges) - 1, -1, -1):
        for at in range(0, len(edges[level]), HASH_BYTES):
            compact.push(edges[level][at : at + HASH_BYTES], 8 * level)
    return compact.root()


def _reread(path: Path, *, from_disk: bool) -> bytes:
    fd = os.open(path, os.O_RDONLY)
    try:
        if from_disk:  # the bytes are durable: drop them from the page cache, so that the disk answers
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        size = os.fstat(fd).st_size
        return os.read(fd, size)
    finally:
        os.close(fd)


def read_tile(folder: Path, name: TileName) -> bytes:
    """Read a tile of the log in `folder`, from the narrowest file that holds it.

    Raises:
        StorageError: no file holds it.
    """
    partials = (folder / name.full.path).with_suffix(".p")
    for _ in range(2):  # a publication may widen the tile between listing and reading
        widths = [int(path.name) for path in partials.iterdir() if path.name.isdigit()] if partials.is_dir() else []
        for width in (*sorted(width for width in widths if width >= name.width), TILE_WIDTH):
            wider = TileName(level=name.level, number=name.number, width=width)
            try:
                data = (folder / wider.path).read_bytes()
            except OSError:
                continue
            if name.level == ENTRIES:
                return tile.encode_bundle(tile.decode_bundle(data, width)[: name.width])
            return data[: name.width * HASH_BYTES]
    raise StorageError(f"{folder / name.path}: the tile is missing")
