"""Claims on VICIdial: rows of its tables in any mixture become calls, call-backs and leads."""

from hypothesis import given, settings
from hypothesis import strategies as st
from telephony_support import assert_order_is_nothing, final, legs, refusals, times

from quivive.connectors.contact_book import TelephonySettings
from quivive.connectors.vicidial import VicidialTranslator
from quivive.model.clock import SECOND_US, from_rfc3339

T = from_rfc3339("2026-11-23T08:00:00Z") // SECOND_US
INBOUND, OUTBOUND = f"{T}.101", f"{T + 600}.102"
SETTINGS = TelephonySettings(controller="aurore", table="customer", timezone="Europe/Paris")
CLOSER = {
    "closecallid": "71",
    "lead_id": "4711",
    "campaign_id": "assistance",
    "call_date": "2026-11-23 09:00:00",
    "start_epoch": str(T),
    "end_epoch": str(T + 110),
    "length_in_sec": "110",
    "phone_code": "33",
    "phone_number": "0199000001",
    "user": "camille",
    "comments": "an invented comment",
    "queue_seconds": "20.00",
    "uniqueid": INBOUND,
}
AGENT = {
    "agent_log_id": "901",
    "user": "camille",
    "event_time": "2026-11-23 09:00:00",
    "lead_id": "4711",
    "campaign_id": "assistance",
    "talk_epoch": str(T + 20),
    "talk_sec": "90",
    "dispo_epoch": str(T + 110),
    "dispo_sec": "15",
    "uniqueid": INBOUND,
}
AGENT_TALKING = {**AGENT, "talk_sec": "0", "dispo_epoch": "", "dispo_sec": "0"}
DIALLED = {
    "uniqueid": OUTBOUND,
    "lead_id": "4712",
    "campaign_id": "relance",
    "start_epoch": str(T + 600),
    "end_epoch": str(T + 660),
    "phone_code": "33",
    "phone_number": "199000006",
    "user": "dominique",
    "status": "SALE",
}
UNANSWERED = {**DIALLED, "uniqueid": f"{T + 700}.103", "user": "VDAD", "lead_id": "4713"}
CALLBACK = {
    "callback_id": "31",
    "lead_id": "4711",
    "campaign_id": "relance",
    "status": "ACTIVE",
    "entry_time": "2026-11-23 09:03:00",
    "callback_time": "2026-11-24 10:00:00",
    "modify_date": "2026-11-23 09:03:00",
    "user": "camille",
    "recipient": "USERONLY",
    "comments": "an invented comment",
}
KEPT = {**CALLBACK, "status": "INACTIVE", "modify_date": "2026-11-24 10:05:00"}
LEAD = {
    "lead_id": "4714",
    "entry_date": "2026-11-23 07:30:00",
    "modify_date": "2026-11-23 07:30:00",
    "list_id": "998",
    "phone_code": "33",
    "phone_number": "199000007",
    "first_name": "Invented",
}
DAY = (AGENT_TALKING, CLOSER, AGENT, DIALLED, UNANSWERED, CALLBACK, KEPT, LEAD)


def translator():
    return VicidialTranslator(SETTINGS)


def test_an_inbound_call_joins_its_rows():
    """The agent's log gives his part, the closer log the number; the wait in the queue is nobody's."""
    row = final(translator(), [CLOSER, AGENT])[INBOUND]
    assert legs(row) == [("camille", "agent", "08:00:20", "08:01:50")]
    assert times(row, "started_at", "ended_at", "wrapped_at") == ("08:00:20", "08:01:50", "08:02:05")
    assert (row["direction"], row["queue"], row["phone"]) == ("inbound", "assistance", "+33199000001")
    assert row["records"] == ["customer:4711"]
    assert "invented" not in repr(row)


def test_a_row_rewritten_in_place_counts_in_its_latest_state():
    """While he talks there is no end; the fuller row brings it, in whatever order."""
    early = final(translator(), [AGENT_TALKING])[INBOUND]
    assert legs(early) == [("camille", "agent", "08:00:20", "")]
    assert final(translator(), [AGENT, AGENT_TALKING], 1) == final(translator(), [AGENT_TALKING, AGENT], 1)


def test_outbound_calls():
    """The dialler itself is nobody: a call that no agent took has no leg."""
    rows = final(translator(), [DIALLED, UNANSWERED])
    assert (rows[OUTBOUND]["direction"], rows[OUTBOUND]["campaign"]) == ("outbound", "relance")
    assert legs(rows[OUTBOUND]) == [("dominique", "agent", "08:10:00", "08:11:00")]
    assert legs(rows[UNANSWERED["uniqueid"]]) == []


def test_a_call_without_its_beginning_is_not_given_one():
    """The wait in the queue alone is no instant."""
    row = final(translator(), [{**CLOSER, "start_epoch": ""}])[INBOUND]
    assert legs(row) == [("camille", "agent", "", "08:01:50")]
    assert "started_at" not in row


def test_a_call_back_is_a_promise_of_the_agent():
    """Local dates are read in the declared zone; once kept it is closed."""
    row = final(translator(), [CALLBACK])["callback-31"]
    assert (row["kind"], row["self_made"], row["records"]) == ("callback", True, ["customer:4711"])
    assert times(row, "opened_at", "due_at", "closed_at") == ("08:03:00", "09:00:00", "")
    assert times(final(translator(), [CALLBACK, KEPT])["callback-31"], "closed_at") == ("09:05:00",)


def test_a_lead_is_a_member_of_a_list():
    """Its record and number, no name."""
    row = final(translator(), [LEAD])["lead-4714"]
    assert (row["kind"], row["records"], row["phone"]) == ("list_member", ["customer:4714"], "+33199000007")
    assert "Invented" not in repr(row)


def test_pauses_are_read_past():
    """A row without a lead is no contact, and no measure of the agent."""
    assert final(translator(), [{**AGENT, "lead_id": "0"}, {**AGENT, "talk_epoch": ""}]) == {}


def test_another_table_is_refused_without_its_content():
    """Columns tell the table."""
    found = refusals(
        translator(),
        {"extension": "4105", "full_name": "Invented"},
        {**DIALLED, "start_epoch": "soon", "end_epoch": ""},
    )
    assert [(each.field, each.found) for each in found] == [("uniqueid", "another table"), ("start_epoch", "nothing")]
    assert translator().complete_to() == 0


@settings(max_examples=100)
@given(st.integers(0, 1 << 30))
def test_order_and_repetition_change_nothing(seed):
    """Shuffled, doubled, cut anywhere: the same final rows."""
    assert_order_is_nothing(translator, DAY, seed)
