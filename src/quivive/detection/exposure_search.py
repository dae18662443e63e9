"""Exposure search: from a list of victims to agents who opened more of them than their work explains.

Called by the console and by `quivive exposure-search`, behind its switch, each search an act. Victims arrive as
record keys, never as values. Must never return an AgentKey or a PersonKey (neutral codes only), nor store a result.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import duckdb
import numpy as np
from scipy.stats import false_discovery_control

from quivive.detection.counts import gated, relations
from quivive.detection.residual import p_milli
from quivive.model.alert import MAX_ALERT_ACCESSES
from quivive.model.clock import DAY_US
from quivive.model.gate import Module
from quivive.privacy.pseudonym import neutral_code
from quivive.projection.projection import Projection
from quivive.projection.store import read_sql

WEEK_US: Final = 7 * DAY_US
MAX_VICTIMS: Final = 5_000
MAX_LIFTS: Final = 100
"""Agents told, rarest first; q-values are over all who opened at least one victim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """One agent against a list of victims. Sorted by rarity; thousandths where the name says so.

    Fields:
        opened: victims whose record the agent opened. expected_milli: victims such an agent opens by work alone.
        lift_milli: opened / expected. p_milli: minus log10 of the Poisson-binomial tail. q_milli: Benjamini-Hochberg.
        unexplained: of the opened ones, how many had no reason. first_at, last_at: instants of the first and last
            opening. days: distinct UTC days. accesses: access ids, in order, at most MAX_ALERT_ACCESSES.
    """

    controller: str
    agent_code: str
    opened: int
    victims: int
    expected_milli: int
    lift_milli: int
    p_milli: int
    q_milli: int
    unexplained: int
    first_at: int
    last_at: int
    days: int
    accesses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekShare:
    """One agent's week: records opened, among agents of the same main queue."""

    ident: str
    week: str
    queue: str
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rarity:
    """One agent: victims opened, expected by shares, and the tail of the Poisson-binomial distribution."""

    ident: str
    opened: int
    expected: float
    p: float


def search(
    projection: Projection,
    *,
    controllers: Sequence[str],
    victims: Sequence[str],
    from_at: int,
    to_at: int,
) -> tuple[Lift, ...]:
    """Rank the agents who opened at least one victim's record in the period; rarest first.

    Raises:
        ValueError: too many victims, or an empty period.
    """
    keys = sorted(set(victims))
    if len(keys) > MAX_VICTIMS or to_at <= from_at:
        raise ValueError(f"expected at most {MAX_VICTIMS} victims and a period")
    if not keys or not controllers:
        return ()
    found: list[Lift] = []
    with projection.reading() as cursor:
        _prepare(cursor, projection, controllers, keys, from_at, to_at)
        for controller in controllers:
            shares, opened = _read(cursor, controller)
            rarities = rank(shares, opened)
            if not rarities:
                continue
            adjusted = false_discovery_control([each.p for each in rarities])
            for each, q in list(zip(rarities, adjusted, strict=True))[:MAX_LIFTS]:
                behind = _behind(cursor, controller, each.ident, from_at, to_at)
                found.append(_lift(controller, each, float(q), len(keys), behind))
    return tuple(sorted(found, key=lambda lift: (-lift.p_milli, -lift.opened, lift.controller, lift.agent_code)))


def rank(shares: Sequence[WeekShare], opened: Sequence[tuple[int, str, str]]) -> tuple[Rarity, ...]:
    """Rank agents: `opened` are (victim, week, ident), each once. Pure.

    A victim opened k times in a week by agents of one queue meets each of them with the chance 1 - (1 - share)^k,
    where the share is that of the agent among all records this queue opened in that week.
    """
    queue_of = {(each.ident, each.week): each.queue for each in shares}
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for each in shares:
        totals[each.queue, each.week] += each.records
    share_of = {(each.ident, each.week): each.records / totals[each.queue, each.week] for each in shares}
    times: dict[tuple[str, str], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    hit: dict[str, set[int]] = defaultdict(set)
    for victim, week, ident in opened:
        queue = queue_of.get((ident, week))
        if queue is not None:
            times[queue, week][victim] += 1
            hit[ident].add(victim)
    weeks: dict[str, list[str]] = defaultdict(list)
    for ident, week in queue_of:
        weeks[ident].append(week)
    found = []
    for ident, of_agent in hit.items():
        missed: dict[int, float] = defaultdict(lambda: 1.0)
        for week in sorted(weeks[ident]):
            share = share_of[ident, week]
            for victim, count in times[queue_of[ident, week], week].items():
                missed[victim] *= (1.0 - share) ** count
        chances = np.array([1.0 - missed[victim] for victim in sorted(missed)])
        found.append(
            Rarity(ident=ident, opened=len(of_agent), expected=float(chances.sum()), p=at_least(len(of_agent), chances))
        )
    return tuple(sorted(found, key=lambda each: (each.p, -each.opened, each.ident)))


def at_least(count: int, chances: np.ndarray[Any, Any]) -> float:
    """Probability that at least `count` of independent events of these chances happen (Poisson-binomial tail)."""
    below = np.zeros(count)  # probabilities of 0 … count-1 events so far; the tail is summed by itself
    below[0] = 1.0
    reached = 0.0
    for chance in chances:
        reached += below[-1] * chance
        below[1:] = below[1:] * (1.0 - chance) + below[:-1] * chance
        below[0] *= 1.0 - chance
    return float(min(max(reached, 0.0), 1.0))


def _prepare(
    cursor: duckdb.DuckDBPyConnection,
    projection: Projection,
    controllers: Sequence[str],
    keys: Sequence[str],
    from_at: int,
    to_at: int,
) -> None:
    relations(cursor, projection, controllers, from_at, to_at)
    gated(cursor, (Module.ACCESS,))
    weeks = [
        (controller, f"{start:020d}", start, min(start + WEEK_US, to_at))
        for controller in controllers
        for start in range(from_at, to_at, WEEK_US)
    ]
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE local_day (controller VARCHAR, day VARCHAR, from_at BIGINT, to_at BIGINT)"
    )
    cursor.executemany("INSERT INTO local_day VALUES (?, ?, ?, ?)", weeks)
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE victim (victim INTEGER, controller VARCHAR, key_hi UBIGINT, key_lo UBIGINT)"
    )
    rows = [
        (number, controller, int(key[:16], 16), int(key[16:], 16))
        for controller in controllers
        for number, key in enumerate(keys)
    ]
    cursor.executemany("INSERT INTO victim VALUES (?, ?, ?, ?)", rows)
    handled = read_sql("quivive.detection", "counting", "handled.sql")
    listed = {"controllers": list(controllers)}
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE handled AS {handled}", listed)
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE opening AS {_text('opening')}", listed)
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE victim_key AS {_text('victim_key')}")


def _read(cursor: duckdb.DuckDBPyConnection, controller: str) -> tuple[list[WeekShare], list[tuple[int, str, str]]]:
    shares = [
        WeekShare(ident=_key(high, low), week=week, queue=queue, records=records)
        for of, week, high, low, records, queue in cursor.execute(_text("share")).fetchall()
        if of == controller
    ]
    opened = [
        (int(victim), str(week), _key(high, low))
        for of, victim, week, high, low in cursor.execute(_text("opened")).fetchall()
        if of == controller
    ]
    return shares, opened


def _behind(
    cursor: duckdb.DuckDBPyConnection, controller: str, ident: str, from_at: int, to_at: int
) -> list[tuple[str, int, int, bool]]:
    parameters: Mapping[str, object] = {
        "controller": controller, "from_at": from_at, "to_at": to_at, "ident_hi": int(ident[:16], 16),
        "ident_lo": int(ident[16:], 16),
    }  # fmt: skip
    rows = cursor.execute(_text("behind"), parameters).fetchall()
    return [(_key(high, low), at, victim, bool(stray)) for high, low, at, victim, stray in rows]


def _lift(
    controller: str, rarity: Rarity, q: float, victims: int, behind: Sequence[tuple[str, int, int, bool]]
) -> Lift:
    return Lift(
        controller=controller,
        agent_code=neutral_code(rarity.ident),
        opened=rarity.opened,
        victims=victims,
        expected_milli=round(1_000 * rarity.expected),
        lift_milli=round(1_000 * rarity.opened / max(rarity.expected, 1e-6)),
        p_milli=p_milli(rarity.p),
        q_milli=round(1_000 * q),
        unexplained=len({victim for _, _, victim, stray in behind if stray}),
        first_at=behind[0][1] if behind else 0,
        last_at=behind[-1][1] if behind else 0,
        days=len({at // DAY_US for _, at, _, _ in behind}),
        accesses=tuple(dict.fromkeys(access for access, _, _, _ in behind))[:MAX_ALERT_ACCESSES],
    )


@cache
def _text(name: str) -> str:
    return read_sql("quivive.detection", "exposing", f"{name}.sql")


def _key(high: int, low: int) -> str:
    return f"{high:016x}{low:016x}"
