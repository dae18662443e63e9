"""A list that leaves: the same rows in three forms, a manifest that fits the bytes, no cell that a spreadsheet runs."""

import asyncio
import csv
import hashlib
import io
import json
import zipfile

import duckdb
import pytest

from quivive.reports.listing import ACCESS_COLUMNS, ColumnKind, ListFormat, Listing, archive, encode

AT = 1_795_356_300_000_000
COLUMNS = {
    "id": ColumnKind.TEXT,
    "at": ColumnKind.INSTANT,
    "rows": ColumnKind.COUNT,
    "tables": ColumnKind.NAMES,
    "late": ColumnKind.FLAG,
}
ROWS = [
    {"id": 'a;"1"', "at": AT, "rows": 3, "tables": ("public.customer", "public.contract"), "late": True},
    {"id": "=HYPERLINK(1)", "at": 0, "rows": None, "tables": (), "late": False, "agent": "secret", "person": "secret"},
]


def made(form, rows=ROWS, pages=1, told=None):
    async def source():
        for number in range(pages):
            yield [row | {"rows": number} if pages > 1 else row for row in rows]

    async def whole():
        listing = Listing(name="list", format=form, columns=COLUMNS, about={"filter": {"state": "open"}})
        return b"".join([part async for part in archive(listing, source(), told)])

    return zipfile.ZipFile(io.BytesIO(asyncio.run(whole())))


@pytest.mark.parametrize("form", list(ListFormat))
def test_the_manifest_fits_the_bytes_of_each_form(form):
    """Rows, size and SHA-256 are those of the file beside it; nothing undeclared is in it; no limit."""
    counted = []
    archived = made(form, pages=3, told=counted.append)
    data, manifest = archived.read(f"list.{form}"), json.loads(archived.read("manifest.json"))
    assert counted == [6]
    assert manifest["rows"] == 6
    assert manifest["limit"] is None
    assert manifest["filter"] == {"state": "open"}
    assert manifest["bytes"] == len(data)
    assert manifest["sha256"] == hashlib.sha256(data).hexdigest()
    assert b"secret" not in data
    assert archived.testzip() is None


def test_a_csv_holds_every_cell_and_no_formula():
    """What a spreadsheet would run stands after an apostrophe; quotes and separators survive; instants are UTC."""
    text = made(ListFormat.CSV).read("list.csv").decode("utf-8-sig")
    head, first, second = csv.reader(io.StringIO(text), delimiter=";")
    assert head == list(COLUMNS)
    assert first == ['a;"1"', "2026-11-22T14:05:00.000000Z", "3", "public.customer|public.contract", "1"]
    assert second == ["'=HYPERLINK(1)", "", "", "", "0"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_every_beginning_of_a_formula_is_guarded(start):
    """OWASP's list, in a text and in a list of names."""
    listing = Listing(name="list", format=ListFormat.CSV, columns=COLUMNS, about={})
    line = encode([{"id": f"{start}cmd", "tables": (f"{start}cmd",)}], listing).decode()
    row = next(csv.reader(io.StringIO(line, newline=""), delimiter=";"))
    assert row[0] == row[3] == f"'{start}cmd"


def test_json_lines_keep_types_and_need_no_guard():
    """A reader of JSON runs nothing: the value is as it was."""
    first, second = (json.loads(line) for line in made(ListFormat.JSONL).read("list.jsonl").splitlines())
    assert first["tables"] == ["public.customer", "public.contract"]
    assert first["late"] is True
    assert second == {"id": "=HYPERLINK(1)", "at": None, "rows": None, "tables": [], "late": False}


def test_parquet_is_read_by_another_reader(tmp_path):
    """DuckDB reads types and rows back."""
    path = tmp_path / "list.parquet"
    path.write_bytes(made(ListFormat.PARQUET).read("list.parquet"))
    rows = duckdb.sql(f'SELECT id, epoch_us("at"), "rows", tables, late FROM \'{path}\'').fetchall()
    assert rows == [
        ('a;"1"', AT, 3, ["public.customer", "public.contract"], True),
        ("=HYPERLINK(1)", None, None, [], False),
    ]


def test_an_empty_list_is_a_file_with_its_columns(tmp_path):
    """No row is an answer too, in every form."""
    path = tmp_path / "list.parquet"
    path.write_bytes(made(ListFormat.PARQUET, rows=[]).read("list.parquet"))
    assert duckdb.sql(f"SELECT * FROM '{path}'").columns == list(COLUMNS)
    assert made(ListFormat.CSV, rows=[]).read("list.csv").decode("utf-8-sig") == ";".join(COLUMNS) + "\r\n"


def test_no_key_and_no_pseudonym_is_declared():
    """What names a record or a person has no column."""
    forbidden = {"agent", "person", "ident", "record", "subject", "account", "key", "contact"}
    assert not forbidden & set(ACCESS_COLUMNS)
    assert "agent_code" in ACCESS_COLUMNS
