"""Declared functions of a controller's file."""

import pytest

from quivive.function_settings import FunctionSettings, functions_of, wrong_function
from quivive.model.catalogue import Function, Table, TableKind

TABLES = (
    Table(name="public.customer", kind=TableKind.PERSON, key=("id",)),
    Table(name="public.line", kind=TableKind.LINKED, key=("order_id", "no")),
)


@pytest.mark.parametrize(
    ("name", "table", "column", "wrong"),
    [
        ("public.f", "public.customer", "id", False),
        ("f", "public.customer", "id", True),
        ("public.f", "public.other", "id", True),
        ("public.f", "public.line", "order_id", True),
        ("public.f", "public.customer", "", True),
    ],
)
def test_what_can_be_declared(name, table, column, wrong):
    """A full name, a declared table with one key column, a result column."""
    declared = [FunctionSettings(name, table, column)]
    assert wrong_function(declared, TABLES) == (name if wrong else "")
    assert functions_of(declared) == (Function(name=name, table=table, key_column=column),)
