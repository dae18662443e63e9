"""Calls, tickets and callbacks of the invented centre, and the rows that telephony and helpdesk send of them.

Called by `centre.py`. Pure. The rows are those of POST /v1/contacts; every version of a contact is the whole
contact as known then.
"""

from dataclasses import dataclass, field
from typing import Any

from quivive.model.clock import Micros, to_rfc3339


@dataclass(slots=True, kw_only=True)
class Leg:
    """One agent's part of a call; `to_at` 0 while it lasts."""

    login: str
    from_at: int
    to_at: int = 0


@dataclass(slots=True, kw_only=True)
class Call:
    """One call. `identity` is what telephony knows of the customer: row fields, {} for an unknown caller."""

    id: str
    controller: str
    team: str
    direction: str
    customer: int
    identity: dict[str, Any]
    campaign: str = ""
    preview_at: int = 0
    offered_at: int = 0
    started_at: int = 0
    ended_at: int = 0
    wrapped_at: int = 0
    legs: list[Leg] = field(default_factory=list)
    version: int = 0

    @property
    def identified(self) -> bool:
        """Tell whether telephony knows the customer."""
        return bool(self.identity)

    def row(self) -> dict[str, Any]:
        """The next version."""
        self.version += 1
        return {
            "id": self.id,
            "version": self.version,
            "kind": "call",
            "controller": self.controller,
            "direction": self.direction,
            "team": self.team,
            **({"campaign": self.campaign} if self.campaign else {"queue": self.team}),
            **self.identity,
            "legs": [{"agent": leg.login, **instants(**{"from": leg.from_at, "to": leg.to_at})} for leg in self.legs],
            **instants(
                preview_at=self.preview_at,
                offered_at=self.offered_at,
                started_at=self.started_at,
                ended_at=self.ended_at,
                wrapped_at=self.wrapped_at,
            ),
        }


@dataclass(slots=True, kw_only=True)
class Ticket:
    """One case of the back office, assigned by the helpdesk."""

    id: str
    controller: str
    team: str
    login: str
    customer: int
    opened_at: int
    assigned_at: int
    touched_at: int = 0
    closed_at: int = 0
    version: int = 0

    def row(self) -> dict[str, Any]:
        """The next version."""
        self.version += 1
        return {
            "id": self.id,
            "version": self.version,
            "kind": "ticket",
            "controller": self.controller,
            "agent": self.login,
            "team": self.team,
            "records": [f"customer:{self.customer}"],
            **instants(
                opened_at=self.opened_at,
                assigned_at=self.assigned_at,
                touched_at=self.touched_at,
                closed_at=self.closed_at,
            ),
        }


def callback_row(
    *, native_id: str, controller: str, team: str, login: str, customer: int, opened_at: int, due_at: int
) -> dict[str, Any]:
    """A callback promised to a customer, owned by one agent."""
    return {
        "id": native_id,
        "version": 1,
        "kind": "callback",
        "controller": controller,
        "direction": "outbound",
        "agent": login,
        "team": team,
        "records": [f"customer:{customer}"],
        **instants(opened_at=opened_at, due_at=due_at),
    }


def instants(**named: int) -> dict[str, str]:
    """Write the instants that are known; one that has not come is absent."""
    return {name: to_rfc3339(Micros(at)) for name, at in named.items() if at}
