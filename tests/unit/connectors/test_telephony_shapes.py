"""Any shape of any telephony source is a row, a refusal or nothing: no field of another type ends a feed."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from telephony_support import NOW, records

from quivive.connectors.asterisk.ami_events import AmiTranslator
from quivive.connectors.contact_book import TelephonySettings
from quivive.connectors.telephony import MAPPINGS

SETTINGS = TelephonySettings(controller="aurore", table="customer", attribute="customerId")
OPEN = {name: opened for name, (opened, _, _) in MAPPINGS.items()} | {"ami": AmiTranslator}
NAMES = (
    # Genesys and Connect, their nests
    *("conversationId", "conversationStart", "conversationEnd", "participants", "sessions", "segments", "purpose"),
    *("userId", "segmentType", "segmentStart", "attributes", "callbackNumbers", "outboundContactId", "ani"),
    *("ContactId", "LastUpdateTimestamp", "Agent", "Queue", "Attributes", "CustomerEndpoint", "StateTransitions"),
    *("CurrentAgentSnapshot", "PreviousAgentSnapshot", "Contacts", "EventTimestamp", "AgentARN", "detail", "eventType"),
    # tables
    *("uniqueid", "linkedid", "start", "calldate", "answer", "end", "duration", "billsec", "disposition", "lastdata"),
    *("eventtime", "eventtype", "channame", "appname", "appdata", "extra", "time", "callid", "queuename", "event"),
    *("agent_log_id", "callback_id", "lead_id", "start_epoch", "end_epoch", "talk_epoch", "phone_code", "user", "line"),
)
TEXTS = st.sampled_from(
    ["", "0", "1795420800", "1795420800.10", "2026-11-23 09:00:00", "2026-11-23T08:00:00Z", "9" * 40, "{", "|||||", "é"]
) | st.sampled_from(["CHAN_START", "ATTENDEDTRANSFER", "ENTERQUEUE", "ANSWERED", "agent", "interact", "newchannel"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=10,
)
ITEMS = st.lists(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8), max_size=3)


GOOD = {
    "asterisk-cdr-table": {
        "uniqueid": "1795420800.10", "linkedid": "1795420800.10", "start": "2026-11-23 09:00:00", "src": "0199000001",
        "answer": "2026-11-23 09:00:04", "end": "2026-11-23 09:01:30", "duration": "90", "billsec": "86",
        "disposition": "ANSWERED", "channel": "PJSIP/operator-1", "dstchannel": "PJSIP/4105-2", "lastapp": "Queue",
    },
    "asterisk-cel-table": {
        "uniqueid": "1795420800.10", "linkedid": "1795420800.10", "eventtime": "2026-11-23 09:00:00",
        "eventtype": "CHAN_START", "channame": "PJSIP/4105-2", "extra": "", "appname": "Queue", "cid_num": "4105",
    },
    "asterisk-queue-log-table": {
        "time": "2026-11-23 09:00:00", "callid": "1795420800.10", "queuename": "assistance", "agent": "PJSIP/4105",
        "event": "CONNECT", "data1": "20", "data2": "1795420800.12", "data3": "4",
    },
    "vicidial": {
        "agent_log_id": "1", "user": "4105", "lead_id": "7", "talk_epoch": "1795420800", "talk_sec": "90",
        "dispo_epoch": "1795420890", "dispo_sec": "15", "uniqueid": "1795420800.10",
    },
    "amazon-connect": {
        "ContactId": "c", "LastUpdateTimestamp": "2026-11-23T08:00:00Z", "Agent": {"Username": "camille"},
        "DisconnectTimestamp": "2026-11-23T08:00:00Z", "Attributes": {"customerId": "7"}, "Channel": "VOICE",
    },
    "ami": {
        "event": "Newchannel", "timestamp": "1795420800.1", "uniqueid": "1795420800.10", "linkedid": "1795420800.10",
        "channel": "PJSIP/4105-2", "calleridnum": "4105", "exten": "0199000006",
    },
}  # fmt: skip
EDGES = st.sampled_from(
    ["9999-12-31 23:59:59", "0001-01-01 00:00:00", "1970-01-01 00:00:00", "9999-12-31T23:59:59-14:00", 8589934591, -1]
)


@pytest.mark.parametrize("name", sorted(GOOD))
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_damaged_field_ends_no_feed(name, data):
    """A good record with some fields at the edge of time or of another type."""
    change = data.draw(st.dictionaries(st.sampled_from(sorted(GOOD[name])), EDGES | VALUES, max_size=3))
    feed = OPEN[name](TelephonySettings(timezone="America/Martinique", table="customer", attribute="customerId"))
    list(feed.feed(records({**GOOD[name], **change}, GOOD[name]), NOW))


@pytest.mark.parametrize("name", sorted(OPEN))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(items=ITEMS)
def test_any_shape_ends_no_feed(name, items):
    """What cannot be read is refused or passed over."""
    feed = OPEN[name](SETTINGS)
    list(feed.feed(records(*items), NOW))
    list(feed.close(NOW))
