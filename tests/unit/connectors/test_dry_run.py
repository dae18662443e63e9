"""The dry run: what would be accepted, refused and why; clocks that are off; nothing shown, nothing written."""

import json

import pytest
from mapping_support import NOW, preset
from test_presets import facts

from quivive.connectors.clock_doubt import Sample, clock_doubt, sample_of
from quivive.connectors.dry_run import as_json, dry_run, told
from quivive.connectors.trial import try_file
from quivive.model.clock import HOUR_US, MINUTE_US
from quivive.model.errors import ConfigurationError

HEAD = "Call ID;Agent;Answered;Talk;Caller;Record\n"
SECRET = "0612345678"


def tried(rows, with_facts=True):
    return dry_run(preset("queue-calls"), (HEAD + rows).encode("cp1252"), NOW, facts() if with_facts else None)


def test_everything_is_counted_and_nothing_is_shown():
    """Accepted, refused by row and column, skipped with reason, telephone numbers by state."""
    result = tried(
        f"A1;éva;22/11/2026 14:00:00;60;{SECRET};customer:2\n"
        f"A2;;;;;\n"
        f"A3;{SECRET};22/11/2026 14:00:00;60;anonymous;{SECRET}:1\n"
        f"A4;x;{SECRET};60;;\n"
    )
    assert (result.records, result.accepted, result.refused_total) == (4, 1, 2)
    assert [(each.number, each.field) for each in result.refused] == [(4, "Record"), (5, "Answered")]
    assert result.skipped == {"no agent answered": 1}
    assert result.phones == {"valid": 1, "anonymous": 1}
    assert result.assumed == {"encoding": "cp1252", "delimiter": "semicolon"}
    assert (result.first, result.last) == ("2026-11-22T13:00:00.000000Z", "2026-11-22T13:01:00.000000Z")
    assert not result.good
    assert SECRET not in "\n".join(told(result)) + json.dumps(as_json(result))


def test_without_a_configuration_the_mapping_alone_is_tried():
    """And it is said that nothing was checked against a catalogue."""
    result = tried("A1;x;22/11/2026 14:00:00;60;;nowhere:2\n", with_facts=False)
    assert (result.accepted, result.checked, result.good) == (1, "mapping", True)


def test_rows_that_differ_under_one_id_are_counted():
    """A numbered source that numbers wrongly."""
    rows = "Ticket,Created\nT1,2026-11-22T09:00:00Z\nT1,2026-11-22T10:00:00Z\nT2,2026-11-22T09:00:00Z\nT2,2026-11-22T09:00:00Z\n"
    result = dry_run(preset("tickets"), rows.encode(), NOW, facts())
    assert (result.accepted, result.duplicates, result.repeated) == (3, 1, 2)


def test_a_file_that_cannot_be_read_is_one_problem():
    """The line an administrator would find in the log."""
    result = dry_run(preset("queue-calls"), b"Call ID;Agent;Talk\n1;2;3\n", NOW, facts())
    assert result.problem == "row 1: expected the column Answered, found it absent"
    assert told(result)[1] == f"problem: {result.problem}"


@pytest.mark.parametrize(
    ("offset", "said"),
    [
        (0, ""),
        (HOUR_US, "+1:00 h"),
        (-2 * HOUR_US, "-2:00 h"),
        (HOUR_US + 2 * MINUTE_US, "+1:00 h"),
        (HOUR_US // 3, ""),
    ],
)
def test_a_zone_shows_against_the_native_ids(offset, said):
    """Within a queue's wait; no multiple of a quarter of an hour is no zone."""
    samples = [Sample(made_at=NOW - n * HOUR_US, first_at=NOW - n * HOUR_US + offset) for n in range(3, 9)]
    doubt = clock_doubt(samples, NOW)
    assert said in doubt
    assert bool(said) == bool(doubt)


def test_rows_in_the_future_are_told_with_the_furthest():
    """What a clock an hour ahead looks like without native ids."""
    samples = [Sample(made_at=0, first_at=NOW + 50 * MINUTE_US), Sample(made_at=0, first_at=NOW)]
    assert clock_doubt(samples, NOW).startswith("1 of 2 rows lie in the future, at most +0:50 h")
    assert sample_of({"id": "pbx-1795356000.7", "started_at": "2026-11-22T14:00:00Z"}).made_at == 1_795_356_000_000_000


def test_neither_a_source_nor_a_mapping(tmp_path):
    """One sentence for the person at the terminal."""
    with pytest.raises(ConfigurationError, match="a source or a mapping"):
        try_file(tmp_path, name="", mapping="", controller="", path=tmp_path / "x")
