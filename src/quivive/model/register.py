"""Registers that people keep: contracts, sub-processors, breaches, requests, charters (law reference P-02…P-08, S-05).

Written by `quivive register import`, read by the dossier. Must never hold a name of an agent or a data subject:
references of documents and codes.
"""

from dataclasses import dataclass
from enum import StrEnum


class Register(StrEnum):
    """The closed list of registers."""

    CONTRACT = "contract"
    INSTRUCTION = "instruction"
    SUB_PROCESSOR = "sub_processor"
    BREACH = "breach"
    RIGHTS_REQUEST = "rights_request"
    CHARTER = "charter"
    ANNOUNCEMENT = "announcement"
    CONTRACT_END = "contract_end"


class RegisterState(StrEnum):
    """Where a line stands; CLOSED for what is done, ENDED for what no longer applies."""

    OPEN = "open"
    IN_FORCE = "in_force"
    CLOSED = "closed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterRowBody:
    """Body of `register.row`: one version of one line; (register, controller, reference) is the line.

    Fields:
        label: what it is, in the words of its document. country: two letters or "". from_at, to_at, due_at:
        microseconds UTC, 0 when none. removed: the line was written by mistake.
    """

    register: Register
    controller: str
    reference: str
    label: str
    country: str
    from_at: int
    to_at: int
    due_at: int
    state: RegisterState
    removed: bool = False
