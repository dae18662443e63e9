"""Four eyes: a proposal by one principal, its approval by another with another role (DESIGN §11).

Used by purges, holds, erasures, ends of contract, recordings and unmasking. Pure: every step returns the next body,
which the caller writes as an `approval` entry before anything is done. Must never let one person do both halves.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from quivive.model.clock import DAY_US, HOUR_US
from quivive.model.errors import RefusedError

DEFAULT_OPEN_US: Final = 7 * DAY_US
"""So long a proposal waits for its second person: a week holds one absence, and no plan grows old unseen."""
DEFAULT_VALID_US: Final = DAY_US
"""So long after the approval it may be carried out."""
UNMASK_VALID_US: Final = 8 * HOUR_US
"""An unmasked identity is shown for one working day (DESIGN §11)."""


class ApprovalAct(StrEnum):
    """What needs two persons."""

    PURGE = "purge"
    HOLD = "hold"
    HOLD_RELEASE = "hold_release"
    ERASURE = "erasure"
    CONTRACT_END = "contract_end"
    RECORDINGS_CAMPAIGN = "recordings_campaign"
    RECORDINGS_PURGE = "recordings_purge"
    RECORDINGS_HOLD = "recordings_hold"
    RECORDINGS_RELEASE = "recordings_release"
    UNMASK = "unmask"
    RESOLVE = "resolve"


class ApprovalState(StrEnum):
    """PROPOSED waits for a second person; DONE was carried out, once."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    DONE = "done"


class ApprovalRefusal(StrEnum):
    """Why a step is refused; the code of the RefusedError."""

    SAME_PERSON = "approval_same_person"
    SAME_ROLE = "approval_same_role"
    ROLE_MAY_NOT = "approval_role_may_not"
    EXPIRED = "approval_expired"
    NOT_OPEN = "approval_not_open"
    NOT_APPROVED = "approval_not_approved"
    OTHER_PLAN = "approval_other_plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalBody:
    """Body of `approval`: one version of a proposal, whole. Instants in microseconds UTC, 0 when not yet.

    Fields:
        approval: 32 hex digits. act: what is to be done. controller: whose data.
        object: opaque id or code of what it concerns (`trace/20260101`, a hold's id); never a key or a name.
        digest: SHA-256 (64 hex digits) of the plan as the proposer saw it; what is carried out must have the same.
        reference: code of the request, minutes or order behind it; never a reason in words about a person.
        expires_at: a proposal still open then is void. valid_us: time to carry it out once approved.
    """

    approval: str
    act: ApprovalAct
    controller: str
    object: str
    digest: str
    reference: str
    state: ApprovalState
    proposed_by: str
    proposed_role: str
    proposed_at: int
    expires_at: int
    valid_us: int
    decided_by: str = ""
    decided_role: str = ""
    decided_at: int = 0
    done_at: int = 0


def propose(
    *, approval: str, act: ApprovalAct, controller: str, subject: str, digest: str, reference: str, principal: str,
    role: str, at: int, open_us: int = DEFAULT_OPEN_US, valid_us: int = DEFAULT_VALID_US,
) -> ApprovalBody:  # fmt: skip
    """Make a proposal; `subject` becomes `object`."""
    return ApprovalBody(
        approval=approval,
        act=act,
        controller=controller,
        object=subject,
        digest=digest,
        reference=reference,
        state=ApprovalState.PROPOSED,
        proposed_by=principal,
        proposed_role=role,
        proposed_at=at,
        expires_at=at + open_us,
        valid_us=valid_us,
    )


def approve(proposal: ApprovalBody, *, principal: str, role: str, at: int, roles: Collection[str] = ()) -> ApprovalBody:
    """The second person agrees. `roles`: those that may approve this act; empty means any other role.

    Raises:
        RefusedError: an ApprovalRefusal; nothing was approved.
    """
    _open(proposal, at)
    if principal == proposal.proposed_by:
        raise RefusedError(ApprovalRefusal.SAME_PERSON)
    if role == proposal.proposed_role:
        raise RefusedError(ApprovalRefusal.SAME_ROLE)
    if roles and role not in roles:
        raise RefusedError(ApprovalRefusal.ROLE_MAY_NOT)
    return replace(
        proposal, state=ApprovalState.APPROVED, decided_by=principal, decided_role=role, decided_at=at
    )  # fmt: skip


def refuse(proposal: ApprovalBody, *, principal: str, role: str, at: int) -> ApprovalBody:
    """The second person does not agree; the proposer withdraws by the same step.

    Raises:
        RefusedError: it is decided already, or void.
    """
    _open(proposal, at)
    own = principal == proposal.proposed_by
    state = ApprovalState.WITHDRAWN if own else ApprovalState.REFUSED
    return replace(proposal, state=state, decided_by=principal, decided_role=role, decided_at=at)


def require_approved(approval: ApprovalBody, *, act: ApprovalAct, digest: str, at: int) -> None:
    """What is about to be done is exactly what two persons agreed to, and not too long ago.

    Raises:
        RefusedError: an ApprovalRefusal; do nothing.
    """
    if approval.state is not ApprovalState.APPROVED:
        raise RefusedError(ApprovalRefusal.NOT_APPROVED)
    if approval.act is not act or approval.digest != digest:
        raise RefusedError(ApprovalRefusal.OTHER_PLAN)
    if at > approval.decided_at + approval.valid_us:
        raise RefusedError(ApprovalRefusal.EXPIRED)


def done(approval: ApprovalBody, at: int) -> ApprovalBody:
    """It was carried out: an approval serves once."""
    return replace(approval, state=ApprovalState.DONE, done_at=at)


def _open(proposal: ApprovalBody, at: int) -> None:
    if proposal.state is not ApprovalState.PROPOSED:
        raise RefusedError(ApprovalRefusal.NOT_OPEN)
    if at > proposal.expires_at:
        raise RefusedError(ApprovalRefusal.EXPIRED)
