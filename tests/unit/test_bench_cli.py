"""`quivive simulate` and `quivive bench detection`: thin, strict about what they are given."""

import json

import pytest
from click.testing import CliRunner

from quivive.cli import cli
from quivive.model.errors import ConfigurationError
from quivive.simulation.benchmark.feed import FeedError, read_feed

SMALL = ["--seed", "3", "--days", "1", "--agents", "3", "--controllers", "1"]


def run(*words):
    """One command, its error as it is."""
    return CliRunner().invoke(cli, list(words), catch_exceptions=False)


def raised(*words):
    """What a command stops with."""
    with pytest.raises((ConfigurationError, FeedError)) as caught:
        run(*words)
    return str(caught.value)


def test_a_feed_is_written_and_measured(tmp_path, monkeypatch):
    """Both commands, one after the other."""
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr("quivive.simulation.benchmark.peers.has_pyod", lambda: False)
    folder = tmp_path / "feed"
    assert "1 campaigns" in run("simulate", str(folder), *SMALL, "--misuse", "1:idle:5").output
    assert len(read_feed(folder).campaigns) == 1
    told = json.loads(run("bench", "detection", "--feed", str(folder), "--json").stdout.splitlines()[-1])
    assert told["scale"]["agents"] == 3
    assert {"chance", "Quivive, daily round"} <= {each["detector"] for each in told["detectors"]}


def test_a_folder_that_holds_something_stays_as_it_is(tmp_path):
    """Nothing is written over."""
    (tmp_path / "mine").write_text("x", encoding="utf-8")
    assert "an empty folder" in raised("simulate", str(tmp_path), *SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("plan", ["1", "1:idle", "one:idle:5", "1:idle:many", "1:flying:5", "99:idle:5"])
def test_misuse_that_is_not_known_is_refused(tmp_path, plan):
    """Nothing is guessed and nothing written."""
    assert "--misuse" in raised("simulate", str(tmp_path / "feed"), *SMALL, "--misuse", plan)
    assert not (tmp_path / "feed").exists()


def test_a_folder_that_is_no_feed_is_refused(tmp_path):
    """The first file that lacks is named."""
    assert "meta.json" in raised("bench", "detection", "--feed", str(tmp_path))
