"""An agent's periods as a calendar feed (RFC 5545). Pure: sentences and the instant are arguments.

Called by the console for `/calendar/<token>.ics`. Must never hold a name, a campaign's words or another person: the
periods, the purpose and whom to ask, nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from quivive.model.clock import SECOND_US

MAX_LINE_OCTETS: Final = 75
"""Octets of a content line before it is folded (RFC 5545 §3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One announced stretch. `uid` is stable over fetches, `summary` and `description` are sentences for the agent."""

    uid: str
    from_at: int
    to_at: int
    summary: str
    description: str


def calendar(events: Iterable[Event], *, name: str, made_at: int) -> str:
    """The feed. Lines end in CRLF, are folded at 75 octets, and texts are escaped."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Quivive//recordings//EN", f"X-WR-CALNAME:{_text(name)}"]
    for event in events:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{event.uid}",
            f"DTSTAMP:{_utc(made_at)}",
            f"DTSTART:{_utc(event.from_at)}",
            f"DTEND:{_utc(event.to_at)}",
            f"SUMMARY:{_text(event.summary)}",
            f"DESCRIPTION:{_text(event.description)}",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{folded}\r\n" for line in lines for folded in [_fold(line)])


def _utc(at: int) -> str:
    return datetime.fromtimestamp(at // SECOND_US, tz=UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r", "").replace("\n", "\\n")


def _fold(line: str) -> str:
    """Break a line before 75 octets, never inside a character; a continuation begins with one space."""
    parts, current, octets = [], "", 0
    for character in line:
        size = len(character.encode())
        if octets + size > MAX_LINE_OCTETS:
            parts.append(current)
            current, octets = " ", 1
        current, octets = current + character, octets + size
    return "\r\n".join([*parts, current])
