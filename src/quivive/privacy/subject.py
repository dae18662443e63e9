"""From what a row says of a customer (`customer:2`, a telephone number) to keyed pseudonyms of one controller.

Called by the access intake, the contact mapper and the subject search, so that all three reach the same
keys as the relay. Pure. Must never return, keep or put in an error the text it was given.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from quivive.model.access import LinkBody
from quivive.model.catalogue import Catalogue, Table, TableKind
from quivive.model.contact import SubjectRef
from quivive.privacy.canonical import canonical_alternate, canonical_declared, declared_table, parse_record
from quivive.privacy.pseudonym import ControllerKeys, alternate_key, neighbourhood, record_key

RECORD_KIND: Final = "record"
"""`SubjectRef.kind` and `LinkBody.left_kind` of a record key; every other kind is an alternate key."""
BUILT_IN_KINDS: Final = frozenset({"phone", "email"})
"""Identities any contact may carry; the other kinds must be declared as alternates in the catalogue."""
MAX_INTEGER_DIGITS: Final = 18  # longer ones do not fit an int8 key, so they are no enumeration


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedRecord:
    """One record named by a row. `neighbourhood` is "" unless the key is one integer."""

    table: str
    table_kind: TableKind
    key: str
    neighbourhood: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectKeyer:
    """Makes the subject keys of one controller. `region` is its default region for national numbers (ISO 3166)."""

    keys: ControllerKeys
    catalogue: Catalogue
    region: str

    def record(self, notation: str) -> KeyedRecord:
        """Key a record written `customer:2` or `public.customer:2`; composite keys are joined by commas.

        Raises:
            RefusedError: `record_notation`, `record_table_unknown`, `record_table_ambiguous`, `record_key_parts`.
        """
        return self._keyed(*parse_record(self.catalogue, notation))

    def record_of(self, table: str, parts: Sequence[str]) -> KeyedRecord:
        """Key a record named by its table and the texts of its primary key, in order.

        Raises:
            RefusedError: `record_table_unknown`, `record_table_ambiguous`, `record_key_parts`.
        """
        declared = declared_table(self.catalogue, table)
        return self._keyed(declared, canonical_declared(declared, parts))

    def _keyed(self, table: Table, canonical: str) -> KeyedRecord:
        near = ""
        if len(table.key) == 1 and _is_integer(canonical):
            near = neighbourhood(self.keys, table.name, int(canonical))
        return KeyedRecord(
            table=table.name,
            table_kind=table.kind,
            key=record_key(self.keys, table.name, canonical),
            neighbourhood=near,
        )

    def identity(self, kind: str, text: str) -> SubjectRef | None:
        """Key an alternate identity; None when it is no valid value of its kind (a hidden number, an extension)."""
        canonical = canonical_alternate(kind, text, self.region)
        return None if canonical is None else SubjectRef(kind=kind, key=alternate_key(self.keys, kind, canonical))

    def kinds(self) -> frozenset[str]:
        """Alternate kinds this controller knows."""
        return BUILT_IN_KINDS | {a.kind for table in self.catalogue.tables for a in table.alternates}


def links_to_person(records: Sequence[KeyedRecord], identities: Sequence[SubjectRef]) -> tuple[LinkBody, ...]:
    """Links shown by one row, call or ticket: each other key to the person, when it names exactly one person.

    With two persons on one row nobody can tell whose the telephone number is: no link, rather than a wrong one.
    """
    persons = {record.key: record for record in records if record.table_kind is TableKind.PERSON}
    if len(persons) != 1:
        return ()
    ((right, person),) = persons.items()
    others = [(r.key, RECORD_KIND) for r in records if r.table_kind is TableKind.LINKED]
    others += [(i.key, i.kind) for i in identities]
    return tuple(
        LinkBody(left=left, left_kind=kind, right=right, right_table=person.table)
        for left, kind in dict.fromkeys(others)
    )


def is_not_protected(catalogue: Catalogue, name: str) -> bool:
    """Tell whether a table name, with or without schema, is declared as not protected and as nothing else."""
    if any(table.name == name or table.name.endswith("." + name) for table in catalogue.tables):
        return False
    return any(free == name or free.endswith("." + name) for free in catalogue.not_protected)


def _is_integer(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= MAX_INTEGER_DIGITS
