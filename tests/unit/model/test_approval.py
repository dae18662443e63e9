"""Four eyes: two persons, two roles, one plan, in time, once."""

import pytest

from quivive.model.approval import (
    ApprovalAct,
    ApprovalRefusal,
    ApprovalState,
    approve,
    done,
    propose,
    refuse,
    require_approved,
)
from quivive.model.clock import DAY_US
from quivive.model.errors import RefusedError

PLAN, OTHER = "0" * 64, "1" * 64


def proposal():
    return propose(
        approval="ab" * 16, act=ApprovalAct.PURGE, controller="aurore", subject="trace/20260101", digest=PLAN,
        reference="DPO-12", principal="p-1", role="security", at=100,
    )  # fmt: skip


def refused(code, step):
    with pytest.raises(RefusedError) as caught:
        step()
    assert caught.value.code == code


def test_two_persons_with_two_roles_agree():
    """The approved plan may be carried out, once."""
    agreed = approve(proposal(), principal="p-2", role="dpo", at=200)
    require_approved(agreed, act=ApprovalAct.PURGE, digest=PLAN, at=300)
    after = done(agreed, 300)
    refused(
        ApprovalRefusal.NOT_APPROVED, lambda: require_approved(after, act=ApprovalAct.PURGE, digest=PLAN, at=300)
    )  # fmt: skip


def test_nobody_approves_alone():
    """Not the same person in another role, not another person in the same role."""
    refused(ApprovalRefusal.SAME_PERSON, lambda: approve(proposal(), principal="p-1", role="dpo", at=200))
    refused(ApprovalRefusal.SAME_ROLE, lambda: approve(proposal(), principal="p-2", role="security", at=200))
    refused(
        ApprovalRefusal.ROLE_MAY_NOT,
        lambda: approve(proposal(), principal="p-2", role="administrator", at=200, roles={"dpo"}),
    )


def test_nothing_is_done_on_a_proposal_alone():
    """One person's proposal carries nothing out."""
    refused(
        ApprovalRefusal.NOT_APPROVED, lambda: require_approved(proposal(), act=ApprovalAct.PURGE, digest=PLAN, at=200)
    )  # fmt: skip


def test_another_plan_needs_another_approval():
    """What changed since, or another act, is not what was agreed to."""
    agreed = approve(proposal(), principal="p-2", role="dpo", at=200)
    for act, digest in ((ApprovalAct.PURGE, OTHER), (ApprovalAct.ERASURE, PLAN)):
        refused(
            ApprovalRefusal.OTHER_PLAN, lambda act=act, digest=digest: require_approved(agreed, act=act, digest=digest, at=300)
        )  # fmt: skip


def test_a_proposal_grows_old_and_so_does_its_approval():
    """Void after a week without a second person; void a day after the approval."""
    refused(ApprovalRefusal.EXPIRED, lambda: approve(proposal(), principal="p-2", role="dpo", at=8 * DAY_US))
    agreed = approve(proposal(), principal="p-2", role="dpo", at=200)
    refused(
        ApprovalRefusal.EXPIRED, lambda: require_approved(agreed, act=ApprovalAct.PURGE, digest=PLAN, at=2 * DAY_US)
    )  # fmt: skip


def test_a_decided_proposal_is_decided():
    """Refused by another, withdrawn by its author; then nobody approves it."""
    assert refuse(proposal(), principal="p-2", role="dpo", at=200).state is ApprovalState.REFUSED
    withdrawn = refuse(proposal(), principal="p-1", role="security", at=200)
    assert withdrawn.state is ApprovalState.WITHDRAWN
    refused(ApprovalRefusal.NOT_OPEN, lambda: approve(withdrawn, principal="p-2", role="dpo", at=200))
