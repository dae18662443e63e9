"""The budget: at most so many alerts opened per reviewer and day, whatever is found (DESIGN §9.5).

Called by `core.alerting` (live and daily) and by the benchmark. Pure. Must never open more than the capacity
left, never a second alert for the same (controller, ident, topic), and never leave something out unsaid.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from quivive.model.alert import AlertOrigin, Hit, LeftOut, Severity

RULE_QUOTA_DEFAULT: Final = 5
"""Alerts one rule may open a day: a noisy rule must not eat the whole budget."""
STATISTICAL: Final = frozenset({AlertOrigin.RESIDUAL, AlertOrigin.LOW_AND_SLOW})
_SEVERITY: Final = {Severity.LOW: 1, Severity.MEDIUM: 2, Severity.HIGH: 3}
_RULE_BAND: Final = {Severity.LOW: 2, Severity.MEDIUM: 4, Severity.HIGH: 6}
"""A rule has no p-value: its severity stands where a statistical hit of one in 10², 10⁴ or 10⁶ would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What reviewers can look at. `used` is what this day has opened already (live alerts, other controllers).

    `rule_used`: of it, by topic. `rule_quotas`: quotas of rules that state one.
    """

    reviewers: int = 1
    alerts_per_reviewer_day: int = 6
    audit_share_percent: int = 15
    used: int = 0
    rule_quota: int = RULE_QUOTA_DEFAULT
    rule_quotas: Mapping[str, int] = field(default_factory=dict)
    rule_used: Mapping[str, int] = field(default_factory=dict)

    @property
    def budget(self) -> int:
        """Alerts this day may open in all."""
        return max(0, self.reviewers) * max(0, self.alerts_per_reviewer_day)

    def quota_of(self, topic: str) -> int:
        """Alerts one rule may open a day: its own quota, else the default."""
        return self.rule_quotas.get(topic, self.rule_quota)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlert:
    """An alert that is not closed: further hits of the same (controller, ident, topic) join it."""

    alert: str
    controller: str
    ident: str
    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A hit that goes to an alert already open."""

    alert: str
    hit: Hit


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotment:
    """What one round of the budget decides. `over_quota`: topics that had more hits than their quota."""

    opened: tuple[Hit, ...]
    joined: tuple[Joined, ...]
    left_out: tuple[LeftOut, ...]
    audit: tuple[Hit, ...]
    over_quota: tuple[str, ...]


def alert_id(hit: Hit) -> str:
    """Identifier of the alert that a hit opens, 32 hex digits: the same when the hit is found again."""
    text = f"alert\x1f{hit.controller}\x1f{hit.ident}\x1f{hit.topic}\x1f{hit.day}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def allot(
    hits: Sequence[Hit],
    *,
    open_alerts: Sequence[OpenAlert],
    capacity: Capacity,
    seed: bytes,
    audit_pool: Sequence[Hit] = (),
    known: Sequence[str] = (),
    q_max_milli: int = 500,
) -> Allotment:
    """Decide which hits open an alert, which join one, and which stay closed and why.

    Args:
        hits: of one day, any order.
        open_alerts: not closed yet.
        capacity: what is left of the day.
        seed: of the random audit, from the day's last published root; the same seed gives the same draw.
        audit_pool: accesses the audit may draw from (origin RANDOM_AUDIT, a fact `weak` 1 or 0); () for none.
        known: alert ids that exist already, open or closed: their hits open nothing again.
        q_max_milli: a statistical hit whose fact `q_milli` is above it is not rare enough.
    """
    audit_room = min(_audit_size(capacity, seed), len(audit_pool)) if capacity.used < capacity.budget else 0
    room = max(0, capacity.budget - capacity.used - audit_room)
    taken: dict[tuple[str, str, str], str] = {(a.controller, a.ident, a.topic): a.alert for a in open_alerts}
    seen = set(known)
    opened: list[Hit] = []
    joined: list[Joined] = []
    left: Counter[tuple[str, str]] = Counter()
    by_rule: Counter[str] = Counter(capacity.rule_used)
    over: set[str] = set()
    for hit in sorted(_distinct(hits), key=_rank):
        place = (hit.controller, hit.ident, hit.topic)
        if place in taken:
            joined.append(Joined(alert=taken[place], hit=hit))
        elif alert_id(hit) in seen:
            continue
        elif hit.origin in STATISTICAL and _fact(hit, "q_milli") > q_max_milli:
            left[hit.topic, "not_rare"] += 1
        elif hit.origin not in STATISTICAL and by_rule[hit.topic] >= capacity.quota_of(hit.topic):
            left[hit.topic, "quota"] += 1
            over.add(hit.topic)
        elif len(opened) >= room:
            left[hit.topic, "budget"] += 1
        else:
            opened.append(hit)
            taken[place] = alert_id(hit)
            by_rule[hit.topic] += 1
    drawn = _draw(audit_pool, taken, seen, seed, min(audit_room, max(0, capacity.budget - capacity.used - len(opened))))
    return Allotment(
        opened=tuple(opened),
        joined=tuple(joined),
        left_out=tuple(
            LeftOut(topic=topic, reason=reason, hits=count) for (topic, reason), count in sorted(left.items())
        ),
        audit=tuple(drawn),
        over_quota=tuple(sorted(over)),
    )


def _distinct(hits: Sequence[Hit]) -> list[Hit]:
    """A hit found twice is one hit; of several of the same day and topic the first one in order stands first."""
    return list(dict.fromkeys(hits))


def _rank(hit: Hit) -> tuple[object, ...]:
    """Highest p-band first, then severity, then rarity; ties by what never changes."""
    band = hit.p_milli // 1_000 if hit.origin in STATISTICAL else _RULE_BAND[hit.severity]
    fixed = (hit.controller, hit.topic, hit.ident, hit.day, hit.from_at, hit.to_at, hit.accesses)
    return (-band, -_SEVERITY[hit.severity], -hit.p_milli, *fixed)


def _fact(hit: Hit, name: str) -> int:
    return next((fact.value for fact in hit.facts if fact.name == name), 0)


def _audit_size(capacity: Capacity, seed: bytes) -> int:
    """The audit's share of the budget; its fraction is rounded up as often as it is large."""
    hundredths = capacity.budget * max(0, min(capacity.audit_share_percent, 100))
    whole, rest = divmod(hundredths, 100)
    return whole + (_number(seed, b"audit size") % 100 < rest)


def _draw(
    pool: Sequence[Hit], taken: Mapping[tuple[str, str, str], str], seen: set[str], seed: bytes, wanted: int
) -> list[Hit]:
    """Half weakly explained accesses, half explained ones, in the seed's order; one alert an agent."""
    if wanted <= 0:
        return []
    ordered = sorted(
        dict.fromkeys(pool), key=lambda hit: (_number(seed, "/".join(hit.accesses).encode()), hit.accesses)
    )
    weak = [hit for hit in ordered if _fact(hit, "weak")]
    other = [hit for hit in ordered if not _fact(hit, "weak")]
    turns = (weak, other) if _number(seed, b"first half") % 2 else (other, weak)
    drawn: list[Hit] = []
    used = set(taken)
    while len(drawn) < wanted and (turns[0] or turns[1]):
        for half in turns:
            while half and len(drawn) < wanted:
                hit = half.pop(0)
                place = (hit.controller, hit.ident, hit.topic)
                if place not in used and alert_id(hit) not in seen:
                    used.add(place)
                    drawn.append(hit)
                    break
    return drawn


def _number(seed: bytes, label: bytes) -> int:
    return int.from_bytes(blake2b(label, key=seed[:64], digest_size=8).digest())
