"""Before the gate opens: only counts leave a source, and nothing anywhere tells who or whom (DESIGN §11)."""

import json

import psycopg
import pytest
from street_support import Street, until

from quivive.model.clock import now_us, to_rfc3339
from quivive.privacy.keyring import Keyring
from quivive.privacy.pseudonym import agent_key
from quivive.spool import SpoolCursor, SpoolReader

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

READ = (7, 8, 9)


@pytest.fixture(scope="module")
def dry(pg18):
    """Work on the wire and over HTTP without any gate entry; the spool is read before the core has dropped it."""
    with Street(pg18, pg18.customer_database()) as street:
        street.source("db").write().start().issue_tokens()
        spooled = {}

        def keep():
            for source in ("db", "api", "telephony"):
                reader = SpoolReader(street.home / "spool", source)
                spooled[source] = reader.poll(SpoolCursor(source=source), 10_000)

        with psycopg.connect(street.dsn(), autocommit=True) as connection:
            connection.execute("set quivive.agent = 'anna'")
            for number in READ:
                connection.execute("select id, last_name from customer where id = %s", (number,))
                connection.execute(f"update customer set first_name = 'X' where id = {number}")
            connection.execute("select id, order_number, customer_id from orders where id = 5")
        at = to_rfc3339(now_us())
        row = {
            "id": "n-1",
            "at": at,
            "controller": "aurore",
            "agent": "anna",
            "action": "read",
            "records": ["customer:7"],
        }
        call = {
            "id": "A-1", "version": 1, "kind": "call", "controller": "aurore", "direction": "inbound", "agent": "anna",
            "records": ["customer:7"], "phone": "+33639980007", "started_at": at,
        }  # fmt: skip
        assert street.api("POST", "/v1/accesses", [row], token="api")[0] == 200
        assert street.api("POST", "/v1/contacts", [call], token="telephony")[0] == 200
        street.settle()
        keep()
        until(lambda: keep() or any(event.kind == "access.count" for event in spooled["db"]), 10)
        street.settle()
        answers = [street.seen(f"customer:{number}") for number in READ]
        answers += [street.api("GET", path)[1] for path in ("/v1/activity", "/v1/unexplained", "/v1/health")]
        code = street.stop()
        keys = Keyring.open(street.home).controller_keys("aurore")
        marks = [street.customer(number) for number in READ]
        marks += [agent_key(keys, namespace, "anna") for namespace in ("crm", "telephony")]
        yield {
            "street": street, "spooled": spooled, "answers": answers, "code": code, "marks": marks,
            "entries": [entry for entry in street.entries() if entry.source in spooled],
        }  # fmt: skip


def test_only_counts_leave_the_source(dry):
    """No access, no link: counts, heartbeats and gaps alone, in spool and ledger."""
    kinds = {event.kind for events in dry["spooled"].values() for event in events}
    assert "access.count" in kinds
    assert kinds <= {"access.count", "heartbeat", "gap", "contact"}
    assert {entry.kind for entry in dry["entries"]} <= {"access.count", "heartbeat", "gap", "contact"}


def test_no_agent_session_or_record_reaches_the_disk(dry):
    """Neither pseudonym stands in a spool record or in a decrypted entry, nor any field that could hold one."""
    texts = [event.body.decode() for events in dry["spooled"].values() for event in events]
    texts += [json.dumps(entry.body) for entry in dry["entries"]]
    assert len(texts) > 10
    assert [mark for mark in dry["marks"] if any(mark in text for text in texts)] == []
    counts = [entry.body for entry in dry["entries"] if entry.kind == "access.count"]
    assert sum(body["statements"] for body in counts) >= 2 * len(READ) + 2
    assert all({"agent", "session", "records", "account"}.isdisjoint(body) for body in counts)


def test_the_api_tells_no_agent_and_no_access(dry):
    """Searches find nothing, pages show nobody."""
    assert dry["code"] == 0
    text = json.dumps(dry["answers"])
    assert dry["answers"][:3] == [[], [], []]
    assert [mark for mark in dry["marks"] if mark in text] == []


def test_the_state_of_play_is_counted(dry):
    """Share of statements that carry an agent, by table and coverage: the product is useful before the gate opens."""
    counts = [entry.body for entry in dry["entries"] if entry.kind == "access.count" and entry.source == "db"]
    attributed = sum(body["statements_attributed"] for body in counts)
    assert attributed >= 2 * len(READ) + 1
    assert {table for body in counts for table in body["tables"]} == {"public.customer", "public.orders"}
    assert all(body["dry"] for body in counts)
