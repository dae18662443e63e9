"""Applies the nodes of a mapping to one record. Pure.

Called by `mapping.translator`, one `Evaluation` per record. Must never put a value into an error: the column as the
file names it, what was expected, the type found.
"""

import re
from collections.abc import Mapping as MappingOf
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from typing import Any, Final
from zoneinfo import ZoneInfo

from quivive.connectors.mapping.instants import is_zero_date, locate, read_duration, read_moment, read_time
from quivive.connectors.mapping.spec import UNSET, Branch, Condition, Each, Items, Mapping, Node, Unit, Value
from quivive.model.clock import Micros, to_rfc3339
from quivive.privacy.phone import read_phone
from quivive.rows import MAX_ITEMS, FieldError, type_name

MAX_MATCHED: Final = 4_096
"""Characters of a text given to a pattern; a URL is shorter."""
FUTURE: Final = frozenset({"due_at", "consent_expires_at", "active_to", "valid_to", "active_from", "valid_from"})
"""Fields that tell nothing of how far a feed has come."""
CUT_PHONE: Final = "phone number cut by a spreadsheet (1.23E+11)"
UNDECODED: Final = "text in the encoding of the file"
_CUT: Final = re.compile(r"\d(?:[.,]\d+)?E\+?\d+", re.ASCII | re.IGNORECASE)
_INTEGER: Final = re.compile(r"-?\d{1,18}", re.ASCII)
_SPACES: Final = "\u00a0\u202f\u2007\ufeff \t\r\n"


class Evaluation:
    """One record under a mapping. Gathers its instants, doubts, and whether anything came from the record."""

    def __init__(self, spec: Mapping, settings: MappingOf[str, str], zone: ZoneInfo | None, region: str) -> None:
        self._spec, self._settings, self._zone, self._region = spec, settings, zone, region
        self._fields: MappingOf[str, Any] = {}
        self._root: MappingOf[str, Any] = {}
        self._siblings: list[dict[str, int]] = []
        self._floor = 0
        self.latest = 0
        self.instants: list[int] = []
        self.doubts: list[str] = []
        self.phones: list[str] = []

    def row(self, fields: MappingOf[str, Any]) -> dict[str, Any]:
        """Build the row of one record.

        Raises:
            FieldError: a value cannot be what the mapping says; `field` is the file's column.
        """
        self._fields = self._root = fields
        self._siblings, self._floor, self.latest, self.instants = [], 0, 0, []
        self.doubts, self.phones = [], []
        value, _ = self._branch(self._spec.fields)
        for name, default in self._spec.defaults.items():
            value.setdefault(name, default)
        return value

    def holds(self, condition: Condition, fields: MappingOf[str, Any] | None = None) -> bool:
        """Tell whether a record passes a condition."""
        if fields is not None:
            self._fields = self._root = fields
        found = self._column(condition.column)
        if condition.present is not None:
            return (found is not None) == condition.present
        text = "" if found is None else self._text(found, condition.column)
        if condition.matches is not None:
            return condition.matches.search(text[:MAX_MATCHED]) is not None
        folded = text.casefold()
        return folded in condition.in_ if condition.in_ else folded not in condition.not_in

    def _node(self, node: Node, name: str) -> tuple[Any, bool]:
        """Evaluate a node: its value (None: absent) and whether it came from the record."""
        if isinstance(node, Value):
            value = self._value(node, name)
            return value, value is not None and not (node.constant is not None or node.setting)
        if isinstance(node, Branch):
            return self._branch(node)
        if isinstance(node, Items):
            return self._flat([self._node(item, name) for item in node.nodes])
        return self._each(node, name)

    def _branch(self, node: Branch) -> tuple[dict[str, Any], bool]:
        found, informed = dict[str, Any](), False
        self._siblings.append({})
        for name, below in node.fields.items():
            value, told = self._node(below, name)
            if value is not None:
                found[name] = value
            informed = informed or told
        self._siblings.pop()
        return found, informed

    def _each(self, node: Each, name: str) -> tuple[Any, bool]:
        items = self._column(node.path)
        if items is None:
            return None, False
        if not isinstance(items, list) or len(items) > MAX_ITEMS:
            raise FieldError(node.path, f"an array of at most {MAX_ITEMS} items", type_name(items))
        outer, found = self._fields, []
        try:
            for item in items:
                self._fields = item if isinstance(item, dict) else {"item": item}
                if all(self.holds(condition) for condition in node.where):
                    found.append(self._node(node.node, name))
        finally:
            self._fields = outer
        return self._flat(found)

    @staticmethod
    def _flat(found: list[tuple[Any, bool]]) -> tuple[list[Any] | None, bool]:
        """Keep the items that hold something of the record; a list of texts is spread."""
        kept: list[Any] = []
        for value, told in found:
            if value is None or (isinstance(value, dict) and not told):
                continue
            kept.extend(value if isinstance(value, list) else [value])
        return kept or None, any(told for _, told in found)

    def _value(self, leaf: Value, name: str) -> Any:
        if leaf.constant is not None:
            return leaf.constant
        if leaf.setting:
            return self._settings.get(leaf.setting) or None
        try:
            found = self._dated(leaf, name) if leaf.date else self._plain(leaf)
        except OverflowError:  # beyond the years a calendar holds
            raise FieldError(self._name(leaf), "a date between 1970 and 9999", "another date") from None
        return leaf.default if found is None else found

    def _source(self, leaf: Value) -> Any:
        if leaf.column:
            return self._column(leaf.column)
        if leaf.first_of:
            return next((found for each in leaf.first_of if (found := self._value(each, "")) is not None), None)
        parts = [self._value(each, "") for each in leaf.join or leaf.digest]
        if leaf.digest:
            if all(part is None for part in parts):
                return None
            text = "\x1f".join("" if part is None else self._text(part, self._name(leaf)) for part in parts)
            return sha256(text.encode()).hexdigest()
        if any(part is None for part in parts):
            return None
        return leaf.with_.join(self._text(part, self._name(leaf)) for part in parts)

    def _raw(self, leaf: Value) -> Any:
        """What a date is read from: a spreadsheet's own date untouched, unless the mapping cuts a text first."""
        cut = leaf.strip_prefix or leaf.regex is not None or leaf.case or leaf.prefix
        return self._plain(leaf) if cut else self._source(leaf)

    def _plain(self, leaf: Value) -> Any:
        raw = self._source(leaf)
        if raw is None:
            return None
        column = self._name(leaf)
        if leaf.split or isinstance(raw, list):
            items = raw if isinstance(raw, list) else self._text(raw, column).split(leaf.split)
            found = [self._step(leaf, item, column) for each in items if (item := self._clean(each)) is not None]
            return [item for item in found if item is not None] or None
        return self._step(leaf, raw, column)

    def _step(self, leaf: Value, raw: Any, column: str) -> Any:
        text = self._cut(leaf, self._text(raw, column))
        if text is None:
            return None
        if leaf.choice is not None:
            return self._chosen(leaf, text, column)
        if leaf.phone:
            if _CUT.fullmatch(text):
                self.doubts.append(CUT_PHONE)
                return None
            self.phones.append(read_phone(text, self._region).state)
        if leaf.integer:
            if not _INTEGER.fullmatch(text):
                raise FieldError(column, "a whole number", type_name(raw))
            return int(text)
        return leaf.prefix + text

    def _cut(self, leaf: Value, text: str) -> str | None:
        """Take the part of a text that the mapping means; None when nothing is left."""
        for prefix in leaf.strip_prefix:
            if text.startswith(prefix):
                text = text[len(prefix) :]
                break
        if leaf.regex is not None:
            match = leaf.regex.search(text[:MAX_MATCHED])
            text = "" if match is None else match[leaf.regex.groups] or ""
        text = {"lower": text.lower, "upper": text.upper}.get(leaf.case, text.strip)()
        return None if not text or text in self._spec.absent else text

    @staticmethod
    def _chosen(leaf: Value, text: str, column: str) -> Any:
        assert leaf.choice is not None
        found = leaf.choice.get(text.casefold(), leaf.otherwise)
        if found is UNSET:
            raise FieldError(column, "one of " + ", ".join(leaf.choice), "another word")
        return found

    def _dated(self, leaf: Value, name: str) -> Any:
        column = self._name(leaf)
        moment = self._day_and_time(leaf, column) if leaf.day is not None else self._moment(leaf, column)
        if moment is None:
            return None
        if leaf.plus is not None:
            added = self._raw(leaf.plus)
            if added is None:
                return None
            duration = read_duration(added, leaf.plus.unit or Unit.SECONDS)
            if duration is None:
                raise FieldError(self._name(leaf.plus), "a duration of at most 31 days", type_name(added))
        at = self._locate(leaf, moment, column)
        if leaf.after and at <= self._siblings[-1].get(leaf.after, 0):
            at = self._locate(leaf, moment + timedelta(days=1), column)  # local days: a shift past midnight
        if leaf.plus is not None and duration is not None:
            at += duration // timedelta(microseconds=1)
        self._note(name, at)
        return to_rfc3339(Micros(at))

    def _moment(self, leaf: Value, column: str) -> datetime | None:
        raw = self._raw(leaf)
        if raw is None or (isinstance(raw, str) and is_zero_date(raw)):
            return None
        moment = read_moment(raw, leaf.date)
        if moment is None:
            raise FieldError(column, "a date as " + " or ".join(leaf.date), type_name(raw))
        return moment

    def _day_and_time(self, leaf: Value, column: str) -> datetime | None:
        assert leaf.day is not None
        assert leaf.time is not None
        day, clock = self._raw(leaf.day), self._raw(leaf.time)
        if day is None or clock is None:
            return None
        moment, since = read_moment(day, leaf.day.date or leaf.date), read_time(clock)
        if moment is None:
            raise FieldError(column, "a day as " + " or ".join(leaf.day.date or leaf.date), type_name(day))
        if since is None:
            raise FieldError(self._name(leaf.time), "a time of day, for example 22:30", type_name(clock))
        return moment.replace(hour=0, minute=0, second=0, microsecond=0) + since

    def _locate(self, leaf: Value, moment: datetime, column: str) -> int:
        zone = ZoneInfo(leaf.zone) if leaf.zone else self._zone
        if zone is None and moment.tzinfo is None:
            raise FieldError(column, "a time with its offset, or a `timezone` in the mapping", "a local time")
        try:
            found = locate(moment, zone or ZoneInfo("UTC"), self._spec.ambiguous, self._floor)
        except OverflowError:
            found = None
        if found is None or found.at < 0:
            raise FieldError(column, "a local time that exists once", "another time")
        if found.doubt:
            self.doubts.append(found.doubt)
        return found.at

    def _note(self, name: str, at: int) -> None:
        self._siblings[-1][name] = at
        self._floor = max(self._floor, at)
        if name not in FUTURE:
            self.latest = max(self.latest, at)
            self.instants.append(at)

    def _column(self, name: str) -> Any:
        if name.startswith("$."):
            return self._clean(_found(self._root, name[2:]))
        return self._clean(_found(self._fields, name))

    def _clean(self, raw: Any) -> Any:
        """None for what this site writes where there is nothing; 3.0 of a spreadsheet is 3."""
        if isinstance(raw, str):
            text = raw.strip(_SPACES)
            return None if text in self._spec.absent else text
        if isinstance(raw, float):
            return int(raw) if raw.is_integer() and abs(raw) < 2**53 else None if raw != raw else raw  # noqa: PLR0124
        return raw

    @staticmethod
    def _text(raw: Any, column: str) -> str:
        if isinstance(raw, str):
            if any("\ud800" <= letter <= "\udfff" for letter in raw) if not raw.isascii() else False:
                raise FieldError(column, UNDECODED, "other bytes")
            return raw
        if isinstance(raw, bool):
            return "true" if raw else "false"
        if isinstance(raw, (int, float)):
            return str(raw)
        if isinstance(raw, (datetime, date, time, timedelta)):
            return raw.isoformat(" ") if isinstance(raw, datetime) else str(raw)
        raise FieldError(column, "a text or a number", type_name(raw))

    def _name(self, leaf: Value) -> str:
        """Name of the first column behind a leaf, as the file names it."""
        if leaf.column:
            return leaf.column
        for below in (leaf.day, *leaf.first_of, *leaf.join, *leaf.digest):
            if below is not None and (name := self._name(below)):
                return name
        return ""


def _found(fields: MappingOf[str, Any], path: str) -> Any:
    """A column by its exact name, or by a path through objects and arrays."""
    if path in fields:
        return fields[path]
    found: Any = fields
    for step in path.split("."):
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and step.isdigit():
            found = found[int(step)] if int(step) < len(found) else None
        else:
            return None
    return found
