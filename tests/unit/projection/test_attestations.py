"""Claims about attestations: the latest of a reviewer and day is current, and days without one are counted."""

import pytest
from traces import CONTROLLER, SECOND, T0, Shards, event, gate

from quivive.model.attestation import AttestationBody
from quivive.model.entry import EntryKind
from quivive.projection.query import Scope

SCOPE = Scope(controllers=(CONTROLLER,), from_at=T0 - 1, to_at=T0 + 86_400 * SECOND, purpose="review", principal="p1")


def attested(day="20260528", *, at=T0, principal="s1", controller=CONTROLLER, open_alerts=2):
    body = AttestationBody(
        controller=controller, day=day, principal=principal, role="security", open_alerts=open_alerts, closed_alerts=1,
        overdue_alerts=0,
    )  # fmt: skip
    return event(EntryKind.ATTESTATION, body, source="console", at=at, controller=controller)


@pytest.mark.parametrize("order", [1, -1])
def test_the_latest_attestation_of_a_reviewer_and_day_is_current(projection, order):
    """Whatever the order of arrival; another reviewer's stands beside it, another company's is not shown."""
    told = [attested(), attested(at=T0 + 9, open_alerts=5), attested(principal="s2"), attested(controller="boreal")]
    for each in Shards().durable(told)[::1] if order == 1 else [Shards().durable(told[::-1])]:
        projection.apply(each if isinstance(each, list) else [each])
    rows = projection.query(SCOPE, "attestations", {})
    assert [(row["principal"], row["open_alerts"], row["attested_at"]) for row in rows] == [
        ("s1", 5, T0 + 9), ("s2", 2, T0)
    ]  # fmt: skip


def test_every_company_has_its_line_of_triage(projection):
    """Zeros where there is no alert and no digest."""
    projection.apply(Shards().durable([gate()]))
    (row,) = projection.query(SCOPE, "alert_triage", {"overdue_at": T0, "today": "20260529"})
    assert row == {
        "controller": CONTROLLER, "open_alerts": 0, "closed_alerts": 0, "overdue_alerts": 0, "unattested_days": 0
    }  # fmt: skip
