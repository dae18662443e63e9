"""COPY options are found whether they stand as words or as literals."""

import pytest

from quivive.capture.copying import format_of_copy, reader_of
from quivive.wire.shape import shape_of
from quivive.wire.sql import plan_of


@pytest.mark.parametrize(
    ("sql", "form", "data"),
    [
        ("copy t to stdout", "text", b"1\tx\n"),
        ("copy t to stdout (format 'csv', header)", "csv", b"id,name\n1,x\n"),
        ("copy t to stdout with (format csv, delimiter ';')", "csv", b"1;x\n"),
        (
            "copy (select 1) to stdout (format 'binary')",
            "binary",
            b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\1\0\0\0\x011",
        ),
        ("copy t to stdout csv", "csv", b'"1","x"\n'),
    ],
)
def test_format_and_rows(sql: str, form: str, data: bytes) -> None:
    """Format, delimiter and header are those of the statement."""
    shaped = shape_of(sql)
    (plan,) = plan_of(shaped.text)
    assert plan.copy is not None
    assert format_of_copy(plan.copy, shaped) == form
    assert reader_of(plan.copy, shaped, (0,)).feed(data) == [(b"1",)]
