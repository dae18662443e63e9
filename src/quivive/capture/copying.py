"""COPY TO: which reader its rows need, and how it is set up. Used by the recorder. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from quivive.wire.plan import CopyPlan, Operand, OperandKind
from quivive.wire.postgres.copy import BinaryCopy, CopyReader, CsvCopy, TextCopy
from quivive.wire.shape import Literal, Shaped

_LITERAL_FORMAT: Final = re.compile(r"\bformat\s+'\?(\d+)'")
_LITERAL_HEADER: Final = re.compile(r"\bheader\s+(?:'\?(\d+)'|\?(\d+))")


def format_of_copy(plan: CopyPlan, shaped: Shaped) -> str:
    """`text`, `csv` or `binary`; asyncpg writes it as a literal, which the shape has lost."""
    return _literal(_LITERAL_FORMAT, shaped).lower() or plan.format


def reader_of(plan: CopyPlan, shaped: Shaped, indexes: Sequence[int]) -> CopyReader:
    """A reader for the announced format, cutting `indexes`; options stand as literals in the text."""
    kind, slots = format_of_copy(plan, shaped), shaped.slots
    if kind == "binary":
        return BinaryCopy(indexes)
    header = plan.header or _literal(_LITERAL_HEADER, shaped).lower() in {"true", "on", "1", "match"}
    null = _option(plan.null, slots, "" if kind == "csv" else "\\N")
    if kind == "csv":
        quote = _option(plan.quote, slots, '"')
        return CsvCopy(
            indexes,
            delimiter=_option(plan.delimiter, slots, ","),
            null=null,
            quote=quote,
            escape=_option(plan.escape, slots, quote),
            header=header,
        )
    return TextCopy(indexes, delimiter=_option(plan.delimiter, slots, "\t"), null=null, header=header)


def _literal(pattern: re.Pattern[str], shaped: Shaped) -> str:
    found = pattern.search(shaped.text)
    if found is None:
        return ""
    index = int(found[found.lastindex or 1])
    return shaped.slots[index][0].text if index < len(shaped.slots) else ""


def _option(operand: Operand | None, slots: Sequence[Sequence[Literal]], default: str) -> str:
    if operand is None or operand.kind is not OperandKind.SLOT or operand.index >= len(slots):
        return default
    return slots[operand.index][0].text
