"""Claims on strict row decoding: any bytes end in a report or a refusal, and no value ever comes back."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivive.model.access import Action
from quivive.model.errors import RefusedError
from quivive.rows import (
    MAX_BATCH_BYTES,
    MAX_ITEMS,
    MAX_ROW_BYTES,
    MAX_ROWS,
    FieldError,
    Row,
    decode_rows,
    identifier_item,
    is_code,
    is_identifier,
    sub_row,
    text_item,
    type_name,
)

NDJSON = "application/x-ndjson"


def wrong(call) -> FieldError:
    with pytest.raises(FieldError) as caught:
        call()
    return caught.value


@given(st.binary(max_size=400), st.sampled_from([NDJSON, "application/json"]))
def test_any_bytes_end_in_rows_or_a_refusal(body, media):
    """No body raises anything but RefusedError; each row is an object or a FieldError."""
    rows = []
    with contextlib.suppress(RefusedError):
        rows = list(decode_rows(media, body))
    assert all(isinstance(row.value, dict | FieldError) for row in rows)


@given(st.lists(st.one_of(st.integers(0, 99).map(lambda n: b'{"n":%d}' % n), st.binary(max_size=30)), max_size=20))
def test_good_lines_survive_any_neighbours(lines):
    """Every good NDJSON line is decoded, whatever stands around it."""
    lines = [line.replace(b"\n", b" ") for line in lines]
    decoded = {row.number: row.value for row in decode_rows(NDJSON, b"\n".join(lines))}
    for number, line in enumerate(lines):
        if line.startswith(b'{"n":') and line.endswith(b"}") and line[5:-1].isdigit():
            assert decoded[number] == {"n": int(line[5:-1])}


def test_the_three_forms_give_the_same_rows():
    """NDJSON, an array and one object read alike."""
    rows = [{"a": 1}, {"a": 2}]
    array = [row.value for row in decode_rows("application/json; charset=utf-8", json.dumps(rows).encode())]
    lines = [row.value for row in decode_rows(NDJSON, b"\n".join(json.dumps(r).encode() for r in rows))]
    one = [row.value for row in decode_rows("application/json", b' {"a": 1}\n')]
    assert array == lines == rows
    assert one == rows[:1]
    assert list(decode_rows("application/json", b"  ")) == []


def test_a_bad_item_of_an_array_is_refused_alone():
    """An array keeps its good items."""
    first, second = decode_rows("application/json", b'[3, {"a": 1}]')
    assert (first.value.field, first.value.found) == ("$", "integer")
    assert second.value == {"a": 1}


def test_blank_lines_count_but_are_no_rows():
    """Row numbers of NDJSON are line numbers from 0, so that a person finds the line."""
    assert [row.number for row in decode_rows(NDJSON, b'\n{"a":1}\n\n{"a":2}\n')] == [1, 3]


@pytest.mark.parametrize(
    ("media", "body", "code"),
    [
        ("text/csv", b"", "content_type"),
        ("", b"{}", "content_type"),
        ("application/json", b"[{]", "body_unreadable"),
        ("application/json", b"[" * 100_000, "body_unreadable"),
        (NDJSON, b" " * (MAX_BATCH_BYTES + 1), "too_large"),
        (NDJSON, b"{}\n" * (MAX_ROWS + 1), "too_large"),
        ("application/json", b"[" + b"1," * MAX_ROWS + b"1]", "too_large"),
    ],
)
def test_a_body_that_is_no_batch_is_refused_whole(media, body, code):
    """Wrong media type, damaged array, too many bytes or rows: one code for the whole."""
    with pytest.raises(RefusedError) as caught:
        list(decode_rows(media, body))
    assert caught.value.code == code


def test_a_row_too_long_is_refused_alone():
    """One enormous row does not cost its neighbours."""
    long, short = decode_rows(NDJSON, b'{"a":"' + b"x" * MAX_ROW_BYTES + b'"}\n{"a":1}')
    assert long.value.found == "a longer row"
    assert short.value == {"a": 1}


def test_texts_are_bounded_and_encodable():
    """Empty, blank, too long or of another type: refused by name; surrounding blanks fall away."""
    row = Row({"a": " x ", "empty": " ", "long": "x" * 257, "list": [], "no": None, "half": "\ud800"})
    assert row.text("a") == "x"
    assert row.text("no", default="d") == "d"
    for name in ("empty", "long", "list", "half", "no", "missing"):
        assert wrong(lambda name=name: row.text(name)).field == f"$.{name}"
    assert wrong(lambda: row.text("missing")).found == "nothing"


def test_native_ids_are_texts_or_integers():
    """An integer id reads as its digits; booleans and integers no database holds do not."""
    row = Row({"i": 42, "s": "A-1", "b": True, "huge": 10**400, "f": 1.5})
    assert [row.native_id(name) for name in "is"] == ["42", "A-1"]
    for name in ("b", "huge", "f"):
        wrong(lambda name=name: row.native_id(name))
    assert text_item(7, "$.x") == "7"


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("2026-11-22T14:05:00Z", 1_795_356_300_000_000),
        ("2026-11-22 15:05:00.000001+01:00", 1_795_356_300_000_001),
        ("2026-11-22t14:05:00.123456789z", 1_795_356_300_123_456),
    ],
)
def test_instants_carry_an_offset(text, micros):
    """RFC 3339 forms become microseconds UTC."""
    assert Row({"at": text}).instant("at") == micros


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T14:05:00",
        "2026-11-22",
        "2026-W47-7T14:05:00Z",
        "2026-02-30T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "x",
        5,
    ],
)
def test_other_forms_of_time_are_refused(text):
    """No offset, a bare day, a week date, an impossible day, before 1970: refused without the text."""
    error = wrong(lambda: Row({"at": text}).instant("at"))
    assert error.field == "$.at"
    assert error.found in {"string", "integer"}


def test_an_instant_may_be_bounded():
    """A clock that runs ahead is refused."""
    row = Row({"at": "2026-11-22T14:05:00Z"})
    assert row.instant("at", latest=1_795_356_300_000_000)
    assert wrong(lambda: row.instant("at", latest=1)).expected == "an instant that is not in the future"


def test_closed_sets_integers_and_booleans():
    """Only members, integers in bounds and true or false pass."""
    row = Row({"a": "read", "n": 3, "yes": True, "bad": "browse"})
    assert row.choice("a", Action) is Action.READ
    assert row.integer("n") == 3
    assert row.boolean("yes", default=False) is True
    assert row.boolean("none", default=False) is False
    assert "read, update" in wrong(lambda: row.choice("bad", Action)).expected
    assert wrong(lambda: row.integer("yes")).found == "boolean"
    assert wrong(lambda: row.integer("n", maximum=2)).found == "integer"
    assert wrong(lambda: row.boolean("n", default=True)).found == "integer"


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("assistance-1", True),
        ("CAMP_2026/11", True),
        ("Jean Dupont", False),
        ("0612345678", False),
        ("06-12-34-56-78", False),
        ("FR7630006000011234567890189", False),
        ("a@b.fr", False),
        ("", False),
    ],
)
def test_codes_leave_no_room_for_a_full_name_or_a_number(text, good):
    """What stands in clear in entries is a code of the organisation."""
    assert is_code(text) is good
    if not good:
        wrong(lambda: Row({"x": text}).code("x"))


def test_identifiers_are_lower_case_names():
    """Table and column names as the catalogue writes them."""
    assert is_identifier("public.customer.last_name")
    assert not is_identifier("Martin Dupont")
    wrong(lambda: identifier_item("A", "$.x"))
    assert Row({"t": "customer"}).identifier("t") == "customer"


def test_items_name_their_place():
    """An error inside an array says which item."""
    row = Row({"l": [{"a": "x"}, 3], "n": 3, "long": [0] * (MAX_ITEMS + 1)})
    assert wrong(lambda: row.items("l", lambda v, p: sub_row(v, p).text("a"))).field == "$.l[1]"
    assert wrong(lambda: row.items("n", text_item)).found == "integer"
    assert wrong(lambda: row.items("long", text_item)).found == "a longer array"
    assert row.items("none", text_item) == ()


def test_an_unknown_field_is_refused_without_its_name():
    """A misspelt field must not vanish, and a field name may itself be a name."""
    row = Row({"a": "x", "Camille Dupont": 1})
    row.text("a")
    error = wrong(row.done)
    assert (error.field, error.found) == ("$", "an unknown field (number 2)")
    assert "Dupont" not in str(error)
    row.has("Camille Dupont")
    row.done()


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"), (True, "boolean"), (3, "integer"), (1.5, "number"), ("a", "string"), ([1], "array"),
        ({"a": 1}, "object"), (object(), "another type"),
    ],
)  # fmt: skip
def test_types_are_named_for_any_json(value, name):
    """Every JSON value has a type name, and nothing but the name."""
    assert type_name(value) == name
