"""Event bytes: the entry as JSON, exactly as hashed and stored (DESIGN §7; ADR 0001).

Called by append (encode) and by the projection (decode). Pure. Must never re-serialise a body: it is embedded as
the bytes the source encoded, after a check that they are a JSON object without fractions.
"""

from typing import Any, Final

import msgspec

from quivive.model.entry import ENTRY_VERSION, KIND_CLASS, Entry, EntryKind, RetentionClass, SpoolEvent
from quivive.model.errors import QuiviveError


class EntryError(QuiviveError):
    """A body that must not enter the ledger, or bytes that are no entry of a version we read."""


class _Wire(msgspec.Struct, frozen=True, rename={"retention_class": "class"}):
    """Fields in the sorted order of their JSON names."""

    body: msgspec.Raw
    captured_at: int
    retention_class: RetentionClass
    controller: str
    epoch: int
    id: str
    ingested_at: int
    key_id: str
    kind: EntryKind
    seq: int
    source: str
    v: int


def _no_fraction(text: str) -> float:
    raise ValueError(f"a fraction of {len(text)} characters; entries hold integers only")


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(_Wire).decode
_body: Final = msgspec.json.Decoder(dict[str, Any], float_hook=_no_fraction).decode


def entry_id(source: str, epoch: int, seq: int) -> str:
    """`<source>/<epoch>/<seq>`: unique by construction."""
    return f"{source}/{epoch}/{seq}"


def encode_entry(event: SpoolEvent, ingested_at: int) -> bytes:
    """Encode an event as it stands in the ledger for ever.

    Raises:
        EntryError: its body is not a JSON object of texts, integers and booleans.
    """
    try:
        _body(event.body)
    except (msgspec.MsgspecError, ValueError) as error:
        raise EntryError(f"{entry_id(event.source, event.epoch, event.seq)}: the body is no JSON object") from error
    return _encode(
        _Wire(
            msgspec.Raw(event.body),
            event.captured_at,
            KIND_CLASS[event.kind],
            event.controller,
            event.epoch,
            entry_id(event.source, event.epoch, event.seq),
            ingested_at,
            event.key_id,
            event.kind,
            event.seq,
            event.source,
            ENTRY_VERSION,
        )
    )


def decode_entry(data: bytes) -> Entry:
    """Decode event bytes.

    Raises:
        EntryError: not an entry, or of a version newer than this program.
    """
    try:
        wire = _decode(data)
        body = _body(wire.body)
    except (msgspec.MsgspecError, ValueError) as error:
        raise EntryError("not an entry of a kind and version this program knows; upgrade Quivive") from error
    if wire.v != ENTRY_VERSION:
        raise EntryError(f"entry version {wire.v}: upgrade Quivive to read it")
    return Entry(
        v=wire.v,
        kind=wire.kind,
        id=wire.id,
        source=wire.source,
        epoch=wire.epoch,
        seq=wire.seq,
        captured_at=wire.captured_at,
        ingested_at=wire.ingested_at,
        controller=wire.controller,
        retention_class=wire.retention_class,
        key_id=wire.key_id,
        body=body,
    )
