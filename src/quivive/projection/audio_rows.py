"""Rows of kept sound: plans of removal and their steps, holds, and how long each campaign keeps.

Called by `columns`, which stages them. Pure. Must never merge. Recordings, objections and certificates have rooms of
their own; here stands only what decides how long an object may lie in a store.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from quivive.model.audio import AudioHoldBody, PlanBody, PlanStepBody
from quivive.model.entry import EntryKind
from quivive.model.purge import CertificateBody
from quivive.model.recording import Medium
from quivive.model.recording_register import CampaignBody
from quivive.projection.decode import Envelope
from quivive.projection.forms import BOOL, INT, KEY, TEXT, TIE
from quivive.projection.retention_rows import certificate

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
        ("kept", TEXT),
    ),
    "audio_hold": (
        ("hold", KEY), ("version", INT), ("tie", TIE), ("controller", TEXT), ("scope", TEXT), ("object", TEXT),
        ("reference", TEXT), ("from_at", INT), ("until_at", INT), ("asked_by", TEXT), ("approved_by", TEXT),
        ("approval", KEY), ("released", BOOL),
    ),
    "audio_limit": (
        ("campaign", TEXT), ("version", INT), ("tie", TIE), ("controller", TEXT), ("state", TEXT), ("purpose", TEXT),
        ("queues", TEXT), ("from_at", INT), ("to_at", INT), ("retention_days", INT), ("listeners", TEXT),
    ),
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
            _json(body.failures), ",".join(body.kept),
        )
    )  # fmt: skip


def _hold(rows: Rows, envelope: Envelope, tie: int, body: AudioHoldBody) -> None:
    rows["audio_hold"].append(
        (
            body.hold, envelope.captured_at, tie, body.controller, body.scope, body.object, body.reference,
            body.from_at, body.until_at, body.asked_by, body.approved_by, body.approval, body.released,
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


AUDIO_BODIES: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    EntryKind.RECORDING_PLAN: msgspec.json.Decoder(PlanBody),
    EntryKind.RECORDING_STEP: msgspec.json.Decoder(PlanStepBody),
    EntryKind.RECORDING_PURGE: msgspec.json.Decoder(CertificateBody),
    EntryKind.RECORDING_HOLD: msgspec.json.Decoder(AudioHoldBody),
    EntryKind.RECORDING_CAMPAIGN: msgspec.json.Decoder(CampaignBody),
}
AUDIO_ROWS: Final[dict[str, Callable[[Rows, Envelope, int, Any], None]]] = {
    EntryKind.RECORDING_PLAN: _plan,
    EntryKind.RECORDING_STEP: _step,
    EntryKind.RECORDING_PURGE: certificate,
    EntryKind.RECORDING_HOLD: _hold,
    EntryKind.RECORDING_CAMPAIGN: _limit,
}
