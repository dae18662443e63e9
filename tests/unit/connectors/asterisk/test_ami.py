"""Claims on the client of the manager interface, against a scripted switch and the intake's own mapping."""

import asyncio
import contextlib
import time

import structlog
from ami_switch import Switch, message
from hypothesis import given, settings
from hypothesis import strategies as st
from mapping_support import MemoryIntake, run
from telephony_support import NOW, assert_order_is_nothing, final, legs, times
from test_presets import facts

from quivive.connectors.asterisk.ami import AmiClient, AmiTarget
from quivive.connectors.asterisk.ami_events import AmiTranslator
from quivive.connectors.contact_book import TelephonySettings
from quivive.model.access import GapCause
from quivive.model.clock import SECOND_US, from_rfc3339

T = from_rfc3339("2026-11-23T08:00:00Z") // SECOND_US
CUSTOMER, AGENT, SPY = f"{T}.10", f"{T + 1}.11", f"{T + 20}.15"
SETTINGS = TelephonySettings(controller="aurore")
SECRET = "an-invented-secret"


def customer(second, event, **more):
    channel = {"Channel": "PJSIP/operator-0000000a", "Uniqueid": CUSTOMER, "Linkedid": CUSTOMER}
    return message(event, Timestamp=f"{T + second}.000000", **channel, CallerIDNum="0199000001", **more)


def agent(second, event, **more):
    channel = {"Channel": "PJSIP/4105-0000000b", "Uniqueid": AGENT, "Linkedid": CUSTOMER}
    return message(event, Timestamp=f"{T + second}.000000", **channel, CallerIDNum="<unknown>", **more)


MEMBER = {"DestChannel": "PJSIP/4105-0000000b", "DestUniqueid": AGENT, "DestLinkedid": CUSTOMER}
QUEUE = {"Queue": "assistance", "Interface": "PJSIP/4105", "MemberName": "an invented name"}
CALL = (
    customer(0, "Newchannel", Exten="0800", ChannelState="0"),
    customer(0, "QueueCallerJoin", Queue="assistance"),
    agent(1, "Newchannel", Exten=""),
    customer(1, "AgentCalled", **QUEUE, **MEMBER),
    agent(5, "Newstate", ChannelState="6"),
    customer(5, "AgentConnect", **QUEUE, **MEMBER, RingTime="4"),
    agent(5, "BridgeEnter", BridgeUniqueid="b1"),
    customer(5, "BridgeEnter", BridgeUniqueid="b1"),
    message(
        "ChanSpyStart",
        Timestamp=f"{T + 21}.000000",
        SpyerChannel="PJSIP/4201-0000000c",
        SpyerUniqueid=SPY,
        SpyerLinkedid=SPY,
        SpyeeUniqueid=AGENT,
        SpyeeLinkedid=CUSTOMER,
    ),
    message(
        "ChanSpyStop",
        Timestamp=f"{T + 50}.000000",
        SpyerChannel="PJSIP/4201-0000000c",
        SpyerUniqueid=SPY,
        SpyerLinkedid=SPY,
        SpyeeUniqueid=AGENT,
        SpyeeLinkedid=CUSTOMER,
    ),
    agent(90, "Hangup", Cause="16"),
    customer(90, "Hangup", Cause="16"),
)


class Clock:
    """Real time from an invented instant, faster when asked."""

    def __init__(self, pace=1):
        self._began, self._pace = time.monotonic(), pace

    def __call__(self):
        return NOW + round((time.monotonic() - self._began) * self._pace * SECOND_US)


def client(switch, intake, home, *, secret=SECRET, pace=1, heartbeat_s=5):
    target = AmiTarget(host="127.0.0.1", port=switch.port, user="quivive", secret=secret, heartbeat_s=heartbeat_s)
    return AmiClient("calls", target, SETTINGS, intake, home / "ami.json", clock=Clock(pace), wait_s=0.01)


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(one):
    task = asyncio.create_task(one.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def test_a_call_is_told_while_it_lasts(tmp_path):
    """The row is there before the hang-up, without an end; the hang-up ends it; the ping proves completeness."""
    intake = MemoryIntake(facts(), now=NOW)

    async def scene():
        async with Switch(SECRET, b"".join(CALL[:8])) as switch, running(client(switch, intake, tmp_path)):
            await until(lambda: intake.final.get(CUSTOMER, {}).get("started_at"))
            assert legs(intake.final[CUSTOMER]) == [("4105", "agent", "08:00:01", "")]
            switch.send(b"".join(CALL[8:]))
            await until(lambda: "ended_at" in intake.final[CUSTOMER] and intake.heartbeats)
            return [action["Action"] for action in switch.actions]

    actions = run(scene())
    row = intake.final[CUSTOMER]
    assert (row["direction"], row["queue"], row["phone"]) == ("inbound", "assistance", "0199000001")
    assert legs(row) == [("4105", "agent", "08:00:01", "08:01:30"), ("4201", "monitor", "08:00:21", "08:00:50")]
    assert times(row, "offered_at", "started_at", "ended_at") == ("08:00:01", "08:00:05", "08:01:30")
    assert "an invented name" not in repr(intake.final)
    assert set(actions) == {"Challenge", "Login", "CoreShowChannels", "Ping"}
    assert intake.gaps == []


def test_the_secret_does_not_cross_nor_reach_the_log(tmp_path):
    """A wrong one is refused by the switch, tried again, and named nowhere."""

    async def scene():
        async with Switch("another", b"") as switch:
            with structlog.testing.capture_logs() as lines:
                one = client(switch, MemoryIntake(facts(), now=NOW), tmp_path, secret=SECRET)
                async with running(one):
                    await until(lambda: sum(line["event"] == "ami.unreachable" for line in lines) >= 2)
            return switch, lines

    switch, lines = run(scene())
    assert switch.sign_ins == 0
    assert SECRET not in repr(switch.actions)
    assert SECRET not in repr(lines)


def test_the_time_away_is_a_gap(tmp_path):
    """After a lost connection the client comes back by itself and says from when nothing was heard."""
    intake = MemoryIntake(facts(), now=NOW)

    async def scene():
        async with Switch(SECRET, b"") as switch, running(client(switch, intake, tmp_path)):
            await until(lambda: intake.heartbeats)
            switch.hang_up()
            await until(lambda: switch.sign_ins == 2 and intake.gaps)

    run(scene())
    (source, gap), *_ = intake.gaps
    assert (source, gap.cause, gap.lost) == ("calls", GapCause.CONNECTOR_DEAD, -1)
    assert NOW - SECOND_US <= gap.from_at < gap.to_at


def test_a_restart_knows_since_when_it_was_away(tmp_path):
    """The last proven instant is on disk; a first start has none and claims no gap."""
    first, second = MemoryIntake(facts(), now=NOW), MemoryIntake(facts(), now=NOW)

    async def scene():
        async with Switch(SECRET, b"") as switch:
            async with running(client(switch, first, tmp_path)):
                await until((tmp_path / "ami.json").exists)
            async with running(client(switch, second, tmp_path)):
                await until(lambda: second.gaps)

    run(scene())
    assert first.gaps == []
    assert second.gaps[0][1].cause is GapCause.CONNECTOR_DEAD


def test_a_switch_that_falls_mute_counts_as_dead(tmp_path):
    """An open connection proves nothing: three heartbeats without a byte end it, and no completeness is claimed."""
    intake = MemoryIntake(facts(), now=NOW)

    async def scene():
        async with (
            Switch(SECRET, b"", pongs=False) as switch,
            running(client(switch, intake, tmp_path, pace=100, heartbeat_s=1)),
        ):
            await until(lambda: switch.sign_ins >= 2)

    run(scene())
    assert intake.heartbeats == []


def test_a_call_found_under_way_never_replaces_a_whole_one():
    """Its beginning was not seen: a version below any that saw it."""
    there = customer(40, "CoreShowChannel", BridgeId="b1", Duration="00:00:40")
    partial = final(AmiTranslator(SETTINGS), objects(there))[CUSTOMER]
    whole = final(AmiTranslator(SETTINGS), objects(*CALL[:3]))[CUSTOMER]
    assert partial["version"] < whole["version"]
    assert partial["direction"] == "inbound"


def objects(*messages):
    """Events as the parser gives them."""
    lines = [data.decode().strip().split("\r\n") for data in messages]
    return [{name.lower(): value for name, _, value in (line.partition(": ") for line in each)} for each in lines]


@settings(max_examples=60)
@given(st.integers(0, 1 << 30))
def test_order_and_repetition_change_nothing(seed):
    """Shuffled, doubled, cut anywhere: the same final rows; a row that only repeats itself is not given again."""
    assert_order_is_nothing(lambda: AmiTranslator(SETTINGS), objects(*CALL), seed, but=("version",))
