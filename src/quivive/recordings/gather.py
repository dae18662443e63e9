"""From listings to objects with everything known of them: key each name, find its call, its recording, its controller.

Called by `core.recording_audio`, from a thread. `Facts` is how the projection is asked. Must never keep a name: the
paths that removal and playback need live in the `Gathered` of one run, in memory.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from quivive.model.ids import OPERATOR
from quivive.privacy.pseudonym import ControllerKeys, contact_key, location_key
from quivive.recordings.audio import AudioObject, Scan, audio_id
from quivive.recordings.judging import Call, Seen, Told
from quivive.recordings.naming import NameFacts, NameReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One store as declared: whose calls it may hold, and how its names are read."""

    name: str
    controllers: tuple[str, ...]
    reader: NameReader


class Facts(Protocol):
    """What the ledger knows. Keys are 32 hex digits; answers hold only what was asked for."""

    def calls(self, contacts: Sequence[str]) -> Iterable[Call]: ...
    def told(self, locations: Sequence[str], contacts: Sequence[str]) -> Iterable[Told]: ...
    def certified(self, audios: Sequence[str]) -> Mapping[str, str]:
        """Objects removed under a certificate, and the plan that removed each."""
        ...


@dataclass(slots=True, kw_only=True)
class Gathered:
    """One look at stores. `paths`: of each audio id its store and path, never written anywhere.

    `came_back`: objects removed under a certificate before, and the plan that removed each.
    """

    seen: list[Seen] = field(default_factory=list)
    came_back: dict[str, str] = field(default_factory=dict)
    paths: dict[str, tuple[str, str]] = field(default_factory=dict)
    others: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    place: Place
    thing: AudioObject
    audio: str
    facts: NameFacts
    contacts: tuple[str, ...]
    locations: tuple[str, ...]


def gather(scans: Iterable[tuple[Place, Scan]], keys: Mapping[str, ControllerKeys], facts: Facts) -> Gathered:
    """Bring listings and ledger together."""
    result, named = Gathered(), list[_Named]()
    for place, scan in scans:
        result.others += scan.others
        for thing in scan.objects:
            one = _name(place, thing, keys)
            result.paths[one.audio] = (place.name, thing.path)
            named.append(one)
    calls = {call.contact: call for call in facts.calls(_distinct(one.contacts for one in named))}
    told = _Tales(
        facts.told(_distinct(one.locations for one in named), _distinct(one.contacts for one in named))
    )  # fmt: skip
    missing = {each.contact for each in told.every} - calls.keys() - {""}
    calls |= {call.contact: call for call in facts.calls(sorted(missing))}
    result.came_back = dict(facts.certified([one.audio for one in named]))
    result.seen = [_seen(one, calls, told, result.came_back) for one in named]
    return result


def mark_contents(gathered: Gathered, plans: Mapping[str, str]) -> None:
    """Mark objects whose content was removed under a certificate before, whatever their names are now.

    `plans`: the plan that removed it, by audio id.
    """
    gathered.came_back = {**plans, **gathered.came_back}
    gathered.seen = [
        replace(each, certified=True, same_content=True) if each.audio in plans else each for each in gathered.seen
    ]


def _name(place: Place, thing: AudioObject, keys: Mapping[str, ControllerKeys]) -> _Named:
    # Bytes of a name that are no UTF-8 keep their place in the key.
    path = thing.path.encode("utf-8", "backslashreplace").decode()
    facts = _listed(thing.told) if thing.told is not None else place.reader.read(path)
    among = [facts.controller] if facts.controller in place.controllers else list(place.controllers)
    return _Named(
        place=place,
        thing=thing,
        audio=audio_id(keys[OPERATOR], place.name, path),
        facts=facts,
        contacts=tuple(contact_key(keys[each], facts.call) for each in among) if facts.call else (),
        locations=tuple(location_key(keys[each], path) for each in among),
    )


def _listed(told: Mapping[str, str]) -> NameFacts:
    """What a vendor's listing says of a recording, in the place of its name."""
    return NameFacts(
        call=told.get("contact", ""),
        controller=told.get("controller", ""),
        queue=told.get("queue", ""),
        started_at=int(told.get("started_at", "0")),
        ended_at=int(told.get("call_ended_at", "0")) or int(told.get("ended_at", "0")),
    )


class _Tales:
    """Recordings told by sources, found by call or by file."""

    def __init__(self, every: Iterable[Told]) -> None:
        self.every = list(every)
        self._by_location = {each.location: each for each in self.every if each.location}
        self._by_contact: dict[str, list[Told]] = {}
        for each in self.every:
            if each.contact:
                self._by_contact.setdefault(each.contact, []).append(each)

    def of(self, one: _Named) -> Told | None:
        """The recording an object is: by its file, else the only one of its call."""
        for location in one.locations:
            if location in self._by_location:
                return self._by_location[location]
        for contact in one.contacts:
            if len(found := self._by_contact.get(contact, [])) == 1:
                return found[0]
        return None


def _seen(one: _Named, calls: Mapping[str, Call], tales: _Tales, came_back: Mapping[str, str]) -> Seen:
    told = tales.of(one)
    call = next((calls[each] for each in one.contacts if each in calls), None)
    if call is None and told is not None:
        call = calls.get(told.contact)
    named = one.facts.controller if one.facts.controller in one.place.controllers else ""
    only = one.place.controllers[0] if len(one.place.controllers) == 1 else OPERATOR
    return Seen(
        audio=one.audio,
        store=one.place.name,
        controller=(call.controller if call else "") or (told.controller if told else "") or named or only,
        size_bytes=one.thing.size_bytes,
        modified_at=one.thing.modified_at,
        name_started_at=one.facts.started_at,
        name_ended_at=one.facts.ended_at,
        call=call,
        told=told,
        certified=one.audio in came_back,
    )


def _distinct(groups: Iterable[tuple[str, ...]]) -> list[str]:
    return sorted({each for group in groups for each in group})
