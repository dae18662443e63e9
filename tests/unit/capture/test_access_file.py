"""Claims on the file follower: whole lines, once, across rotation, truncation and restart; nothing lost silently."""

import asyncio
import json
import os
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from quivive.capture.access_file import START, AccessFileFollower, FileReader
from quivive.model.access import GapCause
from quivive.model.clock import SECOND_US
from quivive.model.errors import StorageError
from quivive.rows import MAX_ROW_BYTES, MAX_ROWS
from quivive.settings import SourceKind, SourceSettings

SOURCE = SourceSettings(
    kind=SourceKind.ACCESS_FILE, controller="aurore", namespace="crm", path="access.log", silent_after_s=60
)


@dataclass
class Refusal:
    row: int
    field: str = "$.at"
    expected: str = "an instant"
    found: str = "string"


@dataclass
class Report:
    refused: list


class Intake:
    """Takes lines; refuses those that start with `bad`; fails while told to."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.beats: list[dict] = []
        self.gaps: list = []
        self.failing = False

    async def take(self, *, kind, source, content_type, body):
        assert source == "aurore-file"
        if self.failing:
            raise StorageError("disk full")
        if kind == "heartbeats":
            self.beats.append(json.loads(body))
            return Report([])
        assert (kind, content_type) == ("accesses", "application/x-ndjson")
        lines = body.removesuffix(b"\n").split(b"\n")
        self.lines += [line for line in lines if not line.startswith(b"bad")]
        return Report([Refusal(n) for n, line in enumerate(lines) if line.startswith(b"bad")])

    async def record_gap(self, source, gap):
        self.gaps.append(gap)


class Bench:
    def __init__(self, home):
        self.home, self.path, self.intake, self.now = home, home / "access.log", Intake(), 1_000 * SECOND_US
        self.follower = self.fresh()

    def fresh(self):
        return AccessFileFollower(self.home, "aurore-file", SOURCE, self.intake, clock=lambda: self.now)

    def write(self, data: bytes, path=None):
        with (path or self.path).open("ab") as file:
            file.write(data)

    def steps(self, count=6):
        async def run():
            for _ in range(count):
                await self.follower.step()

        asyncio.run(run())


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.follower._reader.close()


def test_half_a_line_waits_for_its_end(bench):
    """A line counts once its newline is there."""
    bench.write(b"one\ntw")
    bench.steps()
    assert bench.intake.lines == [b"one"]
    bench.write(b"o\n")
    bench.steps()
    assert bench.intake.lines == [b"one", b"two"]


def test_a_restart_goes_on_where_it_stopped(bench):
    """The cursor on disk is enough; nothing is read twice, nothing is skipped."""
    bench.write(b"one\ntwo\n")
    bench.steps()
    bench.write(b"three\n")
    bench.follower = bench.fresh()
    bench.steps()
    assert bench.intake.lines == [b"one", b"two", b"three"]
    assert bench.intake.gaps == []


def test_the_cursor_moves_only_after_durable(bench):
    """A full disk loses nothing: the same lines come again."""
    bench.write(b"one\n")
    bench.intake.failing = True
    with pytest.raises(StorageError):
        bench.steps(1)
    bench.intake.failing = False
    bench.steps()
    assert bench.intake.lines == [b"one"]


def test_a_rotated_file_is_read_to_its_end(bench):
    """Lines written to the old file after the rename, even the last without newline, come before the new ones."""
    bench.write(b"one\n")
    bench.steps()
    bench.path.rename(bench.path.with_name("access.log.1"))
    bench.write(b"two\nlast", bench.path.with_name("access.log.1"))
    bench.steps(2)  # the new file is not there yet
    bench.write(b"three\n")
    bench.steps()
    assert bench.intake.lines == [b"one", b"two", b"last", b"three"]
    assert bench.intake.gaps == []


def test_two_rotations_between_two_looks(bench):
    """The file in the middle is not skipped."""
    bench.write(b"one\n")
    bench.steps()
    os.utime(bench.path, ns=(1, 1))
    bench.path.rename(bench.path.with_name("access.log.2"))
    bench.write(b"two\n", bench.path.with_name("access.log.1"))
    bench.write(b"three\n")
    bench.steps(10)
    assert bench.intake.lines == [b"one", b"two", b"three"]


def test_a_rotation_while_we_were_down(bench):
    """The rest of the rotated file is found under its new name."""
    bench.write(b"one\n")
    bench.steps()
    bench.follower._reader.close()
    bench.write(b"two\n")
    bench.path.rename(bench.path.with_name("access.log-20261122"))
    bench.write(b"three\n")
    bench.follower = bench.fresh()
    bench.steps()
    assert bench.intake.lines == [b"one", b"two", b"three"]
    assert bench.intake.gaps == []


def test_a_file_that_vanished_leaves_a_gap(bench):
    """Rotated away and compressed while we were down: what it held is unknown, and said to be."""
    bench.write(b"one\n")
    bench.steps()
    bench.follower._reader.close()
    bench.path.unlink()
    bench.write(b"other first line\n")
    bench.follower = bench.fresh()
    bench.steps()
    assert bench.intake.lines == [b"one", b"other first line"]
    assert [(gap.cause, gap.lost) for gap in bench.intake.gaps] == [(GapCause.CODEC, -1)]


@pytest.mark.parametrize("after", [b"", b"new\n", b"new and longer than what was there\n"])
def test_a_file_cut_in_place_leaves_a_gap(bench, after):
    """copytruncate: reading starts again, and the gap says that lines may be missing."""
    bench.write(b"one\n")
    bench.steps()
    bench.path.write_bytes(after)
    bench.steps()
    assert bench.intake.lines == [b"one", *after.splitlines()]
    assert [gap.lost for gap in bench.intake.gaps] == [-1]


def test_a_refused_line_is_named_and_counted_not_shown(bench):
    """Line number and field in the log, a gap that counts it; good lines around it are kept."""
    bench.write(b"one\n")
    bench.steps()
    bench.write(b"two\nbad Camille Dupont\nthree\n")
    with capture_logs() as logs:
        bench.steps()
    assert bench.intake.lines == [b"one", b"two", b"three"]
    (event,) = logs
    assert (event["event"], event["line"], event["field"]) == ("access_file.line_refused", 3, "$.at")
    assert "Dupont" not in str(logs)
    assert [(gap.cause, gap.lost) for gap in bench.intake.gaps] == [(GapCause.CODEC, 1)]


def test_a_line_too_long_is_stepped_over(bench):
    """It is counted as lost; its neighbours are read; memory stays bounded."""
    bench.write(b"one\n" + b"x" * (2 * MAX_ROW_BYTES + 50))
    bench.steps()
    assert bench.intake.lines == [b"one"]
    bench.write(b"\ntwo\n")
    bench.steps()
    assert bench.intake.lines == [b"one", b"two"]
    assert [gap.lost for gap in bench.intake.gaps] == [1]


def test_a_chunk_holds_at_most_max_rows(tmp_path):
    """The intake is never handed more rows than it takes."""
    (tmp_path / "f").write_bytes(b"{}\n" * (MAX_ROWS + 5))
    reader = FileReader(tmp_path / "f", START)
    first = reader.next()
    assert first is not None
    assert first.data.count(b"\n") == MAX_ROWS
    reader.taken(first)
    second = reader.next()
    assert second is not None
    assert (second.data.count(b"\n"), second.first_line) == (5, MAX_ROWS + 1)
    reader.close()


def test_a_long_absence_is_a_gap_a_short_one_is_not(bench):
    """Unreadable for longer than `silent_after_s`: the gap says from when to when."""
    bench.write(b"one\n")
    bench.steps()
    bench.follower._reader.close()
    bench.path.unlink()
    with capture_logs() as logs:
        bench.steps(3)
    assert [event["event"] for event in logs] == ["access_file.unreadable"]
    bench.now += 61 * SECOND_US
    bench.steps(1)
    bench.write(b"two\n")
    bench.steps()
    dead = [gap for gap in bench.intake.gaps if gap.cause is GapCause.CONNECTOR_DEAD]
    assert [gap.to_at - gap.from_at for gap in dead] == [61 * SECOND_US]


def test_the_follower_says_that_it_is_alive(bench):
    """At the end of the file, every `heartbeat_s`."""
    bench.write(b"one\n")
    bench.steps()
    bench.now += SOURCE.heartbeat_s * SECOND_US
    bench.steps()
    assert [beat["complete_to"][:19] for beat in bench.intake.beats] == ["1970-01-01T00:16:40", "1970-01-01T00:16:45"]


def test_a_damaged_cursor_means_the_file_from_its_start(bench):
    """The intake knows the rows already; nothing is skipped."""
    bench.write(b"one\n")
    bench.steps()
    (bench.home / "run" / "files" / "aurore-file.json").write_bytes(b"{")
    bench.follower = bench.fresh()
    bench.steps()
    assert bench.intake.lines == [b"one", b"one"]


def test_run_retries_and_ends_by_cancellation(bench, monkeypatch):
    """A full disk is tried again; cancelling closes the file."""
    monkeypatch.setattr("quivive.capture.access_file.RETRY_S", 0.001)
    monkeypatch.setattr("quivive.capture.access_file.POLL_S", 0.001)
    bench.write(b"one\n")
    bench.intake.failing = True

    async def run():
        task = asyncio.create_task(bench.follower.run())
        await asyncio.sleep(0.02)
        bench.intake.failing = False
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(run())
    assert bench.intake.lines == [b"one"]
    assert bench.follower._reader._fd == -1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.binary(max_size=12), st.booleans(), st.booleans()), max_size=8))
def test_every_line_once_whatever_the_pieces(tmp_path_factory, pieces):
    """Any pieces of bytes, any rotations and restarts between them: the lines come out whole, once, in order."""
    bench = Bench(tmp_path_factory.mktemp("follow"))
    everything, rotations = b"", 0
    for piece, rotate, restart in pieces:
        written = piece.replace(b"\r", b"").replace(b"bad", b"") + (b"\n" if rotate else b"")
        bench.write(written)
        everything += written
        bench.steps(3)
        if restart:
            bench.follower._reader.close()
            bench.follower = bench.fresh()
        if rotate:
            rotations += 1
            os.utime(bench.path, ns=(rotations, rotations))
            bench.path.rename(bench.path.with_name(f"access.log.{rotations}"))
    bench.write(b"\n")
    everything += b"\n"
    bench.steps(4 * (rotations + 2))
    bench.follower._reader.close()
    assert bench.intake.lines == everything.removesuffix(b"\n").split(b"\n")
    assert bench.intake.gaps == []
