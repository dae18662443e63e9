"""Playbacks under way: opened by an entry before the first byte, closed by one with the seconds heard (DESIGN §10).

Called by the console, each call in a thread, and by the round of `core.audio_keeping`. Must never keep a path outside
this process, and never let a playback pass from one person to another: its address is random and bound to who asked.
"""

import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from quivive.core.audio_keeping import AudioKeeping
from quivive.core.writers import CoreWriter
from quivive.model.clock import MINUTE_US
from quivive.model.entry import EntryKind
from quivive.model.errors import RefusedError
from quivive.model.recording import ListeningBody, ListeningKind, ListeningReason, Purpose
from quivive.privacy.pseudonym import contact_key, location_key
from quivive.projection.query import MAX_ROWS
from quivive.recordings.audio import AudioAbsentError, AudioUnreachableError, Scan
from quivive.recordings.gather import gather
from quivive.recordings.judging import Judged, Told, judge
from quivive.recordings.playback import (
    BURST_MS,
    PACE_MAX,
    TYPES,
    PlaybackRefusal,
    add_heard,
    heard_ms,
    milliseconds_of,
    refusal,
    sounding_s,
)

SILENCE_US: Final = 10 * MINUTE_US
"""A playback that asked for nothing so long is over: the page was left."""
LONGEST_US: Final = 4 * 60 * MINUTE_US
"""A playback ends then, whatever the player asks for."""
SAVE_EVERY_MS: Final = 30_000
"""So much more heard is written at once: a killed core loses no more."""
HEAD_BYTES: Final = 64
MAX_OPEN: Final = 200
"""Playbacks open at once; a person opens one or two."""


@dataclass(slots=True, kw_only=True)
class Playing:
    """One open playback. `ident` is its address; `body` the last version written."""

    ident: str
    body: ListeningBody
    store: str
    path: str
    size: int
    length_ms: int
    media_type: str
    expires_at: int
    seen_at: int
    heard: list[tuple[int, int]] = field(default_factory=list)
    paced_s: float = 0.0
    """Monotonic instant up to which what was sent lasts."""


class Playbacks:
    """See the module."""

    def __init__(self, audio: AudioKeeping, writer: CoreWriter, clock: Callable[[], int]) -> None:
        self._audio, self._writer, self._clock = audio, writer, clock
        self._open: dict[str, Playing] = {}
        self._lock = threading.Lock()
        self._started_at, self._left_over_done = clock(), False

    def listed(self, principal: str, controllers: tuple[str, ...]) -> list[dict[str, object]]:
        """Recordings that this person may ask for: of campaigns that name him, inside their limits."""
        rows = self._audio.facts.query("audio_to_hear", principal=principal, limit=200)
        return [row for row in rows if row["controller"] in controllers]

    def open(
        self, recording: str, *, principal: str, controllers: tuple[str, ...], purpose: str, reason: str
    ) -> Playing:
        """Open a playback: every rule is asked, then its entry is durable, then the address is given.

        Raises:
            RefusedError: a PlaybackRefusal.
        """
        now = self._clock()
        if reason not in set(ListeningReason) - {ListeningReason.UNSTATED}:
            raise RefusedError(PlaybackRefusal.REASON_MISSING)
        told = self._audio.facts.recording(recording)
        if told is None or told.controller not in controllers:
            raise RefusedError(PlaybackRefusal.UNKNOWN)
        campaign = next(
            (
                row
                for row in self._audio.facts.query("audio_limits")
                if row["campaign"] == told.campaign and row["controller"] == told.controller
            ),
            None,
        )
        if campaign is None:
            raise RefusedError(PlaybackRefusal.NO_PURPOSE)
        if principal not in str(campaign["listeners"]).split(","):
            raise RefusedError(PlaybackRefusal.NOT_A_LISTENER)
        if purpose not in set(Purpose) or purpose != campaign["purpose"]:
            raise RefusedError(PlaybackRefusal.OTHER_PURPOSE)
        judged, store, path = self._find(told, now)
        found = refusal(judged, now=now, listeners=str(campaign["listeners"]).split(","), principal=principal)
        if found is not None:
            raise RefusedError(found)
        return self._begin(
            told, judged, store, path, principal=principal, purpose=purpose, reason=ListeningReason(reason),
            version=int(campaign["version"]),
        )  # fmt: skip

    def _begin(
        self, told: Told, judged: Judged, store: str, path: str, *, principal: str, purpose: str,
        reason: ListeningReason, version: int,
    ) -> Playing:  # fmt: skip
        media_type = next((kind for ending, kind in TYPES.items() if path.lower().endswith(ending)), "")
        if not media_type:
            raise RefusedError(PlaybackRefusal.FORMAT)
        now, size = self._clock(), judged.seen.size_bytes
        told_ms = max(0, told.ended_at - told.started_at) // 1_000
        try:
            head = b"".join(self._audio.stores[store].read(path, 0, HEAD_BYTES))
        except (AudioAbsentError, AudioUnreachableError):
            raise RefusedError(PlaybackRefusal.ABSENT) from None
        body = ListeningBody(
            listening=secrets.token_hex(16), version=now, controller=told.controller,
            listening_kind=ListeningKind.PLAYBACK, campaign=told.campaign, campaign_version=version, purpose=purpose,
            reason=reason, recording=told.recording, contact=told.contact, agent="", person="", listener="",
            listener_person="", principal=principal, started_at=now, ended_at=0, heard_ms=0, case="",
        )  # fmt: skip
        playing = Playing(
            ident=secrets.token_urlsafe(16), body=body, store=store, path=path, size=size,
            length_ms=milliseconds_of(head, size, told_ms), media_type=media_type, expires_at=judged.expires_at,
            seen_at=now,
        )  # fmt: skip
        self._write(body)
        with self._lock:
            oldest = sorted(self._open.values(), key=lambda each: each.seen_at)[
                : max(0, len(self._open) + 1 - MAX_OPEN)
            ]
            self._open[playing.ident] = playing
        for each in oldest:
            self.close(each.ident, each.body.principal)
        return playing

    def _find(self, told: Told, now: int) -> tuple[Judged, str, str]:
        """Find the object of a recording in the stores, by its file or its call, and judge it.

        Raises:
            RefusedError: it is not there.
        """
        audio = self._audio
        keys = audio.keys[told.controller]
        for name, store in sorted(audio.stores.items()):
            place = audio.places[name]
            if store.declared or told.controller not in place.controllers:
                continue
            try:
                scan = store.scan(now)
            except AudioUnreachableError:
                continue
            for thing in scan.objects:
                call = place.reader.read(thing.path).call if told.contact else ""
                if (told.location and location_key(keys, thing.path) == told.location) or (
                    call and not told.location and contact_key(keys, call) == told.contact
                ):
                    only = Scan(store=name, at=now, objects=(thing,), others=0, declared=False)
                    gathered = gather([(place, only)], audio.keys, audio.facts)
                    return judge(gathered.seen[0], audio.facts.rules(), now), name, thing.path
        raise RefusedError(PlaybackRefusal.ABSENT)

    def get(self, ident: str, principal: str) -> Playing:
        """The open playback behind an address, for who opened it, while it may be heard.

        Raises:
            RefusedError: it is over, another's, or its limit was reached meanwhile.
        """
        now = self._clock()
        with self._lock:
            playing = self._open.get(ident)
        if playing is None or playing.body.principal != principal or now > playing.body.started_at + LONGEST_US:
            raise RefusedError(PlaybackRefusal.OVER)
        if now > playing.expires_at:
            raise RefusedError(PlaybackRefusal.PAST_LIMIT)
        return playing

    def may_go_on(self, playing: Playing) -> None:
        """Ask again before each block of sound: still open, limit and objection.

        Raises:
            RefusedError: no more of it.
        """
        with self._lock:
            if playing.ident not in self._open:
                raise RefusedError(PlaybackRefusal.OVER)
        if self._clock() > playing.expires_at:
            raise RefusedError(PlaybackRefusal.PAST_LIMIT)
        objected = {row["contact"] for row in self._audio.facts.query("audio_objections", limit=MAX_ROWS)}
        if playing.body.contact and playing.body.contact in objected:
            self.close(playing.ident, playing.body.principal)
            raise RefusedError(PlaybackRefusal.OBJECTED)
        playing.seen_at = self._clock()

    def read(self, playing: Playing, start: int, end: int) -> Iterator[bytes]:
        """Bytes of an open playback, each counted as it leaves; none after its closing, which told what was heard."""
        for block in self._audio.stores[playing.store].read(playing.path, start, end):
            if not self._count(playing, start, start + len(block)):
                return
            start += len(block)
            yield block

    def pace(self, playing: Playing, count: int, now_s: float) -> float:
        """Seconds to wait before the next `count` bytes, over all requests since it opened; they count as sent.

        A negative `count` gives back what was not sent after all.
        """
        cost_s = sounding_s(count, playing.size, playing.length_ms) / PACE_MAX
        with self._lock:
            begins_s = max(playing.paced_s, now_s) if count > 0 else playing.paced_s
            playing.paced_s = begins_s + cost_s
        return max(0.0, begins_s - now_s - BURST_MS / 1_000 / PACE_MAX)

    def _count(self, playing: Playing, start: int, end: int) -> bool:
        with self._lock:
            if playing.ident not in self._open:
                return False
            playing.heard = add_heard(playing.heard, start, end)
            playing.seen_at = self._clock()
            heard = heard_ms(playing.heard, playing.size, playing.length_ms)
            due = heard - playing.body.heard_ms >= SAVE_EVERY_MS
            if due:
                playing.body = self._next(playing, ended_at=0)
        if due:
            self._write(playing.body)
        return True

    def close(self, ident: str, principal: str) -> int:
        """Close a playback with what was heard, in milliseconds; -1 when it was closed already."""
        with self._lock:
            playing = self._open.get(ident)
            if playing is None or playing.body.principal != principal:
                return -1
            self._open.pop(ident)
            body = self._next(playing, ended_at=self._clock())
        self._write(body)
        return body.heard_ms

    def sweep(self) -> int:
        """Close what was left open: pages left, playbacks of a core that was killed."""
        now = self._clock()
        if not self._left_over_done:
            self._left_over()
            self._left_over_done = True
        with self._lock:
            over = [
                each
                for each in self._open.values()
                if now - each.seen_at > SILENCE_US or now > each.body.started_at + LONGEST_US
            ]
        for each in over:
            self.close(each.ident, each.body.principal)
        return len(over)

    def _left_over(self) -> None:
        for row in self._audio.facts.query("audio_playing", before_at=self._started_at):
            self._write(
                ListeningBody(
                    listening=row["listening"], version=int(row["version"]) + 1, controller=row["controller"],
                    listening_kind=ListeningKind.PLAYBACK, campaign=row["campaign"],
                    campaign_version=row["campaign_version"], purpose=row["purpose"],
                    reason=ListeningReason(row["reason"]), recording=row["recording"],
                    contact="" if set(row["contact"]) == {"0"} else row["contact"], agent="", person="", listener="",
                    listener_person="", principal=row["principal"], started_at=row["started_at"],
                    ended_at=self._started_at, heard_ms=row["heard_ms"], case="",
                )
            )  # fmt: skip

    def _next(self, playing: Playing, *, ended_at: int) -> ListeningBody:
        body = playing.body
        return ListeningBody(
            listening=body.listening, version=max(self._clock(), body.version + 1), controller=body.controller,
            listening_kind=body.listening_kind, campaign=body.campaign, campaign_version=body.campaign_version,
            purpose=body.purpose, reason=body.reason, recording=body.recording, contact=body.contact, agent="",
            person="", listener="", listener_person="", principal=body.principal, started_at=body.started_at,
            ended_at=ended_at, heard_ms=heard_ms(playing.heard, playing.size, playing.length_ms), case="",
        )  # fmt: skip

    def _write(self, body: ListeningBody) -> None:
        self._writer.write(EntryKind.LISTENING, body, controller=body.controller, at=body.started_at)
