"""The judge: each template, each verdict, late evidence, silent sources."""

import pytest
from traces import (
    CUSTOMER,
    HOUSEHOLD,
    ORDER,
    PHONE,
    PRODUCT,
    SECOND,
    T0,
    Shards,
    access,
    call,
    catalogue,
    contact,
    gate,
    heartbeat,
    key,
    link,
    person,
)

from quivive.detection.judge import ControllerJudging, JudgeSettings, judge, judge_live
from quivive.model.access import CoverageClass
from quivive.model.contact import ContactKind, Leg
from quivive.projection.columns import access_id
from quivive.projection.query import Scope

SETTINGS = JudgeSettings(
    controllers={"aurore": ControllerJudging(contact_sources=(PHONE,), lateness_s=30, silent_after_s=120)}
)
MINUTE = 60 * SECOND
END = T0 + 3_600 * SECOND


class Bench:
    """Feeds events and reads verdicts back."""

    def __init__(self, projection):
        self.projection = projection
        self.shards = Shards()
        self.feed(catalogue(), gate(), person("anna", ["login-a", "phone-a"]))

    def feed(self, *events):
        self.projection.apply(self.shards.durable(events))

    def live(self, as_of=END):
        return judge_live(self.projection, SETTINGS, as_of=as_of)

    def settle(self, *events):
        """Feed, complete the contact source and judge."""
        self.feed(*events, heartbeat(END, at=END))
        self.live()
        return self

    def units(self, name, at, source="db"):
        """Verdict rows of one access: (verdict, strength, template, cause)."""
        identifier = access_id(source, name, at)
        cursor = self.projection.cursor()
        return sorted(
            cursor.execute(
                "SELECT verdict, strength, template, cause FROM verdict_current WHERE access_hi = $1 AND access_lo = $2",
                [int(identifier[:16], 16), int(identifier[16:], 16)],
            ).fetchall()
        )

    def one(self, name, at):
        (unit,) = self.units(name, at)
        return unit

    def query(self, name, **params):
        scope = Scope(controllers=("aurore",), from_at=T0 - 10**12, to_at=END, purpose="test", principal="p1")
        return self.projection.query(scope, name, params)


@pytest.fixture
def bench(projection):
    return Bench(projection)


UNEXPLAINED = ("unexplained", "none", "none", "none")


def test_identified_call_is_strong(bench):
    """E1: an access to the caller's record during the agent's call is strong."""
    at = T0 + MINUTE
    bench.settle(access("a", at, [(CUSTOMER, "c1")]), call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c1")]))
    assert bench.one("a", at) == ("explained", "strong", "E1", "none")


def test_time_alone_is_no_reason(bench):
    """Another customer's record during an identified call stays unexplained."""
    at = T0 + MINUTE
    bench.settle(access("a", at, [(CUSTOMER, "c2")]), call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c1")]))
    assert bench.one("a", at) == UNEXPLAINED


def test_another_agents_call_is_no_reason(bench):
    """The call must be the agent's own."""
    at = T0 + MINUTE
    bench.settle(
        person("bob", ["login-b"]),
        access("a", at, [(CUSTOMER, "c1")]),
        call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c1")], agents=["login-b"]),
    )
    assert bench.one("a", at) == UNEXPLAINED


def test_two_logins_of_one_person_match(bench):
    """The telephony login and the CRM login meet in the person."""
    at = T0 + MINUTE
    bench.settle(
        access("a", at, [(CUSTOMER, "c1")]),
        call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c1")], agents=["phone-a"]),
    )
    assert bench.one("a", at) == ("explained", "strong", "E1", "none")


def test_agents_outside_the_directory_match_by_key_only(bench):
    """The same AgentKey on both sides matches when the directory knows neither."""
    at = T0 + MINUTE
    bench.settle(
        access("a", at, [(CUSTOMER, "c1")], agent="x"),
        call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c1")], agents=["x"]),
    )
    assert bench.one("a", at) == ("explained", "strong", "E1", "none")


def test_order_resolves_to_its_customer(bench):
    """An order's page is explained by its customer's call, through a link."""
    at = T0 + MINUTE
    bench.settle(
        link("o1", "c1"),
        access("a", at, [(ORDER, "o1")]),
        call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c1")]),
    )
    assert bench.one("a", at) == ("explained", "strong", "E1", "none")


@pytest.mark.parametrize(("sharers", "strength"), [(1, "strong"), (3, "strong"), (4, "medium"), (10, "medium")])
def test_shared_phone_weakens(bench, sharers, strength):
    """A telephone number of more than three persons is a medium identity."""
    at = T0 + MINUTE
    bench.settle(
        *(link("+33", f"c{number}", kind="phone") for number in range(sharers)),
        access("a", at, [(CUSTOMER, "c0")]),
        call("k", T0, T0 + 5 * MINUTE, subjects=[("phone", "+33")]),
    )
    assert bench.one("a", at) == ("explained", strength, "E1", "none")


def test_phone_of_many_is_no_identity(bench):
    """A number of more than ten persons names nobody: the call counts as unidentified."""
    at = T0 + MINUTE
    bench.settle(
        *(link("+33", f"c{number}", kind="phone") for number in range(11)),
        access("a", at, [(CUSTOMER, "c0")]),
        call("k", T0, T0 + 5 * MINUTE, subjects=[("phone", "+33")]),
    )
    assert bench.one("a", at) == ("explained", "weak", "E2", "none")


def test_unidentified_call_explains_two_subjects(bench):
    """E2: the first two distinct subjects are weak, the third is unexplained; a second look at the first is free."""
    times = [T0 + MINUTE * n for n in (1, 2, 3, 4)]
    names = ["c1", "c2", "c1", "c3"]
    bench.settle(
        *(access(f"a{n}", at, [(CUSTOMER, name)]) for n, (at, name) in enumerate(zip(times, names, strict=True))),
        call("k", T0, T0 + 5 * MINUTE),
    )
    found = [bench.one(f"a{n}", at)[2] for n, at in enumerate(times)]
    assert found == ["E2", "E2", "E2", "none"]


def test_cap_counts_over_late_accesses(bench):
    """An earlier access that arrives later moves the rank of those judged before, while nothing is final."""
    first, second, third = (T0 + MINUTE * n for n in (1, 2, 3))
    bench.feed(
        access("a2", second, [(CUSTOMER, "c2")]),
        access("a3", third, [(CUSTOMER, "c3")]),
        call("k", T0, T0 + 5 * MINUTE),
    )
    bench.live(as_of=T0 + 6 * MINUTE)
    assert bench.one("a3", third)[2] == "E2"
    bench.feed(access("a1", first, [(CUSTOMER, "c1")]))
    bench.live(as_of=T0 + 6 * MINUTE)
    assert [bench.one(f"a{n}", at)[2] for n, at in ((1, first), (2, second), (3, third))] == ["E2", "E2", "none"]


def test_wrap_up_after_the_call(bench):
    """E3: after-call work on the same customer is strong until the switch says it ended; later it is a return."""
    inside, outside = T0 + 7 * MINUTE, T0 + 9 * MINUTE
    bench.settle(
        access("in", inside, [(CUSTOMER, "c1")]),
        access("out", outside, [(CUSTOMER, "c1")]),
        call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c1")], wrapped_at=T0 + 8 * MINUTE),
    )
    assert bench.one("in", inside) == ("explained", "strong", "E3", "none")
    assert bench.one("out", outside) == ("explained", "weak", "E17", "none")


@pytest.mark.parametrize(
    ("agents", "team", "self_made", "strength"),
    [(["login-a"], "", False, "strong"), (["login-a"], "", True, "medium"), (["login-b"], "t1", False, "medium")],
)
def test_callback(bench, agents, team, self_made, strength):
    """E6: strong for the owner, medium for his team or when self-made."""
    at = T0 + MINUTE
    bench.settle(
        access("a", at, [(CUSTOMER, "c1")]),
        contact(
            "k", ContactKind.CALLBACK, agents=agents, team=team, self_made=self_made, due_at=T0,
            subjects=[("record", "c1")],
        ),
    )  # fmt: skip
    assert bench.one("a", at) == ("explained", strength, "E6", "none")


@pytest.mark.parametrize(("touched", "strength"), [(10 * MINUTE, "strong"), (40 * MINUTE, "medium")])
def test_ticket(bench, touched, strength):
    """E7: strong when the ticket was worked on within fifteen minutes, else medium."""
    at = T0 + MINUTE
    bench.settle(
        access("a", at, [(CUSTOMER, "c1")]),
        contact(
            "k", ContactKind.TICKET, assigned_at=T0, touched_at=at + touched, subjects=[("record", "c1")],
        ),
    )  # fmt: skip
    assert bench.one("a", at) == ("explained", strength, "E7", "none")


def test_touch_of_an_older_version_counts(bench):
    """A later version of a ticket does not take its earlier work away."""
    at = T0 + MINUTE
    ticket = {"subjects": [("record", "c1")], "assigned_at": T0}
    bench.settle(
        access("a", at, [(CUSTOMER, "c1")]),
        contact("k", ContactKind.TICKET, touched_at=at, version=1, **ticket),
        contact("k", ContactKind.TICKET, touched_at=at + 50 * MINUTE, version=2, **ticket),
    )
    assert bench.one("a", at)[1] == "strong"


def test_related_record_through_household(bench):
    """E15: a member of the caller's household is medium, at most three, and only by an older tie."""
    times = [T0 + MINUTE * n for n in (1, 2, 3, 4)]
    bench.settle(
        *(link(f"c{n}", "h", table=HOUSEHOLD, at=T0 - MINUTE) for n in range(5)),
        *(access(f"a{n}", at, [(CUSTOMER, f"c{n}")]) for n, at in enumerate(times, start=1)),
        call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c0")]),
    )
    found = [bench.one(f"a{n}", at) for n, at in enumerate(times, start=1)]
    assert found == [("explained", "medium", "E15", "none")] * 3 + [UNEXPLAINED]


def test_tie_made_by_the_access_is_no_reason(bench):
    """E15 needs an edge known before the access."""
    at = T0 + MINUTE
    bench.settle(
        link("c0", "h", table=HOUSEHOLD, at=T0 - MINUTE),
        link("c1", "h", table=HOUSEHOLD, at=at),
        access("a", at, [(CUSTOMER, "c1")]),
        call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c0")]),
    )
    assert bench.one("a", at) == UNEXPLAINED


def test_household_is_no_identity(bench):
    """Two persons of one household are two persons: nothing is strong through the group."""
    at = T0 + 6 * MINUTE
    bench.settle(
        *(link(f"c{n}", "h", table=HOUSEHOLD, at=T0 - MINUTE) for n in range(2)),
        access("a", at, [(CUSTOMER, "c1")]),
        contact("k", ContactKind.TICKET, assigned_at=T0, touched_at=at, subjects=[("record", "c0")]),
    )
    assert bench.one("a", at) == UNEXPLAINED


def test_listing_led_to_an_explained_opening(bench):
    """E18: rows not opened are weak when the search led to an explained opening; the opened row keeps its reason."""
    search, opening = T0 + MINUTE, T0 + 2 * MINUTE
    rows = [(CUSTOMER, f"c{n}") for n in range(8)]
    bench.settle(
        access("s", search, rows),
        access("o", opening, [rows[0]]),
        call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c0")]),
    )
    units = bench.units("s", search)
    assert units.count(("explained", "weak", "E18", "none")) == 7
    assert units.count(("explained", "strong", "E1", "none")) == 1


def test_listing_in_an_unidentified_call(bench):
    """The search of an unidentified caller is explained when it led to the opening that E2 explains."""
    search, opening = T0 + MINUTE, T0 + 2 * MINUTE
    rows = [(CUSTOMER, f"c{n}") for n in range(8)]
    bench.settle(access("s", search, rows), access("o", opening, [rows[3]]), call("k", T0, T0 + 5 * MINUTE))
    assert bench.units("s", search) == [("explained", "weak", "E18", "none")] * 8
    assert bench.one("o", opening) == ("explained", "weak", "E2", "none")


def test_search_without_opening_is_unexplained(bench):
    """A listing that leads nowhere has no reason."""
    at = T0 + MINUTE
    bench.settle(
        access("s", at, [(CUSTOMER, f"c{n}") for n in range(8)]),
        call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "z")]),
    )
    assert set(bench.units("s", at)) == {UNEXPLAINED}


@pytest.mark.parametrize("size", [21, 900])
def test_large_listing_is_judged_once(bench, size):
    """More than twenty subjects give one verdict; all keys stay for look-up."""
    at = T0 + MINUTE
    bench.settle(access("s", at, [(CUSTOMER, f"c{n}") for n in range(size)]))
    assert bench.one("s", at) == UNEXPLAINED
    (row,) = bench.query("accesses_by_subject", keys=[key(f"c{size - 1}")])
    assert row["verdict"] == "unexplained"


def test_many_orders_of_one_customer_are_no_listing(bench):
    """Twenty-five orders of one customer are one subject."""
    at = T0 + MINUTE
    orders = [f"o{n}" for n in range(25)]
    bench.settle(
        *(link(order, "c1") for order in orders),
        access("a", at, [(ORDER, order) for order in orders]),
        call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c1")]),
    )
    assert set(bench.units("a", at)) == {("explained", "strong", "E1", "none")}


def test_stated_contact_is_strong_for_the_same_person(bench):
    """A contact stated by the application is strong beyond its window, for its own agent and customer."""
    late = T0 + 12 * MINUTE
    bench.settle(
        person("bob", ["login-b"]),
        access("a", late, [(CUSTOMER, "c1")], contact="k"),
        access("b", late, [(CUSTOMER, "c1")], contact="k", agent="login-b"),
        access("c", late, [(CUSTOMER, "c9")], contact="k"),
        call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c1")]),
    )
    assert bench.one("a", late) == ("explained", "strong", "E1", "none")
    assert bench.one("b", late) == UNEXPLAINED
    assert bench.one("c", late) == UNEXPLAINED


def test_stated_unidentified_contact_is_strong_once(bench):
    """Caller unknown, contact stated: the first subject is strong, the next weak, then none."""
    times = [T0 + MINUTE * n for n in (1, 2, 3)]
    bench.settle(
        *(access(f"a{n}", at, [(CUSTOMER, f"c{n}")], contact="k") for n, at in enumerate(times)),
        call("k", T0, T0 + 5 * MINUTE),
    )
    assert [bench.one(f"a{n}", at)[1:3] for n, at in enumerate(times)] == [
        ("strong", "E1"), ("weak", "E2"), ("none", "none"),
    ]  # fmt: skip


def test_transfer_explains_each_leg_in_its_time(bench):
    """Each agent of a transferred call is explained during his own leg (E1, E8); after it he only returns (E17)."""
    early, late = T0 + MINUTE, T0 + 4 * MINUTE
    legs = (
        Leg(agent=key("login-a"), from_at=T0, to_at=T0 + 2 * MINUTE),
        Leg(agent=key("login-b"), from_at=T0 + 2 * MINUTE, to_at=T0 + 5 * MINUTE),
    )
    bench.settle(
        person("bob", ["login-b"]),
        access("a1", early, [(CUSTOMER, "c1")]),
        access("a2", late, [(CUSTOMER, "c1")]),
        access("b1", early, [(CUSTOMER, "c1")], agent="login-b"),
        access("b2", late, [(CUSTOMER, "c1")], agent="login-b"),
        call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c1")], legs=legs),
    )
    found = [bench.one(name, at)[2] for name, at in (("a1", early), ("a2", late), ("b1", early), ("b2", late))]
    assert found == ["E1", "E17", "none", "E8"]


def test_pending_until_the_source_is_complete(bench):
    """Without a reason an access is pending until its contact source has delivered past it, then unexplained."""
    at = T0 + MINUTE
    bench.feed(access("a", at, [(CUSTOMER, "c1")]), heartbeat(at + 20 * SECOND))
    bench.live(as_of=at + 40 * SECOND)
    assert bench.one("a", at)[0] == "pending"
    bench.feed(heartbeat(at + 50 * SECOND))
    bench.live(as_of=at + 50 * SECOND)
    assert bench.one("a", at) == UNEXPLAINED


def test_silent_source_is_never_charged(bench):
    """A source silent for too long makes it unknown; once it is back, the access is judged."""
    at = T0 + MINUTE
    bench.feed(access("a", at, [(CUSTOMER, "c1")]), heartbeat(at))
    bench.live(as_of=at + 121 * SECOND)
    assert bench.one("a", at) == ("unknown", "none", "none", "source_silent")
    assert bench.query("unexplained") == []
    bench.feed(call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c1")]), heartbeat(at + 10 * MINUTE))
    bench.live(as_of=at + 10 * MINUTE)
    assert bench.one("a", at) == ("explained", "strong", "E1", "none")


def test_source_never_heard_is_silent(bench):
    """A declared source that never spoke is silent, not complete."""
    bench.feed(access("a", T0, [(CUSTOMER, "c1")]))
    bench.live()
    assert bench.one("a", T0)[3] == "source_silent"


def test_unattributed(bench):
    """Without an agent the verdict is unknown, with its cause."""
    bench.settle(access("a", T0, [(CUSTOMER, "c1")], agent=""))
    assert bench.one("a", T0) == ("unknown", "none", "none", "unattributed")


def test_uninformed_agent_is_never_linked(bench):
    """An access before the agent was informed is not linked to the person, nor to the bare account."""
    early, late = T0 + MINUTE, T0 + 3 * MINUTE
    bench.settle(
        person("carl", ["login-c"], informed_at=T0 + 2 * MINUTE),
        access("e", early, [(CUSTOMER, "c1")], agent="login-c"),
        access("l", late, [(CUSTOMER, "c1")], agent="login-c"),
        call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c1")], agents=["login-c"]),
    )
    assert bench.one("e", early)[3] == "unattributed"
    assert bench.one("l", late) == ("explained", "strong", "E1", "none")


@pytest.mark.parametrize("coverage", [CoverageClass.COUNT_ONLY, CoverageClass.OPAQUE])
def test_records_that_could_not_be_told(bench, coverage):
    """Rows whose records are unknown are unknown, never "no records"."""
    bench.settle(access("a", T0, coverage=coverage))
    assert bench.one("a", T0) == ("unknown", "none", "none", "key_unresolved")


def test_unmapped_table_is_never_explained(bench):
    """A record of an undeclared table is unknown even during an unidentified call."""
    bench.settle(access("a", T0, [("public.mystery", "m1")]), call("k", T0, T0 + MINUTE))
    assert bench.one("a", T0) == ("unknown", "none", "none", "key_unresolved")


def test_aggregate_and_reference_need_no_reason(bench):
    """Nobody was shown: no verdict."""
    bench.settle(access("n", T0, coverage=CoverageClass.AGGREGATE), access("r", T0, [(PRODUCT, "p1")]))
    assert bench.one("n", T0)[0] == "not_applicable"
    assert bench.one("r", T0)[0] == "not_applicable"
    assert {row["verdict"] for row in bench.query("activity")} == {""}


def test_late_link_is_late_evidence(bench):
    """A link that arrives after the final verdict appends a revision that closes it."""
    at = T0 + MINUTE
    bench.settle(access("a", at, [(ORDER, "o1")]), call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c1")]))
    assert bench.one("a", at) == UNEXPLAINED
    bench.feed(link("o1", "c1", at=END))
    assert bench.live().revised == 1
    assert bench.one("a", at) == ("explained", "strong", "E1", "none")
    cursor = bench.projection.cursor()
    assert cursor.execute("SELECT revision, verdict FROM (SELECT * FROM verdict UNION ALL SELECT * FROM verdict_current) ORDER BY revision").fetchall() == [
        (1, "unexplained"), (2, "explained"),
    ]  # fmt: skip


def test_late_evidence_never_opens(bench):
    """A correction that takes the reason away is a revision marked late, and the list stays closed."""
    at = T0 + MINUTE
    bench.settle(access("a", at, [(CUSTOMER, "c1")]), call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c1")]))
    bench.feed(call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c2")], version=2))
    bench.live()
    assert bench.one("a", at)[0] == "unexplained"
    assert bench.query("unexplained") == []


def test_idle_judgement_does_nothing(bench):
    """A second judgement without news revises nothing."""
    bench.settle(access("a", T0, [(CUSTOMER, "c1")]))
    assert bench.live() == type(bench.live())(exposures=0, revised=0)
    assert judge(bench.projection, SETTINGS, from_at=T0 - 1, to_at=END, as_of=END).revised == 0


def test_directory_that_comes_late(bench):
    """An account named later is linked then, if the person had been informed before the access."""
    at = T0 + MINUTE
    bench.settle(
        access("a", at, [(CUSTOMER, "c1")], agent="login-d"),
        call("k", T0, T0 + 5 * MINUTE, subjects=[("record", "c1")], agents=["phone-d"]),
    )
    assert bench.one("a", at) == UNEXPLAINED
    bench.settle(person("dora", ["login-d", "phone-d"]))
    assert bench.one("a", at) == ("explained", "strong", "E1", "none")
