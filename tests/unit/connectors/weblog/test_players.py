"""A recorder's web server: 206 range requests of one player are one listening."""

import pytest
from telephony_support import NOW, records

from quivive.connectors.access_logs import open_recorder_log
from quivive.connectors.model import Refusal
from quivive.model.errors import ConfigurationError

DOCUMENT = {
    "translator": "recorder-log",
    "log": {"format": "combined"},
    "recordings": "/rec/(?P<recording>[^/]+)",
    "download": "[?&]dl=1",
    "bytes_per_second": 16_000,
}


def translator(**changes):
    return open_recorder_log({**DOCUMENT, **changes}, "rec.yml", None, None, "UTC", "FR")


def line(second, user="lead", file="q-1763.41.wav", status=206, sent=8_000, query=""):
    at = f"23/Nov/2026:09:{second // 60:02d}:{second % 60:02d} +0000"
    return f'10.0.0.9 - {user} [{at}] "GET /rec/{file}{query} HTTP/1.1" {status} {sent} "-" "player"'


def final(lines, cut=1_000):
    feed, kept = translator(), {}
    fed = records(*lines)
    for start in range(0, len(fed), cut):
        for row in feed.feed(fed[start : start + cut], NOW):
            assert not isinstance(row, Refusal)
            kept[row.value["id"]] = row.value
    return kept


def test_206_requests_of_one_player_are_one_listening():
    """With the seconds that were sent; nothing of the address."""
    (listening,) = final([line(each) for each in range(206)]).values()
    assert (listening["kind"], listening["listener"]) == ("playback", "lead")
    assert (listening["location"], listening["heard_ms"]) == ("q-1763.41.wav", 206 * 500)
    assert listening["started_at"] == "2026-11-23T09:00:00.000000Z"
    assert "10.0.0.9" not in str(listening)


def test_another_person_file_or_hour_is_another_listening():
    """A quarter of an hour of silence ends a player."""
    lines = [line(1), line(1, user="autre"), line(1, file="q-2.wav"), line(3_000)]
    assert len(final(lines)) == 4


def test_a_download_is_told_from_its_address():
    """Whole, and asked for as a file."""
    (listening,) = final([line(5, status=200, sent=160_000, query="?dl=1")]).values()
    assert (listening["kind"], listening["heard_ms"]) == ("download", 10_000)


def test_lines_cut_anywhere_give_the_same():
    """A log is followed as it grows."""
    lines = [line(each) for each in range(40)]
    assert final(lines, cut=7) == final(lines)


def test_other_requests_are_passed_over():
    """Pages, refusals, other folders."""
    feed = translator()
    lines = [line(1, status=404), line(2).replace("/rec/", "/css/"), line(3).replace("GET", "HEAD")]
    assert list(feed.feed(records(*lines), NOW)) == []
    assert sum(feed.skipped.values()) == 3


@pytest.mark.parametrize(
    "changes", [{"recordings": "/rec/.*"}, {"recordings": "("}, {"bytes_per_second": "x"}, {"odd": 1}]
)
def test_a_wrong_document_stops_the_start(changes):
    """One sentence that names the key."""
    with pytest.raises(ConfigurationError):
        translator(**changes)
