"""What a PgSession tells: the port between the codec and whoever records. No behaviour here.

Implemented by `capture.recorder`. Must never be awaited: the codec is plain calls.
"""

from typing import Any, Protocol

from quivive.wire.fields import Field
from quivive.wire.postgres.state import Execution, Statement


class Observer(Protocol):
    """What a session tells, in wire order. Calls must be quick and must not raise."""

    def known(self, text: bytes, *, whole: bool) -> Any:
        """Analyse a statement text (Parse); `whole` False when it was cut."""

    def query(self, text: bytes, *, whole: bool) -> tuple[Statement, int]:
        """Analyse the text of a simple Query: its Statement and how many statements it holds (at least 1)."""

    def place(self) -> Any:
        """What names mean to a statement sent now (search path, temporary tables): equal where they mean the same."""

    def sent(self, execution: Execution) -> bool:
        """An execution goes to the server. False refuses it (only asked to decide in guarded sessions)."""

    def sync_sent(self) -> None:
        """A batch ends."""

    def described(self, execution: Execution, fields: tuple[Field, ...]) -> None:
        """The columns of this execution were announced in its own answer."""

    def rows(self, execution: Execution, buffer: bytes, start: int, end: int) -> int:
        """Take whole DataRow frames from `start`; return the offset after the last taken.

        `start` to be asked later; STOPPED (guarded sessions) when the row at `start` must not be shown.
        """

    def cut_row(self, execution: Execution, head: bytes) -> None:
        """A DataRow too long to keep: its head."""

    def copy_out(self, execution: Execution) -> bool:
        """CopyOutResponse. False: not ready, ask again later."""

    def copy_data(self, execution: Execution, buffer: bytes, start: int, end: int, *, outbound: bool) -> bool | None:
        """The body of one CopyData message, either way. False (guarded, outbound): it must not be shown."""

    def suspended(self, execution: Execution) -> None:
        """The row limit of an Execute was reached."""

    def closed(self, execution: Execution) -> None:
        """A suspended portal was closed: its execution is over."""

    def completed(self, execution: Execution, tag: bytes) -> None:
        """CommandComplete, or EmptyQueryResponse with an empty tag."""

    def failed(self, execution: Execution | None, state: str) -> None:
        """ErrorResponse; None when no execution was running."""

    def skipped(self, execution: Execution) -> None:
        """An execution will not be answered: one before it failed."""

    def sync_skipped(self) -> None:
        """The end of a batch that was told will not be answered: its Query was skipped."""

    def ready(self, status: int) -> None:
        """ReadyForQuery with its transaction status byte."""

    def reported(self, name: bytes, value: bytes) -> None:
        """ParameterStatus: a setting that the server reports, as it reported it."""

    def quick_sent(self, statement: Statement) -> int:
        """May this execution take the short way? Its instant, 0 for no. Asked only when nothing else is under way.

        A yes stands for `sent`: what would be refused, or needs a trace before the server sees it, must get a no.
        """

    def quick_done(self, statement: Statement, bind: bytes, at: int, rows: int, rows_bytes: int) -> bool:
        """An execution that took the short way ended well. False: tell it again, the long way."""
