"""What leaves has the form that receivers expect, byte for byte, and nobody in it."""

import os
from pathlib import Path

import pytest

from quivive.model.access import OCSF_ACTIVITY, Action
from quivive.outputs.cef import cef_of_access, cef_of_news, syslog_frame
from quivive.outputs.news import News, NewsKind, ToldAccess
from quivive.outputs.ocsf import ocsf_event, ocsf_line
from quivive.outputs.webhook import payload

GOLDEN = Path(__file__).parents[2] / "golden" / "outputs"
AT = 1_795_000_000_123_456
NEWS = News(
    kind=NewsKind.ALERT_OPENED,
    id="0123456789abcdef0123456789abcdef",
    at=AT,
    controller="aurore",
    topic="bulk_after_hours",
    severity="high",
    state="open",
)


def access(action=Action.READ, **fields):
    told = {
        "id": "core/1/2",
        "at": AT,
        "ended_at": AT + 1_500,
        "controller": "aurore",
        "source": "shop-db",
        "program": "crm=prod|a",
        "tables": ("public.customer", "public.orders"),
        "rows": 3,
        "records": 2,
        "coverage": "exact",
        "outcome": "ok",
        "grade": "A",
        "attributed": True,
    }
    return ToldAccess(action=action, **{**told, **fields})


MADE = {
    "access.ocsf.jsonl": lambda: b"".join(ocsf_line(access(action), "0.1.0") for action in Action),
    "access.cef": lambda: syslog_frame(
        cef_of_access(access(), "0.1.0"), at=AT, severity="", host="centre.example", kind="access"
    ),
    "alert.cef": lambda: syslog_frame(
        cef_of_news(NEWS, "0.1.0"), at=AT, severity="high", host="centre.example", kind="alert.opened"
    ),
    "alert.webhook.json": lambda: payload(NEWS),
}


@pytest.mark.parametrize("name", MADE)
def test_each_format_is_its_golden_file(name):
    """A change of one byte is a decision: QUIVIVE_GOLDEN=write renews them."""
    if os.environ.get("QUIVIVE_GOLDEN") == "write":
        (GOLDEN / name).write_bytes(MADE[name]())
    assert MADE[name]() == (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("action", Action)
def test_the_type_of_an_ocsf_event_is_class_and_activity(action):
    """6005 × 100 + activity, and the names follow the numbers."""
    event = ocsf_event(access(action), "0.1.0")
    assert event["type_uid"] == 6005 * 100 + OCSF_ACTIVITY[action] == event["class_uid"] * 100 + event["activity_id"]
    assert event["category_uid"] == 6


def test_a_value_never_leaves_its_field():
    """Signs of the format and line ends are escaped; the frame says its length in octets."""
    text = cef_of_access(access(program="a=b|c\nd\\"), "1|0")
    assert text.startswith("CEF:0|Quivive|Quivive|1\\|0|access|Access read|1|")
    assert text.endswith("sourceServiceName=a\\=b|c\\nd\\\\")
    frame = syslog_frame("é", at=AT, severity="low", host="a b", kind="x")
    length, _, message = frame.partition(b" ")
    assert int(length) == len(message)
    assert message.startswith(b"<109>1 2026-")
    assert b" a-b quivive - x - " in message
