"""Rows of certificates, holds and the daily check (entries of the core's retention room and of recordings).

Called by `columns`, which stages them. Pure. Must never merge, and never turn a code into a sentence.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from quivive.model.entry import EntryKind
from quivive.model.purge import CertificateBody
from quivive.model.retention import Hold, HoldReleaseBody, RetentionCheckBody
from quivive.projection.decode import Envelope
from quivive.projection.forms import BOOL, INT, KEY, TEXT, TIE

Rows = dict[str, list[tuple[Any, ...]]]

RETENTION_LAYOUT: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "purge": (
        ("certificate", KEY), ("part", INT), ("tie", TIE), ("noted_at", INT), ("controller", TEXT), ("what", TEXT),
        ("retention_class", TEXT), ("day", TEXT), ("campaign", TEXT), ("rule", TEXT), ("clause", TEXT),
        ("count", INT), ("declared_days", INT), ("planned_by", TEXT), ("approved_by", TEXT), ("approval", TEXT),
        ("keys_destroyed", INT), ("executed_at", INT), ("verified_absent_at", INT), ("backup_days_max", INT),
        ("declared_by_vendor", BOOL), ("removed_root", TEXT), ("places", TEXT),
    ),
    "hold": (
        ("hold", KEY), ("tie", TIE), ("noted_at", INT), ("controller", TEXT), ("retention_class", TEXT),
        ("from_at", INT), ("to_at", INT), ("until_at", INT), ("order_code", TEXT), ("approval", TEXT),
        ("placed_by", TEXT), ("approved_by", TEXT),
    ),
    "hold_release": (
        ("hold", KEY), ("tie", TIE), ("noted_at", INT), ("controller", TEXT), ("released_by", TEXT),
        ("approved_by", TEXT),
    ),
    "retention_check": (
        ("day", TEXT), ("room", TEXT), ("version", INT), ("tie", TIE), ("overdue", INT), ("held", INT),
        ("incomplete", INT), ("policies", TEXT),
    ),
    "retention_store": (
        ("day", TEXT), ("room", TEXT), ("version", INT), ("tie", TIE), ("store", TEXT), ("controller", TEXT),
        ("retention_class", TEXT), ("declared_days", INT), ("oldest_at", INT), ("overdue", BOOL), ("held", TEXT),
    ),
}  # fmt: skip


def _json(values: Any) -> str:
    return msgspec.json.encode(values, order="sorted").decode()


def certificate(rows: Rows, envelope: Envelope, tie: int, body: CertificateBody) -> None:
    """Stage one part of a certificate, of the ledger or of recordings."""
    rows["purge"].append(
        (
            body.certificate, body.part, tie, envelope.captured_at, body.controller, body.what, body.retention_class,
            body.day, body.campaign, body.rule, body.clause, body.count, body.declared_days, body.planned_by,
            body.approved_by, body.approval, len(body.keys_destroyed), body.executed_at, body.verified_absent_at,
            body.backup_days_max, body.declared_by_vendor, body.removed_root, _json(body.places),
        )
    )  # fmt: skip


def _hold(rows: Rows, envelope: Envelope, tie: int, body: Hold) -> None:
    rows["hold"].append(
        (
            body.hold, tie, envelope.captured_at, body.controller, body.retention_class, body.from_at, body.to_at,
            body.until_at, body.order, body.approval, body.placed_by, body.approved_by,
        )
    )  # fmt: skip


def _release(rows: Rows, envelope: Envelope, tie: int, body: HoldReleaseBody) -> None:
    rows["hold_release"].append(
        (body.hold, tie, envelope.captured_at, body.controller, body.released_by, body.approved_by)
    )


def _check(rows: Rows, envelope: Envelope, tie: int, body: RetentionCheckBody) -> None:
    room = "recordings" if any(each.retention_class == "recording" for each in body.stores) else "ledger"
    of = (body.day, room, envelope.captured_at, tie)
    rows["retention_check"].append((*of, body.overdue, body.held, body.incomplete, _json(body.policies)))
    rows["retention_store"].extend(
        (
            *of, each.store, each.controller, each.retention_class, each.declared_days, each.oldest_at, each.overdue,
            each.held,
        )
        for each in body.stores
    )  # fmt: skip


RETENTION_BODIES: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    EntryKind.PURGE: msgspec.json.Decoder(CertificateBody),
    EntryKind.HOLD: msgspec.json.Decoder(Hold),
    EntryKind.HOLD_RELEASE: msgspec.json.Decoder(HoldReleaseBody),
    EntryKind.RETENTION_CHECK: msgspec.json.Decoder(RetentionCheckBody),
}
RETENTION_ROWS: Final[dict[str, Callable[[Rows, Envelope, int, Any], None]]] = {
    EntryKind.PURGE: certificate,
    EntryKind.HOLD: _hold,
    EntryKind.HOLD_RELEASE: _release,
    EntryKind.RETENTION_CHECK: _check,
}
