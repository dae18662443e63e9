"""The papers behind the activation gate (DESIGN §11; law reference W-01…W-04, D-04, T-10).

Written by `quivive gate record`, read by the admissibility sheet, the dossier and the gate's page. Must never hold
a text or a name: a reference, a date and the hash of the document.
"""

from dataclasses import dataclass
from enum import StrEnum

from quivive.model.gate import Module


class GateRecordKind(StrEnum):
    """Documents that `quivive gate draft` writes and that a person adopts."""

    COUNCIL_NOTE = "council_note"
    COUNCIL_OPINION = "council_opinion"
    IMPACT_ASSESSMENT = "impact_assessment"
    REGISTER_CONTROLLER = "register_controller"
    REGISTER_PROCESSOR = "register_processor"
    AGENT_NOTICE = "agent_notice"
    CHARTER = "charter"
    CONTRACT_ANNEX = "contract_annex"


class DeclaredPurpose(StrEnum):
    """Purposes a document declares; evidence must not be turned from them."""

    SECURITY = "security"
    CONSULTATION_CONTROL = "consultation_control"
    MISCONDUCT_PROOF = "misconduct_proof"
    RECORDING_GOVERNANCE = "recording_governance"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRecordBody:
    """Body of `gate.record`: one adopted document of an establishment and module.

    `dated_at`: the document's own date, microseconds UTC. `text_sha256` of the adopted file, "" when not given.
    `rules`: topics of the rules in force that it covers, () when it covers all that the draft named.
    """

    employer: str
    establishment: str
    module: Module
    record: GateRecordKind
    dated_at: int
    reference: str
    text_sha256: str
    purposes: tuple[DeclaredPurpose, ...]
    rules: tuple[str, ...]
    demonstration: bool
