"""The flat views a rule may look at: their fields and the type of each (docs/rules.md lists them).

Used by the parser, which refuses any other field, and by the emitter. Must never gain a field that measures work
(law reference §4: durations, pauses, counts per agent) or that tells an attribute of a customer.
"""

from enum import StrEnum
from typing import Final


class Category(StrEnum):
    """Log source categories of a rule file; `product` is always `quivive`."""

    ACCESS = "access"
    EXPOSURE = "exposure"
    CONTACT = "contact"


class FieldType(StrEnum):
    """LIST is a set of names; KEY is a pseudonym, only good for grouping, counting and being there."""

    TEXT = "text"
    INTEGER = "integer"
    FLAG = "flag"
    LIST = "list"
    KEY = "key"


_T, _I, _F, _L, _K = FieldType.TEXT, FieldType.INTEGER, FieldType.FLAG, FieldType.LIST, FieldType.KEY

_ACCESS: Final[dict[str, FieldType]] = {
    "controller": _T, "source": _T, "grade": _T, "ident": _K, "login": _K, "access": _K, "action": _T, "outcome": _T,
    "attribution": _T, "coverage": _T, "shape": _T, "tables": _L, "columns": _L, "changed": _L, "rows": _I,
    "records": _I, "pattern_class": _T, "fixed_chars": _I, "neighbourhoods": _I, "session": _K, "workstation": _K,
    "zone": _T, "zone_site": _T, "zone_country": _T, "program": _T, "contact": _K, "service": _F, "known": _F,
    "active": _F, "assigned": _F, "on_shift": _F, "site_match": _F, "country_match": _F, "vip": _F, "canary": _F,
    "sensitive_shown": _L, "sensitive_changed": _L, "verdict": _T, "strength": _T, "final": _F,
}  # fmt: skip

FIELDS: Final[dict[Category, dict[str, FieldType]]] = {
    Category.ACCESS: _ACCESS,
    Category.EXPOSURE: {
        **_ACCESS,
        "record": _K, "record_table": _T, "table_kind": _T, "neighbourhood": _K, "template": _T, "reason": _K,
        "reason_kind": _T, "reason_self_made": _F, "own_record": _F, "colleague_record": _F,
    },
    Category.CONTACT: {
        "controller": _T, "source": _T, "ident": _K, "contact": _K, "contact_kind": _T, "direction": _T, "queue": _T,
        "campaign": _T, "self_made": _F, "identified": _F, "connected": _F, "phone": _K, "record": _K, "canary": _F,
    },
}  # fmt: skip
"""Field names of each view. In SQL a field is a column of the same name; `at` and `access` always stand beside."""

JUDGED: Final = frozenset(
    {"verdict", "strength", "final", "template", "reason", "reason_kind", "reason_self_made", "on_shift"}
)
"""Fields that later evidence may still change: a rule that asks for one is never `certain`."""
