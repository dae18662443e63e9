"""Keyed pseudonyms: one function per kind of key (DESIGN §6, "Values are never stored"; ADR 0002).

Called by capture, contacts and the intake, before the spool. Pure. Must never be called with a
value that is not canonical text (`privacy.canonical`), and never return anything reversible without the key.

Each key is HMAC-SHA-256 truncated to 16 bytes, in lower-case hexadecimal. Fields are joined with
0x1F (unit separator) behind a kind tag, so that no two kinds or field splits can collide.
"""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from quivive.model.ids import AgentKey, AlternateKey, ContactKey, PersonKey, RecordKey

PSEUDONYM_BYTES: Final = 16
NEIGHBOURHOOD_BYTES: Final = 8
NEIGHBOURHOOD_SHIFT: Final = 6  # 64 consecutive integer keys share a neighbourhood (DESIGN §6)
MAX_ENDING: Final = 5
"""Letters of a file's ending (`wav`, `gsm`, `wav49`); what is longer, or a number, belongs to the name."""
_SEPARATOR: Final = b"\x1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerKeys:
    """Pseudonym keys of one controller, 32 bytes each; all that a relay ever receives.

    `key_id` names the pair in entries. `agent` is derived from the operator's k_agent for this
    controller, so that two controllers' bundles cannot be joined.
    """

    key_id: str
    record: bytes
    agent: bytes


def _keyed(key: bytes, tag: bytes, *fields: str) -> str:
    message = _SEPARATOR.join((tag, *(field.encode() for field in fields)))
    return hmac.digest(key, message, "sha256")[:PSEUDONYM_BYTES].hex()


def record_key(keys: ControllerKeys, table: str, canonical_key: str) -> RecordKey:
    """Pseudonym of a row: `table` is `schema.table` (partition root), `canonical_key` its canonical key text."""
    return RecordKey(_keyed(keys.record, b"record", table, canonical_key))


def alternate_key(keys: ControllerKeys, kind: str, canonical_value: str) -> AlternateKey:
    """Pseudonym of an alternate key; the same for a row, a call and a ticket of this controller."""
    return AlternateKey(_keyed(keys.record, b"alternate", kind, canonical_value))


def agent_key(keys: ControllerKeys, namespace: str, login: str) -> AgentKey:
    """Pseudonym of a login in one system of this controller. Logins compare trimmed and case-folded."""
    return AgentKey(_keyed(keys.agent, b"agent", namespace, login.strip().casefold()))


def contact_key(keys: ControllerKeys, native_id: str) -> ContactKey:
    """Pseudonym of a call, ticket or callback by its native id."""
    return ContactKey(_keyed(keys.record, b"contact", native_id.strip()))


def recording_key(keys: ControllerKeys, namespace: str, native_id: str) -> str:
    """Pseudonym of a recording or a listening by its native id in one system (`namespace`) of this controller."""
    return _keyed(keys.record, b"recording", namespace, native_id.strip())


def location_key(keys: ControllerKeys, location: str) -> str:
    """Pseudonym of a recording's file: its last name without folder and endings, so that a player's copy is the same.

    `/var/spool/monitor/2026/11/q-1763.7.wav` and `https://rec.example/mp3/q-1763.7.mp3` are one recording.
    """
    name = location.strip().partition("?")[0].rstrip("/").rpartition("/")[2].rpartition("\\")[2]
    stem, dot, ending = name.rpartition(".")
    if not (dot and stem and 1 <= len(ending) <= MAX_ENDING and not ending.isdigit()):
        stem = name
    return _keyed(keys.record, b"location", stem.casefold())


def audio_key(keys: ControllerKeys, store: str, path: str) -> str:
    """Pseudonym of one object of an audio store: the same when a file of this name comes back to this place."""
    return _keyed(keys.record, b"audio", store, path)


def consent_key(keys: ControllerKeys, reference: str) -> str:
    """Pseudonym of the native reference of a consent's proof (a customer on a dialler's list)."""
    return _keyed(keys.record, b"consent", reference.strip())


def access_key(keys: ControllerKeys, source: str, native_id: str) -> str:
    """Identifier of an access told by an application's own log: the same each time the row is sent again."""
    return _keyed(keys.record, b"access", source, native_id.strip())


def session_key(keys: ControllerKeys, text: str) -> str:
    """Opaque id of a connection or an address within this controller."""
    return _keyed(keys.agent, b"session", text)


def person_key(operator_agent_key: bytes, external_id: str) -> PersonKey:
    """Pseudonym of a person of the directory, from the operator's own agent key (32 bytes)."""
    return PersonKey(_keyed(operator_agent_key, b"person", external_id.strip().casefold()))


def shift_key(operator_agent_key: bytes, source: str, native_id: str) -> str:
    """Identifier of a planned shift: the same each time the row is sent again."""
    return _keyed(operator_agent_key, b"shift", source, native_id.strip())


def derive_controller_agent_key(operator_agent_key: bytes, controller: str) -> bytes:
    """Derive one controller's agent key (32 bytes) so that agent pseudonyms never join across controllers."""
    return hmac.digest(operator_agent_key, b"controller-agent" + _SEPARATOR + controller.encode(), sha256)


def neighbourhood(keys: ControllerKeys, table: str, integer_key: int) -> str:
    """Pseudonym (16 hex digits) shared by 64 consecutive integer keys: shows enumeration, reveals no key."""
    text = str(integer_key >> NEIGHBOURHOOD_SHIFT)
    message = _SEPARATOR.join((b"neighbourhood", table.encode(), text.encode()))
    return hmac.digest(keys.record, message, "sha256")[:NEIGHBOURHOOD_BYTES].hex()


_CODE_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH: Final = 5


def neutral_code(key: str) -> str:
    """Return the neutral code a reader sees instead of a PersonKey or AgentKey, e.g. `7K3QX`. Stable, no meaning."""
    number = int.from_bytes(sha256(b"neutral-code" + key.encode()).digest()[:8])
    letters = []
    for _ in range(_CODE_LENGTH):
        number, digit = divmod(number, len(_CODE_ALPHABET))
        letters.append(_CODE_ALPHABET[digit])
    return "".join(letters)
