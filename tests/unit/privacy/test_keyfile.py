"""Key files: durable, never overwritten by accident."""

import pytest

from quivive.model.errors import StorageError
from quivive.privacy.keyfile import read_json, write_new


def test_an_existing_file_is_kept(tmp_path):
    """Writing over a key needs to be asked for; no temporary file stays."""
    path = tmp_path / "a" / "k.json"
    write_new(path, b'{"v":1}')
    with pytest.raises(StorageError, match="exists"):
        write_new(path, b'{"v":2}')
    assert read_json(path) == {"v": 1}
    write_new(path, b'{"v":3}', replace=True)
    assert read_json(path) == {"v": 3}
    assert [entry.name for entry in path.parent.iterdir()] == ["k.json"]


def test_what_is_no_key_file_is_named(tmp_path):
    """Missing, no JSON and no object are refused with the path."""
    for content in (None, b"{", b"[]"):
        path = tmp_path / "k.json"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(StorageError, match=r"k\.json"):
            read_json(path)
