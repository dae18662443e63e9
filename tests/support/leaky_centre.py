"""Ten agents over seventeen days, with a leak or an outage on the last: for tests of the finished day and of alerts."""

import random

from traces import (
    CONTROLLER,
    CUSTOMER,
    PHONE,
    SECOND,
    T0,
    Shards,
    access,
    call,
    catalogue,
    event,
    gate,
    heartbeat,
    person,
)

from quivive.detection.counts import local_day
from quivive.detection.judge import ControllerJudging, JudgeSettings, judge_live
from quivive.model.entry import EntryKind
from quivive.model.gate import GateBody, GateState, Module
from quivive.projection.projection import Projection

SETTINGS = JudgeSettings(controllers={CONTROLLER: ControllerJudging(contact_sources=(PHONE,), lateness_s=30)})
DAY = 86_400 * SECOND
DAYS = 17
AGENTS = 10
BEGIN = T0 - 10 * 3_600 * SECOND  # 10:26 UTC
LAST = BEGIN + (DAYS - 1) * DAY
END = LAST + 12 * 3_600 * SECOND
TODAY = local_day(LAST, "UTC")


def residual_gate(establishment="lyon"):
    body = GateBody(
        employer="acme", establishment=establishment, module=Module.RESIDUAL, state=GateState.ACTIVE, reference="",
        demonstration=True,
    )  # fmt: skip
    return event(EntryKind.GATE_STATE, body, source="core", at=T0, controller="operator")


def feed(*, leak=8, outage=False, seed=3):
    """Ten agents over seventeen days: identified calls, a stray now and then, and a leak on the last day.

    An outage loses the calls of everybody in the last day's first hour, though their accesses are there.
    """
    chance = random.Random(seed)
    events = [catalogue(), gate(), residual_gate()]
    events += [person(f"p{agent}", [f"login-{agent}"]) for agent in range(AGENTS)]
    for day in range(DAYS):
        for agent in range(AGENTS):
            login = f"login-{agent}"
            for number in range(6):
                at = BEGIN + day * DAY + (number * 500 + agent * 7) * SECOND
                name = f"{day}-{agent}-{number}"
                lost = outage and day == DAYS - 1
                if not lost:
                    events.append(
                        call(
                            f"A-{name}",
                            at,
                            at + 200 * SECOND,
                            subjects=[("record", f"c{name}")],
                            agents=(login,),
                            queue="q",
                        )
                    )
                events.append(access(f"a{name}", at + 20 * SECOND, [(CUSTOMER, f"c{name}")], agent=login))
            strays = int(chance.random() < 0.15) + (leak if agent == 3 and day == DAYS - 1 else 0)
            for number in range(strays):
                at = BEGIN + day * DAY + (3_300 + number * 600 + agent) * SECOND
                events.append(
                    access(f"s{day}-{agent}-{number}", at, [(CUSTOMER, f"s{day}-{agent}-{number}")], agent=login)
                )
    return events


def projected(folder, events, *, batches=1, shards=None):
    """Project in so many batches, judging after each; completeness is told last, as a source does."""
    made = Projection.open(folder)
    shards = shards or Shards()
    size = len(events) // batches + 1
    for start in range(0, len(events), size):
        made.apply(shards.durable(events[start : start + size]))
        judge_live(made, SETTINGS, as_of=END)
    made.apply(shards.durable([heartbeat(END, at=END)]))
    judge_live(made, SETTINGS, as_of=END + SECOND)
    return made
