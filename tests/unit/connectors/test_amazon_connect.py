"""Claims on Amazon Connect: at least once, in any order, three streams of one contact; transfers are one chain."""

from hypothesis import given, settings
from hypothesis import strategies as st
from telephony_support import assert_order_is_nothing, final, legs, refusals, times

from quivive.connectors.amazon_connect import AmazonConnectTranslator
from quivive.connectors.contact_book import TelephonySettings

FIRST, SECOND = "11111111-aaaa-4aaa-8aaa-000000000001", "11111111-aaaa-4aaa-8aaa-000000000002"
ARN = "arn:aws:connect:eu-west-3:000000000000:instance/i/agent/"
SETTINGS = TelephonySettings(controller="aurore", table="customer", attribute="customerId")


def record(contact, user, begun, ended, updated, **more):
    """One contact record."""
    return {
        "ContactId": contact,
        "Channel": "VOICE",
        "InitiationMethod": "INBOUND",
        "InitiationTimestamp": f"2026-11-23T{begun}Z",
        "DisconnectTimestamp": f"2026-11-23T{ended}Z",
        "LastUpdateTimestamp": f"2026-11-23T{updated}Z",
        "CustomerEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "+33199000001"},
        "Queue": {"Name": "assistance"},
        "Attributes": {"customerId": "4711", "note": "an invented note"},
        "Agent": {
            "ARN": f"{ARN}{user}-arn",
            "Username": user,
            "ConnectedToAgentTimestamp": f"2026-11-23T{begun}Z",
            "AfterContactWorkEndTimestamp": f"2026-11-23T{updated}Z",
        },
        **more,
    }


def event(contact, kind, at, user="", **more):
    """One contact event in its envelope."""
    detail = {"eventType": kind, "contactId": contact, "channel": "VOICE", "initiationMethod": "INBOUND", **more}
    if user:
        detail["agentInfo"] = {"agentArn": f"{ARN}{user}-arn", "connectedToAgentTimestamp": f"2026-11-23T{at}Z"}
    return {"source": "aws.connect", "time": f"2026-11-23T{at}Z", "detail": detail}


def stream(user, at, *contacts, before=()):
    """One agent event."""

    def snapshot(held):
        return {"Configuration": {"Username": user, "FirstName": "Invented"}, "Contacts": list(held)}

    return {
        "AgentARN": f"{ARN}{user}-arn",
        "EventType": "STATE_CHANGE",
        "EventTimestamp": f"2026-11-23T{at}Z",
        "CurrentAgentSnapshot": snapshot(contacts),
        "PreviousAgentSnapshot": snapshot(before),
    }


RINGING = {
    "ContactId": FIRST,
    "Channel": "VOICE",
    "InitiationMethod": "INBOUND",
    "State": "CONNECTING",
    "StateStartTimestamp": "2026-11-23T08:00:10Z",
    "Queue": {"Name": "assistance"},
}
CHAIN = (
    stream("camille", "08:00:10", RINGING),
    event(FIRST, "CONNECTED_TO_AGENT", "08:00:20", "camille", initiationTimestamp="2026-11-23T08:00:00Z"),
    stream("camille", "08:01:50", before=[RINGING]),
    record(FIRST, "camille", "08:00:20", "08:01:30", "08:01:50"),
    record(SECOND, "dominique", "08:01:10", "08:04:00", "08:04:30", InitialContactId=FIRST, PreviousContactId=FIRST),
)


def translator():
    return AmazonConnectTranslator(SETTINGS)


def test_a_transfer_is_one_contact_with_both_agents():
    """Joined by the initial contact; from the offer to the end of after-call work; the declared attribute is the record."""
    rows = final(translator(), CHAIN)
    assert set(rows) == {FIRST}
    row = rows[FIRST]
    assert legs(row) == [("camille", "agent", "08:00:10", "08:01:50"), ("dominique", "agent", "08:01:10", "08:04:30")]
    assert times(row, "offered_at", "started_at", "ended_at", "wrapped_at") == (
        "08:00:10",
        "08:00:20",
        "08:04:00",
        "08:04:30",
    )
    assert (row["queue"], row["phone"], row["records"]) == ("assistance", "+33199000001", ["customer:4711"])
    assert "nvented" not in repr(row)


def test_the_record_updated_last_counts():
    """An older copy that comes later changes nothing."""
    late = record(FIRST, "camille", "08:00:20", "08:01:30", "08:01:40", Queue={"Name": "old"})
    new = record(FIRST, "camille", "08:00:20", "08:01:30", "08:09:00", Queue={"Name": "new"})
    assert final(translator(), [new, late], 1)[FIRST]["queue"] == "new"
    assert final(translator(), [late, new], 1)[FIRST]["queue"] == "new"


def test_an_event_names_the_agent_once_anything_told_who_he_is():
    """Contact events hold the ARN only; the login comes with a record or an agent event, before or after."""
    named = event(FIRST, "CONNECTED_TO_AGENT", "08:00:20", "camille")
    assert legs(final(translator(), [named])[FIRST])[0][0] == "camille-arn"
    for items in ([named, stream("camille", "09:00:00")], [stream("camille", "09:00:00"), named]):
        assert legs(final(translator(), items, 1)[FIRST])[0][0] == "camille"


def test_a_contact_without_its_end_has_none():
    """Neither the leg nor the call."""
    row = final(translator(), [event(FIRST, "CONNECTED_TO_AGENT", "08:00:20", "camille")])[FIRST]
    assert legs(row)[0][3] == ""
    assert "ended_at" not in row


def test_listening_is_a_leg_of_the_contact_listened_to():
    """For the time it lasted, under another role."""
    spans = [
        {
            "State": "SILENT_MONITOR",
            "StateStartTimestamp": "2026-11-23T08:00:40Z",
            "StateEndTimestamp": "2026-11-23T08:01:00Z",
        }
    ]
    listener = record(SECOND, "sasha", "08:00:40", "08:01:00", "08:01:05", InitiationMethod="MONITOR")
    listener |= {"InitialContactId": FIRST, "Agent": {**listener["Agent"], "StateTransitions": spans}}
    row = final(translator(), [CHAIN[3], listener])[FIRST]
    assert ("sasha", "monitor", "08:00:40", "08:01:00") in legs(row)
    assert times(row, "ended_at") == ("08:01:30",)


def test_what_names_no_contact_is_refused_without_its_content():
    """The place and what was expected."""
    found = refusals(translator(), {"Username": "camille"}, {"ContactId": FIRST}, {"CurrentAgentSnapshot": {}})
    assert [each.field for each in found] == ["ContactId", "LastUpdateTimestamp", "EventTimestamp"]
    assert "camille" not in repr(found)
    assert translator().complete_to() == 0


@settings(max_examples=100)
@given(st.integers(0, 1 << 30))
def test_order_and_repetition_change_nothing(seed):
    """Shuffled, doubled, cut anywhere: the same final rows."""
    assert_order_is_nothing(translator, CHAIN, seed)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted({*CHAIN[3], *CHAIN[0], "detail", "time"})


@given(st.dictionaries(st.sampled_from(FIELDS), JSON), JSON, JSON)
def test_any_shape_is_a_row_or_a_refusal(more, states, contacts):
    """A field of another type raises nothing."""
    agent = {**CHAIN[3]["Agent"], "StateTransitions": states}
    snapshot = {"Configuration": states, "Contacts": contacts}
    for item in ({**CHAIN[3], **more}, {**CHAIN[3], "Agent": agent}, {**CHAIN[2], "CurrentAgentSnapshot": snapshot}):
        refusals(translator(), item)
