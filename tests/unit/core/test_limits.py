"""Limits per agent in the core: nobody before the instruction, everybody over the limit, nobody for longer than an hour."""

import asyncio
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

from traces import CONTROLLER, CUSTOMER, T0, Shards, access, catalogue, gate, key, person

from quivive.core.limit_commands import limit_commands
from quivive.core.limits import AgentLimits
from quivive.detection.shown_since import over_limit
from quivive.model.catalogue import Catalogue, Table, TableKind
from quivive.model.clock import HOUR_US, MINUTE_US
from quivive.model.entry import ActKind, EntryKind
from quivive.model.errors import RefusedError
from quivive.model.gate import CapturePolicy, Instructed, InstructionBody
from quivive.policy import policies
from quivive.privacy.policy_file import decode_policy, encode_policy
from quivive.projection.projection import Projection
from quivive.settings import ControllerSettings, OperatorSettings, Settings, SourceKind, SourceSettings


@pytest.fixture
def projected(tmp_path):
    """A projection of ten accesses of two logins, and of further events."""
    opened = Projection.open(tmp_path / "projection")

    def apply(*more):
        rows = [catalogue(), gate(), *more]
        rows += [access(f"a{n}", T0 + n * MINUTE_US, [(CUSTOMER, f"c{n}")], agent="anna") for n in range(10)]
        rows += [access(f"b{n}", T0 + n * MINUTE_US, [(CUSTOMER, "c1")], agent="boris") for n in range(10)]
        opened.apply(Shards().durable(rows))
        return opened

    yield apply
    opened.close()


@pytest.fixture
def projection(projected):
    return projected()


def told(projection, most, *, since=T0, at=0):
    return {
        each.agent: each.records
        for each in over_limit(projection, controller=CONTROLLER, since=since, most=most, at=at)
    }


def test_accounts_of_one_person_count_together(projected):
    """Ten by one login and three by another make thirteen; both are denied, and one that was not used at all."""
    rows = [access(f"x{n}", T0 + n * MINUTE_US, [(CUSTOMER, f"d{n}")], agent="anna2") for n in range(3)]
    projection = projected(person("anne", ["anna", "anna2", "anna3"]), *rows)
    assert told(projection, 12) == {key(login): 13 for login in ("anna", "anna2", "anna3")}
    assert told(projection, 13) == {}


def test_a_login_that_changed_hands_inherits_nothing(projected):
    """What its former holder was shown is the former holder's; the one who holds it now is not denied for it."""
    change = T0 + 20 * MINUTE_US
    before, after = person("anne", ["anna"], valid=(0, change)), person("nora", ["anna"], valid=(change, 0))
    projection = projected(before, after)
    assert told(projection, 9, at=T0 + 15 * MINUTE_US) == {key("anna"): 10}
    assert told(projection, 9, at=T0 + 25 * MINUTE_US) == {}


class Keeper:
    """Remembers what it was told to deny."""

    def __init__(self, *, instructed=True):
        self.told, self.allowed, self.refreshed = {}, instructed, 0

    def instructed(self, controller, what):
        return self.allowed and what is Instructed.LIMITS

    def deny(self, denied):
        changed, self.told = denied != self.told, denied
        return changed

    def refresh(self):
        self.refreshed += 1


def limits(projection, keeper, most, now):
    tables = (Table(name=CUSTOMER, kind=TableKind.PERSON, key=("id",)),)
    declared = Catalogue(controller=CONTROLLER, version=1, tables=tables, not_protected=())
    controller = SimpleNamespace(id=CONTROLLER, max_records_per_agent_hour=most, catalogue=declared)
    settings = SimpleNamespace(controllers={CONTROLLER: controller})
    return AgentLimits(settings, projection, keeper, lambda: now)


def test_distinct_records_are_counted_within_the_hour(projection):
    """The same record ten times is one; what lies before the hour is not counted; a limit is not exceeded by reaching it."""
    found = over_limit(projection, controller=CONTROLLER, since=T0, most=9)
    assert [each.records for each in found] == [10]
    assert found[0].last_at == T0 + 9 * MINUTE_US
    assert over_limit(projection, controller=CONTROLLER, since=T0, most=10) == ()
    assert over_limit(projection, controller=CONTROLLER, since=T0 + MINUTE_US, most=9) == ()
    assert over_limit(projection, controller=CONTROLLER, since=T0, most=1, reference=[CUSTOMER]) == ()
    assert over_limit(projection, controller="other", since=T0, most=1) == ()


def test_who_is_over_is_denied_for_an_hour_at_most(projection):
    """Until an hour after the last record shown; once the hour holds fewer, at once nobody."""
    keeper = Keeper()
    limits(projection, keeper, 9, T0 + 10 * MINUTE_US).look()
    ((agent, until),) = keeper.told[CONTROLLER].items()
    assert agent == key("anna")
    assert until == T0 + 9 * MINUTE_US + HOUR_US
    limits(projection, keeper, 9, T0 + 20 * MINUTE_US).look()
    assert keeper.refreshed == 1, "nothing new, nothing written"
    limits(projection, keeper, 9, T0 + HOUR_US + MINUTE_US).look()
    assert keeper.told == {CONTROLLER: {}}


def test_nobody_is_denied_without_the_instruction(projection):
    """A limit that is set is not enough."""
    keeper = Keeper(instructed=False)
    limits(projection, keeper, 1, T0 + 10 * MINUTE_US).look()
    assert keeper.told == {}
    assert limits(projection, keeper, 1, T0).any
    assert not limits(projection, keeper, 0, T0).any


def settings_of(tmp_path):
    controller = ControllerSettings(
        id="aurore", name="Aurore", slot=1, timezone="Europe/Paris", default_region="FR", lateness_s=30,
        catalogue=Catalogue(controller="aurore", version=1, tables=(), not_protected=()),
        contact_sources=(), retention_days={},
    )  # fmt: skip
    sources = {
        "db": SourceSettings(kind=SourceKind.POSTGRES, controller="aurore", namespace="crm"),
        "api": SourceSettings(kind=SourceKind.ACCESSES, controller="aurore", namespace="crm"),
    }
    operator = OperatorSettings(name="Centre", origin="centre.example")
    return Settings(home=tmp_path, operator=operator, controllers={"aurore": controller}, sources=sources)


@pytest.mark.parametrize("what", [(), ("limits",), ("closed",), ("closed", "limits")])
def test_a_policy_holds_what_is_instructed(tmp_path, what):
    """Relays of that controller alone; without limits nobody stands in it."""
    body = InstructionBody(
        controller="aurore", instructed=tuple(Instructed(w) for w in what), reference="a", text_sha256="",
        demonstration=False,
    )  # fmt: skip
    denied = {"aurore": {"ab" * 16: 5}, "other": {"cd" * 16: 6}}
    found = policies(settings_of(tmp_path), [], [], 1, instructions={"aurore": body}, denied=denied)
    assert (found["db"].limits, found["db"].closed) == ("limits" in what, "closed" in what)
    assert found["db"].denied == ({"ab" * 16: 5} if "limits" in what else {})
    assert (found["api"].limits, found["api"].denied) == (False, {})
    assert decode_policy(encode_policy(found["db"])) == found["db"]


def test_an_older_policy_file_stops_nobody():
    """A file without the new keys is read as no instruction."""
    plain = CapturePolicy(active=True, informed={}, keep_unknown=True, service_accounts=())
    raw = json.loads(encode_policy(plain))
    for name in ("limits", "closed", "denied"):
        del raw[name]
    assert decode_policy(json.dumps(raw).encode()) == plain


def commands(acts, written):
    async def record_act(body):
        acts.append(body)

    parts = SimpleNamespace(
        settings=SimpleNamespace(controllers={"aurore": None}, operator=SimpleNamespace(demonstration=False)),
        policies=SimpleNamespace(instruction=lambda controller: written[-1][1] if written else None),
        record_act=record_act,
    )
    writer = SimpleNamespace(write=lambda kind, body: written.append((kind, body)))
    handlers = limit_commands(parts, writer)
    return lambda command, **request: asyncio.run(handlers[command](request))


def test_an_instruction_is_an_act_and_an_entry():
    """With its reference; the last one stands."""
    acts, written = [], []
    ask = commands(acts, written)
    assert ask("instruction-show") == {"instructions": []}
    ask("instruction-record", controller="aurore", instructed=["limits", "closed", "limits"], reference=" avenant 4 ")
    assert [(kind, body.instructed, body.reference) for kind, body in written] == [
        (EntryKind.INSTRUCTION, ("closed", "limits"), "avenant 4")
    ]
    assert [(act.act, act.controllers) for act in acts] == [(ActKind.RECORD_INSTRUCTION, ("aurore",))]
    assert ask("instruction-show")["instructions"][0]["instructed"] == ["closed", "limits"]


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"controller": "nobody", "reference": "x"}, "controller"),
        ({"controller": "aurore", "reference": " "}, "reference"),
        ({"controller": "aurore", "reference": "x", "demonstration": True}, "demonstration"),
    ],
)
def test_what_is_no_instruction_is_refused(request_, why):
    """Nothing is written."""
    acts, written = [], []
    with pytest.raises(RefusedError, match=why):
        commands(acts, written)("instruction-record", instructed=["limits"], **request_)
    assert (acts, written) == ([], [])
