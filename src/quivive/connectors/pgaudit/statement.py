"""What one audited statement did, read from its text and parameters as the relay reads them (DESIGN §6).

Called by `connectors.pgaudit.translator`. Statement texts are planned once per shape. Pure. Keys leave here in clear,
towards the intake of the same process, which hashes them; nothing else of a statement leaves.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from quivive.capture.operands import Operands
from quivive.capture.patterns import patterns_of
from quivive.capture.predicate_keys import gather_keys
from quivive.capture.resolve import Extraction, resolve
from quivive.capture.snapshot import CatalogueSnapshot
from quivive.connectors.pgaudit.catalogue import declared_snapshot, with_searched_columns
from quivive.connectors.pgaudit.server_log import csv_fields
from quivive.model.access import MAX_KEYS_PER_PART, Action, CoverageClass, Pattern, PatternClass
from quivive.model.catalogue import Catalogue
from quivive.wire.plan import Aggregate, PlanKind, StatementPlan, Verb
from quivive.wire.shape import Shaped, shape_of
from quivive.wire.sql import plan_of

MAX_PLANS: Final = 4_096
"""Shapes planned and kept: about 20 MB; an application has a few hundred."""
MAX_KEY_CHARS: Final = 200
"""Characters of a key the intake takes; a longer one is no key of a person."""
_UTILITY: Final[dict[str, Verb]] = {
    "BEGIN": Verb.BEGIN,
    "START TRANSACTION": Verb.BEGIN,
    "COMMIT": Verb.COMMIT,
    "ROLLBACK": Verb.ROLLBACK,
    "SAVEPOINT": Verb.SAVEPOINT,
    "RELEASE": Verb.RELEASE,
}
_ACTIONS: Final[dict[str, frozenset[Action]]] = {
    "INSERT": frozenset({Action.CREATE}),
    "UPDATE": frozenset({Action.UPDATE}),
    "DELETE": frozenset({Action.DELETE}),
    "SELECT": frozenset({Action.READ, Action.LIST, Action.QUERY, Action.EXPORT}),
}
_TOLD_INSIDE: Final = frozenset({"PREPARE", "EXECUTE", "FETCH", "MOVE", "CLOSE CURSOR", "DEALLOCATE"})
"""Commands whose inner statement has a line of its own."""
_HOLDING: Final = frozenset({PlanKind.DECLARE, PlanKind.PREPARE})
_SHOWN_ELSEWHERE: Final = frozenset({PlanKind.EXECUTE, PlanKind.FETCH, PlanKind.CLOSE, PlanKind.DEALLOCATE})
_READS: Final = frozenset({Action.READ, Action.LIST, Action.QUERY, Action.EXPORT})
NOTHING_LOGGED: Final = frozenset({"<none>", "<not logged>", "<previously logged>"})
_RESTRICTED: Final = re.compile(r"\b(?:where|on|merge|limit)\b")
"""A restriction may name a variable of a function: then nobody can say that all rows were meant."""
_SUPPRESSED: Final = "<long param suppressed>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One shape: its plans, one per statement of the text, and what each resolves to."""

    plans: tuple[StatementPlan, ...]
    extractions: tuple[Extraction, ...]
    snapshots: tuple[CatalogueSnapshot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What one statement did, in the words of an access row. `unknown`: relations that the catalogue does not name."""

    action: Action
    tables: tuple[str, ...]
    changed: tuple[str, ...]
    records: tuple[tuple[str, str], ...]  # table, canonical key
    alternates: tuple[tuple[str, str, str], ...]  # table, kind, canonical text
    patterns: tuple[Pattern, ...]
    coverage: CoverageClass
    unknown: tuple[str, ...]
    cursor: bool


@dataclass(slots=True)
class _Clear:
    """Keys in clear, as the intake takes them."""

    records: dict[tuple[str, str], None] = field(default_factory=dict)
    alternates: dict[tuple[str, str, str], None] = field(default_factory=dict)
    lost: bool = False

    @property
    def size(self) -> int:
        return len(self.records) + len(self.alternates)

    def record(self, table: str, texts: Sequence[str], *, integer: bool) -> None:
        del integer
        self._add(self.records, [(table, text) for text in texts], texts)

    def alternate(self, table: str, kind: str, texts: Sequence[str]) -> None:
        self._add(self.alternates, [(table, kind, text) for text in texts], texts)

    def _add(self, into: dict, keys: list, texts: Sequence[str]) -> None:  # type: ignore[type-arg]
        usable = all(0 < len(text) <= MAX_KEY_CHARS and text == text.strip() for text in texts)
        if not usable or self.size + len(keys) > MAX_KEYS_PER_PART:
            self.lost = True
            return
        into.update(dict.fromkeys(keys))


class Statements:
    """Plans statement texts of one database and says what each execution did."""

    def __init__(self, catalogue: Catalogue, *, region: str = "FR", search_path: tuple[str, ...] = ()) -> None:
        self._snapshot = declared_snapshot(catalogue, search_path)
        self._declared = {table.name for table in catalogue.tables}
        self._region = region
        self._known: dict[str, Known] = {}

    def read(self, text: str) -> tuple[Shaped, Known]:
        """Shape and plans of a statement text."""
        shaped = shape_of(text)
        known = self._known.get(shaped.fingerprint)
        if known is None:
            if len(self._known) >= MAX_PLANS:
                self._known.clear()
            known = self._known[shaped.fingerprint] = self._learn(shaped.text)
        return shaped, known

    def _learn(self, shape: str) -> Known:
        plans = tuple(_without_positions(plan) for plan in plan_of(shape))
        acting = [_acting(plan) for plan in plans]
        return Known(
            plans=plans,
            extractions=tuple(resolve(self._snapshot, plan, None) for plan in acting),
            snapshots=tuple(with_searched_columns(self._snapshot, plan) for plan in acting),
        )

    def protected(self, known: Known, index: int) -> bool:
        """Whether one plan touches a table that is protected, or one that the catalogue does not know."""
        return known.extractions[index].protected

    def done(self, shaped: Shaped, known: Known, index: int, binds: Sequence[bytes | None], rows: int | None) -> Done:
        """Read one execution. `rows` None: the log does not say how many were shown."""
        plan, extraction = _acting(known.plans[index]), known.extractions[index]
        reads = plan.target < 0 and extraction.action in _READS
        figures = plan.aggregate is Aggregate.FIGURES and reads
        clear, complete = _Clear(), False
        if plan.predicates and not figures and not (reads and rows == 0):
            values = Operands(slots=shaped.slots, binds=binds, bind_formats=())
            complete = gather_keys(self._snapshot, plan, values, clear, self._region) and not clear.lost
        coverage = extraction.coverage
        if figures:
            coverage = CoverageClass.AGGREGATE
        elif complete and clear.size:
            coverage = CoverageClass.PREDICATE
        return Done(
            action=extraction.action,
            tables=tuple(name for name in extraction.tables if name in self._declared),
            changed=self._changed(extraction, plan),
            records=tuple(clear.records),
            alternates=tuple(clear.alternates),
            patterns=self._patterns(known, index, plan, shaped, binds),
            coverage=coverage,
            unknown=tuple(name for name in plan.sources if self._unknown(name, plan)),
            cursor=known.plans[index].kind is PlanKind.DECLARE or (plan.copy is not None and plan.inner is None),
        )

    def _unknown(self, name: str, plan: StatementPlan) -> bool:
        made = plan.ddl and plan.target >= 0 and plan.sources[plan.target] == name
        return self._snapshot.named(name) is None and not self._snapshot.is_system(name) and not made

    def _changed(self, extraction: Extraction, plan: StatementPlan) -> tuple[str, ...]:
        if "*" in plan.changed:
            return ()  # the columns of the table are not known here
        return tuple(name for name in extraction.changed if name.rpartition(".")[0] in self._declared)

    def _patterns(
        self, known: Known, index: int, plan: StatementPlan, shaped: Shaped, binds: Sequence[bytes | None]
    ) -> tuple[Pattern, ...]:
        shared = {predicate.column for predicate in plan.predicates if len(predicate.sources) != 1}
        found = patterns_of(known.snapshots[index], plan, shaped.slots, binds, ())
        return tuple(
            pattern
            for pattern in found
            if pattern.column.rpartition(".")[0] in self._declared
            and pattern.column.rpartition(".")[2] not in shared
            and (pattern.pattern_class is not PatternClass.ALL or not _RESTRICTED.search(shaped.text))
        )

    @staticmethod
    def made(known: Known) -> set[str]:
        """Tables that the text makes from a query."""
        return {plan.sources[plan.target] for plan in known.plans if plan.ddl and plan.target >= 0}

    def is_declared(self, name: str) -> bool:
        """Whether the catalogue declares a table of this full name."""
        return name in self._declared

    def is_unknown(self, name: str) -> bool:
        """Whether the catalogue does not know a relation by its full name, and it is no system's."""
        return self._snapshot.named(name) is None and not self._snapshot.is_system(name)


def _without_positions(plan: StatementPlan) -> StatementPlan:
    """Drop predicates on the n-th column: which one that is, only the database knows."""
    inner = None if plan.inner is None else _without_positions(plan.inner)
    predicates = tuple(one for one in plan.predicates if not one.column.startswith("#"))
    return replace(plan, predicates=predicates, inner=inner)


def _acting(plan: StatementPlan) -> StatementPlan:
    """The statement that shows or changes rows: inside PREPARE and DECLARE, the inner one."""
    return plan.inner if plan.kind in _HOLDING and plan.inner is not None else plan


def merged(found: list[Done]) -> Done:
    """Several statements of one text: which of them a line is about cannot be told, so no class is claimed."""
    if len(found) == 1:
        return found[0]

    def each(name: str) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(item for one in found for item in getattr(one, name)))

    return Done(
        action=found[0].action,
        tables=each("tables"),
        changed=each("changed"),
        records=each("records"),
        alternates=each("alternates"),
        patterns=each("patterns"),
        coverage=CoverageClass.COUNT_ONLY,
        unknown=each("unknown"),
        cursor=any(one.cursor for one in found),
    )


def candidates(known: Known, command: str) -> list[int]:
    """Statements of a text that one line of the log may be about: the log repeats the whole text for each."""
    found = [index for index, plan in enumerate(known.plans) if _is_about(plan, command)]
    wanted = _ACTIONS.get(command, frozenset())
    return [index for index in found if _acting(known.plans[index]).action in wanted] or found


def explained(known: Known, chosen: list[int]) -> bool:
    """Whether all that a line may be about is EXPLAIN: it shows a plan and no row."""
    return bool(chosen) and all(known.plans[index].kind is PlanKind.EXPLAIN for index in chosen)


def _is_about(plan: StatementPlan, command: str) -> bool:
    if command in _UTILITY:
        return plan.verb is _UTILITY[command] or plan.kind is PlanKind.TRANSACTION
    if command in _TOLD_INSIDE or plan.kind in _SHOWN_ELSEWHERE:
        return False
    if command in {"SET", "RESET", "DISCARD"}:
        return plan.kind in {PlanKind.SET, PlanKind.DISCARD}
    acting, wanted = _acting(plan), _ACTIONS.get(command)
    if wanted is None or acting.kind in {PlanKind.COPY, PlanKind.EXPLAIN, PlanKind.OPAQUE}:
        return acting.kind not in {PlanKind.SET, PlanKind.TRANSACTION, PlanKind.UTILITY}
    # A SELECT may hold a writing WITH.
    return acting.kind is PlanKind.DML if command == "SELECT" else acting.action in wanted or bool(acting.opaque)


def parameters(field_text: str) -> list[bytes | None] | None:
    """Bound values of a line, None when the log does not hold them all."""
    if field_text in NOTHING_LOGGED:
        return [] if field_text == "<none>" else None
    values = csv_fields(field_text)
    if values is None or _SUPPRESSED in values:
        return None
    return [value.encode("utf-8", "surrogatepass") if value else None for value in values]
