"""Keeps each source's capture policy in step with the directory and the gate.

Called by the core at its start, by the projection thread when such entries arrive, and each minute
(accounts open and close at instants). Must never write a wider policy than `quivive.policy` computed.
Thread-safe: one lock.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Final, Protocol

import msgspec
import structlog

from quivive.ledger.entry import decode_entry
from quivive.model.contact import AgentBody
from quivive.model.entry import EntryKind
from quivive.model.gate import DRY_POLICY, CapturePolicy, GateBody, GateState, Instructed, InstructionBody, Module
from quivive.policy import policies, write_policies
from quivive.settings import Settings

MAX_READ_ENTRIES: Final = 8_192
_DIRECTORY: Final = f'"kind":"{EntryKind.DIRECTORY_AGENT}"'.encode()
_INSTRUCTION: Final = f'"kind":"{EntryKind.INSTRUCTION}"'.encode()
_GATE: Final = f'"kind":"{EntryKind.GATE_STATE}"'.encode()
log = structlog.get_logger("quivive.core")


class LedgerEntryLike(Protocol):
    """What is read of a ledger entry."""

    @property
    def shard(self) -> str: ...
    @property
    def data(self) -> bytes: ...


class Beside(Protocol):
    """Another keeper that lives by the same entries (the register of recordings)."""

    def take(self, entries: Iterable[LedgerEntryLike]) -> bool: ...
    def refresh(self) -> None: ...


class PolicyKeeper:
    """In memory: the highest version of each person, every gate entry in ledger order. `beside` follows along."""

    def __init__(self, settings: Settings, clock: Callable[[], int], beside: tuple[Beside, ...] = ()) -> None:
        self._settings, self._clock, self._beside = settings, clock, beside
        self._lock = threading.Lock()
        self._people: dict[str, AgentBody] = {}
        self._gates: list[GateBody] = []
        self._instructions: dict[str, InstructionBody] = {}
        self._denied: dict[str, dict[str, int]] = {}
        self._current: dict[str, CapturePolicy] = {}

    def take(self, entries: Iterable[LedgerEntryLike]) -> bool:
        """Take in directory, gate and instruction entries of the operator's log; True when there were any."""
        entries = list(entries)
        changed = False
        for keeper in self._beside:  # each must see them, whatever the one before says
            changed = keeper.take(entries) or changed
        for item in entries:
            if not item.shard.startswith("operator/"):
                continue
            if _DIRECTORY in item.data:
                person = msgspec.convert(decode_entry(item.data).body, AgentBody)
                with self._lock:
                    known = self._people.get(person.person)
                    if known is None or person.version > known.version:
                        self._people[person.person] = person
                changed = True
            elif _GATE in item.data:
                gate = msgspec.convert(decode_entry(item.data).body, GateBody)
                with self._lock:
                    self._gates.append(gate)
                changed = True
            elif _INSTRUCTION in item.data:
                instruction = msgspec.convert(decode_entry(item.data).body, InstructionBody)
                with self._lock:
                    self._instructions[instruction.controller] = instruction
                changed = True
        return changed

    def refresh(self) -> None:
        """Compute and write what changed.

        Raises:
            StorageError: a policy file cannot be written; sources keep their former policy.
        """
        with self._lock:
            self._current = policies(
                self._settings,
                list(self._people.values()),
                self._gates,
                self._clock(),
                instructions=self._instructions,
                denied=self._denied,
            )
            written = write_policies(self._settings.home, self._current)
        for keeper in self._beside:
            keeper.refresh()
        if written:
            log.info("core.policy_written", sources=written)

    def deny(self, denied: dict[str, dict[str, int]]) -> bool:
        """Set who is shown no record until when, by controller; True when that is news: `refresh` writes it."""
        with self._lock:
            changed, self._denied = denied != self._denied, denied
        return changed

    def instruction(self, controller: str) -> InstructionBody | None:
        """The last instruction of a controller that was taken in."""
        with self._lock:
            return self._instructions.get(controller)

    def instructed(self, controller: str, what: Instructed) -> bool:
        """Its last instruction covers this."""
        found = self.instruction(controller)
        return found is not None and what in found.instructed

    def gate(self, employer: str, establishment: str, module: Module) -> GateState:
        """State of one establishment's module: the last one taken in; `installed` before any."""
        with self._lock:
            for body in reversed(self._gates):
                if (body.employer, body.establishment, body.module) == (employer, establishment, module):
                    return body.state
        return GateState.INSTALLED

    def current(self, source: str) -> CapturePolicy:
        """Policy of one source now; dry until computed."""
        with self._lock:
            return self._current.get(source, DRY_POLICY)
