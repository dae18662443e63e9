"""From the columns of a result to the records shown: the coverage truth table (capture reference §4).

Called once per (shape, fields) by the relay, which caches the Extraction. Pure. Must never report "no records" for
rows it cannot key: they are classed and counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quivive.capture.catalogue import CatalogueSnapshot
from quivive.model.access import Action, CoverageClass
from quivive.wire.fields import Field
from quivive.wire.sql import StatementPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpec:
    """Where a row shows a record key: positions among the cut columns.

    `attributes` is non-empty for a whole-row column: positions of the key columns inside the composite text.
    """

    table: str
    positions: tuple[int, ...]
    types: tuple[int, ...]
    attributes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternateSpec:
    """Where a row shows an alternate key, and which KeySpec (index) is its person's; -1 when not shown."""

    table: str
    kind: str
    position: int
    type_oid: int
    owner: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSpec:
    """Two KeySpecs (indexes) of one row that belong together: linked record, then the next table on its path."""

    left: int
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What to cut from each row and what the result may be called.

    Fields:
        column_indexes: the only columns the row scanner cuts, ascending; collectors take their values in this order.
        protected: False when no protected table is touched: counted per shape and minute, without an entry.
        predicate: True when keys may come from predicates (ask `predicate_keys` at execution).
        needs_describe: fields are missing or name relations the snapshot does not know: describe aside, refresh.
        tables, columns, changed: `schema.table`, `schema.table.column` names for the entry.
    """

    column_indexes: tuple[int, ...]
    keys: tuple[KeySpec, ...]
    alternates: tuple[AlternateSpec, ...]
    links: tuple[LinkSpec, ...]
    coverage: CoverageClass
    action: Action
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    changed: tuple[str, ...]
    protected: bool
    predicate: bool
    needs_describe: bool


def resolve(snapshot: CatalogueSnapshot, plan: StatementPlan, fields: Sequence[Field] | None) -> Extraction:
    """Resolve one (plan, fields). `fields` None: the statement returns no rows, or they are not known yet."""
    raise NotImplementedError
