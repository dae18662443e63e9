"""What the relay knows of statement texts: shape, plans, and what each (shape, columns) shows. Bounded caches.

Called by the recorders of one relay process. Pure. Must never keep more texts than its bounds, and a text only in
memory: it is needed to describe the statement aside.
"""

from typing import Final

from quivive.capture.catalogue import CatalogueSnapshot
from quivive.capture.encode import patterns_json
from quivive.capture.incoming import with_incoming
from quivive.capture.patterns import patterns_of, values_decide
from quivive.capture.resolve import Extraction, resolve
from quivive.model.access import Action
from quivive.wire.fields import Field
from quivive.wire.shape import Shaped, shape_of
from quivive.wire.sql import PlanKind, StatementPlan, plan_of

MAX_TEXTS: Final = 4_096
"""Exact texts remembered: prepared statements and the literal-free statements of pools."""
MAX_TEXT_REMEMBERED: Final = 16_384
"""Bytes of a text that may stay in the cache; a longer one is analysed each time it is sent."""
MAX_SHAPES: Final = 8_192
"""Shapes remembered: each about 4 kB with its plans."""
MAX_EXTRACTIONS_PER_SHAPE: Final = 256
"""Column descriptions and search paths told apart per shape (`select *` after DDL, a schema for each tenant)."""

EMPTY_PLAN: Final = StatementPlan(kind=PlanKind.EMPTY, action=Action.QUERY)
OPAQUE_PLAN: Final = StatementPlan(kind=PlanKind.OPAQUE, action=Action.QUERY, opaque="unseen_text")
CUT_PLAN: Final = StatementPlan(kind=PlanKind.OPAQUE, action=Action.QUERY, opaque="text_too_long")

Path = tuple[str, ...]
FieldsKey = tuple[int, tuple[Field, ...] | None, Path]


class Shape:
    """One statement shape: its plans and caches."""

    __slots__ = ("_patterns", "described", "extractions", "fingerprint", "generation", "plans")

    def __init__(self, fingerprint: str, plans: tuple[StatementPlan, ...]) -> None:
        self.fingerprint = fingerprint
        self.plans = plans or (EMPTY_PLAN,)
        self.generation = 0
        self.extractions: dict[FieldsKey, Extraction] = {}
        self.described: dict[tuple[int, Path], tuple[Field, ...] | None] = {}
        """Columns by statement index and search path, described aside; None when the server refused to."""
        self._patterns: dict[tuple[int, Path], str | None] = {}

    def extraction(
        self,
        snapshot: CatalogueSnapshot,
        generation: int,
        index: int,
        plan: StatementPlan,
        fields: tuple[Field, ...] | None,
        *,
        cached: bool,
    ) -> Extraction:
        """What `plan` with these columns shows, by the present catalogue. Not `cached`: the plan is another shape's."""
        if generation != self.generation or len(self.extractions) >= MAX_EXTRACTIONS_PER_SHAPE:
            self.described.clear()
            self._patterns.clear()
            self.extractions.clear()
            self.generation = generation
        if not cached:
            return resolve(snapshot, plan, fields)
        key = (index, fields, snapshot.search_path)
        found = self.extractions.get(key)
        if found is None:
            found = self.extractions[key] = with_incoming(snapshot, plan, resolve(snapshot, plan, fields))
        return found

    def patterns(self, snapshot: CatalogueSnapshot, index: int) -> str | None:
        """Patterns of the statement at `index` as JSON where no value decides them, else None.

        By the catalogue of the last `extraction`: ask that first.
        """
        key = (index, snapshot.search_path)
        if key not in self._patterns:
            plan = self.plan(index)
            constant = not values_decide(snapshot, plan)
            self._patterns[key] = patterns_json(patterns_of(snapshot, plan, (), (), ())) if constant else None
        return self._patterns[key]

    def plan(self, index: int) -> StatementPlan:
        """Plan of the statement at `index`; opaque when the server answers more statements than were seen."""
        return self.plans[index] if index < len(self.plans) else OPAQUE_PLAN


class Known:
    """One analysed text. `text` is "" when it was cut or never seen; `cache` is the recorders' own, shared by all."""

    __slots__ = ("cache", "shape", "shaped", "text")

    def __init__(self, shape: Shape, shaped: Shaped, text: str) -> None:
        self.shape = shape
        self.shaped = shaped
        self.text = text
        self.cache: tuple[tuple[Field, ...] | None, int, StatementPlan, Path, Extraction] | None = None


class Statements:
    """Caches by exact text, then by shape; the oldest goes first."""

    def __init__(self) -> None:
        self._texts: dict[bytes, Known] = {}
        self._shapes: dict[str, Shape] = {}
        self._unseen = Known(Shape("0" * 16, (OPAQUE_PLAN,)), shape_of(""), "")

    def known(self, text: bytes, *, whole: bool) -> Known:
        """Analyse a text, or remember its analysis."""
        if not whole and not text:
            return self._unseen
        found = self._texts.get(text) if whole else None
        if found is not None:
            return found
        decoded = _decode(text)
        shaped = shape_of(decoded)
        if not whole:
            return Known(Shape(shaped.fingerprint, (CUT_PLAN,)), shaped, "")
        known = Known(self._shape(shaped), shaped, decoded)
        if len(text) <= MAX_TEXT_REMEMBERED:
            if len(self._texts) >= MAX_TEXTS:
                del self._texts[next(iter(self._texts))]
            self._texts[text] = known
        return known

    def _shape(self, shaped: Shaped) -> Shape:
        shape = self._shapes.get(shaped.fingerprint)
        if shape is None:
            if len(self._shapes) >= MAX_SHAPES:
                del self._shapes[next(iter(self._shapes))]
            shape = self._shapes[shaped.fingerprint] = Shape(shaped.fingerprint, plan_of(shaped.text))
        return shape


def _decode(text: bytes) -> str:
    """Read a text whatever the client's encoding: the ASCII of SQL is the same in all that PostgreSQL accepts."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")
