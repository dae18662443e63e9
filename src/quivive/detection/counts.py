"""Counts per agent, controller and local day, from final verdicts: the input of the residual (SQL edge).

Called by `daily` and by the benchmark. Counts live in memory for the length of one computation: must never
be stored, shown per agent, or hold a measure of work other than the contacts that a count is compared to.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import duckdb

from quivive.model.clock import SECOND_US
from quivive.model.gate import Module
from quivive.projection.projection import Projection
from quivive.projection.sealed import quoted_files
from quivive.projection.store import read_sql

RESIDUAL_MODULES: Final = (Module.ACCESS, Module.RESIDUAL)
"""Statistics name a person only where both are active (DESIGN §11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """One agent's day with one controller.

    Fields:
        ident: 32 hex digits, the person when known, else the account. day: local day `yyyymmdd`.
        group: peer group from wide to narrow, e.g. ("aurore", "call", "support", "settled"); no personal attribute.
        unexplained: distinct subjects opened with no reason at all, final (U).
        weak_excess: subjects beyond the first per unidentified call (W).
        self_made: subjects of self-made tickets and callbacks, of previews not dialled, of declared reasons (M).
        contacts: contacts handled, what the counts are compared to (calls, tickets, conversations…).
    """

    controller: str
    ident: str
    day: str
    group: tuple[str, ...]
    unexplained: int
    weak_excess: int
    contacts: int
    self_made: int = 0

    @property
    def together(self) -> int:
        """U + W: who hides in unidentified calls shows in both, since a call's cap leaves the rest unexplained."""
        return self.unexplained + self.weak_excess


@dataclass(frozen=True, slots=True, kw_only=True)
class HourCount:
    """The same counts in one hour (`hour_at`, microseconds UTC) of one day: only to see a common cause."""

    controller: str
    ident: str
    hour_at: int
    unexplained: int
    weak_excess: int
    self_made: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedAccess:
    """One access behind a count."""

    access: str
    at: int
    measure: str


def day_counts(
    projection: Projection,
    *,
    controllers: Sequence[str],
    from_day: str,
    to_day: str,
    timezones: Mapping[str, str] | None = None,
) -> tuple[DayCount, ...]:
    """Count every agent's local days from `from_day` to `to_day` inclusive, ordered by controller, ident, day.

    An agent's day appears when the agent handled a contact or something was counted. Days of a controller without
    an entry in `timezones` are UTC days. Only idents whose establishment is `active` (modules access and residual).
    """
    with counting(projection, controllers, from_day, to_day, timezones or {}) as cursor:
        cursor.execute(_temp("handled"), {"controllers": list(controllers)})
        rows = cursor.execute(_text("per_day")).fetchall()
    return tuple(
        DayCount(
            controller=controller,
            ident=_key(high, low),
            day=day,
            group=_group(controller, kind, queue, tenure),
            unexplained=unexplained,
            weak_excess=weak,
            self_made=made,
            contacts=contacts,
        )
        for controller, high, low, day, unexplained, weak, made, contacts, kind, queue, tenure in rows
    )


def hour_counts(projection: Projection, *, controller: str, day: str, timezone: str) -> tuple[HourCount, ...]:
    """Count one local day by hour, for everybody who opened anything in that hour."""
    with counting(projection, (controller,), day, day, {controller: timezone}) as cursor:
        start, end = day_span(day, timezone)
        rows = cursor.execute(
            _text("per_hour"), {"controllers": [controller], "from_at": start, "to_at": end}
        ).fetchall()
    return tuple(
        HourCount(
            controller=of,
            ident=_key(high, low),
            hour_at=hour,
            unexplained=unexplained,
            weak_excess=weak,
            self_made=made,
        )
        for of, high, low, hour, unexplained, weak, made in rows
    )


def accesses_behind(
    projection: Projection, *, controller: str, from_day: str, to_day: str, timezone: str, idents: Sequence[str]
) -> dict[str, tuple[CountedAccess, ...]]:
    """The accesses behind the counts of some idents, oldest first: what an alert lists."""
    found: dict[str, tuple[CountedAccess, ...]] = {}
    with counting(projection, (controller,), from_day, to_day, {controller: timezone}) as cursor:
        for ident in idents:
            halves = {"ident_hi": int(ident[:16], 16), "ident_lo": int(ident[16:], 16)}
            rows = cursor.execute(_text("behind"), {"controller": controller, **halves}).fetchall()
            found[ident] = tuple(
                CountedAccess(access=_key(high, low), at=at, measure=measure) for high, low, at, measure in rows
            )
    return found


@contextmanager
def counting(
    projection: Projection, controllers: Sequence[str], from_day: str, to_day: str, timezones: Mapping[str, str]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor whose temporary relations hold the counted units of the days: `unit_subject`, `local_day`, `gated`."""
    days = [
        (controller, day, *day_span(day, timezones.get(controller, "UTC")))
        for controller in controllers
        for day in days_from(from_day, to_day)
    ]
    from_at = min((start for _, _, start, _ in days), default=0)
    to_at = max((end for _, _, _, end in days), default=0)
    with projection.reading() as cursor:
        relations(cursor, projection, controllers, from_at, to_at)
        gated(cursor, RESIDUAL_MODULES)
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE local_day (controller VARCHAR, day VARCHAR, from_at BIGINT, to_at BIGINT)"
        )
        if days:
            cursor.executemany("INSERT INTO local_day VALUES (?, ?, ?, ?)", days)
        cursor.execute(_temp("unit"), {"controllers": list(controllers), "from_at": from_at, "to_at": to_at})
        cursor.execute(_temp("unit_ident"))
        _subjects(cursor)
        yield cursor


def relations(
    cursor: duckdb.DuckDBPyConnection, projection: Projection, controllers: Sequence[str], from_at: int, to_at: int
) -> None:
    """Name `all_access`, `all_exposure`, `all_verdict`: hot tables and the sealed days of the period."""
    for table, stored in (("access", "access"), ("exposure", "exposure"), ("verdict", "verdict_current")):
        paths = projection.sealed.files(table, controllers, from_at, to_at)
        union = ""
        if paths:
            union = f" UNION ALL BY NAME SELECT * FROM read_parquet({quoted_files(paths)}) s"
            if table == "verdict":
                union += (
                    " WHERE NOT EXISTS (SELECT 1 FROM verdict_current h WHERE h.access_hi = s.access_hi"
                    " AND h.access_lo = s.access_lo AND h.started_at = s.started_at)"
                )
        cursor.execute(f"CREATE OR REPLACE TEMP VIEW all_{table} AS SELECT * FROM {stored}{union}")


def gated(cursor: duckdb.DuckDBPyConnection, modules: Sequence[Module]) -> None:
    """Name `gated`: establishments where all of `modules` are active."""
    cursor.execute(_temp("gated"), {"modules": [str(module) for module in modules], "module_count": len(modules)})


def _subjects(cursor: duckdb.DuckDBPyConnection) -> None:
    """Lead each counted record to its person in at most three hops, as the judgement does."""
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE hop_from AS SELECT DISTINCT controller, key_hi, key_lo,"
        " key_hi AS subject_hi, key_lo AS subject_lo FROM unit_ident WHERE key_hi <> 0 OR key_lo <> 0"
    )
    edge = read_sql("quivive.detection", "steps", "edge.sql")
    for hop in ("hop1", "hop2", "hop3"):
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE {hop} AS {edge}")
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE hop_from AS SELECT * FROM {hop} WHERE is_person = 0")
    cursor.execute(_temp("unit_subject"))


def _group(controller: str, kind: str, queue: str, tenure: str) -> tuple[str, ...]:
    """Without a contact on that day there is no narrower group than the controller."""
    return (controller, kind, queue, tenure) if kind else (controller,)


def day_span(day: str, timezone: str) -> tuple[int, int]:
    """Microseconds UTC of the first instant of a local day and of the next one."""
    zone = ZoneInfo(timezone)
    start = datetime.strptime(day, "%Y%m%d").replace(tzinfo=zone)
    end = (start.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    return int(start.timestamp()) * SECOND_US, int(end.timestamp()) * SECOND_US


def days_from(from_day: str, to_day: str) -> list[str]:
    """Every day `yyyymmdd` from one to the other, both included."""
    first, last = (datetime.strptime(day, "%Y%m%d") for day in (from_day, to_day))  # noqa: DTZ007 - a date
    return [(first + timedelta(days=step)).strftime("%Y%m%d") for step in range((last - first).days + 1)]


def day_before(day: str, days: int) -> str:
    """The day so many days earlier."""
    return (datetime.strptime(day, "%Y%m%d") - timedelta(days=days)).strftime("%Y%m%d")  # noqa: DTZ007


def local_day(at: int, timezone: str) -> str:
    """The local day of an instant."""
    return datetime.fromtimestamp(at // SECOND_US, tz=ZoneInfo(timezone)).strftime("%Y%m%d")


@cache
def _text(name: str) -> str:
    return read_sql("quivive.detection", "counting", f"{name}.sql")


def _temp(name: str) -> str:
    return f"CREATE OR REPLACE TEMP TABLE {name} AS {_text(name)}"


def _key(high: int, low: int) -> str:
    return f"{high:016x}{low:016x}"
