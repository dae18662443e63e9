"""Evaluation grids and analysis documents (R-05, W-03): announced grids, sealed results, a clock of their own.

Reached through `Desk.analysis`. What a document says lies sealed in the vault until its clock ends; the entry holds
its hash. Shown to the agent it is about, to its evaluator and to the data protection officer, to nobody else. Must
never add marks up over documents or agents: a document is read one by one.
"""

import os
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final

import msgspec

from quivive.model.clock import DAY_US
from quivive.model.entry import EntryKind
from quivive.model.errors import RefusedError
from quivive.model.ids import OPERATOR
from quivive.model.recording import Purpose
from quivive.model.recording_register import (
    OCCASIONAL,
    CampaignBody,
    Criterion,
    DocumentBody,
    DocumentState,
    GridBody,
)
from quivive.privacy.sealing import NONCE_BYTES, seal, unseal
from quivive.recordings.register import Register
from quivive.rows import FieldError, Row, sub_row
from quivive.vault import Vault

MAX_CRITERIA: Final = 40
"""Lines of a grid: more is no longer an analysis of one call."""
MAX_REMARK: Final = 2_000
"""Characters of a remark."""
HIGHEST_MARK: Final = 10
_GRID_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,47}")


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a document says: a mark by criterion (absent: not applicable), and words for the agent."""

    marks: dict[str, int]
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardRecording:
    """What is known of a recording: who was heard, and its campaign."""

    person: str
    campaign: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisPorts:
    """put: write an entry and take it into the register. heard: (controller, recording) → who was heard, or None."""

    register: Register
    put: Callable[[EntryKind, str, Any], Awaitable[None]]
    vault: Vault
    clock: Callable[[], int]
    key: bytes = field(repr=False)
    heard: Callable[[str, str], Awaitable[HeardRecording | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDocument:
    """A document with what it says; `content` None when its clock has ended."""

    body: DocumentBody
    grid: GridBody | None
    content: Content | None


class AnalysisDesk:
    """Build once per core, by the desk."""

    def __init__(self, ports: AnalysisPorts) -> None:
        self._ports = ports

    async def register_grid(self, value: dict[str, Any]) -> GridBody:
        """Register a grid, or its next version; documents made before keep theirs.

        Raises:
            FieldError: the first field that cannot be read.
        """
        grid = read_grid(value, self._ports.clock())
        known = [each for each in self._ports.register.grids() if each.grid == grid.grid]
        body = replace(grid, version=known[0].version + 1 if known else 1)
        await self._ports.put(EntryKind.ANALYSIS_GRID, OPERATOR, body)
        return body

    async def make(
        self, *, controller: str, recording: str, grid: str, marks: Mapping[str, int], remark: str, principal: str
    ) -> DocumentBody:  # fmt: skip
        """Write an analysis of one recording; only a listener named in its campaign may.

        Raises:
            RefusedError: `recording_unknown`, `grid_unknown`, `not_a_listener`, `purpose_unfit` or `marks_invalid`.
        """
        heard = await self._ports.heard(controller, recording)
        campaign = None if heard is None else self._ports.register.campaign(heard.campaign, heard.version)
        if heard is None or campaign is None or campaign.controller != controller:
            raise RefusedError("recording_unknown")
        form = next((each for each in self._ports.register.grids() if each.grid == grid), None)
        if form is None:
            raise RefusedError("grid_unknown")
        _require(campaign, form, principal)
        content = Content(marks=_marks(form, marks), remark=remark.strip()[:MAX_REMARK])
        plain, document = msgspec.json.encode(content, order="sorted"), secrets.token_hex(16)
        now = self._ports.clock()
        body = DocumentBody(
            document=document,
            version=1,
            controller=controller,
            campaign=campaign.campaign,
            campaign_version=campaign.version,
            grid=form.grid,
            grid_version=form.version,
            recording=recording,
            listening="",
            person=heard.person,
            principal=principal,
            content_sha256=sha256(document.encode() + plain).hexdigest(),
            made_at=now,
            expires_at=now + campaign.analysis_days * DAY_US,
            state=DocumentState.MADE,
        )
        blob = seal(self._ports.key, purpose=_purpose(document), plaintext=plain, nonce=os.urandom(NONCE_BYTES))
        self._ports.vault.put_document(document, expires_at=body.expires_at, blob=blob)
        await self._ports.put(EntryKind.ANALYSIS_DOCUMENT, OPERATOR, body)
        return body

    def of_person(self, person: str) -> list[ReadDocument]:
        """What was written about one agent; only the own page asks."""
        return [self._read(body) for body in self._ports.register.documents() if body.person == person]

    def made_by(self, principal: str, *, dpo: bool) -> list[DocumentBody]:
        """Documents a principal may open: his own, all for the data protection officer."""
        return [body for body in self._ports.register.documents() if dpo or body.principal == principal]

    def read(self, document: str, *, principal: str, dpo: bool) -> ReadDocument:
        """One document for its evaluator or the data protection officer.

        Raises:
            RefusedError: `document_unknown`, also when it is another's.
        """
        body = next((each for each in self.made_by(principal, dpo=dpo) if each.document == document), None)
        if body is None:
            raise RefusedError("document_unknown")
        return self._read(body)

    async def shown(self, person: str) -> int:
        """The agent has seen what was written about him: once per document."""
        fresh = [each.body for each in self.of_person(person) if each.body.state is DocumentState.MADE and each.content]
        for body in fresh:
            await self._change(body, DocumentState.SHOWN)
        return len(fresh)

    async def erase_due(self) -> int:
        """Delete what has reached its end, and say so; also what a crash left deleted but unsaid."""
        now = self._ports.clock()
        self._ports.vault.erase_documents(now)
        due = [
            body
            for body in self._ports.register.documents()
            if body.expires_at <= now and body.state is not DocumentState.ERASED
        ]
        for body in due:
            await self._change(body, DocumentState.ERASED)
        return len(due)

    async def _change(self, body: DocumentBody, state: DocumentState) -> None:
        changed = replace(body, version=body.version + 1, state=state)
        await self._ports.put(EntryKind.ANALYSIS_DOCUMENT, OPERATOR, changed)

    def _read(self, body: DocumentBody) -> ReadDocument:
        blob = self._ports.vault.document(body.document, self._ports.clock())
        content = None
        if blob is not None:
            plain = unseal(self._ports.key, purpose=_purpose(body.document), sealed=blob)
            assert sha256(body.document.encode() + plain).hexdigest() == body.content_sha256
            content = msgspec.json.decode(plain, type=Content)
        return ReadDocument(
            body=body, grid=self._ports.register.grid(body.grid, body.grid_version), content=content
        )  # fmt: skip


def _purpose(document: str) -> str:
    return f"analysis/{document}"


def _require(campaign: CampaignBody, grid: GridBody, principal: str) -> None:
    if not any(listener.principal == principal for listener in campaign.listeners):
        raise RefusedError("not_a_listener")
    if campaign.purpose not in OCCASIONAL or campaign.purpose != grid.purpose or campaign.analysis_days <= 0:
        raise RefusedError("purpose_unfit")


def _marks(grid: GridBody, marks: Mapping[str, int]) -> dict[str, int]:
    """Marks of the grid's own criteria, each within its scale; at least one."""
    highest = {criterion.code: criterion.highest for criterion in grid.criteria}
    if not marks or any(code not in highest or not 0 <= mark <= highest[code] for code, mark in marks.items()):
        raise RefusedError("marks_invalid")
    return dict(marks)


def read_grid(value: dict[str, Any], at: int) -> GridBody:
    """Read a grid as a person writes it; its version is given when it is registered.

    Raises:
        FieldError: place, expected, found.
    """
    row = Row(value)
    name = row.text("grid", expected="a short name")
    if not _GRID_NAME.fullmatch(name):
        raise row.wrong("grid", "a short name: a letter, then a-z, 0-9 and -, at most 48")
    criteria = row.items("criteria", _criterion)
    if not 0 < len(criteria) <= MAX_CRITERIA or len({each.code for each in criteria}) < len(criteria):
        raise row.wrong("criteria", f"1 to {MAX_CRITERIA} criteria, each code once")
    purpose = row.choice("purpose", Purpose)
    if purpose not in OCCASIONAL:
        raise FieldError(row.where("purpose"), "training, evaluation or quality", "another purpose")
    body = GridBody(
        grid=name,
        version=1,
        purpose=purpose,
        criteria=criteria,
        in_force_at=at,
        withdrawn=row.boolean("withdrawn", default=False),
    )
    row.done()
    return body


def _criterion(value: Any, path: str) -> Criterion:
    item = sub_row(value, path)
    found = Criterion(
        code=item.code("code"),
        french=item.text("fr"),
        english=item.text("en"),
        highest=item.integer("highest", default=3, minimum=1, maximum=HIGHEST_MARK),
    )
    item.done()
    return found
