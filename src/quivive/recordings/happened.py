"""What the projection knows of recordings and listening, as the facts of the judgement (SQL edge of the daily round).

Called by `core.recording_round` and its commands. Reads only. Must never decide anything: what follows is pure code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from quivive.model.recording import GateReason, ListeningKind, Medium, NonconformityKind, Segment
from quivive.model.recording_register import CampaignBody
from quivive.projection.projection import Projection
from quivive.projection.store import read_sql
from quivive.recordings.conformity import AnswerFact, Finding, Happened, MonthFact
from quivive.recordings.sampling import Drawn, SeedFacts

_SEGMENTS = msgspec.json.Decoder(tuple[Segment, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A non-conformity that was written before. `closed_by` "" while open."""

    name: str
    version: int
    closed_by: str
    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Everything that some days hold."""

    happened: tuple[Happened, ...]
    answers: tuple[AnswerFact, ...]
    objections: Mapping[str, int]
    standing: Mapping[str, Standing]


def days(projection: Projection, controllers: Sequence[str], from_at: int, to_at: int) -> Days:
    """Read recordings and listening between two instants, what the gate said of their calls, what was found before."""
    span = {"controllers": list(controllers), "from_at": from_at, "to_at": to_at}
    since = {"controllers": list(controllers), "from_at": from_at}
    with projection.reading() as cursor:
        recorded = cursor.execute(_text("happened_recordings"), span).fetchall()
        heard = cursor.execute(_text("happened_listenings"), span).fetchall()
        # A call may have been asked about before the first of these days began.
        asked = {**span, "from_at": from_at - 86_400_000_000, "to_at": to_at + 86_400_000_000}
        answers = cursor.execute(_text("happened_answers"), asked).fetchall()
        objections = cursor.execute(_text("happened_objections"), since).fetchall()
        standing = cursor.execute(_text("standing_nonconformities"), since).fetchall()
    return Days(
        happened=(*map(_recorded, recorded), *map(_heard, heard)),
        answers=tuple(
            AnswerFact(
                medium=Medium(medium), contact=_key(hi, lo), allowed=bool(allowed), reason=GateReason(reason),
                campaign=str(campaign), asked_at=int(at),
            )
            for _, medium, hi, lo, allowed, reason, campaign, at in answers
        ),
        objections={_key(hi, lo): int(at) for hi, lo, at in objections},
        standing={
            _key(hi, lo): Standing(name=_key(hi, lo), version=int(version), closed_by=str(by), found=int(found))
            for hi, lo, version, by, found, _ in standing
        },
    )  # fmt: skip


def _recorded(row: tuple[Any, ...]) -> Happened:
    controller, hi, lo, call_hi, call_lo, person_hi, person_lo, queue, started_at, ended_at, segments = row
    return Happened(
        medium=Medium.RECORDING,
        object=_key(hi, lo),
        controller=str(controller),
        contact=_key(call_hi, call_lo),
        person=_key(person_hi, person_lo),
        queue=str(queue),
        started_at=int(started_at),
        ended_at=int(ended_at),
        segments=_SEGMENTS.decode(segments),
    )


def _heard(row: tuple[Any, ...]) -> Happened:
    (controller, hi, lo, kind, call_hi, call_lo, person_hi, person_lo, by_hi, by_lo, principal, queue, started_at,
     ended_at, of_hi, of_lo) = row  # fmt: skip
    return Happened(
        medium=Medium.LISTENING,
        object=_key(hi, lo),
        controller=str(controller),
        contact=_key(call_hi, call_lo),
        person=_key(person_hi, person_lo),
        queue=str(queue),
        started_at=int(started_at),
        ended_at=int(ended_at),
        kind=ListeningKind(kind),
        listener=_key(by_hi, by_lo),
        principal=str(principal),
        of=_key(of_hi, of_lo),
    )


def standing_finding(projection: Projection, name: str) -> Finding | None:
    """One non-conformity as it stands; None when there is none of this name."""
    with projection.reading() as cursor:
        row = cursor.execute(_text("standing_finding"), {"hi": int(name[:16], 16), "lo": int(name[16:], 16)}).fetchone()
    if row is None:
        return None
    controller, kind, medium, campaign, *keys, aimed_at, happened_at, found, limit = row
    recording, listening, contact, person = (_key(keys[place], keys[place + 1]) for place in (0, 2, 4, 6))
    return Finding(
        name=name, controller=str(controller), kind=NonconformityKind(kind), medium=Medium(medium),
        campaign=str(campaign), recording=recording, listening=listening, contact=contact, person=person,
        aimed_at=str(aimed_at), happened_at=int(happened_at), found=int(found), limit=int(limit),
    )  # fmt: skip


def month(projection: Projection, body: CampaignBody, name: str, from_at: int, to_at: int) -> MonthFact | None:
    """Count one campaign's month; None when nothing was recorded in it."""
    periods = [(max(p.from_at, from_at), min(p.to_at, to_at)) for p in body.periods]
    periods = [(begin, end) for begin, end in periods if begin < end]
    if not periods:
        return None
    asked = {
        "controller": body.controller, "queues": list(body.queues), "teams": list(body.teams),
        "sites": list(body.sites), "begins": [begin for begin, _ in periods], "ends": [end for _, end in periods],
    }  # fmt: skip
    with projection.reading() as cursor:
        rows = cursor.execute(_text("month_recorded"), asked).fetchall()
        if not rows:
            return None
        handled = cursor.execute(_text("month_handled"), asked).fetchone()
    return MonthFact(
        campaign=body.campaign,
        controller=body.controller,
        month=name,
        last_at=max(int(last) for *_, last in rows),
        handled=int(handled[0]) if handled else 0,
        recorded=sum(int(count) for *_, count, _ in rows),
        by_person={key: int(count) for hi, lo, count, _ in rows if (key := _key(hi, lo))},
    )


def used(projection: Projection, from_at: int) -> dict[str, int]:
    """Calls allowed since an instant, by `medium/campaign/PersonKey`."""
    with projection.reading() as cursor:
        rows = cursor.execute(_text("used_this_month"), {"from_at": from_at}).fetchall()
    return {f"{medium}/{campaign}/{_key(hi, lo)}": int(calls) for medium, campaign, hi, lo, calls in rows}


def seeds(projection: Projection, controllers: Sequence[str], from_day: str, to_day: str) -> list[SeedFacts]:
    """What was written of the seeds of some days, one fact a campaign and day."""
    with projection.reading() as cursor:
        rows = cursor.execute(
            _text("seed_words"), {"controllers": list(controllers), "from_day": from_day, "to_day": to_day}
        ).fetchall()
    found: dict[tuple[str, str, str], SeedFacts] = {}
    for controller, campaign, day, commitment, seed, at in sorted(rows, key=lambda row: (row[5], row[4])):
        place = (str(controller), str(campaign), str(day))
        known = found.get(place)
        found[place] = SeedFacts(
            controller=place[0], campaign=place[1], day=place[2],
            committed=known.committed if known else str(commitment),
            committed_at=known.committed_at if known else (0 if seed else int(at)),
            seed=str(seed) or (known.seed if known else ""),
            revealed_at=int(at) if seed else (known.revealed_at if known else 0),
        )  # fmt: skip
    return list(found.values())


def drawn(
    projection: Projection, controllers: Sequence[str], day: str, shares: Mapping[tuple[str, int], int]
) -> list[Drawn]:
    """Answers of a day that rest on a draw; `shares`: campaign and version → share in thousandths."""
    with projection.reading() as cursor:
        rows = cursor.execute(_text("drawn_answers"), {"controllers": list(controllers), "day": day}).fetchall()
    return [
        Drawn(
            controller=str(controller), campaign=str(campaign), contact=_key(hi, lo), draw=int(draw),
            allowed=bool(allowed), not_sampled=reason == GateReason.NOT_SAMPLED,
            share=shares.get((str(campaign), int(version)), -1), asked_at=int(asked_at),
        )
        for controller, campaign, version, hi, lo, draw, allowed, reason, asked_at in rows
    ]  # fmt: skip


def _key(hi: int, lo: int) -> str:
    return f"{hi:016x}{lo:016x}" if hi or lo else ""


@cache
def _text(name: str) -> str:
    return read_sql("quivive.recordings", "sql", f"{name}.sql")
