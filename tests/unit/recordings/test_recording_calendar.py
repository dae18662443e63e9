"""Claims of the calendar feed: RFC 5545 lines, folded inside 75 octets, texts escaped, nothing else in it."""

from register_bodies import NOW

from quivive.model.clock import HOUR_US
from quivive.recordings.calendar import Event, calendar


def test_a_feed_is_made_of_folded_escaped_lines():
    """CRLF, 75 octets, no character cut, commas and semicolons escaped; unfolded it reads as it was written."""
    told = "Formation; écoute, qualité : " + "é" * 80 + "\nfin\\"
    event = Event(uid="a-1@quivive", from_at=NOW, to_at=NOW + HOUR_US, summary=told, description=told)
    feed = calendar([event], name="Mes périodes", made_at=NOW)
    lines = feed.split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VCALENDAR", ""]
    assert all(len(line.encode()) <= 75 for line in lines)
    whole = feed.replace("\r\n ", "")
    escaped = told.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    assert f"SUMMARY:{escaped}\r\n" in whole
    assert "DTSTART:20260921T141320Z" in whole
    assert "DTEND:20260921T151320Z" in whole


def test_an_empty_feed_is_a_calendar():
    """No period, no event."""
    assert "VEVENT" not in calendar([], name="x", made_at=NOW)
