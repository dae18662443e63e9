"""What others would look at: counts of records and calls per agent-day, two general detectors, two thresholds.

Called by `bench.py` on the same events as the product: the rows of the feed, before any explanation. PyOD is an
extra (`pip install pyod`); without it its rows are left out, and said so. Must never see the truth.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from quivive.detection.counts import DayCount
from quivive.model.clock import SECOND_US, from_rfc3339
from quivive.simulation.benchmark.feed import FeedMeta, FeedRow
from quivive.simulation.benchmark.load import Keys
from quivive.simulation.benchmark.measures import AgentDay

NO_PYOD: Final = "PyOD is not installed: its rows are left out. `pip install 'quivive[bench]'` installs it."


@dataclass(slots=True)
class RawDay:
    """One agent-day without any explanation."""

    records: set[str] = field(default_factory=set)
    accesses: int = 0
    changes: int = 0
    listed: int = 0
    contacts: int = 0
    hours: set[int] = field(default_factory=set)

    def add(self, other: "RawDay") -> None:
        """Count another part of the same day as well."""
        self.records |= other.records
        self.hours |= other.hours
        self.accesses += other.accesses
        self.changes += other.changes
        self.listed += other.listed
        self.contacts += other.contacts

    def features(self) -> tuple[float, ...]:
        """What a general detector is given."""
        records = len(self.records)
        per_contact = records / max(1, self.contacts)
        counted = (records, self.accesses, self.changes, self.listed, self.contacts)
        return (*map(float, counted), per_contact, float(len(self.hours)))


def has_pyod() -> bool:
    """Tell whether the peers are installed."""
    return find_spec("pyod") is not None


def raw_days(meta: FeedMeta, rows: Mapping[str, Sequence[FeedRow]], keys: Keys) -> dict[AgentDay, RawDay]:
    """Add up the rows of a feed by person and local day."""
    people = _people(rows["directory"], keys)
    zone = ZoneInfo(meta.timezone)
    spaces = {source.name: source.namespace for source in meta.sources}
    days: dict[AgentDay, RawDay] = defaultdict(RawDay)
    for row in rows["accesses"]:
        ident = people.get((spaces[row.source], str(row.value.get("agent"))))
        if ident is None:
            continue
        at = datetime.fromtimestamp(from_rfc3339(str(row.value["at"])) // SECOND_US, tz=zone)
        day = days[ident, at.strftime("%Y%m%d")]
        day.accesses += 1
        day.hours.add(at.hour)
        day.changes += int(row.value["action"] == "update")
        records = row.value.get("records", [])
        if row.value["action"] == "list":
            day.listed += len(records)
        else:
            day.records.update(f"{row.value['controller']} {record}" for record in records)
    seen: set[tuple[str, str]] = set()
    for row in rows["contacts"]:
        for leg in row.value.get("legs", []):
            ident = people.get((spaces[row.source], str(leg["agent"])))
            name = (str(row.value["id"]), str(ident))
            if ident is None or name in seen or "from" not in leg:
                continue
            seen.add(name)
            at = datetime.fromtimestamp(from_rfc3339(str(leg["from"])) // SECOND_US, tz=zone)
            days[ident, at.strftime("%Y%m%d")].contacts += 1
    return dict(days)


def peer_scores(
    raw: Mapping[AgentDay, tuple[float, ...]], counts: Sequence[DayCount], days: Sequence[str], *, seed: int
) -> dict[str, dict[AgentDay, float]]:
    """Score the agent-days of `days` with every peer; each is fitted on all days up to the end, as its manual says."""
    wanted = set(days)
    names = sorted(raw)
    inside = [place for place, name in enumerate(names) if name[1] in wanted]
    table = np.array([raw[name] for name in names])
    scores = {
        "records/day threshold": table[:, 0],
        "records/contact, negative binomial": _rare(table[:, 0], table[:, 4]),
    }
    residual = _residual_features(names, counts)
    if has_pyod():
        scores["PyOD IForest"] = _pyod("iforest", "IForest", table, seed)
        scores["PyOD ECOD"] = _pyod("ecod", "ECOD", table, seed)
        scores["PyOD IForest on our counts"] = _pyod("iforest", "IForest", residual, seed)
        scores["PyOD ECOD on our counts"] = _pyod("ecod", "ECOD", residual, seed)
    return {peer: {names[place]: float(column[place]) for place in inside} for peer, column in scores.items()}


def _people(directory: Iterable[FeedRow], keys: Keys) -> dict[tuple[str, str], str]:
    people = {}
    for row in directory:
        for account in row.value.get("accounts", []):
            people[str(account["namespace"]), str(account["login"])] = keys.person(str(row.value["id"]))
    return people


def _rare(records: NDArray[np.float64], contacts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Minus the log of the tail of a negative binomial whose mean is the centre's records per contact."""
    mean = np.maximum(1.0, contacts) * records.sum() / max(1.0, contacts.sum())
    excess = float((((records - mean) ** 2 - mean) / mean**2).mean())
    size = 1 / max(excess, 1e-3)
    return np.asarray(-stats.nbinom.logsf(records, size, size / (size + mean)))


def _residual_features(names: Sequence[AgentDay], counts: Sequence[DayCount]) -> NDArray[np.float64]:
    sums: dict[AgentDay, NDArray[np.float64]] = defaultdict(lambda: np.zeros(4))
    for count in counts:
        sums[count.ident, count.day] += (
            count.unexplained,
            count.weak_excess,
            count.self_made,
            count.contacts,
        )
    rows = []
    for name in names:
        unexplained, weak, made, contacts = sums[name]
        most = max(1.0, contacts)
        rows.append((unexplained, weak, made, contacts, unexplained / most, weak / most))
    return np.array(rows)


def _pyod(module: str, name: str, table: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    detector: Any = getattr(__import__(f"pyod.models.{module}", fromlist=[name]), name)
    made = detector(random_state=seed) if name == "IForest" else detector()
    made.fit(table)
    return np.asarray(made.decision_scores_)
