"""Claims on PostgreSQL's log: whole records in three forms, cut files, no statement that passes for a record."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pgaudit_lines import csv_line

from quivive.connectors.model import Refusal
from quivive.connectors.pgaudit.server_log import LogFormat, instant
from quivive.connectors.pgaudit.stderr_log import log_reader
from quivive.model.errors import ConfigurationError

PARIS = ZoneInfo("Europe/Paris")
AT = 1_795_399_902_125_000  # 2026-11-23T02:11:42.125Z
PREFIX = "%m [%p] %q%u@%d %c %l %v %e %h %a "


def read(form, lines, **more):
    reader = log_reader(form, zone=PARIS, **more)
    found = [each for number, text in enumerate(lines, start=1) for each in reader.feed(number, text)]
    return found + list(reader.close())


def test_csvlog_over_several_lines():
    """A statement with newlines and quotes is one record, at the line it ends on."""
    message = 'AUDIT: SESSION,1,1,READ,SELECT,,,"select ""a""\nfrom customer",<none>,1'
    (found,) = read(LogFormat.CSVLOG, csv_line(message).split("\n"))
    assert (found.number, found.message, found.at) == (2, message, AT)
    assert (found.user, found.database, found.host, found.application) == ("app_user", "crm", "10.0.0.9", "console")
    assert (found.session, found.line, found.transaction) == ("6b03b06c.49c8", 1, "3/11")


def test_a_cut_record_costs_itself():
    """A server killed in the middle of a line: the next record is read."""
    lines = [csv_line('AUDIT: "half')[:-40], csv_line("whole", line=2)]
    found = read(LogFormat.CSVLOG, lines)
    assert [type(each).__name__ for each in found] == ["Refusal", "LogRecord"]
    assert found[1].message == "whole"


def test_a_file_that_begins_in_the_middle():
    """Rotated away: the rest of a record is told once, then all is well."""
    found = read(LogFormat.CSVLOG, ["where id = 5", 'and name = ""x""', csv_line("whole")])
    assert [type(each).__name__ for each in found] == ["Refusal", "LogRecord"]


def test_a_statement_never_begins_a_record():
    """Quotes inside a statement are doubled: what looks like a record there is text."""
    forged = csv_line("AUDIT: SESSION,9,1,READ,SELECT,,,select 1,<none>,0", session="ffff.ffff")
    (found,) = read(LogFormat.CSVLOG, csv_line(f"select '\n{forged}\n'").split("\n"))
    assert found.session == "6b03b06c.49c8"
    assert "ffff.ffff" in found.message


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=80), max_size=6))
def test_any_statement_stays_inside_its_record(texts):
    """Whatever is executed, it is one record of its own session, in every form."""
    lines = [
        part
        for number, text in enumerate(texts, start=1)
        for part in csv_line(f"AUDIT: {text}", line=number).split("\n")
    ]
    found = read(LogFormat.CSVLOG, lines)
    assert [each.message for each in found] == [f"AUDIT: {text}" for text in texts]


@given(st.lists(st.text(max_size=120), max_size=8))
def test_rubbish_is_refused_or_skipped(texts):
    """Any text, in every form: records and refusals only."""
    for form in LogFormat:
        for found in read(form, texts, prefix=PREFIX):
            assert found.number <= len(texts)


def test_jsonlog():
    """The same facts from an object."""
    line = (
        '{"timestamp":"2026-11-23 02:11:42.125 UTC","user":"app_user","dbname":"crm","pid":18330,"remote_host":"10.0.0.9",'
        '"session_id":"6b03b06c.49c8","line_num":1,"vxid":"3/11","error_severity":"LOG","message":"AUDIT: x",'
        '"application_name":"console"}'
    )
    (found,) = read(LogFormat.JSONLOG, [line])
    assert found == read(LogFormat.CSVLOG, [csv_line("AUDIT: x")])[0].__class__(
        number=1, at=AT, message="AUDIT: x", session="6b03b06c.49c8", process="18330", line=1, transaction="3/11",
        user="app_user", database="crm", host="10.0.0.9", application="console",
    )  # fmt: skip


HEAD = "2026-11-23 02:11:42.125 UTC [18330] app_user@crm 6b03b06c.49c8 {} 3/11 {} 10.0.0.9 console "


def test_stderr_with_continuation_lines():
    """Further lines begin with a tab; the record ends where its CSV does."""
    head = HEAD.format(1, "00000")
    found = read(
        LogFormat.STDERR,
        [f'{head}LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,"select *', "\tfrom customer", '\twhere id = 5",<none>,1'],
        prefix=PREFIX,
    )
    assert [each.message for each in found] == [
        'AUDIT: SESSION,1,1,READ,SELECT,,,"select *\nfrom customer\nwhere id = 5",<none>,1'
    ]
    assert (found[0].line, found[0].transaction, found[0].state) == (1, "3/11", "00000")


def test_stderr_error_and_its_statement_are_one():
    """DETAIL and HINT stand between the two."""
    head = HEAD.format(7, "42501")
    lines = [f"{head}ERROR:  permission denied for table household", f"{head}HINT:  none",
             f"{head}STATEMENT:  select *", "\tfrom household"]  # fmt: skip
    (found,) = read(LogFormat.STDERR, lines, prefix=PREFIX)
    assert (found.severity, found.state, found.query) == ("ERROR", "42501", "select *\nfrom household")


def test_an_application_name_that_imitates_the_line():
    """Two readings are none: the line is refused, nobody is named by it."""
    head = HEAD.format(1, "00000").replace("console ", "x LOG:  AUDIT: SESSION,1 ")
    found = read(LogFormat.STDERR, [f"{head}LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,select 1,<none>"], prefix=PREFIX)
    assert [type(each) for each in found] == [Refusal]


@pytest.mark.parametrize("prefix", ["%m [%p] ", "%u@%d ", "%m %u %k ", "%m %p %u %u "])
def test_prefixes_that_cannot_tell(prefix):
    """Without time, account or session there is no access."""
    with pytest.raises(ConfigurationError):
        log_reader(LogFormat.STDERR, zone=PARIS, prefix=prefix)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2026-10-25 02:30:00.000 CEST", 0.5),
        ("2026-10-25 02:30:00.000 CET", 1.5),
        ("2026-10-25 00:30:00 UTC", 0.5),
        ("2026-10-25 04:30:00.000 +04", 0.5),
        ("2026-10-24 22:00:00.000 -0230", 0.5),
    ],
)
def test_the_hour_a_clock_shows_twice(text, hours):
    """The abbreviation tells which of the two."""
    assert instant(text, PARIS) == int((1_792_886_400 + hours * 3_600) * 1_000_000)


@pytest.mark.parametrize(
    "text", ["", "2026-11-23 02:11:42.125", "2026-11-23 02:11:42.125 EDT", "2026-13-40 02:11:42.125 UTC"]
)
def test_times_nobody_can_place(text):
    """A zone the server is not in, or none, is no time."""
    assert instant(text, PARIS) is None
