"""Rows of a COPY out of its messages, with and without a limit.

Called by `recorder`. Must never hold a row beyond the call, nor read on after a row that is none: the rest is a gap.
"""

from collections.abc import Callable, Sequence
from typing import Final

from quivive.capture.limits import Cap
from quivive.capture.run import Run
from quivive.wire.framing import PeerError
from quivive.wire.postgres.rows import Row

MAX_ROWS_PER_CALL: Final = 512
"""Rows cut before the collector is asked whether its part is full."""


def take_capped(run: Run, cap: Cap, data: bytes, collected: Callable[[Run], None]) -> bool:
    """Take one message of a COPY that has a limit; False when its row no longer fits, and nothing of it was taken."""
    rows: Sequence[Row] = ()
    fits = True
    if run.reader is not None and not cap.keyless:
        try:
            rows = run.reader.feed(data)
        except PeerError:
            run.reader, run.unread = None, True
        fits = cap.fit(rows) == len(rows)
    if run.reader is None or cap.keyless:
        fits = bool(cap.fit_count(1))
    if not fits:
        return False
    run.rows += len(rows) if run.reader is not None else 1
    run.rows_bytes += len(data)
    if run.collector is not None and rows:
        run.collector.add_rows(rows)
        if run.collector.full:
            collected(run)
    return True


def take_rows(run: Run, data: bytes | None, collected: Callable[[Run], None]) -> None:
    """Take the rows of the next bytes, or (None) what the end leaves."""
    if run.reader is None or run.collector is None:
        return
    try:
        rows = run.reader.finish() if data is None else run.reader.feed(data)
    except PeerError:
        run.reader, run.unread = None, True
        return
    run.rows += len(rows)
    for first in range(0, len(rows), MAX_ROWS_PER_CALL):
        run.collector.add_rows(rows[first : first + MAX_ROWS_PER_CALL])
        if run.collector.full:
            collected(run)
