"""The parts of a mapping, as the loader checked them and the translator applies them.

Built by `mapping.loader` from YAML (docs/connectors.md explains every key). Plain facts: nothing here reads a
file, a clock or a value.
"""

import re
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from quivive.connectors.model import RowKind
from quivive.connectors.reading.model import Format
from quivive.model.access import Grade

UNSET: Final = object()
"""No `otherwise` was given: a word outside the choice table refuses the row."""
DEFAULT_ABSENT: Final = frozenset({"", "NULL", "null", "\\N", "-", "N/A", "#N/A"})
"""Texts that exports write where there is nothing."""


class Ambiguous(StrEnum):
    """What an hour that a clock shows twice means, in the night summer time ends."""

    EARLIER = "earlier"
    LATER = "later"
    REFUSE = "refuse"


class VersionRule(StrEnum):
    """Where the version of a row comes from when the source numbers none."""

    LATEST_INSTANT = "latest_instant"
    RECEIVED = "received"
    VALUE = "value"


class CompleteRule(StrEnum):
    """Up to when a file says everything: its latest instant, or the instant it was written."""

    LATEST_INSTANT = "latest_instant"
    FILE_TIME = "file_time"


class Unit(StrEnum):
    """Unit of a duration. `clock` is h:mm:ss or m:ss."""

    CLOCK = "clock"
    HOURS = "h"
    MINUTES = "min"
    SECONDS = "s"
    MILLISECONDS = "ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One leaf: exactly one source, then steps in this order, then `default` where nothing came.

    Sources: column, constant, setting, join, first_of, digest, day with time.
    """

    column: str = ""
    constant: Any = None
    setting: str = ""
    join: tuple["Value", ...] = ()
    with_: str = ""
    first_of: tuple["Value", ...] = ()
    digest: tuple["Value", ...] = ()
    day: "Value | None" = None
    time: "Value | None" = None
    strip_prefix: tuple[str, ...] = ()
    regex: re.Pattern[str] | None = None
    case: str = ""
    choice: MappingOf[str, Any] | None = None
    otherwise: Any = UNSET
    split: str = ""
    prefix: str = ""
    phone: bool = False
    integer: bool = False
    date: tuple[str, ...] = ()
    zone: str = ""
    plus: "Value | None" = None
    unit: Unit | None = None
    after: str = ""
    default: Any = None
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A test of one column. A record that fails it is skipped and counted under `reason`."""

    column: str
    in_: frozenset[str] = frozenset()
    not_in: frozenset[str] = frozenset()
    present: bool | None = None
    matches: re.Pattern[str] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """An object: canonical field to node."""

    fields: MappingOf[str, "Node"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """An array of given nodes; those that come out empty are left out."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Each:
    """An array with one node per item of an array of the record. Paths are the item's; `$.x` is the record's."""

    path: str
    where: tuple[Condition, ...]
    node: "Node"


Node = Value | Branch | Items | Each


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """One mapping. `timezone` of naive times: a zone, "site" (the operator's) or "" (naive times are refused).

    `grade`: the best the log itself deserves. `lateness_s`: how late such a feed comes, 0 when it says nothing.
    """

    name: str
    kind: RowKind
    title: MappingOf[str, str]
    format: Format
    fields: Branch
    timezone: str = ""
    ambiguous: Ambiguous = Ambiguous.EARLIER
    absent: frozenset[str] = DEFAULT_ABSENT
    when: tuple[Condition, ...] = ()
    version: VersionRule = VersionRule.LATEST_INSTANT
    merge: tuple[str, ...] = ()
    complete_to: CompleteRule = CompleteRule.LATEST_INSTANT
    defaults: MappingOf[str, Any] = field(default_factory=dict)
    grade: Grade = Grade.A
    lateness_s: int = 0
    sample: str = ""
