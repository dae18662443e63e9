"""Calls that shared a channel are one call: the book of channel facts, grouped by linked id and joined by channel.

Base of the CEL and AMI translators. An agent who consults a colleague opens a second call; when he hands over, its
channels move into the customer's. The row of the customer's call then holds both; the consultation keeps its own.
Must never join calls by time or number.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from zoneinfo import ZoneInfo

from quivive.connectors.asterisk.assemble import ChannelFact, Step, assemble
from quivive.connectors.asterisk.endpoint import Endpoints
from quivive.connectors.asterisk.when import corrected, offset_of, unique_epoch
from quivive.connectors.contact_book import ContactBook, Draft, TelephonySettings

MAX_CALLS = 5_000
"""Calls held: two hours and a half of a site with 15,000 calls a day, each with about twenty facts."""
MAX_JOINED = 16
"""Calls joined into one: more is a chain of transfers that no agent's window needs."""


class LinkedCalls(ContactBook[ChannelFact]):
    """Groups facts by linked id; a channel seen under two linked ids joins them."""

    def __init__(self, settings: TelephonySettings, *, max_contacts: int = MAX_CALLS, live: bool = False) -> None:
        super().__init__(settings, max_contacts=max_contacts, live=live)
        self._endpoints, self._zone = Endpoints(settings.agents), ZoneInfo(settings.timezone)
        self._calls_of: defaultdict[str, set[str]] = defaultdict(set)
        self._channels_of: defaultdict[str, set[str]] = defaultdict(set)

    def take(self, fact: ChannelFact, number: int) -> None:
        """Take one fact of one channel."""
        self.add(fact.linked, fact, fact.at, number)
        if fact.unique:
            self._calls_of[fact.unique].add(fact.linked)
            self._channels_of[fact.linked].add(fact.unique)

    def login(self, channel: str) -> str:
        """Agent behind a channel or interface, "" when it is no agent's."""
        return self._endpoints.login(channel)

    def affected(self, contact: str) -> Iterable[str]:
        """Its own row, and those of the older calls whose channels lead to it."""
        joined = self._joined(contact, oldest="")
        return [call for call in joined if _age(call) <= _age(contact) and contact in self._joined(call, call)]

    def facts_for(self, contact: str) -> Iterable[ChannelFact]:
        """Its own facts and those of the younger calls joined to it: more facts never take a fact away."""
        joined = self._joined(contact, oldest=contact)
        return [fact for call in sorted(joined) for fact in self.facts(call)]

    def build(self, contact: str, facts: Iterable[ChannelFact]) -> Draft | None:
        """Put local times at their instants, then assemble."""
        placed = self._placed(list(facts))
        return assemble(contact, placed, self._endpoints.login, self._settings)

    def dropped(self, contact: str) -> None:
        """Forget its channels."""
        for unique in self._channels_of.pop(contact, ()):
            calls = self._calls_of[unique]
            calls.discard(contact)
            if not calls:
                del self._calls_of[unique]

    def _joined(self, contact: str, oldest: str) -> set[str]:
        """Calls that channels lead to from this one, through calls not older than `oldest`."""
        joined, waiting = {contact}, [contact]
        while waiting and len(joined) < MAX_JOINED:
            for unique in sorted(self._channels_of.get(waiting.pop(), ())):
                for call in sorted(self._calls_of.get(unique, ())):
                    if call not in joined and (not oldest or _age(call) >= _age(oldest)):
                        joined.add(call)
                        waiting.append(call)
        return joined

    def _placed(self, facts: list[ChannelFact]) -> list[ChannelFact]:
        if not any(fact.naive for fact in facts):
            return facts
        births = [fact for fact in facts if fact.naive and fact.step is Step.START]
        pairs = [(fact.at, unique_epoch(fact.unique)) for fact in births or facts if fact.naive]
        offset = offset_of(pairs)
        return [
            replace(fact, at=corrected(fact.at, offset, self._zone), naive=False) if fact.naive else fact
            for fact in facts
        ]


def _age(call: str) -> tuple[int, int, str]:
    tail = call.rpartition(".")[2]
    return (unique_epoch(call), int(tail) if tail.isdigit() else 0, call)
