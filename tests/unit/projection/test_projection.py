"""The projection: any order of arrival, watermark, quarantine, sealed days, concurrent readers."""

import random
import threading

import duckdb
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from traces import (
    CONTROLLER,
    CUSTOMER,
    ORDER,
    SECOND,
    T0,
    Durable,
    Shards,
    access,
    call,
    catalogue,
    contact,
    gate,
    heartbeat,
    key,
    link,
    person,
)

from quivive.model.clock import DAY_US, utc_day
from quivive.model.contact import ContactKind
from quivive.model.gate import GateState
from quivive.projection.projection import (
    MAX_QUARANTINES,
    Projection,
    ProjectionMismatchError,
    ProjectionUnavailableError,
)
from quivive.projection.query import Scope

SCOPE = Scope(controllers=(CONTROLLER,), from_at=T0 - 10 * DAY_US, to_at=T0 + 10 * DAY_US, purpose="t", principal="p")
TABLES = (
    "access", "exposure", "contact", "leg", "contact_subject", "contact_touch", "link", "agent", "account", "assignment",
    "gate_state", "heartbeat", "catalogue_version", "catalogue_table",
)  # fmt: skip


def story():
    """One of each kind, with parts, versions and repetitions that contradict one another in time."""
    return [
        catalogue(),
        gate(GateState.DRY, at=T0),
        gate(GateState.ACTIVE, at=T0 + SECOND),
        person("anna", ["a1", "a2"], version=1),
        person("anna", ["a1"], version=2, controllers=[]),
        person("bob", ["a2"], valid=(T0, 0)),
        access("x", T0, [(CUSTOMER, "c1")], part=0, final=False, rows=1),
        access("x", T0, [(CUSTOMER, "c2"), (ORDER, "o1")], part=1, final=False, rows=2),
        access("x", T0, [(CUSTOMER, "c1")], part=2, final=True, rows=3),
        access("y", T0 + 5, [(CUSTOMER, "c1")]),
        link("o1", "c1", at=T0 + 7),
        link("o1", "c1", at=T0 + 3),
        link("+1", "c1", kind="phone"),
        call("k", T0, 0, version=1),
        call("k", T0, T0 + SECOND, version=2, agents=["a1", "a2"], subjects=[("record", "c1"), ("phone", "+1")]),
        call("k", T0, T0 + 9 * SECOND, version=2, agents=["a2"]),
        contact("t", ContactKind.TICKET, assigned_at=T0, touched_at=T0 + 5, version=1),
        contact("t", ContactKind.TICKET, assigned_at=T0, touched_at=T0 + 9, version=2),
        heartbeat(T0 + 3),
        heartbeat(T0 + 2),
    ]


def tables(projection):
    cursor = projection.cursor()
    return {name: sorted(cursor.execute(f"SELECT * FROM {name}").fetchall()) for name in TABLES}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    projection = Projection.open(tmp_path_factory.mktemp("expected"))
    projection.apply(Shards().durable(story()))
    found = tables(projection)
    projection.close()
    return found


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(seed=st.integers(min_value=0, max_value=10_000))
def test_any_order_and_doubles_give_the_same_tables(tmp_path_factory, expected, seed):
    """Shuffled, doubled and cut into batches at random, the entries give the same tables."""
    chance = random.Random(seed)
    events = story()
    events += chance.sample(events, 8)
    chance.shuffle(events)
    projection, shards = Projection.open(tmp_path_factory.mktemp("any")), Shards()
    while events:
        size = chance.randrange(1, 9)
        projection.apply(shards.durable(events[:size]))
        events = events[size:]
    found = tables(projection)
    projection.close()
    assert found == expected


def test_parts_are_one_access(projection):
    """The last part tells outcome and rows, the keys of all parts stay."""
    projection.apply(Shards().durable(story()))
    rows = {row["at"]: row for row in projection.query(SCOPE, "accesses_by_subject", {"keys": [key("c1")]})}
    assert len(rows) == 2
    assert rows[T0]["rows"] == 3
    assert len(projection.query(SCOPE, "accesses_by_subject", {"keys": [key("o1")]})) == 2  # o1 → c1 → all of c1


def test_watermark_survives_reopening(tmp_path):
    """Entries and watermark are one transaction; a reopened projection goes on where it stood."""
    shards = Shards()
    projection = Projection.open(tmp_path)
    projection.apply(shards.durable(story()))
    marks = projection.watermark()
    projection.close()
    projection = Projection.open(tmp_path)
    assert projection.watermark() == marks == shards.next
    projection.apply(shards.durable([access("z", T0, [(CUSTOMER, "c1")])]))
    projection.close()


@pytest.mark.parametrize("index", [0, 5])
def test_mismatch_quarantines_and_empties(projection, index):
    """An entry below the watermark or beyond a hole quarantines everything; reading starts again from zero."""
    entries = Shards().durable([access("a", T0), access("b", T0)])
    projection.apply(entries)
    wrong = Durable(shard=entries[0].shard, index=index, day="", data=entries[0].data)
    with pytest.raises(ProjectionMismatchError):
        projection.apply([wrong])
    assert projection.watermark() == {}
    assert (projection.folder / "quarantine-0001" / "hot.duckdb").exists()
    projection.apply(entries)
    assert len(projection.query(SCOPE, "activity", {})) == 1


def test_undecodable_entry_is_a_mismatch(projection):
    """Bytes that are no entry are never skipped."""
    with pytest.raises(ProjectionMismatchError):
        projection.apply([Durable(shard="s/1", index=0, day="", data=b"{}")])


def test_damaged_file_is_quarantined_at_open(tmp_path):
    """A damaged hot file is set aside, never repaired."""
    (tmp_path / "hot.duckdb").write_bytes(b"no database" * 1000)
    projection = Projection.open(tmp_path)
    assert projection.watermark() == {}
    projection.close()
    assert (tmp_path / "quarantine-0001").exists()


def test_quarantines_are_bounded(projection):
    """Only the newest few quarantines are kept."""
    for _ in range(MAX_QUARANTINES + 1):
        projection.reset()
    assert len(list(projection.folder.glob("quarantine-*"))) == MAX_QUARANTINES


def test_outside_doors_are_closed(projection, tmp_path):
    """No file outside the folder, no extension, no change of settings."""
    cursor = projection.cursor()
    with pytest.raises(duckdb.Error):
        cursor.execute(f"COPY (SELECT 1) TO '{tmp_path}/outside.parquet' (FORMAT parquet)")
    with pytest.raises(duckdb.Error):
        cursor.execute("INSTALL httpfs")
    with pytest.raises(duckdb.Error):
        cursor.execute("SET enable_external_access = true")


def test_readers_work_while_the_writer_writes(projection):
    """Queries on other threads see whole batches and never fail."""
    shards, failures, stop = Shards(), [], threading.Event()
    projection.apply(shards.durable([catalogue()]))

    def read():
        while not stop.is_set():
            try:
                (row,) = projection.query(SCOPE, "counts", {})
                if row["accesses"] % 10:
                    failures.append(row)
            except Exception as error:  # noqa: BLE001 (any failure of a reader fails the test)
                failures.append(error)
                return

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for batch in range(10):
        projection.apply(shards.durable([access(f"a{batch}-{n}", T0 + n, [(CUSTOMER, "c")]) for n in range(10)]))
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []


def test_entries_of_other_kinds_only_count(projection):
    """A configuration entry gives no row but counts as a sign of life."""
    shards = Shards()
    (entry,) = shards.durable([heartbeat(T0)])
    decoded = msgspec.json.decode(entry.data) | {"kind": "configuration", "body": {"x": 1}}
    projection.apply([Durable(shard=entry.shard, index=0, day="", data=msgspec.json.encode(decoded))])
    (row,) = projection.query(SCOPE, "health", {"as_of": T0})
    assert row["entries"] == 1


class TestSealed:
    """Days in Parquet."""

    DAY = utc_day(T0)
    LATER = T0 + 3 * DAY_US

    def rows(self, projection):
        return projection.query(SCOPE, "accesses_by_subject", {"keys": [key("c1")]})

    def test_queries_read_through(self, projection):
        """Sealing changes nothing of what a query answers."""
        shards = Shards()
        projection.apply(shards.durable(story()))
        before = self.rows(projection), projection.query(SCOPE, "activity", {})
        assert projection.seal(self.DAY, self.LATER) > 0
        assert (self.rows(projection), projection.query(SCOPE, "activity", {})) == before
        assert projection.cursor().execute("SELECT COUNT(*) FROM access").fetchone() == (0,)
        assert (projection.folder / "sealed" / CONTROLLER / "trace" / self.DAY).is_dir()

    def test_too_early_moves_nothing(self, projection):
        """A day is not sealed before it has ended."""
        projection.apply(Shards().durable(story()))
        assert projection.seal(self.DAY, T0) == 0

    def test_late_arrivals_stand_beside(self, projection):
        """Doubles of sealed entries are no news; new ones are seen, and sealed into further files."""
        shards = Shards()
        projection.apply(shards.durable(story()))
        projection.seal(self.DAY, self.LATER)
        folder = projection.folder / "sealed" / CONTROLLER / "trace" / self.DAY
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        projection.apply(shards.durable(story()))
        assert len(self.rows(projection)) == 2
        projection.apply(shards.durable([access("late", T0 + 9, [(CUSTOMER, "c1")])]))
        assert len(self.rows(projection)) == 3
        projection.seal(self.DAY, self.LATER)
        assert len(self.rows(projection)) == 3
        assert {name: (folder / name).read_bytes() for name in files} == files

    def test_leftovers_of_a_crash_are_no_day(self, tmp_path):
        """Files that no committed seal lists are deleted at the next start: the hot rows are still there."""
        projection = Projection.open(tmp_path)
        projection.apply(Shards().durable(story()))
        cursor = projection.cursor()
        folder = tmp_path / "sealed" / CONTROLLER / "trace" / self.DAY
        folder.mkdir(parents=True)
        for table in ("access", "exposure", "verdict"):
            stored = "verdict_current" if table == "verdict" else table
            cursor.execute(f"COPY (SELECT * FROM {stored}) TO '{folder}/{table}-0000.parquet' (FORMAT parquet)")
        cursor.close()
        projection.close()
        projection = Projection.open(tmp_path)
        assert len(self.rows(projection)) == 2
        assert not folder.exists()
        projection.close()

    def test_purged_day_is_a_deleted_folder(self, projection):
        """Purging a day leaves nothing of it, hot or sealed."""
        projection.apply(Shards().durable(story()))
        projection.seal(self.DAY, self.LATER)
        projection.purge_day(CONTROLLER, self.DAY)
        assert self.rows(projection) == []
        assert not (projection.folder / "sealed" / CONTROLLER / "trace" / self.DAY).exists()

    def test_reset_sets_sealed_days_aside(self, projection):
        """A rebuild starts without sealed days, otherwise it would double them."""
        projection.apply(Shards().durable(story()))
        projection.seal(self.DAY, self.LATER)
        projection.reset()
        projection.apply(Shards().durable(story()))
        assert len(self.rows(projection)) == 2


def test_queries_survive_a_reset(projection):
    """A query during a reset answers from before, from after, or asks to come again; nothing of DuckDB escapes."""
    shards, failures, stop = Shards(), [], threading.Event()
    projection.apply(shards.durable(story()))

    def read():
        while not stop.is_set():
            try:
                projection.query(SCOPE, "activity", {})
            except ProjectionUnavailableError:
                continue
            except Exception as error:  # noqa: BLE001 (any other failure of a reader fails the test)
                failures.append(error)
                return

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        projection.reset()
        projection.apply(Shards().durable(story()))
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
