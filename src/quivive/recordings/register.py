"""The register in memory: campaigns, notices, neutralised tokens, grids, people and gates, folded from entries.

Kept by the core (`core.recording_keeper`), which reads every entry into it; nothing else is state. Pure but for its
lock. Must never be asked for a name, and never answer with a version that was not written.
"""

import threading
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from quivive.model.approval import ApprovalAct, ApprovalBody
from quivive.model.contact import AgentBody
from quivive.model.entry import EntryKind
from quivive.model.gate import GateBody, Module
from quivive.model.recording_register import (
    CampaignBody,
    CampaignState,
    DocumentBody,
    GridBody,
    NeutralisedBody,
    NoticeBody,
)
from quivive.recordings.policy import GatePolicy, in_force, snapshot

BODIES: Final[dict[EntryKind, type[Any]]] = {
    EntryKind.RECORDING_CAMPAIGN: CampaignBody,
    EntryKind.RECORDING_NOTICE: NoticeBody,
    EntryKind.RECORDING_NEUTRALISED: NeutralisedBody,
    EntryKind.ANALYSIS_GRID: GridBody,
    EntryKind.ANALYSIS_DOCUMENT: DocumentBody,
    EntryKind.DIRECTORY_AGENT: AgentBody,
    EntryKind.GATE_STATE: GateBody,
    EntryKind.APPROVAL: ApprovalBody,
}
"""Kinds of entries that the register is made of."""
_STATE_ORDER: Final = (
    CampaignState.PROPOSED, CampaignState.REFUSED, CampaignState.ANNOUNCED, CampaignState.ENDED,
)  # fmt: skip


class Register:
    """Thread-safe. Entries may come twice and in any order, but gates in the ledger's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._campaigns: dict[tuple[str, int], CampaignBody] = {}
        self._notices: dict[tuple[str, str, int], NoticeBody] = {}
        self._neutralised: dict[str, NeutralisedBody] = {}
        self._grids: dict[tuple[str, int], GridBody] = {}
        self._documents: dict[str, DocumentBody] = {}
        self._people: dict[str, AgentBody] = {}
        self._gates: dict[tuple[str, str], GateBody] = {}
        self._approvals: dict[str, ApprovalBody] = {}

    def put(self, kind: EntryKind, body: dict[str, Any] | Any) -> None:
        """Take in one body, decoded or typed."""
        typed = msgspec.convert(body, BODIES[kind]) if isinstance(body, dict) else body
        with self._lock:
            self._put(typed)

    def put_json(self, kind: EntryKind, data: bytes) -> None:
        """Take in one body as its JSON."""
        self.put(kind, msgspec.json.decode(data, type=BODIES[kind]))

    def _put(self, body: Any) -> None:
        match body:
            case CampaignBody() | GridBody() | DocumentBody() | AgentBody():
                self._put_version(body)
            case NoticeBody():
                self._notices[body.notice, body.state, body.at] = body
            case NeutralisedBody():
                self._neutralised[body.token] = body
            case GateBody() if body.module is Module.RECORDINGS:
                self._gates[body.employer, body.establishment] = body
            case ApprovalBody() if body.act is ApprovalAct.RECORDINGS_CAMPAIGN:
                known = self._approvals.get(body.object)
                if known is None or body.decided_at >= known.decided_at:
                    self._approvals[body.object] = body

    def _put_version(self, body: CampaignBody | GridBody | DocumentBody | AgentBody) -> None:
        match body:
            case CampaignBody():
                known = self._campaigns.get((body.campaign, body.version))
                if known is None or _STATE_ORDER.index(body.state) >= _STATE_ORDER.index(known.state):
                    self._campaigns[body.campaign, body.version] = body
            case GridBody():
                self._grids[body.grid, body.version] = body
            case DocumentBody():
                document = self._documents.get(body.document)
                if document is None or body.version > document.version:
                    self._documents[body.document] = body
            case AgentBody():
                person = self._people.get(body.person)
                if person is None or body.version > person.version:
                    self._people[body.person] = body

    # --- reading

    def campaigns(self, controllers: Iterable[str] | None = None) -> list[CampaignBody]:
        """Every version, newest campaign and version first; only these controllers'."""
        wanted = None if controllers is None else set(controllers)
        with self._lock:
            found = [body for body in self._campaigns.values() if wanted is None or body.controller in wanted]
        return sorted(found, key=lambda body: (-body.from_at, body.campaign, -body.version))

    def campaign(self, name: str, version: int = 0) -> CampaignBody | None:
        """One version, or the newest."""
        with self._lock:
            found = [body for (known, _), body in self._campaigns.items() if known == name]
        if version:
            return next((body for body in found if body.version == version), None)
        return max(found, key=lambda body: body.version, default=None)

    def next_version(self, name: str) -> int:
        """The version a new draft of this campaign gets."""
        newest = self.campaign(name)
        return 1 if newest is None else newest.version + 1

    def in_force(self, controllers: Iterable[str] | None = None) -> list[CampaignBody]:
        """Announced campaigns, their version in force."""
        return in_force(self.campaigns(controllers))

    def notices(self, person: str = "") -> list[NoticeBody]:
        """Every state of every notice, or those of one person."""
        with self._lock:
            return [body for body in self._notices.values() if not person or body.person == person]

    def people(self) -> list[AgentBody]:
        """The newest version of each person."""
        with self._lock:
            return list(self._people.values())

    def person(self, key: str) -> AgentBody | None:
        """One person."""
        with self._lock:
            return self._people.get(key)

    def approval(self, campaign: str, version: int) -> ApprovalBody | None:
        """The proposal behind one version."""
        with self._lock:
            return self._approvals.get(f"{campaign}/{version}")

    def neutralised(self) -> list[NeutralisedBody]:
        """The last word on each token."""
        with self._lock:
            return list(self._neutralised.values())

    def grids(self) -> list[GridBody]:
        """The newest version of each grid that is not withdrawn."""
        with self._lock:
            newest: dict[str, GridBody] = {}
            for (name, version), body in self._grids.items():
                if name not in newest or version > newest[name].version:
                    newest[name] = body
        return [body for _, body in sorted(newest.items()) if not body.withdrawn]

    def grid(self, name: str, version: int) -> GridBody | None:
        """One version of a grid, also an old one that documents refer to."""
        with self._lock:
            return self._grids.get((name, version))

    def documents(self) -> list[DocumentBody]:
        """The newest version of each analysis document, newest first."""
        with self._lock:
            return sorted(self._documents.values(), key=lambda body: -body.made_at)

    def gates(self) -> list[GateBody]:
        """The last state of each establishment's recordings module."""
        with self._lock:
            return list(self._gates.values())

    def policy(self, at: int) -> GatePolicy:
        """The gate's policy of this instant."""
        return snapshot(
            self.campaigns(), self.notices(), self.neutralised(), at, people=self.people(), gates=self.gates()
        )  # fmt: skip
