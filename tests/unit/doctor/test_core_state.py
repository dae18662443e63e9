"""What the core says of itself, what the configuration lacks, and the room of the disk: each broken on purpose, each told."""

import asyncio
from typing import NamedTuple

import pytest

from quivive.core.control import CoreUnreachableError
from quivive.core.init import initialise
from quivive.doctor import core_state, folder
from quivive.doctor.core_state import MAX_BEHIND_ENTRIES, check_core, check_sources
from quivive.doctor.finding import Level
from quivive.hot import Compiled
from quivive.model.clock import now_us
from quivive.settings import load_settings


class Usage(NamedTuple):
    total: int
    used: int
    free: int


WELL = {"storage_failing": False, "entries_behind": 3, "rebuilding": False}


@pytest.fixture
def settings(tmp_path):
    home = tmp_path / "home"
    initialise(home, operator="Centre", origin="centre.example/q", language="en")
    (home / "controllers" / "aurore.toml").write_text('name = "Aurore"\nslot = 1\n')
    return load_settings(home)


def asked(monkeypatch, settings, answer):
    """Findings of a core that answers so; the level by check."""

    async def ask(*_, **__):
        if answer is None:
            raise CoreUnreachableError("no core")
        return answer

    async def collect():
        return [each async for each in check_core(settings)]

    monkeypatch.setattr(core_state, "ask", ask)
    return {each.check: each for each in asyncio.run(collect())}


@pytest.mark.parametrize(
    ("answer", "check", "level"),
    [
        (None, "core", Level.FAIL),
        (WELL, "core", Level.OK),
        (WELL, "storage", Level.OK),
        (WELL, "projection", Level.OK),
        ({**WELL, "storage_failing": True}, "storage", Level.FAIL),
        ({**WELL, "entries_behind": MAX_BEHIND_ENTRIES + 1}, "projection", Level.WARN),
        ({**WELL, "rebuilding": True}, "projection", Level.NOTE),
    ],
)
def test_the_state_of_the_core(monkeypatch, settings, answer, check, level):
    """Absent, well, a disk that refuses, far behind, being rebuilt; what hurts says what to do."""
    found = asked(monkeypatch, settings, answer)[check]
    assert found.level is level
    if level in (Level.FAIL, Level.WARN):
        assert found.expected
        assert found.advice


def test_nothing_to_explain_accesses_with(settings):
    """No calls of a company, no directory, no roster: three findings with their advice."""
    found = {each.check: each for each in check_sources(settings)}
    assert set(found) == {"contacts", "directory", "roster"}
    assert all(each.level is Level.WARN and each.expected and each.advice for each in found.values())
    assert found["contacts"].about == "aurore"


@pytest.mark.parametrize(("free", "level"), [(50, Level.OK), (10, Level.WARN), (2, Level.FAIL)])
def test_the_room_of_the_disk(monkeypatch, settings, free, level):
    """Below 15 % it will hurt, below 3 % it hurts."""
    monkeypatch.setattr(folder.shutil, "disk_usage", lambda _: Usage(100, 100 - free, free))
    (found,) = [each for each in folder.check_folder(settings, now_us()) if each.check == "room"]
    assert found.level is level


def test_a_compiled_module_of_another_source(monkeypatch, settings):
    """A stale module is told."""
    monkeypatch.setattr(folder, "compiled", lambda: Compiled.STALE)
    (found,) = [each for each in folder.check_folder(settings, now_us()) if each.check == "versions"]
    assert found.level is Level.WARN


def test_a_folder_without_keys(settings):
    """Before the first start, or after keys/ were lost: nothing can be read."""
    (found,) = [each for each in folder.check_folder(settings, now_us()) if each.check == "keys"]
    assert (found.level, bool(found.advice)) == (Level.FAIL, True)
