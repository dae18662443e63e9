"""What the gate answered and what happened: from entries to the pages, whatever the order."""

import itertools
from dataclasses import replace

import pytest
from hearing_bodies import ANSWER, CALL, FOUND, HEARD, RECORDED
from traces import CONTROLLER, SECOND, T0, Shards, event, gate, key, person

from quivive.model.entry import EntryKind
from quivive.model.gate import GateState, Module
from quivive.model.recording import (
    GateReason,
    ObjectionBody,
    ObjectionChannel,
    SeedBody,
    Segment,
    SegmentState,
)
from quivive.privacy.pseudonym import neutral_code
from quivive.projection.query import Scope

ENDED = replace(
    RECORDED, version=2, ended_at=T0 + 50 * SECOND,
    segments=(Segment(from_at=T0 + SECOND, to_at=T0 + 9 * SECOND, state=SegmentState.PAUSED),),
)  # fmt: skip


def scope(**changes):
    fields = {
        "controllers": (CONTROLLER,), "from_at": T0 - 1, "to_at": T0 + 3_600 * SECOND, "purpose": "recordings",
        "principal": "p1",
    }  # fmt: skip
    return Scope(**{**fields, **changes})


def told(kind, body, at=T0):
    return event(kind, body, source="pbx", at=at)


def everything():
    return [
        told(EntryKind.RECORDING_ANSWER, ANSWER),
        told(EntryKind.RECORDING, RECORDED),
        told(EntryKind.RECORDING, ENDED),
        told(EntryKind.LISTENING, HEARD),
        told(EntryKind.NONCONFORMITY, FOUND),
    ]


def base():
    return [gate(), gate(module=Module.RECORDINGS), person("anna", ["anna"]), person("boss", ["boss"])]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::3])
def test_a_recording_is_shown_with_its_answer_and_who_heard_it(projection, order):
    """Latest version, campaign and reason of the gate, the playback that named its file; doubled and in any order."""
    entries = everything()[:4]
    projection.apply(Shards().durable([*base(), *(entries[place] for place in order), *entries]))
    (row,) = projection.query(scope(), "recordings_today", {})
    assert (row["campaign"], row["gate_reason"], row["gate_allowed"]) == ("coaching", "permitted", True)
    assert (row["ended_at"], row["paused"], row["heard"]) == (T0 + 50 * SECOND, 1, 1)
    assert row["agent_code"] == neutral_code(key("anna"))


def test_own_space_sees_its_own(projection):
    """What was recorded of me and who listened: nothing of anybody else."""
    projection.apply(Shards().durable([*base(), *everything()]))
    for name in ("recordings_of", "listenings_of"):
        assert len(projection.query(scope(), name, {"person": key("anna")})) == 1
        assert projection.query(scope(), name, {"person": key("boss")}) == []
    (row,) = projection.query(scope(), "listenings_of", {"person": key("anna")})
    assert (row["listening_kind"], row["reason"], row["heard_ms"]) == ("playback", "coaching", 9_000)
    assert not any("listener" in name for name in row)


def test_without_an_active_module_nobody_is_named(projection):
    """The rows stay, the code does not."""
    dry = [gate(), gate(module=Module.RECORDINGS, state=GateState.DRY), person("anna", ["anna"])]
    projection.apply(Shards().durable([*dry, *everything()]))
    (row,) = projection.query(scope(), "recordings_today", {})
    assert row["agent_code"] is None
    assert projection.query(scope(), "recordings_of", {"person": key("anna")}) == []


def test_a_non_conformity_names_no_agent(projection):
    """It is put to the listener or the campaign's owner; closing is a later version."""
    closed = replace(FOUND, version=2, closed_by="p9", closing_reference="CR-12")
    both = [told(EntryKind.NONCONFORMITY, closed), told(EntryKind.NONCONFORMITY, FOUND)]
    projection.apply(Shards().durable([*base(), *both]))
    (row,) = projection.query(scope(), "nonconformities", {})
    assert (row["nonconformity_kind"], row["manager"], row["closed_by"]) == ("outside_period", True, "p9")
    assert key("anna") not in map(str, row.values())
    assert not any(name in row for name in ("person", "agent_code", "aimed_at"))


def test_a_yes_that_the_disk_refused_counts_as_the_no_that_was_given(projection):
    """Both stand in the ledger under one name, in any order."""
    no = replace(ANSWER, allowed=False, reason=GateReason.TRACE_NOT_WRITTEN)
    for name, pair in (("a", (ANSWER, no)), ("b", (no, ANSWER))):
        bodies = [told(EntryKind.RECORDING_ANSWER, replace(body, answer=name * 32)) for body in pair]
        projection.apply(Shards().durable(bodies) if name == "a" else _more(projection, bodies))
    rows = projection.query(scope(), "gate_answers", {})
    assert [(row["reason"], row["answers"]) for row in rows] == [("trace_not_written", 2)]


def _more(projection, bodies):
    shards = Shards()
    marks = projection.watermark()
    durable = shards.durable(bodies)
    return [replace(each, index=each.index + marks.get(each.shard, 0)) for each in durable]


def test_seeds_and_objections_are_kept_once(projection):
    """The commitment and the seed are two words; the first objection counts."""
    committed = SeedBody(controller=CONTROLLER, campaign="coaching", day="20261123", commitment="e" * 64, seed="")
    revealed = replace(committed, seed="d" * 64)
    objections = [
        ObjectionBody(controller=CONTROLLER, contact=CALL, channel=ObjectionChannel.KEY, objected_at=T0 + late)
        for late in (5, 0, 5)
    ]
    told_all = [told(EntryKind.RECORDING_SEED, body) for body in (committed, committed, revealed)]
    projection.apply(Shards().durable([*told_all, *(told(EntryKind.OBJECTION, body) for body in objections)]))
    with projection.reading() as cursor:
        assert cursor.execute("SELECT COUNT(*) FROM recording_seed").fetchone() == (2,)
        assert cursor.execute("SELECT objected_at FROM objection").fetchall() == [(T0,)]
