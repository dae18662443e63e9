"""Claims on channel events: transfers, consultations, listening; what is missing is not invented."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telephony_support import assert_order_is_nothing, final, legs, refusals, times

from quivive.connectors.asterisk.cel import CelTranslator
from quivive.connectors.contact_book import TelephonySettings
from quivive.model.clock import SECOND_US, from_rfc3339

T = from_rfc3339("2026-11-23T08:00:00Z") // SECOND_US
CUSTOMER, AGENT = f"{T}.10", f"{T + 1}.11"
ASKING, ASKED = f"{T + 60}.12", f"{T + 61}.13"


def event(second, kind, channel, unique, linked, **more):
    """One event by the names of the SQL columns."""
    told = {"eventtime": str(T + second), "eventtype": kind, "channame": channel}
    return {**told, "uniqueid": unique, "linkedid": linked, **more}


def customer(second, kind, **more):
    return event(second, kind, "PJSIP/operator-0000000a", CUSTOMER, CUSTOMER, **more)


def agent(second, kind, **more):
    return event(second, kind, "PJSIP/4105-0000000b", AGENT, CUSTOMER, **more)


def asking(second, kind, linked=ASKING, **more):
    return event(second, kind, "PJSIP/4105-0000000c", ASKING, linked, **more)


def asked(second, kind, linked=ASKING, **more):
    return event(second, kind, "PJSIP/4112-0000000d", ASKED, linked, **more)


BEGIN = (
    customer(0, "CHAN_START", cid_num="0199000001", exten="0800"),
    customer(0, "APP_START", appname="Queue", appdata="assistance,tT,,,20", cid_num="0199000001"),
    agent(1, "CHAN_START"),
    agent(5, "ANSWER"),
    agent(5, "BRIDGE_ENTER"),
    customer(5, "BRIDGE_ENTER", cid_num="0199000001"),
)
END = (
    agent(90, "BRIDGE_EXIT"),
    agent(90, "HANGUP"),
    agent(90, "CHAN_END"),
    customer(90, "BRIDGE_EXIT"),
    customer(90, "CHAN_END"),
    customer(90, "LINKEDID_END"),
)
CONSULTATION = (
    asking(60, "CHAN_START", exten="4112"),
    asked(61, "CHAN_START"),
    asked(64, "ANSWER"),
    asked(64, "BRIDGE_ENTER"),
    asking(64, "BRIDGE_ENTER"),
)
HANDED_OVER = (
    agent(
        80,
        "ATTENDEDTRANSFER",
        extra=f'{{"bridge1_id":"b1","channel2_name":"x","channel2_uniqueid":"{ASKING}","bridge2_id":"b2"}}',
    ),
    agent(80, "BRIDGE_EXIT"),
    asking(80, "BRIDGE_EXIT"),
    agent(80, "CHAN_END"),
    asking(80, "CHAN_END"),
    asked(80, "BRIDGE_ENTER", linked=CUSTOMER),
    asked(120, "CHAN_END", linked=CUSTOMER),
    customer(120, "CHAN_END"),
    customer(120, "LINKEDID_END"),
)
TRANSFER = (*BEGIN, *CONSULTATION, *HANDED_OVER)


def translator():
    return CelTranslator(TelephonySettings(controller="aurore"))


def test_a_call_of_a_queue():
    """From ringing to hang-up, with the queue and the number."""
    row = final(translator(), [*BEGIN, *END])[CUSTOMER]
    assert (row["direction"], row["queue"], row["phone"]) == ("inbound", "assistance", "0199000001")
    assert legs(row) == [("4105", "agent", "08:00:01", "08:01:30")]
    assert times(row, "offered_at", "started_at", "ended_at") == ("08:00:01", "08:00:05", "08:01:30")


def test_an_attended_transfer_is_one_call_with_its_consultation():
    """Who was asked consults until the hand-over, then speaks with the customer; the first agent has left."""
    row = final(translator(), TRANSFER)[CUSTOMER]
    assert legs(row)[0][:3] == ("4105", "agent", "08:00:01")
    assert legs(row)[1:] == [
        ("4112", "consult", "08:01:01", "08:01:20"),
        ("4112", "agent", "08:01:20", "08:02:00"),
    ]
    assert max(leg["to"] for leg in row["legs"] if leg["agent"] == "4105")[11:19] == "08:01:20"
    assert times(row, "ended_at") == ("08:02:00",)


def test_a_blind_transfer_adds_the_next_agent():
    """He belongs to the customer's call from his first ringing."""
    next_one = f"{T + 30}.14"
    moved = [
        agent(30, "BLINDTRANSFER"),
        agent(30, "CHAN_END"),
        event(31, "CHAN_START", "PJSIP/4112-0000000e", next_one, CUSTOMER),
        event(33, "ANSWER", "PJSIP/4112-0000000e", next_one, CUSTOMER),
        event(90, "CHAN_END", "PJSIP/4112-0000000e", next_one, CUSTOMER),
        *END[3:],
    ]
    row = final(translator(), [*BEGIN, *moved])[CUSTOMER]
    assert legs(row) == [("4105", "agent", "08:00:01", "08:00:30"), ("4112", "agent", "08:00:31", "08:01:30")]


def test_a_call_under_way_has_no_end():
    """No hang-up, no end: neither of the leg nor of the call."""
    row = final(translator(), BEGIN)[CUSTOMER]
    assert legs(row) == [("4105", "agent", "08:00:01", "")]
    assert "ended_at" not in row


def test_listening_is_a_leg_of_its_own_kind():
    """ChanSpy is a monitor's leg; the log does not say whose call it was."""
    spy = f"{T + 20}.15"
    items = [
        event(20, "CHAN_START", "PJSIP/4201-00000010", spy, spy),
        event(21, "APP_START", "PJSIP/4201-00000010", spy, spy, appname="ChanSpy", appdata="PJSIP/4105,q"),
        event(50, "APP_END", "PJSIP/4201-00000010", spy, spy, appname="ChanSpy"),
        event(50, "CHAN_END", "PJSIP/4201-00000010", spy, spy),
    ]
    assert legs(final(translator(), items)[spy]) == [("4201", "monitor", "08:00:21", "08:00:50")]


def test_lines_of_cel_custom():
    """The order of the shipped example; local times are put right by the unique id."""
    names = ("CHAN_START", "ANSWER", "CHAN_END")
    seconds = ("09:00:00.100000", "09:00:03.000000", "09:00:40.000000")
    lines = [
        f'"{name}","2026-11-23 {second}","Name","4105","4105","","","0199000006","agents","PJSIP/4105-0000000b","","",'
        f'"3","","{CUSTOMER}","{CUSTOMER}","","","",""'
        for name, second in zip(names, seconds, strict=True)
    ]
    row = final(translator(), lines)[CUSTOMER]
    assert (row["direction"], row["phone"]) == ("outbound", "0199000006")
    assert legs(row) == [("4105", "agent", "08:00:00", "08:00:40")]


def test_lines_and_rows_of_a_transfer_are_the_same():
    """The last column of the shipped example holds what an attended transfer moves."""
    names = (
        *("eventtype", "eventtime", "cid_name", "cid_num", "cid_ani", "cid_rdnis", "cid_dnid", "exten", "context"),
        *("channame", "appname", "appdata", "amaflags", "accountcode", "uniqueid", "linkedid", "peer", "userfield"),
        *("userdeftype", "extra"),
    )
    file = io.StringIO()
    csv.DictWriter(file, names, quoting=csv.QUOTE_ALL).writerows(TRANSFER)
    assert final(translator(), file.getvalue().splitlines()) == final(translator(), TRANSFER)


@pytest.mark.parametrize("damaged", ['{"channel2_uniqueid":', "{}", "[1]", '{"channel2_uniqueid": 7}'])
def test_a_damaged_extra_joins_nothing(damaged):
    """The event stays, the joint is not guessed."""
    row = final(translator(), [*BEGIN, agent(80, "ATTENDEDTRANSFER", extra=damaged), *END])[CUSTOMER]
    assert {leg["agent"] for leg in row["legs"]} == {"4105"}


def test_a_short_line_is_refused_without_its_content():
    """A column less would shift all others."""
    found = refusals(translator(), '"CHAN_START","0199000001"')
    assert [(each.field, each.found) for each in found] == [("line", "2 columns")]


@settings(max_examples=60)
@given(st.integers(0, 1 << 30))
def test_order_and_repetition_change_nothing(seed):
    """Shuffled, doubled, cut anywhere: the same final rows, the transfer's too."""
    assert_order_is_nothing(translator, (*TRANSFER, *END[:1]), seed)
