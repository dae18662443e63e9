"""Claims about the daily attestation: a named reviewer, today or yesterday, one entry a company, then the act."""

from quivive.model.entry import ActKind
from quivive.model.permission import Role


def attester(signed_in):
    written = []

    async def attest(body):
        written.append(body)

    return signed_in(Role.SECURITY, attest=attest), written


def test_an_attestation_is_an_entry_a_company_and_an_act(signed_in, place):
    """With the counts of that instant and the reviewer's name."""
    client, written = attester(signed_in)
    answer = client.submit("/alerts/attest", day="20261122")
    assert (answer.status_code, answer.headers["location"]) == (303, "/alerts?attested=1#review")
    (body,) = written
    assert (body.controller, body.day, body.principal) == ("aurore", "20261122", "security-1")
    assert (body.open_alerts, body.closed_alerts, body.overdue_alerts) == (3, 1, 1)
    assert (place.acts[-1].act, place.acts[-1].object) == (ActKind.ATTEST_REVIEW, "20261122")


def test_a_missed_day_stays_missed(signed_in):
    """Two days ago, tomorrow or no day at all: refused, nothing written."""
    client, written = attester(signed_in)
    assert {client.submit("/alerts/attest", day=day).status_code for day in ("20261120", "20261123", "")} == {422}
    assert written == []


def test_the_page_shows_what_waits_and_who_attested(signed_in):
    """Counts a company, and the latest attestation with its author."""
    text = signed_in(Role.SECURITY).get("/alerts").text
    assert "Attestation de revue" in text
    assert "security-1" in text
