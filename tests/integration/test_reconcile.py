"""A relay and the server's own log over one real database: who connects past the relay is noticed (capture case 74)."""

import json
import time
from collections import Counter

import psycopg
import pytest
from street_support import Street, until

from quivive.model.clock import Micros, now_us, to_rfc3339

pytestmark = pytest.mark.integration

SECOND_SOURCE = """
[sources.audit]
kind = "files"
controller = "aurore"
namespace = "crm"
path = "{path}"
mapping = "audit.yml"
follow = true
grade = "B"
heartbeat_s = 1
reconcile_with = "db"
"""
SETTLED_S = 11
"""What is younger than ten seconds is compared the next time."""


@pytest.fixture
def street(pg15_audited):
    """A relay `db` and the log `audit` of the same database, active; the log is the second source."""
    database = pg15_audited.customer_database()
    pg15_audited.execute(f'ALTER DATABASE "{database}" SET pgaudit.log_relation = on')
    log = pg15_audited.server.data / "log" / "server.csv"
    with Street(pg15_audited, database) as street:
        street.source("db")
        street.main = street.main.replace(
            "heartbeat_s = 1", 'heartbeat_s = 1\nprograms = ["crm"]\nservice_accounts = ["app_user"]', 1
        )
        street.main += SECOND_SOURCE.format(path=log)
        street.write()
        (street.home / "audit.yml").write_text(
            f"translator: pgaudit\nlog: {{format: csvlog, timezone: UTC, databases: [{database}]}}\n", encoding="utf-8"
        )
        yield street.start().activate()


def crm(connection, number):
    """What the application does for its agents: pages, lists, a search, a view, a cursor, changes, a roll-back."""
    connection.execute(f"SET quivive.agent = '{('anna', 'boris')[number % 2]}'")
    for customer in range(number * 10, number * 10 + 10):
        connection.execute("SELECT * FROM customer WHERE id = %s", (customer + 1,))
        connection.execute("SELECT id, total FROM orders WHERE customer_id = %s", (customer + 1,))
    connection.execute("SELECT id, last_name FROM customer ORDER BY id LIMIT 40")
    connection.execute("SELECT last_name FROM customer WHERE last_name LIKE 'Nom77%'")
    connection.execute("SELECT * FROM customer_card WHERE id = 3")
    connection.execute("UPDATE customer SET phone = '+33639980012' WHERE id = %s", (number + 1,))
    connection.execute("SELECT count(*) FROM customer")
    with connection.transaction(), connection.cursor(name=f"page_{number}") as cursor:
        cursor.itersize = 20
        cursor.execute("SELECT id, phone FROM customer WHERE id <= 60")
        assert len(cursor.fetchall()) == 60
    with pytest.raises(psycopg.errors.UndefinedColumn):
        connection.execute("SELECT no_such_column FROM customer")


def compare(street, began):
    time.sleep(SETTLED_S)
    street.settle()
    code, told, failed = street.run(
        "reconcile", "db", "audit", "--from", to_rfc3339(Micros(began)), "--to", to_rfc3339(Micros(now_us())), "--json"
    )
    assert told, failed
    return code, json.loads(told)


def test_a_bypass_is_noticed(street):
    """Everything through the relay: nothing to find. Then three statements on a direct connection: exactly those."""
    began = now_us()
    with psycopg.connect(street.dsn() + "?application_name=crm", autocommit=True) as connection:
        for number in range(4):
            crm(connection, number)
    code, clean = compare(street, began)
    assert (code, clean["findings"], clean["matched_permille"]) == (0, [], 1000), clean
    assert clean["first_statements"] >= 4 * 25
    assert abs(clean["skew_ms"]) < 1000

    direct = street.server.dsn(street.database, user="app_user")
    with (
        psycopg.connect(direct, autocommit=True) as past,
        psycopg.connect(street.dsn() + "?application_name=crm", autocommit=True) as connection,
    ):
        connection.execute("SET quivive.agent = 'anna'")
        for customer in range(20):
            connection.execute("SELECT * FROM customer WHERE id = %s", (customer + 1,))
            if customer == 10:
                past.execute("SELECT * FROM customer WHERE id = 11")  # the very record that the relay shows
                past.execute("SELECT id, phone FROM customer ORDER BY id")
                past.execute("SELECT o.id, c.phone FROM orders o JOIN customer c ON c.id = o.customer_id")
    code, found = compare(street, began)
    assert code == 1
    (bypass,) = found["findings"]
    assert (bypass["code"], bypass["statements"]) == ("bypass", 3)
    touched = Counter(tuple(each["tables"]) for each in bypass["touched"] for _ in range(each["statements"]))
    assert touched == {("public.customer",): 2, ("public.customer", "public.orders"): 1}
    shown = street.run("reconcile", "db", "audit", "--from", to_rfc3339(Micros(began)), "--to", "2100-01-01T00:00:00Z")
    assert shown[0] == 1
    assert "bypass: 3 · " in shown[1]
    assert all(name not in shown[1] for name in ("anna", "boris", "app_user"))
    # Judged and counted once: the second source stands apart.
    assert {item["source"] for item in street.seen("customer:11")} == {"db"}

    told = json.loads(street.run("coverage", "db", "--json")[1])
    (application,) = told["applications"]
    assert (application["program"], application["account"]) == ("crm", "app_user")
    assert application["statements"]["exact"] >= 4 * 20
    worst = {(each["tables"][0], each["coverage"]): each["hint"] for each in told["worst"]}
    assert worst[("public.customer", "count_only")] == "select_key"
    code, lines, _ = street.run("coverage", "db")
    assert code == 0
    assert "select_key: add the key column to this SELECT" in lines

    code, attribution, _ = street.run("doctor", "attribution")
    assert code == 0
    assert "✓ attribution (db · crm · app_user): 100.0 % of" in attribution
    with psycopg.connect(street.dsn() + "?application_name=crm", autocommit=True) as connection:
        for customer in range(20):
            connection.execute("SELECT * FROM customer WHERE id = %s", (customer + 1,))
    until(lambda: "! attribution (db · crm · app_user)" in street.run("doctor", "attribution")[1])
    assert "every checkout of the pool" in street.run("doctor", "attribution")[1]
    assert street.stop() == 0
    kinds = Counter((entry.source, entry.kind) for entry in street.entries() if entry.source == "audit")
    assert kinds[("audit", "access")] == 0
    assert kinds[("audit", "access.second")] > 100
    assert kinds[("audit", "access.count")] == 0
