"""Learn windows, caps and clock skew from the calls of the last weeks (detection reference §5; DESIGN §9.2).

The core runs `learn` once a day and publishes the body; the judge uses it for contacts of the days after. `fit` and
its parts are pure. Must never learn from too few calls or agents, nor leave the hard maxima of a template, and
must never hold a figure of one agent: quantiles over many.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from quivive.detection.judge import JudgeSettings, judgement
from quivive.detection.returning import name_sources
from quivive.detection.sqlsteps import make, make_steps, step
from quivive.detection.templates import ExplanationTemplate
from quivive.model.alert import Fact, IncidentBody, IncidentKind
from quivive.model.clock import DAY_US, MINUTE_US, SECOND_US
from quivive.model.learned import LearnedBody, LearnedSkew, LearnedWindow
from quivive.model.verdict import Template
from quivive.projection.projection import Projection

LEARN_DAYS: Final = 28
MIN_MATCHES: Final = 200
MIN_AGENTS: Final = 5
WINDOW_QUANTILE: Final = 0.99
CAP_QUANTILE: Final = 0.95
MIN_POPS: Final = 50
POP_REACH_US: Final = 10 * MINUTE_US
POP_SPREAD_US: Final = 4 * SECOND_US
"""Screens that pop by themselves come within so short a stretch (from the 25th to the 75th of a hundred)."""
SKEW_ALARM_US: Final = 5 * SECOND_US
MAX_ACCESSES: Final = 300_000
"""Accesses read at most: of a larger centre, those of a fixed part of its accounts, so that calls stay whole."""
_PLACE_OF: Final = {"first": Template.E1, "dialled": Template.E5, "further": Template.E8}


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One access near the one call that can explain it. Microseconds; negative `before_us` is after the beginning."""

    source: str
    queue: str
    template: str
    agent: str
    before_us: int
    after_us: int
    after_told: bool
    screen_pops: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NamelessCall:
    """Distinct customers opened in one call whose caller is not identified."""

    queue: str
    agent: str
    subjects: int


def fit(
    matches: Sequence[Match], calls: Sequence[NamelessCall], templates: Iterable[ExplanationTemplate], *, from_at: int
) -> LearnedBody:
    """Fit windows, caps and skews. The order of the matches changes nothing."""
    of_call = {each.template: each for each in templates if each.shape in {"call", "unidentified"} and each.contact}
    windows = [*_windows(matches, of_call), *_caps(calls, of_call[Template.E2])]
    return LearnedBody(
        from_at=from_at,
        windows=tuple(sorted(windows, key=lambda each: (each.queue, each.template))),
        skews=tuple(sorted(_skews(matches), key=lambda each: each.source)),
    )


def skew_incidents(controller: str, learned: LearnedBody) -> tuple[IncidentBody, ...]:
    """Clocks further off than five seconds: corrected, and told to the administrator, never charged to anybody."""
    return tuple(
        IncidentBody(
            incident=sha256(f"clock_skew/{controller}/{each.source}/{learned.from_at}".encode()).hexdigest()[:32],
            incident_kind=IncidentKind.CLOCK_SKEW,
            controller=controller,
            source=each.source,
            from_at=learned.from_at,
            to_at=learned.from_at + DAY_US,
            suppressed=0,
            facts=(Fact(name="skew_us", value=each.skew_us), Fact(name="count", value=each.pops)),
        )
        for each in learned.skews
        if abs(each.skew_us) > SKEW_ALARM_US
    )


def quantile(values: Iterable[int], share: float) -> int:
    """The least value that at least `share` of them do not exceed; 0 for none."""
    ordered = sorted(values)
    if not ordered:
        return 0
    return ordered[max(0, -(-int(share * 1_000) * len(ordered) // 1_000) - 1)]


def _windows(matches: Sequence[Match], of_call: dict[Template, ExplanationTemplate]) -> Iterable[LearnedWindow]:
    grouped: dict[tuple[str, str], list[Match]] = defaultdict(list)
    for each in matches:
        grouped[each.queue, each.template].append(each)
    for (queue, name), found in grouped.items():
        agents = len({each.agent for each in found})
        if not queue or len(found) < MIN_MATCHES or agents < MIN_AGENTS:
            continue
        template = of_call[Template(name)]
        untold = [each.after_us for each in found if not each.after_told]
        after = quantile(untold, WINDOW_QUANTILE) if len(untold) >= MIN_MATCHES else template.after_us
        yield LearnedWindow(
            queue=queue,
            template=name,
            before_us=_within(
                quantile((each.before_us for each in found), WINDOW_QUANTILE),
                template.before_us,
                template.before_most_us,
            ),
            after_us=_within(after, template.after_us, template.after_most_us),
            cap=0,
            matches=len(found),
            agents=agents,
        )


def _within(value: int, start: int, most: int) -> int:
    """Never above the hard maximum, nor below half the start: rare ways of working stay explained."""
    return min(max(value, start // 2), most)


def _caps(calls: Sequence[NamelessCall], template: ExplanationTemplate) -> Iterable[LearnedWindow]:
    grouped: dict[str, list[NamelessCall]] = defaultdict(list)
    for each in calls:
        grouped[each.queue].append(each)
    for queue, found in grouped.items():
        agents = len({each.agent for each in found})
        if queue and len(found) >= MIN_MATCHES and agents >= MIN_AGENTS:
            usual = quantile((each.subjects for each in found), CAP_QUANTILE)
            yield LearnedWindow(
                queue=queue,
                template=template.template,
                before_us=template.before_us,
                after_us=template.after_us,
                cap=min(max(usual, 1), template.cap_most),
                matches=len(found),
                agents=agents,
            )


def _skews(matches: Sequence[Match]) -> Iterable[LearnedSkew]:
    """A clock is ahead when screens pop before the offer, and by how much when they pop by themselves.

    Opened by hand, an access comes any time after the offer: only one before it tells of a clock.
    """
    pops: dict[str, list[int]] = defaultdict(list)
    for each in matches:
        if each.screen_pops and abs(each.before_us) <= POP_REACH_US:
            pops[each.source].append(-each.before_us)
    for source, after_offer in pops.items():
        if len(after_offer) < MIN_POPS:
            continue
        low, median, high = (quantile(after_offer, share) for share in (0.25, 0.5, 0.75))
        by_itself = high - low <= POP_SPREAD_US
        yield LearnedSkew(source=source, skew_us=-median if by_itself or median < 0 else 0, pops=len(after_offer))


# --- the edge: from the projection


def learn(
    projection: Projection, settings: JudgeSettings, *, controller: str, to_at: int, from_at: int, as_of: int
) -> LearnedBody:
    """Read the calls of `LEARN_DAYS` before `to_at` and fit what counts from `from_at` on. Nothing is written."""
    start = to_at - LEARN_DAYS * DAY_US
    with judgement(projection, settings, as_of, keep=False) as cursor:
        name_sources(cursor, projection, start, to_at)
        span = f"started_at >= {int(start)} AND started_at < {int(to_at)} AND controller = $controller"
        of = {"controller": controller}
        found = cursor.execute(f"SELECT COUNT(*) FROM all_access WHERE {span}", of).fetchone()
        part = 1 + (int(found[0]) if found else 0) // MAX_ACCESSES
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE round_work AS SELECT access_hi, access_lo, started_at FROM all_access"
            f" WHERE {span} AND distinct_count BETWEEN 1 AND 20 AND agent_lo % {part} = 0",
            of,
        )
        make_steps(cursor, "work_access")
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE learn_exposure AS SELECT e.* FROM all_exposure e JOIN round_work w"
            " ON w.started_at = e.started_at AND w.access_hi = e.access_hi AND w.access_lo = e.access_lo"
        )
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE contact_near AS SELECT * FROM contact WHERE contact_kind = 'call'"
            " AND controller = $controller"
            f" AND GREATEST(offered_at, started_at) BETWEEN {int(start)} AND {int(to_at)}",
            of,
        )
        make_steps(cursor, "contact_leg")
        make(cursor, "learn_reach", _reach(settings.templates))
        rows = cursor.execute(f"SELECT * FROM ({step('learn_pair')})").fetchall()
        names = [column[0] for column in cursor.description or ()]
        matches = _matches([dict(zip(names, row, strict=True)) for row in rows])
        nameless = cursor.execute(f"SELECT queue, ident_hi, ident_lo, subjects FROM ({step('learn_call')})").fetchall()
    calls = [NamelessCall(queue=str(q), agent=f"{high}/{low}", subjects=int(s)) for q, high, low, s in nameless]
    return fit(matches, calls, settings.templates, from_at=from_at)


def _reach(templates: Iterable[ExplanationTemplate]) -> str:
    rows = ", ".join(
        f"('{place}', CAST({POP_REACH_US} AS BIGINT), CAST({each.after_most_us} AS BIGINT))"
        for each in templates
        for place, name in _PLACE_OF.items()
        if each.template == name and each.shape == "call"
    )
    return f"SELECT * FROM (VALUES {rows}) AS r (place, before_us, after_us)"


def _matches(rows: Iterable[dict[str, object]]) -> list[Match]:
    """One match per access; a pop is the first access of an inbound call."""
    ordered = sorted(rows, key=lambda row: (row["contact_hi"], row["contact_lo"], row["started_at"]))
    seen: set[tuple[object, object]] = set()
    matches = []
    for row in ordered:
        began, ended, at = (int(str(row[name])) for name in ("began_at", "hung_up_at", "started_at"))
        call = (row["contact_hi"], row["contact_lo"])
        template = _PLACE_OF[str(row["place"])]
        matches.append(
            Match(
                source=str(row["source"]),
                queue=str(row["queue"]),
                template=template,
                agent=f"{row['ident_hi']}/{row['ident_lo']}",
                before_us=began - at,
                after_us=max(0, at - ended),
                after_told=int(str(row["wrapped_at"])) > ended,
                screen_pops=call not in seen and row["direction"] == "inbound" and row["place"] == "first",
            )
        )
        seen.add(call)
    return matches
