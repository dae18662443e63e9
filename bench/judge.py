"""Judging: 1 M exposures against 500 k contacts (floor 10 s, goal 3 s). Prints one JSON object.

`--scale 0.1` shrinks both. Rows are written straight into the hot tables, then one replay judges the period;
`tick_ms` is one live judgement of two seconds of traffic at 2,000 accesses/s on top of it.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np

from quivive.detection.judge import ControllerJudging, JudgeSettings, judge, judge_live
from quivive.projection.projection import Projection

SECOND = 1_000_000
T0 = 1_780_000_000 * SECOND
DAY = 86_400 * SECOND
CONTROLLER = "aurore"
FLOOR_S, GOAL_S = 10.0, 3.0
EXPOSURES, CONTACTS, AGENTS, CUSTOMERS = 1_000_000, 500_000, 3_000, 400_000
SETTINGS = JudgeSettings(
    controllers={CONTROLLER: ControllerJudging(contact_sources=("phone",), lateness_s=30, silent_after_s=120)}
)


def keys(tag: int, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spread integers over 128 bits, as an HMAC would."""
    mixed = (numbers.astype(np.uint64) + np.uint64(tag << 40)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    return mixed * np.uint64(0xBF58476D1CE4E5B9), numbers.astype(np.uint64) + np.uint64(1)


def text(value: str, count: int) -> np.ndarray:
    return np.full(count, value, dtype=object)


def insert(connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, np.ndarray]) -> None:
    connection.register("loaded", columns)
    connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM loaded")
    connection.unregister("loaded")


def access_columns(first: int, agents: np.ndarray, at: np.ndarray, customers: np.ndarray) -> dict[str, dict]:
    count = len(at)
    access_hi, access_lo = keys(1, np.arange(first, first + count))
    agent_hi, agent_lo = keys(2, agents)
    key_hi, key_lo = keys(3, customers)
    zero, small = np.zeros(count, np.uint64), np.ones(count, np.int64)
    access = {
        "access_hi": access_hi, "access_lo": access_lo, "started_at": at, "ended_at": at + 1000,
        "controller": text(CONTROLLER, count), "source": text("db", count), "grade": text("A", count),
        "agent_hi": agent_hi, "agent_lo": agent_lo, "contact_hi": zero, "contact_lo": zero,
        "attribution": text("session_variable", count), "action": text("read", count), "shape": text("aa", count),
        "tables": text("public.customer", count), "columns": text("public.customer.name", count),
        "changed": text("", count), "coverage": text("exact", count), "row_count": small, "distinct_count": small,
        "outcome": text("ok", count), "pattern_class": text("", count), "fixed_chars": np.zeros(count, np.int64),
        "account_hi": zero, "account_lo": zero, "session_hi": zero, "session_lo": zero, "zone": text("", count),
        "workstation_hi": zero, "workstation_lo": zero, "program": text("", count),
        "final": np.ones(count, bool), "part": np.zeros(count, np.int64), "tie": zero,
    }  # fmt: skip
    exposure = {
        "access_hi": access_hi, "access_lo": access_lo, "started_at": at, "controller": text(CONTROLLER, count),
        "key_hi": key_hi, "key_lo": key_lo, "record_table": text("public.customer", count),
    }  # fmt: skip
    dirty = {"access_hi": access_hi, "access_lo": access_lo, "started_at": at}
    return {"access": access, "exposure": exposure, "dirty_access": dirty}


def load(projection: Projection, exposures: int, contacts: int, agents: int) -> tuple[np.ndarray, np.ndarray]:
    """Back-to-back calls per agent over one day, 48 % identified; two accesses a call, 5 % of them stray."""
    chance = np.random.default_rng(1)
    connection = projection.cursor()
    per_agent = max(1, contacts // agents)
    agent = np.arange(contacts) % agents
    length = 28_800 * SECOND // per_agent
    begin = (T0 + (np.arange(contacts) // agents) * length).astype(np.int64)
    end = begin + int(length * 0.7)
    identified = chance.random(contacts) < 0.48
    customer = chance.integers(0, CUSTOMERS, contacts)
    contact_hi, contact_lo = keys(4, np.arange(contacts))
    zero = np.zeros(contacts, np.int64)
    insert(
        connection,
        "contact",
        {
            "contact_hi": contact_hi, "contact_lo": contact_lo, "version": zero, "tie": zero.astype(np.uint64),
            "controller": text(CONTROLLER, contacts), "source": text("phone", contacts),
            "contact_kind": text("call", contacts), "direction": text("inbound", contacts),
            "label": text("", contacts), "team": text("", contacts), "campaign": text("", contacts),
            "queue": text("", contacts), "self_made": np.zeros(contacts, bool), "preview_at": zero,
            "offered_at": begin, "started_at": begin, "ended_at": end, "wrapped_at": zero, "opened_at": zero,
            "assigned_at": zero, "touched_at": zero, "closed_at": zero, "due_at": zero,
            "account_hi": zero.astype(np.uint64), "account_lo": zero.astype(np.uint64),
            "consented": np.zeros(contacts, bool), "consent_expires_at": zero,
        },
    )  # fmt: skip
    agent_hi, agent_lo = keys(2, agent)
    legs = {
        "contact_hi": contact_hi, "contact_lo": contact_lo, "controller": text(CONTROLLER, contacts),
        "agent_hi": agent_hi, "agent_lo": agent_lo, "from_at": begin, "to_at": end,
        "leg_role": text("agent", contacts), "is_first": np.ones(contacts, bool), "is_last": np.ones(contacts, bool),
    }  # fmt: skip
    insert(connection, "leg", legs)
    phone_hi, phone_lo = keys(5, customer)
    subject = {
        "contact_hi": contact_hi, "contact_lo": contact_lo, "controller": text(CONTROLLER, contacts),
        "identity_kind": text("phone", contacts), "key_hi": phone_hi, "key_lo": phone_lo,
    }  # fmt: skip
    insert(connection, "contact_subject", {name: column[identified] for name, column in subject.items()})
    people = np.arange(CUSTOMERS)
    left_hi, left_lo = keys(5, people)
    right_hi, right_lo = keys(3, people)
    insert(
        connection,
        "link",
        {
            "controller": text(CONTROLLER, CUSTOMERS), "left_hi": left_hi, "left_lo": left_lo,
            "left_kind": text("phone", CUSTOMERS), "right_hi": right_hi, "right_lo": right_lo,
            "right_table": text("public.customer", CUSTOMERS), "first_at": np.full(CUSTOMERS, T0 - DAY),
        },
    )  # fmt: skip
    of_call = chance.integers(0, contacts, exposures)
    at = begin[of_call] + (chance.random(exposures) * length * 0.6).astype(np.int64)
    shown = np.where(chance.random(exposures) < 0.95, customer[of_call], chance.integers(0, CUSTOMERS, exposures))
    order = np.argsort(at, kind="stable")
    for table, columns in access_columns(0, agent[of_call][order], at[order], shown[order]).items():
        insert(connection, table, columns)
    insert(
        connection,
        "heartbeat",
        {"controller": text(CONTROLLER, 1), "source": text("phone", 1), "complete_to": np.array([T0 + DAY])},
    )
    state = {"last_at": np.array([T0 + DAY]), "entries": np.array([1])}
    insert(connection, "source_state", {"controller": text(CONTROLLER, 1), "source": text("phone", 1), **state})
    connection.close()
    return agent, customer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    arguments = parser.parse_args()
    exposures, contacts = int(EXPOSURES * arguments.scale), int(CONTACTS * arguments.scale)
    agents = max(10, int(AGENTS * arguments.scale))
    with tempfile.TemporaryDirectory() as folder:
        projection = Projection.open(Path(folder))
        agent, customer = load(projection, exposures, contacts, agents)
        started = time.perf_counter()
        cpu = time.process_time()
        report = judge(projection, SETTINGS, from_at=T0 - DAY, to_at=T0 + DAY, as_of=T0 + DAY)
        judged_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu
        cursor = projection.cursor()
        shares = cursor.execute(
            "SELECT verdict, strength, COUNT(*) FROM verdict_current GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        ticks = []
        for tick in range(5):
            count = 2_000
            chance = np.random.default_rng(tick)
            of_call = chance.integers(0, contacts, count)
            at = np.full(count, T0 + 20_000 * SECOND + tick * SECOND, np.int64)
            columns = access_columns(exposures + tick * count, agent[of_call], at, customer[of_call])
            for table, each in columns.items():
                insert(cursor, table, each)
            started = time.perf_counter()
            live = judge_live(projection, SETTINGS, as_of=T0 + DAY)
            ticks.append(round((time.perf_counter() - started) * 1000))
        projection.close()
    print(
        json.dumps(
            {
                "bench": "judge", "scale": arguments.scale, "exposures": report.exposures, "contacts": contacts,
                "revised": report.revised, "seconds": round(judged_s, 2), "cpu_seconds": round(cpu_s, 2),
                "floor_s": FLOOR_S * arguments.scale,
                "goal_s": GOAL_S * arguments.scale, "met": judged_s <= FLOOR_S * arguments.scale,
                "per_second": round(report.exposures / judged_s), "tick_ms": ticks, "tick_exposures": live.exposures,
                "shares": {f"{verdict}/{strength}": count for verdict, strength, count in shares},
            }
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
