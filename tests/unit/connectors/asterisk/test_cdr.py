"""Claims on call detail records: both column orders, local times, several records of one call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telephony_support import assert_order_is_nothing, final, legs, refusals, times

from quivive.connectors.asterisk.cdr import CdrTranslator
from quivive.connectors.contact_book import TelephonySettings
from quivive.model.clock import SECOND_US, from_rfc3339

T = from_rfc3339("2026-07-22T08:00:00Z") // SECOND_US  # ten o'clock in Paris
CALL, OUT, INSIDE = f"{T}.10", f"{T + 600}.14", f"pbx1-{T + 900}.20"
PARTIES = '"0199000001","600","from-pstn"'
COURSE = '"PJSIP/operator-0000000a","PJSIP/4105-0000000b","Queue","assistance,tT,,,20"'
TIMES = '"2026-07-22 10:00:00","2026-07-22 10:00:04","2026-07-22 10:01:30",90,86'
CSV = f'"",{PARTIES},"""Name"" <0199000001>",{COURSE},{TIMES},"ANSWERED","DOCUMENTATION","{CALL}","","","{CALL}",7'
CUSTOM = f'"""Name"" <0199000001>",{PARTIES},{COURSE},{TIMES},"ANSWERED","DOCUMENTATION","","{CALL}",""'
RANG = CSV.replace("4105-0000000b", "4112-0000000c").replace("ANSWERED", "NO ANSWER").replace(",90,86,", ",3,0,")
OUTBOUND = (
    f'"","4105","0199000006","agents","4105","PJSIP/4105-0000000d","PJSIP/operator-0000000e","Dial","PJSIP/x",'
    f'"2026-07-22 10:10:00","2026-07-22 10:10:05","2026-07-22 10:12:00",120,115,"ANSWERED","DOCUMENTATION","{OUT}",""'
)
INTERNAL = (
    f'"","4105","4112","agents","4105","PJSIP/4105-0000000f","PJSIP/4112-00000010","Dial","PJSIP/4112",'
    f'"2026-07-22 10:15:00","","2026-07-22 10:15:20",20,0,"NO ANSWER","DOCUMENTATION","{INSIDE}",""'
)
DAY = (CSV, RANG, OUTBOUND, INTERNAL)


def translator():
    return CdrTranslator(TelephonySettings(controller="aurore"))


@pytest.mark.parametrize("line", [CSV, CUSTOM], ids=["cdr_csv", "cdr_custom"])
def test_both_column_orders_are_read(line):
    """The layout is told by where dates and disposition stand; the offset by the epoch in the unique id."""
    row = final(translator(), [line])[CALL]
    assert (row["direction"], row["phone"], row["queue"]) == ("inbound", "0199000001", "assistance")
    assert legs(row) == [("4105", "agent", "08:00:00", "08:01:30")]
    assert times(row, "started_at", "ended_at") == ("08:00:04", "08:01:30")


def test_records_of_one_call_are_one_contact():
    """Joined by the linked id: who only rang is a leg beside who spoke."""
    row = final(translator(), [CSV, RANG])[CALL]
    assert legs(row) == [("4112", "agent", "08:00:00", "08:00:03"), ("4105", "agent", "08:00:00", "08:01:30")]


def test_directions_follow_the_telephones():
    """An agent who dials out reaches the number dialled; between extensions nobody is a customer."""
    rows = final(translator(), DAY)
    assert (rows[OUT]["direction"], rows[OUT]["phone"]) == ("outbound", "0199000006")
    assert rows[INSIDE]["direction"] == "internal"
    assert "phone" not in rows[INSIDE]


def test_rows_of_sql_are_read_by_name():
    """`calldate` and a duration are enough; an offset in the date is taken as it stands."""
    row = {
        "calldate": "2026-07-22T10:00:00+02:00",
        "src": "0199000001",
        "dst": "600",
        "channel": "PJSIP/operator-0000000a",
        "dstchannel": "PJSIP/4105-0000000b",
        "duration": "90",
        "billsec": "86",
        "disposition": "ANSWERED",
        "uniqueid": CALL,
    }
    assert times(final(translator(), [row])[CALL], "started_at", "ended_at") == ("08:00:04", "08:01:30")


def test_another_layout_is_refused_without_its_content():
    """Columns in an unknown order are never guessed."""
    found = refusals(translator(), ",".join(reversed(CSV.split(","))), '"0199000001"')
    assert [(each.field, each.found) for each in found] == [("line", "another layout")] * 2
    assert translator().complete_to() == 0


@given(st.integers(0, 1 << 30))
def test_order_and_repetition_change_nothing(seed):
    """Shuffled, doubled, cut anywhere: the same final rows."""
    assert_order_is_nothing(translator, DAY, seed)
