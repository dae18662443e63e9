"""Facts of contacts that arrive in any order become whole contacts (issue 3; DESIGN §5 "contact").

Base of the telephony translators: each keeps the facts of the contacts under way and builds the row of a contact
from the *set* of its facts, so that order and repetition cannot change the last version. Must never guess an end,
and never hold more than its bounds.
"""

from abc import abstractmethod
from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from quivive.connectors.model import CanonicalRow, Record, Refusal, RowKind
from quivive.model.clock import HOUR_US, Micros, to_rfc3339

MAX_CONTACTS: Final = 20_000
"""Contacts held: more than a day of the busiest site measured (15,000 calls), so that a shuffled day stays exact."""
MAX_FACTS: Final = 2_000
"""Facts of one contact: a conference of thirty people for an hour gives about 500; more is a loop of transfers."""
CAP_US: Final = 4 * HOUR_US
"""After this long without any fact, a contact without an end is told as unfinished (contact-centre §8 item 4)."""
VERSION_STEP: Final = 2_048
"""Versions a millisecond holds: above MAX_FACTS, so that each further fact gives a higher version."""

F = TypeVar("F", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class TelephonySettings:
    """What a telephony source needs to know beyond its bytes.

    Fields:
        controller: id of the client company when the source serves one.
        controllers: queue → controller, for a switch that serves several.
        agents: regular expression of a channel or member name with the group `login`; "" means the shipped one.
        internal: regular expression of the numbers that are extensions rather than customers.
        timezone: zone of local times that the source does not betray itself.
        outbound_queues: queues that a dialler feeds.
        table: record table that a dialler's lead or a contact's attribute belongs to ("customer"); "" for none.
        attribute: attribute of a contact that holds the key of that record (Connect, Genesys).
    """

    controller: str = ""
    controllers: Mapping[str, str] = field(default_factory=dict)
    agents: str = ""
    internal: str = r"([*#][\d*#]*)?\d{0,6}"
    timezone: str = "UTC"
    outbound_queues: frozenset[str] = frozenset()
    table: str = ""
    attribute: str = ""

    def record(self, key: Any) -> list[str]:
        """Name the record of a native key as the API does, when a table is declared."""
        text = "" if key is None else str(key).strip()
        return [f"{self.table}:{text}"] if self.table and text and text != "0" else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One agent's part. 0 means not known; `answered` tells a part that spoke from one that only rang."""

    agent: str
    from_at: int
    to_at: int = 0
    role: str = "agent"
    answered: bool = True


@dataclass(slots=True, kw_only=True)
class Draft:
    """A contact as its facts tell it; becomes one row. Instants in microseconds, 0 when unknown.

    `whole` is false when the beginning was not seen: such a row never supersedes one that knew it. `over` says that
    its end was told, be it the end of our sight (a transfer out of the queue).
    """

    kind: str = "call"
    direction: str = ""
    queue: str = ""
    campaign: str = ""
    phone: str = ""
    records: list[str] = field(default_factory=list)
    identities: list[dict[str, str]] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    instants: dict[str, int] = field(default_factory=dict)
    self_made: bool = False
    whole: bool = True
    over: bool = False
    controller: str = ""

    def latest(self) -> int:
        """Latest instant it tells."""
        parts = (max(part.from_at, part.to_at) for part in self.parts)
        return max(max(self.instants.values(), default=0), max(parts, default=0))


@dataclass(slots=True)
class _Contact(Generic[F]):
    facts: dict[F, None]
    last_at: int
    over: bool = False
    given: dict[str, Any] | None = None  # last row given, of a live feed


class ContactBook(Generic[F]):
    """A translator whose rows are functions of sets of facts. Subclasses read records and build drafts."""

    def __init__(self, settings: TelephonySettings, *, max_contacts: int = MAX_CONTACTS, live: bool = False) -> None:
        self._settings, self._max, self._live = settings, max_contacts, live
        self._contacts: OrderedDict[str, _Contact[F]] = OrderedDict()
        self._touched: dict[str, int] = {}
        self._watermark = 0
        self.now = 0
        self.notes: Counter[str] = Counter()
        """What a reader should know beyond rows and refusals: counts by word, never values."""

    @abstractmethod
    def read(self, record: Record) -> Refusal | None:
        """Take one record: call `add` for each fact in it. `self.now` is the instant of reading."""

    @abstractmethod
    def build(self, contact: str, facts: Iterable[F]) -> Draft | None:
        """Build the contact that these facts tell; None when they tell none yet. Must be a function of the set."""

    def feed(self, records: Iterable[Record], now: int) -> Iterable[CanonicalRow | Refusal]:
        """Take records; give the rows of the contacts they touched, once each, after the refusals."""
        self.now = now
        refusals = [refusal for record in records if (refusal := self.read(record)) is not None]
        rows = self._rows()
        self._forget()
        return [*refusals, *rows]

    def close(self, now: int) -> Iterable[CanonicalRow | Refusal]:
        """Every row was given as its facts came; what has no end keeps an unknown one."""
        self.now = now
        self.notes["unfinished"] = self.unfinished()
        return []

    def complete_to(self) -> int:
        """Latest instant seen: these feeds are written in order as things happen. Subclasses may know less."""
        return self._watermark

    def unfinished(self) -> int:
        """Contacts without an end, silent for longer than the cap: their end is unknown and will stay so."""
        horizon = self._watermark - CAP_US
        return sum(not each.over and each.last_at < horizon for each in self._contacts.values())

    def add(self, contact: str, fact: F, at: int, number: int) -> None:
        """Take one fact of a contact."""
        held = self._contacts.get(contact)
        if held is None:
            held = self._contacts[contact] = _Contact({}, at)
        elif fact in held.facts:
            return
        if len(held.facts) >= MAX_FACTS:
            self.notes["facts_beyond_bound"] += 1
            return
        held.facts[fact] = None
        held.last_at = max(held.last_at, at)
        self._touched[contact] = max(number, self._touched.get(contact, 0))

    def facts(self, contact: str) -> Iterable[F]:
        """Facts held of a contact."""
        held = self._contacts.get(contact)
        return held.facts if held else ()

    def affected(self, contact: str) -> Iterable[str]:
        """Contacts whose row changes with a fact of this one; itself, unless contacts merge."""
        return (contact,)

    def facts_for(self, contact: str) -> Iterable[F]:
        """Facts that a row is built from; its own, unless contacts merge."""
        return self.facts(contact)

    def _rows(self) -> list[CanonicalRow]:
        numbers: dict[str, int] = {}
        for contact, number in self._touched.items():
            for each in self.affected(contact):
                numbers[each] = max(number, numbers.get(each, 0))
        self._touched = {}
        rows = []
        for contact, number in numbers.items():
            facts = list(self.facts_for(contact))
            draft = self.build(contact, facts)
            held = self._contacts.get(contact)
            if draft is None or held is None:
                continue
            held.over, held.last_at = draft.over, draft.latest()
            self._watermark = max(self._watermark, held.last_at)
            value = self._value(contact, draft, facts)
            if self._live and _same_but_version(held.given, value):
                continue
            held.given = value if self._live else None
            rows.append(CanonicalRow(kind=RowKind.CONTACTS, number=number, value=value))
        return rows

    def _value(self, contact: str, draft: Draft, facts: list[F]) -> dict[str, Any]:
        latest = max((self.at_of(fact) for fact in facts), default=0)
        count = min(len(facts), VERSION_STEP - 1)
        version = latest // 1_000 * VERSION_STEP + count if draft.whole else count
        return row_value(contact, version, draft, self._settings)

    def at_of(self, fact: F) -> int:
        """Instant of a fact: its attribute `at`."""
        return int(fact.at)  # type: ignore[attr-defined]

    def forget_before(self, horizon: int) -> None:
        """Let go of contacts without any fact since then; for live feeds, whose clock is ours."""
        for contact in [contact for contact, held in self._contacts.items() if held.last_at < horizon]:
            self._drop(contact)

    def _drop(self, contact: str) -> None:
        self.notes["unfinished_forgotten"] += not self._contacts.pop(contact).over
        self.dropped(contact)

    def _forget(self) -> None:
        """Keep within the bound: contacts that are over leave first, the oldest first."""
        excess = len(self._contacts) - self._max
        if excess <= 0:
            return
        oldest = sorted(self._contacts.items(), key=lambda item: (not item[1].over, item[1].last_at))
        for contact, _ in oldest[: excess + self._max // 10]:
            self._drop(contact)

    def dropped(self, contact: str) -> None:
        """Tell a subclass that a contact leaves the book."""


def row_value(contact: str, version: int, draft: Draft, settings: TelephonySettings) -> dict[str, Any]:
    """Write a draft as an object of `/v1/contacts`."""
    value: dict[str, Any] = {"id": contact, "version": version, "kind": draft.kind}
    controller = draft.controller or settings.controllers.get(draft.queue, settings.controller)
    optional = {
        "controller": controller,
        "direction": draft.direction,
        "queue": code(draft.queue),
        "campaign": code(draft.campaign),
        "phone": draft.phone,
        "records": draft.records,
        "identities": draft.identities,
        "self_made": draft.self_made,
        "legs": [_leg(part) for part in _ordered(draft.parts)],
    }
    value.update((name, found) for name, found in optional.items() if found)
    value.update((name, to_rfc3339(Micros(at))) for name, at in draft.instants.items() if at > 0)
    return value


def _same_but_version(before: dict[str, Any] | None, after: dict[str, Any]) -> bool:
    """Tell whether a live feed would only repeat itself: twenty events of a call change five rows."""
    return before is not None and {**before, "version": 0} == {**after, "version": 0}


MAX_PARTS: Final = 64
"""Legs of one row, as the intake bounds them; those that answered stay first."""


def _ordered(parts: list[Part]) -> list[Part]:
    """Order parts by time, after the bound: a ring group of a hundred keeps whoever spoke."""
    kept = sorted(parts, key=lambda part: (not part.answered, part.from_at, part.agent))[:MAX_PARTS]
    return sorted(kept, key=lambda part: (part.from_at, part.to_at or 1 << 62, part.agent, part.role))


def _leg(part: Part) -> dict[str, str]:
    leg = {"agent": part.agent}
    if part.role != "agent":
        leg["role"] = part.role
    if part.from_at:
        leg["from"] = to_rfc3339(Micros(part.from_at))
    if part.to_at:
        leg["to"] = to_rfc3339(Micros(max(part.to_at, part.from_at)))
    return leg


_CODE_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-")


def code(text: str) -> str:
    """Write a name of a queue or campaign as a code the API takes ("Service clients" → "Service-clients")."""
    kept = "".join(c if c in _CODE_CHARACTERS else "-" for c in text.strip()).strip("._/-")[:48]
    return kept if sum(map(str.isdigit, kept)) <= 8 else ""


def merged_parts(parts: Iterable[Part]) -> list[Part]:
    """Unite overlapping parts of one agent in one role (both halves of a Local channel, a channel masqueraded)."""
    merged: list[Part] = []
    last: dict[tuple[str, str], int] = {}
    for part in sorted(parts, key=lambda each: (each.from_at, each.to_at or 1 << 62, each.agent, each.role)):
        key = (part.agent, part.role)
        index = last.get(key, -1)
        if index >= 0 and (merged[index].to_at == 0 or part.from_at <= merged[index].to_at):
            before = merged[index]
            to_at = 0 if not (before.to_at and part.to_at) else max(before.to_at, part.to_at)
            answered = before.answered or part.answered
            merged[index] = Part(
                agent=part.agent, from_at=before.from_at, to_at=to_at, role=part.role, answered=answered
            )
            continue
        last[key] = len(merged)
        merged.append(part)
    return merged
