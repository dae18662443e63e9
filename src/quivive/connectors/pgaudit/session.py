"""One session of the log: session variables, the statement under way, what of it was told already.

Called by `connectors.pgaudit.translator`. Pure. Must never carry an agent over a hole in the log: what was not seen
names nobody.
"""

from collections.abc import Sequence
from typing import Final

from quivive.capture.attribution import MAX_LOGIN, AttributionSettings
from quivive.capture.variables import Change, Variables, changes_of
from quivive.connectors.pgaudit.server_log import LogRecord
from quivive.wire.plan import StatementPlan, Verb
from quivive.wire.shape import Shaped

MAX_TOLD: Final = 4_096
"""Statements remembered inside one: a function may run thousands; beyond, a repeated line may be told twice."""
_PREVIOUS: Final = "<previously logged>"


class Session:
    """Follows one session, record by record."""

    __slots__ = (
        "_broken",
        "_failed_in",
        "_in_block",
        "_line",
        "_previous",
        "_run",
        "_settings",
        "_statement",
        "_told",
        "_transaction",
        "_variables",
        "made",
    )

    def __init__(self, settings: AttributionSettings, record: LogRecord) -> None:
        self._settings = settings
        self._line = record.line - 1
        self._transaction = ""
        self._in_block = False
        self._failed_in = False
        self._statement = 0
        self._told: set[tuple[str, str]] = set()
        self._previous: tuple[tuple[int, int], str, str] = ((0, 0), "", "")
        self._run: tuple[str, str, set[str]] = ("", "", set())
        self.made: set[str] = set()
        """Tables this session made from queries, temporary ones above all."""
        self._variables = self._fresh()
        self._broken = record.line > 1  # it began before this log did

    def _fresh(self) -> Variables:
        return Variables({self._settings.agent_variable.lower(), self._settings.contact_variable.lower()} - {""}, {})

    def _break(self) -> None:
        """From here on nobody knows who is named, until the next SET."""
        self._variables, self._broken, self._in_block = self._fresh(), True, False

    def saw(self, record: LogRecord) -> None:
        """Take note of any record: lines missing in between may have named another agent."""
        if record.line and record.line != self._line + 1:
            self._break()
        self._line = record.line or self._line
        if record.transaction and record.transaction != self._transaction:
            if self._transaction:
                self._variables.end_of_batch("I")
                self._in_block = False
            self._transaction, self._failed_in = record.transaction, False

    def failed(self) -> None:
        """A statement failed: PostgreSQL takes back what its transaction had set."""
        self._failed_in = self._in_block or bool(self._transaction)
        self._variables.apply(Change.abort())

    def begins(self, statement: int, substatement: int, text: str, given: str) -> tuple[str, str]:
        """Text and parameters of an audited line, those logged before included."""
        if self._failed_in:
            self._failed_in = False
            self._break()  # it goes on after an error: ROLLBACK TO, which pgAudit does not log
        if statement != self._statement:
            self._statement = statement
            self._told.clear()
            if not self._in_block and not self._transaction:
                self._variables.end_of_implicit()
        if text != _PREVIOUS:
            self._previous = ((statement, substatement), text, given)
            return text, given
        place, before, with_ = self._previous
        return (before, with_) if place == (statement, substatement) else ("", "")

    def effect(self, plan: StatementPlan, shaped: Shaped, binds: Sequence[bytes | None]) -> None:
        """Apply SET, set_config() and transaction verbs."""
        for change in changes_of(plan, shaped.slots, binds, self._variables.tracked):
            self._variables.apply(change)
            if change.name == self._settings.agent_variable.lower():
                self._broken = False
        if plan.verb in _OPENS:
            self._in_block = True
        elif plan.verb in _ENDS:
            self._in_block = False

    def first_time(self, text: str, given: str) -> bool:
        """Whether this statement, with these parameters, is new within the one under way."""
        key = (text, given)
        if key in self._told:
            return False
        if len(self._told) < MAX_TOLD:
            self._told.add(key)
        return True

    def repeated(self, text: str, command: str) -> bool:
        """Whether a text of several statements was told for this command, earlier in the same transaction."""
        if not self._transaction:
            return False
        if self._run[:2] != (self._transaction, text):
            self._run = (self._transaction, text, set())
        told = command in self._run[2]
        self._run[2].add(command)
        return told

    def variable(self, name: str) -> str | None:
        """Value of a variable, "" when unset, None when this log cannot tell."""
        if not name:
            return ""
        if self._broken:
            return None
        value = self._variables.get(name.lower()).strip()
        return value if len(value) <= MAX_LOGIN else ""


_OPENS: Final = frozenset({Verb.BEGIN, Verb.COMMIT_CHAIN, Verb.ROLLBACK_CHAIN})
_ENDS: Final = frozenset({Verb.COMMIT, Verb.ROLLBACK})
