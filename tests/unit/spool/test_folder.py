"""Names inside a spool."""

from quivive.spool import folder


def test_only_numbers_count(tmp_path):
    """Locks, markers and temporary files are neither epochs nor files."""
    for name in ("3", "20", "lock", ".tmp-5"):
        (tmp_path / name).mkdir()
    assert folder.epochs(tmp_path) == [3, 20]
    assert folder.files(tmp_path) == [3, 20]
    assert folder.epochs(tmp_path / "absent") == folder.files(tmp_path / "absent") == []
