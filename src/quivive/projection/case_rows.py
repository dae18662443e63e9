"""Rows of cases, of the gate's papers and of what needs two persons (entries of the console and of `quivive gate`).

Called by `columns`, which stages them. Pure. Must never merge, and never turn a code into a sentence. A step is kept
as its own JSON: `quivive.cases.view` folds the steps, and no SQL decides a stage. The person leaves
the JSON: a key is a column, so that `query` can shape it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import msgspec

from quivive.model.approval import ApprovalBody
from quivive.model.attestation import AttestationBody
from quivive.model.case import CaseBody, CaseStepBody
from quivive.model.entry import EntryKind
from quivive.model.gate_record import GateRecordBody
from quivive.model.register import RegisterRowBody
from quivive.projection.decode import Envelope
from quivive.projection.forms import BOOL, INT, KEY, TEXT, TIE

Rows = dict[str, list[tuple[Any, ...]]]

CASE_LAYOUT: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "case_file": (
        ("case", KEY), ("opened_at", INT), ("tie", TIE), ("controller", TEXT), ("ident", KEY), ("alert", KEY),
        ("body", TEXT),
    ),
    "case_step": (
        ("case", KEY), ("step", KEY), ("taken_at", INT), ("tie", TIE), ("controller", TEXT), ("step_kind", TEXT),
        ("until_at", INT), ("outcome", TEXT), ("body", TEXT),
    ),
    "register_row": (
        ("register", TEXT), ("controller", TEXT), ("reference", TEXT), ("version", INT), ("tie", TIE), ("label", TEXT),
        ("country", TEXT), ("from_at", INT), ("to_at", INT), ("due_at", INT), ("state", TEXT), ("removed", BOOL),
    ),
    "attestation": (
        ("controller", TEXT), ("day", TEXT), ("principal", TEXT), ("attested_at", INT), ("tie", TIE), ("role", TEXT),
        ("open_alerts", INT), ("closed_alerts", INT), ("overdue_alerts", INT),
    ),
    "approval": (
        ("approval", KEY), ("version", INT), ("tie", TIE), ("controller", TEXT), ("act", TEXT), ("object", TEXT),
        ("digest", TEXT), ("reference", TEXT), ("state", TEXT), ("proposed_by", TEXT), ("proposed_role", TEXT),
        ("proposed_at", INT), ("expires_at", INT), ("valid_us", INT), ("decided_by", TEXT), ("decided_role", TEXT),
        ("decided_at", INT), ("done_at", INT),
    ),
    "gate_record": (
        ("employer", TEXT), ("establishment", TEXT), ("module", TEXT), ("record", TEXT), ("dated_at", INT),
        ("recorded_at", INT), ("tie", TIE), ("reference", TEXT), ("text_sha256", TEXT), ("purposes", TEXT),
        ("rules", TEXT), ("demonstration", BOOL),
    ),
}  # fmt: skip


def _json(values: Any) -> str:
    return msgspec.json.encode(values, order="sorted").decode()


def _case(rows: Rows, envelope: Envelope, tie: int, body: CaseBody) -> None:
    rows["case_file"].append(
        (body.case, envelope.captured_at, tie, body.controller, body.ident, body.alert, _json(replace(body, ident="")))
    )  # fmt: skip


def _step(rows: Rows, envelope: Envelope, tie: int, body: CaseStepBody) -> None:
    rows["case_step"].append(
        (
            body.case, body.step, body.taken_at, tie, envelope.controller, body.step_kind, body.until_at, body.outcome,
            _json(body),
        )
    )  # fmt: skip


def _approval(rows: Rows, envelope: Envelope, tie: int, body: ApprovalBody) -> None:
    rows["approval"].append(
        (
            body.approval, envelope.captured_at, tie, body.controller, body.act, body.object, body.digest,
            body.reference, body.state, body.proposed_by, body.proposed_role, body.proposed_at, body.expires_at,
            body.valid_us, body.decided_by, body.decided_role, body.decided_at, body.done_at,
        )
    )  # fmt: skip


def _register(rows: Rows, envelope: Envelope, tie: int, body: RegisterRowBody) -> None:
    rows["register_row"].append(
        (
            body.register, body.controller, body.reference, envelope.captured_at, tie, body.label, body.country,
            body.from_at, body.to_at, body.due_at, body.state, body.removed,
        )
    )  # fmt: skip


def _attestation(rows: Rows, envelope: Envelope, tie: int, body: AttestationBody) -> None:
    rows["attestation"].append(
        (
            body.controller, body.day, body.principal, envelope.captured_at, tie, body.role, body.open_alerts,
            body.closed_alerts, body.overdue_alerts,
        )
    )  # fmt: skip


def _record(rows: Rows, envelope: Envelope, tie: int, body: GateRecordBody) -> None:
    rows["gate_record"].append(
        (
            body.employer, body.establishment, body.module, body.record, body.dated_at, envelope.captured_at, tie,
            body.reference, body.text_sha256, ",".join(body.purposes), ",".join(body.rules), body.demonstration,
        )
    )  # fmt: skip


CASE_BODIES: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    EntryKind.CASE: msgspec.json.Decoder(CaseBody),
    EntryKind.CASE_STEP: msgspec.json.Decoder(CaseStepBody),
    EntryKind.APPROVAL: msgspec.json.Decoder(ApprovalBody),
    EntryKind.REGISTER_ROW: msgspec.json.Decoder(RegisterRowBody),
    EntryKind.ATTESTATION: msgspec.json.Decoder(AttestationBody),
    EntryKind.GATE_RECORD: msgspec.json.Decoder(GateRecordBody),
}
CASE_ROWS: Final[dict[str, Callable[[Rows, Envelope, int, Any], None]]] = {
    EntryKind.CASE: _case,
    EntryKind.CASE_STEP: _step,
    EntryKind.APPROVAL: _approval,
    EntryKind.REGISTER_ROW: _register,
    EntryKind.ATTESTATION: _attestation,
    EntryKind.GATE_RECORD: _record,
}
