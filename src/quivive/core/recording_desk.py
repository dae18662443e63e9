"""Opens the desk of recordings over the parts of this core.

Called by `core.main`. Must never add behaviour: the desk stands in `quivive.recordings.desk`.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from quivive.intake.opening import identity_key, identity_purpose
from quivive.model.entry import EntryKind
from quivive.model.errors import RefusedError
from quivive.model.ids import KEY_PATTERN
from quivive.privacy.keyring import Keyring
from quivive.privacy.pseudonym import person_key
from quivive.privacy.sealing import unseal
from quivive.projection.projection import Projection
from quivive.projection.store import read_sql
from quivive.recordings.analysis import HeardRecording
from quivive.recordings.desk import Desk, DeskPorts
from quivive.recordings.gate.asking import line_key
from quivive.recordings.register import Register
from quivive.settings import Settings
from quivive.vault import Vault

Record = Callable[[EntryKind, str, Any], Awaitable[None]]


def open_desk(
    settings: Settings,
    keyring: Keyring,
    vault: Vault,
    register: Register,
    projection: Projection,
    record: Record,
    clock: Callable[[], int],
) -> Desk:
    """Build the desk."""

    def line(controller: str, number: str) -> str:
        if controller not in settings.controllers:
            raise RefusedError("controller_unknown")
        return line_key(keyring.controller_keys(controller), number)

    async def heard(controller: str, recording: str) -> HeardRecording | None:
        return await asyncio.to_thread(_heard, projection, register, controller, recording)

    return Desk(
        DeskPorts(
            register=register,
            write=record,
            vault=vault,
            clock=clock,
            zone=ZoneInfo(settings.operator.timezone),
            controllers=frozenset(settings.controllers),
            person=lambda number: person_key(keyring.operator_agent_key, number),
            line=line,
            demonstration=settings.operator.demonstration,
            document_key=document_key(keyring.operator_agent_key),
            heard=heard,
        )
    )


def document_key(operator_agent_key: bytes) -> bytes:
    """Key (32 bytes) under which analyses lie in the vault; no relay and no gate receives what it derives from."""
    return hmac.digest(operator_agent_key, b"quivive-analysis-v1", sha256)


def _heard(projection: Projection, register: Register, controller: str, recording: str) -> HeardRecording | None:
    """Who was heard on a recording; its campaign as the source told it, else the one in force of that controller."""
    if not KEY_PATTERN.fullmatch(recording):
        return None
    halves = {"recording_hi": int(recording[:16], 16), "recording_lo": int(recording[16:], 16)}
    with projection.reading() as cursor:
        text = read_sql("quivive.recordings", "sql", "person_of.sql")
        row = cursor.execute(text, {"controller": controller, **halves}).fetchone()
    if row is None:
        return None
    person, campaign, version = str(row[0]), str(row[1]), int(row[2])
    if campaign and not version:
        newest = next((each for each in register.in_force((controller,)) if each.campaign == campaign), None)
        version = 0 if newest is None else newest.version
    return HeardRecording(person=person, campaign=campaign, version=version)


def address_of(keyring: Keyring, vault: Vault) -> Callable[[str], str]:
    """The e-mail of a person, unsealed for the message that is sent and kept nowhere; "" when none is known."""
    key = identity_key(keyring.operator_agent_key)

    def address(person: str) -> str:
        sealed = vault.identity(person)
        if sealed is None:
            return ""
        told = msgspec.json.decode(unseal(key, purpose=identity_purpose(person), sealed=sealed), type=dict[str, str])
        return told.get("email", "")

    return address
