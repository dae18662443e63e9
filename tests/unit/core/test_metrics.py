"""`/metrics` tells what an administrator needs, and nobody."""

import re

from quivive.core.metrics import Metrics, days_left
from quivive.model.access import GapBody
from quivive.model.clock import DAY_US, SECOND_US, now_us, utc_day
from quivive.model.entry import EntryKind

ALLOWED = {"controller", "source", "state", "class", "store", "output"}
NEEDED = {
    "quivive_entries_total", "quivive_ingest_lag_entries", "quivive_ingest_lag_seconds", "quivive_gap_seconds",
    "quivive_disk_free_bytes", "quivive_storage_failing", "quivive_rebuilding",
}  # fmt: skip


def metrics(core, clock=now_us):
    return Metrics(
        settings=core.settings, ledger=core.ledger, projection=core.projection, pipeline=core.pipeline, retention=None,
        clock=clock,
    )  # fmt: skip


def values(text):
    """Value by name and labels."""
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line[0] != "#"}


def test_every_line_is_there_and_no_label_can_name_a_person(core):
    """Names of the labels are a closed list."""
    text = metrics(core).text().decode()
    assert {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")} >= NEEDED
    assert set(re.findall(r'[{,](\w+)="', text)) <= ALLOWED
    assert values(text)['quivive_gap_seconds{source="api"}'] == 0


def test_the_seconds_of_a_gap_within_the_last_day_are_counted(core):
    """What lies before the day is cut off; the projection was told through the street."""
    now = now_us()
    body = GapBody(from_at=now - 2 * DAY_US, to_at=now - DAY_US + 90 * SECOND_US, cause="codec", lost=-1, of="")
    core.writer.write(EntryKind.GAP, body, controller="aurore")
    core.start()
    for _ in range(600):
        found = values(metrics(core, lambda: now).text().decode())
        if found.get('quivive_gap_seconds{source="core"}') == 90:
            return
        core.pipeline.failed.wait(0.1)
    raise AssertionError(found)


def test_the_forecast_of_the_disk_follows_the_last_week(tmp_path):
    """Seven days of 1,000 bytes: 7,000 free bytes last a week; without a past nothing is said."""
    now = now_us()
    assert days_left(tmp_path, 7_000, now) is None
    folder = tmp_path / "segments" / "aurore" / "trace"
    folder.mkdir(parents=True)
    for back in range(1, 8):
        (folder / utc_day(now - back * DAY_US)).write_bytes(b"x" * 1_000)
    assert days_left(tmp_path, 7_000, now) == 7
