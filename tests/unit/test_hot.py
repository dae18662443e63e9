"""Compiling changes speed alone: what may be compiled exists, runs as Python, and is never older than its source."""

import os
from pathlib import Path

import pytest

from quivive import hot
from quivive.hot import Compiled


def test_every_hot_module_is_plain_python() -> None:
    """Each has its source; C types stand beside it, not in it."""
    for module in hot.MODULES:
        text = hot.source_file(module).read_text()
        assert "import cython" not in text
        assert "cimport" not in text


def test_what_runs_here_is_what_stands_here() -> None:
    """A compiled module of an older source would be tested instead of it."""
    assert hot.compiled() in {Compiled.NO, Compiled.YES}


@pytest.mark.parametrize(
    ("made", "age", "wanted"),
    [
        ((), 0, Compiled.NO),
        (("a",), 5, Compiled.PARTLY),
        (("a", "b"), 5, Compiled.YES),
        (("a", "b"), -5, Compiled.STALE),
    ],
)
def test_compiled_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: tuple[str, ...], age: int, wanted: Compiled
) -> None:
    """No, partly, yes, or older than the source."""
    monkeypatch.setattr(hot, "_SOURCE", tmp_path)
    monkeypatch.setattr(hot, "MODULES", ("a", "b"))
    for name in ("a", "b"):
        hot.source_file(name).write_text("")
        os.utime(hot.source_file(name), (1_000, 1_000))
    for name in made:
        hot.compiled_file(name).write_bytes(b"")
        os.utime(hot.compiled_file(name), (1_000 + age, 1_000 + age))
    assert hot.compiled() is wanted
