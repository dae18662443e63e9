"""Per application: what its statements leave untold and why, how its agents are named, and the cheapest change."""

import pytest

from quivive.detection.applications import (
    AttributionFix,
    application_coverage,
    attributed,
    coverage_hint,
)
from quivive.model.access import Action, CoverageClass
from quivive.model.catalogue import Catalogue, Table, TableKind
from quivive.model.hint import CoverageHint

CUSTOMER = "public.customer"
CATALOGUE = Catalogue(
    controller="aurore",
    version=1,
    tables=(Table(name=CUSTOMER, kind=TableKind.PERSON, key=("id",)),),
    not_protected=("public.tariff",),
)
POOL = "ab" * 16


def row(section, coverage, statements, rows, **more):
    fields = {"program": "crm", "account": POOL, "shape": "", "tables": (), "action": "", "has_columns": True}
    return {"section": section, "coverage": coverage, "statements": statements, "rows": rows, **fields, **more}


def test_shares_by_class_and_the_worst_statement_with_its_hint():
    """Applications by rows; a service account by its declared name, any other account by none."""
    found = application_coverage(
        "db",
        [
            row("class", "exact", 90, 900),
            row("class", "count_only", 10, 5_000),
            row("class", "exact", 1, 1, program="", account="cd" * 16),
            row("statement", "count_only", 10, 5_000, shape="00aa", tables=(CUSTOMER,), action="list"),
        ],
        catalogue=CATALOGUE,
        accounts={POOL: "crm_pool"},
        on_the_wire=True,
    )
    assert [(each.program, each.account) for each in found.applications] == [("crm", "crm_pool"), ("", "")]
    assert found.applications[0].rows == {"exact": 900, "count_only": 5_000}
    assert found.applications[0].statements == {"exact": 90, "count_only": 10}
    (worst,) = found.worst
    assert (worst.shape, worst.rows, worst.hint) == ("00aa", 5_000, CoverageHint.SELECT_KEY)


@pytest.mark.parametrize(
    ("coverage", "action", "tables", "has_columns", "hint"),
    [
        (CoverageClass.EXACT, Action.LIST, (CUSTOMER,), True, CoverageHint.NONE),
        (CoverageClass.AGGREGATE, Action.QUERY, (CUSTOMER,), True, CoverageHint.NONE),
        (CoverageClass.COUNT_ONLY, Action.LIST, (CUSTOMER,), True, CoverageHint.SELECT_KEY),
        (CoverageClass.OPAQUE, Action.LIST, (CUSTOMER,), False, CoverageHint.SELECT_KEY_BARE),
        (CoverageClass.COUNT_ONLY, Action.LIST, (CUSTOMER,), False, CoverageHint.GRANT_USAGE),
        (CoverageClass.COUNT_ONLY, Action.LIST, ("pg_temp.copy",), True, CoverageHint.TEMPORARY_TABLE),
        (CoverageClass.COUNT_ONLY, Action.LIST, ("public.mystery",), True, CoverageHint.DECLARE_TABLE),
        (CoverageClass.COUNT_ONLY, Action.UPDATE, (CUSTOMER,), False, CoverageHint.RETURNING_KEY),
        (CoverageClass.OPAQUE, Action.QUERY, ("public.find()",), True, CoverageHint.DECLARE_FUNCTION),
        (CoverageClass.OPAQUE, Action.QUERY, (), True, CoverageHint.SERVER_SIDE),
    ],
)
def test_each_class_has_its_hint(coverage, action, tables, has_columns, hint):
    """What would make the records known; nothing where nothing would, or nothing need."""
    told = {"coverage": coverage, "action": action, "tables": tables, "rows": 3, "has_columns": has_columns}
    assert coverage_hint(**told, catalogue=CATALOGUE, on_the_wire=True) == hint
    beside = coverage_hint(**told, catalogue=CATALOGUE, on_the_wire=False)
    assert beside == (CoverageHint.USE_RELAY if hint else CoverageHint.NONE)


def means(source="db", program="crm", account=POOL, **named):
    return [
        {"source": source, "program": program, "account": account, "attribution": name, "statements": number}
        for name, number in named.items()
    ]


@pytest.mark.parametrize(
    ("rows", "fix"),
    [
        (means(session_variable=995, none=5), AttributionFix.NONE),
        (means(not_informed=900, session_variable=100), AttributionFix.NONE),
        (means(session_variable=994, none=6), AttributionFix.SET_AT_CHECKOUT),
        (means(comment=500, none=500), AttributionFix.VARIABLE_NOT_COMMENT),
        (means(none=10), AttributionFix.SDK_OR_SET_CONFIG),
        (means(none=10, account=""), AttributionFix.DECLARE_ACCOUNT),
        (means(none=10, source="api"), AttributionFix.AGENT_FIELD),
    ],
)
def test_the_cheapest_way_to_name_the_agent(rows, fix):
    """Below 99.5 of a hundred there is one; whoever is withheld was named."""
    (found,) = attributed(rows, accounts={POOL: "crm_pool"}, relays=frozenset({"db"}))
    assert found.fix == fix


def test_applications_that_name_nobody_stand_first():
    """By statements without an agent; shares are rounded down."""
    rows = [*means(session_variable=1_999, none=1), *means(program="erp", none=7), *means(program="web", declared=3)]
    found = attributed(rows, accounts={POOL: "crm_pool"}, relays=frozenset({"db"}))
    assert [(each.program, each.permille) for each in found] == [("erp", 0), ("crm", 999), ("web", 1000)]
