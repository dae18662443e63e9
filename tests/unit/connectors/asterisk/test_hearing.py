"""Recordings and listening as a switch tells of them: AMI and CEL, in any order."""

import random

from telephony_support import NOW, records

from quivive.connectors.asterisk.ami_events import AmiTranslator
from quivive.connectors.asterisk.cel import CelTranslator
from quivive.connectors.contact_book import TelephonySettings
from quivive.connectors.model import RowKind

SETTINGS = TelephonySettings(controller="aurore", timezone="Europe/Paris")
T = 1_795_427_000
CHANNEL = {"Channel": "PJSIP/4105-00000002", "Uniqueid": f"{T}.2", "Linkedid": f"{T}.1"}
ANSWER = "ab" * 16


def event(name, at, **headers):
    return {"event": name, "timestamp": f"{T + at}.000000"} | {key.lower(): text for key, text in headers.items()}


EVENTS = [
    event("MixMonitorStart", 10, **CHANNEL),
    event("UserEvent", 11, UserEvent="QuiviveRecording", File="2026/q-77.wav", Answer=ANSWER, **CHANNEL),
    event("MixMonitorMute", 20, Direction="both", State="1", **CHANNEL),
    event("MixMonitorMute", 35, Direction="both", State="0", **CHANNEL),
    event("MixMonitorStop", 60, **CHANNEL),
    event(
        "ChanSpyStart", 30, SpyerChannel="PJSIP/4201-00000009", SpyerUniqueid=f"{T}.9", SpyeeChannel="PJSIP/4105-00000002",
        SpyeeUniqueid=f"{T}.2", SpyeeLinkedid=f"{T}.1",
    ),
    event("ChanSpyStop", 42, SpyerChannel="PJSIP/4201-00000009", SpyerUniqueid=f"{T}.9", SpyeeUniqueid=f"{T}.2"),
]  # fmt: skip


def final(translator, items, cut):
    kept = {}
    fed = records(*items)
    for start in range(0, len(fed), cut):
        for row in translator.feed(fed[start : start + cut], NOW):
            if row.kind is RowKind.CONTACTS:
                continue
            former = kept.get((row.kind, row.value["id"]))
            if former is None or row.value["version"] >= former["version"]:
                kept[row.kind, row.value["id"]] = row.value
    return kept


def test_manager_events_give_one_recording_and_one_listening():
    """Beginning, end, the stretch that was muted, the file and the gate's answer; who heard whom."""
    found = final(AmiTranslator(SETTINGS), EVENTS, 1)
    recording = found[RowKind.RECORDINGS, f"mixmonitor-{T}.2"]
    assert (recording["contact"], recording["agent"], recording["answer"]) == (f"{T}.1", "4105", ANSWER)
    assert recording["location"] == "2026/q-77.wav"
    assert [each["state"] for each in recording["segments"]] == ["on", "masked", "on"]
    listening = found[RowKind.LISTENINGS, f"{T}.9-{T}.2"]
    assert (listening["kind"], listening["agent"], listening["listener"]) == ("live", "4105", "4201")
    assert listening["contact"] == f"{T}.1"
    assert "ended_at" in listening


def test_order_and_repetition_are_nothing():
    """The last version is that of the set of events."""
    whole = final(AmiTranslator(SETTINGS), EVENTS, 100)
    for seed in range(40):
        chance = random.Random(seed)
        mixed = [each for each in EVENTS for _ in range(chance.choice((1, 2)))]
        chance.shuffle(mixed)
        assert final(AmiTranslator(SETTINGS), mixed, chance.choice((1, 3, 100))) == whole


def test_the_event_log_tells_whisper_and_the_file():
    """APP_START of MixMonitor and ChanSpy; the recording ends with its channel."""

    def row(kind, at, app="", data="", **more):
        return {
            "eventtype": kind, "eventtime": f"{T + at}.000000", "appname": app, "appdata": data,
            "uniqueid": f"{T}.2", "linkedid": f"{T}.1", "channame": "PJSIP/4105-00000002",
        } | more  # fmt: skip

    spy = {"uniqueid": f"{T}.9", "linkedid": f"{T}.9", "channame": "PJSIP/4201-00000009"}
    items = [
        row("APP_START", 5, "MixMonitor", "q-78.wav,b"),
        row("HANGUP", 50, "MixMonitor", ""),
        row("APP_START", 20, "ChanSpy", "PJSIP/4105,qw", **spy),
        row("APP_END", 31, "ChanSpy", "PJSIP/4105,qw", **spy),
    ]
    found = final(CelTranslator(SETTINGS), items, 2)
    assert found[RowKind.RECORDINGS, f"mixmonitor-{T}.2"]["location"] == "q-78.wav"
    listening = found[RowKind.LISTENINGS, f"{T}.9-cel"]
    assert (listening["kind"], listening["agent"], listening["listener"]) == ("whisper", "4105", "4201")


def test_a_trunk_is_nobody():
    """The caller's channel is recorded as well: no agent is invented."""
    trunk = CHANNEL | {"Channel": "PJSIP/operateur-00000001", "Uniqueid": f"{T}.1"}
    found = final(AmiTranslator(SETTINGS), [event("MixMonitorStart", 1, **trunk)], 1)
    assert "agent" not in found[RowKind.RECORDINGS, f"mixmonitor-{T}.1"]


def test_a_recording_that_stops_and_goes_on_was_interrupted():
    """As the shipped dialplan does around a card payment."""
    starts = [event("MixMonitorStart", at, **CHANNEL) for at in (10, 40)]
    stops = [event("MixMonitorStop", at, **CHANNEL) for at in (25, 60)]
    found = final(AmiTranslator(SETTINGS), [*stops, *starts], 1)[RowKind.RECORDINGS, f"mixmonitor-{T}.2"]
    assert [each["state"] for each in found["segments"]] == ["on", "paused", "on"]
    running = final(AmiTranslator(SETTINGS), [starts[0], stops[0], starts[1]], 1)
    assert "ended_at" not in running[RowKind.RECORDINGS, f"mixmonitor-{T}.2"]
