"""`/metrics`: what an administrator's monitoring reads (docs/metrics.md).

Called by the web through `Services.metrics`. No label may hold a person, a record, a phone number or a login, but
companies, sources, outputs and states. A store that cannot be read leaves its lines out; it never makes the page fail.
"""

import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import prometheus_client
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from quivive.core.pipeline import Pipeline
from quivive.core.retention_room import RetentionRoom
from quivive.core.telling import outbox_counts
from quivive.ledger.log import Ledger
from quivive.model.clock import DAY_US, SECOND_US, Micros, utc_day
from quivive.model.errors import StorageError
from quivive.projection.projection import Projection, ProjectionUnavailableError
from quivive.projection.query import Scope
from quivive.settings import Settings

UNEXPLAINED_DAYS: Final = 30
GROWTH_DAYS: Final = 7
"""Whole days before today that the forecast of the disk rests on."""
EVERY_US: Final = 10 * SECOND_US
"""Asked more often, the same figures are given again: a scraper must not load the projection."""
MAX_GAPS: Final = 5_000


class Metrics(Collector):
    """One registry with Python's own figures and ours. `text` may be called from any thread."""

    def __init__(
        self,
        *,
        settings: Settings,
        ledger: Ledger,
        projection: Projection,
        pipeline: Pipeline,
        retention: RetentionRoom | None,
        clock: Callable[[], int],
    ) -> None:
        self._settings, self._ledger, self._projection = settings, ledger, projection
        self._pipeline, self._retention, self._clock = pipeline, retention, clock
        self._lock, self._told, self._told_at = threading.Lock(), b"", 0
        self._registry = CollectorRegistry()
        for collector in (prometheus_client.PROCESS_COLLECTOR, self):
            self._registry.register(collector)

    def text(self) -> bytes:
        """The page, at most one reading in ten seconds."""
        with self._lock:
            now = self._clock()
            if not self._told or not 0 <= now - self._told_at < EVERY_US:
                self._told, self._told_at = prometheus_client.generate_latest(self._registry), now
            return self._told

    def describe(self) -> Iterable[Metric]:
        """Nothing is read when the registry is made."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Every figure."""
        now = self._clock()
        yield from self._street(now)
        yield from self._findings(now)
        yield from self._removals(now)
        yield from disk(self._settings.home, now)
        yield _gauge(
            "quivive_output_messages", "Messages of the outputs.", ("output", "state"), _outbox(self._settings)
        )

    def _street(self, now: int) -> Iterator[Metric]:
        state, marks = self._pipeline.state, self._projection.watermark()
        heads = {shard: self._ledger.head(shard) for shard in self._ledger.shards()}
        behind = sum(head.entries - marks.get(shard, 0) for shard, head in heads.items())
        entries = Counter[tuple[str, ...]]()
        for shard, head in heads.items():
            entries[(shard.partition("/")[0],)] += head.entries
        yield _gauge("quivive_entries_total", "Entries of the ledger.", ("controller",), entries)
        yield _gauge("quivive_ingest_lag_entries", "Durable entries not yet projected.", (), {(): behind})
        lag = max(0, now - state.judged_at) / SECOND_US if state.judged_at else float("nan")
        yield _gauge("quivive_ingest_lag_seconds", "Age of the last judgement.", (), {(): lag})
        yield _gauge(
            "quivive_storage_failing", "1 while the disk refuses.", (), {(): bool(state.storage_failing_since)}
        )
        yield _gauge("quivive_rebuilding", "1 while the projection is rebuilt.", (), {(): self._pipeline.rebuilding})

    def _findings(self, now: int) -> Iterator[Metric]:
        gaps = Counter[tuple[str, ...]]({(name,): 0 for name in self._settings.sources})
        for row in self._query("gaps", now, 1, limit=MAX_GAPS):
            seconds = max(0, min(row["to_at"], now) - max(row["from_at"], now - DAY_US)) // SECOND_US
            gaps[(str(row["source"]),)] += seconds
        yield _gauge("quivive_gap_seconds", "Seconds without sight in the last day.", ("source",), gaps)
        units = Counter[tuple[str, ...]]()
        for row in self._query("shares", now, UNEXPLAINED_DAYS):
            if row["verdict"] == "unexplained" and row["final"]:
                units[(str(row["controller"]),)] += row["exposures"]
        help_text = "Final unexplained exposures of 30 days; nothing where the gate is not active."
        yield _gauge("quivive_unexplained", help_text, ("controller",), units)
        alerts: dict[tuple[str, ...], float] = {
            (str(row["controller"]), str(row["state"])): row["alerts"]
            for row in self._query("alert_counts", now, UNEXPLAINED_DAYS)
        }
        yield _gauge("quivive_alerts", "Alerts of 30 days by state.", ("controller", "state"), alerts)

    def _removals(self, now: int) -> Iterator[Metric]:
        if self._retention is None:
            return
        try:
            check = self._retention.look(now)
        except (OSError, StorageError, ProjectionUnavailableError):
            return
        late = Counter[tuple[str, ...]]()
        for store in check.stores:
            place = (store.controller, store.retention_class, store.store)
            over = now - store.oldest_at - store.declared_days * DAY_US if store.overdue else 0
            late[place] = max(late[place], over // SECOND_US)
        labels = ("controller", "class", "store")
        yield _gauge("quivive_purge_late_seconds", "How much older than declared the oldest thing is.", labels, late)
        yield _gauge("quivive_removals_incomplete", "Removals without certificate.", (), {(): check.incomplete})

    def _query(self, name: str, now: int, days: int, **params: object) -> list[dict[str, Any]]:
        scope = Scope(
            controllers=tuple(self._settings.controllers),
            from_at=now - days * DAY_US,
            to_at=now + DAY_US,
            purpose="operation",
            principal="metrics",
        )
        try:
            return self._projection.query(scope, name, params)
        except (StorageError, ProjectionUnavailableError):
            return []


def disk(home: Path, now: int) -> Iterator[Metric]:
    """Room of the data folder, and days until it is full at the pace of the last week; no line without a past."""
    free = shutil.disk_usage(home).free
    yield _gauge("quivive_disk_free_bytes", "Free bytes of the data folder's disk.", (), {(): free})
    days = days_left(home, free, now)
    if days is not None:
        yield _gauge("quivive_disk_days_left", "Days until the disk is full, as last week grew.", (), {(): days})


def days_left(home: Path, free: int, now: int) -> float | None:
    """Free bytes over what the last whole days took, all rooms counted in the proportion of the segments."""
    recent = {utc_day(Micros(now - back * DAY_US)) for back in range(1, GROWTH_DAYS + 1)}
    sizes = [(path.name in recent, path.stat().st_size) for path in (home / "segments").glob("*/*/*") if path.is_file()]
    grown, segments = sum(size for new, size in sizes if new), sum(size for _, size in sizes)
    if not grown:
        return None
    rooms = ("segments", "log", "projection", "cases")
    whole = sum(path.stat().st_size for room in rooms for path in (home / room).rglob("*") if path.is_file())
    return free / (grown / GROWTH_DAYS * max(1.0, whole / segments))


def _outbox(settings: Settings) -> Mapping[tuple[str, ...], float]:
    names = [(output.name, state) for output in settings.outputs for state in ("waiting", "told", "given_up")]
    if not names:
        return {}
    counts = outbox_counts(settings.home)
    return {name: counts.get(name, 0) for name in names}


def _gauge(name: str, told: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]) -> Metric:
    family = GaugeMetricFamily(name, told, labels=labels)
    for place, value in values.items():
        family.add_metric(place, float(value))
    return family
