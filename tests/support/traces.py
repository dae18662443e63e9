"""Builders of ledger entries for tests of projection and detection: readable nouns in, durable entries out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from quivive.model.access import (
    AccessBody,
    Action,
    AttributionSource,
    CaptureMode,
    CoverageClass,
    Grade,
    LinkBody,
    Outcome,
    RecordGroup,
)
from quivive.model.catalogue import Catalogue, Table, TableKind
from quivive.model.contact import (
    AccountRef,
    AgentBody,
    ContactBody,
    ContactKind,
    Direction,
    HeartbeatBody,
    Leg,
    SubjectRef,
)
from quivive.model.entry import EntryKind
from quivive.model.gate import GateBody, GateState, Module

SECOND = 1_000_000
T0 = 1_780_000_000 * SECOND  # 2026-05-28T20:26:40Z
CONTROLLER = "aurore"
PHONE = "phone-feed"
CUSTOMER, ORDER, HOUSEHOLD, PRODUCT = "public.customer", "public.orders", "public.household", "public.product"


def key(name: str) -> str:
    """A 32-digit key for a name."""
    return blake2b(name.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Durable:
    shard: str
    index: int
    day: str
    data: bytes
    count: int = 1


@dataclass(frozen=True)
class Event:
    kind: EntryKind
    body: Any
    source: str
    at: int
    controller: str


def event(kind: EntryKind, body: Any, *, source: str, at: int, controller: str = CONTROLLER) -> Event:
    return Event(kind=kind, body=body, source=source, at=at, controller=controller)


class Shards:
    """Gives events their shard and index, as the ledger would."""

    def __init__(self) -> None:
        self.next: dict[str, int] = {}

    def durable(self, events: Iterable[Event]) -> list[Durable]:
        return [self._one(each) for each in events]

    def _one(self, each: Event) -> Durable:
        shard = f"{each.controller}/202605"
        index = self.next.get(shard, 0)
        self.next[shard] = index + 1
        entry = {
            "v": 1, "kind": each.kind, "id": f"{each.source}/1/{index}", "source": each.source, "epoch": 1,
            "seq": index, "captured_at": each.at, "ingested_at": each.at, "controller": each.controller,
            "class": "trace", "key_id": "k1", "body": each.body,
        }  # fmt: skip
        return Durable(shard=shard, index=index, day="20260528", data=msgspec.json.encode(entry, order="sorted"))


def access(
    name: str,
    at: int,
    records: Sequence[tuple[str, str]] = (),
    *,
    agent: str = "login-a",
    part: int = 0,
    final: bool = True,
    contact: str = "",
    source: str = "db",
    controller: str = CONTROLLER,
    **changes: Any,
) -> Event:
    """An access to `records`, pairs of table and record name."""
    groups: dict[str, list[str]] = {}
    for table, record in records:
        groups.setdefault(table, []).append(key(record))
    fields: dict[str, Any] = {
        "access": name, "part": part, "final": final, "at": at, "ended_at": at + 1_000,
        "agent": key(agent) if agent else "", "account": "", "contact": key(contact) if contact else "",
        "session": "", "attribution": AttributionSource.SESSION_VARIABLE, "action": Action.READ,
        "mode": CaptureMode.OBSERVE, "grade": Grade.A, "shape": "00000000000000aa",
        "tables": tuple(groups) or (CUSTOMER,), "columns": ("public.customer.last_name",), "changed": (),
        "coverage": CoverageClass.EXACT,
        "records": tuple(RecordGroup(table=table, keys=tuple(keys)) for table, keys in groups.items()),
        "rows": len(records), "rows_bytes": 10, "distinct": len(records), "patterns": (), "neighbourhoods": (),
        "outcome": Outcome.OK,
    }  # fmt: skip
    return event(EntryKind.ACCESS, AccessBody(**{**fields, **changes}), source=source, at=at, controller=controller)


def contact(
    name: str,
    kind: ContactKind = ContactKind.CALL,
    *,
    agents: Sequence[str] = ("login-a",),
    legs: Sequence[Leg] = (),
    subjects: Sequence[tuple[str, str]] = (),
    version: int = 1,
    source: str = PHONE,
    at: int = 0,
    **changes: Any,
) -> Event:
    """A contact; `subjects` are pairs of identity kind and name."""
    fields: dict[str, Any] = {
        "contact": key(name), "version": version, "contact_kind": kind, "direction": Direction.INBOUND, "label": name,
        "legs": tuple(legs) or tuple(Leg(agent=key(agent), from_at=0, to_at=0) for agent in agents), "team": "",
        "campaign": "", "queue": "",
        "subjects": tuple(SubjectRef(kind=identity, key=key(value)) for identity, value in subjects),
        "identified": bool(subjects), "self_made": False, "preview_at": 0, "offered_at": 0, "started_at": 0,
        "ended_at": 0, "wrapped_at": 0, "opened_at": 0, "assigned_at": 0, "touched_at": 0, "closed_at": 0, "due_at": 0,
    }  # fmt: skip
    body = ContactBody(**{**fields, **changes})
    when = at or max(body.ended_at, body.closed_at, body.started_at, body.assigned_at, min(body.due_at, T0))
    return event(EntryKind.CONTACT, body, source=source, at=when)


def call(name: str, begin: int, end: int, *, subjects: Sequence[tuple[str, str]] = (), **changes: Any) -> Event:
    """An inbound call answered at `begin`, hung up at `end`."""
    return contact(name, subjects=subjects, offered_at=begin, started_at=begin, ended_at=end, **changes)


def link(left: str, right: str, *, kind: str = "record", table: str = CUSTOMER, at: int = T0) -> Event:
    body = LinkBody(left=key(left), left_kind=kind, right=key(right), right_table=table)
    return event(EntryKind.LINK, body, source="db", at=at)


def heartbeat(complete_to: int, *, source: str = PHONE, at: int = 0) -> Event:
    return event(EntryKind.HEARTBEAT, HeartbeatBody(complete_to=complete_to), source=source, at=at or complete_to)


def person(
    name: str,
    logins: Sequence[str],
    *,
    informed_at: int = 1,
    version: int = 1,
    valid: tuple[int, int] = (0, 0),
    controllers: Sequence[str] = (CONTROLLER,),
    team: str = "t1",
    establishment: str = "lyon",
) -> Event:
    accounts = tuple(
        AccountRef(controller=CONTROLLER, namespace="crm", agent=key(login), valid_from=valid[0], valid_to=valid[1])
        for login in logins
    )
    body = AgentBody(
        person=key(name), version=version, employer="acme", establishment=establishment, country="FR", site="lyon",
        team=team, controllers=tuple(controllers), accounts=accounts, informed_at=informed_at, active_from=0,
        active_to=0,
    )  # fmt: skip
    return event(EntryKind.DIRECTORY_AGENT, body, source="hr", at=T0, controller="operator")


def gate(
    state: GateState = GateState.ACTIVE,
    *,
    establishment: str = "lyon",
    at: int = T0,
    module: Module = Module.ACCESS,
) -> Event:
    body = GateBody(
        employer="acme",
        establishment=establishment,
        module=module,
        state=state,
        reference="",
        demonstration=True,
    )
    return event(EntryKind.GATE_STATE, body, source="core", at=at, controller="operator")


def catalogue() -> Event:
    kinds = {
        CUSTOMER: TableKind.PERSON, ORDER: TableKind.LINKED, HOUSEHOLD: TableKind.GROUP, PRODUCT: TableKind.REFERENCE
    }  # fmt: skip
    tables = tuple(Table(name=name, kind=kind, key=("id",)) for name, kind in kinds.items())
    body = Catalogue(controller=CONTROLLER, version=1, tables=tables, not_protected=())
    return event(EntryKind.CATALOGUE_VERSION, body, source="core", at=T0)
