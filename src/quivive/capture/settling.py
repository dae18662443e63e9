"""Changes wait for their transaction: committed, or rolled back and then only `attempted` (issue 2, capture).

Used by `recorder`, one per connection. Pure. Must never keep a change open beyond its transaction.
"""

from collections.abc import Callable
from typing import Final

from quivive.capture.run import Run
from quivive.model.access import Outcome
from quivive.wire.sql import Verb

MAX_UNSETTLED: Final = 4_096
"""Changes of one transaction that wait for its end; the oldest beyond it are settled as done."""
MAX_PREPARED: Final = 1_024
"""Prepared transactions whose end is awaited; the oldest beyond it is taken as done."""
_IDLE: Final = 0x49  # 'I'


Prepared = dict[str, tuple[Callable[[Run, Outcome], None], list[Run]]]
"""Changes of prepared transactions by name, shared by all connections: any may commit them."""


class Settling:
    """Follows the transaction of one connection through verbs, errors and ReadyForQuery."""

    def __init__(self, finish: Callable[[Run, Outcome], None], prepared: Prepared | None = None) -> None:
        self._finish = finish
        self._prepared: Prepared = {} if prepared is None else prepared
        self._waiting: list[Run] = []
        self._shown = 0  # runs of `_waiting` that have their first part
        self._savepoints: list[tuple[str, int]] = []
        self._error = False

    def add(self, run: Run) -> None:
        """A change was made; its fate is open."""
        self._waiting.append(run)
        if len(self._waiting) > MAX_UNSETTLED:
            self._settle(0, 1, Outcome.OK)

    def failed(self) -> None:
        """An error ends the batch: an implicit transaction is rolled back."""
        self._error = True

    def verb(self, verb: Verb, name: str, tag: bytes) -> None:
        """A transaction statement was completed; COMMIT of a failed block answers with the tag ROLLBACK."""
        if verb is Verb.SAVEPOINT:
            self._savepoints.append((name, len(self._waiting)))
        elif verb is Verb.ROLLBACK_TO:
            self._back_to(name)
        elif verb in (Verb.COMMIT, Verb.COMMIT_CHAIN):
            self._all(Outcome.ATTEMPTED if tag == b"ROLLBACK" else Outcome.OK)
        elif verb in (Verb.ROLLBACK, Verb.ROLLBACK_CHAIN):
            self._all(Outcome.ATTEMPTED)
        elif verb is Verb.PREPARE:
            self._prepare(name, tag)
        elif verb in (Verb.COMMIT_PREPARED, Verb.ROLLBACK_PREPARED):
            self._end(name, Outcome.OK if verb is Verb.COMMIT_PREPARED else Outcome.ATTEMPTED)

    @property
    def waiting(self) -> tuple[Run, ...]:
        """Changes whose transaction goes on."""
        return tuple(self._waiting)

    def _prepare(self, name: str, tag: bytes) -> None:
        """The session leaves its transaction, whose end may come from any other."""
        if tag == b"ROLLBACK":
            self._all(Outcome.ATTEMPTED)
            return
        if len(self._prepared) >= MAX_PREPARED:
            self._end(next(iter(self._prepared)), Outcome.OK)
        self._prepared[name] = (self._finish, self._waiting)
        self._waiting, self._shown = [], 0
        self._savepoints.clear()

    def _end(self, name: str, outcome: Outcome) -> None:
        found = self._prepared.pop(name, None)
        if found is not None:
            finish, runs = found
            for run in runs:
                finish(run, outcome)

    def _back_to(self, name: str) -> None:
        for position in range(len(self._savepoints) - 1, -1, -1):
            if self._savepoints[position][0] == name:
                del self._savepoints[position + 1 :]
                self._settle(self._savepoints[position][1], len(self._waiting), Outcome.ATTEMPTED)
                return

    def ready(self, status: int) -> list[Run]:
        """A batch ended. Returns the changes that must show a first part, as their transaction goes on."""
        error, self._error = self._error, False
        if not self._waiting:
            if status == _IDLE:
                self._savepoints.clear()
            return []
        if status == _IDLE:
            self._all(Outcome.ATTEMPTED if error else Outcome.OK)
            return []
        fresh = self._waiting[self._shown :]
        self._shown = len(self._waiting)
        return fresh

    def lost(self) -> None:
        """The connection died with its transaction open: the server rolls it back."""
        self._all(Outcome.ATTEMPTED)

    def _all(self, outcome: Outcome) -> None:
        self._settle(0, len(self._waiting), outcome)
        self._savepoints.clear()

    def _settle(self, start: int, stop: int, outcome: Outcome) -> None:
        settled = self._waiting[start:stop]
        del self._waiting[start:stop]
        self._shown = min(max(0, self._shown - len(settled)) if start == 0 else self._shown, len(self._waiting))
        self._savepoints = [(name, max(0, at - len(settled)) if start == 0 else at) for name, at in self._savepoints]
        for run in settled:
            self._finish(run, outcome)
