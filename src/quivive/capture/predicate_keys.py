"""Keys read from literals and binds: for writes, and for reads whose rows show no key.

Called by the relay once per execution (re-exported by `capture.keys`). Pure; values are dropped here, only
pseudonyms leave.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from quivive.capture.operands import Operands
from quivive.capture.resolve import key_column
from quivive.capture.snapshot import CatalogueSnapshot, Column, Relation
from quivive.model.access import MAX_KEYS_PER_PART, CoverageClass, RecordGroup
from quivive.model.catalogue import Table, TableKind
from quivive.privacy.canonical import INTEGER_TYPES, canonical_alternate, canonical_key
from quivive.privacy.hasher import alternate_hasher, neighbourhood_hasher, record_hasher
from quivive.privacy.pseudonym import NEIGHBOURHOOD_BYTES, NEIGHBOURHOOD_SHIFT, ControllerKeys
from quivive.wire.plan import Comparison, Predicate, StatementPlan
from quivive.wire.shape import Literal

_KEYED: Final = frozenset({Comparison.EQUALS, Comparison.IN, Comparison.ANY, Comparison.ASSIGNED})
MAX_NEIGHBOURHOODS: Final = 512
"""Neighbourhoods of one execution; enumeration shows long before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredicateKeys:
    """Keys read from literals and binds. `complete` True when they name every record the statement can touch."""

    records: tuple[RecordGroup, ...]
    neighbourhoods: tuple[str, ...]
    coverage: CoverageClass
    complete: bool


class Gathering(Protocol):
    """Takes the keys found, table by table; `size` counts them."""

    @property
    def size(self) -> int:
        """Keys taken so far."""

    def record(self, table: str, texts: Sequence[str], *, integer: bool) -> None:
        """Take canonical primary keys."""

    def alternate(self, table: str, kind: str, texts: Sequence[str]) -> None:
        """Take canonical alternate keys."""


class _Gathering:
    """Keys found so far, by table, as pseudonyms."""

    def __init__(self, keys: ControllerKeys) -> None:
        self.keys = keys
        self.records: dict[str, dict[str, None]] = {}
        self.near: dict[str, None] = {}
        self.size = 0

    def record(self, table: str, texts: Sequence[str], *, integer: bool) -> None:
        hasher, near = record_hasher(self.keys, table), neighbourhood_hasher(self.keys, table)
        for text in texts:
            self._add(table, hasher(text.encode("utf-8", "surrogatepass")))
            if integer and len(self.near) < MAX_NEIGHBOURHOODS:
                self.near[near(str(int(text) >> NEIGHBOURHOOD_SHIFT).encode())[: 2 * NEIGHBOURHOOD_BYTES]] = None

    def alternate(self, table: str, kind: str, texts: Sequence[str]) -> None:
        hasher = alternate_hasher(self.keys, kind)
        for text in texts:
            self._add(table, hasher(text.encode("utf-8", "surrogatepass")))

    def _add(self, table: str, key: str) -> None:
        if self.size < MAX_KEYS_PER_PART:
            self.records.setdefault(table, {})[key] = None
            self.size += 1


def predicate_keys(
    snapshot: CatalogueSnapshot,
    plan: StatementPlan,
    slots: Sequence[Sequence[Literal]],
    binds: Sequence[bytes | None],
    bind_formats: Sequence[int],
    keys: ControllerKeys,
    bind_types: Sequence[int] = (),
    *,
    default_region: str = "FR",
    otherwise: CoverageClass = CoverageClass.COUNT_ONLY,
) -> PredicateKeys:
    """Keys of a write, or of a read the wire cannot key, from its restricting predicates and inserted values.

    `otherwise` is the class when they do not name every record: the Extraction's own coverage.
    """
    values = Operands(slots=slots, binds=binds, bind_formats=bind_formats, bind_types=bind_types)
    gathering = _Gathering(keys)
    complete = gather_keys(snapshot, plan, values, gathering, default_region)
    return PredicateKeys(
        records=tuple(RecordGroup(table=table, keys=tuple(group)) for table, group in gathering.records.items()),
        neighbourhoods=tuple(gathering.near),
        coverage=CoverageClass.PREDICATE if complete and gathering.size else otherwise,
        complete=complete,
    )


def gather_keys(
    snapshot: CatalogueSnapshot, plan: StatementPlan, values: Operands, gathering: Gathering, region: str
) -> bool:
    """Hand every key the statement is restricted to; True when they name every record it can touch."""
    keyed: dict[int, set[str]] = {}
    concerned: list[tuple[int, Relation]] = []
    for index, name in enumerate(plan.sources):
        relation = snapshot.named(name)
        bases = () if relation is None else snapshot.bases(relation)
        concerned += [(index, base) for base in bases if base.protected]
        if relation is None and not snapshot.is_system(name) and not (plan.ddl and index == plan.target):
            concerned.append((index, _NOBODY))
        keyed[index] = _source_keys(snapshot, plan, index, values, gathering, region) if bases else set()
    needed = set(plan.shown) | ({plan.target} if plan.target >= 0 else set())
    complete = bool(concerned) and all(
        _covered(snapshot, plan, index, base, keyed) for index, base in concerned if index in needed
    )
    return complete and gathering.size < MAX_KEYS_PER_PART and not (plan.opaque and plan.opaque != "several_writes")


_NOBODY: Final = Relation(oid=0, name="", kind="r", root=0, columns={}, primary_key=(), table=None, protected=True)


def _source_keys(
    snapshot: CatalogueSnapshot,
    plan: StatementPlan,
    index: int,
    values: Operands,
    gathering: Gathering,
    region: str,
) -> set[str]:
    """Gather the keys one source is restricted to; returns the tables they identify, "" for its own."""
    restricted = _restrictions(snapshot, plan, index)
    identified: set[str] = set()
    for table in {relation.table for relation, _, _ in restricted if relation.table is not None}:
        mine = [(column, p) for relation, column, p in restricted if relation.table is table]
        texts = _own_texts(table, mine, values)
        if texts is not None:
            types = {column.name: column.type_oid for column, _ in mine}
            integer = len(table.key) == 1 and types[table.key[0]] in INTEGER_TYPES
            gathering.record(table.name, texts, integer=integer)
            identified.add("")
        if table.path is not None:
            target = snapshot.declared.table(table.path.to)
            texts = _column_texts(table.path.column, mine, values)
            leads = table.kind is TableKind.LINKED and target is not None and len(target.key) == 1
            if texts is not None and target is not None and leads:
                gathering.record(target.name, texts, integer=False)
                identified.add(target.name)
        for alternate in table.alternates:
            found = _column_texts(alternate.column, mine, values, wrapped=True)
            canonical = [canonical_alternate(alternate.kind, text, region) for text in found or ()]
            if "" not in identified and canonical and all(canonical):
                gathering.alternate(table.name, alternate.kind, [text for text in canonical if text])
                identified.add("")
    return identified


def _restrictions(
    snapshot: CatalogueSnapshot, plan: StatementPlan, index: int
) -> list[tuple[Relation, Column, Predicate]]:
    found: list[tuple[Relation, Column, Predicate]] = []
    for predicate in plan.predicates:
        if not predicate.restricts or predicate.comparison not in _KEYED or index not in predicate.sources:
            continue
        owners = {s: key_column(snapshot, plan.sources[s], predicate.column) for s in predicate.sources}
        having = [s for s, owner in owners.items() if owner is not None]
        owner = owners[index]
        if having == [index] and owner is not None:
            found.append((*owner, predicate))
    return found


def _own_texts(table: Table, mine: list[tuple[Column, Predicate]], values: Operands) -> list[str] | None:
    """Canonical keys of a table's own primary key, or None when it is not wholly given."""
    if len(table.key) == 1:
        return _column_texts(table.key[0], mine, values)
    paired: list[list[str]] = []
    for name in table.key:
        texts = _column_texts(name, mine, values)
        if texts is None:
            return None
        paired.append(texts)
    if len({len(texts) for texts in paired}) != 1:
        longest = max(len(texts) for texts in paired)
        if any(len(texts) not in {1, longest} for texts in paired):
            return None
        paired = [texts * longest if len(texts) == 1 else texts for texts in paired]
    elif len(paired[0]) > 1 and not all(p.paired for column, p in mine if column.name in table.key):
        return None  # IN lists on two columns do not say which pairs exist
    return [canonical_key(parts) for parts in zip(*paired, strict=True)]


def _column_texts(
    name: str, mine: list[tuple[Column, Predicate]], values: Operands, *, wrapped: bool = False
) -> list[str] | None:
    """Canonical texts a column is restricted to; the shortest list when several predicates restrict it."""
    best: list[str] | None = None
    for column, predicate in mine:
        if column.name != name or (predicate.wrapped and not wrapped):
            continue
        texts: list[str] | None = []
        for operand in predicate.operands:
            read = values.canonical(operand, column.type_oid, array=predicate.comparison is Comparison.ANY)
            if read is None or (not read and predicate.paired):
                texts = None
                break
            texts = [*(texts or ()), *read]
        if texts is not None and (best is None or len(texts) < len(best)):
            best = texts
    return best


def _covered(
    snapshot: CatalogueSnapshot, plan: StatementPlan, index: int, base: Relation, keyed: dict[int, set[str]]
) -> bool:
    """One occurrence is named: by its own key, its foreign key, or a join along its path to a named record."""
    if keyed[index]:
        return True
    table = base.table
    if table is None or table.path is None:
        return False
    for join in plan.joins:
        for mine, column, other in (
            (join.left, join.left_column, join.right),
            (join.right, join.right_column, join.left),
        ):
            if mine == index and column == table.path.column and keyed.get(other):
                relation = snapshot.named(plan.sources[other])
                if relation is not None and any(one.name == table.path.to for one in snapshot.bases(relation)):
                    return True
    return False


def execute_binds(
    plan: StatementPlan, slots: Sequence[Sequence[Literal]], binds: Sequence[bytes | None]
) -> list[bytes | None]:
    """Arguments of SQL-level `EXECUTE name (…)` as text binds of the prepared statement."""
    values = Operands(slots=slots, binds=binds, bind_formats=())
    found: list[bytes | None] = []
    for operand in plan.arguments:
        text = values.text(operand)
        signed = "-" + text if text is not None and operand.negative else text
        found.append(None if signed is None else signed.encode("utf-8", "surrogatepass"))
    return found
