"""What is asked aside: a statement's columns, a COPY's query or columns, never several statements at once."""

import asyncio

import pytest

from quivive.capture.describer import Describer
from quivive.capture.side import SideError
from quivive.capture.statements import Statements
from quivive.wire.fields import Field

COLUMN = Field("id", 16_400, 1, 20)


class Asked:
    """Stands for the server behind the side connection; remembers what it was asked."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.texts: list[str] = []
        self.refuses = refuses

    async def describe(self, sql: str, types: tuple[int, ...] = ()) -> tuple[Field, ...]:
        self.texts.append(sql)
        if self.refuses:
            raise SideError("the server refused a statement", "42P01")
        return (COLUMN,)

    async def query(self, sql: str) -> list[tuple[str | None, ...]]:
        self.texts.append(sql)
        return [("id",), ('odd"name',)]


def fields_of(asked: Asked, sql: str) -> tuple[Field, ...] | None:
    known = Statements().known(sql.encode(), whole=True)
    return asyncio.run(Describer(asked).fields_of(known, 0, ()))  # type: ignore[arg-type]  # the server's part alone


@pytest.mark.parametrize(
    ("sql", "texts"),
    [
        ("select id from customer", ["select id from customer"]),
        ("copy (select id from customer) to stdout", ["select id from customer"]),
        ('copy customer (id, "Odd") to stdout', ['SELECT "id", "Odd" FROM "customer"']),
    ],
)
def test_what_is_asked(sql: str, texts: list[str]) -> None:
    """A statement as it is, a COPY by its query or its columns."""
    asked = Asked()
    assert fields_of(asked, sql) == (COLUMN,)
    assert [text.strip() for text in asked.texts] == texts


def test_a_whole_table_is_asked_by_its_columns() -> None:
    """COPY of a table is described as a select of its columns, quoted."""
    asked = Asked()
    assert fields_of(asked, "copy customer to stdout") == (COLUMN,)
    assert asked.texts[-1] == 'SELECT "id", "odd""name" FROM "customer"'


def test_several_statements_are_not_asked() -> None:
    """Only one statement can be parsed at a time."""
    asked = Asked()
    assert fields_of(asked, "select 1; select 2") is None
    assert asked.texts == []


def test_a_refusal_is_no_description() -> None:
    """What the server refuses stays opaque."""
    assert fields_of(Asked(refuses=True), "select id from gone") is None
