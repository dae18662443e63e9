"""A labelled centre from a seed: ordinary work, misuse, imperfections (issue 3 item 3).

Called by `quivive simulate` and by the benchmark. Deterministic: the same options give the same bytes. Each part
draws from a generator of its own, so that misuse changes nothing of the ordinary work.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

import numpy as np

from quivive.simulation.benchmark.calls import inbound
from quivive.simulation.benchmark.centre import COMPANY_IDS, build_centre
from quivive.simulation.benchmark.feed import Campaign, LabelledFeed
from quivive.simulation.benchmark.imperfections import LEVELS, Imperfections, spoil
from quivive.simulation.benchmark.misuse import Misuse, Plan, plan_misuse
from quivive.simulation.benchmark.office import other_work
from quivive.simulation.benchmark.rows import Told, feed_of, tell
from quivive.simulation.benchmark.work import Habits, Work

COMPLETE, MEASURED, HELD_OUT = "complete", "measured", "held_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How well telephony knows its callers, and how often ordinary work has no reason.

    `identity`: share of calls whose customer is known, None as measured per queue. `stray_rate`: ordinary
    accesses without any reason, per access (the pilot assumed 4.7 %).
    """

    identity: float | None
    stray_rate: float
    habits: Habits = field(default_factory=Habits)


PROFILES: Final = {
    COMPLETE: Profile(identity=0.985, stray_rate=0.010),
    MEASURED: Profile(identity=None, stray_rate=0.047),
    # Another centre than any formula was looked at with: never tune on it.
    HELD_OUT: Profile(
        identity=0.35,
        stray_rate=0.03,
        habits=Habits(searches=0.25, stray_shape=2.0, further=2.0, tickets=0.2, own_tickets=0.7, assisted=0.03),
    ),
}
MAX_COMPANIES: Final = len(COMPANY_IDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to generate."""

    seed: int
    days: int = 28
    agents: int = 30
    controllers: int = 3
    profile: str = MEASURED
    imperfections: str = "none"


def ordinary_work(options: Options) -> Work:
    """The centre without misuse."""
    profile = PROFILES[options.profile]
    chance = np.random.default_rng((options.seed, 1))
    centre = build_centre(
        chance,
        days=options.days,
        agents=options.agents,
        companies=options.controllers,
        identity=profile.identity,
    )
    work = Work(centre=centre, stray_rate=profile.stray_rate, habits=profile.habits)
    inbound(work, np.random.default_rng((options.seed, 2)))
    other_work(work, np.random.default_rng((options.seed, 3)))
    return work


def generate(options: Options, plans: Sequence[Plan] = (), *, spoiling: Imperfections | None = None) -> LabelledFeed:
    """Generate a whole labelled feed; `spoiling` in the place of the named imperfections.

    Raises:
        ValueError: a plan cannot be carried out.
    """
    work = ordinary_work(options)
    campaigns = list[Campaign]()
    for number, plan in enumerate(plans, start=1):
        misuse = plan_misuse(work, plan, number, np.random.default_rng((options.seed, 4, number)))
        work.accesses += misuse.accesses
        work.contacts += misuse.contacts
        campaigns += misuse.campaigns
    parameters = {**asdict(options), "plans": [plan.told() for plan in plans]}
    feed = feed_of(work, parameters, np.random.default_rng((options.seed, 5)))
    feed.campaigns = campaigns
    spoil(feed, spoiling or LEVELS[options.imperfections], np.random.default_rng((options.seed, 6)))
    return feed


def told_campaign(work: Work, plan: Plan, number: int, seed: int) -> tuple[Misuse, Told]:
    """One campaign over work that is already told: its rows alone.

    Raises:
        ValueError: the plan cannot be carried out.
    """
    misuse = plan_misuse(work, plan, number, np.random.default_rng((seed, 4, number)))
    told = tell(work, misuse.contacts, misuse.accesses, np.random.default_rng((seed, 7, number)), prefix=f"X{number}")
    return misuse, told
