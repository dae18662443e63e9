"""Files as people send them: encodings, separators, quotes, workbooks, JSON; one bad row costs one row."""

import contextlib
import io
import zipfile
from datetime import datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from quivive.connectors.carry import check_header
from quivive.connectors.model import Record, Refusal
from quivive.connectors.reading import workbook
from quivive.connectors.reading.files import read_file
from quivive.connectors.reading.model import FileProblemError, FileType, Format

TABLE = "Id;Nom\r\n1;Éléonore\r\n2;Zoé\r\n"


def read(data, **form):
    reading = read_file(data if isinstance(data, bytes) else data.encode(), Format(**form))
    return list(reading.records), dict(reading.assumed), reading.header


def names(records):
    return [record.fields["Nom"] for record in records]


@pytest.mark.parametrize(
    ("encoding", "assumed"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", None),
        ("cp1252", "cp1252"),
        ("utf-16", None),
        ("utf-16-le", "utf-16"),
        ("utf-16-be", "utf-16"),
    ],
)
def test_every_encoding_gives_the_same_rows_and_is_told(encoding, assumed):
    """What was assumed is said; a marked file assumes nothing."""
    records, told, header = read(TABLE.encode(encoding))
    assert names(records) == ["Éléonore", "Zoé"]
    assert header == ("Id", "Nom")
    assert told.get("encoding") == assumed


def test_a_line_in_another_encoding_keeps_its_damage_to_itself():
    """Mostly UTF-8 with one line of Windows: its bytes stay recognisable, the others are read right."""
    data = b"Id;Nom\n" + "1;Éléonore\n2;Zoé\n".encode() + b"3;No\xe9\n"
    records, told, _ = read(data)
    assert names(records)[:2] == ["Éléonore", "Zoé"]
    assert "\udce9" in names(records)[2]
    assert told["encoding"] == "utf-8"


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolon"), (",", "comma"), ("\t", "tab"), ("|", "pipe")])
def test_the_separator_is_found_and_told(separator, name):
    """Whatever stands most often in the header, quoted ones apart."""
    text = separator.join(["Id", '"Nom, complet; tel"', "Date"]) + "\n" + separator.join(["1", "x", "y"]) + "\n"
    records, told, header = read(text)
    assert header == ("Id", "Nom, complet; tel", "Date")
    assert told["delimiter"] == name
    assert isinstance(records[0], Record)


def test_the_expected_columns_decide_between_separators():
    """A header with more commas than semicolons is still separated by semicolons when the mapping knows its names."""
    _, told, _ = read("Id;Nom (a, b, c, d)\n1;x\n", expected=("Id",))
    assert told["delimiter"] == "semicolon"


def test_a_row_with_another_separator_is_refused_by_its_number():
    """Two exports glued together: the good rows stay."""
    records, _, _ = read("Id;Nom;X\n1;a;b\n2,a,b\n3;a;b\n")
    assert [type(each) for each in records] == [Record, Refusal, Record]
    assert records[1] == Refusal(
        number=3, field="", expected="3 columns separated by semicolon", found="3 columns separated by comma"
    )


def test_newlines_in_quotes_count_as_lines_of_the_file():
    """The row after a note of three lines has the number a person finds it at."""
    records, _, _ = read('Id;Nom\n1;"a\nb\r\nc ""d"" ; e"\n2;z\n')
    assert records[0].fields["Nom"] == 'a\nb\nc "d" ; e'
    assert [record.number for record in records] == [2, 5]


@pytest.mark.parametrize("row", ['2;"open', '2;5" screen', '2;"a" b"'])
def test_a_quote_that_is_never_closed_swallows_nothing(row):
    """The rows after it are read."""
    records, _, _ = read(f"Id;Nom\n1;a\n{row}\n3;c\n4;d\n")
    assert {record.fields["Id"] for record in records if isinstance(record, Record)} >= {"1", "3", "4"}


def test_names_that_stand_twice_are_told_by_position():
    """A file without header holds values there, so no name is repeated."""
    with pytest.raises(FileProblemError, match="the same name in columns 1 and 3") as error:
        read("secret;b;secret\n1;2;3\n")
    assert "secret" not in str(error.value)


def test_a_renamed_column_is_one_clear_line():
    """Which expected one is not there; none of the names found."""
    form = Format(expected=("Début", "Id"))
    reading = read_file(b"Id;Commencement\n1;2\n", form)
    with pytest.raises(FileProblemError) as error:
        check_header(form, reading)
    assert str(error.value) == "row 1: expected the column Début, found it absent"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_ending(end):
    """Unix, Windows, and the Macintosh of long ago."""
    records, _, _ = read(f"Id;Nom{end}1;a{end}{end}2;b{end}")
    assert names(records) == ["a", "b"]


def test_a_spreadsheet_hint_titles_and_empty_cells_at_the_end():
    """`sep=;`, two title lines, a trailing separator."""
    records, _, _ = read("sep=;\nId;Nom;\n1;a;\n2;b\n")
    assert [type(each) for each in records] == [Record, Record]
    records, _, _ = read("Rapport du jour\n\nId;Nom\n1;a\n", skip_lines=1)
    assert names(records) == ["a"]


def test_a_file_without_header():
    """Columns come from the mapping and the first line is a record."""
    records, _, header = read("1|a\n2|b\n", columns=("Id", "Nom"))
    assert names(records) == ["a", "b"]
    assert header == ("Id", "Nom")


def book(rows, title="Feuille"):
    made = Workbook()
    made.active.title = title
    for row in rows:
        made.active.append(row)
    target = io.BytesIO()
    made.save(target)
    return target.getvalue()


def test_a_workbook_keeps_its_dates_and_numbers():
    """Dates stay dates, a telephone number that became a number stays whole, empty rows vanish."""
    at = datetime(2026, 11, 22, 14, 5)  # noqa: DTZ001
    records, told, _ = read(book([["Id", "At", "Tel", "Clock"], ["A", at, 612345678, time(8, 30)], [None], ["B"]]))
    assert records[0].fields == {"Id": "A", "At": at, "Tel": 612345678, "Clock": time(8, 30)}
    assert [record.number for record in records] == [2, 4]
    assert told == {"sheet": "first"}


def test_a_named_sheet_must_be_there():
    """The sheet that is meant is told, the others are only counted."""
    with pytest.raises(FileProblemError, match="a sheet named Appels"):
        read(book([["Id"], [1]]), sheet="Appels")


def test_a_workbook_that_grows_is_never_unpacked(monkeypatch):
    """A few kilobytes may claim to be gigabytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (8 << 20))
    monkeypatch.setattr(workbook, "load_workbook", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(FileProblemError, match="grows beyond"):
        read(target.getvalue())


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"PK\x03\x04rubbish", "a damaged workbook"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 600, "the old Excel format: save it as XLSX"),
        (b"\x00\x01\x02\x7f\x00" * 400, "another kind of file"),
        (b"  \r\n ", "an empty file"),
        (b"one single word", "none of them"),
    ],
)
def test_rubbish_is_one_line(data, found):
    """Never a traceback, never its content."""
    with pytest.raises(FileProblemError, match=found):
        read(data)


def test_ndjson_refuses_the_damaged_line_only():
    """The number is the line's."""
    records, _, _ = read('{"a":1}\n\n{"a":\n[1]\n{"a":2}\n')
    assert [(type(each), each.number) for each in records] == [(Record, 1), (Refusal, 3), (Refusal, 4), (Record, 5)]


def test_json_in_an_envelope():
    """A path leads to the array; another shape is told by its type."""
    records, _, _ = read('{"data":{"items":[{"a":1},{"a":2},3]}}', array="data.items")
    assert [type(each) for each in records] == [Record, Record, Refusal]
    with pytest.raises(FileProblemError, match=r"an array at data\.rows, found null"):
        read('{"data":{"items":[]}}', array="data.rows")
    with pytest.raises(FileProblemError, match="row 2: expected JSON"):
        read('[{"a":1},\n{"a":}]')


def test_lines_for_translators_that_parse_them():
    """One field, blank lines counted but not given."""
    records, _, _ = read("a b\r\n\nc\n", type=FileType.LINES)
    assert [(each.number, each.fields) for each in records] == [(1, {"line": "a b"}), (3, {"line": "c"})]


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_in_one_line(data):
    """Nothing else is ever raised."""
    with contextlib.suppress(FileProblemError):
        list(read_file(data, Format()).records)


@given(st.lists(st.lists(st.text("aé;,\"|\t 1'"), min_size=3, max_size=3), min_size=1, max_size=8))
def test_what_a_spreadsheet_writes_is_read_back(rows):
    """Quoted as the csv module of any tool quotes it."""
    import csv

    target = io.StringIO()
    csv.writer(target, delimiter=";", quoting=csv.QUOTE_ALL).writerows([["A", "B", "C"], *rows])
    records, _, _ = read(target.getvalue())
    assert [list(record.fields.values()) for record in records] == rows
