"""Rows of alerts, incidents, switches, canaries, and of the agent's word (entries of detection and its control).

Called by `columns`, which stages them. Pure. Must never merge, and never turn a code or a fact into a sentence.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from quivive.model.alert import (
    AlertBody,
    AlertChangeBody,
    AlertDigestBody,
    CanaryBody,
    Hit,
    IncidentBody,
    QuestionBody,
    SwitchBody,
    WordBody,
)
from quivive.model.entry import EntryKind
from quivive.projection.decode import Envelope
from quivive.projection.forms import BOOL, INT, KEY, TEXT, TIE
from quivive.projection.rule_rows import RULE_BODIES, RULE_LAYOUT, RULE_ROWS

Rows = dict[str, list[tuple[Any, ...]]]

_HIT: Final = (
    ("from_at", INT), ("to_at", INT), ("day", TEXT), ("accesses", TEXT), ("facts", TEXT), ("p_milli", INT),
    ("rule_version", TEXT),
)  # fmt: skip

ALERT_LAYOUT: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "alert": (
        ("alert", KEY), ("opened_at", INT), ("tie", TIE), ("controller", TEXT), ("ident", KEY), ("topic", TEXT),
        ("origin", TEXT), ("severity", TEXT), ("freshness", TEXT), ("would_explain", TEXT), *_HIT,
    ),
    "alert_access": (
        ("alert", KEY), ("changed_at", INT), ("tie", TIE), ("controller", TEXT), ("access", KEY), ("place", INT),
    ),
    "alert_change": (
        ("alert", KEY), ("changed_at", INT), ("tie", TIE), ("controller", TEXT), ("state", TEXT), ("outcome", TEXT),
        ("principal", TEXT), ("is_hit", BOOL), *_HIT,
    ),
    "alert_digest": (
        ("controller", TEXT), ("day", TEXT), ("version", INT), ("tie", TIE), ("budget", INT), ("opened", INT),
        ("joined", INT), ("audited", INT), ("left_out", TEXT), ("audit_seed", TEXT), ("drift", TEXT),
    ),
    "incident": (
        ("incident", KEY), ("version", INT), ("tie", TIE), ("controller", TEXT), ("incident_kind", TEXT),
        ("source", TEXT), ("from_at", INT), ("to_at", INT), ("suppressed", INT), ("facts", TEXT),
    ),
    "switch_state": (
        ("switch", TEXT), ("version", INT), ("tie", TIE), ("is_on", BOOL), ("reference", TEXT),
        ("demonstration", BOOL),
    ),
    "canary": (("controller", TEXT), ("key", KEY), ("version", INT), ("tie", TIE), ("removed", BOOL)),
    "canary_contact": (
        ("controller", TEXT), ("key", KEY), ("version", INT), ("tie", TIE), ("contact_key", KEY),
    ),
    "agent_question": (
        ("question", KEY), ("tie", TIE), ("controller", TEXT), ("ident", KEY), ("access", KEY),
        ("record_table", TEXT), ("accessed_at", INT), ("call_before_at", INT), ("call_after_at", INT),
        ("asked_at", INT), ("answer_until", INT),
    ),
    "agent_word": (
        ("question", KEY), ("answered_at", INT), ("tie", TIE), ("controller", TEXT), ("ident", KEY), ("access", KEY),
        ("category", TEXT),
    ),
    **RULE_LAYOUT,
}  # fmt: skip

_NO_HIT: Final = (0, 0, "", "", "[]", 0, "")


def _json(values: Any) -> str:
    return msgspec.json.encode(values, order="sorted").decode()


def _hit(hit: Hit) -> tuple[Any, ...]:
    listed = ",".join(hit.accesses)
    return (hit.from_at, hit.to_at, hit.day, listed, _json(hit.facts), hit.p_milli, hit.rule_version)


def _alert(rows: Rows, envelope: Envelope, tie: int, body: AlertBody) -> None:
    hit = body.hit
    rows["alert"].append(
        (
            body.alert, body.as_of, tie, envelope.controller, hit.ident, hit.topic, hit.origin, hit.severity,
            _json(body.freshness), ",".join(body.would_explain), *_hit(hit),
        )
    )  # fmt: skip
    _accesses(rows, envelope, tie, body.alert, body.as_of, hit)


def _accesses(rows: Rows, envelope: Envelope, tie: int, alert: str, at: int, hit: Hit) -> None:
    rows["alert_access"].extend(
        (alert, at, tie, envelope.controller, access, place) for place, access in enumerate(hit.accesses)
    )


def _alert_change(rows: Rows, envelope: Envelope, tie: int, body: AlertChangeBody) -> None:
    told = _NO_HIT if body.hit is None else _hit(body.hit)
    rows["alert_change"].append(
        (
            body.alert, body.as_of, tie, envelope.controller, body.state, body.outcome, body.principal,
            body.hit is not None, *told,
        )
    )  # fmt: skip
    if body.hit is not None:
        _accesses(rows, envelope, tie, body.alert, body.as_of, body.hit)


def _digest(rows: Rows, envelope: Envelope, tie: int, body: AlertDigestBody) -> None:
    rows["alert_digest"].append(
        (
            body.controller, body.day, envelope.captured_at, tie, body.budget, body.opened, body.joined, body.audited,
            _json(body.left_out), body.audit_seed, _json(body.drift),
        )
    )  # fmt: skip


def _incident(rows: Rows, envelope: Envelope, tie: int, body: IncidentBody) -> None:
    rows["incident"].append(
        (
            body.incident, envelope.captured_at, tie, body.controller, body.incident_kind, body.source, body.from_at,
            body.to_at, body.suppressed, _json(body.facts),
        )
    )  # fmt: skip


def _switch(rows: Rows, envelope: Envelope, tie: int, body: SwitchBody) -> None:
    rows["switch_state"].append(
        (body.switch, envelope.captured_at, tie, body.on, body.reference, body.demonstration)
    )  # fmt: skip


def _canary(rows: Rows, envelope: Envelope, tie: int, body: CanaryBody) -> None:
    of = (body.controller, body.key, envelope.captured_at, tie)
    rows["canary"].append((*of, body.removed))
    rows["canary_contact"].extend((*of, key) for key in body.contact_keys)


def _question(rows: Rows, envelope: Envelope, tie: int, body: QuestionBody) -> None:
    del envelope
    rows["agent_question"].append(
        (
            body.question, tie, body.controller, body.ident, body.access, body.table, body.accessed_at,
            body.call_before_at, body.call_after_at, body.asked_at, body.answer_until,
        )
    )  # fmt: skip


def _word(rows: Rows, envelope: Envelope, tie: int, body: WordBody) -> None:
    del envelope
    rows["agent_word"].append(
        (body.question, body.answered_at, tie, body.controller, body.ident, body.access, body.category)
    )


ALERT_BODIES: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    EntryKind.ALERT: msgspec.json.Decoder(AlertBody),
    EntryKind.ALERT_CHANGE: msgspec.json.Decoder(AlertChangeBody),
    EntryKind.ALERT_DIGEST: msgspec.json.Decoder(AlertDigestBody),
    EntryKind.INCIDENT: msgspec.json.Decoder(IncidentBody),
    EntryKind.SWITCH: msgspec.json.Decoder(SwitchBody),
    EntryKind.CANARY: msgspec.json.Decoder(CanaryBody),
    EntryKind.AGENT_QUESTION: msgspec.json.Decoder(QuestionBody),
    EntryKind.AGENT_WORD: msgspec.json.Decoder(WordBody),
    **RULE_BODIES,
}

ALERT_ROWS: Final[dict[str, Callable[[Rows, Envelope, int, Any], None]]] = {
    EntryKind.ALERT: _alert,
    EntryKind.ALERT_CHANGE: _alert_change,
    EntryKind.ALERT_DIGEST: _digest,
    EntryKind.INCIDENT: _incident,
    EntryKind.SWITCH: _switch,
    EntryKind.CANARY: _canary,
    EntryKind.AGENT_QUESTION: _question,
    EntryKind.AGENT_WORD: _word,
    **RULE_ROWS,
}
