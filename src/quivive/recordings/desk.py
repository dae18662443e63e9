"""Deeds on the register: propose, announce, end, tell, acknowledge, neutralise. Each is an entry before its answer.

One desk for commands and console (`core.compose` fills its ports). Must never announce what a rule refuses or what one
person alone decided, and never take a personnel number further than its pseudonym.
"""

import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from quivive.model.approval import ApprovalAct, ApprovalBody, approve, propose, refuse
from quivive.model.contact import AgentBody
from quivive.model.entry import EntryKind
from quivive.model.errors import RefusedError
from quivive.model.ids import OPERATOR
from quivive.model.permission import Role
from quivive.model.recording_register import (
    CampaignBody,
    CampaignState,
    NeutralisedBody,
    NeutralisedScope,
    NoticeBody,
    NoticeChannel,
    NoticeState,
)
from quivive.recordings.analysis import AnalysisDesk, AnalysisPorts, HeardRecording
from quivive.recordings.draft import DraftContext, read_draft
from quivive.recordings.limits import limits
from quivive.recordings.notices import Progress, Told, concerns, due, notice_of, progress, proof_of, read_sheet, told
from quivive.recordings.register import Register
from quivive.recordings.rules import Warned, judge
from quivive.vault import Vault

Write = Callable[[EntryKind, str, Any], Awaitable[None]]
OWN_SPACE: Final = "own_space"
"""`principal` of what an agent did on the own page: a neutral word, since the notice names the person already."""
KIOSK: Final = "kiosk"
CALENDAR: Final = "calendar"
MAX_KIOSK_CODES: Final = 5_000
"""Codes of one list: the largest site known, half of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPorts:
    """What the desk stands on.

    write: append an entry (kind, controller, body), durable on return. person: personnel number → PersonKey.
    line: (controller, number as typed) → key of a line. demonstration: the operator is one. document_key: 32 bytes
    under which analyses lie in the vault. heard: see `analysis`.
    """

    register: Register
    write: Write
    vault: Vault
    clock: Callable[[], int]
    zone: ZoneInfo
    controllers: frozenset[str]
    person: Callable[[str], str]
    line: Callable[[str, str], str]
    demonstration: bool
    document_key: bytes = field(repr=False)
    heard: Callable[[str, str], Awaitable[HeardRecording | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What became of a draft: `body.state` is PROPOSED or REFUSED; warnings only of a lawful one."""

    body: CampaignBody
    warnings: tuple[Warned, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCampaign:
    """A campaign as one agent sees it. `may_from`: since when he may be recorded by it, 0 without proof of notice."""

    body: CampaignBody
    told: Told | None
    may_from: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetResult:
    """Counts of an imported sheet; `unknown`: numbers of nobody the campaign concerns."""

    signed: int
    refused: int
    unknown: int
    sha256: str


class Desk:
    """Build once per core."""

    def __init__(self, ports: DeskPorts) -> None:
        self._ports = ports
        self.register = ports.register
        self.analysis = AnalysisDesk(
            AnalysisPorts(
                register=ports.register,
                put=self._put,
                vault=ports.vault,
                clock=ports.clock,
                key=ports.document_key,
                heard=ports.heard,
            )
        )

    @property
    def clock(self) -> Callable[[], int]:
        """Now, microseconds UTC."""
        return self._ports.clock

    # --- campaigns

    async def propose(
        self, value: dict[str, Any], *, principal: str, role: str, demonstration: bool = False
    ) -> Proposed:  # fmt: skip
        """Read a draft, hold it against the rules, write it as proposed or refused.

        Raises:
            FieldError: it cannot be read. RefusedError: who would have to approve it proposed it himself, a campaign
            of another controller has this name, or the installation is no demonstration.
        """
        if role == Role.DPO:
            raise RefusedError("campaign_dpo_announces", "the data protection officer announces what another proposed")
        if demonstration and not self._ports.demonstration:
            raise RefusedError("gate_demonstration", "this installation is no demonstration (operator.demonstration)")
        context = DraftContext(
            zone=self._ports.zone,
            limits=limits(),
            controllers=self._ports.controllers,
            person=self._ports.person,
            proposed_by=principal,
            demonstration=demonstration,
        )
        draft = read_draft(value, context, version=1)
        known = self.register.campaign(draft.campaign)
        if known is not None and known.controller != draft.controller:
            raise RefusedError("campaign_name_taken", "another company's campaign has this name")
        now = self._ports.clock()
        judged = judge(draft, limits(), now)
        state = CampaignState.REFUSED if judged.refusals else CampaignState.PROPOSED
        body = replace(
            draft,
            version=self.register.next_version(draft.campaign),
            state=state,
            refusals=judged.refusals,
        )
        await self._campaign(body)
        if state is CampaignState.PROPOSED:
            await self._approval(
                propose(
                    approval=secrets.token_hex(16),
                    act=ApprovalAct.RECORDINGS_CAMPAIGN,
                    controller=body.controller,
                    subject=f"{body.campaign}/{body.version}",
                    digest=digest(body),
                    reference=body.campaign,
                    principal=principal,
                    role=role,
                    at=now,
                )
            )
        return Proposed(body=body, warnings=judged.warnings)

    async def decide(
        self, name: str, version: int, *, agree: bool, principal: str, role: str, controllers: Collection[str]
    ) -> CampaignBody:
        """The second person announces a proposed campaign, or refuses it. `controllers`: the companies he may act for.

        Raises:
            RefusedError: `campaign_unknown`, `controller_unknown`, or an ApprovalRefusal; nothing changed.
        """
        body, approval = self.register.campaign(name, version), self.register.approval(name, version)
        if body is None or approval is None or body.state is not CampaignState.PROPOSED:
            raise RefusedError("campaign_unknown", "no proposed campaign of this name and version")
        if body.controller not in controllers:
            raise RefusedError("controller_unknown", "the campaign of a company this person does not act for")
        now = self._ports.clock()
        # What the second person saw is what was proposed: the digest is of the body itself.
        assert approval.digest == digest(body)
        if agree:
            decided = approve(approval, principal=principal, role=role, at=now, roles=(Role.DPO,))
        else:
            decided = refuse(approval, principal=principal, role=role, at=now)
        await self._approval(decided)
        state = CampaignState.ANNOUNCED if agree else CampaignState.REFUSED
        answer = replace(body, state=state, approved_by=principal)
        await self._campaign(answer)
        if agree:
            await self.tell(NoticeChannel.CONSOLE)
        return answer

    async def end(self, name: str, *, principal: str) -> CampaignBody:
        """End the version in force, at once; ending only narrows, so one person may.

        Raises:
            RefusedError: `campaign_unknown`.
        """
        body = next((each for each in self.register.in_force() if each.campaign == name), None)
        if body is None:
            raise RefusedError("campaign_unknown", "no announced campaign of this name")
        ended = replace(body, state=CampaignState.ENDED, approved_by=principal)
        await self._campaign(ended)
        return ended

    def progress(self, body: CampaignBody) -> Progress:
        """How far the notices of one version are."""
        return progress(body, self.register.people(), self.register.notices(), self._ports.clock())

    # --- notices

    async def tell(self, channel: NoticeChannel, *, principal: str = "") -> int:
        """Publish what is due on a channel that needs no delivery of ours (the own page); returns how many."""
        now = self._ports.clock()
        register = self.register
        found = list(due(register.in_force(), register.people(), register.notices(), channel, now))
        for body, person in found:
            await self.notice(
                notice_of(body, person, channel, NoticeState.SENT, at=now, principal=principal or "core")
            )  # fmt: skip
        return len(found)

    async def notice(self, body: NoticeBody) -> None:
        """Write one state of one notice."""
        await self._put(EntryKind.RECORDING_NOTICE, OPERATOR, body)

    def own(self, person: str) -> list[OwnCampaign]:
        """Campaigns in force that concern one person and are not over, the next first."""
        now, known = self._ports.clock(), self.register.person(person)
        if known is None:
            return []
        notices = self.register.notices(person)
        found = []
        for body in self.register.in_force():
            if now < body.to_at and concerns(body, known, now):
                state = told(notices, body).get(person)
                since = state.proven_at + body.lead_us if state is not None and state.proven_at else 0
                found.append(OwnCampaign(body=body, told=state, may_from=since))
        return sorted(found, key=lambda each: (each.body.from_at, each.body.campaign))

    async def delivered(self, person: str, channel: NoticeChannel, principal: str) -> int:
        """What was shown to its agent counts as delivered; once per campaign version."""
        now, count = self._ports.clock(), 0
        for each in self.own(person):
            if each.told is None or not each.told.proven_at:
                state = NoticeState.DELIVERED
                await self.notice(notice_of(each.body, person, channel, state, at=now, principal=principal))
                count += 1
        return count

    async def acknowledge(
        self, person: str, name: str, version: int, *, channel: NoticeChannel = NoticeChannel.CONSOLE, proof: str = ""
    ) -> CampaignBody:  # fmt: skip
        """The agent has read it.

        Raises:
            RefusedError: `campaign_unknown`: no campaign in force of this name and version concerns the person.
        """
        mine = (each.body for each in self.own(person))
        body = next((each for each in mine if (each.campaign, each.version) == (name, version)), None)
        if body is None:
            raise RefusedError("campaign_unknown", "no such campaign concerns this person")
        who = KIOSK if channel is NoticeChannel.KIOSK else OWN_SPACE
        now, state = self._ports.clock(), NoticeState.ACKNOWLEDGED
        await self.notice(notice_of(body, person, channel, state, at=now, principal=who, proof=proof))
        return body

    async def import_sheet(self, name: str, data: bytes, *, principal: str, signed_at: int = 0) -> SheetResult:
        """Take in a sign-in sheet; its hash is kept, the file is not. `signed_at`: only a demonstration may say it.

        Raises:
            FieldError: a line that cannot be read. RefusedError: `campaign_unknown`.
        """
        if signed_at and not self._ports.demonstration:
            raise RefusedError("gate_demonstration", "this installation is no demonstration (operator.demonstration)")
        body, now = self._announced(name), signed_at or self._ports.clock()
        lines, file_hash = read_sheet(data), sha256(data).hexdigest()
        signed = refused = unknown = 0
        for line in lines:
            person = self.register.person(self._ports.person(line.number))
            if person is None or not concerns(body, person, now):
                unknown += 1
                continue
            signed += line.state is NoticeState.ACKNOWLEDGED
            refused += line.state is NoticeState.REFUSED
            await self.notice(
                notice_of(
                    body, person.person, NoticeChannel.SHEET, line.state, at=now, principal=principal, proof=file_hash
                )
            )
        return SheetResult(signed=signed, refused=refused, unknown=unknown, sha256=file_hash)

    async def kiosk_codes(self, name: str, numbers: Sequence[str], *, principal: str) -> list[tuple[str, str]]:
        """One code for each personnel number that the campaign concerns; the numbers came from who asks.

        Raises:
            RefusedError: `campaign_unknown`, `too_many_keys`, or `person_missing` with the line of the number.
        """
        body, now = self._announced(name), self._ports.clock()
        if len(numbers) > MAX_KIOSK_CODES:
            raise RefusedError("too_many_keys", f"at most {MAX_KIOSK_CODES} numbers")
        people: list[tuple[str, AgentBody]] = []
        for line, number in enumerate(numbers, start=1):
            person = self.register.person(self._ports.person(number))
            if person is None or not concerns(body, person, now):
                raise RefusedError("person_missing", f"line {line}: nobody whom this campaign concerns")
            people.append((number, person))
        found = []
        for number, person in people:
            code = self._ports.vault.issue_kiosk_code(
                campaign=body.campaign, version=body.version, person=person.person, now=now
            )
            state = NoticeState.SENT
            await self.notice(
                notice_of(body, person.person, NoticeChannel.KIOSK, state, at=now, principal=principal)
            )  # fmt: skip
            found.append((number, code))
        return found

    def kiosk_campaign(self, typed: str) -> CampaignBody:
        """The campaign behind a typed code.

        Raises:
            RefusedError: `kiosk_code_unknown`.
        """
        code = self._ports.vault.kiosk_code(typed, self._ports.clock())
        for each in self.own(code.person):
            if (each.body.campaign, each.body.version) == (code.campaign, code.version):
                return each.body
        raise RefusedError("kiosk_code_unknown")

    async def kiosk_acknowledge(self, typed: str) -> CampaignBody:
        """The agent has read it at a shared screen: a code serves once.

        Raises:
            RefusedError: `kiosk_code_unknown`.
        """
        now = self._ports.clock()
        code = self._ports.vault.kiosk_code(typed, now)
        body = self.kiosk_campaign(typed)
        proof = proof_of("kiosk", code.campaign, str(code.version), code.person, str(now))
        await self.acknowledge(code.person, body.campaign, body.version, channel=NoticeChannel.KIOSK, proof=proof)
        self._ports.vault.use_kiosk_code(typed, now)
        return body

    # --- calendar

    def calendar_link(self, person: str) -> str:
        """The secret of a person's feed; a former one is void."""
        return self._ports.vault.issue_calendar_token(person)

    async def calendar(self, secret: str) -> list[OwnCampaign]:
        """Campaigns of a feed; fetching them is their delivery.

        Raises:
            RefusedError: `not_found`: nobody's.
        """
        person = self._ports.vault.calendar_person(secret)
        if not person:
            raise RefusedError("not_found")
        await self.delivered(person, NoticeChannel.CALENDAR, CALENDAR)
        return self.own(person)

    # --- neutralised tokens

    async def neutralise_person(self, number: str, *, removed: bool, to_at: int = 0) -> None:
        """Take a person out of recording and listening, or back; never why."""
        await self._neutralise(self._ports.person(number), NeutralisedScope.PERSON, removed, to_at)

    async def neutralise_line(self, controller: str, number: str, *, removed: bool, to_at: int = 0) -> None:
        """Take a line out: calls to and from it are private."""
        await self._neutralise(self._ports.line(controller, number), NeutralisedScope.LINE, removed, to_at)

    async def _neutralise(self, token: str, scope: NeutralisedScope, removed: bool, to_at: int) -> None:
        body = NeutralisedBody(
            token=token, scope=scope, from_at=self._ports.clock(), to_at=to_at, removed=removed
        )  # fmt: skip
        await self._put(EntryKind.RECORDING_NEUTRALISED, OPERATOR, body)

    # --- helpers

    def _announced(self, name: str) -> CampaignBody:
        body = next((each for each in self.register.in_force() if each.campaign == name), None)
        if body is None:
            raise RefusedError("campaign_unknown", "no announced campaign of this name")
        return body

    async def _campaign(self, body: CampaignBody) -> None:
        await self._put(EntryKind.RECORDING_CAMPAIGN, body.controller, body)

    async def _approval(self, body: ApprovalBody) -> None:
        await self._put(EntryKind.APPROVAL, body.controller, body)

    async def _put(self, kind: EntryKind, controller: str, body: Any) -> None:
        """Durable first, then in the register: what is read back was written."""
        await self._ports.write(kind, controller, body)
        self.register.put(kind, body)


def digest(body: CampaignBody) -> str:
    """SHA-256 of a campaign as proposed; what is announced has the same."""
    proposed = replace(body, state=CampaignState.PROPOSED, approved_by="", refusals=())
    return sha256(msgspec.json.encode(proposed, order="sorted")).hexdigest()
