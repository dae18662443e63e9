"""Genesys Cloud and Amazon Connect: who monitored, coached or barged in, and what was recorded."""

from telephony_support import NOW, records

from quivive.connectors.amazon_connect import AmazonConnectTranslator
from quivive.connectors.contact_book import TelephonySettings
from quivive.connectors.genesys import GenesysTranslator
from quivive.connectors.model import RowKind

SETTINGS = TelephonySettings(controller="aurore")


def rows(translator, *items):
    return [(row.kind, row.value) for row in translator.feed(records(*items), NOW)]


def segment(begin, end, kind="interact"):
    return {"segmentType": kind, "segmentStart": f"2026-11-23T{begin}Z", "segmentEnd": f"2026-11-23T{end}Z"}


def test_a_coached_call_of_genesys_is_a_whisper():
    """Listener, who was heard, and the call."""
    conversation = {
        "conversationId": "c-1", "conversationStart": "2026-11-23T09:00:00Z", "conversationEnd": "2026-11-23T09:10:00Z",
        "participants": [
            {"participantId": "p-1", "purpose": "agent", "userId": "agent-1",
             "sessions": [{"sessionId": "s-1", "mediaType": "voice", "segments": [segment("09:00:00", "09:10:00")]}]},
            {"participantId": "p-2", "purpose": "user", "userId": "lead-1",
             "sessions": [{"sessionId": "s-2", "mediaType": "voice", "coachedParticipantId": "p-1",
                           "segments": [segment("09:02:00", "09:04:00")]}]},
        ],
    }  # fmt: skip
    contact, (kind, listening) = rows(GenesysTranslator(SETTINGS), conversation)
    assert (contact[0], kind) == (RowKind.CONTACTS, RowKind.LISTENINGS)
    assert (listening["kind"], listening["agent"], listening["listener"]) == ("whisper", "agent-1", "lead-1")
    assert (listening["contact"], listening["started_at"][11:16]) == ("c-1", "09:02")


def test_a_monitor_contact_of_connect_is_a_listening_and_its_recording_a_recording():
    """The greatest record counts; a barge is one."""
    call = {
        "ContactId": "k-1", "Channel": "VOICE", "InitiationMethod": "INBOUND", "LastUpdateTimestamp": "2026-11-23T09:20:00Z",
        "InitiationTimestamp": "2026-11-23T09:00:00Z", "DisconnectTimestamp": "2026-11-23T09:10:00Z",
        "Agent": {"ARN": "arn:agent/a1", "Username": "anna", "ConnectedToAgentTimestamp": "2026-11-23T09:00:10Z"},
        "Recordings": [{"Location": "bucket/2026/k-1.wav", "StartTimestamp": "2026-11-23T09:00:10Z",
                        "StopTimestamp": "2026-11-23T09:10:00Z"}],
    }  # fmt: skip
    monitor = {
        "ContactId": "k-2", "InitialContactId": "k-1", "Channel": "VOICE", "InitiationMethod": "MONITOR",
        "LastUpdateTimestamp": "2026-11-23T09:20:00Z", "InitiationTimestamp": "2026-11-23T09:03:00Z",
        "DisconnectTimestamp": "2026-11-23T09:05:00Z",
        "Agent": {"ARN": "arn:agent/b1", "Username": "lead", "StateTransitions": [
            {"state": "SILENT_MONITOR", "stateStartTimestamp": "2026-11-23T09:03:00Z", "stateEndTimestamp": "2026-11-23T09:04:00Z"},
            {"state": "BARGE", "stateStartTimestamp": "2026-11-23T09:04:00Z", "stateEndTimestamp": "2026-11-23T09:05:00Z"}]},
    }  # fmt: skip
    found = dict(rows(AmazonConnectTranslator(SETTINGS), call, monitor, call))
    listening, recording = found[RowKind.LISTENINGS], found[RowKind.RECORDINGS]
    assert (listening["kind"], listening["listener"], listening["contact"]) == ("barge", "lead", "k-1")
    assert (recording["agent"], recording["location"]) == ("anna", "bucket/2026/k-1.wav")
    assert (recording["started_at"][11:16], recording["ended_at"][11:16]) == ("09:00", "09:10")
