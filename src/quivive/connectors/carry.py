"""From records to batches of the intake and back from its refusals to rows and columns of the file. Pure.

Called by the folder watch, the follower, the webhook and the dry run. Must never lose the number of a record on the
way, nor hold a value in what it says of a refused one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from quivive.connectors.clock_doubt import MAX_SAMPLES, Sample, sample_of
from quivive.connectors.model import CanonicalRow, Record, Refusal, RowKind
from quivive.connectors.reading.model import FileProblemError, Format, Reading
from quivive.connectors.registry import Feed
from quivive.intake import IntakeReport
from quivive.model.access import GapBody
from quivive.rows import MAX_BATCH_BYTES, RowError

BATCH_ROWS: Final = 1_000
"""Rows handed to the intake at once: about 0.2 s of one core, so that the API and the pages are never held long."""
BATCH_BYTES: Final = MAX_BATCH_BYTES // 2
NDJSON: Final = "application/x-ndjson"


class IntakePort(Protocol):
    """What a carrier needs of the intake: both calls are durable on return."""

    async def take(self, *, kind: str, source: str, content_type: str, body: bytes) -> IntakeReport:
        """Take a batch."""

    async def record_gap(self, source: str, gap: GapBody) -> None:
        """Append a gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One batch for the intake. `numbers[i]` is the record behind row i."""

    kind: RowKind
    body: bytes
    numbers: tuple[int, ...]


class Translation:
    """One file (or chunk) on its way through a translator. Iterate `batches` to the end before reading the rest.

    `refused`: records that made no row, in order found. `problem`: the file broke off further down.
    """

    def __init__(self, feed: Feed, reading: Reading, now: int) -> None:
        self._feed, self._reading, self._now = feed, reading, now
        self.refused: list[Refusal] = []
        self.problem: FileProblemError | None = None
        self.records = 0
        self.samples: list[Sample] = []

    def batches(self, *, closing: bool) -> Iterator[Batch]:
        """Give the batches; `closing`: the file is whole, so what the translator still holds comes too."""
        pending: list[CanonicalRow] = []
        for row in self._rows(closing=closing):
            if pending and (row.kind is not pending[0].kind or len(pending) >= BATCH_ROWS):
                yield from _packed(pending)
                pending = []
            pending.append(row)
        yield from _packed(pending)

    def _rows(self, *, closing: bool) -> Iterator[CanonicalRow]:
        translator = self._feed.translator
        for made in translator.feed(self._records(), self._now):
            yield from self._sorted(made)
        if closing:
            for made in translator.close(self._now):
                yield from self._sorted(made)

    def _sorted(self, made: CanonicalRow | Refusal) -> Iterator[CanonicalRow]:
        if isinstance(made, Refusal):
            self.refused.append(made)
            return
        if len(self.samples) < MAX_SAMPLES and (sample := sample_of(made.value)) is not None:
            self.samples.append(sample)
        yield made

    def _records(self) -> Iterator[Record]:
        try:
            for each in self._reading.records:
                if isinstance(each, Refusal):
                    self.refused.append(each)
                else:
                    self.records += 1
                    yield each
        except FileProblemError as problem:
            self.problem = problem

    def refuse(self, batch: Batch, errors: Sequence[RowError]) -> None:
        """Take in what the intake refused of a batch, with the file's own row and column."""
        for error in errors:
            field = self._feed.column(error.field)
            self.refused.append(
                Refusal(number=batch.numbers[error.row], field=field, expected=error.expected, found=error.found)
            )


def _packed(rows: list[CanonicalRow]) -> Iterator[Batch]:
    lines: list[bytes] = []
    numbers: list[int] = []
    size = 0
    for row in rows:
        line = msgspec.json.encode(row.value)
        if lines and size + len(line) > BATCH_BYTES:
            yield Batch(kind=row.kind, body=b"\n".join(lines), numbers=tuple(numbers))
            lines, numbers, size = [], [], 0
        lines.append(line)
        numbers.append(row.number)
        size += len(line) + 1
    if lines:
        yield Batch(kind=rows[0].kind, body=b"\n".join(lines), numbers=tuple(numbers))


def check_header(form: Format, reading: Reading) -> None:
    """Refuse a file whose columns were renamed or left out, before any row is taken.

    Raises:
        FileProblemError: a column that the mapping reads is not there; its expected name is told, no name found.
    """
    missing = [name for name in form.expected if reading.header and name not in reading.header]
    if missing:
        named = ", ".join(missing)
        found = f"{len(reading.header)} other columns" if len(missing) == len(form.expected) else "it absent"
        raise FileProblemError(row=form.skip_lines + 1, expected=f"the column {named}", found=found)


def counters(translator: Any) -> tuple[dict[str, int], dict[str, int]]:
    """What a translator skipped and doubted so far, by reason; empty for one that tells nothing."""
    return dict(getattr(translator, "skipped", {})), dict(getattr(translator, "doubts", {}))


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """Counts that a file added."""
    return {name: count - before.get(name, 0) for name, count in after.items() if count > before.get(name, 0)}


def merged(batches: Iterable[Batch]) -> list[dict[str, Any]]:
    """Rows of batches, decoded again; for tests and the dry run."""
    return [msgspec.json.decode(line) for batch in batches for line in batch.body.split(b"\n")]
