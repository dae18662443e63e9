"""One exchange and its questions: token, understanding, decision, trace, answer.

Used by the gate's server and its tests. Single-threaded, on the gate's loop. Must never say yes before the answer is on
disk, never say yes when the disk refuses, and never let a question that was not understood pass silently: it is told as
a gap. A no is told at once, its trace follows within five milliseconds like every observation; an objection is
acknowledged once it is on disk. What the spool no longer takes is a deny with status 503 where the exchange stated
something (it may say it again), and a gap as soon as there is room.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

import msgspec
import structlog

from quivive.model.access import GapBody, GapCause
from quivive.model.contact import HeartbeatBody
from quivive.model.entry import EntryKind
from quivive.model.errors import StorageError
from quivive.model.recording import AnswerBody, GateReason, ObjectionBody
from quivive.recordings.gate.asking import Ask, Asked, AskError, Space, Step, asked, fields_of, told
from quivive.recordings.gate.calls import CallBook
from quivive.recordings.gate.decide import Answered, Question, decide
from quivive.recordings.gate.http_codec import Request
from quivive.recordings.gate.lent import NOTHING_LENT, Lent
from quivive.recordings.policy import NOTHING, GatePolicy
from quivive.spool.group import AsyncSpool

ANSWER_BYTES: Final = 16
_BEARER: Final = "bearer "
_MARK_OF: Final = {Ask.PRIVATE_CALL: "private", Ask.OBJECTION: "objected"}
_STATED: Final = frozenset({Ask.PRIVATE_CALL, Ask.PAYMENT_STEP, Ask.OBJECTION})
_ENCODER: Final = msgspec.json.Encoder(order="sorted")
log = structlog.get_logger("quivive.gate")

Reply = Callable[[int, bytes], None]
"""Called once with status and body."""


@dataclass(slots=True)
class Counts:
    """Since the start, for the log and the bench: questions by outcome."""

    allowed: int = 0
    denied: int = 0
    refused: int = 0


class Exchange:
    """One source of kind `gate`. `policy` and `lent` are replaced by the process as the core writes them."""

    def __init__(self, name: str, space: Space, spool: AsyncSpool, book: CallBook, clock: Callable[[], int]) -> None:
        self.name, self.space, self._spool, self._book, self._clock = name, space, spool, book, clock
        self.policy: GatePolicy = NOTHING
        self.lent: Lent = NOTHING_LENT
        self.counts = Counts()
        self._told = 0  # refused questions already told as a gap
        self._told_at = clock()
        self._lost = 0  # entries the spool did not take, not yet told as a gap
        self._lost_from = 0

    def take(self, request: Request, reply: Reply) -> None:
        """Answer one request, now or once its trace is on disk."""
        as_json = request.wants_json
        try:
            what = self._understood(request)
        except AskError as error:
            self.counts.refused += 1
            reply(error.status, told(allowed=False, reason=error.code, answer="", campaign="", as_json=as_json))
            return
        answered = self._decide(what)
        body = self._body(what.question, answered)
        self._answer(body, what, as_json=as_json, reply=reply)

    def _understood(self, request: Request) -> Asked:
        try:
            ask = Ask(request.path)
        except ValueError:
            raise AskError("not_found", 404) from None
        if request.method != "POST" and ask not in (Ask.MAY_RECORD, Ask.MAY_LISTEN):
            raise AskError("post_only", 405)
        if not self._is_known(request.headers.get("authorization", "")):
            raise AskError("token", 401)
        return asked(ask, fields_of(request.query, request.headers, request.body), self.space, self._clock())

    def _is_known(self, authorization: str) -> bool:
        """Whether a token was issued for this exchange: only hashes are compared, so the time taken tells nothing."""
        if not authorization.lower().startswith(_BEARER):
            return False
        digest = sha256(authorization[len(_BEARER) :].strip().encode("utf-8", "surrogatepass")).hexdigest()
        return digest in self.lent.tokens.get(self.name, ())

    def _decide(self, what: Asked) -> Answered:
        question = what.question
        mark = _MARK_OF.get(what.ask, "")
        if what.ask is Ask.PAYMENT_STEP:
            mark = "payment" if what.step is Step.BEGIN else "paid"
        if mark:
            self._mark(question, mark)
        used = self._book.used(self.lent.used, self.lent.month, question.at)
        return decide(self.policy, self.lent.seeds, question, self._book.marks(question.contact), used)

    def _object(self, what: Asked) -> int:
        """Number the objection itself; 0 when the spool did not take it."""
        question = what.question
        body = ObjectionBody(
            controller=question.controller, contact=question.contact, channel=what.channel, objected_at=question.at
        )
        return self._append(EntryKind.OBJECTION, question, body)

    def _mark(self, question: Question, what: str) -> None:
        try:
            self._book.mark(question.contact, what, question.at)
        except StorageError as error:  # kept in memory, and the answer's own trace tells it
            log.warning("gate.mark_not_kept", source=self.name, reason=str(error))

    def _body(self, question: Question, answered: Answered) -> AnswerBody:
        return AnswerBody(
            answer=os.urandom(ANSWER_BYTES).hex(),
            controller=question.controller,
            medium=question.medium,
            allowed=answered.allowed,
            reason=answered.reason,
            campaign=answered.campaign,
            version=answered.version,
            contact=question.contact,
            # A login that the directory does not know, or whose holder was not told, leaves no key.
            agent=question.agent if answered.person else "",
            person=answered.person,
            listener=question.listener if self.policy.accounts.get(question.listener) else "",
            asked_at=question.at,
            policy_at=self.policy.made_at,
            draw=answered.draw,
            day=answered.day,
        )

    def _answer(self, body: AnswerBody, what: Asked, *, as_json: bool, reply: Reply) -> None:
        question, objects = what.question, what.ask is Ask.OBJECTION

        def say(reason: GateReason, *, allowed: bool, status: int = 200) -> None:
            answer = told(allowed=allowed, reason=reason, answer=body.answer, campaign=body.campaign, as_json=as_json)
            reply(status, answer)

        def written(error: StorageError | None) -> None:
            if error is None:
                self.counts.allowed += 1
                say(body.reason, allowed=True)
                return
            self.counts.denied += 1
            # The yes may still reach the disk later: the same answer, told again as the no that was given.
            if seq:
                refusal = replace(body, allowed=False, reason=GateReason.TRACE_NOT_WRITTEN)
                self._append(EntryKind.RECORDING_ANSWER, question, refusal)
            say(GateReason.TRACE_NOT_WRITTEN, allowed=False, status=503 if objects else 200)

        def acknowledged(error: StorageError | None) -> None:
            reason, status = (body.reason, 200) if error is None else (GateReason.TRACE_NOT_WRITTEN, 503)
            say(reason, allowed=False, status=status)

        objection = self._object(what) if objects else 0
        seq = self._append(EntryKind.RECORDING_ANSWER, question, body)
        taken = min(seq, objection) if objects else seq  # 0: something was not
        if body.allowed:
            if taken and self._count(body, question):
                self._spool.when_durable(seq, written)
            else:
                written(StorageError("nothing more can wait for the disk"))
            return
        self.counts.denied += 1
        if taken == 0 and what.ask in _STATED:
            acknowledged(StorageError("nothing more can wait for the disk"))
        elif objects:
            self._spool.when_durable(seq, acknowledged)
        else:
            acknowledged(None)

    def _count(self, body: AnswerBody, question: Question) -> bool:
        marks = self._book.marks(question.contact) if question.contact else None
        if marks is not None and f"{body.medium}/{body.campaign}" in marks.allowed:
            return True
        try:
            # A listening without a call is counted under its own answer.
            self._book.allow(question.contact or body.answer, body.medium, body.campaign, body.person, question.at)
        except StorageError as error:
            log.warning("gate.count_not_kept", source=self.name, reason=str(error))
            return False
        return True

    def _append(self, kind: EntryKind, question: Question, body: object) -> int:
        """Number an entry; 0 when nothing more can wait for the disk."""
        keys = self.space.keys[question.controller]
        try:
            return self._spool.append(
                kind=kind,
                captured_at=question.at,
                controller=question.controller,
                key_id=keys.key_id,
                body=_ENCODER.encode(body),
            )
        except StorageError as error:
            log.warning("gate.not_durable", source=self.name, reason=str(error))
            self._lost_from = self._lost_from if self._lost else question.at
            self._lost += 1
            return 0

    def each_second(self, now: int) -> None:
        """Make marks durable, forget calls that are over."""
        try:
            self._book.sync()
        except StorageError as error:
            log.warning("gate.marks_not_durable", source=self.name, reason=str(error))
        self._book.forget(now)

    def beat(self, now: int) -> None:
        """Say that the source is alive, and what it could not understand."""
        lost = self.counts.refused - self._told
        if not lost or self.gap(GapBody(from_at=self._told_at, to_at=now, cause=GapCause.CODEC, lost=lost)):
            self._told += lost
            self._told_at = now
        if self._lost and self.gap(
            GapBody(from_at=self._lost_from, to_at=now, cause=GapCause.SPOOL_FULL, lost=self._lost)
        ):
            self._lost = 0
        self._everywhere(EntryKind.HEARTBEAT, HeartbeatBody(complete_to=now), now)

    def gap(self, body: GapBody) -> bool:
        """Append a gap for every controller served; whether the spool took them."""
        return self._everywhere(EntryKind.GAP, body, body.to_at)

    def _everywhere(self, kind: EntryKind, body: object, now: int) -> bool:
        encoded, taken = _ENCODER.encode(body), True
        for controller, keys in self.space.keys.items():
            try:
                self._spool.append(kind=kind, captured_at=now, controller=controller, key_id=keys.key_id, body=encoded)
            except StorageError as error:
                log.warning("gate.not_durable", source=self.name, reason=str(error))
                taken = False
        return taken

    async def close(self, now: int) -> None:
        """Make everything durable.

        Raises:
            StorageError: the spool did not close cleanly.
        """
        self.beat(now)
        self._book.close()
        await self._spool.close()
