"""Claims about quivive.model.gate: forward one step at a time, back at any time, nothing kept on doubt."""

import pytest

from quivive.model.gate import DRY_POLICY, GATE_ORDER, CapturePolicy, GateState, may_follow

AGENT = "a" * 32


@pytest.mark.parametrize("current", list(GateState))
@pytest.mark.parametrize("wanted", list(GateState))
def test_a_step_is_never_left_out(current: GateState, wanted: GateState) -> None:
    """The next state, the same and every earlier one may follow; no other."""
    ahead = GATE_ORDER.index(wanted) - GATE_ORDER.index(current)
    assert may_follow(current, wanted) is (ahead <= 1)


def test_an_access_before_the_notice_is_never_kept_with_its_agent() -> None:
    """An agent informed at an instant is kept from it on, an unknown one only where the source says so."""
    policy = CapturePolicy(active=True, informed={AGENT: 10}, keep_unknown=False, service_accounts=())
    assert [policy.agent_may_be_kept(AGENT, at) for at in (9, 10, 11)] == [False, True, True]
    assert not policy.agent_may_be_kept("b" * 32, 11)
    assert not DRY_POLICY.agent_may_be_kept(AGENT, 11)
