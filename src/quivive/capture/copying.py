"""COPY TO: which reader its rows need, and how it is set up. Used by the recorder. Pure."""

from collections.abc import Sequence

from quivive.wire.plan import CopyPlan, Operand, OperandKind
from quivive.wire.postgres.copy import BinaryCopy, CopyReader, CsvCopy, TextCopy
from quivive.wire.shape import Literal


def reader_of(plan: CopyPlan, slots: Sequence[Sequence[Literal]], indexes: Sequence[int]) -> CopyReader:
    """A reader for the announced format, cutting `indexes`; options stand as literals in the text."""
    if plan.format == "binary":
        return BinaryCopy(indexes)
    null = _option(plan.null, slots, "" if plan.format == "csv" else "\\N")
    if plan.format == "csv":
        quote = _option(plan.quote, slots, '"')
        return CsvCopy(
            indexes,
            delimiter=_option(plan.delimiter, slots, ","),
            null=null,
            quote=quote,
            escape=_option(plan.escape, slots, quote),
            header=plan.header,
        )
    return TextCopy(indexes, delimiter=_option(plan.delimiter, slots, "\t"), null=null, header=plan.header)


def _option(operand: Operand | None, slots: Sequence[Sequence[Literal]], default: str) -> str:
    if operand is None or operand.kind is not OperandKind.SLOT or operand.index >= len(slots):
        return default
    return slots[operand.index][0].text
