"""Recordings and listenings as rows: keys, policy, refusals."""

import pytest

from quivive.contacts.hearing import map_listening, map_recording
from quivive.contacts.mapper import ContactContext
from quivive.model.catalogue import Catalogue
from quivive.model.clock import from_rfc3339
from quivive.model.gate import CapturePolicy
from quivive.model.recording import ListeningKind, SegmentState
from quivive.privacy.pseudonym import ControllerKeys, agent_key, contact_key, location_key, recording_key
from quivive.privacy.subject import SubjectKeyer
from quivive.rows import FieldError, Row

NOW = from_rfc3339("2026-11-23T12:00:00Z")
KEYS = ControllerKeys(key_id="k", record=b"r" * 32, agent=b"a" * 32)
CONTEXT = ContactContext(
    namespace="telephony",
    keyer=SubjectKeyer(
        keys=KEYS, catalogue=Catalogue(controller="aurore", version=1, tables=(), not_protected=()), region="FR"
    ),
)
AGENT, LISTENER = agent_key(KEYS, "telephony", "4105"), agent_key(KEYS, "telephony", "4201")
POLICY = CapturePolicy(active=True, informed={AGENT: 1, LISTENER: 1}, keep_unknown=False, service_accounts=())
RECORDING = {
    "id": "r1",
    "version": 3,
    "contact": "1763.4",
    "agent": "4105",
    "queue": "assistance",
    "location": "/monitor/q-1763.4.wav",
    "started_at": "2026-11-23T10:00:00Z",
    "ended_at": "2026-11-23T10:05:00Z",
    "segments": [{"from": "2026-11-23T10:00:00Z", "to": "2026-11-23T10:05:00Z", "state": "paused"}],
}
LISTENING = {
    "id": "s1",
    "version": 1,
    "kind": "live",
    "contact": "1763.4",
    "agent": "4105",
    "listener": "4201",
    "started_at": "2026-11-23T10:01:00Z",
}


def recording(policy=POLICY, **changes):
    return map_recording(Row({**RECORDING, **changes}), CONTEXT, policy, NOW, "aurore")


def listening(policy=POLICY, **changes):
    row = {name: value for name, value in {**LISTENING, **changes}.items() if value is not None}
    return map_listening(Row(row), CONTEXT, policy, NOW, "aurore")


def test_a_recording_is_keyed_and_says_its_stretches():
    """Nothing in clear but codes; the call and the agent are the keys that every other source makes."""
    mapped = recording()
    body = mapped.body
    assert (body.contact, body.agent) == (contact_key(KEYS, "1763.4"), AGENT)
    assert body.recording == recording_key(KEYS, "telephony", "r1")
    assert body.location == location_key(KEYS, "q-1763.4.mp3")
    assert [each.state for each in body.segments] == [SegmentState.PAUSED]
    assert mapped.at == from_rfc3339("2026-11-23T10:00:00Z")
    assert "4105" not in repr(body)


def test_a_player_names_the_recording_by_its_file():
    """Folder and ending do not matter; another name is another recording."""
    assert listening(kind="playback", location="https://rec.example/mp3/Q-1763.4.mp3").body.recording == location_key(
        KEYS, "/monitor/q-1763.4.wav"
    )
    assert location_key(KEYS, "q-1763.4") == location_key(KEYS, "q-1763.4.wav")
    assert location_key(KEYS, "q-1763.5.wav") != location_key(KEYS, "q-1763.4.wav")


def test_who_was_not_informed_leaves_no_key():
    """Agent and listener alike, and everybody while the gate is dry."""
    unaware = CapturePolicy(active=True, informed={AGENT: 1}, keep_unknown=False, service_accounts=())
    assert (listening(unaware).body.agent, listening(unaware).body.listener) == (AGENT, "")
    dry = CapturePolicy(active=False, informed={AGENT: 1, LISTENER: 1}, keep_unknown=True, service_accounts=())
    assert (listening(dry).body.agent, recording(dry).body.agent) == ("", "")


def test_a_live_kind_names_no_recording():
    """What is heard as it happens is kept nowhere."""
    with pytest.raises(FieldError):
        listening(recording="r1")
    assert listening(kind="whisper").body.listening_kind is ListeningKind.WHISPER


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("answer", "4105"),
        ("sha256", "zz"),
        ("ended_at", "2026-11-23T09:00:00Z"),
        ("segments", [{"from": "2026-11-23T10:05:00Z", "to": "2026-11-23T10:00:00Z", "state": "on"}]),
        ("transcript", "bonjour"),
    ],
)
def test_what_is_wrong_is_refused_without_its_value(field, value):
    """The type found, never the value."""
    with pytest.raises(FieldError) as error:
        recording(**{field: value})
    assert str(value) not in str(error.value)


def test_an_instant_is_needed():
    """Without beginning and end there is no day to write it to."""
    with pytest.raises(FieldError):
        listening(started_at=None)
