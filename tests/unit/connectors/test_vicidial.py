"""Claims on VICIdial's tables: rows of one call are one contact, windows come from epochs, nobody's pause is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telephony_support import assert_order_is_nothing, final, legs, refusals, times

from quivive.connectors.contact_book import TelephonySettings
from quivive.connectors.vicidial import VicidialTranslator

T = 1_795_339_800  # 2026-11-22T09:30:00Z
OUTBOUND = {
    "uniqueid": f"{T}.1001",
    "lead_id": "731",
    "list_id": "101",
    "campaign_id": "RELANCE",
    "call_date": "2026-11-22 10:30:00",
    "start_epoch": str(T),
    "end_epoch": str(T + 95),
    "length_in_sec": "95",
    "status": "SALE",
    "phone_code": "33",
    "phone_number": "0199000001",
    "user": "4105",
    "comments": "never read",
}
INBOUND = {
    "closecallid": "55",
    "lead_id": "732",
    "campaign_id": "ASSISTANCE",
    "start_epoch": str(T + 600),
    "end_epoch": str(T + 760),
    "queue_seconds": "40.00",
    "phone_code": "33",
    "phone_number": "199000002",
    "user": "4112",
    "uniqueid": f"{T + 600}.1002",
}
TALKED = {
    "agent_log_id": "9001",
    "user": "4105",
    "lead_id": "731",
    "campaign_id": "RELANCE",
    "event_time": "2026-11-22 10:29:00",
    "pause_epoch": str(T - 60),
    "pause_sec": "30",
    "wait_epoch": str(T - 30),
    "wait_sec": "30",
    "talk_epoch": str(T + 4),
    "talk_sec": "91",
    "dispo_epoch": str(T + 95),
    "dispo_sec": "20",
    "uniqueid": f"{T}.1001",
}
UNDER_WAY = {**TALKED, "talk_sec": "0", "dispo_epoch": "0", "dispo_sec": "0"}
PAUSED = {**TALKED, "agent_log_id": "9002", "lead_id": "0", "talk_epoch": "0", "dispo_epoch": "0", "uniqueid": ""}
CALLBACK = {
    "callback_id": "12",
    "lead_id": "731",
    "campaign_id": "RELANCE",
    "status": "ACTIVE",
    "entry_time": "2026-11-22 10:32:00",
    "callback_time": "2026-11-24 11:00:00",
    "modify_date": "2026-11-22 10:32:00",
    "user": "4105",
    "recipient": "USERONLY",
}
DONE = {**CALLBACK, "status": "INACTIVE", "modify_date": "2026-11-24 11:05:00"}
LEAD = {
    "lead_id": "731",
    "entry_date": "2026-11-20 08:00:00",
    "modify_date": "2026-11-22 10:32:00",
    "list_id": "101",
    "phone_code": "33",
    "phone_number": "0199000001",
    "first_name": "never",
}
ALL = [OUTBOUND, INBOUND, UNDER_WAY, TALKED, PAUSED, CALLBACK, DONE, LEAD]


def opened(**change):
    return VicidialTranslator(TelephonySettings(timezone="Europe/Paris", table="customer", **change))


def test_log_and_agent_log_of_one_call_are_one_contact():
    """From the talk to the disposition, its end as after-call work; lead and number are the customer's."""
    row = final(opened(), [OUTBOUND, TALKED])[f"{T}.1001"]
    assert legs(row) == [("4105", "agent", "09:30:04", "09:31:35")]
    assert times(row, "started_at", "ended_at", "wrapped_at") == ("09:30:04", "09:31:35", "09:31:55")
    assert (row["direction"], row["campaign"], row["records"]) == ("outbound", "RELANCE", ["customer:731"])
    assert row["phone"] == "+33199000001"


def test_a_row_rewritten_in_place_counts_in_its_last_state():
    """The agent log is filled in as the call goes on."""
    assert final(opened(), [UNDER_WAY])[f"{T}.1001"].get("ended_at") is None
    assert final(opened(), [TALKED, UNDER_WAY]) == final(opened(), [UNDER_WAY, TALKED])
    assert legs(final(opened(), [UNDER_WAY, TALKED])[f"{T}.1001"]) == [("4105", "agent", "09:30:04", "09:31:35")]


def test_the_closer_log_is_inbound_and_waits():
    """The agent's part begins when the queue put the call through."""
    row = final(opened(), [INBOUND])[f"{T + 600}.1002"]
    assert (row["direction"], row["queue"]) == ("inbound", "ASSISTANCE")
    assert legs(row) == [("4112", "agent", "09:40:40", "09:42:40")]


def test_a_call_without_its_beginning_is_not_given_one():
    """The wait in the queue alone is no instant."""
    row = final(opened(), [{**INBOUND, "start_epoch": ""}])[f"{T + 600}.1002"]
    assert legs(row) == [("4112", "agent", "", "09:42:40")]
    assert "started_at" not in row


def test_a_pause_is_no_contact():
    """No row, no refusal: what an agent does beside contacts is none of ours."""
    assert final(opened(), [PAUSED]) == {}


@pytest.mark.parametrize("user", ["VDAD", "VDCL", ""])
def test_the_dialler_is_nobody(user):
    """A call that reached no agent has no leg."""
    assert "legs" not in final(opened(), [{**OUTBOUND, "user": user}])[f"{T}.1001"]


def test_a_callback_is_a_promise_of_the_agent_himself():
    """Local dates in the declared zone; it closes when it is no longer active, and anyone's names nobody."""
    row = final(opened(), [CALLBACK, DONE])["callback-12"]
    assert (row["kind"], row["self_made"], row["due_at"]) == ("callback", True, "2026-11-24T10:00:00.000000Z")
    assert row["closed_at"] == "2026-11-24T10:05:00.000000Z"
    assert "legs" not in final(opened(), [{**CALLBACK, "recipient": "ANYONE"}])["callback-12"]


def test_a_lead_ties_record_and_number():
    """It is on a list, with nobody yet."""
    row = final(opened(), [LEAD])["lead-731"]
    assert (row["kind"], row["records"], row["phone"]) == ("list_member", ["customer:731"], "+33199000001")


@pytest.mark.parametrize(
    ("code", "number", "shown"),
    [
        ("33", "0199000001", "+33199000001"),
        ("39", "0699000001", "+390699000001"),  # Italy keeps its zero
        ("", "0199000001", "0199000001"),
        ("33", "unknown", "unknown"),
    ],
)
def test_code_and_number_are_joined(code, number, shown):
    """In international form when both are digits; else as they stand, for the normaliser to judge."""
    row = final(opened(), [{**OUTBOUND, "phone_code": code, "phone_number": number}])[f"{T}.1001"]
    assert row["phone"] == shown


def test_another_table_is_refused_without_its_content():
    """Columns tell the table; others are not guessed."""
    (refusal,) = refusals(opened(), {"user": "4105", "secret": "0199000001"})
    assert "0199000001" not in str(refusal)


@given(st.integers())
def test_order_and_repetition_change_nothing(seed):
    """Shuffled, doubled, cut anywhere: the same final rows."""
    assert_order_is_nothing(opened, ALL, seed)
