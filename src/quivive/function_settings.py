"""`[[functions]]` of a controller's file: which record a row-returning function shows, and in which result column.

Called by `settings`. Pure. Must refuse a declaration whose key could not be read from one column.
"""

from collections.abc import Sequence

import msgspec

from quivive.model.catalogue import Function, Table


class FunctionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One declared function, as written."""

    name: str
    table: str
    key_column: str


def wrong_function(declared: Sequence[FunctionSettings], tables: Sequence[Table]) -> str:
    """Name of the first function that cannot be declared so; "" when all can."""
    keyed = {table.name for table in tables if len(table.key) == 1}
    for one in declared:
        if one.name.count(".") != 1 or one.table not in keyed or not one.key_column:
            return one.name
    return ""


def functions_of(declared: Sequence[FunctionSettings]) -> tuple[Function, ...]:
    """Declared functions for the catalogue."""
    return tuple(Function(name=one.name, table=one.table, key_column=one.key_column) for one in declared)
