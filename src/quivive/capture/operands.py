"""Values of operands at one execution: literals by slot, binds in text or binary.

Called by `capture.predicate_keys` and `capture.patterns`. Pure; values are canonicalised and handed on, never kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quivive.capture.composite import array_items
from quivive.privacy.canonical import BINARY_FORMAT, INTEGER_TYPES, canonical_literal, canonical_text
from quivive.wire.plan import Operand, OperandKind
from quivive.wire.shape import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Operands:
    """Values at hand at one execution: literals by slot, raw binds with their formats and (if given) types."""

    slots: Sequence[Sequence[Literal]]
    binds: Sequence[bytes | None]
    bind_formats: Sequence[int]
    bind_types: Sequence[int] = ()

    def format_of(self, index: int) -> int:
        """Wire format of bind `index` (from 0): none given means text, one given stands for all (Bind message)."""
        formats = self.bind_formats
        if not formats:
            return 0
        return formats[0] if len(formats) == 1 else (formats[index] if index < len(formats) else 0)

    def canonical(self, operand: Operand, type_oid: int, *, array: bool = False) -> list[str] | None:
        """Canonical texts of one operand compared with a column of this type; None when it cannot be read."""
        if operand.kind is OperandKind.NULL:
            return []
        if operand.kind is OperandKind.WORD:
            text = canonical_literal(type_oid, operand.word)
            return None if text is None else [text]
        if operand.kind is OperandKind.SLOT and operand.index < len(self.slots):
            return self._literals(operand, type_oid, array=array)
        if operand.kind is OperandKind.BIND and 0 < operand.index <= len(self.binds):
            return self._bind(operand, type_oid, array=array)
        return None

    def _literals(self, operand: Operand, type_oid: int, *, array: bool) -> list[str] | None:
        sign = "-" if operand.negative else ""
        found: list[str] = []
        for literal in self.slots[operand.index]:
            items: list[bytes | None] | None = [literal.text.encode("utf-8", "surrogatepass")]
            if array:
                items = array_items(literal.text.encode("utf-8", "surrogatepass"), 0)
            for item in items or ():
                text = None if item is None else canonical_literal(type_oid, sign + item.decode("utf-8", "replace"))
                if text is None and item is not None:
                    return None
                found += [] if text is None else [text]
            if items is None:
                return None
        return found

    def _bind(self, operand: Operand, type_oid: int, *, array: bool) -> list[str] | None:
        index = operand.index - 1
        raw, wire_format = self.binds[index], self.format_of(index)
        if raw is None:
            return []
        items = array_items(raw, wire_format) if array else [raw]
        if items is None:
            return None
        declared = self.bind_types[index] if index < len(self.bind_types) and not array else 0
        found: list[str] = []
        for item in items:
            if item is None:
                continue
            text = canonical_text(self._bind_type(type_oid, declared, wire_format), wire_format, item)
            if text is not None and declared:
                text = canonical_literal(type_oid, text)  # a text or numeric bind compared with an integer column
            if text is None:
                return None
            found.append(("-" + text) if operand.negative else text)
        return found

    @staticmethod
    def _bind_type(type_oid: int, declared: int, wire_format: int) -> int:
        """An integer of any width is read by its length; other binary binds by the type the client declared."""
        if wire_format == BINARY_FORMAT and declared and declared not in INTEGER_TYPES:
            return declared
        return type_oid

    def text(self, operand: Operand) -> str | None:
        """First text of an operand, for patterns."""
        if operand.kind is OperandKind.SLOT and operand.index < len(self.slots) and self.slots[operand.index]:
            return self.slots[operand.index][0].text
        if operand.kind is OperandKind.BIND and 0 < operand.index <= len(self.binds):
            raw = self.binds[operand.index - 1]
            return None if raw is None else raw.decode("utf-8", "replace")
        return operand.word if operand.kind is OperandKind.WORD else None
