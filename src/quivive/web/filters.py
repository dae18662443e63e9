"""Filters of a list, kept in the URL: a permalink gives another reader with the same rights the same rows.

Read by the Activity routes and templates. Pure. Must never let a free text through: values come from closed
sets or the controllers of the installation, so that no person or record can stand in a URL.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode

from quivive.model.access import Action
from quivive.model.errors import RefusedError
from quivive.model.ids import CONTROLLER_ID_PATTERN
from quivive.model.verdict import Verdict
from quivive.web.reading import Period
from quivive.web.rows import Row

FIELDS: Final = ("controller", "action", "verdict")
_CLOSED: Final[dict[str, type[StrEnum]]] = {"action": Action, "verdict": Verdict}
MAX_CURSOR_DIGITS: Final = 17
"""Digits of a cursor: microseconds until the year 5138."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the URL says. A value led by `-` excludes; "" does not filter. `before` is the pager's cursor."""

    controller: str
    action: str
    verdict: str
    period: Period
    before: int

    @property
    def controller_asked(self) -> str:
        """The one controller asked for, "" when all or when one is excluded."""
        return "" if self.controller.startswith("-") else self.controller

    def keeps(self, row: Row) -> bool:
        """Tell whether the exclusions let a row through (inclusions are the query's)."""
        pairs = ((self.controller, row.controller), (self.action, row.action), (self.verdict, row.verdict))
        return not any(value == f"-{found}" for value, found in pairs)

    def included(self) -> dict[str, str]:
        """The filters that the query applies itself."""
        return {name: value for name, value in self.pairs().items() if not value.startswith("-")}

    def excludes(self) -> bool:
        """Tell whether some filter excludes."""
        return any(value.startswith("-") for value in self.pairs().values())

    def pairs(self) -> dict[str, str]:
        """The filters that are set."""
        values = {"controller": self.controller, "action": self.action, "verdict": self.verdict}
        return {name: value for name, value in values.items() if value}

    def with_value(self, field: str, value: str) -> "Filters":
        """The same list with one filter set, from its first page."""
        changed = {"controller": self.controller, "action": self.action, "verdict": self.verdict, field: value}
        return replace(
            self,
            controller=changed["controller"],
            action=changed["action"],
            verdict=changed["verdict"],
            before=0,
        )

    def query(self, **more: object) -> str:
        """The query string of this list."""
        pairs: dict[str, object] = {**self.pairs(), "period": self.period}
        if self.before:
            pairs["before"] = self.before
        return urlencode({**pairs, **{key: value for key, value in more.items() if value not in ("", None)}})


def read_filters(given: Mapping[str, str]) -> Filters:
    """Read the filters of a URL.

    Raises:
        RefusedError: `filter_invalid`, without the value.
    """
    values = {field: _value(field, given.get(field, "")) for field in FIELDS}
    try:
        period = Period(given.get("period", "") or Period.DAY)
    except ValueError:
        raise RefusedError("filter_invalid", "period") from None
    return Filters(
        controller=values["controller"],
        action=values["action"],
        verdict=values["verdict"],
        period=period,
        before=read_cursor(given.get("before", "")),
    )


def read_cursor(text: str) -> int:
    """Read the cursor of a pager; 0 = first page.

    Raises:
        RefusedError: `filter_invalid`.
    """
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_CURSOR_DIGITS):
        raise RefusedError("filter_invalid", "before")
    return int(text)


def _value(field: str, text: str) -> str:
    bare = text.removeprefix("-")
    if not bare:
        return ""
    closed = _CLOSED.get(field)
    known = bare in {member.value for member in closed} if closed else bool(CONTROLLER_ID_PATTERN.fullmatch(bare))
    if not known:
        raise RefusedError("filter_invalid", field)
    return text
