"""The corpus of the fuzzer, replayed: seeds of real flows, and every finding, which stays mended (make fuzz finds more)."""

import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[1] / "fuzz"
CORPUS = FUZZ / "corpus"
MAX_CORPUS_BYTES = 1 << 20


@pytest.fixture(scope="module")
def targets():
    sys.path.append(str(FUZZ))
    try:
        import targets

        yield targets.TARGETS
    finally:
        sys.path.remove(str(FUZZ))


def names():
    return sorted(path.name for path in CORPUS.iterdir())


@pytest.mark.parametrize("name", names())
def test_corpus(targets, name):
    """Each input ends in a parse or in the error it is allowed; where reads could matter, whole and byte by byte."""
    found = sorted((CORPUS / name).iterdir())
    assert found
    for path in found:
        targets[name](path.read_bytes())


def test_each_target_has_a_corpus(targets):
    """And each corpus a target."""
    assert names() == sorted(targets)


def test_the_corpus_is_small():
    """It is read in each test run."""
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < MAX_CORPUS_BYTES
