"""Rows of what the gate answered and of what happened: answers, recordings, listening, objections, non-conformities.

Called by `columns`, which stages them. Pure. Must never merge, and never turn a code into a sentence.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from quivive.model.entry import EntryKind
from quivive.model.recording import (
    AnswerBody,
    ListeningBody,
    NonconformityBody,
    ObjectionBody,
    RecordingBody,
    SeedBody,
)
from quivive.projection.decode import Envelope
from quivive.projection.forms import BOOL, INT, KEY, TEXT, TIE

Rows = dict[str, list[tuple[Any, ...]]]

HEARING_LAYOUT: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "recording_answer": (
        ("answer", KEY), ("tie", TIE), ("controller", TEXT), ("source", TEXT), ("medium", TEXT), ("allowed", BOOL),
        ("reason", TEXT), ("campaign", TEXT), ("campaign_version", INT), ("contact", KEY), ("agent", KEY),
        ("person", KEY), ("listener", TEXT), ("asked_at", INT), ("policy_at", INT), ("draw", INT), ("day", TEXT),
        ("noted_at", INT),
    ),
    "recording": (
        ("recording", KEY), ("version", INT), ("tie", TIE), ("controller", TEXT), ("source", TEXT),
        ("campaign", TEXT), ("campaign_version", INT), ("purpose", TEXT), ("answer", KEY), ("contact", KEY),
        ("agent", KEY), ("person", KEY), ("queue", TEXT), ("started_at", INT), ("ended_at", INT),
        ("call_ended_at", INT), ("segments", TEXT), ("announced", BOOL), ("location", KEY),
        ("noted_at", INT),
    ),
    "listening": (
        ("listening", KEY), ("version", INT), ("tie", TIE), ("controller", TEXT), ("source", TEXT),
        ("listening_kind", TEXT), ("campaign", TEXT), ("campaign_version", INT), ("purpose", TEXT), ("reason", TEXT),
        ("recording", KEY), ("contact", KEY), ("agent", KEY), ("person", KEY), ("listener", KEY),
        ("listener_person", KEY), ("principal", TEXT), ("started_at", INT), ("ended_at", INT), ("heard_ms", INT),
        ("case_id", TEXT), ("noted_at", INT),
    ),
    "nonconformity": (
        ("nonconformity", KEY), ("version", INT), ("tie", TIE), ("controller", TEXT), ("nonconformity_kind", TEXT),
        ("medium", TEXT), ("campaign", TEXT), ("recording", KEY), ("listening", KEY), ("contact", KEY),
        ("person", KEY), ("aimed_at", TEXT), ("happened_at", INT), ("found_at", INT), ("found", INT), ("most", INT),
        ("closed_by", TEXT), ("closing_reference", TEXT),
    ),
    "objection": (
        ("controller", TEXT), ("contact", KEY), ("objected_at", INT), ("tie", TIE), ("channel", TEXT),
        ("noted_at", INT),
    ),
    "recording_seed": (
        ("controller", TEXT), ("campaign", TEXT), ("day", TEXT), ("tie", TIE), ("commitment", TEXT), ("seed", TEXT),
        ("written_at", INT),
    ),
}  # fmt: skip


def _answer(rows: Rows, envelope: Envelope, tie: int, body: AnswerBody) -> None:
    rows["recording_answer"].append(
        (
            body.answer, tie, body.controller, envelope.source, body.medium, body.allowed, body.reason, body.campaign,
            body.version, body.contact, body.agent, body.person, body.listener, body.asked_at, body.policy_at,
            body.draw, body.day, envelope.captured_at,
        )
    )  # fmt: skip


def _recording(rows: Rows, envelope: Envelope, tie: int, body: RecordingBody) -> None:
    segments = msgspec.json.encode(body.segments, order="sorted").decode()
    rows["recording"].append(
        (
            body.recording, body.version, tie, body.controller, envelope.source, body.campaign,
            body.campaign_version, body.purpose, body.answer, body.contact, body.agent, body.person, body.queue,
            body.started_at, body.ended_at, body.call_ended_at, segments, body.announced, body.location,
            envelope.captured_at,
        )
    )  # fmt: skip


def _listening(rows: Rows, envelope: Envelope, tie: int, body: ListeningBody) -> None:
    rows["listening"].append(
        (
            body.listening, body.version, tie, body.controller, envelope.source, body.listening_kind, body.campaign,
            body.campaign_version, body.purpose, body.reason, body.recording, body.contact, body.agent, body.person,
            body.listener, body.listener_person, body.principal, body.started_at, body.ended_at, body.heard_ms,
            body.case, envelope.captured_at,
        )
    )  # fmt: skip


def _nonconformity(rows: Rows, envelope: Envelope, tie: int, body: NonconformityBody) -> None:
    del envelope
    rows["nonconformity"].append(
        (
            body.nonconformity, body.version, tie, body.controller, body.nonconformity_kind, body.medium,
            body.campaign, body.recording, body.listening, body.contact, body.person, body.aimed_at,
            body.happened_at, body.found_at, body.found, body.limit, body.closed_by, body.closing_reference,
        )
    )  # fmt: skip


def _objection(rows: Rows, envelope: Envelope, tie: int, body: ObjectionBody) -> None:
    rows["objection"].append((body.controller, body.contact, body.objected_at, tie, body.channel, envelope.captured_at))


def _seed(rows: Rows, envelope: Envelope, tie: int, body: SeedBody) -> None:
    rows["recording_seed"].append(
        (body.controller, body.campaign, body.day, tie, body.commitment, body.seed, envelope.captured_at)
    )


HEARING_BODIES: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    EntryKind.RECORDING_ANSWER: msgspec.json.Decoder(AnswerBody),
    EntryKind.RECORDING: msgspec.json.Decoder(RecordingBody),
    EntryKind.LISTENING: msgspec.json.Decoder(ListeningBody),
    EntryKind.NONCONFORMITY: msgspec.json.Decoder(NonconformityBody),
    EntryKind.OBJECTION: msgspec.json.Decoder(ObjectionBody),
    EntryKind.RECORDING_SEED: msgspec.json.Decoder(SeedBody),
}

HEARING_ROWS: Final[dict[str, Callable[[Rows, Envelope, int, Any], None]]] = {
    EntryKind.RECORDING_ANSWER: _answer,
    EntryKind.RECORDING: _recording,
    EntryKind.LISTENING: _listening,
    EntryKind.NONCONFORMITY: _nonconformity,
    EntryKind.OBJECTION: _objection,
    EntryKind.RECORDING_SEED: _seed,
}
