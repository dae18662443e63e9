"""What is learned: windows and caps within their maxima, from enough calls of enough agents; clocks that differ."""

import random

import pytest
from traces import CUSTOMER, PHONE, SECOND, T0, Shards, access, call, catalogue, event, gate, heartbeat, person

from quivive.detection.judge import ControllerJudging, JudgeSettings, judge_live
from quivive.detection.learning import Match, NamelessCall, fit, learn, quantile, skew_incidents
from quivive.detection.templates import shipped_templates
from quivive.model.entry import EntryKind
from quivive.model.learned import LearnedBody, LearnedParametersBody, LearnedSkew, LearnedWindow

SETTINGS = JudgeSettings(
    controllers={"aurore": ControllerJudging(contact_sources=(PHONE,), lateness_s=30, silent_after_s=120)}
)
MINUTE, DAY = 60 * SECOND, 86_400 * SECOND


def matches(count=300, agents=6, before=20, after=100, template="E1", **changes):
    """Even matches: `before` s before the offer at most, `after` s after the end at most."""
    fields = {"source": PHONE, "queue": "q", "template": template, "after_told": False, "screen_pops": False} | changes
    return [
        Match(
            **fields, agent=f"a{n % agents}", before_us=before * SECOND * (n % 100) // 99,
            after_us=after * SECOND * (n % 100) // 99,
        )
        for n in range(count)
    ]  # fmt: skip


def fitted(found, calls=()):
    return fit(found, list(calls), shipped_templates(), from_at=T0)


def test_a_window_is_the_ninety_ninth_of_a_hundred():
    """Before and after, in seconds of the queue."""
    (window,) = fitted(matches()).windows
    assert (window.queue, window.template, window.matches, window.agents) == ("q", "E1", 300, 6)
    assert 19 * SECOND < window.before_us <= 20 * SECOND
    assert 98 * SECOND < window.after_us <= 100 * SECOND


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [(600, 3_000, (60, 300)), (0, 0, (7, 30))],
)
def test_a_window_stays_within_its_bounds(before, after, expected):
    """Never above the hard maximum, never below half the start."""
    (window,) = fitted(matches(before=before, after=after)).windows
    assert (window.before_us // SECOND, window.after_us // SECOND) == expected


@pytest.mark.parametrize("few", [{"count": 199}, {"agents": 4}, {"queue": ""}])
def test_too_little_teaches_nothing(few):
    """Fewer than 200 matches, fewer than five agents, or no queue: the start stands."""
    assert fitted(matches(**few)).windows == ()


@pytest.mark.parametrize(("usual", "cap"), [(0, 1), (1, 1), (3, 3), (9, 4)])
def test_the_cap_of_a_queue(usual, cap):
    """E2: the ninety-fifth of a hundred calls, at most four customers."""
    calls = [NamelessCall(queue="q", agent=f"a{n % 5}", subjects=usual) for n in range(200)]
    (window,) = fitted([], calls).windows
    assert (window.template, window.cap) == ("E2", cap)


def test_order_teaches_nothing():
    """Shuffled matches give the same parameters."""
    found = matches() + matches(queue="r", before=40, screen_pops=True)
    shuffled = list(found)
    random.Random(3).shuffle(shuffled)
    assert fitted(shuffled) == fitted(found)


def pops(seconds):
    return [
        Match(
            source=PHONE, queue="q", template="E1", agent=f"a{n % 5}", before_us=-int(second * SECOND), after_us=0,
            after_told=False, screen_pops=True,
        )
        for n, second in enumerate(seconds)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "skew"),
    [
        ([2] * 60, -2), ([-28] * 60, 28), ([32, 33, 31] * 20, -32), (list(range(60)), 0), ([-20, -10, 0] * 20, 10),
    ],
    ids=["by itself", "ahead", "behind", "by hand", "by hand, before the offer"],
)  # fmt: skip
def test_the_skew_of_a_clock(seconds, skew):
    """Screens that pop by themselves tell both ways; opened by hand, only what comes before the offer tells."""
    (found,) = fitted(pops(seconds)).skews
    assert (found.source, found.skew_us // SECOND, found.pops) == (PHONE, skew, 60)


def test_a_clock_far_off_is_an_incident():
    """Above five seconds; the same incident however often it is found."""
    learned = LearnedBody(
        from_at=T0, windows=(),
        skews=(LearnedSkew(source="a", skew_us=5 * SECOND, pops=60), LearnedSkew(source="b", skew_us=-6 * SECOND, pops=60)),
    )  # fmt: skip
    (incident,) = skew_incidents("aurore", learned)
    assert (incident.source, incident.suppressed) == ("b", 0)
    assert skew_incidents("aurore", learned) == (incident,)


def test_quantile():
    """The least value that enough do not exceed."""
    assert [quantile([1, 2, 3, 4], share) for share in (0.25, 0.5, 0.99)] == [1, 2, 4]
    assert quantile([], 0.5) == 0


def test_learning_reads_calls_and_their_accesses(projection):
    """From the projection: unambiguous matches only; ten seconds before the offer, fifty after the end."""
    events = [person(f"p{n}", [f"login-{n}"]) for n in range(6)]
    for n in range(240):
        login, customer, begin = f"login-{n % 6}", f"c{n}", T0 + (n // 6) * 600 * SECOND
        events += [
            call(f"k{n}", begin, begin + 120 * SECOND, subjects=[("record", customer)], agents=[login], queue="q"),
            access(f"a{n}", begin - 10 * SECOND, [(CUSTOMER, customer)], agent=login),
            access(f"b{n}", begin + 170 * SECOND, [(CUSTOMER, customer)], agent=login),
            call(f"u{n}", begin + 300 * SECOND, begin + 400 * SECOND, agents=[login], queue="u"),
            *(access(f"u{n}{s}", begin + (310 + s) * SECOND, [(CUSTOMER, f"x{n}{s}")], agent=login) for s in range(3)),
        ]
    projection.apply(Shards().durable([catalogue(), gate(), *events]))
    learned = learn(projection, SETTINGS, controller="aurore", to_at=T0 + DAY, from_at=T0 + 2 * DAY, as_of=T0 + DAY)
    told = {(w.queue, w.template): (w.before_us // SECOND, w.after_us // SECOND, w.cap) for w in learned.windows}
    assert told == {("q", "E1"): (10, 50, 0), ("u", "E2"): (0, 60, 3)}
    assert learned.skews == (LearnedSkew(source=PHONE, skew_us=10 * SECOND, pops=240),)
    assert learn(projection, SETTINGS, controller="boreal", to_at=T0 + DAY, from_at=T0, as_of=T0).windows == ()


def published(learned, at):
    return event(EntryKind.PARAMETERS, LearnedParametersBody(learned=learned), source="core", at=at)


@pytest.mark.parametrize(("offset", "verdict"), [(-SECOND, "unexplained"), (0, "explained")])
def test_parameters_count_from_their_day_on(projection, offset, verdict):
    """A contact of the day before is judged by what was published before it."""
    begin = T0 + 2 * DAY + offset
    window = LearnedWindow(
        queue="q", template="E1", before_us=40 * SECOND, after_us=60 * SECOND, cap=0, matches=200, agents=5
    )
    projection.apply(
        Shards().durable(
            [
                catalogue(), gate(), person("anna", ["login-a"]),
                published(LearnedBody(from_at=T0 + 2 * DAY, windows=(window,), skews=()), T0 + DAY),
                access("a", begin - 40 * SECOND, [(CUSTOMER, "c1")]),
                call("k", begin, begin + MINUTE, subjects=[("record", "c1")], queue="q"),
                heartbeat(T0 + 9 * DAY, at=T0 + 9 * DAY),
            ]
        )
    )  # fmt: skip
    judge_live(projection, SETTINGS, as_of=T0 + 9 * DAY)
    assert projection.cursor().execute("SELECT verdict FROM verdict_current").fetchall() == [(verdict,)]


def test_a_skewed_clock_is_corrected(projection):
    """The switch runs thirty seconds ahead: accesses before its offer are in the call."""
    skew = LearnedSkew(source=PHONE, skew_us=30 * SECOND, pops=60)
    begin = T0 + DAY
    projection.apply(
        Shards().durable(
            [
                catalogue(), gate(), person("anna", ["login-a"]),
                published(LearnedBody(from_at=T0, windows=(), skews=(skew,)), T0 - DAY),
                access("a", begin - 40 * SECOND, [(CUSTOMER, "c1")]),
                call("k", begin, begin + MINUTE, subjects=[("record", "c1")]),
                heartbeat(T0 + 9 * DAY, at=T0 + 9 * DAY),
            ]
        )
    )  # fmt: skip
    judge_live(projection, SETTINGS, as_of=T0 + 9 * DAY)
    found = projection.cursor().execute("SELECT template, delta_us FROM verdict_current").fetchall()
    assert found == [("E1", -10 * SECOND)]
