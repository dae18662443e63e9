"""Sealed days: plain Parquet under controller, class and UTC day (DESIGN §8; ADR 0006).

`Projection` seals and purges, `query` asks for the files of a scope. A sealed file never changes; what
arrives later for its day stands beside it. Must never leave half a day behind: files are written beside,
then renamed; they count only once the transaction that removed the hot rows also listed them in `sealed_set`.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from quivive.model.clock import DAY_US, SECOND_US, Micros, utc_day
from quivive.model.entry import RetentionClass

ROW_GROUP_ROWS: Final = 8_192  # measured: 50 M rows searched by key in about 100 ms (DESIGN §8)
TRACE: Final = RetentionClass.TRACE.value
SEALED_TABLES: Final = {
    "exposure": "key_hi, key_lo, started_at",
    "access": "started_at, access_hi, access_lo",
    "access_neighbourhood": "started_at, access_hi, access_lo",
    "verdict": "started_at, access_hi, access_lo",
    "second_access": "started_at, access_hi, access_lo",
    "second_exposure": "started_at, access_hi, access_lo",
}
"""Sealed tables and the order of their rows: exposures by key (look-up), the others by instant."""


def day_bounds(day: str) -> tuple[int, int]:
    """Microseconds UTC of the first instant of a day `yyyymmdd` and of the next day."""
    midnight = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
    start = int(midnight.timestamp()) * SECOND_US
    return start, start + DAY_US


def days_between(from_at: int, to_at: int) -> Iterable[str]:
    """UTC days touched by [from, to)."""
    if to_at <= from_at:
        return
    day = datetime.fromtimestamp(from_at // SECOND_US, tz=UTC)
    last = utc_day(Micros(to_at - 1))
    while (name := day.strftime("%Y%m%d")) <= last:
        yield name
        day += timedelta(days=1)


def quoted_files(paths: Iterable[str]) -> str:
    """A SQL list of file names. Names are ours (controller ids and days); quotes are doubled all the same."""
    return "[" + ", ".join("'" + path.replace("'", "''") + "'" for path in paths) + "]"


@dataclass(slots=True)
class SealedDays:
    """The folder `sealed/` and what stands in it: controller → day → table → files."""

    folder: Path
    _index: dict[str, dict[str, dict[str, tuple[str, ...]]]] = field(default_factory=dict)

    def read(self, known: set[tuple[str, str, int]]) -> None:
        """Read the folder again. Files not listed in `sealed_set` are leftovers of a crash or a purge: deleted.

        The index is replaced as a whole, so that readers never see half of it.
        """
        index: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {}
        for path in sorted(self.folder.glob(f"*/{TRACE}/*/*.parquet")):
            day, controller = path.parent.name, path.parent.parent.parent.name
            table, _, number = path.stem.partition("-")
            if not number.isdigit() or (controller, day, int(number)) not in known:
                path.unlink()
                continue
            tables = index.setdefault(controller, {}).setdefault(day, {})
            tables[table] = (*tables.get(table, ()), str(path))
        for folder in self.folder.glob(f"*/{TRACE}/*"):
            if not any(folder.iterdir()):
                folder.rmdir()
        self._index = index

    def files(self, table: str, controllers: Iterable[str], from_at: int, to_at: int) -> list[str]:
        """Files of one table that a scope reaches."""
        found: list[str] = []
        index = self._index
        first = utc_day(Micros(max(from_at, 0)))
        last = utc_day(Micros(max(min(to_at - 1, _LAST_INSTANT), 0)))
        for controller in sorted(set(controllers)):
            for day, tables in index.get(controller, {}).items():
                if first <= day <= last:
                    found.extend(tables.get(table, ()))
        return found

    def holds(self, day: str) -> bool:
        """Tell whether any controller has sealed rows of this day."""
        return any(day in days for days in self._index.values())

    def controllers(self) -> tuple[str, ...]:
        """Controllers with sealed days."""
        return tuple(sorted(self._index))

    def days(self, controller: str) -> tuple[str, ...]:
        """Sealed days of a controller, in order."""
        return tuple(sorted(self._index.get(controller, ())))

    def day_folder(self, controller: str, day: str) -> Path:
        """Where one day of one controller stands."""
        return self.folder / controller / TRACE / day

    def next_number(self, controller: str, day: str) -> int:
        """Number of the next file set of a day: 0 for the seal, more for what arrived later."""
        return len(list(self.day_folder(controller, day).glob("exposure-*.parquet")))


def publish_day(written: Path, folder: Path) -> None:
    """Move freshly written files into the day's folder, durable in the order files, folder, parent."""
    for path in written.iterdir():
        sync(path)
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(written.iterdir()):
        path.rename(folder / path.name)
    written.rmdir()
    sync(folder)
    sync(folder.parent)


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_LAST_INSTANT: Final = 253_402_300_799 * SECOND_US  # the last day that `yyyymmdd` can write
