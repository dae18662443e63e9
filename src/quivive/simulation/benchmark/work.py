"""What happens in the generated centre before any system tells it: contacts, accesses, and why.

Used by every generator of this package. Must never know of files, delays or losses: those are `imperfections`.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

from quivive.simulation.benchmark.centre import CUSTOMERS, Agent, Centre

HOUSEHOLD_SHARE: Final = 4
"""One group of three customers in so many is a household (a group record of the catalogue)."""
STRAY: Final = "stray"
"""`why` of an ordinary access without a reason: a homonym opened first, a number mistyped."""
LISTED: Final = "listed"
"""`why` of a search result: its rows are not opened."""


@dataclass(slots=True, kw_only=True)
class Leg:
    agent: Agent
    from_at: int
    to_at: int
    role: str = "agent"


@dataclass(slots=True, kw_only=True)
class Contact:
    """One contact as it was. `customer` 0: nobody; `known`: record, phone or "" as telephony knew the customer."""

    id: str
    source: str
    company: str
    kind: str
    customer: int
    known: str
    legs: list[Leg]
    direction: str = ""
    queue: str = ""
    team: str = ""
    campaign: str = ""
    self_made: bool = False
    phone: int = 0
    """Number of another telephone than the customer's, 0 for his own."""
    instants: dict[str, int] = field(default_factory=dict)
    touches: list[int] = field(default_factory=list)
    """Each work on a ticket: one version of the contact each."""
    hidden_from: str = ""
    """Campaign that made this contact up."""


@dataclass(slots=True, kw_only=True)
class Access:
    """One access as it was. `records` are `table:key`."""

    at: int
    agent: Agent
    company: str
    records: list[str]
    why: str
    contacts: tuple[str, ...] = ()
    action: str = "read"
    columns: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    rows: int = 0
    campaign: str = ""
    stated: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a centre works beyond what telephony knows. `further` multiplies the queues' mean of further records.

    stray_shape: of the Gamma that tells agents' strays apart (the smaller, the further apart). tickets: calls that give
    birth to one; own_tickets: those of them that the agent of the call keeps.
    """

    searches: float = 0.08
    stray_shape: float = 4.0
    further: float = 1.0
    tickets: float = 0.12
    own_tickets: float = 0.4
    assisted: float = 0.012


@dataclass(slots=True, kw_only=True)
class Work:
    """Everything that happened. `calls` by agent number, in order of time: where misuse may hide."""

    centre: Centre
    stray_rate: float
    habits: Habits = field(default_factory=Habits)
    contacts: list[Contact] = field(default_factory=list)
    accesses: list[Access] = field(default_factory=list)
    calls: dict[int, list[Contact]] = field(default_factory=dict)
    stray_of: dict[int, float] = field(default_factory=dict)

    def name(self, prefix: str) -> str:
        """Next native id."""
        return self.name_of(prefix, len(self.contacts) + 1)

    @staticmethod
    def name_of(prefix: str, number: int) -> str:
        """Native id of the n-th contact: numbers are shuffled, so that an id tells nothing of who made it up."""
        return f"{prefix}-{number * 7_919 % 10_000_019:08d}"

    def gap_at(self, agent: Agent, at: int, margin_us: int) -> bool:
        """Tell whether the agent is between two calls at an instant, with a margin on both sides."""
        calls = self.calls.get(agent.number, [])
        place = bisect_right(calls, at, key=lambda call: call.instants["offered_at"])
        before = calls[place - 1].instants["ended_at"] + margin_us <= at if place else True
        after = at + margin_us <= calls[place].instants["offered_at"] if place < len(calls) else True
        return before and after


def household(customer: int) -> int:
    """Number of the household of a customer, 0 for none: customers 3k, 3k+1, 3k+2 of one group in four."""
    group = customer // 3
    return group + 1 if group % HOUSEHOLD_SHARE == 0 else 0


def household_mate(customer: int) -> int:
    """Another customer of the same household."""
    mate = customer // 3 * 3 + (customer + 1) % 3
    return mate if 1 <= mate <= CUSTOMERS else customer


def order_of(customer: int, number: int) -> str:
    """Record of the n-th order of a customer."""
    return f"orders:{customer * 10 + number % 4}"


def open_customer(
    work: Work, agent: Agent, contact: Contact, at: int, why: str, *, changed: bool = False, order: int = -1
) -> None:
    """The customer's page (or the page of an order of his) as an access of a contact; `changed`: a note written."""
    page = f"customer:{contact.customer}"
    work.accesses.append(
        Access(
            at=at,
            agent=agent,
            company=contact.company,
            records=[page] if order < 0 else [order_of(contact.customer, order), page],
            why=why,
            contacts=(contact.id,),
            action="update" if changed else "read",
            columns=() if changed else ("customer.last_name", "customer.phone"),
            changed=("customer.note",) if changed else (),
        )
    )


def stray(work: Work, agent: Agent, company: str, at: int, customer: int) -> None:
    """An ordinary access without a reason."""
    work.accesses.append(
        Access(
            at=at,
            agent=agent,
            company=company,
            records=[f"customer:{customer}"],
            why=STRAY,
            columns=("customer.last_name", "customer.phone"),
        )
    )
