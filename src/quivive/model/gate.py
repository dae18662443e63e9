"""The activation gate (DESIGN §11): one state per employer × establishment × module, sealed in the ledger.

Read by every query through `projection.query` and by every source through its policy snapshot.
Must never default to anything wider than DRY.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class GateState(StrEnum):
    INSTALLED = "installed"
    DRY = "dry"
    ASSESSED = "assessed"
    CONSULTED = "consulted"
    INFORMED = "informed"
    ACTIVE = "active"


GATE_ORDER: Final = tuple(GateState)
"""The only way forward, one step at a time (DESIGN §11). Going back is always allowed: it only narrows."""


def may_follow(current: GateState, wanted: GateState) -> bool:
    """Tell whether `wanted` may be sealed after `current`: the next step, the same again, or any earlier one."""
    return GATE_ORDER.index(wanted) <= GATE_ORDER.index(current) + 1


class Module(StrEnum):
    ACCESS = "access"
    RECORDINGS = "recordings"
    RESIDUAL = "residual"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateBody:
    """Body of `gate.state` (operator's log). `reference` names the minutes or assessment behind the state."""

    employer: str
    establishment: str
    module: Module
    state: GateState
    reference: str
    demonstration: bool


class Instructed(StrEnum):
    """What a controller must have instructed before it can stop anybody's work (DESIGN §6)."""

    LIMITS = "limits"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionBody:
    """Body of `instruction` (operator's log): what a controller instructs from now on, all of it; () withdraws.

    `reference` names the document, `text_sha256` its hash when it was given, else "".
    """

    controller: str
    instructed: tuple[Instructed, ...]
    reference: str
    text_sha256: str
    demonstration: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePolicy:
    """What a source may keep, written by the core to `run/policy/<source>.json`, re-read by the source.

    `active` False = dry: agent, session, address and record keys are dropped before the spool.
    `informed` maps AgentKey → informed_at (microseconds): an agent absent, or informed later than the
    access, is withheld (`not_informed`). `keep_unknown` keeps the pseudonym of a login that no directory
    entry names (the demonstration centre sets it; the default withholds).
    `service_accounts` are logins of applications, not of persons.
    `limits`, `closed`: the controller's instruction for limits and for refusing what cannot be recorded is in force.
    `denied` maps AgentKey → until when (microseconds) no protected record is shown to it.
    """

    active: bool
    informed: dict[str, int]
    keep_unknown: bool
    service_accounts: tuple[str, ...]
    limits: bool = False
    closed: bool = False
    denied: dict[str, int] = field(default_factory=dict)

    def agent_may_be_kept(self, agent: str, at: int) -> bool:
        """Tell whether an access at `at` (microseconds) may carry this AgentKey."""
        if not self.active:
            return False
        informed_at = self.informed.get(agent)
        if informed_at is None:
            return self.keep_unknown
        return 0 < informed_at <= at


DRY_POLICY = CapturePolicy(active=False, informed={}, keep_unknown=False, service_accounts=())
"""What a source applies until it has read a policy."""
