"""Claims about quivive.core.writers: governance entries go through the spool like any other source's."""

import json

from quivive.core.writers import CORE_SOURCE, CoreWriter
from quivive.model.entry import EntryKind
from quivive.spool import SpoolCursor, SpoolReader

NOW = 1_795_000_000_000_000


def spooled(home):
    return SpoolReader(home / "spool", CORE_SOURCE).poll(SpoolCursor(source=CORE_SOURCE), 100)


def test_what_is_written_is_durable_on_return(tmp_path):
    """One call, one event, readable before the writer closes."""
    writer = CoreWriter(tmp_path, lambda: NOW)
    writer.write(EntryKind.PARAMETERS, {"a": 1})
    writer.write(EntryKind.CATALOGUE_VERSION, {"v": 2}, controller="aurore", at=NOW - 5)
    events = spooled(tmp_path)
    assert [(e.kind, e.controller, e.captured_at) for e in events] == [
        ("parameters", "operator", NOW),
        ("catalogue.version", "aurore", NOW - 5),
    ]
    writer.close()


def test_a_killed_core_says_so_at_its_next_start(tmp_path):
    """An epoch that was not closed leaves a gap from its last entry to the new start."""
    killed = CoreWriter(tmp_path, lambda: NOW)
    killed.write(EntryKind.PARAMETERS, {"a": 1})
    killed._spool.abandon()
    writer = CoreWriter(tmp_path, lambda: NOW + 9_000_000)
    writer.close()
    gaps = [json.loads(e.body) for e in spooled(tmp_path) if e.kind is EntryKind.GAP]
    assert [(g["from_at"], g["to_at"], g["cause"]) for g in gaps] == [(NOW, NOW + 9_000_000, "source_killed")]


def test_an_orderly_end_leaves_no_gap(tmp_path):
    """A closed epoch is followed by nothing."""
    CoreWriter(tmp_path, lambda: NOW).close()
    CoreWriter(tmp_path, lambda: NOW + 1).close()
    assert spooled(tmp_path) == []


def test_settling_with_nothing_owed_does_nothing(tmp_path):
    """The ingest thread asks at each round."""
    writer = CoreWriter(tmp_path, lambda: NOW)
    writer.settle()
    writer.write(EntryKind.PARAMETERS, {"a": 1})
    writer.settle()
    assert len(spooled(tmp_path)) == 1
    writer.close()
