"""Determinism: whatever the order, doubles and delays of the feed, the same verdicts; live equals replay."""

import random
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from traces import (
    CUSTOMER,
    HOUSEHOLD,
    ORDER,
    PHONE,
    SECOND,
    T0,
    Event,
    Shards,
    access,
    call,
    catalogue,
    contact,
    gate,
    heartbeat,
    link,
    person,
)

from quivive.detection.judge import ControllerJudging, JudgeSettings, judge, judge_live, verdict_hash
from quivive.model.clock import utc_day
from quivive.model.contact import ContactKind
from quivive.projection.projection import Projection

LATENESS_S = 30
SETTINGS = JudgeSettings(
    controllers={"aurore": ControllerJudging(contact_sources=(PHONE,), lateness_s=LATENESS_S, silent_after_s=10_000)}
)
LENGTH = 1_800 * SECOND
DAY = utc_day(T0)


@dataclass(frozen=True)
class Arrival:
    at: int
    event: Event


def shift(chance: random.Random) -> list[Arrival]:
    """Half an hour of four agents: calls, tickets, searches, strays; each event with its delay of arrival."""
    arrivals = []

    def arrive(what: Event, delay_s: float) -> None:
        arrivals.append(Arrival(at=what.at + int(delay_s * SECOND), event=what))
        if chance.random() < 0.2:
            arrivals.append(Arrival(at=what.at + int(delay_s * SECOND) + SECOND, event=what))

    for number in range(12):
        arrive(link(f"o{number}", f"c{number}", at=T0), chance.random() * LATENESS_S)
        arrive(link(f"+{number % 9}", f"c{number}", kind="phone", at=T0), chance.random() * LATENESS_S)
        arrive(link(f"c{number}", f"h{number // 3}", table=HOUSEHOLD, at=T0 - SECOND), chance.random() * LATENESS_S)
    for agent in range(4):
        login, at = f"login-{agent}", T0
        for turn in range(5):
            begin = at + chance.randrange(5, 60) * SECOND
            end = begin + chance.randrange(30, 200) * SECOND
            customer = chance.randrange(12)
            subjects = chance.choice([[], [("record", f"c{customer}")], [("phone", f"+{customer % 9}")]])
            name = f"k{agent}-{turn}"
            # First told while it lasts, then with its end: the higher version wins.
            if chance.random() < 0.5:
                arrive(call(name, begin, 0, agents=[login], subjects=subjects), 2)
            arrive(call(name, begin, end, agents=[login], subjects=subjects, version=2), chance.random() * 25)
            for look in range(chance.randrange(1, 6)):
                seen = begin + chance.randrange(0, 220) * SECOND
                shown = chance.choice([customer, customer, chance.randrange(12)])
                records = [(chance.choice([CUSTOMER, ORDER]), "")]
                records = [(table, f"{'c' if table == CUSTOMER else 'o'}{shown}") for table, _ in records]
                if chance.random() < 0.15:
                    records = [(CUSTOMER, f"c{n}") for n in chance.sample(range(12), 5)]
                arrive(access(f"a{agent}-{turn}-{look}", seen, records, agent=login), chance.random() * 3)
            at = end
        ticket = contact(
            f"t{agent}", ContactKind.TICKET, agents=[login], assigned_at=T0 + 60 * SECOND,
            touched_at=T0 + 90 * SECOND, subjects=[("record", f"c{agent}")],
        )  # fmt: skip
        arrive(ticket, 10)
    return arrivals


def fresh(folder) -> tuple[Projection, Shards]:
    projection, shards = Projection.open(folder), Shards()
    people = [person(f"p{agent}", [f"login-{agent}"]) for agent in range(4)]
    projection.apply(shards.durable([catalogue(), gate(), *people]))
    return projection, shards


def live(folder, arrivals: list[Arrival], step_s: int) -> str:
    """Feed by arrival, judging on the way; heartbeats are honest: they speak of what has been delivered."""
    projection, shards = fresh(folder)
    now, last = T0, T0 + LENGTH
    waiting = sorted(arrivals, key=lambda each: each.at)
    while now <= last:
        now += step_s * SECOND
        due = [each.event for each in waiting if each.at <= now]
        waiting = [each for each in waiting if each.at > now]
        delivered = heartbeat(now - LATENESS_S * SECOND, at=now)
        projection.apply(shards.durable([*due, delivered]))
        judge_live(projection, SETTINGS, as_of=now)
    return finish(projection, shards)


def finish(projection: Projection, shards: Shards) -> str:
    end = T0 + 2 * LENGTH
    projection.apply(shards.durable([heartbeat(end, at=end)]))
    judge_live(projection, SETTINGS, as_of=end)
    assert judge_live(projection, SETTINGS, as_of=end).revised == 0
    found = verdict_hash(projection, DAY)
    # The replay over the live result finds nothing to revise.
    assert judge(projection, SETTINGS, from_at=T0 - LENGTH, to_at=end, as_of=end).revised == 0
    assert verdict_hash(projection, DAY) == found
    projection.close()
    return found


def replay(folder, events: list[Event]) -> str:
    projection, shards = fresh(folder)
    end = T0 + 2 * LENGTH
    projection.apply(shards.durable([*events, heartbeat(end, at=end)]))
    judge(projection, SETTINGS, from_at=T0 - LENGTH, to_at=end, as_of=end)
    found = verdict_hash(projection, DAY)
    projection.close()
    return found


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(seed=st.integers(min_value=0, max_value=10_000))
def test_live_equals_replay_in_any_order(tmp_path_factory, seed):
    """Live over a delayed and doubled feed, replay of the shuffled feed, and the ordered one: one hash."""
    chance = random.Random(seed)
    arrivals = shift(chance)
    shuffled = [each.event for each in arrivals]
    chance.shuffle(shuffled)
    found = live(tmp_path_factory.mktemp("live"), arrivals, step_s=600)
    assert replay(tmp_path_factory.mktemp("shuffled"), shuffled) == found
    ordered = [each.event for each in sorted(arrivals, key=lambda each: each.event.at)]
    assert replay(tmp_path_factory.mktemp("ordered"), ordered) == found


def test_late_evidence_meets_replay(tmp_path):
    """Evidence after the verdicts were final (links, directory, a longer ticket) leads where a replay leads."""
    chance = random.Random(7)
    arrivals = shift(chance)
    late = [each for each in arrivals if chance.random() < 0.3]
    early = [each.event for each in arrivals if each not in late]
    projection, shards = fresh(tmp_path / "late")
    end = T0 + 2 * LENGTH
    projection.apply(shards.durable([*early, heartbeat(end, at=end)]))
    judge_live(projection, SETTINGS, as_of=end)
    before = verdict_hash(projection, DAY)
    for each in late:
        projection.apply(shards.durable([each.event]))
    judge_live(projection, SETTINGS, as_of=end)
    found = finish(projection, shards)
    assert found != before
    assert replay(tmp_path / "replay", [each.event for each in arrivals]) == found
