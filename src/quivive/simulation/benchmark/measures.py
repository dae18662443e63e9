"""Figures with their chance and their spread: what detection did, compared with the truth of a labelled feed.

Called by `bench.py`. Pure but for one query of verdicts. Must never print a rate without its n.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from quivive.model.clock import from_rfc3339
from quivive.projection.projection import Projection
from quivive.simulation.benchmark.feed import FeedRow, Label, LabelledFeed
from quivive.simulation.benchmark.load import Keys
from quivive.simulation.benchmark.work import LISTED, STRAY

BOOTSTRAPS: Final = 2_000

AgentDay = tuple[str, str]
"""(ident, local day)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A mean with its 95 % bootstrap interval and how many it rests on. None of n = 0."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def figure(values: Sequence[float], *, seed: int = 1) -> Figure:
    """Mean and bootstrap interval over independent values (seeds, campaigns)."""
    if not values:
        return Figure(value=None, low=None, high=None, n=0)
    array = np.asarray(values, dtype=float)
    draws = np.random.default_rng(seed).integers(0, len(array), (BOOTSTRAPS, len(array)))
    low, high = np.quantile(array[draws].mean(axis=1), (0.025, 0.975))
    return Figure(value=float(array.mean()), low=float(low), high=float(high), n=len(array))


def median_figure(values: Sequence[float], *, seed: int = 1) -> Figure:
    """Median and bootstrap interval."""
    if not values:
        return Figure(value=None, low=None, high=None, n=0)
    array = np.asarray(values, dtype=float)
    draws = np.random.default_rng(seed).integers(0, len(array), (BOOTSTRAPS, len(array)))
    low, high = np.quantile(np.median(array[draws], axis=1), (0.025, 0.975))
    return Figure(value=float(np.median(array)), low=float(low), high=float(high), n=len(array))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Ordinary exposures of one feed by what became of them. Rows of a search that were not opened stand apart."""

    opened: int
    by_strength: Mapping[str, int]
    wrong: int
    stray: int
    false_unexplained: int
    listed: int
    listed_unexplained: int
    misuse_explained: int
    misuse: int


def shares(feed: LabelledFeed, keys: Keys, projection: Projection) -> Shares:
    """Compare final verdicts with the truth.

    A reason is wrong when an ordinary access is explained, strong or medium, by a contact that did not cause it
    and has another customer or another agent; a campaign's access explained strong or medium is wrong as well.
    """
    found = _verdicts(projection)
    contacts = {
        (str(row.value["controller"]), keys.contact(str(row.value["controller"]), str(row.value["id"]))): row
        for row in feed.rows["contacts"]
    }
    by_strength, other = Counter[str](), Counter[str]()
    for row, label in _labelled(feed):
        controller = str(row.value["controller"])
        access = keys.access(controller, row.source, str(row.value["id"]), from_rfc3339(str(row.value["at"])))
        for verdict, strength, contact in found.get(access, ()):
            shown = strength if verdict == "explained" else verdict
            good = strength in {"strong", "medium"} and verdict == "explained"
            if label.campaign:
                other["misuse"] += 1
                other["misuse_explained"] += int(good)
            elif label.why == LISTED:
                other["listed"] += 1
                other["listed_unexplained"] += int(verdict == "unexplained")
            else:
                by_strength[shown] += 1
                other["stray"] += int(label.why == STRAY)
                other["false_unexplained"] += int(verdict == "unexplained" and label.why != STRAY)
                other["wrong"] += int(good and _is_wrong(label, contacts.get((controller, contact)), row))
    return Shares(
        opened=sum(by_strength.values()),
        by_strength=dict(by_strength),
        **{
            name: other[name]
            for name in (
                "wrong",
                "stray",
                "false_unexplained",
                "listed",
                "listed_unexplained",
                "misuse_explained",
                "misuse",
            )
        },
    )


def _is_wrong(label: Label, contact: FeedRow | None, access: FeedRow) -> bool:
    """Tell whether the contact cited is not what caused the access, nor about the same customer."""
    if contact is None:
        return False  # a reason without a contact of its own
    if str(contact.value["id"]) in label.contacts:
        return False
    if label.why == STRAY:
        return True
    records = set(access.value.get("records", ()))
    told = set(contact.value.get("records", ()))
    return bool(told) and not told & records


def _labelled(feed: LabelledFeed) -> Iterable[tuple[FeedRow, Label]]:
    labels = {(label.source, label.access): label for label in feed.labels}
    seen = set()
    for row in feed.rows["accesses"]:
        name = (row.source, str(row.value["id"]))
        if name in labels and name not in seen:
            seen.add(name)
            yield row, labels[name]


def _verdicts(projection: Projection) -> dict[str, list[tuple[str, str, str]]]:
    cursor = projection.cursor()
    rows = cursor.execute(
        "SELECT access_hi, access_lo, verdict, strength, contact_hi, contact_lo FROM verdict_current"
        " WHERE verdict <> 'not_applicable'"
    ).fetchall()
    cursor.close()
    found: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for high, low, verdict, strength, contact_high, contact_low in rows:
        found[f"{high:016x}{low:016x}"].append((verdict, strength, f"{contact_high:016x}{contact_low:016x}"))
    return found


def top_detection(
    scores: Mapping[AgentDay, float], guilty: Callable[[AgentDay], bool], *, rate: float, seed: int
) -> tuple[bool, str]:
    """Whether the highest scores hold a day of the campaign, and its first such day.

    `rate` alerts an agent-day over the whole stretch, chosen in hindsight: the same generous rule for every
    detector. A further day of an agent already chosen joins his alert and costs nothing. Ties by lot.
    """
    chance = np.random.default_rng(seed)
    names = sorted(scores)
    lots = chance.random(len(names))
    order = sorted(range(len(names)), key=lambda i: (-scores[names[i]], lots[i]))
    left = max(1, round(rate * len(names)))
    chosen: set[str] = set()
    days = []
    for place in order:
        ident, day = names[place]
        if ident not in chosen:
            if left == 0:
                break
            left -= 1
            chosen.add(ident)
        if guilty(names[place]):
            days.append(day)
    return bool(days), min(days, default="")


def chance_detection(
    names: Iterable[AgentDay], guilty: Callable[[AgentDay], bool], *, rate: float, seed: int, times: int = 200
) -> float:
    """Recall of scores drawn by lot under the same rule."""
    every = list(names)
    hits = 0
    for number in range(times):
        draws = np.random.default_rng((seed, number)).random(len(every))
        scores = dict(zip(every, draws.tolist(), strict=True))
        hits += top_detection(scores, guilty, rate=rate, seed=number)[0]
    return hits / times
