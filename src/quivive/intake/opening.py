"""Opens the intake of a data folder: its spools, its memory of rows, the sealing of identities.

Called by the core at its start. Must never keep an identity in clear: it is sealed before the vault sees it.
"""

import asyncio
import hmac
import os
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from quivive.contacts.directory import SealedIdentity
from quivive.intake.accept import Acceptor, IntakePorts
from quivive.intake.seen import SeenTable
from quivive.model.errors import StorageError
from quivive.model.gate import CapturePolicy
from quivive.privacy.keyring import Keyring
from quivive.privacy.sealing import NONCE_BYTES, seal
from quivive.settings import EDGE_KINDS, Settings
from quivive.spool import AsyncSpool, SpoolWriter

SEEN_FILE: Final = "intake.db"
_PURPOSE: Final = "identity/"


class Intake(Acceptor):
    """The intake of one core: owns the spools of its sources. Close it before the loop ends."""

    def __init__(self, settings: Settings, ports: IntakePorts, seen: SeenTable, spools: dict[str, AsyncSpool]) -> None:
        super().__init__(settings, ports, seen)
        self._spools = spools

    @classmethod
    def open(
        cls,
        settings: Settings,
        keyring: Keyring,
        *,
        policies: Callable[[str], CapturePolicy],
        seal: Callable[[str, int, bytes], None],
        clock: Callable[[], int],
    ) -> "Intake":
        """Open every source but those of edge processes (relays, exchanges).

        `policies(source)` tells what it may keep now; `seal(person, version, blob)` keeps a sealed identity
        (`Vault.put_identity`), durable on return, called from a worker thread.

        Raises:
            StorageError: a spool or the memory of rows cannot be opened.
        """
        seen = SeenTable.open(settings.home / SEEN_FILE)
        spools: dict[str, AsyncSpool] = {}
        try:
            for name, source in settings.sources.items():
                if source.kind not in EDGE_KINDS:
                    spools[name] = AsyncSpool(SpoolWriter.open(settings.home / "spool", name, clock()))
        except StorageError:
            for spool in spools.values():
                spool.writer.abandon()
            seen.close()
            raise
        ports = IntakePorts(
            operator_agent_key=keyring.operator_agent_key,
            controller_keys=keyring.controller_keys,
            spool=spools.__getitem__,
            policy=policies,
            seal=_Sealer(identity_key(keyring.operator_agent_key), seal),
            clock=clock,
        )
        return cls(settings, ports, seen, spools)

    async def close(self) -> None:
        """Make everything durable and close every file.

        Raises:
            StorageError: a disk still refuses; the other spools are closed all the same.
        """
        failure: StorageError | None = None
        for spool in self._spools.values():
            try:
                await spool.close()
            except StorageError as error:
                failure = error
        self._seen.close()
        if failure is not None:
            raise failure


def identity_key(operator_agent_key: bytes) -> bytes:
    """Key (32 bytes) under which identities lie in the vault; no relay receives what it derives from."""
    return hmac.digest(operator_agent_key, b"quivive-identity-v1", sha256)


def identity_purpose(person: str) -> str:
    """Bind a sealed identity to its person, so that two cannot be swapped in the vault."""
    return _PURPOSE + person


class _Sealer:
    def __init__(self, key: bytes, keep: Callable[[str, int, bytes], None]) -> None:
        self._key, self._keep = key, keep

    async def __call__(self, identities: Sequence[SealedIdentity]) -> None:
        await asyncio.to_thread(self._all, identities)

    def _all(self, identities: Sequence[SealedIdentity]) -> None:
        for identity in identities:
            nonce = os.urandom(NONCE_BYTES)
            blob = seal(self._key, purpose=identity_purpose(identity.person), plaintext=identity.plaintext, nonce=nonce)
            self._keep(identity.person, identity.version, blob)
