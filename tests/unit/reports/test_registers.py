"""A register comes and goes as CSV: whole or not at all, with row and field of what is wrong."""

import pytest

from quivive.model.register import Register, RegisterState
from quivive.reports.registers import COLUMNS, RegisterError, read_register, write_register

HEADER = ";".join(COLUMNS)
GOOD = "sub_processor;aurore;ST-1;Hébergeur;FR;2026-01-01;;;in_force"


def read(*lines, encoding="utf-8", header=HEADER):
    return read_register("\r\n".join((header, *lines)).encode(encoding), ("aurore",))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_line_is_read_whatever_wrote_it(encoding):
    """Marks and code pages of spreadsheets."""
    (row,) = read(GOOD, encoding=encoding)
    assert (row.register, row.state, row.label) == (Register.SUB_PROCESSOR, RegisterState.IN_FORCE, "Hébergeur")


def test_commas_and_french_days_are_read_too():
    """Both ways of writing a list and a day."""
    (one,) = read(GOOD)
    (two,) = read(GOOD.replace(";", ",").replace("2026-01-01", "01/01/2026"), header=HEADER.replace(";", ","))
    assert one == two


@pytest.mark.parametrize(("field", "line"), [
    ("register", GOOD.replace("sub_processor", "other")), ("controller", GOOD.replace("aurore", "boreal")),
    ("reference", GOOD.replace("ST-1", "")), ("country", GOOD.replace("FR", "France")),
    ("from", GOOD.replace("2026-01-01", "2026-13-01")), ("state", GOOD.replace("in_force", "perhaps")),
    ("label", GOOD.replace("Hébergeur", "x" * 201)),
])  # fmt: skip
def test_a_wrong_field_is_told_with_its_row_and_nothing_is_taken(field, line):
    """And no cell is quoted."""
    with pytest.raises(RegisterError, match=f"row 3, {field}: expected") as found:
        read(GOOD, line)
    assert "boreal" not in str(found.value)


def test_a_missing_column_is_named():
    """Before any row is read."""
    with pytest.raises(RegisterError, match="missing: due, state"):
        read("x", header=";".join(COLUMNS[:-2]))


def test_what_is_written_is_read_again():
    """Edited in between or not."""
    rows = read(GOOD, "breach;;V-2;;;2026-02-01;2026-02-04;2026-02-04;closed")
    told = [{field: getattr(row, field) for field in row.__slots__} for row in rows]
    assert read_register(write_register(told), ("aurore",)) == rows


@pytest.mark.parametrize("label", ["=1+1", "+33 1", "-x", "@SUM(A1)", "'=1", "''@x", "'quoted'", "O'Neil"])
def test_no_cell_is_a_formula_and_the_text_comes_back(label):
    """A spreadsheet runs none of them (CSV injection); an apostrophe of the text itself stays."""
    (row,) = read(GOOD)
    written = write_register([{field: getattr(row, field) for field in row.__slots__} | {"label": label}])
    cell = written.decode("utf-8-sig").splitlines()[1].split(";")[3]
    assert not cell.startswith(("=", "+", "-", "@"))
    assert read_register(written, ("aurore",))[0].label == label
