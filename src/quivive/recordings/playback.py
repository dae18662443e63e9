"""Hearing a recording on our own page: who may, which bytes, how much of it was heard. Pure (law reference R-04, R-12).

Called by `core.playback` and the console's route. Must never let one be heard past its limit, whether or not the file
is still there, by somebody its campaign does not name, or for another purpose; there is no way to a whole file.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from quivive.model.audio import AudioProposal, AudioReason
from quivive.recordings.judging import Judged

BURST_MS: Final = 5_000
"""Sound sent at once when a stretch begins; a player needs a few seconds before it starts."""
PACE_MAX: Final = 1.25
"""Then at most so many times as fast as it is heard: what was sent was heard, but for a few seconds."""
UNKNOWN_RATE: Final = 16_000
"""Bytes a second of a sound whose length nothing tells."""
_RANGE: Final = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)
_WAV_MIN: Final = 44
TYPES: Final = {
    ".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".opus": "audio/ogg", ".flac": "audio/flac",
    ".m4a": "audio/mp4", ".aac": "audio/aac",
}  # fmt: skip
"""What browsers play, by ending; another format is refused in words."""


class PlaybackRefusal(StrEnum):
    """Why a recording is not played; the code of a RefusedError, whose sentence the console has."""

    UNKNOWN = "playback_unknown"
    NOT_A_LISTENER = "playback_not_a_listener"
    OTHER_PURPOSE = "playback_other_purpose"
    REASON_MISSING = "playback_reason_missing"
    PAST_LIMIT = "playback_past_limit"
    NO_PURPOSE = "playback_no_purpose"
    OBJECTED = "playback_objected"
    BEING_WRITTEN = "playback_being_written"
    ABSENT = "playback_absent"
    FORMAT = "playback_format"
    OVER = "playback_over"
    DOWNLOAD_NEEDS_CASE = "download_needs_case"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Bytes [start, end) of `size`. `partial`: a range was asked for."""

    start: int
    end: int
    size: int
    partial: bool


def refusal(judged: Judged, *, now: int, listeners: Collection[str], principal: str) -> PlaybackRefusal | None:
    """Why this person may not hear this recording now; None when he may."""
    if judged.reason is AudioReason.CALLER_OBJECTED:
        return PlaybackRefusal.OBJECTED
    if judged.reason is AudioReason.FOUND_AGAIN or (judged.ended_at and now > judged.expires_at):
        return PlaybackRefusal.PAST_LIMIT  # a hold keeps the file; it gives nobody an ear
    if judged.reason is AudioReason.BEING_WRITTEN:
        return PlaybackRefusal.BEING_WRITTEN
    if not judged.campaign or judged.proposal is AudioProposal.PURGE:
        return PlaybackRefusal.NO_PURPOSE
    return None if principal in listeners else PlaybackRefusal.NOT_A_LISTENER


def span_of(header: str, size: int) -> Span | None:
    """Read a Range header (RFC 9110 §14.2): one range; None when it cannot be satisfied."""
    if not header:
        return Span(start=0, end=size, size=size, partial=False)
    found = _RANGE.fullmatch(header.strip())
    if found is None or not (found[1] or found[2]):  # several ranges, another unit: the whole may be sent
        return Span(start=0, end=size, size=size, partial=False)
    if not found[1]:
        length = min(int(found[2]), size)
        return Span(start=size - length, end=size, size=size, partial=True) if length else None
    start, end = int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
    return Span(start=start, end=end, size=size, partial=True) if start < end else None


def milliseconds_of(head: bytes, size: int, told_ms: int) -> int:
    """Length of the sound: from a WAV's own header, else what its source told; 0 when nothing says."""
    if len(head) >= _WAV_MIN and head[:4] == b"RIFF" and head[8:16] == b"WAVEfmt ":
        rate = int.from_bytes(head[28:32], "little")
        if rate:
            return (size - _WAV_MIN) * 1_000 // rate
    return told_ms


def add_heard(heard: list[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """Unite a stretch of bytes with those heard before, in order and apart."""
    united: list[tuple[int, int]] = []
    for first, last in sorted([*heard, (start, end)]):
        if united and first <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], last))
        else:
            united.append((first, last))
    return united


def heard_ms(heard: list[tuple[int, int]], size: int, length_ms: int) -> int:
    """Milliseconds of the sound that were sent, each once; -1 when its length is not known."""
    if not size or not length_ms:
        return -1
    return sum(last - first for first, last in heard) * length_ms // size


def sounding_s(count: int, size: int, length_ms: int) -> float:
    """Seconds that so many bytes of a sound last; of unknown length, at the rate of a telephone's WAV."""
    if not size or not length_ms:
        return count / UNKNOWN_RATE
    return count * length_ms / size / 1_000
