"""Fields grouped by table occurrence."""

from example_catalogue import CARD, CUSTOMER, ORDERS, PART, SNAPSHOT, fields_of

from quivive.capture.shown import shown_tables
from quivive.wire.fields import Field


def test_occurrences_are_dealt_in_order() -> None:
    """A column seen twice starts a second occurrence of its table."""
    shown = shown_tables(SNAPSHOT, fields_of((CUSTOMER, "id"), (CUSTOMER, "phone"), (ORDERS, "id"), (CUSTOMER, "id")))
    first, second = shown.tables["public.customer"]
    assert first.columns == {"id": (0, 20), "phone": (1, 25)}
    assert second.columns == {"id": (3, 20)}
    assert shown.columns == ("public.customer.id", "public.customer.phone", "public.orders.id")


def test_expressions_views_partitions_and_strangers() -> None:
    """Expressions are counted, views and partitions lead to their base, an unknown relation is noticed."""
    shown = shown_tables(
        SNAPSHOT, (*fields_of((CARD, "number"), (CARD, "shouted"), (0, "x"), (PART, "id")), Field("r", 1259, 1, 26))
    )
    assert set(shown.tables) == {"public.customer", "public.visit"}
    assert shown.expressions == 2
    assert not shown.unknown
    assert shown_tables(SNAPSHOT, (Field("x", 99_999, 1, 25),)).unknown


def test_whole_rows() -> None:
    """A whole-row column shows every column; the key's place in it counts only columns that still exist."""
    shown = shown_tables(SNAPSHOT, fields_of((CUSTOMER, "*")))
    (occurrence,) = shown.tables["public.customer"]
    assert occurrence.ordinals(("household_id",)) == (4,)
    assert occurrence.types(("id",)) == (20,)
    assert occurrence.ordinals(("gone",)) == ()
    assert "public.customer.email" in shown.columns
    assert shown.protected
    assert shown.names == ("public.customer",)
