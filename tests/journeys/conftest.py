"""The in-memory installation of the unit tests (`fakes.py`) and screenshots, for every journey."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "web"))

import fakes


@pytest.fixture
def place(tmp_path):
    """The installation."""
    place = fakes.installation(tmp_path)
    yield place
    place.vault.close()


@pytest.fixture
def shot(tmp_path):
    """Take a screenshot under a name."""
    folder = Path(os.environ.get("QUIVIVE_SCREENSHOTS", str(tmp_path)))
    folder.mkdir(parents=True, exist_ok=True)

    def take(page, name: str) -> None:
        target = folder / f"{name}.png"
        page.screenshot(path=str(target), full_page=True)
        assert target.stat().st_size > 1_000

    return take
