"""Claims about quivive.core.story: the proof on a copy, whole and with one byte changed."""

import pytest

from quivive.core.story import prove
from quivive.model.entry import EntryKind


@pytest.fixture
def filled(core):
    core.start()
    for number in range(40):
        core.writer.write(EntryKind.PARAMETERS, {"n": number, "pad": "x" * 40})
    core.pipeline.stop()
    core.started = False
    return core


def files(home):
    return {p: p.read_bytes() for p in (home / "segments").rglob("*") if p.is_file()}


def test_the_whole_copy_verifies(filled):
    """Exit 0 with every entry counted; nothing is changed and nothing stays behind."""
    before = files(filled.home)
    found = prove(filled.ledger, filled.home, (), tamper=False)
    assert (found.exit_code, found.changed_file) == (0, "")
    assert found.entries >= 40
    assert files(filled.home) == before
    assert list((filled.home / "run").glob("story-*")) == []


def test_one_changed_byte_is_found_in_its_file(filled):
    """The changed file is named among the findings; the folder itself is untouched."""
    before = files(filled.home)
    found = prove(filled.ledger, filled.home, (), tamper=True)
    assert found.exit_code == 40
    assert any(found.changed_file.rpartition("/")[2] in finding.place for finding in found.findings)
    assert files(filled.home) == before
