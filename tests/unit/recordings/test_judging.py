"""Keep, hold or purge: a table; the clock starts at the end of the call, whatever the file's date says."""

from dataclasses import replace

import pytest

from quivive.audio_settings import AudioKind, AudioSettings
from quivive.model.audio import AudioClock, AudioProposal, AudioReason, HoldScope
from quivive.model.clock import DAY_US, HOUR_US, MINUTE_US, Micros, to_rfc3339
from quivive.recordings.judging import Call, Hold, Limit, Rules, Seen, Told, end_of_call, judge
from quivive.recordings.naming import NOTHING, NameReader

NOW = 1_795_356_300_000_000
KEEP, HOLD, PURGE = AudioProposal


def days_ago(days):
    return NOW - days * DAY_US


def call(days, **changed):
    ended = days_ago(days)
    values = {
        "contact": "c" * 32,
        "controller": "aurore",
        "queue": "q",
        "started_at": ended - HOUR_US,
        "ended_at": ended,
    }
    return Call(**{**values, **changed})


def seen(**changed):
    values = {"audio": "a" * 32, "store": "s", "controller": "aurore", "size_bytes": 1, "modified_at": NOW - HOUR_US}
    return Seen(**{**values, **changed})


def told(**changed):
    values = {
        "recording": "d" * 32, "controller": "aurore", "campaign": "", "contact": "c" * 32, "queue": "q", "location": "",
        "started_at": 0, "ended_at": 0, "call_ended_at": 0,
    }  # fmt: skip
    return Told(**{**values, **changed})


QUALITY = Limit(
    campaign="quality", controller="aurore", queues=("q",), from_at=0, to_at=NOW, retention_days=30
)  # fmt: skip
RULES = Rules(limits=(QUALITY,))
HELD = Hold(hold="h" * 32, controller="aurore", scope=HoldScope.CONTACT, object="c" * 32, until_at=NOW + 1)


@pytest.mark.parametrize(
    ("thing", "rules", "proposal", "reason"),
    [
        (seen(call=call(29)), RULES, KEEP, AudioReason.WITHIN_LIMIT),
        (seen(call=call(31)), RULES, PURGE, AudioReason.PAST_LIMIT),
        (seen(call=call(31, queue="other")), RULES, PURGE, AudioReason.NO_PURPOSE),
        (seen(call=call(29, queue="other")), RULES, HOLD, AudioReason.UNDECIDED),
        (seen(call=call(181)), Rules(), PURGE, AudioReason.PAST_LIMIT),
        (seen(call=call(31, controller="boreal"), controller="boreal"), RULES, PURGE, AudioReason.NO_PURPOSE),
        (seen(call=call(400)), replace(RULES, holds=(HELD,)), HOLD, AudioReason.HELD),
        (seen(call=call(400)), replace(RULES, holds=(replace(HELD, until_at=NOW),)), PURGE, AudioReason.PAST_LIMIT),
        (seen(call=call(400)), replace(RULES, holds=(replace(HELD, controller="boreal"),)), PURGE, AudioReason.PAST_LIMIT),
        (seen(call=call(400)), replace(RULES, holds=(replace(HELD, scope=HoldScope.AUDIO, object="a" * 32),)), HOLD, AudioReason.HELD),
        (seen(call=call(31)), replace(RULES, holds=(replace(HELD, scope=HoldScope.CAMPAIGN, object="quality"),)), HOLD, AudioReason.HELD),
        (seen(call=call(1)), replace(RULES, objected=frozenset({"c" * 32})), PURGE, AudioReason.CALLER_OBJECTED),
        (seen(call=call(1)), replace(RULES, objected=frozenset({"c" * 32}), holds=(HELD,)), HOLD, AudioReason.HELD),
        (seen(call=call(31), certified=True), RULES, PURGE, AudioReason.FOUND_AGAIN),
        (seen(call=call(1), certified=True, same_content=True), RULES, KEEP, AudioReason.WITHIN_LIMIT),
        (seen(certified=True, same_content=True), RULES, PURGE, AudioReason.FOUND_AGAIN),
        (seen(certified=True), RULES, HOLD, AudioReason.AGE_UNKNOWN),
        (seen(call=call(5, queue="other"), certified=True, same_content=True), RULES, HOLD, AudioReason.UNDECIDED),
        (seen(modified_at=NOW - MINUTE_US + 1), RULES, KEEP, AudioReason.BEING_WRITTEN),
        (seen(modified_at=days_ago(181)), RULES, PURGE, AudioReason.PAST_LIMIT),
        (seen(modified_at=days_ago(100)), RULES, HOLD, AudioReason.AGE_UNKNOWN),
        (seen(modified_at=0), RULES, HOLD, AudioReason.AGE_UNKNOWN),
        (seen(told=told(campaign="quality", call_ended_at=days_ago(31))), RULES, PURGE, AudioReason.PAST_LIMIT),
        (seen(told=told(campaign="gone", call_ended_at=days_ago(31))), RULES, PURGE, AudioReason.NO_PURPOSE),
    ],
)  # fmt: skip
def test_each_object_has_one_proposal_and_its_reason(thing, rules, proposal, reason):
    """Precedence: being written, hold, objection, limit, purpose; nothing goes for its name or content alone."""
    found = judge(thing, rules, NOW)
    assert (found.proposal, found.reason) == (proposal, reason)


@pytest.mark.parametrize(
    ("thing", "at", "clock"),
    [
        (seen(call=call(50), told=told(call_ended_at=1)), days_ago(50), AudioClock.CALL_END),
        (seen(call=call(50, ended_at=0), told=told(call_ended_at=7)), 7, AudioClock.CALL_END),
        (seen(told=told(ended_at=7)), 7, AudioClock.RECORDING_END),
        (seen(name_ended_at=7), 7, AudioClock.NAME),
        (seen(name_started_at=days_ago(50)), days_ago(49), AudioClock.NAME),
        (seen(name_started_at=days_ago(50), modified_at=days_ago(50) + HOUR_US), days_ago(50) + HOUR_US, AudioClock.NAME),
        (seen(), NOW - HOUR_US, AudioClock.FILE_DATE),
        (seen(modified_at=0), 0, AudioClock.NONE),
    ],
)  # fmt: skip
def test_the_clock_starts_at_the_end_of_the_call(thing, at, clock):
    """A file restored an hour ago is as old as its call; a file's own date is the last resort."""
    assert end_of_call(thing) == (at, clock)


def test_of_two_campaigns_the_shorter_period_counts():
    """A call that two campaigns cover is kept no longer than the stricter allows, unless its source named one."""
    long = replace(QUALITY, campaign="evidence", retention_days=1_826)
    rules = Rules(limits=(long, QUALITY))
    assert judge(seen(call=call(31)), rules, NOW).campaign == "quality"
    named = judge(seen(call=call(31), told=told(campaign="evidence")), rules, NOW)
    assert (named.proposal, named.limit_days, named.expires_at) == (KEEP, 1_826, days_ago(31) + 1_826 * DAY_US)


def reader(name, date="%Y%m%d-%H%M%S"):
    settings = AudioSettings(kind=AudioKind.FOLDER, path="x", name=name, name_date=date, timezone="Europe/Paris")
    return NameReader(settings, "UTC")


@pytest.mark.parametrize(
    ("name", "date", "path", "call_id", "started"),
    [
        (r"(?P<started>\d{8}-\d{6})-\d+-(?P<call>[\d.]+)\.wav$", "%Y%m%d-%H%M%S", "2026/11/20261122-150500-0199000001-1763.7.wav", "1763.7", "2026-11-22T14:05:00.000000Z"),
        (r"-(?P<call>(?P<started>\d+)\.\d+)\.", "%s", "q-1795356300.12.wav", "1795356300.12", "2026-11-22T14:05:00.000000Z"),
        (r"_(?P<started>\d{8}-\d{6})", "%Y%m%d-%H%M%S", "x_20261025-023000.wav", "", "2026-10-25T01:30:00.000000Z"),
        (r"_(?P<started>\d{8}-\d{6})", "%Y%m%d-%H%M%S", "x_20269999-023000.wav", "", ""),
    ],
)  # fmt: skip
def test_a_name_tells_its_call_and_its_date(name, date, path, call_id, started):
    """In the store's zone; of an hour shown twice the later, so that nothing goes too early; nonsense tells nothing."""
    found = reader(name, date).read(path)
    assert found.call == call_id
    assert (to_rfc3339(Micros(found.started_at)) if found.started_at else "") == started


def test_a_name_that_does_not_fit_tells_nothing():
    """Nor does one when no pattern is declared; a length gives the end."""
    assert reader(r"(?P<call>\d+)$").read("a.wav") is NOTHING
    assert reader("").read("a.wav") is NOTHING
    found = reader(r"(?P<started>\d{8}-\d{6})_(?P<seconds>\d+)").read("20261122-150500_90.wav")
    assert found.ended_at - found.started_at == 90_000_000
