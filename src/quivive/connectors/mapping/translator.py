"""A mapping at work: records in, rows of the API or refusals out. Implements `connectors.model.Translator`.

Opened by the registry, one per source and life of a process (rows of one contact may come in several files).
Must never let the order of records change the final rows: versions come from the content, never from its place.
"""

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingOf
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from quivive.connectors.mapping.evaluate import Evaluation
from quivive.connectors.mapping.loader import SITE
from quivive.connectors.mapping.spec import Branch, Each, Items, Mapping, Node, Value, VersionRule
from quivive.connectors.model import CanonicalRow, Record, Refusal, RowKind
from quivive.rows import FieldError

MAX_GROUPS: Final = 50_000
"""Contacts or persons whose rows are kept to be joined (`merge`); the longest untouched are let go first."""
MAX_GROUP_ROWS: Final = 255
"""Rows of one contact: a call of so many legs is a loop."""
TIE_BITS: Final = 10
"""Low bits of a version: two rows of one id and instant that differ are ordered by content, the same in any order."""
VERSIONED: Final = frozenset(
    {RowKind.CONTACTS, RowKind.DIRECTORY, RowKind.ROSTER, RowKind.RECORDINGS, RowKind.LISTENINGS}
)
_EARLIEST: Final = frozenset(
    {"preview_at", "offered_at", "started_at", "opened_at", "assigned_at", "active_from", "from"}
)
_LATEST: Final = frozenset({"ended_at", "wrapped_at", "closed_at", "touched_at", "to"})
_JSON: Final = msgspec.json.Encoder(order="sorted")


class MappingTranslator:
    """Applies one mapping. `skipped`, `doubts` and `phones` (by state) count; they only grow."""

    def __init__(self, spec: Mapping, *, settings: MappingOf[str, str], site_zone: str, region: str = "FR") -> None:
        self.spec = spec
        zone = site_zone if spec.timezone == SITE else spec.timezone
        self._evaluation = Evaluation(spec, settings, ZoneInfo(zone) if zone else None, region)
        self._groups: OrderedDict[str, dict[bytes, tuple[dict[str, Any], int]]] = OrderedDict()
        self._complete_to = 0
        self.skipped: Counter[str] = Counter()
        self.doubts: Counter[str] = Counter()
        self.phones: Counter[str] = Counter()

    def feed(self, records: Iterable[Record], now: int) -> Iterator[CanonicalRow | Refusal]:
        """Translate records; with `merge`, contacts whose rows were joined come last."""
        changed: dict[str, int] = {}
        for record in records:
            made = self._record(record, now)
            if made is None:
                continue
            if isinstance(made, CanonicalRow) and self.spec.merge:
                identifier = str(made.value.get("id", ""))
                changed[identifier] = record.number
                self._join(identifier, made.value)
                continue
            yield made
        for identifier, number in changed.items():
            yield CanonicalRow(kind=self.spec.kind, number=number, value=self._merged(identifier))

    def close(self, now: int) -> Iterator[CanonicalRow | Refusal]:
        """Nothing is held back: every row was given when it came."""
        del now
        return iter(())

    def complete_to(self) -> int:
        """Latest instant of what was fed, never ahead of the clock it was fed with."""
        return self._complete_to

    def _record(self, record: Record, now: int) -> CanonicalRow | Refusal | None:
        evaluation = self._evaluation
        try:
            for condition in self.spec.when:
                if not evaluation.holds(condition, record.fields):
                    self.skipped[condition.reason] += 1
                    return None
            value = evaluation.row(record.fields)
        except FieldError as error:
            return Refusal(number=record.number, field=error.field, expected=error.expected, found=error.found)
        self.doubts.update(set(evaluation.doubts))
        self.phones.update(evaluation.phones)
        past = [at for at in evaluation.instants if at <= now]
        self._complete_to = max(self._complete_to, *past) if past else self._complete_to
        if self.spec.kind in VERSIONED and "version" not in value:
            latest = evaluation.latest if self.spec.version is VersionRule.LATEST_INSTANT else now
            value["version"] = (latest // 1_000 << TIE_BITS) | _tie(value)
        return CanonicalRow(kind=self.spec.kind, number=record.number, value=value)

    def _join(self, identifier: str, value: dict[str, Any]) -> None:
        rows = self._groups.setdefault(identifier, {})
        self._groups.move_to_end(identifier)
        if len(rows) < MAX_GROUP_ROWS:
            rows[_JSON.encode({**value, "version": 0})] = (value, int(value.get("version", 0)))
        while len(self._groups) > MAX_GROUPS:
            self._groups.popitem(last=False)

    def _merged(self, identifier: str) -> dict[str, Any]:
        """One row of all the rows of an id: more rows, a higher version, whatever order they came in."""
        rows = self._groups[identifier]
        encoded = sorted(rows, key=lambda each: (rows[each][1] >> TIE_BITS, each))
        merged = dict(rows[encoded[-1]][0])
        for name in self.spec.merge:
            arrays = [found for each in encoded if isinstance(found := rows[each][0].get(name), list)]
            items = {_JSON.encode(item): item for array in arrays for item in array}
            if items:
                merged[name] = [items[key] for key in sorted(items)]
        for name in _EARLIEST | _LATEST:
            instants = [rows[each][0][name] for each in encoded if name in rows[each][0]]
            if instants:
                merged[name] = min(instants) if name in _EARLIEST else max(instants)
        if self.spec.version is not VersionRule.VALUE:
            merged["version"] = max(version >> TIE_BITS for _, version in rows.values()) << TIE_BITS | len(rows)
        return merged

    def column_of(self, path: str) -> str:
        """Column behind a field of the API (`$.legs[0].agent`), or the field itself when none stands behind it."""
        steps = [step.partition("[")[0] for step in path.removeprefix("$").lstrip(".").split(".") if step]
        return _column(self.spec.fields, steps) or path.removeprefix("$.")


def _tie(value: dict[str, Any]) -> int:
    digest = hashlib.sha256(_JSON.encode(value)).digest()
    return int.from_bytes(digest[:2], "big") & ((1 << TIE_BITS) - 1)


def _column(node: Node | None, steps: list[str]) -> str:
    if isinstance(node, Value):
        below = (node.day, *node.first_of, *node.join, *node.digest)
        return node.column or next((name for each in below if each is not None and (name := _column(each, []))), "")
    if isinstance(node, Branch):
        return _column(node.fields.get(steps[0]), steps[1:]) if steps else ""
    if isinstance(node, Items):
        return next((name for each in node.nodes if (name := _column(each, steps))), "")
    if isinstance(node, Each):
        return _column(node.node, steps)
    return ""
