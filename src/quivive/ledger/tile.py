"""Names and bytes of C2SP tlog-tiles: where a tile stands, what an entry bundle holds.

Called by the tile tree, the proofs and `verify`. Pure: paths are texts. https://c2sp.org/tlog-tiles
"""

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from quivive.ledger.merkle import HASH_BYTES
from quivive.model.errors import QuiviveError

TILE_WIDTH: Final = 256
ENTRIES: Final = -1
"""The "level" of entry bundles, as Go's sumdb counts it."""
_LENGTH: Final = struct.Struct(">H")
_PATH: Final = re.compile(r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])((?:/x[0-9]{3})*/[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class TileError(QuiviveError):
    """A tile or bundle is not what its name says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileName:
    """One tile: `level` (ENTRIES for a bundle), `number` from the left, `width` 1 to 256."""

    level: int
    number: int
    width: int

    @property
    def path(self) -> str:
        """Path below the log's folder."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        number = self.number
        parts: list[str] = []
        while True:
            number, digits = divmod(number, 1000)
            parts.append(f"{digits:03d}" if not parts else f"x{digits:03d}")
            if not number:
                break
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(parts))}{partial}"

    @property
    def full(self) -> "TileName":
        """The same tile once it is full."""
        return TileName(level=self.level, number=self.number, width=TILE_WIDTH)


def parse_path(path: str) -> TileName:
    """Read a path back.

    Raises:
        TileError: no tile has this path.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        raise TileError("not the path of a tile")
    level = ENTRIES if match[1] == "entries" else int(match[1])
    number = int(match[2].replace("/", "").replace("x", ""))
    name = TileName(level=level, number=number, width=int(match[3]) if match[3] else TILE_WIDTH)
    if name.path != path:
        raise TileError("not the path of a tile")
    return name


def edge_tiles(size: int) -> Iterator[TileName]:
    """Partial hash tiles on the right edge of a tree of `size`, from level 0 upward."""
    level = 0
    while size:
        if size % TILE_WIDTH:
            yield TileName(level=level, number=size // TILE_WIDTH, width=size % TILE_WIDTH)
        size //= TILE_WIDTH
        level += 1


def partial_tiles(size: int) -> list[TileName]:
    """Every partial file of a tree of `size`: the hash tiles of the edge, then the bundle."""
    names = list(edge_tiles(size))
    if size % TILE_WIDTH:
        names.append(TileName(level=ENTRIES, number=size // TILE_WIDTH, width=size % TILE_WIDTH))
    return names


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries, each behind its 16-bit length."""
    return b"".join([_LENGTH.pack(len(entry)) + entry for entry in entries])


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """Read exactly `width` entries.

    Raises:
        TileError: there are fewer or more, or the last one is cut.
    """
    entries, offset = [], 0
    while offset < len(data):
        start = offset + _LENGTH.size
        if start > len(data):
            raise TileError("an entry bundle is cut")
        offset = start + _LENGTH.unpack_from(data, offset)[0]
        entries.append(data[start:offset])
    if offset != len(data) or len(entries) != width:
        raise TileError(f"an entry bundle of {width} holds another number of entries or is cut")
    return entries


def tile_hash(tile: bytes, position: int) -> bytes:
    """One hash of a hash tile."""
    found = tile[position * HASH_BYTES : (position + 1) * HASH_BYTES]
    if len(found) != HASH_BYTES:
        raise TileError("a hash tile is cut")
    return found
