"""Cases and the gate's papers: from entries to what the console folds."""

import msgspec
import pytest
from traces import CONTROLLER, SECOND, T0, Shards, event, gate, key, person

from quivive.cases.view import fold
from quivive.model.approval import ApprovalAct, approve, propose
from quivive.model.case import CaseBody, CaseOrigin, CaseStage, CaseStepBody, StepKind
from quivive.model.entry import EntryKind
from quivive.model.gate import GateState, Module
from quivive.model.gate_record import DeclaredPurpose, GateRecordBody, GateRecordKind
from quivive.privacy.pseudonym import neutral_code
from quivive.projection.query import Scope

CASE = "c" * 32


def scope(**changes):
    fields = {
        "controllers": (CONTROLLER,), "from_at": T0 - 1, "to_at": T0 + 3_600 * SECOND, "purpose": "case",
        "principal": "p1",
    }  # fmt: skip
    return Scope(**{**fields, **changes})


def opened(**changes):
    fields = {
        "case": CASE, "controller": CONTROLLER, "ident": key("anna"), "origin": CaseOrigin.ALERT, "alert": "a" * 32,
        "topic": "bulk", "from_at": T0, "to_at": T0 + SECOND, "known_at": T0, "principal": "s1", "role": "security",
        "text_sha256": "",
    }  # fmt: skip
    return event(EntryKind.CASE, CaseBody(**{**fields, **changes}), source="console", at=T0 + 5)


def step(number, kind, at):
    body = CaseStepBody(
        case=CASE, step=f"{number:032x}", step_kind=kind, taken_at=at, principal="s1", role="security", until_at=at + SECOND
    )  # fmt: skip
    return event(EntryKind.CASE_STEP, body, source="console", at=at)


def told(row):
    body = msgspec.json.decode(row["body"], type=CaseBody)
    steps = [msgspec.json.decode(each, type=CaseStepBody) for each in row["steps"]]
    return fold(body, row["opened_at"], steps, concerned=row["concerned"])


def test_a_case_is_read_whole_whatever_the_order_of_its_entries(projection):
    """Steps before the opening, and everything twice, give the one case."""
    steps = [step(2, StepKind.CLEAR, T0 + 20), step(1, StepKind.PRESERVE, T0 + 10)]
    told_all = [gate(), person("anna", ["anna"]), *steps, opened(), opened(), *steps]
    projection.apply(Shards().durable(told_all))
    (row,) = projection.query(scope(), "cases", {})
    assert told(row).stage is CaseStage.CLEARING
    assert row["agent_code"] == neutral_code(key("anna"))
    assert "ident" not in row
    assert key("anna") not in row["body"]
    assert told(row).concerned


@pytest.mark.parametrize(("params", "found"), [
    ({"case": CASE}, 1), ({"case": "d" * 32}, 0), ({"alert": "a" * 32}, 1), ({"alert": "b" * 32}, 0),
])  # fmt: skip
def test_a_case_is_found_by_its_id_or_its_alert(projection, params, found):
    """And by nothing else."""
    projection.apply(Shards().durable([opened()]))
    assert len(projection.query(scope(), "cases", params)) == found


def test_a_case_of_another_controller_is_not_there(projection):
    """The scope is in the text."""
    projection.apply(Shards().durable([opened()]))
    assert projection.query(scope(controllers=("other",)), "cases", {}) == []


def test_states_of_the_gate_are_kept_with_their_instants(projection):
    """The sheet asks when, the current state does not tell."""
    states = (GateState.DRY, GateState.ASSESSED, GateState.DRY)
    projection.apply(Shards().durable([gate(state, at=T0 + number) for number, state in enumerate(states)]))
    assert [row["state"] for row in projection.query(scope(), "gate_history", {})] == ["dry", "assessed", "dry"]


def test_an_adopted_document_keeps_its_own_date(projection):
    """Recorded later, dated before."""
    body = GateRecordBody(
        employer="lumen", establishment="lille", module=Module.ACCESS, record=GateRecordKind.COUNCIL_OPINION,
        dated_at=T0 - 9 * SECOND, reference="PV-12", text_sha256="", purposes=(DeclaredPurpose.CONSULTATION_CONTROL,),
        rules=(), demonstration=False,
    )  # fmt: skip
    told_once = event(EntryKind.GATE_RECORD, body, source="core", at=T0)
    projection.apply(Shards().durable([told_once, told_once]))
    (row,) = projection.query(scope(), "gate_records", {"establishment": "lille"})
    assert (row["dated_at"], row["reference"], row["purposes"]) == (T0 - 9 * SECOND, "PV-12", "consultation_control")


def test_an_approval_is_known_in_its_latest_version(projection):
    """Proposed, then agreed to by another person, whatever the order of arrival."""
    asked = propose(
        approval="f" * 32, act=ApprovalAct.UNMASK, controller=CONTROLLER, subject=CASE, digest="0" * 64,
        reference="D-7", principal="s1", role="security", at=T0,
    )  # fmt: skip
    agreed = approve(asked, principal="d1", role="dpo", at=T0 + 9)
    told_both = [
        event(EntryKind.APPROVAL, body, source="console", at=at) for body, at in ((agreed, T0 + 9), (asked, T0))
    ]
    projection.apply(Shards().durable(told_both))
    (row,) = projection.query(scope(), "approvals", {"act": "unmask", "object": CASE})
    assert (row["state"], row["decided_by"], row["approval"]) == ("approved", "d1", "f" * 32)
    assert projection.query(scope(), "approvals", {"state": "proposed"}) == []
