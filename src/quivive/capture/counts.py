"""Statements that give no entry of their own, counted per shape and minute (DESIGN §6; all of them in dry, §11).

Called by the recorders of one relay process. Pure: time is an argument. Must never hold an agent, a session or a key.
"""

from collections.abc import Sequence
from typing import Final

from quivive.model.access import AccessCountBody, Action, CoverageClass
from quivive.model.clock import MINUTE_US

MAX_COUNTED: Final = 4_096
"""Counters kept before they are handed out early: about 1 MB."""


class Counter:
    """One shape within the current minute."""

    __slots__ = ("attributed", "rows", "statements", "wildcards")

    def __init__(self) -> None:
        self.statements = self.attributed = self.rows = self.wildcards = 0


CounterKey = tuple[str, Action, tuple[str, ...], CoverageClass, bool]


class Counts:
    """All counters of the minute that runs."""

    def __init__(self) -> None:
        self._minute_at = 0
        self._counters: dict[CounterKey, Counter] = {}
        self._finished: list[AccessCountBody] = []

    def add(
        self,
        now: int,
        *,
        shape: str,
        action: Action,
        tables: Sequence[str],
        coverage: CoverageClass,
        attributed: bool,
        rows: int,
        wildcards: int,
        dry: bool,
    ) -> None:
        """Count one statement."""
        if now - self._minute_at >= MINUTE_US:
            self._turn(now)
        key = (shape, action, tuple(tables), coverage, dry)
        counter = self._counters.get(key)
        if counter is None:
            if len(self._counters) >= MAX_COUNTED:
                self._turn(now)
            counter = self._counters[key] = Counter()
        counter.statements += 1
        counter.rows += rows
        counter.wildcards += wildcards
        if attributed:
            counter.attributed += 1

    def take(self, now: int) -> list[AccessCountBody]:
        """Hand out everything counted so far; the same minute may be handed out in several pieces, which add up."""
        self._turn(now)
        finished, self._finished = self._finished, []
        return finished

    def _turn(self, now: int) -> None:
        for (shape, action, tables, coverage, dry), counter in self._counters.items():
            self._finished.append(
                AccessCountBody(
                    minute_at=self._minute_at,
                    shape=shape,
                    action=action,
                    tables=tables,
                    coverage=coverage,
                    statements=counter.statements,
                    statements_attributed=counter.attributed,
                    rows=counter.rows,
                    wildcards=counter.wildcards,
                    dry=dry,
                )
            )
        self._counters = {}
        self._minute_at = now - now % MINUTE_US
