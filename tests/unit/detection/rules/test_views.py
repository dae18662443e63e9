"""The flat views over a real projection: what rules may see, whom they may name, and what stays unknown."""

import pytest
from traces import (
    CONTROLLER,
    CUSTOMER,
    ORDER,
    SECOND,
    T0,
    Event,
    Shards,
    access,
    call,
    catalogue,
    event,
    gate,
    heartbeat,
    key,
    link,
    person,
)

from quivive.detection.judge import ControllerJudging, JudgeSettings, judge_live
from quivive.detection.rules.views import build_views, local_days
from quivive.model.access import AttributionSource, Pattern, PatternClass
from quivive.model.alert import CanaryBody, WatchedRecordBody
from quivive.model.contact import AccountRef, AgentBody, ShiftBody
from quivive.model.entry import EntryKind
from quivive.model.gate import GateState

MINUTE, HOUR, DAY = 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND
JUDGING = JudgeSettings(controllers={CONTROLLER: ControllerJudging(contact_sources=("phone-feed",), lateness_s=0)})


@pytest.fixture
def see(projection):
    """Project events, judge them, and read a view of the day around T0."""

    def look(*events: Event, view: str = "access_enriched") -> list[dict[str, object]]:
        projection.apply(Shards().durable([catalogue(), gate(), *events]))
        judge_live(projection, JUDGING, as_of=T0 + 2 * HOUR)
        with projection.reading() as cursor:
            build_views(cursor, projection, controllers=[CONTROLLER], from_at=T0 - DAY, to_at=T0 + DAY)
            found = cursor.execute(f"SELECT * FROM {view} ORDER BY event_at, 2, 3")
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    return look


def staff(name: str = "alice", login: str = "login-a", **changes) -> Event:
    account = AccountRef(controller=CONTROLLER, namespace="crm", agent=key(login), valid_from=0, valid_to=0)
    fields = {
        "person": key(name), "version": 1, "employer": "acme", "establishment": "lyon", "country": "FR",
        "site": "lyon", "team": "t1", "controllers": (CONTROLLER,), "accounts": (account,), "informed_at": 1,
        "active_from": 0, "active_to": 0,
    }  # fmt: skip
    return event(
        EntryKind.DIRECTORY_AGENT, AgentBody(**{**fields, **changes}), source="hr", at=T0, controller="operator"
    )


def shift(begin: int, end: int, name: str = "alice", shift: str = "s1") -> Event:
    body = ShiftBody(shift=shift, version=1, person=key(name), from_at=begin, to_at=end, cancelled=False)
    return event(EntryKind.ROSTER_SHIFT, body, source="planning", at=T0, controller="operator")


def configuration() -> Event:
    body = {
        "zones": {"paris": {"cidrs": [], "site": "paris", "country": "FR"}, "abroad": {"site": "", "country": "TN"}},
        "sources": {"planning": {"kind": "roster"}},
        "controllers": {CONTROLLER: {"sensitive": {"bank": ["public.customer.iban"]}}},
    }
    return event(EntryKind.CONFIGURATION, body, source="core", at=T0, controller="operator")


def watched(record: str, *, owner: str = "", removed: bool = False, at: int = T0) -> Event:
    body = WatchedRecordBody(controller=CONTROLLER, key=key(record), removed=removed, owner=key(owner) if owner else "")
    return event(EntryKind.WATCHED_RECORD, body, source="core", at=at)


def test_an_informed_agent_of_an_active_establishment_is_named_as_a_person(see):
    """`ident` is the person, `login` the account."""
    (row,) = see(person("alice", ["login-a"]), access("x", T0, [(CUSTOMER, "c1")]))
    assert (row["ident"], row["login"]) == (key("alice"), key("login-a"))


@pytest.mark.parametrize(
    "events",
    [
        (person("alice", ["login-a"], informed_at=0),),
        (person("alice", ["login-a"], informed_at=T0 + SECOND),),
        (person("alice", ["login-a"], establishment="nantes"),),
        (person("alice", ["login-a"]), gate(GateState.INFORMED, at=T0 + SECOND)),
        (person("alice", ["login-a"], valid=(1, T0)),),
    ],
    ids=["never informed", "informed later", "establishment not active", "gate gone back", "account closed"],
)
def test_before_the_gate_an_access_is_not_there_at_all(see, events):
    """Nobody is counted before the gate, not even without a name."""
    assert see(*events, access("x", T0, [(CUSTOMER, "c1")])) == []


def test_a_withheld_access_is_not_there(see):
    """Attribution `not_informed` carries no agent, and no rule looks at it."""
    withheld = access("x", T0, [(CUSTOMER, "c1")], agent="", attribution=AttributionSource.NOT_INFORMED)
    assert see(person("alice", ["login-a"]), withheld) == []


def test_an_unattributed_access_is_nobodys(see):
    """Without agent and account the hit would be operational."""
    (row,) = see(access("x", T0, [(CUSTOMER, "c1")], agent="", attribution=AttributionSource.NONE))
    assert (row["ident"], row["known"], row["service"]) == ("", None, False)


def test_a_service_account_is_named_as_itself(see):
    """An account that no directory names, without an agent: a service account."""
    (row,) = see(access("x", T0, [(CUSTOMER, "c1")], agent="", account=key("batch")))
    assert (row["ident"], row["known"], row["service"]) == (key("batch"), False, True)


def test_the_contract_end_is_seen_while_the_account_is_open(see):
    """`active` follows active_from and active_to of the directory."""
    rows = see(
        staff(active_from=T0 - HOUR, active_to=T0 + HOUR),
        access("before", T0 - 2 * HOUR, [(CUSTOMER, "c1")]),
        access("during", T0, [(CUSTOMER, "c1")]),
        access("after", T0 + HOUR, [(CUSTOMER, "c1")]),
    )
    assert [row["active"] for row in rows] == [False, True, False]


@pytest.mark.parametrize(("controllers", "assigned"), [((CONTROLLER,), True), (("sereni",), False), ((), None)])
def test_assignment_is_unknown_without_any(see, controllers, assigned):
    """A person assigned elsewhere only is not assigned here; one assigned nowhere is not known to be."""
    (row,) = see(staff(controllers=controllers), access("x", T0, [(CUSTOMER, "c1")]))
    assert row["assigned"] is assigned


def test_off_shift_is_told_only_by_a_roster_that_reaches_so_far(see):
    """Within a tolerance on shift; outside off shift; beyond the known roster, or without one, unknown."""
    rows = see(
        staff(),
        staff("bob", "login-b"),
        shift(T0, T0 + HOUR),
        access("early", T0 - 20 * MINUTE, [(CUSTOMER, "c1")]),
        access("night", T0 - 3 * HOUR, [(CUSTOMER, "c1")]),
        access("no roster", T0, [(CUSTOMER, "c1")], agent="login-b"),
        access("beyond", T0 + 3 * HOUR, [(CUSTOMER, "c1")]),
    )
    assert [row["on_shift"] for row in rows] == [False, True, None, None]


def test_a_silent_roster_source_tells_nothing(see):
    """The roster source says how far it is complete: what is later is unknown."""
    rows = see(
        staff(),
        configuration(),
        shift(T0 + 4 * HOUR, T0 + 5 * HOUR),
        event(EntryKind.HEARTBEAT, {"complete_to": T0}, source="planning", at=T0, controller="operator"),
        access("before", T0 - SECOND, [(CUSTOMER, "c1")]),
        access("since", T0 + SECOND, [(CUSTOMER, "c1")]),
    )
    assert [row["on_shift"] for row in rows] == [False, None]


@pytest.mark.parametrize(
    ("zone", "site", "country"),
    [("paris", False, True), ("abroad", None, False), ("other", None, None), ("", None, None)],
)
def test_a_place_is_compared_where_both_sides_are_known(see, zone, site, country):
    """Site and country of the declared zone against the directory's."""
    (row,) = see(staff(), configuration(), access("x", T0, [(CUSTOMER, "c1")], zone=zone))
    assert (row["site_match"], row["country_match"]) == (site, country)


def test_sensitive_groups_by_declared_column(see):
    """Shown and changed apart; other columns belong to no group."""
    rows = see(
        staff(),
        configuration(),
        access("shown", T0, [(CUSTOMER, "c1")], columns=("public.customer.IBAN", "public.customer.id")),
        access("changed", T0 + 1, [(CUSTOMER, "c1")], columns=(), changed=("public.customer.iban",)),
        access("neither", T0 + 2, [(CUSTOMER, "c1")]),
    )
    assert [(row["sensitive_shown"], row["sensitive_changed"]) for row in rows] == [
        (",bank,", ""), ("", ",bank,"), ("", "")
    ]  # fmt: skip


def test_contact_details_are_watched_when_changed_only(see):
    """Every page shows a telephone number: showing it is no event, changing it is one."""
    body = {"controllers": {CONTROLLER: {"sensitive": {"contact": ["public.customer.phone"]}}}}
    rows = see(
        staff(),
        event(EntryKind.CONFIGURATION, body, source="core", at=T0, controller="operator"),
        access("shown", T0, [(CUSTOMER, "c1")], columns=("public.customer.phone",)),
        access("changed", T0 + 1, [(CUSTOMER, "c1")], changed=("public.customer.phone",)),
    )
    assert [(row["sensitive_shown"], row["sensitive_changed"]) for row in rows] == [("", ""), ("", ",contact,")]


def test_a_watched_record_is_noticed_and_so_is_an_order_of_it(see):
    """By the key, and by the link that leads to it; a removed one no longer."""
    rows = see(
        staff(),
        watched("c1"),
        watched("c2"),
        watched("c2", removed=True, at=T0 + 1),
        link("o1", "c1"),
        access("vip", T0, [(CUSTOMER, "c1")]),
        access("order", T0 + 1, [(ORDER, "o1")]),
        access("removed", T0 + 2, [(CUSTOMER, "c2")]),
    )
    assert [row["vip"] for row in rows] == [True, True, False]


def test_a_canary_is_noticed(see):
    """Touched: in the access and in the exposure."""
    body = CanaryBody(controller=CONTROLLER, key=key("c9"), contact_keys=(), removed=False)
    rows = see(staff(), event(EntryKind.CANARY, body, source="core", at=T0), access("x", T0, [(CUSTOMER, "c9")]))
    assert [(row["canary"], row["vip"]) for row in rows] == [(True, False)]


def test_own_and_colleagues_records_are_told_apart(see):
    """A record declared by its owner is no watched one."""
    rows = see(
        staff(),
        staff("bob", "login-b"),
        watched("c1", owner="alice"),
        access("own", T0, [(CUSTOMER, "c1")]),
        access("colleague", T0 + 1, [(CUSTOMER, "c1")], agent="login-b"),
        access("other", T0 + 2, [(CUSTOMER, "c2")]),
        view="exposure_enriched",
    )
    found = [(row["own_record"], row["colleague_record"], row["vip"]) for row in rows]
    assert found == [(True, False, False), (False, True, False), (False, False, False)]


def test_verdicts_are_the_final_ones(see):
    """Explained by a call, unexplained without, pending while the feed is not complete."""
    rows = see(
        staff(),
        call("k1", T0, T0 + MINUTE, subjects=[("record", "c1")]),
        heartbeat(T0 + HOUR),
        access("explained", T0 + SECOND, [(CUSTOMER, "c1")]),
        access("unexplained", T0 + 30 * MINUTE, [(CUSTOMER, "c2")]),
        access("pending", T0 + 90 * MINUTE, [(CUSTOMER, "c3")]),
        view="exposure_enriched",
    )
    assert [(row["verdict"], row["final"]) for row in rows] == [
        ("explained", True), ("unexplained", True), ("pending", False)
    ]  # fmt: skip
    assert (rows[0]["reason"], rows[0]["reason_kind"], rows[0]["table_kind"]) == (key("k1"), "call", "person")


def test_forms_of_a_search_and_neighbourhoods(see):
    """The widest predicate with its fixed characters; distinct neighbourhoods over all parts."""
    pattern = Pattern(column="public.customer.last_name", pattern_class=PatternClass.PREFIX, fixed_chars=1)
    rows = see(
        staff(),
        access("search", T0, [(CUSTOMER, "c1")], patterns=(pattern,), neighbourhoods=("00000000000000aa",)),
        access("two", T0 + 1, [(CUSTOMER, "c1")], part=0, final=False, neighbourhoods=("00000000000000aa",)),
        access("two", T0 + 1, [(CUSTOMER, "c2")], part=1, neighbourhoods=("00000000000000ab", "00000000000000aa")),
    )
    assert [(row["pattern_class"], row["fixed_chars"]) for row in rows] == [("prefix", 1), ("", None)]
    assert [(row["neighbourhoods"], row["neighbourhood"]) for row in rows] == [(1, "00000000000000aa"), (2, "")]


def test_a_contact_shows_its_customers_and_whom_it_explained(see):
    """One row per agent and customer: named by a linked number, or by the accesses the contact explained."""
    rows = see(
        staff(),
        link("number-1", "c1", kind="phone"),
        call("k1", T0, T0 + MINUTE, subjects=[("phone", "number-1")]),
        heartbeat(T0 + HOUR),
        access("x", T0 + SECOND, [(CUSTOMER, "c1")]),
        view="contact_enriched",
    )
    assert [(row["ident"], row["record"], row["phone"]) for row in rows] == [(key("alice"), key("c1"), key("number-1"))]
    assert (rows[0]["connected"], rows[0]["direction"], rows[0]["event_at"]) == (True, "inbound", T0)


def test_sealed_days_are_read_like_hot_ones(projection, see):
    """The same rows before and after a day is sealed."""
    events = (staff(), configuration(), access("x", T0, [(CUSTOMER, "c1")], neighbourhoods=("00000000000000aa",)))
    before = see(*events)
    projection.seal("20260528", T0 + 2 * DAY)
    with projection.reading() as cursor:
        build_views(cursor, projection, controllers=[CONTROLLER], from_at=T0 - DAY, to_at=T0 + DAY)
        after = cursor.execute("SELECT * FROM access_enriched").fetchall()
    assert after == [tuple(row.values()) for row in before]
    assert before[0]["neighbourhoods"] == 1


def test_local_days_follow_the_controllers_clock():
    """A night of the change to summer time has 23 hours, and days begin at local midnight."""
    at = 1_774_738_800 * SECOND  # 2026-03-28T23:00:00Z, midnight in Paris
    days = local_days(["aurore"], {"aurore": "Europe/Paris"}, at, at + 2 * DAY)
    assert [(day, (to - since) // HOUR) for _, day, since, to in days] == [
        ("20260329", 23), ("20260330", 24), ("20260331", 24)
    ]  # fmt: skip
