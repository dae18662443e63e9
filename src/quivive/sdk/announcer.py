"""When the server must be told who acts: PostgreSQL reverts a session variable with the transaction that set it.

Used by `psycopg` and `django`, one per connection. Pure. Must never take a value for told that a rollback may have
taken back: in doubt it is told again, which costs one short statement.
"""

from typing import Final

from quivive.sdk.actor import Actor

TELL: Final = "select set_config('quivive.agent', %s, false), set_config('quivive.contact', %s, false)"
"""One statement, session level: it lives until it is told otherwise, or until its transaction is rolled back."""


class Announcer:
    """What one connection was told. `savepoints`: names of those open, outermost first."""

    __slots__ = ("_at", "_inside", "_outside")

    def __init__(self) -> None:
        self._outside: Actor | None = None  # what holds whatever becomes of the open transaction
        self._inside: Actor | None = None  # told in the open transaction, under the savepoints `_at`
        self._at: tuple[str, ...] = ()

    def due(self, actor: Actor, *, in_transaction: bool, savepoints: tuple[str, ...] = ()) -> bool:
        """Tell whether the actor must be told before the next statement.

        `in_transaction`: one is open already; when the next statement opens it, it is not.
        """
        if not in_transaction or savepoints[: len(self._at)] != self._at:
            self._inside, self._at = None, ()  # the transaction or a savepoint ended: perhaps taken back
        known = self._outside if self._inside is None else self._inside
        return known != actor

    def told(self, actor: Actor, *, in_transaction: bool, savepoints: tuple[str, ...] = ()) -> None:
        """Note what was told. `in_transaction`: telling it happened inside one."""
        if in_transaction:
            self._outside, self._inside, self._at = None, actor, savepoints
        else:
            self._outside, self._inside, self._at = actor, None, ()

    def forget(self) -> None:
        """Nothing is known any more."""
        self._outside, self._inside, self._at = None, None, ()
