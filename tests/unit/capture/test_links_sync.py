"""Paths to a person; the reading itself runs against a real server in the integration tests."""

from example_catalogue import CATALOGUE

from quivive.capture.links_sync import path_of
from quivive.model.catalogue import Catalogue, Path, Table, TableKind


def names(name: str) -> list[str]:
    table = CATALOGUE.table(f"public.{name}")
    assert table is not None
    return [one.name.removeprefix("public.") for one in path_of(CATALOGUE, table)]


def test_path_ends_at_the_person() -> None:
    """Through orders to the customer, not on to the household; a customer's own path leads to its household."""
    assert names("line") == ["orders", "customer"]
    assert names("orders") == ["customer"]
    assert names("customer") == ["household"]
    assert names("household") == []


def test_broken_paths_lead_nowhere() -> None:
    """A path in circles, or to an undeclared table, is none."""
    a = Table(name="public.a", kind=TableKind.LINKED, key=("id",), path=Path(column="b_id", to="public.b"))
    b = Table(name="public.b", kind=TableKind.LINKED, key=("id",), path=Path(column="a_id", to="public.a"))
    c = Table(name="public.c", kind=TableKind.LINKED, key=("id",), path=Path(column="x", to="public.gone"))
    catalogue = Catalogue(controller="x", version=1, tables=(a, b, c), not_protected=())
    assert path_of(catalogue, a) == () == path_of(catalogue, c)
