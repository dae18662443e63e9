"""Mappings: every transform, the nights clocks change, what is refused and how it is told."""

from datetime import datetime, time

import pytest
from mapping_support import NOW, mapping, preset, rows_of, translated, translator

from quivive.connectors.mapping.translator import TIE_BITS
from quivive.connectors.model import CanonicalRow, Record, Refusal
from quivive.model.errors import ConfigurationError

HEAD = "kind: contacts\ntimezone: Europe/Paris\nfields:\n  id: Id\n"


def value(line, fields, head=HEAD, field="x"):
    """One field of one row."""
    (made,) = translated(head + f"  {field}: {line}\n", {"Id": "1", **fields})
    assert isinstance(made, CanonicalRow), made
    return made.value.get(field)


@pytest.mark.parametrize(
    ("line", "fields", "found"),
    [
        ("A", {"A": " a\u00a0"}, "a"),
        ("A", {"A": "NULL"}, None),
        ("A", {"A": 12.0}, "12"),
        ("a.b.1.c", {"a": {"b": [0, {"c": True}]}}, "true"),
        ("{constant: call}", {}, "call"),
        ("{setting: controller}", {}, "aurore"),
        ("{join: [A, B], with: '/'}", {"A": "1", "B": "2"}, "1/2"),
        ("{join: [A, B], with: '/'}", {"A": "1", "B": ""}, None),
        ("{first_of: [A, B]}", {"B": "2"}, "2"),
        ("{column: A, strip_prefix: [SIP/, PJSIP/], regex: '^([^-]+)', case: lower}", {"A": "PJSIP/Anna-01"}, "anna"),
        ("{column: A, regex: 'x([0-9]+)'}", {"A": "none"}, None),
        ("{column: A, split: ',', prefix: 'customer:'}", {"A": "1, 2,,3"}, ["customer:1", "customer:2", "customer:3"]),
        ("{column: A, choice: {OUI: true, non: false}}", {"A": "oui"}, True),
        ("{column: A, choice: {a: b}, otherwise: c}", {"A": "z"}, "c"),
        ("{column: A, integer: true}", {"A": "12"}, 12),
        ("{column: A, default: x, optional: true}", {}, "x"),
        ("{column: A, phone: true}", {"A": 612345678}, "612345678"),
        ("{column: A, phone: true}", {"A": "6,12346E+08"}, None),
        ("[A, {column: B}]", {"A": "1", "B": ""}, ["1"]),
        ("[{kind: {constant: email}, value: A}]", {"A": ""}, None),
        (
            "{each: p, where: [{column: r, in: [Agent]}], item: {agent: u, call: $.Id}}",
            {"p": [{"r": "agent", "u": "a"}, {"r": "ivr"}]},
            [{"agent": "a", "call": "1"}],
        ),
    ],
)
def test_sources_and_steps(line, fields, found):
    """One line of a mapping, one value of a row."""
    assert value(line, fields) == found


@pytest.mark.parametrize(
    ("formats", "raw", "found"),
    [
        ("dmy", "12/03/2026", "2026-03-11T23:00:00"),
        ("mdy", "12/03/2026", "2026-12-02T23:00:00"),
        ("mdy", "11/22/2026 2:05 PM", "2026-11-22T13:05:00"),
        ("dmy", "22/11/26 14h05", "2026-11-22T13:05:00"),
        ("dmy", "22/11/2026 à 14:05:09", "2026-11-22T13:05:09"),
        ("iso", "2026-11-22 14:05:00", "2026-11-22T13:05:00"),
        ("iso", "2026-11-22T14:05:00.123456789Z", "2026-11-22T14:05:00.123456"),
        ("iso", "2026-11-22T14:05:00+0200", "2026-11-22T12:05:00"),
        ("ymd", "20261122 140500", "2026-11-22T13:05:00"),
        ("serial", "45730.5", "2025-03-14T11:00:00"),
        ("serial", 45730.5, "2025-03-14T11:00:00"),
        ("serial", "45730,25", "2025-03-14T05:00:00"),
        ("epoch_s", "1795356300.25", "2026-11-22T14:05:00.25"),
        ("epoch_ms", 1795356300250, "2026-11-22T14:05:00.25"),
        ("'%d.%m.%Y %H.%M'", "22.11.2026 14.05", "2026-11-22T13:05:00"),
        ("dmy", datetime(2026, 11, 22, 14, 5), "2026-11-22T13:05:00"),  # noqa: DTZ001
        ("dmy", "22/11/2026 24:00", "2026-11-22T23:00:00"),
    ],
)
def test_dates_as_people_export_them(formats, raw, found):
    """Day first, month first, serials, epochs, a workbook's own; naive ones in the mapping's zone."""
    made = value(f"{{column: A, date: [{formats}]}}", {"A": raw}, field="opened_at")
    assert datetime.fromisoformat(made) == datetime.fromisoformat(found + "Z")


@pytest.mark.parametrize("raw", ["31/02/2026", "2026-13-01", "hier", "12:00", True])
def test_a_date_that_is_none_is_told_by_column_and_type(raw):
    """Never its text."""
    (made,) = translated(HEAD + "  opened_at: {column: Début, date: [dmy]}\n", {"Id": "1", "Début": raw})
    assert made == Refusal(
        number=2, field="Début", expected="a date as dmy", found="boolean" if raw is True else "string"
    )


@pytest.mark.parametrize(
    ("policy", "found"), [("earlier", "2026-10-25T00:30:00.000000Z"), ("later", "2026-10-25T01:30:00.000000Z")]
)
def test_an_hour_that_a_clock_shows_twice_is_resolved_as_declared(policy, found):
    """The night summer time ends; the doubt is counted."""
    text = f"ambiguous: {policy}\n" + HEAD + "  opened_at: {column: A, date: [dmy]}\n"
    engine = translator(text)
    (made,) = engine.feed([Record(number=2, fields={"Id": "1", "A": "25/10/2026 02:30"})], NOW)
    assert made.value["opened_at"] == found
    assert list(engine.doubts) == ["local time that exists twice (the night summer time ends)"]


def test_a_call_over_the_change_of_clocks_never_ends_before_it_began():
    """02:50, then the clock goes back, 02:10: the second lies after the first."""
    text = HEAD + "  started_at: {column: A, date: [dmy]}\n  ended_at: {column: B, date: [dmy]}\n"
    (made,) = translated(text, {"Id": "1", "A": "25/10/2026 02:50", "B": "25/10/2026 02:10"})
    assert made.value["started_at"] == "2026-10-25T00:50:00.000000Z"
    assert made.value["ended_at"] == "2026-10-25T01:10:00.000000Z"


def test_a_time_that_does_not_exist_is_flagged_and_a_strict_mapping_refuses_the_doubtful_hour():
    """02:30 in the night summer time begins, and `ambiguous: refuse`."""
    assert value("{column: A, date: [dmy]}", {"A": "29/03/2026 02:30"}, field="opened_at").startswith(
        "2026-03-29T01:30"
    )
    text = "ambiguous: refuse\n" + HEAD + "  opened_at: {column: A, date: [dmy]}\n"
    (made,) = translated(text, {"Id": "1", "A": "25/10/2026 02:30"})
    assert made.expected == "a local time that exists once"


def test_a_local_time_needs_a_zone():
    """Nothing is assumed of a time without one."""
    (made,) = translated(
        "kind: contacts\nfields:\n  id: Id\n  opened_at: {column: A, date: [dmy]}\n", {"Id": "1", "A": "22/11/2026"}
    )
    assert made.expected == "a time with its offset, or a `timezone` in the mapping"


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [("22:00", "06:00", 8), (time(8, 0), time(16, 30), 8.5), ("8h30", "24:00", 15.5), ("0.25", 0.5, 6)],
)
def test_shifts_past_midnight(start, end, hours):
    """An end that is not after the start lies on the next local day."""
    text = (
        "kind: roster\ntimezone: site\nfields:\n  id: Id\n  from: {day: J, time: A}\n"
        "  to: {day: J, time: B, after: from}\n"
    )
    (made,) = translated(text, {"Id": "1", "J": "22/11/2026", "A": start, "B": end})
    begin, finish = (datetime.fromisoformat(made.value[name]) for name in ("from", "to"))
    assert (finish - begin).total_seconds() == hours * 3600


@pytest.mark.parametrize(
    ("unit", "raw", "seconds"),
    [
        ("clock", "01:02:03", 3723),
        ("clock", "2:03", 123),
        ("s", "65", 65),
        ("min", "1,5", 90),
        ("ms", 1500, 1.5),
        ("h", time(0, 1), 60),
    ],
)
def test_a_duration_is_added_to_an_instant(unit, raw, seconds):
    """The end of a call is its start and its length."""
    line = f"{{column: A, date: [iso], plus: {{column: D, unit: {unit}}}}}"
    made = value(line, {"A": "2026-11-22T14:00:00Z", "D": raw}, field="ended_at")
    assert (datetime.fromisoformat(made) - datetime.fromisoformat("2026-11-22T14:00:00Z")).total_seconds() == seconds


def test_rows_left_out_are_counted_by_reason():
    """A filter is told, never silent."""
    engine = translator(HEAD + "when:\n  - {column: S, not_in: [TEST], reason: test calls}\n")
    assert list(engine.feed([Record(number=2, fields={"Id": "1", "S": "test"})], NOW)) == []
    assert dict(engine.skipped) == {"test calls": 1}


def test_a_version_is_the_latest_known_instant():
    """A later state of a contact has a higher version; what is due tells nothing."""
    text = HEAD + "  opened_at: {column: A, date: [iso]}\n  due_at: {column: B, date: [iso]}\n"
    first, second = translated(
        text,
        {"Id": "1", "A": "2026-11-22T14:00:00Z", "B": "2027-01-01T00:00:00Z"},
        {"Id": "1", "A": "2026-11-22T14:00:01Z"},
    )
    assert first.value["version"] >> TIE_BITS == 1_795_356_000_000
    assert second.value["version"] > first.value["version"]


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        ("kind: calls\nfields: {id: A}\n", "kind", "calls"),
        ("kind: contacts\nfield: {id: A}\n", "field", "an unknown key"),
        ("kind: contacts\nfields: {id: {column: A, colour: red}}\n", "fields.id.colour", "an unknown key"),
        ("kind: contacts\nfields: {id: {column: A, constant: b}}\n", "fields.id", "2 of them"),
        ("kind: contacts\nfields: {id: {column: A, date: [jj/mm]}}\n", "fields.id.date", "jj/mm"),
        ("kind: contacts\nfields: {id: {column: A, date: [dmy, mdy]}}\n", "fields.id.date", "both"),
        ("kind: contacts\nfields: {id: {column: A, regex: '(a+)+b'}}\n", "fields.id.regex", "one"),
        ("kind: contacts\nfields: {id: {column: A, regex: '['}}\n", "fields.id.regex", "unterminated"),
        ("kind: contacts\nfields: {to: {day: A, time: B, after: from}}\n", "fields.to.after", "from"),
        ("kind: contacts\nfields: {id: {column: A, plus: {column: B, unit: s}}}\n", "fields.id", "none"),
        ("kind: contacts\nfields: {id: {column: A, otherwise: B}}\n", "fields.id.otherwise", "none"),
        ("kind: contacts\ntimezone: Paris\nfields: {id: A}\n", "timezone", "Paris"),
        ("kind: contacts\nformat: {delimiter: ;}\nfields: {id: A}\n", "format.delimiter", "another text"),
        ("kind: contacts\nlateness: soon\nfields: {id: A}\n", "lateness", "another text"),
        ("kind: contacts\nkind: roster\nfields: {id: A}\n", "(file)", "repeated key"),
        ("- a\n", "(file)", "list"),
        ("a: [\n", "(file)", "line"),
        ("fields: {id: A}\n", "kind", "nothing"),
        ("kind: contacts\n", "fields", "nothing"),
        ("kind: contacts\nwhen: [{column: A}]\nfields: {id: A}\n", "when.0", "0 of them"),
    ],
)
def test_a_wrong_mapping_is_one_sentence(text, key, found):
    """File, key, expected, found."""
    with pytest.raises(ConfigurationError) as error:
        mapping(text)
    assert (error.value.file, error.value.key) == ("site.yml", key)
    assert found in error.value.found


def test_a_site_extends_a_preset_and_renames_its_columns(tmp_path):
    """Three lines for a French export."""
    (tmp_path / "site.yml").write_text(
        "extends: queue-calls\nrename: {Call ID: Appel, Answered: Décroché, Talk: Durée, Caller: Appelant}\n",
        encoding="utf-8",
    )
    feed = preset("site.yml", tmp_path)
    data = "Appel;Agent;Décroché;Durée;Appelant\nA1;4105;22/11/2026 14:04:50;00:02:10;01 99 00 00 01\n"
    rows, refused = rows_of(feed, data.encode("cp1252"))
    assert not refused
    assert rows[0]["ended_at"] == "2026-11-22T13:07:00.000000Z"
    assert feed.column("$.legs[0].agent") == "Agent"
    assert feed.column("$.started_at") == "Décroché"


def test_rows_of_one_contact_are_joined():
    """A transferred call has two rows and is one contact with two legs."""
    feed = preset("queue-calls")
    data = b"Call ID;Agent;Answered;Talk\nA1;4105;22/11/2026 14:00:00;60\nA1;4112;22/11/2026 14:01:00;60\n"
    rows, _ = rows_of(feed, data)
    assert [leg["agent"] for leg in rows[0]["legs"]] == ["4105", "4112"]
    assert (rows[0]["started_at"], rows[0]["ended_at"]) == (
        "2026-11-22T13:00:00.000000Z",
        "2026-11-22T13:02:00.000000Z",
    )
    assert len(rows) == 1
