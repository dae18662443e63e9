"""Claims of drafts: what a person writes is read whole, weeks unfold in local time, an error names its place."""

from zoneinfo import ZoneInfo

import pytest
from register_bodies import LISTENER

from quivive.model.clock import DAY_US, HOUR_US, from_rfc3339
from quivive.model.recording import Medium
from quivive.model.recording_register import LegalBasis, Listener, Payment, Period, Trigger
from quivive.recordings.draft import DraftContext, load_draft, read_draft
from quivive.recordings.limits import limits
from quivive.recordings.rules import judge
from quivive.rows import FieldError

TEXT = """
campaign: formation-aurore
controller: aurore
purpose: training
media: [recording, listening]
basis: legitimate_interest
sites: [lille]
from: 2026-10-19          # a day is whole
to: 2026-10-30
periods:
  - {weekly: [mon, wed], from: "09:00", to: "12:00"}
  - {from: 2026-10-22T14:00:00+02:00, to: 2026-10-22T15:00:00+02:00}
share_percent: 2.5
cap_month: 4
listeners: [evaluator-1, {principal: evaluator-2, person: A17}]
retention_days: 30
announcement: aurore-2026-3
objection: true
neutralisation: true
payment: none
"""
CONTEXT = DraftContext(
    zone=ZoneInfo("Europe/Paris"),
    limits=limits(),
    controllers=frozenset({"aurore"}),
    person=lambda number: LISTENER if number == "A17" else "9" * 32,
    proposed_by="evaluator-1",
    demonstration=False,
)


def read(text=TEXT, **changed):
    """Read a draft with some fields changed; None removes one."""
    value = {name: each for name, each in (load_draft(text.encode()) | changed).items() if each is not None}
    return read_draft(value, CONTEXT, version=1)


def test_a_draft_is_read_whole():
    """Every field arrives, days are whole, listeners leave as pseudonyms, what is absent has the usual value."""
    body = read()
    assert (body.from_at, body.to_at) == (
        from_rfc3339("2026-10-18T22:00:00Z"),
        from_rfc3339("2026-10-30T23:00:00Z"),  # the end of summer time lies between
    )
    assert body.listeners == (Listener(principal="evaluator-1"), Listener(principal="evaluator-2", person=LISTENER))
    assert (body.share_permille, body.cap_month, body.lead_us, body.analysis_days) == (25, 4, 7 * DAY_US, 365)
    assert (body.media, body.trigger) == ((Medium.RECORDING, Medium.LISTENING), Trigger.SAMPLE)
    assert (body.basis, body.payment) == (LegalBasis.LEGITIMATE_INTEREST, Payment.NONE)
    assert judge(body, limits(), from_rfc3339("2026-10-01T00:00:00Z")).refusals == ()


def test_weeks_unfold_in_local_time_over_the_change_of_the_clock():
    """Nine o'clock is nine o'clock before and after the end of summer time; the interval stands among them in order."""
    periods = read().periods
    assert [period.from_at for period in periods] == [
        from_rfc3339(text)
        for text in (
            "2026-10-19T07:00:00Z", "2026-10-21T07:00:00Z", "2026-10-22T12:00:00Z", "2026-10-26T08:00:00Z",
            "2026-10-28T08:00:00Z",
        )
    ]  # fmt: skip
    assert periods[0] == Period(from_at=periods[0].from_at, to_at=periods[0].from_at + 3 * HOUR_US)


def test_what_a_rule_refuses_gets_through_to_the_rule():
    """No end, no purpose, no basis, no notice: read, then refused with the rule."""
    body = read(to=None, periods=[], purpose=None, basis=None, announcement="", listeners=[], objection=False)
    codes = {refused.code for refused in judge(body, limits(), body.from_at).refusals}
    assert {"no_end", "no_period", "purpose_unknown", "basis_missing", "announcement_missing"} <= codes


@pytest.mark.parametrize(
    ("changed", "place", "expected"),
    [
        ({"campaign": "Formation 1"}, "$.campaign", "short name"),
        ({"controller": "mallory"}, "$.controller", "configured controller"),
        ({"share_percent": "3"}, "$.share_percent", "0 to 100"),
        ({"share_percent": 2.55}, "$.share_percent", "one decimal"),
        ({"media": ["screen"]}, "$.media[0]", "recording, listening"),
        ({"wanted": ["x"]}, "$.wanted[0]", "screen_capture"),
        ({"periods": [{"weekly": ["monday"], "from": "09:00", "to": "12:00"}]}, "$.periods[0].weekly[0]", "mon, tue"),
        ({"periods": [{"weekly": ["mon"], "from": "9", "to": "12:00"}]}, "$.periods[0].from", "such as 09:00"),
        ({"periods": [{"from": "2026-10-22"}]}, "$.periods[0].from", "RFC 3339"),
        ({"to": None}, "$.periods[0].weekly", "first and last day"),
        ({"from": "2026-02-30"}, "$.from", "a day that exists"),
        ({"listeners": [{}]}, "$.listeners[0]", "a principal, a person"),
        ({"listeners": ["name with space"]}, "$.listeners[0]", "account of the console"),
        ({"announcement_sha256": "abc"}, "$.announcement_sha256", "64 hexadecimal"),
        ({"emotions": True}, "$", "documented fields only"),
        ({"necessity": "x" * 1001}, "$.necessity", "at most 1000"),
    ],
)
def test_an_error_names_its_place_and_what_was_expected(changed, place, expected):
    """One field, one sentence; the value itself is never repeated."""
    with pytest.raises(FieldError) as caught:
        read(**changed)
    assert caught.value.field == place
    assert expected in caught.value.expected


@pytest.mark.parametrize("data", [b"- a", b"a: [", b"a: 1\na: 2", b"\xff", b"x" * (300 << 10)])
def test_a_file_that_is_no_draft_is_refused(data):
    """No mapping, damaged, a key twice, no UTF-8, too large."""
    with pytest.raises(FieldError):
        load_draft(data)
