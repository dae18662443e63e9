"""The commonest execution of all, `select … where id = $1` without its key among the columns, in one pass.

Learned by `parts` from an execution that took the long way, used by `recorder` for those like it. Pure. Must give
byte for byte the entry that the long way gives: `tests/unit/capture/test_quick.py` compares them.
"""

from quivive.capture.encode import json_text
from quivive.capture.keys import PredicateKeys
from quivive.capture.resolve import Extraction
from quivive.capture.run import Run
from quivive.model.access import CoverageClass
from quivive.privacy.canonical import BINARY_FORMAT, INTEGER_TYPES
from quivive.privacy.hasher import KeyHasher, record_hasher
from quivive.privacy.pseudonym import NEIGHBOURHOOD_BYTES, NEIGHBOURHOOD_SHIFT, ControllerKeys
from quivive.wire.plan import Comparison, OperandKind

_DIGITS = 2 * NEIGHBOURHOOD_BYTES
_ZERO = 0x30
_INTEGER_SIZES = frozenset({2, 4, 8})
_MAX_DIGITS = 18  # any such text is an int8
MAX_BLOCKS = 4_096
"""Neighbourhoods remembered per statement and connection: about 400 kB at most."""


class Quick:
    """One statement restricted to one integer key by its only bind."""

    __slots__ = (
        "_blocks",
        "_near",
        "extraction",
        "format",
        "generation",
        "inner_copy",
        "outer_copy",
        "records_tail",
        "shape",
    )

    def __init__(
        self, run: Run, extraction: Extraction, found: PredicateKeys, keys: ControllerKeys, generation: int
    ) -> None:
        table = found.records[0].table
        self.inner_copy, self.outer_copy = record_hasher(keys, table).copies
        self._near = KeyHasher(keys.record, b"neighbourhood", table)
        self._blocks: dict[int, str] = {}
        self.extraction = extraction
        self.generation = generation
        self.format = run.execution.bind_formats[0] if run.execution.bind_formats else 0
        self.shape: str = run.execution.statement.known.shape.fingerprint
        self.records_tail = f'"],"table":{json_text(table)}}}]'

    def takes(self, raw: bytes) -> bool:
        """Whether a bind is an integer as it usually comes; else it takes the long way."""
        if self.format == BINARY_FORMAT:
            return len(raw) in _INTEGER_SIZES
        return raw.isdigit() and raw[0] != _ZERO and len(raw) <= _MAX_DIGITS

    def read(self, raw: bytes) -> tuple[bytes, str]:
        """Canonical text and neighbourhood of a bind that it takes."""
        if self.format == BINARY_FORMAT:
            number = int.from_bytes(raw, "big", signed=True)
            raw = b"%d" % number
        else:
            number = int(raw)
        block = number >> NEIGHBOURHOOD_SHIFT
        near = self._blocks.get(block)
        if near is None:
            if len(self._blocks) >= MAX_BLOCKS:
                self._blocks.clear()
            near = self._blocks[block] = self._near(b"%d" % block)[:_DIGITS]
        return raw, near


def learn(
    run: Run, extraction: Extraction, found: PredicateKeys, keys: ControllerKeys, generation: int
) -> Quick | None:
    """A Quick for statements like this execution's, or None when it is not of that kind."""
    plan, execution = run.plan, run.execution
    if run.slots or run.borrowed or run.collector is not None or plan.writes:
        return None
    if len(run.binds) != 1 or len(plan.predicates) != 1 or len(execution.statement.types) > 1 or plan.variables:
        return None
    predicate = plan.predicates[0]
    one = len(predicate.operands) == 1 and predicate.operands[0].kind is OperandKind.BIND
    if not one or predicate.operands[0].negative or predicate.comparison is not Comparison.EQUALS:
        return None
    declared = execution.statement.types
    if declared and declared[0] not in INTEGER_TYPES and declared[0] != 0:
        return None
    single = len(found.records) == 1 and len(found.records[0].keys) == 1 and len(found.neighbourhoods) == 1
    if not single or found.coverage is not CoverageClass.PREDICATE or run.patterns != "[]":
        return None
    return Quick(run, extraction, found, keys, generation)
