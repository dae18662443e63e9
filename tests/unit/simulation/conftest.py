"""A centre without servers: desks that remember, feeds that keep."""

import random

import pytest

from quivive.simulation.centre import Centre


class RememberingDesk:
    """Remembers statements; answers one row of small integers."""

    def __init__(self):
        self.asked = []
        self.fail = None

    async def run(self, name, *values, agent, contact=""):
        self.asked.append((name, values, agent, contact))
        if self.fail is not None:
            raise self.fail
        return [(60, 61, 62, 63, 64, 65)]


class KeepingFeed:
    """Keeps rows and what is expected."""

    def __init__(self):
        self.rows, self.expected, self.covered = [], {}, []

    def expect(self, name, at):
        self.expected[name] = at

    def deliver(self, row, *, covers_from):
        self.expected.pop(row["id"], None)
        self.rows.append(row)
        self.covered.append(covers_from)


class KeepingLog:
    """Keeps lines."""

    def __init__(self):
        self.rows = []

    def write(self, row):
        self.rows.append(row)


@pytest.fixture
def centre(monkeypatch):
    """Everything an agent needs, without pauses."""

    async def no_pause(self, low=0.0, high=0.0):
        pass

    monkeypatch.setattr(Centre, "think", no_pause)
    monkeypatch.setattr(Centre, "service_s", lambda self: 0.0)
    monkeypatch.setattr("quivive.simulation.centre.UNKNOWN_CALLER_GAP_S", 0.0)
    return Centre(
        desks={name: RememberingDesk() for name in ("aurore", "mercato", "sereni")},
        telephony=KeepingFeed(),
        helpdesk=KeepingFeed(),
        log=KeepingLog(),
        customers={"aurore": 900, "mercato": 900, "sereni": 900, "voyage": 900},
        run="1",
        chance=random.Random(3),
    )
