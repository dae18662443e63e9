"""A small home with real keys, and a maker of events."""

from pathlib import Path

import pytest

from quivive.ledger.log import Ledger
from quivive.model.entry import EntryKind, SpoolEvent
from quivive.privacy.keyring import Keyring

NOW = 1_795_000_000_000_000
DAY = 86_400_000_000
SLOTS = {"aurore": 1, "boreal": 7}
ORIGIN = "quivive.example/centre"


class Home:
    """A data folder: `open` its ledger, make events, count what was stored."""

    now, day, slots, origin = NOW, DAY, SLOTS, ORIGIN

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keyring = Keyring.create(path, list(SLOTS))

    def open(self, slots=SLOTS) -> Ledger:
        return Ledger.open(self.path, Keyring.open(self.path), slots, ORIGIN)

    @staticmethod
    def event(seq, *, controller="aurore", source="s1", epoch=NOW, at=None, kind=EntryKind.ACCESS, body=None):
        return SpoolEvent(
            kind=kind,
            source=source,
            epoch=epoch,
            seq=seq,
            captured_at=NOW + seq if at is None else at,
            controller=controller,
            key_id="k1",
            body=b'{"n":%d}' % seq if body is None else body,
        )

    def events(self, first, last, **fields):
        return [self.event(seq, **fields) for seq in range(first, last + 1)]


def read_all(ledger, step=100):
    """Everything durable, and the watermark after it."""
    marks, entries = {}, []
    while batch := ledger.read(marks, step):
        entries += batch
        for item in batch:
            assert item.index == marks.get(item.shard, 0)
            marks[item.shard] = item.index + 1
    return entries, marks


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


@pytest.fixture
def everything():
    return read_all
