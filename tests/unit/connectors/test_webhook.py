"""The webhook: the token names the source, the source its mapping; rows by the payload's own numbers."""

import pytest
from mapping_support import NOW, MemoryIntake, run
from test_presets import facts
from test_same_rows import installation

from quivive.connectors.model import RowKind
from quivive.connectors.webhook import Webhook
from quivive.model.errors import ConfigurationError, RefusedError
from quivive.settings import SourceKind, SourceSettings

TICKETS = """
extends: tickets
format: {array: data.tickets}
rename: {Ticket: id, Created: created_at, Requester email: requester.email, Updated: updated_at, Assignee: owner.login}
"""


@pytest.fixture
def settings(tmp_path):
    """A helpdesk that posts JSON in an envelope, and a source without mapping."""
    (tmp_path / "tickets.yml").write_text(TICKETS, encoding="utf-8")
    sources = {
        "helpdesk": SourceSettings(
            kind=SourceKind.CONTACTS, controller="aurore", namespace="desk", mapping="tickets.yml"
        ),
        "plain": SourceSettings(kind=SourceKind.CONTACTS, controller="aurore", namespace="desk"),
    }
    return installation(tmp_path, sources)


def payload(*tickets):
    import json

    return json.dumps({"data": {"tickets": list(tickets)}}).encode()


GOOD = {
    "id": 31,
    "owner": {"login": "h.martin"},
    "requester": {"email": "someone@example.invalid"},
    "created_at": "2026-11-22T09:00:00Z",
    "updated_at": "2026-11-22T10:00:00Z",
}


def test_a_foreign_payload_becomes_rows(settings):
    """Good ones are taken, the wrong one is told by its place and its own field."""
    intake = MemoryIntake(facts())
    webhook = Webhook(settings, intake, lambda: NOW)
    body = payload(
        GOOD, {**GOOD, "id": 32, "created_at": "hier"}, {**GOOD, "id": 33, "updated_at": "2027-01-01T00:00:00Z"}
    )
    report = run(webhook.take(sources=("helpdesk", "plain"), controllers=("aurore",), body=body))
    assert (report.accepted, report.duplicates) == (1, 0)
    assert [(each.row, each.field, each.found) for each in report.refused] == [
        (1, "created_at", "string"),
        (2, "updated_at", "a later instant"),
    ]
    assert intake.final["31"]["identities"] == [{"kind": "email", "value": "someone@example.invalid"}]
    again = run(webhook.take(sources=("helpdesk",), controllers=("aurore",), body=body))
    assert (again.accepted, again.duplicates) == (0, 1)


def test_a_payload_that_cannot_be_read_is_refused_whole(settings):
    """With the place, never the text."""
    webhook = Webhook(settings, MemoryIntake(facts()), lambda: NOW)
    for body in (b"{", b'{"data": 1}', b"\x00\x01" * 50, b""):
        with pytest.raises(RefusedError, match="body_unreadable"):
            run(webhook.take(sources=("helpdesk",), controllers=("aurore",), body=body))


def test_the_token_must_name_one_source_with_a_mapping(settings):
    """Neither none nor several."""
    webhook = Webhook(settings, MemoryIntake(facts()), lambda: NOW)
    assert webhook.kind(("helpdesk", "plain")) is RowKind.CONTACTS
    with pytest.raises(RefusedError, match="source_kind"):
        webhook.kind(("plain",))


def test_a_mapping_of_other_rows_stops_the_start(settings, tmp_path):
    """A roster cannot come in by a source of contacts."""
    wrong = installation(
        tmp_path, {"helpdesk": SourceSettings(kind=SourceKind.CONTACTS, namespace="desk", mapping="roster")}
    )
    with pytest.raises(
        ConfigurationError, match="a mapping of contacts or listenings or recordings, found one of roster"
    ):
        Webhook(wrong, MemoryIntake(facts()))
