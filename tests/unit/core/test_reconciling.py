"""Claims about quivive.core.reconciling: each finished day is compared once, told as one incident, about nobody."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

from traces import CUSTOMER, SECOND, T0, Shards, access, event, gate

from quivive.core.reconciling import DailyComparison
from quivive.detection.counts import day_span, local_day
from quivive.model.alert import IncidentKind
from quivive.model.clock import DAY_US, HOUR_US
from quivive.model.entry import EntryKind
from quivive.projection.projection import Projection
from quivive.settings import SourceKind, SourceSettings

ZONE = "Europe/Paris"
END = day_span(local_day(T0, ZONE), ZONE)[1]


class Settings:
    """One relay, its log, and a source that stands alone."""

    class Controller:
        timezone = ZONE

    controllers = {"aurore": Controller()}  # noqa: RUF012 - never changed
    sources = {  # noqa: RUF012
        "db": SourceSettings(kind=SourceKind.POSTGRES, controller="aurore"),
        "audit": SourceSettings(kind=SourceKind.FILES, controller="aurore", reconcile_with="db"),
        "api": SourceSettings(kind=SourceKind.ACCESSES, controller="aurore"),
    }


@pytest.fixture
def projection(tmp_path):
    made = Projection.open(tmp_path / "projection")
    yield made
    made.close()


def second(name, at):
    return replace(access(name, at, source="audit"), kind=EntryKind.ACCESS_SECOND)


def test_a_finished_day_is_told_once(projection):
    """Not before the day is an hour old, not twice, and not again by a core that starts later."""
    shards = Shards()
    both = [each for n in range(9) for each in (access(f"a{n}", T0 + n * SECOND), second(f"a{n}", T0 + n * SECOND))]
    alone = [second("past", T0 + 100 * SECOND), access("lost", T0 + 200 * SECOND)]
    projection.apply(shards.durable([gate(), *both, *alone]))
    told = []
    daily = DailyComparison(projection, Settings(), told.append)
    daily.round(END + HOUR_US - 1)
    assert told == []
    daily.round(END + HOUR_US)
    daily.round(END + HOUR_US + DAY_US)
    assert [(each.incident_kind, each.source, each.facts[0].value) for each in told] == [
        (IncidentKind.BYPASS, "db", 1),
        (IncidentKind.LOG_HOLES, "audit", 1),
    ]
    assert all(each.from_at <= T0 < each.to_at for each in told)
    projection.apply(shards.durable(event(EntryKind.INCIDENT, body, source="core", at=END + HOUR_US) for body in told))
    again = []
    DailyComparison(projection, Settings(), again.append).round(END + 2 * HOUR_US)
    assert again == []


def test_a_day_on_which_all_agrees_is_no_news(projection):
    """Nor is a source without `reconcile_with`."""
    projection.apply(
        Shards().durable([gate(), access("a", T0, [(CUSTOMER, "c")]), second("a", T0), access("b", T0, source="api")])
    )
    told = []
    DailyComparison(projection, Settings(), told.append).round(END + HOUR_US)
    assert told == []
