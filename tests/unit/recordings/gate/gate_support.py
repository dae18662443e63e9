"""One agent, one listener, one campaign: the policy that the tests of the gate begin with."""

from dataclasses import replace

from quivive.model.clock import DAY_US, HOUR_US, from_rfc3339
from quivive.model.recording import Medium, Purpose
from quivive.model.recording_register import Listener, Payment, Period, Trigger
from quivive.privacy.pseudonym import ControllerKeys, agent_key
from quivive.recordings.gate.asking import Space
from quivive.recordings.gate.decide import Question
from quivive.recordings.gate.lent import Lent, seed_name
from quivive.recordings.policy import GateCampaign, GatePerson, GatePolicy

NOW = from_rfc3339("2026-11-23T10:00:00Z")
DAY = "20261123"
KEYS = ControllerKeys(key_id="k1", record=b"r" * 32, agent=b"a" * 32)
SPACE = Space(namespace="telephony", keys={"aurore": KEYS}, queues={}, default="aurore")
AGENT, LISTENER = agent_key(KEYS, "telephony", "4105"), agent_key(KEYS, "telephony", "4201")
ANNA, LEADER = "a" * 32, "b" * 32
SEED = b"s" * 32
LENT = Lent(
    tokens={"pbx": ("",)},
    seeds={seed_name("aurore", "coaching", DAY): SEED.hex()},
    month="202611",
)
CAMPAIGN = GateCampaign(
    campaign="coaching",
    version=2,
    controller="aurore",
    purpose=Purpose.TRAINING,
    media=(Medium.RECORDING, Medium.LISTENING),
    trigger=Trigger.SAMPLE,
    sites=(),
    teams=(),
    queues=(),
    from_at=NOW - DAY_US,
    to_at=NOW + DAY_US,
    periods=(Period(from_at=NOW - HOUR_US, to_at=NOW + HOUR_US),),
    share_permille=1_000,
    cap_month=2,
    listeners=(Listener(person=LEADER),),
    announcement="v3",
    payment=Payment.PAUSED,
    informed={ANNA: NOW - HOUR_US},
)
POLICY = GatePolicy(
    made_at=NOW - 1_000_000,
    good_until=NOW + HOUR_US,
    campaigns=(CAMPAIGN,),
    people={
        ANNA: GatePerson(site="lille", team="assistance", active=True),
        LEADER: GatePerson(site="lille", team="cadres", active=True),
    },
    accounts={AGENT: ANNA, LISTENER: LEADER},
)
QUESTION = Question(medium=Medium.RECORDING, controller="aurore", at=NOW, contact="c" * 32, agent=AGENT, announced="v3")


def policy(**changes):
    """The policy with another campaign."""
    return replace(POLICY, campaigns=(replace(CAMPAIGN, **changes),))


def nothing_used(_medium, _campaign, _person):
    return 0
