"""Declared functions are keyed by a plain column; every other call of a function that may read stays hidden."""

from dataclasses import replace

import pytest
from example_catalogue import INT8, SNAPSHOT, TEXT, planned

from quivive.capture.resolve import resolve
from quivive.model.access import CoverageClass
from quivive.model.catalogue import Function
from quivive.wire.fields import Field

DECLARED = replace(
    SNAPSHOT,
    declared=replace(
        SNAPSHOT.declared,
        functions=(Function(name="public.get_customer", table="public.customer", key_column="number"),),
    ),
)
FIELDS = (Field("label", 0, 0, TEXT), Field("number", 0, 0, INT8))


@pytest.mark.parametrize(
    ("sql", "coverage"),
    [
        ("select label, number from get_customer(1)", CoverageClass.EXACT),
        ("select * from public.get_customer(1) c", CoverageClass.EXACT),
        ("select label, 5 as number from get_customer(1)", CoverageClass.OPAQUE),
        ("select c.label, d.number from get_customer(1) c, orders d", CoverageClass.OPAQUE),
        ("select label, number from other.get_customer(1)", CoverageClass.AGGREGATE),
    ],
)
def test_declared_function(sql, coverage):
    """The key is where the function's own column is shown, and nowhere else."""
    found = resolve(DECLARED, planned(sql)[0], FIELDS)
    assert found.coverage is coverage
    if coverage is CoverageClass.EXACT:
        assert [(spec.table, spec.types) for spec in found.keys] == [("public.customer", (INT8,))]
        assert found.column_indexes == (1,)
    else:
        assert found.keys == ()


def test_undeclared_function_is_named():
    """Opaque, protected, and its name says what to declare."""
    found = resolve(SNAPSHOT, planned("select * from get_customer(1)")[0], FIELDS)
    assert (found.coverage, found.protected) == (CoverageClass.OPAQUE, True)
    assert found.tables == ("public.get_customer()",)


def test_what_was_made_of_a_table_names_it():
    """A read of a table filled from another names both; a temporary one is opaque."""
    tied = replace(SNAPSHOT, made={"t9": ("public.customer",), "customer": ("public.orders",)})
    found = resolve(tied, planned("select id from t9")[0], (Field("id", 99_999, 1, INT8),))
    assert (found.coverage, found.tables) == (CoverageClass.OPAQUE, ("?.t9", "public.customer"))
    own = resolve(tied, planned("select id from customer")[0], None)
    assert own.tables == ("public.customer",)
