"""Examples of a rule: small lists of events that must, or must not, satisfy it.

Called by `quivive rules check` and by the tests. Runs the very SQL that judges the real accesses, over invented rows.
Must never read a projection.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import yaml

from quivive.detection.rules.fields import FIELDS, Category, FieldType
from quivive.detection.rules.model import Rule
from quivive.detection.rules.run import rule_hits
from quivive.model.clock import DAY_US, SECOND_US
from quivive.model.errors import ConfigurationError

CONTROLLER: Final = "example"
EPOCH_US: Final = 1_780_272_000 * SECOND_US  # 2026-06-01T00:00:00Z: `at` counts seconds from here
_TYPES: Final = {FieldType.INTEGER: "BIGINT", FieldType.FLAG: "BOOLEAN"}
_DEFAULTS: Final[dict[str, Any]] = {
    "controller": CONTROLLER,
    "ident": "a1",
    "outcome": "ok",
    "rows": 1,
    "records": 1,
    "service": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One list of events and what is expected of it. `events` hold `view`, `at` (seconds) and fields."""

    topic: str
    title: str
    hit: bool
    events: tuple[Mapping[str, Any], ...]


def shipped_examples() -> tuple[Example, ...]:
    """Read the examples of the shipped pack, in the order of its files."""
    folder = files("quivive.detection").joinpath("rulepack", "tests")
    entries = sorted((each for each in folder.iterdir() if each.name.endswith(".yml")), key=lambda each: each.name)
    return tuple(example for each in entries for example in parse_examples(each.name, each.read_text(encoding="utf-8")))


def examples_beside(path: Path) -> tuple[Example, ...]:
    """Read the examples of a user's rule file: `tests/` beside it, under the same name."""
    beside = path.parent / "tests" / path.name
    return parse_examples(beside.name, beside.read_text(encoding="utf-8")) if beside.is_file() else ()


def parse_examples(file: str, text: str) -> tuple[Example, ...]:
    """Read one file of examples: `rule`, then `hits` and `misses`, each a title and events.

    Raises:
        ConfigurationError: file, key, expected, found.
    """
    raw = yaml.safe_load(text)
    if not isinstance(raw, dict) or set(raw) != {"rule", "hits", "misses"}:
        raise ConfigurationError(file=file, key="(file)", expected="rule, hits and misses", found="another form")
    found = []
    for key, hit in (("hits", True), ("misses", False)):
        for title, events in raw[key].items():
            for event in events:
                _check(file, f"{key}.{title}", event)
            found.append(Example(topic=str(raw["rule"]), title=str(title), hit=hit, events=tuple(events)))
    return tuple(found)


def _check(file: str, key: str, event: Any) -> None:
    if not isinstance(event, dict):
        raise ConfigurationError(file=file, key=key, expected="a mapping of fields", found=type(event).__name__)
    fields = FIELDS[Category(event.get("view", Category.ACCESS))]
    unknown = sorted(set(event) - {"view", "at", "times", "every"} - set(fields))
    if unknown:
        raise ConfigurationError(file=file, key=key, expected="fields of its view", found=unknown[0])


def satisfied(rule: Rule, events: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a list of events satisfies a rule, on an empty database of its own."""
    connection = duckdb.connect(":memory:", config={"threads": 1})
    try:
        fill(connection, [row for event in events for row in _repeated(event)])
        days = [(CONTROLLER, "20260601", EPOCH_US - 30 * DAY_US, EPOCH_US + 30 * DAY_US)]
        return bool(rule_hits(connection, [rule], days, from_at=EPOCH_US - 30 * DAY_US, to_at=EPOCH_US + 30 * DAY_US))
    finally:
        connection.close()


def _repeated(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """`times` events, `every` so many seconds; in a text `{n}` is the number of the repetition."""
    plain = {key: value for key, value in event.items() if key not in {"times", "every"}}
    for number in range(int(event.get("times", 1))):
        row = {
            key: value.replace("{n}", str(number)) if isinstance(value, str) else value for key, value in plain.items()
        }
        row["at"] = plain.get("at", 0) + number * event.get("every", 60)
        yield row


def fill(connection: duckdb.DuckDBPyConnection, events: Sequence[Mapping[str, Any]]) -> None:
    """Make the flat views from events given as mappings; fields not named have neutral values."""
    for category, fields in FIELDS.items():
        columns = ["event_at BIGINT", *(f"{name} {_TYPES.get(kind, 'VARCHAR')}" for name, kind in fields.items())]
        connection.execute(f"CREATE OR REPLACE TABLE {category}_enriched ({', '.join(columns)})")
        mine = [(number, e) for number, e in enumerate(events) if e.get("view", Category.ACCESS) == category]
        if not mine:
            continue
        names = ["event_at", *fields]
        rows = zip(*(_row(number, event, fields) for number, event in mine), strict=True)
        staged = {name: _array(column, fields.get(name)) for name, column in zip(names, rows, strict=True)}
        connection.register("staged_example", staged)
        connection.execute(f"INSERT INTO {category}_enriched SELECT {', '.join(names)} FROM staged_example")
        connection.unregister("staged_example")


def _array(column: Sequence[Any], kind: FieldType | None) -> Any:
    """Numbers and flags may be unknown: masked where they are."""
    if kind is not None and kind not in _TYPES:
        return np.array([*column, None], dtype=object)[:-1]
    missing = [value is None for value in column]
    plain = [value or 0 for value in column]
    dtype = np.bool_ if kind is FieldType.FLAG else np.int64
    return np.ma.masked_array(np.array(plain, dtype=dtype), mask=missing)


def _row(number: int, event: Mapping[str, Any], fields: Mapping[str, FieldType]) -> list[Any]:
    row: list[Any] = [EPOCH_US + int(event.get("at", 0) * SECOND_US)]
    for name, kind in fields.items():
        value = event.get(name, _DEFAULTS.get(name))
        if name == "access" and value is None:
            value = f"{number:032x}"
        if kind is FieldType.LIST:
            names = value if isinstance(value, list) else [value] if value else []
            value = f",{','.join(str(each).lower() for each in names)}," if names else ""
        elif value is None and kind not in _TYPES:
            value = ""
        row.append(value)
    return row
