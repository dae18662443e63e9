"""The follower of a growing file: whole lines, rotation, a restart that remembers what was under way."""

import pytest
import structlog
from mapping_support import MemoryIntake, run
from test_presets import facts

from quivive.connectors.follow import LineFollower
from quivive.connectors.registry import Context, open_translator
from quivive.connectors.sources import carriers, open_source
from quivive.model.access import GapCause
from quivive.model.clock import from_rfc3339
from quivive.model.errors import ConfigurationError
from quivive.settings import SourceKind, SourceSettings

T0 = from_rfc3339("2026-11-22T18:00:00Z")
MAPPING = """
kind: contacts
merge: [legs]
format: {type: delimited, delimiter: pipe, columns: [Id, Agent, At]}
fields:
  id: Id
  kind: {constant: call}
  direction: {constant: inbound}
  started_at: {column: At, date: [epoch_s]}
  legs: [{agent: Agent, from: {column: At, date: [epoch_s]}}]
"""


class Place:
    """A growing file and its follower."""

    def __init__(self, home):
        self.home, self.path = home, home / "queue_log"
        (home / "log.yml").write_text(MAPPING, encoding="utf-8")
        self.intake = MemoryIntake(facts(), now=T0)
        self.start()

    def start(self):
        source = SourceSettings(
            kind=SourceKind.FILES,
            controller="aurore",
            namespace="telephony",
            path="queue_log",
            mapping="log.yml",
            follow=True,
        )
        feed = open_translator("log.yml", Context(source="calls", home=self.home))
        self.follower = LineFollower(self.home, "calls", source, feed, self.intake, clock=lambda: T0)

    def write(self, *lines):
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(lines)

    def look(self, times=3):
        with structlog.testing.capture_logs() as lines:
            for _ in range(times):
                run(self.follower.step())
        return lines


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_whole_lines_are_taken_as_they_come(place):
    """Half a line waits; a bad one is told with its number in the file and counted in a gap."""
    place.write("A1|4105|1795356000\nA2|41")
    place.look()
    assert set(place.intake.final) == {"A1"}
    place.write("12|1795356060\nA3|4105|never\n")
    lines = place.look()
    assert set(place.intake.final) == {"A1", "A2"}
    assert [(line["row"], line["field"]) for line in lines if line["event"] == "files.row_refused"] == [(3, "At")]
    assert [(gap.cause, gap.lost) for _, gap in place.intake.gaps] == [(GapCause.CODEC, 1)]
    assert place.intake.heartbeats


def test_a_restart_remembers_what_was_under_way(place):
    """The lines before the cursor are read again, so that a call's second leg joins its first; nothing is told twice."""
    place.write("A1|4105|1795356000\nA3|x|never\n")
    place.look()
    place.start()
    place.write("A1|4112|1795356060\n")
    assert not [line for line in place.look() if line["event"] == "files.row_refused"]
    assert [leg["agent"] for leg in place.intake.final["A1"]["legs"]] == ["4105", "4112"]
    assert len(place.intake.gaps) == 1


def test_rotation_loses_nothing(place):
    """The old file is read to its end before the next."""
    place.write("A1|4105|1795356000\n")
    place.look()
    place.write("A2|4105|1795356001\n")
    place.path.rename(place.home / "queue_log.1")
    place.write("A3|4105|1795356002\n")
    place.look(6)
    assert set(place.intake.final) == {"A1", "A2", "A3"}
    assert place.intake.gaps == []


def test_only_a_format_of_lines_can_be_followed(tmp_path):
    """A header stands once in a file, not before each new line."""
    from test_same_rows import installation

    source = SourceSettings(
        kind=SourceKind.FILES, controller="aurore", namespace="x", path="a", mapping="queue-calls", follow=True
    )
    settings = installation(tmp_path, {"calls": source})
    with pytest.raises(ConfigurationError, match="beside follow"):
        open_source(settings, "calls")
    with pytest.raises(ConfigurationError, match="beside follow"):
        carriers(settings, None)
