"""Claims on Genesys conversations: users' sessions are legs, listening is a monitor's, the customer's end the number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telephony_support import assert_order_is_nothing, final, legs, refusals, times

from quivive.connectors.contact_book import TelephonySettings
from quivive.connectors.genesys import GenesysTranslator

DAY = "2026-11-22T"
AGENT, OTHER, LEADER = "user-4105", "user-4112", "user-4201"


def segment(kind, begin, end="", **more):
    found = {"segmentType": kind, "segmentStart": f"{DAY}{begin}.000Z", **more}
    return {**found, "segmentEnd": f"{DAY}{end}.000Z"} if end else found


def participant(purpose, *segments, user="", attributes=None, **session):
    found = {"purpose": purpose, "participantName": "never read", "sessions": [{**session, "segments": [*segments]}]}
    return found | ({"userId": user} if user else {}) | ({"attributes": attributes} if attributes else {})


CUSTOMER = participant(
    "external", segment("interact", "09:00:00", "09:06:00"), ani="tel:+33199000001", mediaType="voice"
)
TALK = participant(
    "agent",
    segment("wrapup", "09:04:00", "09:05:00", wrapUpNote="never read"),
    segment("alert", "09:00:20", "09:00:25", queueId="assistance"),
    segment("interact", "09:00:25", "09:04:00"),
    user=AGENT,
    mediaType="voice",
)
NEXT = participant(
    "agent", segment("interact", "09:04:00", "09:06:00"), segment("wrapup", "09:06:00", "09:06:40"), user=OTHER,
    mediaType="voice",
)  # fmt: skip
LISTENS = participant(
    "user", segment("interact", "09:01:00", "09:02:00"), user=LEADER, mediaType="voice", monitoredParticipantId="p-1"
)


def conversation(*participants, contact="c-1", end="09:06:00", **more):
    found = {"conversationId": contact, "conversationStart": f"{DAY}09:00:00.000Z", "participants": [*participants]}
    return {**found, **({"conversationEnd": f"{DAY}{end}.000Z"} if end else {}), **more}


def opened(**told):
    return GenesysTranslator(TelephonySettings(**told))


def only(item, **told):
    (row,) = final(opened(**told), [item]).values()
    return row


def test_a_transferred_call_has_a_leg_for_each_user():
    """From the alert to the end of the conversation with him; the last wrap-up ends the contact."""
    row = only(conversation(CUSTOMER, TALK, NEXT))
    assert legs(row) == [(AGENT, "agent", "09:00:20", "09:04:00"), (OTHER, "agent", "09:04:00", "09:06:00")]
    assert times(row, "offered_at", "started_at", "ended_at", "wrapped_at") == (
        "09:00:20", "09:00:25", "09:06:00", "09:06:40",
    )  # fmt: skip
    assert (row["direction"], row["queue"], row["phone"]) == ("inbound", "assistance", "+33199000001")


@pytest.mark.parametrize(
    "name", ["monitoredParticipantId", "coachedParticipantId", "bargedParticipantId", "screenMonitoredUserId"]
)
def test_listening_coaching_and_barging_are_a_monitors(name):
    """They explain nothing but the listening, and do not begin the call."""
    listens = participant("user", segment("interact", "09:01:00", "09:02:00"), user=LEADER, **{name: "p-1"})
    row = only(conversation(CUSTOMER, TALK, listens))
    assert (LEADER, "monitor", "09:01:00", "09:02:00") in legs(row)
    assert times(row, "started_at") == times(only(conversation(CUSTOMER, TALK)), "started_at")


def test_a_campaign_names_its_contact_as_the_record():
    """The dialler's contact id is the strongest join; the number is who was called."""
    dialled = participant(
        "agent",
        segment("dialing", "09:00:00", "09:00:10"),
        segment("interact", "09:00:10", "09:03:00"),
        user=AGENT,
        mediaType="voice",
        dnis="tel:+33199000002",
        ani="tel:+33199999999",
        outboundContactId="7731",
        outboundCampaignId="relance",
    )
    row = only(conversation(dialled), table="customer")
    assert (row["direction"], row["phone"], row["records"]) == ("outbound", "+33199000002", ["customer:7731"])


def test_an_attribute_may_hold_the_record():
    """Only the declared one is read."""
    told = participant("customer", attributes={"crm": "42", "other": "9"})
    assert only(conversation(told, TALK), table="customer", attribute="crm")["records"] == ["customer:42"]
    assert "records" not in only(conversation(told, TALK), table="customer")


@pytest.mark.parametrize("media", ["chat", "email", "message"])
def test_written_contacts_are_conversations(media):
    """They open and close; a number they may have, a call they are not."""
    row = only(
        conversation(participant("agent", segment("interact", "09:01:00", "09:05:00"), user=AGENT, mediaType=media))
    )
    assert (row["kind"], "started_at" in row) == ("conversation", False)
    assert times(row, "opened_at", "assigned_at", "closed_at") == ("09:00:00", "09:01:00", "09:06:00")


def test_a_conversation_under_way_has_no_end():
    """Neither of the call nor of the leg."""
    row = only(conversation(participant("agent", segment("interact", "09:01:00"), user=AGENT), end=""))
    assert (legs(row), "ended_at" in row) == ([(AGENT, "agent", "09:01:00", "")], False)


@pytest.mark.parametrize("change", [{"conversationId": ""}, {"conversationStart": "yesterday"}])
def test_what_has_no_id_or_no_beginning_is_refused(change):
    """By field, without its value."""
    (refusal,) = refusals(opened(), {**conversation(TALK), **change})
    assert refusal.field in change
    assert "yesterday" not in str(refusal)


@given(st.integers())
def test_order_and_repetition_change_nothing(seed):
    """An earlier export of the same conversation never supersedes a later one."""
    items = [
        conversation(CUSTOMER, TALK, NEXT, LISTENS),
        conversation(CUSTOMER, participant("agent", TALK["sessions"][0]["segments"][1], user=AGENT), end=""),
        conversation(CUSTOMER, contact="c-2"),
    ]
    assert_order_is_nothing(opened, items, seed)
