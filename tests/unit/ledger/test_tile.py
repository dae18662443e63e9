"""Tiles: names as tlog-tiles spells them, bundles that are read exactly."""

import pytest

from quivive.ledger.tile import (
    ENTRIES,
    TileError,
    TileName,
    decode_bundle,
    edge_tiles,
    encode_bundle,
    parse_path,
    partial_tiles,
    tile_hash,
)


@pytest.mark.parametrize(
    ("level", "number", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 5, 256, "tile/0/005"),
        (1, 1234067, 256, "tile/1/x001/x234/067"),
        (ENTRIES, 1000, 12, "tile/entries/x001/000.p/12"),
        (63, 999, 1, "tile/63/999.p/1"),
    ],
)
def test_paths_are_those_of_the_specification(level, number, width, path):
    """A name gives its path and the path gives the name."""
    name = TileName(level=level, number=number, width=width)
    assert name.path == path
    assert parse_path(path) == name


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/5",
        "tile/64/000",
        "tile/0/x000/005",
        "tile/00/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/x/000",
        "tile/0/000/",
    ],
)
def test_other_spellings_are_refused(path):
    """One tile has one path."""
    with pytest.raises(TileError):
        parse_path(path)


def test_the_edge_of_a_tree():
    """Each level keeps what its last tile lacks to be full."""
    assert [(n.level, n.number, n.width) for n in edge_tiles(256 * 3 + 5)] == [(0, 3, 5), (1, 0, 3)]
    assert [n.path for n in partial_tiles(65_536)] == ["tile/2/000.p/1"]
    assert partial_tiles(0) == []


def test_a_bundle_reads_back_exactly():
    """Cut, extended and miscounted bundles are refused."""
    entries = [b"", b"a", b"x" * 65_535]
    data = encode_bundle(entries)
    assert decode_bundle(data, 3) == entries
    for altered, width in ((data[:-1], 3), (data + b"\x00", 3), (data, 2), (data, 4), (b"\x00", 1)):
        with pytest.raises(TileError):
            decode_bundle(altered, width)


def test_a_cut_tile_has_no_hash_there():
    """Reading beyond a tile is refused, not padded."""
    assert tile_hash(b"a" * 32 + b"b" * 32, 1) == b"b" * 32
    with pytest.raises(TileError):
        tile_hash(b"a" * 40, 1)
