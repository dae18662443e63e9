"""Checks one tile tree against its checkpoint: every bundle, every tile, the root, and earlier heads.

Called by `verify`, offline. Must never trust one file because another agrees with it: everything is hashed up from
the entries and must end in the signed root. Reads; changes nothing; keeps one tile per level in memory.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from quivive.ledger.checkpoint import Checkpoint
from quivive.ledger.finding import Finding, FindingCode
from quivive.ledger.merkle import HASH_BYTES, CompactRoot, leaf_hash
from quivive.ledger.proofs import complete_root
from quivive.ledger.tile import ENTRIES, TILE_WIDTH, TileError, TileName, decode_bundle, parse_path
from quivive.spool.durable import TEMPORARY_PREFIX

OnEntry = Callable[[int, bytes], Iterator[Finding]]


class LogCheck:
    """One pass over one log. `heads` are roots that must have stood at earlier sizes, with where they come from."""

    def __init__(
        self,
        *,
        home: Path,
        folder: Path,
        checkpoint: Checkpoint,
        heads: Mapping[tuple[int, bytes], str],
        on_entry: OnEntry,
    ) -> None:
        self._home, self._folder, self._checkpoint, self._on_entry = home, folder, checkpoint, on_entry
        self._heads = heads
        self._sizes = {size for size, _ in heads}
        self._edges: list[bytearray] = []
        self._compact = CompactRoot()

    def run(self) -> Iterator[Finding]:
        """Yield everything that is wrong."""
        size = self._checkpoint.size
        for number in range(-(-size // TILE_WIDTH)):
            width = min(TILE_WIDTH, size - number * TILE_WIDTH)
            leaves, found = self._bundle(number, width)
            yield from found
            if leaves is None:
                return  # nothing above can be worked out; what is missing has been named
            for position in range(width):
                yield from self._grow(leaves[position * HASH_BYTES : (position + 1) * HASH_BYTES], number, position)
        for level, edge in enumerate(self._edges):
            if edge:
                yield from self._files(level, size >> (8 * (level + 1)), bytes(edge))
        if self._compact.root() != self._checkpoint.root:
            yield self._finding(FindingCode.ROOT_DIFFERS, "checkpoint", "the tiles do not give the signed root")
        yield from self._strangers()

    def _grow(self, hashed: bytes, number: int, position: int) -> Iterator[Finding]:
        self._compact.push(hashed)
        size = number * TILE_WIDTH + position + 1
        if size in self._sizes:
            yield from self._earlier_heads(size)
        level = 0
        while True:
            if level == len(self._edges):
                self._edges.append(bytearray())
            self._edges[level] += hashed
            if len(self._edges[level]) < TILE_WIDTH * HASH_BYTES:
                return
            full = bytes(self._edges[level])
            self._edges[level].clear()
            yield from self._files(level, (size >> (8 * (level + 1))) - 1, full)
            hashed = complete_root(full)
            level += 1

    def _earlier_heads(self, size: int) -> Iterator[Finding]:
        root = self._compact.root()
        for (head_size, head_root), source in self._heads.items():
            if head_size == size and head_root != root:
                detail = f"names another root for size {size} than the log had"
                yield Finding(code=FindingCode.HEAD_DIFFERS, place=source, detail=detail)

    def _bundle(self, number: int, width: int) -> tuple[bytes | None, list[Finding]]:
        """Leaf hashes of one bundle; from the hash tile when no bundle can be read, None when neither can."""
        findings: list[Finding] = []
        entries: list[bytes] | None = None
        stored = list(self._stored(ENTRIES, number))
        for name, data in sorted(stored, key=lambda item: abs(item[0].width - width)):
            try:
                read = decode_bundle(data, name.width)
            except TileError as error:
                findings.append(self._finding(FindingCode.TILE_ALTERED, name.path, str(error)))
                continue
            if entries is None and name.width >= width:
                entries = read[:width]
            elif entries is not None and read[:width] != entries[: name.width]:
                findings.append(self._finding(FindingCode.TILE_ALTERED, name.path, "differs from the bundle beside it"))
        if entries is not None:
            start = number * TILE_WIDTH
            for position, entry in enumerate(entries):
                findings += self._on_entry(start + position, entry)
            leaves = b"".join([leaf_hash(entry) for entry in entries])
            findings += self._against_tile(number, leaves)
            return leaves, findings
        name = TileName(level=ENTRIES, number=number, width=width)
        findings.append(self._finding(FindingCode.TILE_MISSING, name.path, "no bundle holds these entries"))
        for tile, data in self._stored(0, number):
            if tile.width >= width and len(data) == tile.width * HASH_BYTES:
                return data[: width * HASH_BYTES], findings
        return None, findings

    def _against_tile(self, number: int, leaves: bytes) -> Iterator[Finding]:
        """A bundle and the hash tile beside it: when they differ, either may be the altered one."""
        width = len(leaves) // HASH_BYTES
        for name, data in self._stored(0, number):
            positions = range(min(width, name.width))
            differing = [at for at in positions if data[at * 32 : at * 32 + 32] != leaves[at * 32 : at * 32 + 32]]
            if differing:
                bundle = TileName(level=ENTRIES, number=number, width=width)
                index = number * TILE_WIDTH + differing[0]
                detail = f"differs from {name.path} at index {index}: one of the two was altered"
                yield self._finding(FindingCode.TILE_ALTERED, bundle.path, detail)

    def _files(self, level: int, number: int, content: bytes) -> Iterator[Finding]:
        """Compare every stored file of one hash tile with what the entries give."""
        width = len(content) // HASH_BYTES
        covered = False
        for name, data in self._stored(level, number):
            known = min(name.width, width) * HASH_BYTES
            if len(data) != name.width * HASH_BYTES or data[:known] != content[:known]:
                yield self._finding(FindingCode.TILE_ALTERED, name.path, "differs from what the entries give")
            covered = covered or name.width >= width
        if not covered:
            name = TileName(level=level, number=number, width=width)
            yield self._finding(FindingCode.TILE_MISSING, name.path, "the tile is missing")

    def _stored(self, level: int, number: int) -> Iterator[tuple[TileName, bytes]]:
        full = TileName(level=level, number=number, width=TILE_WIDTH)
        partials = (self._folder / full.path).with_suffix(".p")
        widths = [int(path.name) for path in partials.iterdir() if path.name.isdigit()] if partials.is_dir() else []
        for width in (*sorted(widths), TILE_WIDTH):
            name = TileName(level=level, number=number, width=width)
            path = self._folder / name.path
            data = None
            with contextlib.suppress(FileNotFoundError):  # a ledger in use removes partial tiles that are superseded
                data = path.read_bytes() if path.is_file() else None
            if data is not None:
                yield name, data

    def _strangers(self) -> Iterator[Finding]:
        """Files of the tile folder that no tile can be."""
        for folder, _, files in os.walk(self._folder / "tile"):
            for file in files:
                path = (Path(folder) / file).relative_to(self._folder).as_posix()
                if file.startswith(TEMPORARY_PREFIX):
                    continue
                try:
                    parse_path(path)
                except TileError:
                    yield self._finding(FindingCode.UNEXPECTED_FILE, path, "no tile has this name")

    def _finding(self, code: FindingCode, path: str, detail: str) -> Finding:
        return Finding(code=code, place=(self._folder / path).relative_to(self._home).as_posix(), detail=detail)
