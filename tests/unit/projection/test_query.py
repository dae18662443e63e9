"""Named queries: scope, gate, and what never leaves."""

import re
from pathlib import Path

import pytest
from traces import (
    CONTROLLER,
    CUSTOMER,
    PHONE,
    SECOND,
    T0,
    Shards,
    access,
    call,
    catalogue,
    gate,
    heartbeat,
    key,
    link,
    person,
)

import quivive.projection.query as query_module
from quivive.detection.judge import ControllerJudging, JudgeSettings, judge_live
from quivive.model.gate import GateState
from quivive.privacy.pseudonym import neutral_code
from quivive.projection.columns import access_id
from quivive.projection.projection import Projection
from quivive.projection.query import QUERY_NAMES, Scope

SETTINGS = JudgeSettings(controllers={CONTROLLER: ControllerJudging(contact_sources=(PHONE,), lateness_s=30)})
END = T0 + 3_600 * SECOND
TEXTS = Path(query_module.__file__).parent / "queries"


def scope(**changes):
    fields = {"controllers": (CONTROLLER,), "from_at": T0 - 1, "to_at": END, "purpose": "review", "principal": "p1"}
    return Scope(**{**fields, **changes})


@pytest.fixture
def filled(projection):
    return fill(projection)


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """The same with both establishments active, shared by tests that only read."""
    made = fill(Projection.open(tmp_path_factory.mktemp("opened")))
    made.open_gate(gate(), gate(establishment="nantes"))
    yield made
    made.close()


def fill(projection):
    """Two agents of the directory, one outside it; one explained access, strays, another controller's access."""
    shards = Shards()
    projection.apply(
        shards.durable(
            [
                catalogue(),
                person("anna", ["login-a"]),
                person("bob", ["login-b"], establishment="nantes", controllers=["other"]),
                link("+1", "c1", kind="phone"),
                call("A-17", T0, T0 + 300 * SECOND, subjects=[("phone", "+1")]),
                access("a1", T0 + 60 * SECOND, [(CUSTOMER, "c1")]),
                access("a2", T0 + 61 * SECOND, [(CUSTOMER, "c2")]),
                access("b1", T0 + 62 * SECOND, [(CUSTOMER, "c1")], agent="login-b"),
                access("u1", T0 + 63 * SECOND, [(CUSTOMER, "c1")], agent="login-unknown"),
                access("o1", T0 + 64 * SECOND, [(CUSTOMER, "c1")], controller="other"),
                heartbeat(END, at=END),
            ]
        )
    )
    judge_live(projection, SETTINGS, as_of=END)
    projection.open_gate = lambda *events: projection.apply(shards.durable(events))
    return projection


PARAMS = {
    "keys": [key("c1")], "access": access_id("db", "a1", T0 + 60 * SECOND), "episode": "x", "limit": 50,
}  # fmt: skip


def test_before_active_nobody_is_named(filled):
    """In every state before active, no query tells an agent, or a row to explain."""
    for instant, state in enumerate([None, *(s for s in GateState if s is not GateState.ACTIVE)]):
        if state is not None:
            filled.open_gate(gate(state, at=T0 + instant))
        for name in QUERY_NAMES:
            rows = filled.query(scope(), name, PARAMS)
            assert all(row.get("agent_code") is None for row in rows), (name, state)
            if name.startswith(("unexplained", "weak_excess", "evidence")):
                assert rows == [], (name, state)
            assert all(row.get("unexplained", 0) == 0 for row in rows if name == "counts")


@pytest.mark.parametrize("name", QUERY_NAMES)
def test_no_agent_key_leaves(opened, name):
    """Neither AgentKey nor PersonKey is in any answer; agents are neutral codes."""
    text = repr(opened.query(scope(), name, PARAMS))
    for secret in (key("login-a"), key("login-b"), key("login-unknown"), key("anna"), key("bob")):
        assert secret not in text


def test_gate_is_per_establishment(filled):
    """Only the active establishment's agents are named; an agent outside the directory by his own key."""
    filled.open_gate(gate())
    codes = {row["at"]: row["agent_code"] for row in filled.query(scope(), "accesses_by_subject", PARAMS)}
    assert codes == {
        T0 + 60 * SECOND: neutral_code(key("anna")),
        T0 + 62 * SECOND: None,
        T0 + 63 * SECOND: neutral_code(key("login-unknown")),
    }


def test_closing_the_gate_hides_again(filled):
    """A larger scope sends the module back: the names go with the next query."""
    filled.open_gate(gate(), gate(GateState.ASSESSED, at=T0 + 5))
    assert all(row["agent_code"] is None for row in filled.query(scope(), "activity", {}))


@pytest.mark.parametrize("name", QUERY_NAMES)
def test_scope_holds_controllers_and_period(opened, name):
    """Nothing of another controller, nothing outside the period."""
    for row in opened.query(scope(), name, PARAMS):
        assert row.get("controller", CONTROLLER) in {CONTROLLER, "operator"}
    if name not in {
        "gate",
        "gate_history",
        "alert_triage",
        "due_today",
        "export_edge",
        "gate_records",
        "establishments",
        "entitlements",
        "health",
        "links_of",
        "counts",
        "completeness",
    }:
        assert opened.query(scope(to_at=T0), name, PARAMS) == []


@pytest.mark.parametrize("missing", ["purpose", "principal"])
def test_a_scope_needs_purpose_and_principal(opened, missing):
    """A reader without purpose or principal does not exist."""
    with pytest.raises(ValueError, match="purpose"):
        opened.query(scope(**{missing: ""}), "activity", {})


def test_unknown_name_and_bad_key_are_refused(opened):
    """A query is one of the shipped texts; a key is 32 hexadecimal digits."""
    with pytest.raises(ValueError, match="named query"):
        opened.query(scope(), "../secrets", {})
    with pytest.raises(ValueError, match="32 hexadecimal"):
        opened.query(scope(), "accesses_by_subject", {"keys": ["c1' OR 1=1"]})


def test_every_text_is_named_and_scoped():
    """Each text of the folder is a query or an include, and reads traces through scoped relations only."""
    names = {path.stem for path in TEXTS.glob("*.sql") if not path.name.startswith("_")}
    assert names == set(QUERY_NAMES)
    for path in TEXTS.glob("*.sql"):
        if path.stem != "_scope":
            bare = re.findall(
                r"(?:FROM|JOIN)\s+(access|exposure|verdict_current|verdict|contact|link)\b", path.read_text()
            )
            assert bare == [], path.name


def test_accesses_by_subject_tells_the_reason(filled):
    """The subject's page: who, when, what, verdict, evidence."""
    filled.open_gate(gate())
    rows = filled.query(scope(), "accesses_by_subject", {"keys": [key("+1")]})  # the telephone number leads there too
    row = rows[-1]
    assert (row["verdict"], row["strength"], row["template"]) == ("explained", "strong", "E1")
    assert (row["evidence_kind"], row["evidence_label"], row["evidence_delta_s"]) == ("call", "A-17", 60)
    assert row["tables"] == (CUSTOMER,)
    assert (row["source"], row["grade"], row["action"], row["coverage"]) == ("db", "A", "read", "exact")


def test_activity_groups_by_evidence_and_episode_opens(filled):
    """One row per episode; its accesses are found back by its id."""
    filled.open_gate(gate())
    rows = filled.query(scope(), "activity", {"limit": 10})
    assert sorted(row["statements"] for row in rows) == [1, 1, 1, 1]
    for row in rows:
        found = filled.query(scope(), "episode", {"episode": row["episode"]})
        assert [each["access"] for each in found] == [row["access"]]
    explained = filled.query(scope(), "activity", {"verdict": "explained"})
    assert [row["evidence_label"] for row in explained] == ["A-17"]


def test_unexplained_tells_assignment(opened):
    """Rows to explain, with whether the agent is assigned to that controller."""
    rows = opened.query(scope(), "unexplained", {})
    assigned = {row["agent_code"]: row["assigned"] for row in rows}
    assert assigned[neutral_code(key("anna"))] is True
    assert assigned[neutral_code(key("bob"))] is False
    assert all(row["records"] == 1 for row in rows)
    for row in rows:
        found = opened.query(scope(), "unexplained_accesses", {"episode": row["episode"]})
        assert [each["access"] for each in found] == [row["access"]]


def test_evidence_tells_expected_and_found(opened):
    """One line per template, with the nearest contact and the freshness of its source."""
    rows = {row["template"]: row for row in opened.query(scope(), "evidence", PARAMS)}
    assert set(rows) == {"E1", "E2", "E3", "E6", "E7", "E15", "E18"}
    assert rows["E1"]["found"] is True
    assert (rows["E1"]["contact_label"], rows["E1"]["delta_s"]) == ("A-17", 60)
    assert rows["E3"]["found"] is False
    assert rows["E7"]["complete_to"] == END
    stray = access_id("db", "a2", T0 + 61 * SECOND)
    assert not any(row["found"] for row in opened.query(scope(), "evidence", {"access": stray}))


def test_weak_excess_compares_with_peers(projection):
    """Who opens more than one subject per unidentified call stands out against the peers."""
    shards = Shards()
    events = [catalogue(), gate(), heartbeat(END, at=END)]
    for agent in range(6):
        events.append(person(f"p{agent}", [f"l{agent}"]))
        for turn in range(6):
            begin = T0 + turn * 300 * SECOND
            events.append(call(f"k{agent}-{turn}", begin, begin + 200 * SECOND, agents=[f"l{agent}"]))
            for look in range(2 if agent == 0 else 1):
                at = begin + (look + 1) * 10 * SECOND
                events.append(
                    access(f"a{agent}-{turn}-{look}", at, [(CUSTOMER, f"c{agent}{turn}{look}")], agent=f"l{agent}")
                )
    projection.apply(shards.durable(events))
    judge_live(projection, SETTINGS, as_of=END)
    (row,) = projection.query(scope(), "weak_excess", {})
    assert row["agent_code"] == neutral_code(key("p0"))
    assert (row["calls"], row["excess"], row["peers"]) == (6, 6, 5)


def test_an_episode_that_straddles_two_pages_stands_whole_on_the_first(projection):
    """Activity pages by the end of an episode: its older accesses neither are cut off nor come again."""
    minute, start = 60 * SECOND, T0 - T0 % (300 * SECOND) + 300 * SECOND
    shards = Shards()
    looks = [access(f"s{n}", start + n * minute // 2, [("public.customer", "c9")], agent="login-z") for n in range(8)]
    calls = [call("kz", start + 20 * minute, start + 40 * minute, agents=["login-y"], subjects=[("record", "c1")])]
    looks += [
        access(f"c{n}", start + (20 + 2 * n) * minute, [("public.customer", "c1")], agent="login-y") for n in range(8)
    ]
    projection.apply(shards.durable([gate(), catalogue(), *calls, *looks, heartbeat(END, at=END)]))
    judge_live(projection, SETTINGS, as_of=END)
    wide = scope(to_at=T0 + 7_200 * SECOND)
    whole = projection.query(wide, "activity", {})
    assert [row["statements"] for row in whole] == [8, 8]
    assert whole[0]["at"] > whole[1]["at"]
    inside = start + 31 * minute  # within the call: it ended later, so it stands on the page before
    assert [row["episode"] for row in projection.query(wide, "activity", {"before_at": inside})] == [
        whole[1]["episode"]
    ]
