"""Rows of kept sound: plans of removal, their steps and certificates, holds, and what limits and ends a recording.

Called by `columns`, which stages them. Pure. Must never merge. Campaigns, recordings and objections have rooms of their
own; here stands only what decides how long an object may lie in a store.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from quivive.model.audio import AudioHoldBody, PlanBody, PlanStepBody
from quivive.model.entry import EntryKind
from quivive.model.purge import CertificateBody
from quivive.model.recording import Medium, ObjectionBody, RecordingBody
from quivive.model.recording_register import CampaignBody
from quivive.projection.decode import Envelope
from quivive.projection.forms import BOOL, INT, KEY, TEXT, TIE

Rows = dict[str, list[tuple[Any, ...]]]

AUDIO_LAYOUT: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "audio_plan": (
        ("plan", KEY), ("part", INT), ("tie", TIE), ("controller", TEXT), ("parts", INT), ("digest", TEXT),
        ("planned_by", TEXT), ("planned_role", TEXT), ("planned_at", INT), ("stores", TEXT), ("declared", BOOL),
        ("follows", KEY), ("objects", INT), ("items", INT), ("counts", TEXT),
    ),
    "audio_plan_item": (
        ("plan", KEY), ("part", INT), ("tie", TIE), ("controller", TEXT), ("audio", KEY), ("store", TEXT),
        ("campaign", TEXT), ("recording", KEY), ("reason", TEXT), ("clock", TEXT), ("ended_at", INT),
        ("limit_days", INT), ("size_bytes", INT), ("sha256", TEXT),
    ),
    "audio_step": (
        ("plan", KEY), ("attempt", INT), ("step", TEXT), ("tie", TIE), ("controller", TEXT), ("stepped_at", INT),
        ("principal", TEXT), ("removed", INT), ("left_over", INT), ("failures", TEXT),
    ),
    "audio_certificate": (
        ("certificate", KEY), ("part", INT), ("tie", TIE), ("controller", TEXT), ("rule", TEXT), ("campaign", TEXT),
        ("removed", INT), ("removed_root", TEXT), ("planned_by", TEXT), ("approved_by", TEXT), ("approval", KEY),
        ("executed_at", INT), ("verified_absent_at", INT), ("looked_at", INT), ("declared", BOOL),
    ),
    "audio_hold": (
        ("hold", KEY), ("version", INT), ("tie", TIE), ("controller", TEXT), ("scope", TEXT), ("object", TEXT),
        ("reference", TEXT), ("from_at", INT), ("until_at", INT), ("asked_by", TEXT), ("approved_by", TEXT),
        ("approval", KEY), ("released", BOOL),
    ),
    "audio_told": (
        ("recording", KEY), ("version", INT), ("tie", TIE), ("controller", TEXT), ("campaign", TEXT),
        ("contact", KEY), ("queue", TEXT), ("location", KEY), ("media_sha256", TEXT), ("started_at", INT),
        ("ended_at", INT), ("call_ended_at", INT),
    ),
    "audio_limit": (
        ("campaign", TEXT), ("version", INT), ("tie", TIE), ("controller", TEXT), ("state", TEXT), ("purpose", TEXT),
        ("queues", TEXT), ("from_at", INT), ("to_at", INT), ("retention_days", INT), ("listeners", TEXT),
    ),
    "audio_objection": (("contact", KEY), ("objected_at", INT), ("tie", TIE), ("controller", TEXT)),
}  # fmt: skip


def _json(values: Any) -> str:
    return msgspec.json.encode(values, order="sorted").decode()


def _plan(rows: Rows, envelope: Envelope, tie: int, body: PlanBody) -> None:
    del envelope
    rows["audio_plan"].append(
        (
            body.plan, body.part, tie, body.controller, body.parts, body.digest, body.planned_by, body.planned_role,
            body.planned_at, ",".join(body.stores), body.declared, body.follows, body.objects, len(body.items),
            _json(body.counts),
        )
    )  # fmt: skip
    rows["audio_plan_item"].extend(
        (
            body.plan, body.part, tie, body.controller, item.audio, item.store, item.campaign, item.recording,
            item.reason, item.clock, item.ended_at, item.limit_days, item.size_bytes, item.sha256,
        )
        for item in body.items
    )  # fmt: skip


def _step(rows: Rows, envelope: Envelope, tie: int, body: PlanStepBody) -> None:
    del envelope
    rows["audio_step"].append(
        (
            body.plan, body.attempt, body.step, tie, body.controller, body.at, body.principal, body.removed, body.left,
            _json(body.failures),
        )
    )  # fmt: skip


def _certificate(rows: Rows, envelope: Envelope, tie: int, body: CertificateBody) -> None:
    del envelope
    rows["audio_certificate"].append(
        (
            body.certificate, body.part, tie, body.controller, body.rule, body.campaign, body.count, body.removed_root,
            body.planned_by, body.approved_by, body.approval, body.executed_at, body.verified_absent_at,
            sum(place.looked_at for place in body.places), body.declared_by_vendor,
        )
    )  # fmt: skip


def _hold(rows: Rows, envelope: Envelope, tie: int, body: AudioHoldBody) -> None:
    rows["audio_hold"].append(
        (
            body.hold, envelope.captured_at, tie, body.controller, body.scope, body.object, body.reference,
            body.from_at, body.until_at, body.asked_by, body.approved_by, body.approval, body.released,
        )
    )  # fmt: skip


def _told(rows: Rows, envelope: Envelope, tie: int, body: RecordingBody) -> None:
    del envelope
    rows["audio_told"].append(
        (
            body.recording, body.version, tie, body.controller, body.campaign, body.contact, body.queue, body.location,
            body.media_sha256, body.started_at, body.ended_at, body.call_ended_at,
        )
    )  # fmt: skip


def _limit(rows: Rows, envelope: Envelope, tie: int, body: CampaignBody) -> None:
    del envelope
    if Medium.RECORDING in body.media:
        rows["audio_limit"].append(
            (
                body.campaign, body.version, tie, body.controller, body.state, body.purpose, ",".join(body.queues),
                body.from_at, body.to_at, body.retention_days,
                ",".join(each.principal for each in body.listeners if each.principal),
            )
        )  # fmt: skip


def _objection(rows: Rows, envelope: Envelope, tie: int, body: ObjectionBody) -> None:
    del envelope
    rows["audio_objection"].append((body.contact, body.objected_at, tie, body.controller))


AUDIO_BODIES: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    EntryKind.RECORDING_PLAN: msgspec.json.Decoder(PlanBody),
    EntryKind.RECORDING_STEP: msgspec.json.Decoder(PlanStepBody),
    EntryKind.RECORDING_PURGE: msgspec.json.Decoder(CertificateBody),
    EntryKind.RECORDING_HOLD: msgspec.json.Decoder(AudioHoldBody),
    EntryKind.RECORDING: msgspec.json.Decoder(RecordingBody),
    EntryKind.RECORDING_CAMPAIGN: msgspec.json.Decoder(CampaignBody),
    EntryKind.OBJECTION: msgspec.json.Decoder(ObjectionBody),
}
AUDIO_ROWS: Final[dict[str, Callable[[Rows, Envelope, int, Any], None]]] = {
    EntryKind.RECORDING_PLAN: _plan,
    EntryKind.RECORDING_STEP: _step,
    EntryKind.RECORDING_PURGE: _certificate,
    EntryKind.RECORDING_HOLD: _hold,
    EntryKind.RECORDING: _told,
    EntryKind.RECORDING_CAMPAIGN: _limit,
    EntryKind.OBJECTION: _objection,
}
