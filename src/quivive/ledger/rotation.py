"""Replacing a signing key, in time or because others may know it (DESIGN §7; docs/ledger.md).

Called by `quivive key`, with the core stopped. Must never leave a head that only a revoked key has signed, nor
destroy the old key before everything bears the new one. Whatever step is interrupted, the command is run again.

Order: the event, on the spine, under the keys of before → new key beside the old → every head signed again, size and
root unchanged → the old key destroyed. What others hold under the old key goes on verifying with the old public key.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from quivive.ledger.log import Ledger
from quivive.ledger.signing import verifier_key
from quivive.ledger.spine import key_commitment, key_event_entry, spine_origin
from quivive.model.clock import now_us
from quivive.model.errors import ConfigurationError
from quivive.privacy.keyring import SPINE, Keyring
from quivive.settings import load_settings


class KeyEvent(StrEnum):
    ROTATED = "rotated"
    COMPROMISED = "compromised"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """How many logs were signed again, and the new public key of the log named."""

    logs: int
    vkey: str


def replace_key(home: Path, log: str, event: KeyEvent, *, reason: str) -> Replaced:
    """Replace the signing key of a controller's logs, or of the spine.

    Raises:
        ConfigurationError: there is no such log.
        StorageError: the core is running, or the disk refuses.
    """
    settings, keyring = load_settings(home), Keyring.open(home)
    if log != SPINE and log not in keyring.controllers():
        raise ConfigurationError(file=str(home), key=log, expected="a controller or `spine`", found=log)
    origin = settings.operator.origin
    if not (keyring.spine_keys if log == SPINE else keyring.log_keys(log)).retired:  # not interrupted before
        ledger = Ledger.open(home, keyring, settings.slots, origin)
        try:
            entry = key_event_entry(
                event=event.value,
                log=_named(keyring, origin, log),
                size=ledger.spine.log.size,
                witnessed=ledger.spine.anchored_size(),
                reason=reason,
                time=now_us(),
            )
            ledger.spine.owe(entry)
            ledger.publish(now_us(), force=True)
        finally:
            ledger.close()
        keyring.replace_signing(log)
    return _sign_again(home, log)


def _sign_again(home: Path, log: str) -> Replaced:
    settings, keyring = load_settings(home), Keyring.open(home)
    ledger = Ledger.open(home, keyring, settings.slots, settings.operator.origin)
    try:
        ledger.spine.retire_anchors()
        ledger.publish(now_us(), force=True)
        shards = [shard for shard in ledger.shards() if shard.partition("/")[0] == log]
        vkey = ledger.spine.log.keys[0].text if log == SPINE else ledger.verifier_key(shards[-1]).text
    finally:
        ledger.close()
    keyring.destroy_retired(log)
    return Replaced(logs=1 if log == SPINE else len(shards), vkey=vkey)


def _named(keyring: Keyring, origin: str, log: str) -> str:
    """The spine's old key in clear; a controller's as a commitment that it alone recognises."""
    if log == SPINE:
        return verifier_key(spine_origin(origin), keyring.spine_keys.signing).text
    keys = keyring.log_keys(log)
    return key_commitment(keys.slot_salt, keys.signing.public_key().public_bytes_raw().hex())
