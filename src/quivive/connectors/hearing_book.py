"""Facts about recordings and listening that arrive in any order become rows (issue 5 point 4).

Used by the translators of switches and clouds beside their book of contacts. A row is a function of the set of its
facts, so that order and repetition cannot change the last version. Must never keep a caller's number, nor guess an end.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from quivive.connectors.contact_book import CAP_US, TelephonySettings, code
from quivive.connectors.model import CanonicalRow, RowKind
from quivive.model.clock import Micros, to_rfc3339
from quivive.model.recording import SegmentState

MAX_HELD: Final = 20_000
"""Recordings and listening held: more than a day of the busiest site, so that a shuffled day stays exact."""
MAX_FACTS: Final = 500
"""Facts of one recording: an agent who interrupts each ten seconds of an hour."""
VERSION_STEP: Final = 1_024
"""Versions a millisecond holds: above MAX_FACTS, so that each further fact gives a higher version."""
_STATES: Final = {"pause": SegmentState.PAUSED, "mute": SegmentState.MASKED, "on": SegmentState.ON}


@dataclass(frozen=True, slots=True, kw_only=True)
class HearingFact:
    """One event. `what`: begin, end, on, pause, mute, told. Texts "" and numbers -1 when the event does not tell."""

    at: int
    what: str
    contact: str = ""
    agent: str = ""
    listener: str = ""
    kind: str = ""
    queue: str = ""
    location: str = ""
    recording: str = ""
    reason: str = ""
    controller: str = ""
    answer: str = ""
    heard_ms: int = -1


@dataclass(slots=True)
class _Held:
    facts: dict[HearingFact, None] = field(default_factory=dict)
    last_at: int = 0
    given: dict[str, Any] | None = None


class HearingBook:
    """Rows of `/v1/recordings` and `/v1/listenings` by name. `live`: a row that only repeats itself is not given."""

    def __init__(self, settings: TelephonySettings, *, live: bool = False) -> None:
        self._settings, self._live = settings, live
        self._held: OrderedDict[tuple[RowKind, str], _Held] = OrderedDict()
        self._touched: dict[tuple[RowKind, str], int] = {}
        self.notes: Counter[str] = Counter()

    def add(self, row: RowKind, name: str, fact: HearingFact, number: int) -> None:
        """Take one fact of a recording or a listening."""
        place = (row, name)
        held = self._held.setdefault(place, _Held())
        if fact in held.facts:
            return
        if len(held.facts) >= MAX_FACTS:
            self.notes["facts_beyond_bound"] += 1
            return
        held.facts[fact] = None
        held.last_at = max(held.last_at, fact.at)
        self._touched[place] = max(number, self._touched.get(place, 0))

    def rows(self) -> list[CanonicalRow]:
        """Rows of what was touched since the last call, once each."""
        touched, self._touched = self._touched, {}
        found = []
        for (row, name), number in touched.items():
            held = self._held[row, name]
            value = self._value(row, name, sorted(held.facts, key=_order))
            if self._live and held.given is not None and {**held.given, "version": 0} == {**value, "version": 0}:
                continue
            held.given = value if self._live else None
            found.append(CanonicalRow(kind=row, number=number, value=value))
        self._forget()
        return found

    def forget_before(self, horizon: int) -> None:
        """Let go of what has had no fact since then; for live feeds."""
        for place in [place for place, held in self._held.items() if held.last_at < horizon]:
            del self._held[place]

    def forget_silent(self, now: int) -> None:
        """Let go of what has been silent beyond the cap of a call."""
        self.forget_before(now - CAP_US)

    def _forget(self) -> None:
        while len(self._held) > MAX_HELD:
            self._held.popitem(last=False)

    def _value(self, row: RowKind, name: str, facts: list[HearingFact]) -> dict[str, Any]:
        latest = max(fact.at for fact in facts)
        began = min((fact.at for fact in facts if fact.what == "begin"), default=0)
        ended = _ended(facts)
        value: dict[str, Any] = {"id": name, "version": latest // 1_000 * VERSION_STEP + min(len(facts), MAX_FACTS)}
        if row is RowKind.LISTENINGS:
            value["kind"] = next((fact.kind for fact in reversed(facts) if fact.kind), "live")
        queue = _last(facts, "queue")
        controller = _last(facts, "controller") or self._settings.controllers.get(queue, self._settings.controller)
        told = {
            "controller": controller,
            "contact": _last(facts, "contact"),
            "agent": _last(facts, "agent"),
            "queue": code(queue) if row is RowKind.RECORDINGS else "",
            "location": _last(facts, "location"),
            "answer": _last(facts, "answer") if row is RowKind.RECORDINGS else "",
            "listener": _last(facts, "listener") if row is RowKind.LISTENINGS else "",
            "recording": _last(facts, "recording") if row is RowKind.LISTENINGS else "",
            "reason": _last(facts, "reason") if row is RowKind.LISTENINGS else "",
        }
        value.update((key, text) for key, text in told.items() if text)
        for key, at in (("started_at", began), ("ended_at", max(ended, began) if ended else 0)):
            if at:
                value[key] = to_rfc3339(Micros(at))
        if not began and not ended:
            value["started_at"] = to_rfc3339(Micros(facts[0].at))
        heard = max(fact.heard_ms for fact in facts)
        if heard >= 0 and row is RowKind.LISTENINGS:
            value["heard_ms"] = heard
        if row is RowKind.RECORDINGS and (segments := _segments(facts, began, ended)):
            value["segments"] = segments
        return value


def _order(fact: HearingFact) -> tuple[int, str, str, str, str]:
    return (fact.at, fact.what, fact.contact, fact.agent, fact.listener)


def _last(facts: Iterable[HearingFact], name: str) -> str:
    """The latest text told; of one instant the greater, in any order."""
    return next((text for fact in reversed(list(facts)) if (text := str(getattr(fact, name)))), "")


def _ended(facts: list[HearingFact]) -> int:
    """The last end, unless it went on afterwards."""
    begins = [fact.at for fact in facts if fact.what == "begin"]
    ends = [fact.at for fact in facts if fact.what == "end"]
    return ends[-1] if ends and (len(begins) < 2 or ends[-1] >= begins[-1]) else 0


def _segments(facts: list[HearingFact], began: int, ended: int) -> list[dict[str, str]]:
    """Stretches between the instants at which the sound was cut and let go on; [] when it never was."""
    turns = [(fact.at, _STATES[fact.what]) for fact in facts if fact.what in _STATES]
    # Ended and begun again on one channel: an interruption.
    turns += [(fact.at, SegmentState.ON) for fact in facts if fact.what == "begin" and fact.at > began]
    turns += [(f.at, SegmentState.PAUSED) for f in facts if f.what == "end" and f.at >= began and f.at != ended]
    turns.sort()
    if not any(state is not SegmentState.ON for _, state in turns):
        return []
    marks = [(began or turns[0][0], SegmentState.ON), *turns]
    segments = []
    for (from_at, state), (to_at, _) in zip(marks, [*marks[1:], (ended, SegmentState.ON)], strict=True):
        if to_at == from_at:
            continue
        segment = {"from": to_rfc3339(Micros(from_at)), "state": str(state)}
        if to_at:
            segment["to"] = to_rfc3339(Micros(max(to_at, from_at)))
        segments.append(segment)
    return segments
