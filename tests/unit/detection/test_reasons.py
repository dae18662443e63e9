"""Each template at each of its edges: a second before the window, at its edge, at its hard maximum, the wrong person."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from traces import (
    CUSTOMER,
    ORDER,
    PHONE,
    SECOND,
    T0,
    Event,
    Shards,
    access,
    call,
    catalogue,
    contact,
    event,
    gate,
    heartbeat,
    key,
    link,
    person,
)

from quivive.detection.judge import ControllerJudging, JudgeSettings, judge, judge_live, verdict_hash
from quivive.model.alert import WordBody, WordCategory
from quivive.model.clock import utc_day
from quivive.model.contact import ContactKind, Direction, Leg, LegRole
from quivive.model.entry import EntryKind
from quivive.projection.columns import access_id

SETTINGS = JudgeSettings(
    controllers={"aurore": ControllerJudging(contact_sources=(PHONE,), lateness_s=30, silent_after_s=120)}
)
MINUTE, HOUR, DAY = 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND
END = T0 + 10 * DAY
C1 = [("record", "c1")]
NONE = "none"


def judged(projection, *events: Event) -> dict[str, set[str]]:
    """Feed, complete the source, judge live, check that a replay agrees; template/strength by access name."""
    shards = Shards()
    people = [person("anna", ["login-a", "phone-a"]), person("bob", ["login-b"]), person("carl", ["login-c"])]
    projection.apply(shards.durable([catalogue(), gate(), *people, *events, heartbeat(END, at=END)]))
    judge_live(projection, SETTINGS, as_of=END)
    day = utc_day(T0)
    found = verdict_hash(projection, day)
    assert judge(projection, SETTINGS, from_at=T0 - DAY, to_at=END, as_of=END).revised == 0
    assert verdict_hash(projection, day) == found
    names = {}
    for each in events:
        if each.kind is EntryKind.ACCESS:
            names[access_id(each.source, each.body.access, each.body.at)] = each.body.access
    rows = projection.cursor().execute("SELECT access_hi, access_lo, template, strength, verdict FROM verdict_current")
    units: dict[str, set[str]] = {}
    for high, low, template, strength, verdict in rows.fetchall():
        told = f"{template} {strength}" if verdict == "explained" else str(verdict)
        units.setdefault(names[f"{high:016x}{low:016x}"], set()).add(told)
    return units


def one(projection, at: int, *events: Event, **changes: Any) -> str:
    """The verdict of one access to c1 by anna at `at`."""
    found = judged(projection, access("a", at, [(CUSTOMER, "c1")], **changes), *events)
    (told,) = found["a"]
    return told


@dataclass(frozen=True)
class Window:
    """A contact and the instants, from T0, at which the first and the last access is explained, and how."""

    name: str
    made: Event
    first: int
    last: int
    told: str
    agent: str = "login-a"
    outside: str = "unexplained"
    changes: dict[str, Any] = field(default_factory=dict)


def work(kind: ContactKind, **changes: Any) -> Event:
    return contact("k", kind, direction=Direction.INTERNAL, subjects=C1, **changes)


def leg(login: str, from_s: int, to_s: int, role: LegRole = LegRole.AGENT) -> Leg:
    return Leg(agent=key(login), from_at=T0 + from_s * SECOND, to_at=T0 + to_s * SECOND, role=role)


OPENED = {"opened_at": T0, "closed_at": T0 + 10 * MINUTE}
OUTBOUND = {"direction": Direction.OUTBOUND, "campaign": "c-1"}
TWO = (leg("login-b", 0, 120), leg("login-a", 120, 300))
SHARED = (leg("login-b", 0, 300), leg("login-a", 60, 120, LegRole.MONITOR))

WINDOWS = [
    Window("E1", call("k", T0, T0 + 300 * SECOND, subjects=C1), -15, 360, "E1 strong"),
    Window("E1 open", call("k", T0, 0, subjects=C1), -15, 14_400, "E1 strong"),
    Window("E2", call("k", T0, T0 + 300 * SECOND), 0, 360, "E2 weak"),
    Window("E3", call("k", T0, T0 + 300 * SECOND, subjects=C1, wrapped_at=T0 + HOUR), 301, 600, "E3 strong"),
    Window(
        "E4 told", call("k", T0, T0 + 60 * SECOND, subjects=C1, preview_at=T0 - 100 * SECOND, **OUTBOUND),
        -100, -6, "E4 strong",
    ),
    Window(
        "E4 hard maximum", call("k", T0, T0 + 60 * SECOND, subjects=C1, preview_at=T0 - HOUR, **OUTBOUND),
        -600, -6, "E4 strong",
    ),
    Window("E4 list", work(ContactKind.LIST_MEMBER, assigned_at=T0 - HOUR, offered_at=T0), -180, -6, "E4 strong"),
    Window("E4 not dialled", work(ContactKind.LIST_MEMBER, preview_at=T0), 0, 600, "E4 weak"),
    Window("E5", call("k", T0, T0 + 60 * SECOND, subjects=C1, **OUTBOUND), -5, 120, "E5 strong"),
    Window("E5 list", work(ContactKind.LIST_MEMBER, offered_at=T0), -5, 60, "E5 strong"),
    Window("E6", work(ContactKind.CALLBACK, due_at=T0), -900, 7_200, "E6 strong"),
    Window("E6 self-made", work(ContactKind.CALLBACK, due_at=T0, self_made=True), -900, 7_200, "E6 medium"),
    Window("E6 team", work(ContactKind.CALLBACK, due_at=T0, team="t1", agents=["x"]), -900, 7_200, "E6 medium"),
    Window("E7", work(ContactKind.TICKET, assigned_at=T0, closed_at=T0 + HOUR), 0, 90_000, "E7 medium"),
    Window("E7 never closed", work(ContactKind.TICKET, assigned_at=T0), 0, 8 * 86_400, "E7 medium", outside="E7 medium"),
    Window("E8", call("k", T0, T0 + 300 * SECOND, subjects=C1, legs=TWO), 105, 360, "E8 strong"),
    Window("E9", call("k", T0, T0 + 300 * SECOND, subjects=C1, legs=SHARED), -60, 240, "E9 strong"),
    Window("E10", work(ContactKind.REVIEW, **OPENED, touched_at=T0 + HOUR), -600, 2_400, "E10 strong"),
    Window("E10 unsaved", work(ContactKind.REVIEW, **OPENED), -600, 2_400, "E10 weak"),
    Window("E11", work(ContactKind.REQUEST, **OPENED), 0, 600 + 432_000, "E11 strong"),
    Window("E12", work(ContactKind.WORK_ITEM, **OPENED), 0, 2_400, "E12 strong"),
    Window("E13", work(ContactKind.CONVERSATION, **OPENED), -15, 1_200, "E13 strong"),
    Window("E16", work(ContactKind.DUPLICATE, **OPENED), -900, 1_500, "E16 medium"),
    Window("E20", work(ContactKind.ENQUIRY, **OPENED), 0, 600, "E20 strong"),
]  # fmt: skip


@pytest.mark.parametrize("window", WINDOWS, ids=lambda each: each.name)
@pytest.mark.parametrize("edge", ["before", "first", "last", "after"])
def test_a_window_ends_where_it_says(projection, window, edge):
    """Explained at both edges; not a second outside, whatever the agent was doing."""
    seconds = {"before": window.first - 1, "first": window.first, "last": window.last, "after": window.last + 1}[edge]
    told = one(projection, T0 + seconds * SECOND, window.made)
    if edge in {"first", "last"}:
        assert told == window.told
    else:
        assert told != window.told or told == window.outside


@pytest.mark.parametrize("window", WINDOWS, ids=lambda each: each.name)
def test_another_person_has_no_reason(projection, window):
    """The contact must be the person's own; a team's callback his team's."""
    middle = T0 + max(0, window.first) * SECOND
    told = one(projection, middle, window.made, agent="login-c")
    assert told == ("E6 medium" if window.name == "E6 team" else "unexplained")


@pytest.mark.parametrize("window", [each for each in WINDOWS if each.name != "E2"], ids=lambda each: each.name)
def test_another_customer_has_no_reason(projection, window):
    """Time is never enough: the contact must name the customer."""
    found = judged(projection, access("a", T0 + max(0, window.first) * SECOND, [(CUSTOMER, "c9")]), window.made)
    assert found["a"] == {"unexplained"}


def test_a_monitor_of_an_unidentified_call_has_no_reason(projection):
    """E2 is for those who speak with the caller."""
    made = call("k", T0, T0 + 300 * SECOND, legs=SHARED)
    assert one(projection, T0 + 80 * SECOND, made) == "unexplained"


def test_work_that_passed_on_explains_each_in_his_time(projection):
    """A ticket reassigned: the former holder's day ends with his own leg."""
    legs = (leg("login-b", 0, 60), leg("login-a", 60, 0))
    ticket = work(
        ContactKind.TICKET,
        opened_at=T0,
        assigned_at=T0,
        legs=(legs[0], Leg(agent=key("login-a"), from_at=T0 + MINUTE, to_at=0)),
    )
    found = judged(
        projection,
        access("early", T0 + 30 * SECOND, [(CUSTOMER, "c1")]),
        access("late", T0 + 90 * SECOND, [(CUSTOMER, "c1")]),
        access("kept", T0 + 2 * DAY, [(CUSTOMER, "c1")], agent="login-b"),
        ticket,
    )
    assert found == {"early": {"unexplained"}, "late": {"E7 medium"}, "kept": {"unexplained"}}


def test_the_hourly_cap_of_items(projection):
    """E12: the sixty-first item of an hour explains nothing, whatever its order of arrival."""
    items = [
        contact(
            f"k{n:02}", ContactKind.WORK_ITEM, direction=Direction.INTERNAL, subjects=[("record", f"c{n}")],
            opened_at=T0 + n * SECOND, closed_at=T0 + (n + 1) * SECOND, queue="moves",
        )
        for n in range(62)
    ]  # fmt: skip
    # T0 stands 26 min 40 s after the hour: all items are of one hour.
    looks = [access(f"a{n}", T0 + n * SECOND, [(CUSTOMER, f"c{n}")]) for n in (0, 59, 60, 61)]
    found = judged(projection, *reversed(items), *looks)
    assert found == {"a0": {"E12 strong"}, "a59": {"E12 strong"}, "a60": {"unexplained"}, "a61": {"unexplained"}}


@pytest.mark.parametrize(
    ("kind", "role", "told", "margin"),
    [
        (ContactKind.TRAINING, LegRole.LEARNER, "E14 medium", 900),
        (ContactKind.ASSISTANCE, LegRole.HELPER, "E19 medium", 600),
    ],
)
def test_a_companion_sees_what_the_colleague_may_see(projection, kind, role, told, margin):
    """E14, E19: while the colleague's own contact lasts, only its customer, within the session; E2 if nobody is known."""
    session = contact(
        "s", kind, direction=Direction.INTERNAL, opened_at=T0, closed_at=T0 + 10 * MINUTE,
        legs=(Leg(agent=key("login-a"), from_at=0, to_at=0, role=role), Leg(agent=key("login-b"), from_at=0, to_at=0)),
    )  # fmt: skip
    inside = call("k1", T0 + MINUTE, T0 + 2 * MINUTE, subjects=C1, agents=["login-b"])
    outside = call(
        "k2",
        T0 + (600 + margin) * SECOND,
        T0 + (900 + margin) * SECOND,
        subjects=[("record", "c2")],
        agents=["login-b"],
    )
    unknown = call("k3", T0 + 5 * MINUTE, T0 + 6 * MINUTE, agents=["login-b"])
    found = judged(
        projection,
        access("with", T0 + 90 * SECOND, [(CUSTOMER, "c1")]),
        access("other", T0 + 90 * SECOND, [(CUSTOMER, "c9")]),
        access("before", T0 + 40 * SECOND, [(CUSTOMER, "c1")]),
        access("edge", T0 + (600 + margin) * SECOND, [(CUSTOMER, "c2")]),
        access("after", T0 + (601 + margin) * SECOND, [(CUSTOMER, "c2")]),
        *(access(f"hidden{n}", T0 + (330 + n) * SECOND, [(CUSTOMER, f"c{n}")]) for n in (3, 4, 5)),
        session, inside, outside, unknown,
    )  # fmt: skip
    assert found == {
        "with": {told}, "other": {"unexplained"}, "before": {"unexplained"}, "edge": {told},
        "after": {"unexplained"}, "hidden3": {"E2 weak"}, "hidden4": {"E2 weak"}, "hidden5": {"unexplained"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "unexplained"), (1, "E17 weak"), (86_400, "E17 weak"), (86_401, "unexplained")]
)
def test_a_return_within_a_day(projection, seconds, told):
    """E17: weak, at most a day after a strong reason of the same agent."""
    last = T0 + 60 * SECOND
    found = judged(
        projection,
        access("strong", last, [(CUSTOMER, "c1")], agent="phone-a"),
        access("back", last + seconds * SECOND, [(CUSTOMER, "c1" if seconds else "c9")]),
        call("k", T0 - MINUTE, last, subjects=C1, wrapped_at=last + 1),
    )
    assert found["strong"] == {"E1 strong"}
    assert found["back"] == {told}


def test_a_return_never_makes_another(projection):
    """E17 does not chain, is not another agent's, and finds the customer under another record of his."""
    start = T0 + 60 * SECOND
    found = judged(
        projection,
        link("o1", "c1"),
        access("strong", start, [(ORDER, "o1")]),
        access("back", start + 20 * HOUR, [(CUSTOMER, "c1")]),
        access("again", start + 30 * HOUR, [(CUSTOMER, "c1")]),
        access("other", start + HOUR, [(CUSTOMER, "c1")], agent="login-b"),
        call("k", T0, start, subjects=C1),
    )
    assert found == {"strong": {"E1 strong"}, "back": {"E17 weak"}, "again": {"unexplained"}, "other": {"unexplained"}}


def test_a_return_follows_late_evidence(projection):
    """The strong reason comes after the verdicts were final: the return is found in the same judgement."""
    shards = Shards()
    start = T0 + 60 * SECOND
    looks = [access("strong", start, [(CUSTOMER, "c1")]), access("back", start + HOUR, [(CUSTOMER, "c1")])]
    projection.apply(shards.durable([catalogue(), gate(), person("anna", ["login-a"]), *looks, heartbeat(END, at=END)]))
    judge_live(projection, SETTINGS, as_of=END)
    projection.apply(shards.durable([call("k", T0, start, subjects=C1)]))
    assert judge_live(projection, SETTINGS, as_of=END).revised == 2
    told = projection.cursor().execute("SELECT template FROM verdict_current ORDER BY started_at").fetchall()
    assert told == [("E1",), ("E17",)]


def test_a_return_reaches_into_sealed_days(projection):
    """Yesterday is Parquet already: the strong reason in it still counts, live as in a replay."""
    shards = Shards()
    first, back = T0 + 60 * SECOND, T0 + 12 * HOUR
    events = [catalogue(), gate(), person("anna", ["login-a"]), access("strong", first, [(CUSTOMER, "c1")])]
    projection.apply(shards.durable([*events, call("k", T0, first, subjects=C1), heartbeat(T0 + HOUR, at=T0 + HOUR)]))
    judge_live(projection, SETTINGS, as_of=T0 + HOUR)
    assert projection.seal(utc_day(T0), T0 + 9 * HOUR) == 1
    projection.apply(shards.durable([access("back", back, [(CUSTOMER, "c1")]), heartbeat(END, at=END)]))
    judge_live(projection, SETTINGS, as_of=END)
    assert projection.cursor().execute("SELECT template, strength FROM verdict_current").fetchall() == [("E17", "weak")]
    assert judge(projection, SETTINGS, from_at=back - 1, to_at=back + 1, as_of=END).revised == 0


def run(**changes: Any) -> Event:
    return contact("j", ContactKind.JOB, direction=Direction.INTERNAL, agents=(), account=key("batch"), **changes)


def by_account(name: str, at: int, **changes: Any) -> Event:
    return access(name, at, [(CUSTOMER, name)], agent="", account=key("batch"), **changes)


def test_a_declared_run_of_a_service_account(projection):
    """E21: in the run and by its account only; before, after and by a person's account it is unattributed."""
    found = judged(
        projection,
        by_account("in", T0), by_account("last", T0 + 10 * MINUTE), by_account("before", T0 - SECOND),
        by_account("after", T0 + 601 * SECOND),
        access("person", T0 + SECOND, [(CUSTOMER, "c1")], agent="", account=key("login-a")),
        run(**OPENED),
        contact("j2", ContactKind.JOB, agents=(), account=key("login-a"), **OPENED),
    )  # fmt: skip
    assert found == {
        "in": {"E21 strong"}, "last": {"E21 strong"}, "before": {"unknown"}, "after": {"unknown"},
        "person": {"unknown"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("gaps", "told"),
    [([10, 30, 4, 60, 20, 5], "unknown"), ([30] * 6, "E21 strong"), ([0.1, 0.5, 0.1, 3, 0.1, 0.1], "E21 strong")],
    ids=["hands", "timer", "machine"],
)
def test_the_rhythm_of_hands_voids_a_run(projection, gaps, told):
    """Slow and uneven: somebody sits at the batch account. A timer is even, a machine is fast."""
    at, looks = T0 + 200 * SECOND, []  # T0 + 200 s begins ten even minutes
    for number, gap in enumerate(gaps):
        at += int(gap * SECOND)
        looks.append(by_account(f"a{number}", at))
    assert set.union(*judged(projection, *looks, run(opened_at=T0)).values()) == {told}


def word(name: str, at: int, agent: str = "anna") -> Event:
    body = WordBody(
        question=key(f"q-{name}"), controller="aurore", ident=key(agent), access=access_id("db", name, at),
        category=WordCategory.COLLEAGUE, answered_at=at + HOUR,
    )  # fmt: skip
    return event(EntryKind.AGENT_WORD, body, source="console", at=at + HOUR)


def test_a_declared_reason_is_weak(projection):
    """E22: for what nothing else explains, from the person himself, never strong."""
    found = judged(
        projection,
        access("mine", T0, [(CUSTOMER, "c1")]), word("mine", T0),
        access("theirs", T0 + SECOND, [(CUSTOMER, "c2")]), word("theirs", T0 + SECOND, agent="bob"),
        access("known", T0 + HOUR, [(CUSTOMER, "c3")]), word("known", T0 + HOUR),
        call("k", T0 + HOUR, T0 + HOUR + MINUTE, subjects=[("record", "c3")]),
    )  # fmt: skip
    assert found == {"mine": {"E22 weak"}, "theirs": {"unexplained"}, "known": {"E1 strong"}}


def test_back_to_back_unidentified_calls_keep_their_ranks(projection):
    """E2: what was opened at the end of one call takes no place in the next; each has its own two subjects."""
    looks = [(100, "c1"), (110, "c2"), (125, "c3"), (170, "c4")]
    found = judged(
        projection,
        *(access(name, T0 + at * SECOND, [(CUSTOMER, name)]) for at, name in looks),
        call("k1", T0, T0 + 118 * SECOND, wrapped_at=T0 + 119 * SECOND),
        call("k2", T0 + 120 * SECOND, T0 + 300 * SECOND),
    )
    assert set.union(*found.values()) == {"E2 weak"}
