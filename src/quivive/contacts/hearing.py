"""Rows about recordings and listening become bodies (docs/access-api.md "Recordings and listening").

Called by `quivive.intake` for `POST /v1/recordings` and `/v1/listenings`, whatever connector made the rows. Pure: time
and policy are arguments. Must never keep a login, a file name or a telephone number: keyed pseudonyms leave, and a
person who was not informed, agent or listener, leaves as "".
"""

from dataclasses import dataclass
from typing import Any, Final

from quivive.contacts.mapper import MAX_AHEAD_US, ContactContext
from quivive.model.gate import CapturePolicy
from quivive.model.ids import KEY_PATTERN
from quivive.model.recording import (
    ListeningBody,
    ListeningKind,
    ListeningReason,
    RecordingBody,
    Segment,
    SegmentState,
)
from quivive.privacy.pseudonym import agent_key, contact_key, location_key, recording_key
from quivive.rows import FieldError, Row, sub_row

MAX_SEGMENTS: Final = 256
"""Stretches of one recording: an agent who interrupts each minute of a four-hour call; more is a broken source."""
MAX_HEARD_MS: Final = 24 * 3_600_000
"""Milliseconds heard of one recording; a day is beyond any player left open."""
_SHA256: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedHearing:
    """One row: `native` is its keyed id, for idempotence; `at` the instant of its day."""

    native: str
    at: int
    body: RecordingBody | ListeningBody


def map_recording(row: Row, context: ContactContext, policy: CapturePolicy, now: int, controller: str) -> MappedHearing:
    """Map one version of a recording; the caller has read `controller`.

    Raises:
        FieldError: the first field that is wrong.
    """
    keys, logins = context.keyer.keys, _Logins(row, context, policy)
    native = recording_key(keys, logins.namespace, row.native_id())
    version = row.integer("version")
    times = {name: row.instant(name, default=0, latest=now + MAX_AHEAD_US) for name in ("started_at", "ended_at")}
    at = _at(row, times)
    call_ended_at = row.instant("call_ended_at", default=0, latest=now + MAX_AHEAD_US)
    location = row.text("location", default="", expected="the name of a file or object")
    body = RecordingBody(
        recording=native,
        version=version,
        controller=controller,
        campaign="",
        campaign_version=0,
        purpose="",
        answer=_answer(row),
        contact=_contact(row, context),
        agent=logins.kept("agent", at),
        person="",
        queue=row.code("queue", default=""),
        call_ended_at=call_ended_at,
        segments=_segments(row, now + MAX_AHEAD_US),
        announced=row.boolean("announced", default=False),
        media_sha256=_hash(row),
        location=location_key(keys, location) if location else "",
        size_bytes=row.integer("size_bytes", default=0),
        **times,
    )
    row.done()
    return MappedHearing(native=native, at=at, body=body)


def map_listening(row: Row, context: ContactContext, policy: CapturePolicy, now: int, controller: str) -> MappedHearing:
    """Map one version of a listening; the caller has read `controller`.

    Raises:
        FieldError: the first field that is wrong.
    """
    keys, logins = context.keyer.keys, _Logins(row, context, policy)
    native = recording_key(keys, logins.namespace, "listening " + row.native_id())
    version = row.integer("version")
    kind = row.choice("kind", ListeningKind)
    times = {name: row.instant(name, default=0, latest=now + MAX_AHEAD_US) for name in ("started_at", "ended_at")}
    at = _at(row, times)
    kept = kind in (ListeningKind.PLAYBACK, ListeningKind.DOWNLOAD)
    recording = row.native_id("recording") if row.has("recording") else ""
    location = row.text("location", default="", expected="the name of a file or object")
    if (recording or location) and not kept:
        raise FieldError(row.where("recording"), "nothing for a call heard as it happens", "an identifier")
    body = ListeningBody(
        listening=native,
        version=version,
        controller=controller,
        listening_kind=kind,
        campaign="",
        campaign_version=0,
        purpose="",
        reason=row.choice("reason", ListeningReason, default=ListeningReason.UNSTATED),
        recording=_recording(context, logins.namespace, recording, location),
        contact=_contact(row, context),
        agent=logins.kept("agent", at),
        person="",
        listener=logins.kept("listener", at),
        listener_person="",
        principal="",
        heard_ms=row.integer("heard_ms", default=-1, minimum=-1, maximum=MAX_HEARD_MS),
        case="",
        **times,
    )
    row.done()
    return MappedHearing(native=native, at=at, body=body)


class _Logins:
    """The logins of one row as agent keys, those that the policy lets pass."""

    def __init__(self, row: Row, context: ContactContext, policy: CapturePolicy) -> None:
        self.namespace = row.text("namespace", default=context.namespace, expected="a login space")
        self._row, self._keys, self._policy = row, context.keyer.keys, policy

    def kept(self, name: str, at: int) -> str:
        """Key of the login in a field, "" when there is none or its holder may not be kept at that instant."""
        login = self._row.text(name, default="", expected="a login")
        if not login:
            return ""
        key = agent_key(self._keys, self.namespace, login)
        return key if self._policy.agent_may_be_kept(key, at) else ""


def _at(row: Row, times: dict[str, int]) -> int:
    at = times["started_at"] or times["ended_at"]
    if not at:
        raise FieldError(row.where("started_at"), "the instant it began, or ended", "nothing")
    if times["started_at"] and times["ended_at"] and times["ended_at"] < times["started_at"]:
        raise FieldError(row.where("ended_at"), "an instant not before `started_at`", "an earlier instant")
    return at


def _contact(row: Row, context: ContactContext) -> str:
    return contact_key(context.keyer.keys, row.native_id("contact")) if row.has("contact") else ""


def _recording(context: ContactContext, namespace: str, native: str, location: str) -> str:
    """Name the recording heard: by its own id, else by its file."""
    if native:
        return recording_key(context.keyer.keys, namespace, native)
    return location_key(context.keyer.keys, location) if location else ""


def _answer(row: Row) -> str:
    text = row.text("answer", default="", expected="an answer of the gate")
    if text and not KEY_PATTERN.fullmatch(text):
        raise FieldError(row.where("answer"), "32 hexadecimal digits, as the gate gave them", "another text")
    return text


def _hash(row: Row) -> str:
    text = row.text("sha256", default="", expected="a SHA-256").lower()
    if text and (len(text) != 64 or not _SHA256.issuperset(text)):
        raise FieldError(row.where("sha256"), "64 hexadecimal digits", "another text")
    return text


def _segments(row: Row, latest: int) -> tuple[Segment, ...]:
    def segment(value: Any, path: str) -> Segment:
        item = sub_row(value, path)
        from_at = item.instant("from", latest=latest)
        to_at = item.instant("to", default=0, latest=latest)
        state = item.choice("state", SegmentState)
        item.done()
        if to_at and to_at < from_at:
            raise FieldError(f"{path}.to", "an instant not before `from`", "an earlier instant")
        return Segment(from_at=from_at, to_at=to_at, state=state)

    found = row.items("segments", segment)
    if len(found) > MAX_SEGMENTS:
        raise FieldError(row.where("segments"), f"at most {MAX_SEGMENTS} segments", "a longer array")
    return found
