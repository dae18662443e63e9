"""The process: what it may import, how it follows what the core writes, what stops its start."""

import asyncio
import subprocess
import sys

import pytest

from quivive.model.errors import StorageError
from quivive.recordings.gate.lent import NOTHING_LENT, Lent, decode_lent, encode_lent
from quivive.recordings.gate.run import Followed, Gate, StartError
from quivive.settings import OperatorSettings, Settings

FORBIDDEN = ("duckdb", "litestar", "quivive.ledger", "quivive.projection", "quivive.web", "quivive.core", "sqlite3")


def test_the_gate_imports_neither_ledger_nor_duckdb_nor_web():
    """It works on while everything behind it is down."""
    program = f"import sys; import quivive.recordings.gate.run; print([m for m in {FORBIDDEN!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_or_damaged_file_lends_nothing(tmp_path):
    """The fallback applies, and a good file is taken up again."""
    path = tmp_path / "gate-lent.json"
    followed = Followed(path, decode_lent, NOTHING_LENT)
    followed.refresh()
    assert followed.current is NOTHING_LENT
    path.write_bytes(encode_lent(Lent(month="202611")))
    assert followed.refresh()
    assert followed.current.month == "202611"
    path.write_bytes(b"{")
    followed.refresh()
    assert followed.current is NOTHING_LENT


def test_a_newer_format_is_refused():
    """A gate that does not understand says so."""
    with pytest.raises(StorageError):
        decode_lent(encode_lent(Lent(format=2)))


def test_without_an_exchange_there_is_nothing_to_do(tmp_path):
    """One clear sentence."""
    settings = Settings(home=tmp_path, operator=OperatorSettings(name="Q", origin="q.example/qv"), controllers={})
    with pytest.raises(StartError, match="no source of kind gate"):
        asyncio.run(Gate(settings).start())
