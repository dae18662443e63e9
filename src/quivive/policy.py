"""What each source may keep, from the directory and the gate (DESIGN §11); written for relays and intake.

`policies` is pure; `write_policies` is the edge. Called by the core at its start, whenever a directory or gate
entry arrives, and each minute (accounts open and close at instants). Must never widen a source on
doubt: no gate entry, no directory, a person not informed, an account held by two people all withhold.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from quivive.model.contact import AgentBody
from quivive.model.errors import StorageError
from quivive.model.gate import (
    DRY_POLICY,
    CapturePolicy,
    GateBody,
    GateState,
    Instructed,
    InstructionBody,
    Module,
)
from quivive.privacy.policy_file import encode_policy
from quivive.settings import Settings, SourceKind
from quivive.spool.durable import write_atomic

_NOTHING: Final[Mapping[str, Any]] = {}
NEVER: Final = 0
"""`informed` value of an account that is known and must be withheld, whatever `keep_unknown` says."""

_GOVERNED: Final = frozenset(
    {
        SourceKind.POSTGRES,
        SourceKind.ACCESSES,
        SourceKind.ACCESS_FILE,
        SourceKind.CONTACTS,
        SourceKind.FILES,
        SourceKind.AMI,
        SourceKind.GATE,
    }
)


def policies(
    settings: Settings,
    people: Iterable[AgentBody],
    gates: Iterable[GateBody],
    now: int,
    *,
    instructions: Mapping[str, InstructionBody] = _NOTHING,
    denied: Mapping[str, Mapping[str, int]] = _NOTHING,
) -> dict[str, CapturePolicy]:
    """Compute the policy of every source. `gates` in ledger order: the last state of an establishment counts.

    `instructions` and `denied` by controller; `denied` says until when no record is shown to which AgentKey.

    A source is active when an establishment whose access module is ACTIVE has people on the source's
    controllers; with `keep_unknown` (the demonstration) an active establishment is enough.
    """
    current = _current(people)
    active = _active_establishments(gates)
    found = {
        name: _policy(settings, name, current, active, now) if source.kind in _GOVERNED else DRY_POLICY
        for name, source in settings.sources.items()
    }
    for name, source in settings.sources.items():
        instruction = instructions.get(source.controller)
        if source.kind is SourceKind.POSTGRES and instruction is not None:
            found[name] = _instructed(found[name], instruction, denied.get(source.controller, {}))
    return found


def _instructed(policy: CapturePolicy, instruction: InstructionBody, denied: Mapping[str, int]) -> CapturePolicy:
    """Add what the controller's instruction allows; without `limits` nobody is denied anything."""
    limits = Instructed.LIMITS in instruction.instructed
    return replace(
        policy,
        limits=limits,
        closed=Instructed.CLOSED in instruction.instructed,
        denied=dict(sorted(denied.items())) if limits else {},
    )


def controllers_of(settings: Settings, name: str) -> frozenset[str]:
    """Controllers a source may write for: its own, or those that list it, or all."""
    source = settings.sources[name]
    if source.controller:
        return frozenset({source.controller})
    served = {c.id for c in settings.controllers.values() if name in c.contact_sources}
    return frozenset(served or settings.controllers)


def write_policies(home: Path, found: Mapping[str, CapturePolicy]) -> list[str]:
    """Write `run/policy/<source>.json` where it changed, each whole or not at all; return the sources written.

    Raises:
        StorageError: a file cannot be written; sources not yet written keep their former policy.
    """
    folder = home / "run" / "policy"
    written = []
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, policy in sorted(found.items()):
            if _replace(folder / f"{name}.json", encode_policy(policy)):
                written.append(name)
    except OSError as error:
        raise StorageError(f"run/policy: cannot be written: {error.strerror}") from error
    return written


def _current(people: Iterable[AgentBody]) -> list[AgentBody]:
    """Keep the highest version of each person; of equal versions the first, as every other reader does."""
    newest: dict[str, AgentBody] = {}
    for person in people:
        known = newest.get(person.person)
        if known is None or person.version > known.version:
            newest[person.person] = person
    return list(newest.values())


def _active_establishments(gates: Iterable[GateBody]) -> frozenset[tuple[str, str]]:
    last = {(g.employer, g.establishment): g.state for g in gates if g.module is Module.ACCESS}
    return frozenset(place for place, state in last.items() if state is GateState.ACTIVE)


def _policy(
    settings: Settings, name: str, people: list[AgentBody], active: frozenset[tuple[str, str]], now: int
) -> CapturePolicy:
    source = settings.sources[name]
    controllers = controllers_of(settings, name)
    holders: dict[str, list[int]] = {}  # account → since when each present holder may be kept, NEVER if he may not
    staffed = False
    for person in people:
        allowed = (person.employer, person.establishment) in active
        accounts = [account for account in person.accounts if account.controller in controllers]
        staffed = staffed or (allowed and bool(accounts or controllers.intersection(person.controllers)))
        for account in accounts:
            present = holders.setdefault(account.agent, [])
            if account.valid_from <= now and (not account.valid_to or now < account.valid_to):
                kept = allowed and person.informed_at
                present.append(max(person.informed_at, account.valid_from) if kept else NEVER)
    informed = {agent: _strictest(since) for agent, since in holders.items()}
    return CapturePolicy(
        active=staffed or (source.keep_unknown and bool(active)),
        informed=informed,
        keep_unknown=source.keep_unknown,
        service_accounts=source.service_accounts,
    )


def _strictest(since: list[int]) -> int:
    """A recycled login inherits nothing, a shared one is kept only when every holder may be."""
    return max(since) if since and NEVER not in since else NEVER


def _replace(path: Path, data: bytes) -> bool:
    """Replace a file if its bytes differ (temporary file, fsync, rename, mode 0600)."""
    if path.exists() and path.read_bytes() == data:
        return False
    write_atomic(path, data)
    return True
