"""*Mon espace*: an agent's own page: what is recorded, today's questions, who looked; one tap answers.

Registered by `app.create_app`. The person is the session's own and nobody else's: no address, form or act names it.
Must never show anything about another person, never weigh an answer, and never take silence for an answer.
"""

from dataclasses import dataclass
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.response import Redirect

from quivive.model.alert import WordBody, WordCategory
from quivive.model.clock import DAY_US
from quivive.model.entry import ActKind
from quivive.model.errors import RefusedError
from quivive.model.ids import KEY_PATTERN
from quivive.model.permission import Permission
from quivive.privacy.pseudonym import neutral_code
from quivive.web import notice_texts
from quivive.web.guards import requires, services_of
from quivive.web.pages import page, texts_of
from quivive.web.reading import Period, Purpose, Reader, reader_for
from quivive.web.routes.own_recordings import own_part
from quivive.web.rows import flag, number, text

CORRECTION_US: Final = 7 * DAY_US
"""An answer may be corrected for seven days after the question."""
MAX_QUESTIONS: Final = 60
"""Questions read: three a day for the days that are kept open, and those answered before."""
MAX_LOOKS: Final = 200
"""Lines of looks shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One access the agent is asked about, and the answer given. Instants 0 when none."""

    question: str
    controller: str
    access: str
    table: str
    accessed_at: int
    call_before_at: int
    call_after_at: int
    asked_at: int
    answer_until: int
    category: str
    answered_at: int

    def open_at(self, now: int) -> bool:
        """Tell whether an answer or a correction is still taken."""
        until = self.asked_at + CORRECTION_US if self.category else self.answer_until
        return now < max(until, self.answer_until)


def read_question(row: dict[str, object]) -> Question:
    """Read one row of `questions_of`."""
    return Question(
        question=text(row, "question"),
        controller=text(row, "controller"),
        access=text(row, "access"),
        table=text(row, "record_table").removeprefix("public."),
        accessed_at=number(row, "accessed_at"),
        call_before_at=number(row, "call_before_at"),
        call_after_at=number(row, "call_after_at"),
        asked_at=number(row, "asked_at"),
        answer_until=number(row, "answer_until"),
        category=text(row, "category"),
        answered_at=number(row, "answered_at"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """How much one source records about the agent, and since when."""

    controller: str
    source: str
    grade: str
    accesses: int
    first_at: int
    last_at: int


def _recorded(row: dict[str, object]) -> Recorded:
    return Recorded(
        controller=text(row, "controller"),
        source=text(row, "source"),
        grade=text(row, "grade"),
        accesses=number(row, "accesses"),
        first_at=number(row, "first_at"),
        last_at=number(row, "last_at"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Looks of one role and kind on one day: how many, never by whom."""

    day_at: int
    roles: tuple[str, ...]
    act: str
    about_me: bool
    looks: int


def _look(row: dict[str, object]) -> Look:
    return Look(
        day_at=number(row, "day_at"),
        roles=tuple(role for role in text(row, "role").split("+") if role),
        act=text(row, "act"),
        about_me=flag(row, "about_me"),
        looks=number(row, "looks"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedCase:
    """A case about the agent that may be shown: its outcome, and when the name was shown."""

    controller: str
    opened_at: int
    closed_at: int
    outcome: str
    named_at: tuple[int, ...]


def _ended(row: dict[str, object]) -> EndedCase:
    named = row["named_at"]
    return EndedCase(
        controller=text(row, "controller"),
        opened_at=number(row, "opened_at"),
        closed_at=number(row, "closed_at"),
        outcome=text(row, "outcome") if number(row, "closed_at") else "",
        named_at=tuple(int(str(at)) for at in named) if isinstance(named, list) else (),
    )


async def _reader(request: Request[Any, Any, Any]) -> Reader:
    """The reader of an agent's own page.

    Raises:
        RefusedError: `person_missing`: the session is bound to nobody.
    """
    reader = await reader_for(request, Purpose.OWN_SPACE, period=Period.YEAR)
    if not KEY_PATTERN.fullmatch(reader.principal.person):
        raise RefusedError("person_missing")
    return reader


async def _questions(reader: Reader) -> list[Question]:
    rows = await reader.raw("questions_of", person=reader.principal.person, limit=MAX_QUESTIONS)
    return [read_question(row) for row in rows]


@get("/my-space", opt=requires(Permission.OWN_SPACE_READ), include_in_schema=False)
async def own_space(request: Request[Any, Any, Any]) -> Response[str]:
    """The page."""
    reader = await _reader(request)
    person, now = reader.principal.person, reader.services.clock()
    questions = await _questions(reader)
    recorded = [_recorded(row) for row in await reader.raw("recorded_of", person=person)]
    looks = [_look(row) for row in await reader.raw("looks_of", person=person, limit=MAX_LOOKS)]
    await reader.record(ActKind.VIEW_OWN_SPACE, object_id="", count=len(questions))
    return page(
        request,
        "own.html",
        code=neutral_code(person),
        waiting=[question for question in questions if not question.category and question.open_at(now)],
        answered=[question for question in questions if question.category],
        missed=[question for question in questions if not question.category and not question.open_at(now)],
        categories=list(WordCategory),
        recorded=recorded,
        looks_about_me=[look for look in looks if look.about_me],
        looks_at_lists=[look for look in looks if not look.about_me],
        cases=[_ended(row) for row in await reader.raw("cases_of", person=person)],
        retention_days=max((facts.trace_retention_days for facts in reader.services.controllers), default=0),
        thanks=request.query_params.get("answered", "") == "1",
        heard_part=await own_part(reader),
        notice_read=request.query_params.get("read", "") == "1",
        written=lambda begins, ends: notice_texts.period(texts_of(request), begins, ends),
        why=lambda body: notice_texts.why(texts_of(request), body),
    )


@post("/my-space/answer", opt=requires(Permission.OWN_WORD_WRITE), include_in_schema=False, status_code=303)
async def answer(request: Request[Any, Any, Any]) -> Response[Any]:
    """Take a one-tap answer or its correction: an entry, durable before the answer of this page, and an act."""
    form = await request.form()
    identifier, category = str(form.get("question", "")), str(form.get("category", ""))
    reader = await _reader(request)
    now = services_of(request).clock()
    asked = next((each for each in await _questions(reader) if each.question == identifier), None)
    if asked is None:
        raise RefusedError("question_unknown")
    if category not in set(WordCategory):
        raise RefusedError("answer_missing")
    if not asked.open_at(now):
        raise RefusedError("question_closed")
    body = WordBody(
        question=asked.question,
        controller=asked.controller,
        ident=reader.principal.person,
        access=asked.access,
        category=WordCategory(category),
        answered_at=now,
    )
    await reader.services.word(body)
    await reader.record(ActKind.ANSWER_QUESTION, object_id=asked.question, count=1)
    return Redirect("/my-space?answered=1", status_code=303)
