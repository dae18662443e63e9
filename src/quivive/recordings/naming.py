"""What a recorder's file name says: the call's native id, when it was made, how long it lasts. Pure.

Called by `recordings.judging` with the pattern of a store (`[audio.NAME] name`). Must never keep what the pattern does
not name: the rest of a file name may hold a telephone number or an agent's login.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from quivive.audio_settings import AudioSettings
from quivive.model.clock import SECOND_US

MAX_NAME_CHARS: Final = 1_024
"""Characters of a path given to a pattern: what a bucket allows."""
MAX_SECONDS: Final = 86_400
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class NameFacts:
    """What one name told. Instants in microseconds UTC, 0 when it says nothing; texts "" likewise."""

    call: str = ""
    controller: str = ""
    queue: str = ""
    started_at: int = 0
    ended_at: int = 0


NOTHING: Final = NameFacts()


class NameReader:
    """Reads the names of one store."""

    def __init__(self, settings: AudioSettings, zone: str) -> None:
        self._pattern = re.compile(settings.name) if settings.name else None
        self._date, self._zone = settings.name_date, ZoneInfo(settings.timezone or zone)

    def read(self, path: str) -> NameFacts:
        """Read one path; a name that the pattern does not fit tells nothing."""
        found = self._pattern.search(path[:MAX_NAME_CHARS]) if self._pattern else None
        if found is None:
            return NOTHING
        told = {name: value for name, value in found.groupdict().items() if value}
        started_at, ended_at = self._instant(told.get("started", "")), self._instant(told.get("ended", ""))
        seconds = told.get("seconds", "")
        if started_at and not ended_at and seconds.isdigit() and int(seconds) <= MAX_SECONDS:
            ended_at = started_at + int(seconds) * SECOND_US
        return NameFacts(
            call=told.get("call", ""),
            controller=told.get("controller", "").lower(),
            queue=told.get("queue", ""),
            started_at=started_at,
            ended_at=ended_at,
        )

    def _instant(self, text: str) -> int:
        """An instant of a name, local time of the store. Of an hour shown twice the later: nothing goes too early."""
        if not text:
            return 0
        try:
            if self._date == "%s":  # seconds since 1970, as Asterisk's ids begin
                moment = _EPOCH + timedelta(seconds=int(text))
            else:
                moment = datetime.strptime(text, self._date)  # noqa: DTZ007 - its zone follows
                if moment.tzinfo is None:
                    moment = moment.replace(tzinfo=self._zone, fold=1)
        except (ValueError, OverflowError):
            return 0
        delta = moment - _EPOCH
        return max(0, (delta.days * 86_400 + delta.seconds) * SECOND_US)
