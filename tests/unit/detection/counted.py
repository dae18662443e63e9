"""A small centre whose final verdicts are counted: shared by tests of statistics."""

from traces import CONTROLLER, PHONE, SECOND, T0, Shards, catalogue, event, gate, heartbeat, person

from quivive.detection.judge import ControllerJudging, JudgeSettings, judge_live
from quivive.model.entry import EntryKind
from quivive.model.gate import GateBody, GateState, Module

SETTINGS = JudgeSettings(controllers={CONTROLLER: ControllerJudging(contact_sources=(PHONE,), lateness_s=30)})
END = T0 + 3 * 3_600 * SECOND
DAY = "20260528"


def residual_gate(establishment="lyon"):
    body = GateBody(
        employer="acme", establishment=establishment, module=Module.RESIDUAL, state=GateState.ACTIVE, reference="",
        demonstration=True,
    )  # fmt: skip
    return event(EntryKind.GATE_STATE, body, source="core", at=T0, controller="operator")


def fill(projection, *events, gates=True):
    made = [catalogue(), person("anna", ["login-a"]), person("bob", ["login-b"])]
    made += [gate(), residual_gate()] if gates else [gate()]
    projection.apply(Shards().durable([*made, *events, heartbeat(END, at=END)]))
    judge_live(projection, SETTINGS, as_of=END)
    return projection
