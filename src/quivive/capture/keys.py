"""Keys of one execution: cut column values in, pseudonyms out. The hot loop of large results.

Called by the relay: one KeyCollector per execution, `add_row` per row, `take_part` at a full part and at the end;
`predicate_keys` and `patterns_of` once per execution. Must never outgrow MAX_KEYS_PER_PART records per part,
nor keep a value after its part is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quivive.capture.catalogue import CatalogueSnapshot
from quivive.capture.resolve import Extraction
from quivive.model.access import CoverageClass, LinkBody, Pattern, RecordGroup
from quivive.privacy.pseudonym import ControllerKeys
from quivive.wire.shape import Literal
from quivive.wire.sql import StatementPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPart:
    """Pseudonyms of one part. `coverage` may be worse than the Extraction's (null keys, too many alternates)."""

    records: tuple[RecordGroup, ...]
    links: tuple[LinkBody, ...]
    neighbourhoods: tuple[str, ...]
    distinct: int  # over the parts so far
    coverage: CoverageClass


@dataclass(frozen=True, slots=True, kw_only=True)
class PredicateKeys:
    """Keys read from literals and binds. `complete` True when they name every record the statement can touch."""

    records: tuple[RecordGroup, ...]
    neighbourhoods: tuple[str, ...]
    coverage: CoverageClass
    complete: bool


class KeyCollector:
    """Collects the distinct records of one execution."""

    def __init__(
        self,
        extraction: Extraction,
        keys: ControllerKeys,
        formats: Sequence[int],
        *,
        default_region: str = "FR",
    ) -> None:
        """`formats`: one wire format per cut column (0 text, 1 binary), in the order of `column_indexes`."""
        raise NotImplementedError

    full: bool
    """True when `take_part` must be called before more rows are added."""

    def add_row(self, values: Sequence[bytes | None]) -> None:
        """Add one row: values of the cut columns, in order."""
        raise NotImplementedError

    def add_rows(self, rows: Sequence[Sequence[bytes | None]]) -> None:
        """Add rows until done; cheaper than one by one. The caller passes at most MAX_ROWS_PER_CALL."""
        raise NotImplementedError

    def take_part(self) -> KeyPart:
        """Pseudonymise and forget what was collected since the last part."""
        raise NotImplementedError


def predicate_keys(
    snapshot: CatalogueSnapshot,
    plan: StatementPlan,
    slots: Sequence[Sequence[Literal]],
    binds: Sequence[bytes | None],
    bind_formats: Sequence[int],
    keys: ControllerKeys,
    bind_types: Sequence[int] = (),
) -> PredicateKeys:
    """Keys of a write, or of a read the wire cannot key, from its restricting predicates and inserted values."""
    raise NotImplementedError


def patterns_of(
    snapshot: CatalogueSnapshot,
    plan: StatementPlan,
    slots: Sequence[Sequence[Literal]],
    binds: Sequence[bytes | None],
    bind_formats: Sequence[int],
) -> tuple[Pattern, ...]:
    """Class and fixed characters of each predicate on a protected table; values are dropped here."""
    raise NotImplementedError
