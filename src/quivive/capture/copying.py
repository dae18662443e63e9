"""COPY TO: which reader its rows need, and how it is set up. Used by the recorder. Pure."""

from collections.abc import Sequence

from quivive.wire.postgres.copy import BinaryCopy, CopyReader, CsvCopy, TextCopy
from quivive.wire.sql import CopyPlan


def reader_of(plan: CopyPlan, indexes: Sequence[int]) -> CopyReader:
    """A reader for the announced format, cutting `indexes`."""
    if plan.format == "binary":
        return BinaryCopy(indexes)
    if plan.format == "csv":
        return CsvCopy(
            indexes,
            delimiter=plan.delimiter or ",",
            null=plan.null,
            quote=plan.quote or '"',
            escape=plan.escape or plan.quote or '"',
            header=plan.header,
        )
    return TextCopy(indexes, delimiter=plan.delimiter or "\t", null=plan.null or "\\N", header=plan.header)
