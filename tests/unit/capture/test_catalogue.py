"""Catalogue rows to a snapshot; the loading itself runs against a real server in the integration tests."""

import asyncio

import pytest
from example_catalogue import CATALOGUE, CUSTOMER, SNAPSHOT

from quivive.capture.catalogue import VIEWS_SQL, load_snapshot
from quivive.capture.side import SideError
from quivive.wire.fields import Field


def test_unmapped_and_missing_are_named() -> None:
    """Undeclared tables and declarations without a table are both shown."""
    assert SNAPSHOT.unmapped == ("private.hidden", "public.notes", "public.pg_mine")
    assert SNAPSHOT.missing == ("public.gone",)


def test_functions_that_may_read() -> None:
    """User functions by both names, without those listed as harmless, with the system's reading ones."""
    assert {"get_customer", "public.get_customer", "query_to_xml", "pg_catalog.lo_get"} <= SNAPSHOT.functions
    assert "harmless" not in SNAPSHOT.functions


class FakeReader:
    """Answers catalogue queries with one view, whose description is refused."""

    def __init__(self, state: str) -> None:
        self._state = state

    async def query(self, sql: str) -> list[tuple[str | None, ...]]:
        return [(str(CUSTOMER), "SELECT 1;")] if sql == VIEWS_SQL else []

    async def describe(self, sql: str, types: tuple[int, ...] = ()) -> tuple[Field, ...]:
        assert sql == "SELECT 1"
        assert types == ()
        raise SideError("refused", self._state)


def test_a_refused_view_stays_unresolved() -> None:
    """A view the server will not describe does not stop the catalogue; a broken connection does."""
    assert asyncio.run(load_snapshot(FakeReader("42501"), CATALOGUE)).relations == {}
    with pytest.raises(SideError):
        asyncio.run(load_snapshot(FakeReader(""), CATALOGUE))
