"""What would make a statement's coverage better: a code, for the report that lists the worst statements.

Called by reports with the fields of an `access` entry. Standard library only. Must never promise more than `exact` on
the same wire: what runs inside the server stays for its own log (pgAudit).
"""

from collections.abc import Container, Sequence
from enum import StrEnum
from typing import Final

from quivive.model.access import Action, CoverageClass

_WRITES: Final = frozenset({Action.CREATE, Action.UPDATE, Action.DELETE})
_NAMED: Final = frozenset({CoverageClass.ALTERNATE, CoverageClass.PREDICATE, CoverageClass.COUNT_ONLY})
_TEMPORARY: Final = "pg_temp"
FUNCTION_MARK: Final = "()"
"""Ends the name of a function among the tables of an access: `public.find_customer()`."""


class CoverageHint(StrEnum):
    """One remedy per statement, the one that helps most."""

    NONE = ""
    SELECT_KEY = "select_key"  # add the primary key's columns to the SELECT list
    SELECT_KEY_BARE = "select_key_bare"  # select the key as a plain column: no cast, expression, UNION or json
    RETURNING_KEY = "returning_key"  # name the key in WHERE or VALUES, or add RETURNING with the key
    DECLARE_TABLE = "declare_table"  # declare the table in the catalogue, or list it as not protected
    DECLARE_FUNCTION = "declare_function"  # declare what the function returns, or list it as not protected
    TEMPORARY_TABLE = "temporary_table"  # read the source itself rather than a copy of it
    GRANT_USAGE = "grant_usage"  # let the side account describe the statement: CONNECT, and USAGE on the schema
    USE_RELAY = "use_relay"  # a log never shows which rows came back
    SERVER_SIDE = "server_side"  # nothing passes the wire: withdraw the right, or read the server's own log


def hint_of(
    coverage: CoverageClass, action: Action, tables: Sequence[str], declared: Container[str], *, passed: bool = True
) -> CoverageHint:
    """Return the remedy for one access or one shape.

    `declared`: tables of the controller's catalogue. `passed`: bytes of rows came over the wire (`rows_bytes`).
    """
    if coverage in {CoverageClass.EXACT, CoverageClass.AGGREGATE}:
        return CoverageHint.NONE
    by_table = _of_tables(tables, declared)
    if by_table is not CoverageHint.NONE:
        return by_table
    if action in _WRITES:
        return CoverageHint.RETURNING_KEY
    if not tables or (action == Action.EXPORT and not passed):
        return CoverageHint.SERVER_SIDE
    return CoverageHint.SELECT_KEY if coverage in _NAMED else CoverageHint.SELECT_KEY_BARE


def _of_tables(tables: Sequence[str], declared: Container[str]) -> CoverageHint:
    if any(name.endswith(FUNCTION_MARK) for name in tables):
        return CoverageHint.DECLARE_FUNCTION
    if any(name.startswith((_TEMPORARY, "?.")) for name in tables):
        return CoverageHint.TEMPORARY_TABLE
    return CoverageHint.DECLARE_TABLE if any(name not in declared for name in tables) else CoverageHint.NONE
