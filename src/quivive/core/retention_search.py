"""After a removal: looks in every place that may hold what was removed, and counts what is left (DESIGN §7; law P-10).

Called by the retention room before it certifies, and each day for the oldest thing of each store. Reads each store its
own way: keys and segments by name and header, sealed days by folder, hot rows by query, spools record by record. Must
never take a place that it could not look at for an empty one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from quivive.ledger.log import Ledger
from quivive.ledger.removal import Removal
from quivive.model.clock import DAY_US, Micros, utc_day
from quivive.model.entry import KIND_CLASS, RetentionClass, SpoolEvent
from quivive.model.purge import CheckedPlace, PurgedWhat, PurgePlace
from quivive.model.retention import Hold, StoreAge
from quivive.privacy.keyring import Keyring
from quivive.privacy.retention import GRACE_US, RetentionPolicy, SegmentDay, day_start, held
from quivive.projection.projection import Projection
from quivive.spool.record import SpoolCursor
from quivive.spool.scrub import consumed
from quivive.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Where things are kept."""

    home: Path
    keyring: Keyring
    ledger: Ledger
    projection: Projection
    vault: Vault
    sources: Mapping[str, tuple[str, ...]]
    """Sources of each controller."""

    def spools(self) -> list[str]:
        """Sources that have a spool."""
        root = self.home / "spool"
        return sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []

    def cursor(self, source: str) -> SpoolCursor:
        """How far the ledger has taken a spool."""
        return self.ledger.cursor(source)


def reached(record: Removal) -> Callable[[SpoolEvent], bool]:
    """Whether a spool's record belongs to what was removed."""
    if record.what is PurgedWhat.CONTROLLER:
        return lambda event: event.controller == record.controller
    if record.what is PurgedWhat.EVENT:
        ((source, epoch, ((seq, _),)),) = record.sources
        return lambda event: (event.source, event.epoch, event.seq) == (source, epoch, seq)
    place = (record.controller, record.retention_class, record.day)
    return lambda event: (event.controller, KIND_CLASS[event.kind], utc_day(Micros(event.captured_at))) == place


def search(
    stores: Stores, record: Removal, *, before_us: int, access: tuple[str, int] | None = None
) -> tuple[CheckedPlace, ...]:
    """Look at every place of one removal. `access`: id and start of the erased one; none after a rebuild without it.

    Raises:
        StorageError, OSError: a place cannot be looked at; nothing is certified.
    """
    remains = stores.ledger.removing.remains(record)
    found = [
        CheckedPlace(place=PurgePlace.KEYS, looked_at=len(stores.keyring.day_keys()), found=remains.count("keys")),
        CheckedPlace(
            place=PurgePlace.SEGMENTS,
            looked_at=len(stores.ledger.removing.segment_days()),
            found=remains.count("segments"),
        ),
        *_projected(stores.projection, record, before_us, access),
        _spools(stores, reached(record)),
    ]
    if record.what is PurgedWhat.CONTROLLER:
        found.append(CheckedPlace(place=PurgePlace.LOG, looked_at=len(record.ranges), found=remains.count("log")))
        left = stores.vault.left_of_controller(record.controller)
        cases = [path for path in (stores.home / "cases" / record.controller).rglob("*") if path.is_file()]
        found.append(CheckedPlace(place=PurgePlace.VAULT, looked_at=1 + len(cases), found=left + len(cases)))
        files = run_files(stores.home, stores.sources.get(record.controller, ()))
        found.append(CheckedPlace(place=PurgePlace.CONNECTORS, looked_at=len(files), found=len(files)))
    return tuple(found)


def _projected(
    projection: Projection, record: Removal, before_us: int, access: tuple[str, int] | None
) -> Iterator[CheckedPlace]:
    if record.what is PurgedWhat.CONTROLLER:
        hot, sealed = projection.left_of_controller(record.controller)
    elif record.what is PurgedWhat.DAY:
        hot, sealed = projection.left_of_day(record.controller, record.day, record.retention_class, before_us)
    elif access is not None:
        hot, sealed = projection.left_of_access(record.controller, *access)
    else:
        hot, sealed = 0, 0  # rebuilt since from a ledger that no longer has it
    yield CheckedPlace(place=PurgePlace.HOT, looked_at=1, found=hot)
    yield CheckedPlace(place=PurgePlace.SEALED, looked_at=1, found=sealed)


def _spools(stores: Stores, wanted: Callable[[SpoolEvent], bool]) -> CheckedPlace:
    looked = found = 0
    for source in stores.spools():
        for event in consumed(stores.home / "spool", source, stores.cursor(source)):
            looked += 1
            found += wanted(event)
    return CheckedPlace(place=PurgePlace.SPOOLS, looked_at=looked, found=found)


def run_files(home: Path, sources: Iterable[str]) -> list[Path]:
    """What stands ready for the relays and connectors of some sources: pseudonym keys, places in files.

    Policies are not among them: the core writes them anew as long as the source is configured (`drop_policies`).
    """
    names = [f"{folder}/{source}.json" for source in sources for folder in ("relay", "files", "ami")]
    return [path for path in (home / "run" / name for name in names) if path.exists()]


def drop_policies(home: Path, sources: Iterable[str]) -> None:
    """Remove what was written for the relays of sources that are no longer configured."""
    kept = set(sources)
    for path in (home / "run" / "policy").glob("*.json"):
        if path.stem not in kept:
            path.unlink()


def ages(stores: Stores, policies: Iterable[RetentionPolicy], holds: Iterable[Hold], now: int) -> tuple[StoreAge, ...]:
    """For every store of every controller and class: the oldest thing found, against what was declared."""
    kept = tuple(holds)
    told: list[StoreAge] = []
    keys = stores.keyring.day_keys()
    files = [
        place for place in stores.ledger.removing.segment_days() if (stores.home / "segments").joinpath(*place).exists()
    ]
    spooled = _oldest_spooled(stores)
    for policy in policies:
        for retention_class in RetentionClass:
            place = (policy.controller, retention_class.value)
            found = {
                PurgePlace.SEGMENTS: _first(files, place),
                PurgePlace.KEYS: _first(keys, place),
                PurgePlace.SPOOLS: spooled.get(place, 0),
            }
            found[PurgePlace.HOT], found[PurgePlace.SEALED] = stores.projection.oldest(*place)
            told += [_age(policy, retention_class, store, at, kept, now) for store, at in found.items()]
    return tuple(told)


def _first(days: Iterable[tuple[str, str, str]], place: tuple[str, str]) -> int:
    return min((day_start(day) for controller, kept, day in days if (controller, kept) == place), default=0)


def _age(
    policy: RetentionPolicy,
    retention_class: RetentionClass,
    store: PurgePlace,
    at: int,
    holds: tuple[Hold, ...],
    now: int,
) -> StoreAge:
    declared = policy.days[retention_class]
    kept = ""
    if at:
        day = SegmentDay(controller=policy.controller, retention_class=retention_class, day=utc_day(Micros(at)))
        kept = held(day, holds, now)
    late = bool(at) and not kept and at // DAY_US * DAY_US + declared * DAY_US + GRACE_US < now
    return StoreAge(
        store=store,
        controller=policy.controller,
        retention_class=retention_class,
        declared_days=declared,
        oldest_at=at,
        overdue=late,
        held=kept,
    )


def _oldest_spooled(stores: Stores) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for source in stores.spools():
        for event in consumed(stores.home / "spool", source, stores.cursor(source)):
            place = (event.controller, KIND_CLASS[event.kind].value)
            found[place] = min(found.get(place, event.captured_at), event.captured_at)
    return found
