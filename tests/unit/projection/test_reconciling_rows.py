"""Rows edited by hand are found by the hour (fault 53), hot and sealed; an honest day gives nothing."""

import pytest
from traces import CUSTOMER, ORDER, SECOND, Shards, access

from quivive.model.clock import DAY_US, HOUR_US
from quivive.projection.reconcile import reconcile

T0 = 1_780_012_800 * SECOND  # 2026-05-29T00:00:00Z
DAY = "20260529"


def story():
    events = [access(f"a{n}", T0 + n * HOUR_US // 2, [(CUSTOMER, f"c{n}"), (ORDER, f"o{n}")]) for n in range(20)]
    events += [
        access("long", T0 + 5 * HOUR_US, [(CUSTOMER, f"p{part}")], part=part, final=part == 2) for part in (2, 0, 1)
    ]
    return [*events, access("other", T0 + HOUR_US, [(CUSTOMER, "x")], controller="boreal")]


def differences(projection):
    entries = [each.data for each in Shards().durable(story())]
    with projection.reading() as cursor:
        return reconcile(cursor, projection.sealed, projection.folder, DAY, entries)


@pytest.mark.parametrize("sealed", [False, True])
def test_an_honest_day_gives_nothing(projection, sealed):
    """The same entries, the same rows, whatever the batches."""
    for each in Shards().durable(story()):
        projection.apply([each])
    if sealed:
        projection.seal(DAY, T0 + 3 * DAY_US)
    assert differences(projection) == []
    assert not (projection.folder / "check").exists()


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE access SET row_count = 99 WHERE started_at = {at}", "access"),
        ("DELETE FROM exposure WHERE started_at = {at} AND record_table = 'public.orders'", "exposure"),
        ("INSERT INTO access SELECT * FROM access WHERE started_at = {at}", "access"),
        ("UPDATE exposure SET key_lo = key_lo + 1 WHERE started_at = {at}", "exposure"),
    ],
)
def test_a_row_edited_by_hand_is_found(projection, statement, table):
    """Changed, removed, doubled, another key: the hour and the table are told, nothing else."""
    projection.apply(Shards().durable(story()))
    cursor = projection.cursor()
    cursor.execute(statement.format(at=T0 + 3 * HOUR_US))
    cursor.close()
    found = differences(projection)
    assert [(each.table, each.controller, each.hour_at) for each in found] == [(table, "aurore", T0 + 3 * HOUR_US)]


def test_a_sealed_file_replaced_is_found(projection):
    """Sealed days are files: another content gives another hash."""
    projection.apply(Shards().durable(story()))
    projection.seal(DAY, T0 + 3 * DAY_US)
    (path,) = projection.sealed.files("exposure", ("aurore",), T0, T0 + 1)
    cursor = projection.cursor()
    cursor.execute(f"CREATE TEMP TABLE kept AS SELECT * FROM read_parquet('{path}') WHERE started_at > {T0}")
    cursor.execute(f"COPY kept TO '{path}' (FORMAT parquet)")
    cursor.close()
    assert [(each.table, each.hour_at, each.expected, each.found) for each in differences(projection)] == [
        ("exposure", T0, 4, 2)
    ]
