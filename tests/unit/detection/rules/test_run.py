"""Hits over a real projection: one per person, rule and local day, and never a word before the gate."""

from traces import CONTROLLER, CUSTOMER, SECOND, T0, Shards, access, catalogue, event, gate, key, person

from quivive.detection.rules import hits
from quivive.detection.rules.load import shipped_rules
from quivive.model.access import Action
from quivive.model.alert import AlertOrigin, CanaryBody, Switch
from quivive.model.entry import EntryKind
from quivive.model.gate import GateState

DAY = 86_400 * SECOND
RULES = shipped_rules()


def found(projection, *events, switches=frozenset(), certain_only=True, state=GateState.ACTIVE):
    projection.apply(Shards().durable([catalogue(), gate(state), person("alice", ["login-a"]), *events]))
    return look(projection, switches=switches, certain_only=certain_only)


def look(projection, *, switches=frozenset(), certain_only=True, rules=RULES):
    return hits(
        projection,
        rules,
        controllers=[CONTROLLER],
        from_at=T0 - DAY,
        to_at=T0 + DAY,
        as_of=T0 + DAY,
        certain_only=certain_only,
        switches=switches,
    )


def export(name, at, **changes):
    return access(name, at, [(CUSTOMER, name)], action=Action.EXPORT, **changes)


def canary(key_of="c9"):
    body = CanaryBody(controller=CONTROLLER, key=key(key_of), contact_keys=(), removed=False)
    return event(EntryKind.CANARY, body, source="core", at=T0)


def test_one_hit_a_person_rule_and_local_day(projection):
    """Two exports of one evening are one hit, one after local midnight is another; facts count them."""
    evening, night = T0, T0 + 4 * 3_600 * SECOND  # 22:26 and 02:26 in Paris
    first, second = found(projection, export("x", evening), export("y", evening + SECOND), export("z", night))
    assert [(hit.topic, hit.day, len(hit.accesses)) for hit in (first, second)] == [
        ("export", "20260528", 2), ("export", "20260529", 1)
    ]  # fmt: skip
    assert {fact.name: fact.value for fact in first.facts}["count"] == 2
    assert (first.from_at, first.to_at) == (evening, evening + SECOND)


def test_nothing_before_the_gate(projection):
    """The same export in an establishment that is not active is no hit at all."""
    assert found(projection, export("x", T0), state=GateState.INFORMED) == ()


def test_a_canary_needs_its_switch(projection):
    """Off by default; on, the hit says where it comes from."""
    events = (canary(), access("x", T0, [(CUSTOMER, "c9")]))
    assert found(projection, *events) == ()
    (hit,) = look(projection, switches=frozenset({Switch.CANARIES}))
    assert (hit.topic, hit.origin) == ("canary_touched", AlertOrigin.CANARY)


def test_live_runs_only_certain_rules(projection):
    """Off-shift, unexplained and the like wait for final verdicts."""
    assert all(rule.certain for rule in RULES if rule.topic in {"cross_controller", "export", "short_search"})
    assert not any(rule.certain for rule in RULES if rule.topic in {"off_shift", "contact_change_unexplained"})
    found(projection, export("x", T0))
    assert {hit.topic for hit in look(projection, certain_only=True)} == {"export"}


def test_the_order_of_rules_and_of_arrival_changes_nothing(projection):
    """Hits are the same tuple for shuffled rules."""
    found(projection, export("x", T0), export("y", T0 + SECOND))
    assert look(projection) == look(projection, rules=tuple(reversed(RULES)))


def test_a_window_that_reaches_back_beyond_the_period_still_counts(projection):
    """Events before `from_at` stand in the window of one after it; a rule satisfied earlier is not told again."""
    found(projection, *(access(f"x{n}", T0 + n * SECOND, [(CUSTOMER, f"c{n}")]) for n in range(200)))
    late = hits(
        projection, RULES, controllers=[CONTROLLER], from_at=T0 + 180 * SECOND, to_at=T0 + DAY, as_of=T0 + DAY,
        certain_only=True,
    )  # fmt: skip
    (hit,) = (each for each in late if each.topic == "many_records_an_hour")
    facts = {fact.name: fact.value for fact in hit.facts}
    assert (facts["count"], facts["threshold"], facts["window_s"], hit.from_at) == (200, 150, 3_600, T0)
    assert len(hit.accesses) == 50
