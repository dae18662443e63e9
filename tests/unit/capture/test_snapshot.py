"""The snapshot built from catalogue rows: names, views, partitions, what is protected."""

from example_catalogue import CATALOGUE, SNAPSHOT

from quivive.capture.snapshot import Column, Relation, is_protected
from quivive.model.catalogue import Table, TableKind


def test_names_follow_the_search_path() -> None:
    """Unqualified names are searched, temporary first; unknown ones are nobody's."""
    customer = SNAPSHOT.named("customer")
    assert customer is not None
    assert customer is SNAPSHOT.named("public.customer")
    assert SNAPSHOT.named("hidden") is None
    assert SNAPSHOT.named("private.hidden") is not None
    temporary = SNAPSHOT.named("t1")
    assert temporary is not None
    assert temporary.temporary
    assert temporary.protected
    assert temporary.table is None


def test_system_names() -> None:
    """System relations are known by their schema or prefix, never when a user relation has the name."""
    assert SNAPSHOT.is_system("pg_catalog.pg_class")
    assert SNAPSHOT.is_system("pg_class")
    assert not SNAPSHOT.is_system("pg_mine")
    assert not SNAPSHOT.is_system("public.pg_class")


def test_base_columns() -> None:
    """View and partition columns lead to the column of the base table; an expression leads nowhere."""
    card, part = SNAPSHOT.named("card"), SNAPSHOT.named("visit_2026")
    assert card is not None
    assert part is not None
    found = SNAPSHOT.base_column(card, 1)
    assert found is not None
    assert (found[0].name, found[1].name) == ("public.customer", "id")
    assert SNAPSHOT.base_column(card, 3) is None
    found = SNAPSHOT.base_column(part, 3)
    assert found is not None
    assert (found[0].name, found[1].attnum) == ("public.visit", 1)
    assert [r.name for r in SNAPSHOT.bases(card)] == ["public.customer"]


def test_every_user_table_is_protected_until_listed() -> None:
    """Only reference data, listed tables and the system's own are not."""
    reference = Table(name="public.code", kind=TableKind.REFERENCE, key=("id",))
    assert is_protected(CATALOGUE, "public.anything", None)
    assert not is_protected(CATALOGUE, "public.price", None)
    assert not is_protected(CATALOGUE, "public.code", reference)
    assert not is_protected(CATALOGUE, "pg_catalog.pg_class", None)


def test_column_named_by_position() -> None:
    """`#n` counts the columns that are still there."""
    columns = {n: Column(name=name, attnum=n, type_oid=25) for n, name in ((2, "b"), (5, "e"))}
    relation = Relation(
        oid=1, name="public.x", kind="r", root=1, columns=columns, primary_key=(), table=None, protected=True
    )
    second = relation.column_named("#2")
    assert second is not None
    assert second.name == "e"
    assert relation.column_named("#3") is None
    assert relation.column_named("z") is None
