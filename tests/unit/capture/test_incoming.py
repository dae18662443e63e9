"""Which columns of a COPY from the account hold keys."""

import pytest
from example_catalogue import SNAPSHOT, planned

from quivive.capture.incoming import with_incoming
from quivive.capture.resolve import resolve
from quivive.model.access import CoverageClass


@pytest.mark.parametrize(
    ("sql", "indexes", "tables", "coverage"),
    [
        ("copy customer (last_name, id) from stdin", (1,), ["public.customer"], "predicate"),
        ("copy customer from stdin (format csv)", (0,), ["public.customer"], "predicate"),
        ("copy orders (customer_id, id) from stdin", (0, 1), ["public.orders", "public.customer"], "predicate"),
        ("copy orders (number, customer_id) from stdin", (1,), ["public.customer"], "count_only"),
        ("copy line (no, order_id) from stdin binary", (0, 1), ["public.line", "public.orders"], "predicate"),
        ("copy customer (id) from stdin where id > 3", (0,), ["public.customer"], "count_only"),
        ("copy customer (last_name) from stdin", (), [], "count_only"),
        ("copy customer from '/tmp/x'", (), [], "opaque"),
        ("copy notes from stdin", (), [], "count_only"),
        ("copy customer (id) to stdout", (), [], "count_only"),
    ],
)
def test_columns_of_a_stream(sql, indexes, tables, coverage):
    """Own key, foreign key along the path; nothing for files, unknown tables and COPY out."""
    plan, _ = planned(sql)
    found = with_incoming(SNAPSHOT, plan, resolve(SNAPSHOT, plan, None))
    assert found.column_indexes == indexes
    assert [spec.table for spec in found.keys] == tables
    assert found.coverage is CoverageClass(coverage)
