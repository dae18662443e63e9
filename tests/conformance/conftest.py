"""Optional conformance: other people's published samples, read from a folder the tester provides, never stored here.

`QUIVIVE_CONFORMANCE_DIR` names a folder with one folder per repository (`owner+name/…` or `owner/name/…`, paths as in
the repository). Without it, or where a file lacks, the tests are skipped and say so. docs/telephony.md has the list.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

VARIABLE = "QUIVIVE_CONFORMANCE_DIR"


def find_published(repository: str, path: str) -> Path:
    """Find a file of a repository in the tester's folder, or skip with the reason."""
    folder = os.environ.get(VARIABLE, "")
    if not folder:
        pytest.skip(f"{VARIABLE} is not set: it names a folder with the published samples")
    for name in (repository.replace("/", "+"), repository):
        found = Path(folder) / name / path
        if found.is_file():
            return found
    pytest.skip(f"{repository}: {path} is not in the folder {VARIABLE} names")


@pytest.fixture
def published() -> Callable[[str, str], Path]:
    return find_published
