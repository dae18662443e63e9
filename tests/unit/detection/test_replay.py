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
    event,
    gate,
    heartbeat,
    key,
    link,
    person,
)

from quivive.detection.judge import (
    ControllerJudging,
    JudgeSettings,
    forget_late_day,
    judge,
    judge_live,
    late_days,
    verdict_hash,
)
from quivive.model.alert import WordBody, WordCategory
from quivive.model.clock import utc_day
from quivive.model.contact import ContactKind, Direction, Leg, LegRole
from quivive.model.entry import EntryKind
from quivive.model.learned import LearnedBody, LearnedParametersBody, LearnedSkew, LearnedWindow
from quivive.projection.columns import access_id
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
    for each in work(chance):
        arrive(each, chance.random() * LATENESS_S)
    for number in range(30):
        at = T0 + chance.randrange(0, 1_700) * SECOND
        made = access(f"b{number}", at, [(CUSTOMER, f"c{number % 12}")], agent="", account=key(f"batch-{number % 2}"))
        arrive(made, chance.random() * 3)
    return arrivals


OTHER_WORK = [
    kind
    for kind in ContactKind
    if kind not in {ContactKind.CALL, ContactKind.TICKET, ContactKind.TRAINING, ContactKind.ASSISTANCE, ContactKind.JOB}
]


def work(chance: random.Random) -> list[Event]:
    """Every other kind of contact, overlapping calls, legs of every role, runs, words, parameters."""

    def instant() -> int:
        return T0 + chance.randrange(0, 1_560) * SECOND

    made = []
    for number in range(24):
        at, login = instant(), f"login-{chance.randrange(4)}"
        made.append(
            contact(
                f"w{number}", OTHER_WORK[number % len(OTHER_WORK)], agents=[login], direction=Direction.OUTBOUND,
                subjects=[("record", f"c{chance.randrange(12)}")], queue=chance.choice(["", "moves"]),
                assigned_at=at - 30 * SECOND, opened_at=at, due_at=at, preview_at=at,
                offered_at=chance.choice([0, at + 20 * SECOND]), closed_at=chance.choice([0, at + 90 * SECOND]),
                touched_at=chance.choice([0, at + 40 * SECOND]), self_made=chance.random() < 0.2, at=at,
            )
        )  # fmt: skip
    for number in range(12):
        at, (first, second) = instant(), chance.sample(range(4), 2)
        legs = (
            Leg(agent=key(f"login-{first}"), from_at=at, to_at=at + 100 * SECOND),
            Leg(
                agent=key(f"login-{second}"), from_at=at + 60 * SECOND, to_at=at + 160 * SECOND,
                role=chance.choice(list(LegRole)),
            ),
        )  # fmt: skip
        subjects = chance.choice([[], [("record", f"c{chance.randrange(12)}")]])
        campaign = chance.choice(["", "c-1"])
        direction = chance.choice([Direction.INBOUND, Direction.OUTBOUND])
        changes = {"legs": legs, "queue": "q", "campaign": campaign, "direction": direction}
        made.append(call(f"o{number}", at, at + 160 * SECOND, subjects=subjects, **changes))
    for number in range(6):
        at, (learner, mate) = instant(), chance.sample(range(4), 2)
        kind, role = chance.choice([(ContactKind.TRAINING, LegRole.LEARNER), (ContactKind.ASSISTANCE, LegRole.HELPER)])
        legs = (
            Leg(agent=key(f"login-{learner}"), from_at=0, to_at=0, role=role),
            Leg(agent=key(f"login-{mate}"), from_at=0, to_at=0),
        )
        made.append(contact(f"s{number}", kind, legs=legs, opened_at=at, closed_at=at + 120 * SECOND, at=at))
    for number in range(2):
        at = instant()
        changes = {
            "agents": (),
            "account": key(f"batch-{number}"),
            "opened_at": at,
            "closed_at": at + 900 * SECOND,
            "at": at,
        }
        made.append(contact(f"j{number}", ContactKind.JOB, **changes))
    return made


def learned(chance: random.Random) -> Event:
    """Published before the day, as every set is."""
    body = LearnedBody(
        from_at=T0 - LENGTH,
        windows=tuple(
            LearnedWindow(
                queue="q", template=name, before_us=chance.randrange(0, 60) * SECOND,
                after_us=chance.randrange(0, 300) * SECOND, cap=cap, matches=200, agents=5,
            )
            for name, cap in (("E1", 0), ("E2", chance.randrange(1, 5)), ("E8", 0))
        ),
        skews=(LearnedSkew(source=PHONE, skew_us=chance.choice([-4, 0, 7]) * SECOND, pops=60),),
    )  # fmt: skip
    return event(EntryKind.PARAMETERS, LearnedParametersBody(learned=body), source="core", at=T0 - 2 * LENGTH)


def words(arrivals: list[Arrival], chance: random.Random) -> list[Arrival]:
    """Some accesses are declared later by their own agent."""
    looks = [each.event for each in arrivals if each.event.kind is EntryKind.ACCESS and each.event.body.agent]
    told = []
    for each in chance.sample(looks, 6):
        at = min(each.at + 300 * SECOND, T0 + LENGTH)
        agent = next(f"p{n}" for n in range(4) if key(f"login-{n}") == each.body.agent)
        body = WordBody(
            question=key(f"q-{each.body.access}"), controller="aurore", ident=key(agent),
            access=access_id("db", each.body.access, each.at), category=WordCategory.COLLEAGUE, answered_at=at,
        )  # fmt: skip
        told.append(Arrival(at=at, event=event(EntryKind.AGENT_WORD, body, source="console", at=at)))
    return told


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


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(seed=st.integers(min_value=0, max_value=10_000))
def test_live_equals_replay_in_any_order(tmp_path_factory, seed):
    """Live over a delayed and doubled feed, replay of the shuffled feed, and the ordered one: one hash."""
    chance = random.Random(seed)
    arrivals = shift(chance)
    arrivals += [*words(arrivals, chance), Arrival(at=T0, event=learned(chance))]
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
    arrivals += [*words(arrivals, chance), Arrival(at=T0, event=learned(chance))]
    late = [each for each in arrivals if chance.random() < 0.3 and each.event.kind is not EntryKind.PARAMETERS]
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


def test_two_silent_hours_of_telephony_are_nobodys(tmp_path):
    """What falls in them is unknown with its cause, never unexplained; when the switch is back it is judged."""
    settings = JudgeSettings(
        controllers={"aurore": ControllerJudging(contact_sources=(PHONE,), lateness_s=LATENESS_S, silent_after_s=120)}
    )
    projection, shards = fresh(tmp_path / "silent")
    quiet, hour = T0 + 600 * SECOND, 3_600 * SECOND
    looks = [access(f"a{n}", quiet + n * 300 * SECOND, [(CUSTOMER, f"c{n}")], agent="login-0") for n in range(24)]
    projection.apply(shards.durable([heartbeat(quiet, at=quiet)]))
    for number, each in enumerate(looks):
        projection.apply(shards.durable([each]))
        judge_live(projection, settings, as_of=quiet + (number * 300 + 299) * SECOND)
    cursor = projection.cursor()
    verdicts = "SELECT verdict, cause, COUNT(*) FROM verdict_current GROUP BY ALL ORDER BY ALL"
    assert cursor.execute(verdicts).fetchall() == [("unknown", "source_silent", 24)]
    calls = [
        call(f"k{n}", each.at - SECOND, each.at + SECOND, agents=["login-0"], subjects=[("record", f"c{n}")])
        for n, each in enumerate(looks[:20])
    ]
    back = quiet + 2 * hour
    projection.apply(shards.durable([*calls, heartbeat(back + hour, at=back + hour)]))
    judge_live(projection, settings, as_of=back + hour)
    assert cursor.execute(verdicts).fetchall() == [("explained", "none", 20), ("unexplained", "none", 4)]
    projection.close()


def test_a_sealed_day_that_a_late_contact_touches_is_named(tmp_path):
    """Its replay finds the reason, and its hash changes; once judged again it is forgotten."""
    projection, shards = fresh(tmp_path / "sealed")
    look = access("a", T0, [(CUSTOMER, "c1")], agent="login-0")
    projection.apply(shards.durable([look, heartbeat(T0 + LENGTH, at=T0 + LENGTH)]))
    judge_live(projection, SETTINGS, as_of=T0 + LENGTH)
    tomorrow = T0 + 86_400 * SECOND
    assert projection.seal(DAY, tomorrow) == 1
    before = verdict_hash(projection, DAY)
    projection.apply(shards.durable([call("k", T0, T0 + SECOND, agents=["login-0"], subjects=[("record", "c1")])]))
    judge_live(projection, SETTINGS, as_of=tomorrow)
    (day_at,) = late_days(projection)
    assert utc_day(day_at) == DAY
    assert judge(projection, SETTINGS, from_at=day_at, to_at=day_at + 86_400 * SECOND, as_of=tomorrow).revised == 1
    assert verdict_hash(projection, DAY) != before
    forget_late_day(projection, day_at)
    assert late_days(projection) == ()
    projection.close()
