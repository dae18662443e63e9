"""What every connector speaks: records in, rows of the API or refusals out (DESIGN §4 "plug points").

Readers make records, translators make rows, the folder watch and the dry run carry both to the intake, which
keys and seals. Must never hold a value in a refusal: the place, what was expected, the *type* found.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class RowKind(StrEnum):
    """Which API a row is for: the path is `/v1/<kind>` and the fields are those of docs/access-api.md."""

    ACCESSES = "accesses"
    CONTACTS = "contacts"
    DIRECTORY = "directory"
    ROSTER = "roster"
    HEARTBEATS = "heartbeats"
    RECORDINGS = "recordings"
    LISTENINGS = "listenings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record as its file holds it. `number` is the line or row a person finds it at, from 1, header included."""

    number: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CanonicalRow:
    """One row of the API, before keys and policy: `value` is the JSON object of docs/access-api.md.

    `number` is the record it came from (the last one, when several made it).
    """

    kind: RowKind
    number: int
    value: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A record that cannot become a row. `field` as the file names it; `found` is a type, never the value."""

    number: int
    field: str
    expected: str
    found: str


class Translator(Protocol):
    """Turns records into rows. Pure: time is an argument; order of records may not change the final rows.

    A translator may hold state (legs of a call under way): `close` gives what is left with an unknown end.
    """

    def feed(self, records: Iterable[Record], now: int) -> Iterable[CanonicalRow | Refusal]:
        """Take records; give the rows that they complete or change (a later version of a contact is a row too)."""
        ...

    def close(self, now: int) -> Iterable[CanonicalRow | Refusal]:
        """Give what is still open."""
        ...

    def complete_to(self) -> int:
        """Instant up to which nothing more is expected, microseconds UTC; 0 when the feed cannot tell."""
        ...
