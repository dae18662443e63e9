"""A bundle written after a day was purged: erased under certificate, whole otherwise, the removed keys not inside."""

import pytest
from retention_support import NOW, keys, room_of, story, until, written

from quivive.ledger.bundle import write_bundle
from quivive.ledger.evidence import Evidence
from quivive.ledger.finding import Exit, FindingCode
from quivive.model.clock import Micros, now_us, utc_day
from quivive.model.entry import EntryKind


@pytest.fixture
def room(core):
    core.writer.write(EntryKind.CONFIGURATION, {"operator": "Centre"})
    written(core, story())
    core.start()
    made = room_of(core)
    until(lambda: made.ready() and core.ledger.head("aurore/" + utc_day(Micros(NOW))[:6]).entries >= 62)
    until(lambda: not core.pipeline._behind())
    return made


def test_a_bundle_tells_erased_from_missing(core, room, tmp_path):
    """10 with the certificate in it; 40 when the certificate's line is taken out; what was removed is nowhere."""
    room.round(NOW)
    until(lambda: room.query("certificates"))
    until(room.ready)
    core.ledger.publish(now_us() + 5_000_000, force=True)
    target = tmp_path / "bundle"
    write_bundle(core.home, "aurore", target)
    report = Evidence().bundle(target)
    assert report.exit_code is Exit.ERASED, report.findings
    assert {found.code for found in report.findings} == {FindingCode.ERASED}
    everything = b"".join(path.read_bytes() for path in target.rglob("*") if path.is_file())
    assert not [key for key in keys("old") if key.encode() in everything]
    assert [key for key in keys("new") if key.encode() in everything]
    for path in target.rglob("events.ndjson"):
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(line for line in lines if b'\\"kind\\":\\"purge\\"' not in line))
    assert Evidence().bundle(target).exit_code is Exit.TAMPERED
