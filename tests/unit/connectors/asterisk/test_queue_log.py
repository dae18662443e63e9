"""Claims on the queue log: who rang, who spoke, until when; what was never written stays unknown."""

from hypothesis import given
from hypothesis import strategies as st
from telephony_support import assert_order_is_nothing, final, legs, refusals, times

from quivive.connectors.asterisk.queue_log import QueueLogTranslator
from quivive.connectors.contact_book import CAP_US, TelephonySettings
from quivive.connectors.model import Record
from quivive.model.clock import SECOND_US, from_rfc3339

SETTINGS = TelephonySettings(controller="aurore", outbound_queues=frozenset({"relance"}))
T = from_rfc3339("2026-11-23T08:00:00Z") // SECOND_US
CALL, OTHER = f"{T}.10", f"{T + 600}.14"
ENTER = f"{T}|{CALL}|assistance|NONE|ENTERQUEUE||0199000001|1"
RANG = f"{T + 15}|{CALL}|assistance|PJSIP/4112|RINGNOANSWER|10000"
CONNECT = f"{T + 20}|{CALL}|assistance|PJSIP/4105|CONNECT|20|{T + 15}.12|4"
COMPLETE = f"{T + 110}|{CALL}|assistance|PJSIP/4105|COMPLETECALLER|20|90|1"
ABANDONED = (
    f"{T + 600}|{OTHER}|assistance|NONE|ENTERQUEUE||0199000002|1",
    f"{T + 630}|{OTHER}|assistance|NONE|ABANDON|1|1|30",
)
PAUSE = f"{T + 30}|NONE|NONE|PJSIP/4105|PAUSEALL|"
DAY = (ENTER, RANG, CONNECT, PAUSE, COMPLETE, *ABANDONED)


def translator(**told):
    return QueueLogTranslator(TelephonySettings(**told) if told else SETTINGS)


def test_a_call_has_who_rang_and_who_spoke():
    """Ringing counts to the offer, the hang-up ends the leg; the abandoned call has nobody."""
    rows = final(translator(), DAY)
    call = rows[CALL]
    assert legs(call) == [("4112", "agent", "08:00:05", "08:00:15"), ("4105", "agent", "08:00:16", "08:01:50")]
    assert times(call, "offered_at", "started_at", "ended_at") == ("08:00:05", "08:00:20", "08:01:50")
    assert (call["controller"], call["queue"], call["phone"]) == ("aurore", "assistance", "0199000001")
    assert legs(rows[OTHER]) == []
    assert "started_at" not in rows[OTHER]


def test_a_missing_exit_is_an_unknown_end():
    """No end of another event is taken for it; it is counted after the cap, and closing guesses nothing."""
    feed = translator()
    later = T + CAP_US // SECOND_US + 60
    rows = final(feed, [ENTER, CONNECT])
    assert legs(rows[CALL]) == [("4105", "agent", "08:00:16", "")]
    assert "ended_at" not in rows[CALL]
    assert feed.unfinished() == 0
    final(feed, [f"{later}|{later}.1|assistance|NONE|ENTERQUEUE||0199000003|1"])
    assert feed.unfinished() == 1
    assert list(feed.close(later * SECOND_US)) == []
    assert feed.notes["unfinished"] == 1


def test_an_exit_without_its_entry_never_replaces_the_whole():
    """A file that begins in the middle of a call gives a version below any that knew its beginning."""
    whole = final(translator(), [ENTER, CONNECT])[CALL]
    tail = final(translator(), [COMPLETE])[CALL]
    assert tail["version"] < whole["version"]


def test_a_transfer_ends_the_leg_and_not_the_call():
    """The queue no longer sees the call: its end is unknown."""
    moved = f"{T + 60}|{CALL}|assistance|PJSIP/4105|BLINDTRANSFER|4112|agents|20|40|1"
    row = final(translator(), [ENTER, CONNECT, moved])[CALL]
    assert legs(row) == [("4105", "agent", "08:00:16", "08:01:00")]
    assert "ended_at" not in row


def test_local_times_of_the_table_are_corrected_by_the_unique_id():
    """Paris writes nine o'clock; the epoch in the id says eight. No zone needs to be declared."""
    columns = ("time", "callid", "queuename", "agent", "event", "data1", "data2", "data3")
    table = [
        dict(zip(columns, row, strict=False))
        for row in (
            ("2026-11-23 09:00:00.100000", CALL, "assistance", "NONE", "ENTERQUEUE", "", "0199000001", "1"),
            ("2026-11-23 09:00:20.000000", CALL, "assistance", "PJSIP/4105", "CONNECT", "20", f"{T}.1", "4"),
            ("2026-11-23 09:01:50.000000", CALL, "assistance", "PJSIP/4105", "COMPLETEAGENT", "20", "90", "1"),
        )
    ]
    row = final(translator(timezone="America/Martinique"), table)[CALL]
    assert times(row, "started_at", "ended_at") == ("08:00:20", "08:01:50")


def test_a_diallers_queue_is_outbound():
    """The log alone cannot tell: the setting does."""
    items = [line.replace("assistance", "relance") for line in (ENTER, CONNECT)]
    assert final(translator(), items)[CALL]["direction"] == "outbound"


def test_a_short_line_is_refused_without_its_content():
    """Place and shape are told, the value is not."""
    found = refusals(translator(), f"{T}|0199000001")
    assert [(each.field, each.found) for each in found] == [("line", "2 fields")]
    assert refusals(translator(), "", PAUSE) == []


@given(st.integers(0, 1 << 30))
def test_order_and_repetition_change_nothing(seed):
    """Shuffled, doubled, cut anywhere: the same final rows."""
    assert_order_is_nothing(translator, DAY, seed)


@given(st.lists(st.text(alphabet="0123456789|.ENTRQUECOX /\x00é", max_size=60), max_size=8))
def test_any_text_is_a_row_or_a_refusal(lines):
    """Garbage raises nothing."""
    list(translator().feed([Record(number=1, fields={"line": line}) for line in lines], 0))
