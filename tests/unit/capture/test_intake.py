"""Claims on access rows: same keys as the relay, policy obeyed, wrong fields named, nothing else let through."""

import pytest

from quivive.capture.intake import AccessContext, map_access, merge_counts
from quivive.model.access import (
    MAX_KEYS_PER_PART,
    Action,
    AttributionSource,
    CoverageClass,
    Grade,
    Outcome,
)
from quivive.model.catalogue import Catalogue, Path, Table, TableKind
from quivive.model.clock import MINUTE_US, SECOND_US
from quivive.model.gate import DRY_POLICY, CapturePolicy
from quivive.privacy.pseudonym import ControllerKeys, agent_key, contact_key, record_key
from quivive.privacy.subject import SubjectKeyer
from quivive.rows import FieldError, Row

KEYS = ControllerKeys(key_id="k1", record=b"r" * 32, agent=b"a" * 32)
CATALOGUE = Catalogue(
    controller="aurore",
    version=1,
    tables=(
        Table(name="public.customer", kind=TableKind.PERSON, key=("id",)),
        Table(
            name="public.orders",
            kind=TableKind.LINKED,
            key=("id",),
            path=Path(column="customer_id", to="public.customer"),
        ),
        Table(name="public.pair", kind=TableKind.LINKED, key=("a", "b")),
    ),
    not_protected=("public.tariff",),
)
CONTEXT = AccessContext(
    source="aurore-crm",
    namespace="crm",
    grade=Grade.B,
    keyer=SubjectKeyer(keys=KEYS, catalogue=CATALOGUE, region="FR"),
)
AT = 1_795_356_300_000_000  # 2026-11-22T14:05:00Z
ROW = {"id": "a1", "at": "2026-11-22T14:05:00Z", "agent": "c.martin", "action": "read", "records": ["customer:2"]}
AGENT = agent_key(KEYS, "crm", "c.martin")
KEEPS = CapturePolicy(active=True, informed={AGENT: AT}, keep_unknown=False, service_accounts=("batch",))


def mapped(policy=KEEPS, now=AT, **change):
    return map_access(Row({**ROW, **change}), CONTEXT, policy, now)


def refused(**change) -> FieldError:
    with pytest.raises(FieldError) as caught:
        mapped(**change)
    return caught.value


def test_a_row_becomes_one_exact_access():
    """Record, agent and contact are the relay's pseudonyms; grade and declared attribution are kept."""
    result = mapped(contact="C-9", columns=["customer.last_name"], changed=["public.customer.phone"], rows=3)
    (body,) = result.parts
    assert body.agent == AGENT
    assert body.attribution is AttributionSource.DECLARED
    assert body.contact == contact_key(KEYS, "C-9")
    assert [(g.table, g.keys) for g in body.records] == [
        ("public.customer", (record_key(KEYS, "public.customer", "2"),))
    ]
    assert body.columns == ("public.customer.last_name",)
    assert body.changed == ("public.customer.phone",)
    assert (body.coverage, body.grade, body.rows, body.distinct) == (CoverageClass.EXACT, Grade.B, 3, 1)
    assert (body.at, body.ended_at, body.final, body.session) == (AT, AT, True, "")
    assert len(body.neighbourhoods) == 1


def test_the_same_row_has_the_same_identifier():
    """An access sent twice has one id; another source or native id has another."""
    assert mapped().native == mapped(action="update").native == mapped().parts[0].access
    assert mapped(id="a2").native != mapped().native


def test_table_and_keys_say_the_same_as_records():
    """Both notations give the same records, composite keys included."""
    row = {"table": "pair", "keys": [[1, "x"], ["2", "y,z"]], "records": None}
    by_keys = mapped(**row).parts[0].records
    by_notation = mapped(records=["pair:1,x", "pair:2,y\\,z"]).parts[0].records
    assert by_keys == by_notation


def test_without_keys_the_access_is_counted_never_empty():
    """A row that names only a table is `count_only` with its rows: never "no records"."""
    (body,) = mapped(records=None, table="customer", rows=40).parts
    assert (body.coverage, body.rows, body.records, body.tables) == (
        CoverageClass.COUNT_ONLY,
        40,
        (),
        ("public.customer",),
    )


def test_an_agent_not_informed_is_withheld_with_his_contact():
    """Before `informed_at`, or for an unknown login, neither agent nor contact passes; the record does."""
    late = CapturePolicy(active=True, informed={AGENT: AT + 1}, keep_unknown=False, service_accounts=())
    for policy in (late, CapturePolicy(active=True, informed={}, keep_unknown=False, service_accounts=())):
        (body,) = mapped(policy, contact="C-9").parts
        assert (body.agent, body.contact, body.attribution) == ("", "", AttributionSource.NOT_INFORMED)
        assert body.records


def test_an_unknown_login_is_kept_only_where_declared():
    """`keep_unknown` belongs to the demonstration."""
    policy = CapturePolicy(active=True, informed={}, keep_unknown=True, service_accounts=())
    assert mapped(policy).parts[0].agent == AGENT


def test_a_service_account_is_no_person():
    """It appears as an account, never as an agent."""
    (body,) = mapped(agent="Batch").parts
    assert (body.agent, body.attribution) == ("", AttributionSource.ACCOUNT)
    assert body.account


def test_no_agent_is_unattributed():
    """Nobody is guessed."""
    assert mapped(agent=None).parts[0].attribution is AttributionSource.NONE


def test_dry_leaves_counts_only():
    """In dry no agent, record, contact or link comes out, only a count per minute, shape and tables."""
    result = mapped(DRY_POLICY, contact="C-9", records=["customer:2", "orders:1"])
    assert (result.parts, result.links) == ((), ())
    count = result.count
    assert count.dry
    assert (count.minute_at, count.tables) == (AT - AT % MINUTE_US, ("public.customer", "public.orders"))
    assert (count.statements, count.statements_attributed, count.rows) == (1, 1, 2)


def test_counts_add_up():
    """Rows of one minute and shape become one count."""
    one, two, other = (mapped(DRY_POLICY, **c).count for c in ({}, {"agent": None}, {"action": "update"}))
    merged = merge_counts([one, two, other])
    assert sorted((c.action, c.statements, c.statements_attributed) for c in merged) == [
        (Action.READ, 2, 1),
        (Action.UPDATE, 1, 1),
    ]


def test_unprotected_tables_are_only_counted():
    """A tariff page is no access; a page with a tariff and a customer is one to the customer."""
    free = mapped(records=["tariff:3"])
    assert free.parts == ()
    assert not free.count.dry
    both = mapped(records=["tariff:3", "customer:2"], columns=["tariff.price", "customer.id"])
    assert both.parts[0].tables == ("public.customer",)
    assert mapped(records=None, table="tariff", keys=[1]).parts == ()


def test_an_order_page_links_the_order_to_its_customer():
    """One person and a linked record on one row give a link; a listing of many gives none."""
    assert len(mapped(records=["customer:2", "orders:17"]).links) == 1
    many = ["customer:2", *(f"orders:{n}" for n in range(20))]
    assert mapped(records=many).links == ()


def test_a_long_listing_comes_in_parts():
    """Each part holds at most MAX_KEYS_PER_PART keys, the last alone is final and complete."""
    parts = mapped(action="export", records=[f"customer:{n}" for n in range(MAX_KEYS_PER_PART + 1)]).parts
    assert [(p.part, p.final, p.distinct) for p in parts] == [
        (0, False, MAX_KEYS_PER_PART),
        (1, True, MAX_KEYS_PER_PART + 1),
    ]
    assert sum(len(g.keys) for p in parts for g in p.records) == MAX_KEYS_PER_PART + 1
    assert all(p.rows == MAX_KEYS_PER_PART + 1 for p in parts)


def test_a_record_named_twice_counts_once():
    """Keys are distinct within an access."""
    assert mapped(records=["customer:2", "public.customer:2"]).parts[0].distinct == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": None}, "$.id"),
        ({"at": "yesterday"}, "$.at"),
        ({"action": "browse"}, "$.action"),
        ({"outcome": "fine"}, "$.outcome"),
        ({"records": ["Camille Dupont"]}, "$.records[0]"),
        ({"records": ["customer:2", "secret:1"]}, "$.records[1]"),
        ({"records": "customer:2"}, "$.records"),
        ({"records": None}, "$.records"),
        ({"keys": [1]}, "$.table"),
        ({"table": "secret"}, "$.table"),
        ({"table": "pair", "keys": [[1]]}, "$.keys[0]"),
        ({"columns": ["last_name"]}, "$.columns[0]"),
        ({"columns": ["Camille Dupont"]}, "$.columns[0]"),
        ({"changed": ["secret.x"]}, "$.changed[0]"),
        ({"rows": -1}, "$.rows"),
        ({"agent": 3}, "$.agent"),
        ({"surname": "Dupont"}, "$"),
    ],
)
def test_a_wrong_field_is_named_without_its_value(change, field):
    """Field, expected, type: never what stood there."""
    error = refused(**change)
    assert error.field == field
    assert "Dupont" not in str(error)
    assert error.found in {"string", "integer", "nothing", "null", "array", "an unknown field (number 6)"}


def test_a_clock_that_runs_far_ahead_is_refused():
    """An access cannot come from the future."""
    with pytest.raises(FieldError):
        mapped(now=AT - 3_600 * SECOND_US)


def test_outcome_defaults_to_ok():
    """A log line without outcome is an access that took place."""
    assert mapped().parts[0].outcome is Outcome.OK
    assert mapped(outcome="denied").parts[0].outcome is Outcome.DENIED
