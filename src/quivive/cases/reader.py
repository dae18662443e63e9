"""What the office of cases reads of the projection (SQL edge).

Called by `cases.office` alone. Must never hand a person's key to anybody else: pages read the named query `cases`.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import msgspec

from quivive.cases.admissibility import GateStep
from quivive.cases.view import CaseView, fold
from quivive.ledger.entry import decode_entry
from quivive.model.approval import ApprovalAct, ApprovalBody
from quivive.model.case import CaseBody, CaseStepBody
from quivive.model.entry import Entry
from quivive.model.gate import GateState, Module
from quivive.model.gate_record import DeclaredPurpose, GateRecordBody, GateRecordKind
from quivive.projection.projection import Projection
from quivive.projection.query import Scope
from quivive.projection.store import read_sql

PURPOSE: Final = "case"
OFFICE: Final = "cases"
END: Final = 1 << 62
"""A scope without an end: a case is read whole."""

_opened = msgspec.json.Decoder(CaseBody).decode
_step = msgspec.json.Decoder(CaseStepBody).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldCase:
    """A case with its neutral code, "" when nobody is concerned or may be named."""

    view: CaseView
    agent_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who a case is about; `ident` 32 hex digits, "" for nobody."""

    ident: str = field(repr=False)
    employer: str
    establishment: str
    informed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BehindCase:
    """The alert behind a case, with its accesses."""

    controller: str
    ident: str = field(repr=False)
    topic: str
    from_at: int
    to_at: int
    opened_at: int


def read_case(row: dict[str, object]) -> ToldCase:
    """Fold one row of the named query `cases`."""
    steps = row["steps"]
    assert isinstance(steps, list)
    view = fold(
        _opened(str(row["body"])),
        int(str(row["opened_at"])),
        [_step(str(each)) for each in steps],
        concerned=bool(row["concerned"]),
    )
    return ToldCase(view=view, agent_code=str(row["agent_code"] or ""))


def find_case(projection: Projection, case: str, controllers: Sequence[str]) -> ToldCase | None:
    """One case of the given controllers, None when there is none."""
    rows = projection.query(_scope(controllers), "cases", {"case": case})
    return read_case(rows[0]) if rows else None


def find_person(projection: Projection, case: str) -> Person | None:
    """Who a case is about, with establishment and notice; None for an unknown case."""
    with projection.reading() as cursor:
        row = cursor.execute(_sql("case"), _halves("case", case)).fetchone()
    if row is None:
        return None
    _, high, low, employer, establishment, informed_at = row
    return Person(
        ident=_key(high, low), employer=str(employer), establishment=str(establishment), informed_at=int(informed_at)
    )


def find_alert(projection: Projection, alert: str, controllers: Sequence[str]) -> BehindCase | None:
    """The alert behind a case; None when it is unknown or may not be shown."""
    with projection.reading() as cursor:
        values = {**_halves("alert", alert), "controllers": list(controllers)}
        row = cursor.execute(_sql("alert"), values).fetchone()
    if row is None:
        return None
    controller, high, low, topic, from_at, to_at, opened_at = row
    return BehindCase(
        controller=str(controller),
        ident=_key(high, low),
        topic=str(topic),
        from_at=int(from_at),
        to_at=int(to_at),
        opened_at=int(opened_at),
    )


def alert_accesses(projection: Projection, alert: str) -> tuple[str, ...]:
    """Access ids of an alert, hits that joined included."""
    with projection.reading() as cursor:
        return tuple(str(row[0]) for row in cursor.execute(_sql("alert_accesses"), _halves("alert", alert)).fetchall())


def approvals(
    projection: Projection, controller: str, case: str, act: ApprovalAct = ApprovalAct.UNMASK
) -> tuple[ApprovalBody, ...]:
    """Requests of a case that need two persons: for the name behind it, or for the list of its records."""
    rows = projection.query(_scope((controller,)), "approvals", {"act": act, "object": case})
    return tuple(msgspec.convert(row, ApprovalBody) for row in rows)


def event_of(exhibit: dict[str, Any]) -> Entry:
    """The entry inside an exhibit."""
    return decode_entry(base64.b64decode(str(exhibit["event"])))


def gate_history(projection: Projection, person: Person) -> tuple[GateStep, ...]:
    """Sealed states of the person's establishment for the module access, oldest first."""
    place = {"employer": person.employer, "establishment": person.establishment}
    rows = projection.query(_scope(()), "gate_history", place)
    return tuple(
        GateStep(state=GateState(str(row["state"])), sealed_at=int(str(row["sealed_at"])))
        for row in rows
        if row["module"] == Module.ACCESS
    )


def gate_records(projection: Projection, person: Person) -> tuple[GateRecordBody, ...]:
    """Adopted documents of the person's establishment for the module access, oldest first."""
    place = {"employer": person.employer, "establishment": person.establishment}
    rows = projection.query(_scope(()), "gate_records", place)
    return tuple(
        GateRecordBody(
            employer=person.employer,
            establishment=person.establishment,
            module=Module.ACCESS,
            record=GateRecordKind(str(row["record"])),
            dated_at=int(str(row["dated_at"])),
            reference=str(row["reference"]),
            text_sha256=str(row["text_sha256"]),
            purposes=tuple(DeclaredPurpose(each) for each in str(row["purposes"]).split(",") if each),
            rules=tuple(each for each in str(row["rules"]).split(",") if each),
            demonstration=bool(row["demonstration"]),
        )
        for row in rows
        if row["module"] == Module.ACCESS
    )


def rule_since(projection: Projection, topic: str) -> tuple[int, bool]:
    """Since when the rule or the test behind a topic is in force, and whether a test has its reference."""
    for row in projection.query(_scope(()), "rules_in_force", {}):
        if row["rule"] == topic:
            return int(str(row["since"])), False
    for row in projection.query(_scope(()), "switches", {}):
        if row["switch"] == topic and row["is_on"]:
            return int(str(row["set_at"])), bool(row["reference"])
    return 0, False


def _scope(controllers: Sequence[str]) -> Scope:
    return Scope(controllers=tuple(controllers), from_at=0, to_at=END, purpose=PURPOSE, principal=OFFICE)


def _halves(name: str, key: str) -> dict[str, int]:
    return {f"{name}_hi": int(key[:16], 16), f"{name}_lo": int(key[16:], 16)}


def _key(high: int, low: int) -> str:
    return f"{high:016x}{low:016x}" if high or low else ""


@cache
def _sql(name: str) -> str:
    return read_sql("quivive.cases", "sql", f"{name}.sql")
