"""The folder watch: whole files, each content once, durable before it is moved, every wrong thing one line."""

import os

import pytest
import structlog
from mapping_support import MemoryIntake, preset, run
from test_presets import facts

from quivive.connectors.folder import PATIENCE_US, FolderWatch
from quivive.model.access import GapCause
from quivive.model.clock import HOUR_US, SECOND_US, from_rfc3339
from quivive.model.errors import StorageError
from quivive.settings import SourceKind, SourceSettings

T0 = from_rfc3339("2026-11-22T18:00:00Z")
GOOD = (
    "Call ID;Agent;Answered;Talk;Caller\r\n"
    "A1;c.lefèvre;22/11/2026 14:05:00;00:03:12;01 99 00 00 01\r\n"
    "A2;h.martin;22/11/2026 15:00:00;65;anonymous\r\n"
)


class Place:
    """A folder, its watch, a clock one sets."""

    def __init__(self, home, **fields):
        self.home, self.folder, self.now = home, home / "in", T0
        self.folder.mkdir(exist_ok=True)
        self.source = SourceSettings(
            kind=SourceKind.FILES,
            controller="aurore",
            namespace="telephony",
            path="in",
            mapping="queue-calls",
            heartbeat_s=1,
            **fields,
        )
        self.intake = MemoryIntake(facts(), now=T0)
        self.start()

    def start(self):
        self.watch = FolderWatch(
            self.home, "calls", self.source, preset("queue-calls"), self.intake, clock=lambda: self.now
        )

    def drop(self, name, data, age_s=3600):
        path = self.folder / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode("cp1252"))
        at = (self.now - age_s * SECOND_US) / 1e6
        os.utime(path, (at, at))
        return path

    def look(self, times=4):
        """Look a few times; returns the lines told."""
        with structlog.testing.capture_logs() as lines:
            for _ in range(times):
                run(self.watch.step())
        return lines

    def there(self, name=""):
        return sorted(path.name for path in (self.folder / name).iterdir() if path.is_file())


@pytest.fixture
def place(tmp_path):
    """A folder of queue exports."""
    return Place(tmp_path)


def told(lines, event):
    return [line for line in lines if line["event"] == event]


def test_a_file_is_taken_told_in_one_line_and_moved(place):
    """With what was assumed of it."""
    place.drop("calls.csv", GOOD)
    (line,) = told(place.look(), "files.taken")
    assert (line["accepted"], line["refused"], line["duplicates"], line["skipped"]) == (2, 0, 0, 0)
    assert (line["assumed_encoding"], line["assumed_delimiter"]) == ("cp1252", "semicolon")
    assert set(place.intake.final) == {"A1", "A2"}
    assert (place.there(), place.there("done")) == ([], ["calls.csv"])


def test_a_file_delivered_twice_is_one_line_and_nothing_doubles(place):
    """By its content, under any name, also after a restart."""
    place.drop("calls.csv", GOOD)
    place.look()
    place.start()
    place.drop("again.csv", GOOD)
    lines = place.look()
    assert len(told(lines, "files.again")) == 1
    assert not told(lines, "files.taken")
    assert [count for _, _, count in place.intake.calls] == [2]
    assert place.there("done") == ["again.csv", "calls.csv"]


def test_the_same_name_again_keeps_both_files(place):
    """Nothing in `done` is overwritten."""
    place.drop("calls.csv", GOOD)
    place.look()
    place.drop("calls.csv", GOOD.replace("A2", "A3"))
    place.look()
    assert place.there("done") == ["calls.2.csv", "calls.csv"]
    assert set(place.intake.final) == {"A1", "A2", "A3"}


def test_a_file_still_being_written_waits(place):
    """Untouched for a moment, and the same in two looks; half a file is judged when it rests."""
    path = place.drop("calls.csv", GOOD[:-20], age_s=0)
    assert not place.look()
    place.now += 5 * SECOND_US
    assert not told(place.look(), "files.row_refused")
    assert place.there() == ["calls.csv"]
    path.write_bytes(GOOD.encode("cp1252"))
    os.utime(path, (place.now / 1e6, place.now / 1e6))
    place.now += 5 * SECOND_US
    (line,) = told(place.look(), "files.taken")
    assert line["refused"] == 0
    assert set(place.intake.final) == {"A1", "A2"}


def test_refused_rows_cost_only_themselves(place):
    """One line each with row, column, expected and type; one gap with their number; never the value."""
    bad = "A3;secret;31/02/2026 10:00;5;1\r\nA4,secret,1,2,3\r\nA5;secret;22/11/2026 23:59:00;5;1\r\n"
    place.drop("calls.csv", GOOD + bad)
    lines = place.look()
    assert [(line["row"], line["field"], line["found"]) for line in told(lines, "files.row_refused")] == [
        (4, "Answered", "string"),
        (5, "", "5 columns separated by comma"),
        (6, "Answered", "a later instant"),
    ]
    ((source, gap),) = place.intake.gaps
    assert (source, gap.cause, gap.lost) == ("calls", GapCause.CODEC, 3)
    assert from_rfc3339("2026-11-22T13:05:00Z") == gap.from_at
    assert "secret" not in str(lines)
    assert set(place.intake.final) == {"A1", "A2"}


def test_a_mended_mapping_takes_the_same_file_again(place):
    """What was refused is not done with: the same content is read again, and the good rows are known."""
    place.drop("calls.csv", GOOD + "A3;x;22/11/2026 23:59:00;5;1\r\n")
    place.look()
    assert place.there("refused") == ["calls.csv"]
    place.now += 8 * HOUR_US
    place.intake.now = place.now
    place.drop("calls.csv", GOOD + "A3;x;22/11/2026 23:59:00;5;1\r\n")
    (line,) = told(place.look(), "files.taken")
    assert (line["accepted"], line["duplicates"], line["refused"]) == (1, 2, 0)
    assert place.there("done") == ["calls.csv"]


def test_a_file_with_too_many_refused_rows_says_nothing_of_completeness(place):
    """Nobody is judged unexplained by a feed whose calls were refused."""
    place.drop("calls.csv", GOOD + "A3;x;hier;5;1\r\n")
    assert told(place.look(), "files.incomplete")
    assert place.intake.heartbeats == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x00\x01\x02\x00" * 100, "expected text or an XLSX workbook, found another kind of file"),
        ("Call ID;Agent;Repondu;Talk\r\n1;2;3;4\r\n", "row 1: expected the column Answered, found it absent"),
        ("a;b;a\r\n1;2;3\r\n", "row 1: expected a name for each column, found the same name in columns 1 and 3"),
        (b"PK\x03\x04broken", "expected an XLSX workbook, found a damaged workbook"),
    ],
)
def test_what_cannot_be_read_is_set_aside_with_one_line(place, data, reason):
    """Once it rests; a gap says that something was not seen."""
    place.drop("calls.csv", data, age_s=1)
    assert not place.look()
    place.now += PATIENCE_US
    lines = place.look()
    assert [line["reason"] for line in lines] == [reason]
    assert place.there("refused") == ["calls.csv"]
    assert [gap.lost for _, gap in place.intake.gaps] == [-1]


def test_an_hour_off_is_told(place):
    """A unique id holds the second it was made in, in UTC; the local times of a wrong zone show against it."""
    rows = "".join(f"{1_795_356_000 + n * 60}.{n};x;22/11/2026 16:{n:02d}:07;5;1\r\n" for n in range(4))
    place.drop("calls.csv", "Call ID;Agent;Answered;Talk;Caller\r\n" + rows)
    (line,) = told(place.look(), "files.clock")
    assert line["reason"] == "times are +1:00 h against the native ids: check the time zone"


def test_heartbeats_say_how_far_the_feed_has_come_until_it_is_late(place):
    """Complete to the latest instant of the file; silent once older than its lateness budget."""
    place.drop("calls.csv", GOOD)
    place.look(6)
    assert set(place.intake.heartbeats) == {"2026-11-22T14:01:05.000000Z"}
    place.start()
    place.look(1)
    told_before = len(place.intake.heartbeats)
    assert told_before == 2
    place.now += 40 * HOUR_US
    place.look()
    assert len(place.intake.heartbeats) == told_before


def test_a_disk_that_refuses_leaves_the_file_where_it_is(place, monkeypatch):
    """Durable first: the next look takes it again, and the intake knows its rows."""
    place.drop("calls.csv", GOOD)
    run(place.watch.step())
    take = place.intake.take

    async def full(**batch):
        await take(**batch)
        raise StorageError("disk full")

    monkeypatch.setattr(place.intake, "take", full)
    with pytest.raises(StorageError):
        run(place.watch.step())
    assert place.there() == ["calls.csv"]
    monkeypatch.setattr(place.intake, "take", take)
    (line,) = told(place.look(), "files.taken")
    assert (line["accepted"], line["duplicates"]) == (0, 2)


def test_a_folder_that_vanishes_is_a_gap_when_it_comes_back(place):
    """Told once while it is away."""
    run(place.watch.step())
    place.folder.rmdir()
    place.now += 600 * SECOND_US
    assert len(told(place.look(), "files.unreadable")) == 1
    place.folder.mkdir()
    place.look()
    assert [gap.cause for _, gap in place.intake.gaps] == [GapCause.CONNECTOR_DEAD]


@pytest.mark.parametrize(
    ("after", "left", "done"), [("leave", ["calls.csv"], False), ("delete", [], False), ("move", [], True)]
)
def test_what_becomes_of_a_file_afterwards(tmp_path, after, left, done):
    """Left files are known and not read again and again."""
    place = Place(tmp_path, after=after)
    place.drop("calls.csv", GOOD)
    assert len(told(place.look(8), "files.taken")) == 1
    place.start()
    assert not told(place.look(8), "files.again")
    assert (place.there(), (place.folder / "done").exists()) == (left, done)


def test_only_files_that_are_meant(tmp_path):
    """By the pattern; unfinished downloads, hidden files and folders never."""
    place = Place(tmp_path, pattern="calls_*.csv")
    for name in ("other.csv", "calls_1.csv.part", ".calls_1.csv", "~$calls_1.csv"):
        place.drop(name, GOOD)
    (place.folder / "calls_2.csv").mkdir()
    assert not place.look()
    place.drop("calls_1.csv", GOOD)
    assert told(place.look(), "files.taken")


def test_a_damaged_memory_of_the_folder_costs_duplicates_only(place):
    """The intake knows the rows."""
    place.drop("calls.csv", GOOD)
    place.look()
    (place.home / "run" / "files" / "calls.json").write_text("{", encoding="utf-8")
    place.start()
    place.drop("calls.csv", GOOD)
    (line,) = told(place.look(), "files.taken")
    assert (line["accepted"], line["duplicates"]) == (0, 2)
