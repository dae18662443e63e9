"""Claims on the demonstration's own state: private, the same at the next start. The whole: tests/integration."""

import stat

import pytest

from quivive.simulation.demo import _Demo, _write_private


def test_state_is_private_and_kept(tmp_path):
    """Passwords and ports are those of the first start; the run is counted."""
    demo = _Demo(home=tmp_path, language="fr")
    first, second = demo._state(), demo._state()
    assert (first.runs, second.runs) == (1, 2)
    assert (first.superuser, first.database_port, first.application) == (
        second.superuser,
        second.database_port,
        second.application,
    )
    assert stat.S_IMODE((tmp_path / "demo-state.json").stat().st_mode) == 0o600


def test_private_files_replace_in_one_step(tmp_path):
    """A reader sees the old or the new content, and no draft stays."""
    path = tmp_path / "demo.json"
    _write_private(path, b"1")
    _write_private(path, b"2")
    assert path.read_bytes() == b"2"
    assert [p.name for p in tmp_path.iterdir()] == ["demo.json"]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_progress_is_told_at_once(tmp_path, capsys, language):
    """One line a step."""
    _Demo(home=tmp_path, language=language).tell("product")
    assert "Quivive" in capsys.readouterr().out
