"""Blast radius: the controller's own keys against what a case's person was shown (law reference D-10, P-08).

Called by `core.resolve_commands`. Works on pseudonyms only. Must never keep a plain key, nor say that a record was
untouched when the trace cannot tell: what has no key, and what nobody's key matches, is counted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from quivive.cases import reader
from quivive.cases.view import CaseView
from quivive.model.errors import RefusedError
from quivive.projection.projection import Projection
from quivive.projection.query import MAX_ROWS, Scope

MAX_RECORDS: Final = 500_000
"""Records of one case held in memory (about 200 MB); a longer stretch is resolved in shorter cases."""
_KEYED: Final = frozenset({"exact", "alternate", "predicate"})
"""Coverage classes whose records carry keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRecord:
    """One record as it was shown. `unexplained` of the accesses; instants in microseconds UTC."""

    table: str
    accesses: int
    unexplained: int
    first_at: int
    last_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownKind:
    """Accesses of one kind: what they showed, and whether their records carry keys."""

    action: str
    coverage: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    accesses: int
    rows: int


class Radius:
    """What a case's person was shown, and which of it was found in the controller's list."""

    def __init__(self, shown: Mapping[str, ShownRecord], kinds: Iterable[ShownKind]) -> None:
        self._shown, self._kinds = shown, tuple(kinds)
        self._found: set[str] = set()

    @property
    def records(self) -> int:
        """Distinct records shown."""
        return len(self._shown)

    def match(self, key: str) -> ShownRecord | None:
        """The record of one pseudonym, None when it was not shown."""
        found = self._shown.get(key)
        if found is not None:
            self._found.add(key)
        return found

    def summary(self) -> dict[str, Any]:
        """Counts and categories; no key, no person."""
        shown = self._shown
        missing = Counter(record.table for key, record in shown.items() if key not in self._found)
        unkeyed = [kind for kind in self._kinds if kind.coverage not in _KEYED]
        return {
            "records": len(shown),
            "records_unexplained": sum(bool(record.unexplained) for record in shown.values()),
            "resolved": len(self._found),
            "unresolved": len(shown) - len(self._found),
            "unresolved_by_table": dict(sorted(missing.items())),
            "accesses": sum(kind.accesses for kind in self._kinds),
            "accesses_without_keys": sum(kind.accesses for kind in unkeyed),
            "rows_without_keys": sum(kind.rows for kind in unkeyed),
            "actions": dict(sorted(_sum((kind.action, kind.accesses) for kind in self._kinds).items())),
            "tables": sorted({table for kind in self._kinds for table in kind.tables}),
            "columns": sorted({column for kind in self._kinds for column in kind.columns}),
            "first_at": min((record.first_at for record in shown.values()), default=0),
            "last_at": max((record.last_at for record in shown.values()), default=0),
        }


def read_radius(projection: Projection, view: CaseView) -> Radius:
    """Read what the case's person was shown in its stretch.

    Raises:
        RefusedError: `case_nobody` (the case concerns nobody), `resolve_too_long` (more than MAX_RECORDS).
    """
    person = reader.find_person(projection, view.opened.case)
    if person is None or not person.ident:
        raise RefusedError("case_nobody")
    scope = Scope(
        controllers=(view.opened.controller,),
        from_at=view.opened.from_at,
        to_at=view.opened.to_at + 1,
        purpose=reader.PURPOSE,
        principal=reader.OFFICE,
    )
    shown: dict[str, ShownRecord] = {}
    params: dict[str, object] = {"person": person.ident, "limit": MAX_ROWS}
    while rows := projection.query(scope, "shown_to", params):
        for row in rows:
            shown[str(row["key"])] = ShownRecord(
                table=str(row["record_table"]),
                accesses=_int(row["accesses"]),
                unexplained=_int(row["unexplained"]),
                first_at=_int(row["first_at"]),
                last_at=_int(row["last_at"]),
            )
        if len(shown) > MAX_RECORDS:
            raise RefusedError("resolve_too_long", f"at most {MAX_RECORDS} records at once")
        if len(rows) < MAX_ROWS:
            break
        params["after"] = str(rows[-1]["key"])
    kinds = projection.query(scope, "shown_kinds", {"person": person.ident, "limit": MAX_ROWS})
    return Radius(shown, (_kind(row) for row in kinds))


def _kind(row: Mapping[str, Any]) -> ShownKind:
    return ShownKind(
        action=str(row["action"]),
        coverage=str(row["coverage"]),
        tables=row["tables"],
        columns=row["columns"],
        accesses=_int(row["accesses"]),
        rows=_int(row["shown_rows"]),
    )


def _sum(pairs: Iterable[tuple[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for name, count in pairs:
        total[name] += count
    return total


def _int(value: object) -> int:
    return int(str(value or 0))
