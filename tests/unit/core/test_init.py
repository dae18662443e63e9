"""Claims about quivive.core.init: a new folder loads, an old one is left alone."""

from pathlib import Path

import pytest

from quivive.core.init import initialise
from quivive.model.errors import ConfigurationError
from quivive.settings import load_settings


def test_what_init_writes_is_read_back(tmp_path: Path) -> None:
    """The commented file is valid and keeps quotes and accents of the operator's name."""
    initialise(tmp_path, operator='Centre "Éole"', origin="example.test/eole", language="fr")
    settings = load_settings(tmp_path)
    assert settings.operator.name == 'Centre "Éole"'
    assert settings.controllers == {}


def test_init_never_overwrites(tmp_path: Path) -> None:
    """A second init is refused and changes nothing."""
    initialise(tmp_path, operator="A", origin="example.test/a", language="en")
    before = (tmp_path / "quivive.toml").read_bytes()
    with pytest.raises(ConfigurationError, match="no file yet"):
        initialise(tmp_path, operator="B", origin="example.test/b", language="en")
    assert (tmp_path / "quivive.toml").read_bytes() == before
