"""Channel events of Asterisk, whatever brought them, become one call (contact-centre reference §2).

Used by the CEL and AMI translators, which turn their records into `ChannelFact`s. Pure functions of sets of facts.
Must never take a trunk for an agent, nor a ringing telephone for a conversation.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from quivive.connectors.contact_book import Draft, Part, TelephonySettings, merged_parts


class Step(IntEnum):
    """What happened to a channel, in the order of facts that share an instant."""

    START = 0
    NAMED = 1  # the caller's or called number became known
    RANG = 2  # an agent of a queue is called
    ANSWER = 3
    ENTER = 4
    CONNECT = 5  # a queue put the call through
    SPY = 6
    SPY_END = 7
    HANDOVER = 8  # an attended transfer: whoever was consulted now speaks with the customer
    EXIT = 9
    TOLD_INBOUND = 10
    TOLD_OUTBOUND = 11
    OTHER = 12
    END = 13
    CALL_END = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFact:
    """One event of one channel. Texts are "" when the event does not tell; `naive`: a local time without offset."""

    at: int
    step: Step
    linked: str
    unique: str
    channel: str = ""
    number: str = ""
    exten: str = ""
    agent: str = ""
    queue: str = ""
    naive: bool = False


@dataclass(slots=True)
class Channel:
    """What the facts of one channel amount to."""

    unique: str
    name: str = ""
    started: bool = False
    first_at: int = 0
    answered_at: int = 0
    entered_at: int = 0
    left_at: int = 0
    end_at: int = 0
    number: str = ""
    said_number: str = ""  # after the dialplan rewrote it, before anybody answered
    exten: str = ""
    agent: str = ""
    linked: set[str] = field(default_factory=set)
    first_linked: str = ""
    spies: list[tuple[int, int]] = field(default_factory=list)

    @property
    def local(self) -> bool:
        """Half of a Local channel: a wire inside the switch, nobody's telephone."""
        return self.name.startswith("Local/")


@dataclass(frozen=True, slots=True)
class CallView:
    """One call as its channels tell it."""

    channels: tuple[Channel, ...]
    draft: Draft


_CALLABLE: Final = re.compile(r"[+*#]?[\d*#]{2,}")
_GROUND: Final = frozenset({"s", "h", "i", "t", "o", "failed", ""})


def assemble(
    contact: str, facts: Iterable[ChannelFact], login: Callable[[str], str], settings: TelephonySettings
) -> Draft | None:
    """Build the call that these facts tell. The contact's own linked id is the customer's."""
    ordered = sorted(facts, key=lambda f: (f.at, f.step, _sort_id(f.unique), f.channel, f.number, f.agent))
    channels = _channels(ordered, login)
    if not channels:
        return None
    origin = _origin(channels, contact)
    handover_at = max((f.at for f in ordered if f.step is Step.HANDOVER), default=0)
    joined_at = min((c.entered_at for c in channels if c.agent and c.entered_at), default=handover_at)
    consulted = {
        c.unique
        for c in channels
        if c is not origin and (c.first_linked != contact or joined_at < c.first_at < handover_at)
    }
    parts = [part for channel in channels for part in _parts(channel, origin, consulted, handover_at)]
    draft = Draft(whole=origin.started and origin.unique == contact)
    draft.parts = merged_parts(parts)
    _name_customer(draft, ordered, channels, origin, settings)
    draft.queue = next((fact.queue for fact in ordered if fact.queue), "")
    if draft.queue in settings.outbound_queues:
        draft.direction = "outbound"
    draft.over = _over(ordered, channels, contact)
    spoken = [part.from_at for part in draft.parts if part.role != "monitor"]
    draft.instants = {
        "offered_at": min(spoken, default=ordered[0].at),
        "started_at": _connected_at(ordered, channels),
        "ended_at": _ended_at(ordered, channels) if draft.over else 0,
    }
    return draft


def _channels(ordered: list[ChannelFact], login: Callable[[str], str]) -> list[Channel]:
    found: dict[str, Channel] = {}
    for fact in ordered:
        if not fact.unique:
            continue
        channel = found.get(fact.unique)
        if channel is None:
            channel = found[fact.unique] = Channel(fact.unique, first_at=fact.at, first_linked=fact.linked)
        _take(channel, fact)
    for channel in found.values():
        channel.agent = channel.agent or login(channel.name)
    return list(found.values())


def _take(channel: Channel, fact: ChannelFact) -> None:
    channel.linked.add(fact.linked)
    channel.name = channel.name or fact.channel
    channel.agent = channel.agent or fact.agent
    channel.number = channel.number or fact.number
    if fact.number and fact.step < Step.END and not channel.entered_at and not channel.answered_at:
        channel.said_number = fact.number
    if fact.step is Step.START:
        channel.started = True
        channel.exten = channel.exten or fact.exten
    elif fact.step is Step.ANSWER:
        channel.answered_at = channel.answered_at or fact.at
    elif fact.step is Step.ENTER:
        channel.entered_at = channel.entered_at or fact.at
    elif fact.step is Step.EXIT:
        channel.left_at = fact.at
    elif fact.step is Step.END:
        channel.end_at = fact.at
    elif fact.step is Step.SPY:
        channel.spies.append((fact.at, 0))
    elif fact.step is Step.SPY_END and channel.spies and not channel.spies[-1][1]:
        channel.spies[-1] = (channel.spies[-1][0], fact.at)


def _origin(channels: list[Channel], contact: str) -> Channel:
    """Find the channel that began the call: the one whose unique id is the linked id, else the first born."""
    own = next((channel for channel in channels if channel.unique == contact), None)
    if own is not None:
        return own
    return min(channels, key=lambda c: (not c.started, _sort_id(c.unique)))


def _parts(channel: Channel, origin: Channel, consulted: set[str], handover_at: int) -> Iterable[Part]:
    if not channel.agent:
        return
    for from_at, to_at in channel.spies:
        yield Part(agent=channel.agent, role="monitor", from_at=from_at, to_at=to_at or channel.end_at)
    if channel.spies:
        return
    spoke = bool(channel.entered_at or channel.answered_at) or channel is origin
    asked = channel.unique in consulted and not _is_caller_of(channel)
    if asked and handover_at and not 0 < channel.end_at <= handover_at:
        yield Part(agent=channel.agent, role="consult", from_at=channel.first_at, to_at=handover_at, answered=spoke)
        yield Part(agent=channel.agent, from_at=handover_at, to_at=channel.end_at, answered=spoke)
        return
    role = "consult" if asked else "agent"
    yield Part(agent=channel.agent, role=role, from_at=channel.first_at, to_at=channel.end_at, answered=spoke)


def _is_caller_of(channel: Channel) -> bool:
    """Tell whether a channel placed the call it first belonged to (the agent who consults, not who is consulted)."""
    return channel.unique == channel.first_linked


def _name_customer(
    draft: Draft, ordered: list[ChannelFact], channels: list[Channel], origin: Channel, settings: TelephonySettings
) -> None:
    """Tell the direction and the customer's number."""
    told = {fact.step for fact in ordered}
    outside = [c for c in channels if not c.agent and not c.local and c is not origin]
    internal = re.compile(settings.internal)
    dialled = origin.exten if _CALLABLE.fullmatch(origin.exten) else ""
    if Step.TOLD_INBOUND in told:
        draft.direction = "inbound"
    elif Step.TOLD_OUTBOUND in told:
        draft.direction = "outbound"
    elif not origin.agent and not origin.local:
        draft.direction = "inbound"
    elif outside or (dialled and not internal.fullmatch(dialled)):
        draft.direction = "outbound"
    else:
        draft.direction = "internal"
    if draft.direction == "inbound":
        draft.phone = origin.said_number or origin.number
    elif draft.direction == "outbound":
        called = [dialled, *(c.number for c in outside), *(c.exten for c in channels if c.local)]
        numbers = [number for number in called if _CALLABLE.fullmatch(number)]
        draft.phone = next((number for number in numbers if not internal.fullmatch(number)), next(iter(numbers), ""))


def _connected_at(ordered: list[ChannelFact], channels: list[Channel]) -> int:
    """When two telephones were first joined, by a queue or in bridges; music on hold is nobody."""
    queued = next((fact.at for fact in ordered if fact.step is Step.CONNECT), 0)
    entered = sorted(channel.entered_at for channel in channels if channel.entered_at and not channel.local)
    return queued or (entered[1] if len(entered) > 1 else 0)


def _over(ordered: list[ChannelFact], channels: list[Channel], contact: str) -> bool:
    if any(fact.step is Step.CALL_END and fact.linked == contact for fact in ordered):
        return True
    return all(channel.end_at for channel in channels if not channel.spies)


def _ended_at(ordered: list[ChannelFact], channels: list[Channel]) -> int:
    """Last hang-up; without one, the last event of the call."""
    ends = [channel.end_at for channel in channels if channel.end_at and not channel.local]
    return max(ends, default=ordered[-1].at)


def _sort_id(unique: str) -> tuple[int, int, str]:
    """Order unique ids as they were given: by second, then by number (1386184857.9 before 1386184857.10)."""
    head, _, tail = unique.rpartition(".")
    second = head.rpartition("-")[2]
    return (int(second) if second.isdigit() else 0, int(tail) if tail.isdigit() else 0, unique)
