"""Fixtures of the rule tests: a projection filled from entries."""

import sys
from pathlib import Path

import pytest

from quivive.projection.projection import Projection

sys.path.insert(0, str(Path(__file__).parents[3] / "support"))


@pytest.fixture
def projection(tmp_path):
    made = Projection.open(tmp_path / "projection")
    yield made
    made.close()
