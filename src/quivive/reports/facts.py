"""What a report knows of the installation beside the tables: filled by the core, handed to the compilers.

Must never hold a secret, a name of an agent or a value of a customer.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

Read = Callable[..., Awaitable[Sequence[Mapping[str, object]]]]
"""Run a named query inside the report's scope: `read(name, **params)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerFact:
    """One company and its declared retention by class, in days."""

    id: str
    name: str
    retention_days: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFact:
    """One configured source."""

    name: str
    kind: str
    controller: str
    grade: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadFact:
    """Where one log stood: `root` base64, `signed_at` microseconds UTC."""

    controller: str
    shard: str
    entries: int
    published: int
    root: str
    signed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Everything beside the tables.

    Fields:
        verified: exit code of the last verification of the ledger, -1 when none ran; verified_at, verified_entries.
        measures: security measures in force by code (article 32), each yes or no.
    """

    operator: str
    contact: str
    version: str
    controllers: tuple[ControllerFact, ...]
    sources: tuple[SourceFact, ...]
    heads: tuple[HeadFact, ...]
    verified: int = -1
    verified_at: int = 0
    verified_entries: int = 0
    measures: tuple[tuple[str, bool], ...] = ()
    protected_tables: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What a report covers (microseconds UTC, to exclusive) and the instant it is compiled for."""

    from_at: int
    to_at: int
    as_of: int
