"""One canonical text per key value, whatever its way in: text or binary wire, literal, bind, file, call.

Called by relay, intake and contacts before a pseudonym is made. Pure; must never keep a value beyond its bounded
caches, nor put one in an error. Rules and golden table: tests/golden/canonical.json, ADR of the key format.
"""

from collections.abc import Callable, Sequence
from typing import Final

from quivive.model.catalogue import Catalogue, Table

TEXT_FORMAT: Final = 0
BINARY_FORMAT: Final = 1

Canonicaliser = Callable[[bytes], str | None]


def canonicaliser(type_oid: int, wire_format: int) -> Canonicaliser:
    """Return the function from one wire value to canonical text; it returns None for what it cannot read."""
    raise NotImplementedError


def canonical_text(type_oid: int, wire_format: int, raw: bytes) -> str | None:
    """Canonical text of one wire value (see `canonicaliser`)."""
    return canonicaliser(type_oid, wire_format)(raw)


def canonical_literal(type_oid: int, text: str) -> str | None:
    """Canonical text of a literal or of a text bind compared with a column of this type (0: type unknown)."""
    raise NotImplementedError


def canonical_key(parts: Sequence[str]) -> str:
    """Join the canonical texts of a primary key; one part stays itself, several are joined by `,` (escaped by `\\`)."""
    raise NotImplementedError


def canonical_alternate(kind: str, text: str, default_region: str) -> str | None:
    """Canonical text of an alternate key: `phone` E.164, `email` lower-case, others trimmed and case-folded.

    None when it is no valid value of its kind (an invalid phone is never compared).
    """
    raise NotImplementedError


def parse_record(catalogue: Catalogue, text: str) -> tuple[Table, str]:
    """Read the notation `customer:2` or `public.customer:2` into its table and canonical key text.

    Raises:
        RefusedError: `record_notation`, `record_table_unknown`, `record_table_ambiguous`, `record_key_parts`.
    """
    raise NotImplementedError
