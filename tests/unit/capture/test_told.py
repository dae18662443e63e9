"""Claims on what a log may tell beyond records: less than exact, alternate keys, forms of a search."""

import pytest
from test_intake import AT, CONTEXT, KEEPS, KEYS

from quivive.capture.intake import AccessContext, map_access
from quivive.model.access import CoverageClass, Grade, Pattern, PatternClass
from quivive.model.catalogue import Alternate, Catalogue, Path, Table, TableKind
from quivive.model.gate import DRY_POLICY
from quivive.privacy.pseudonym import alternate_key, record_key
from quivive.privacy.subject import SubjectKeyer
from quivive.rows import FieldError, Row

CATALOGUE = Catalogue(
    controller="aurore",
    version=1,
    tables=(
        Table(
            name="public.customer",
            kind=TableKind.PERSON,
            key=("id",),
            alternates=(Alternate(column="phone", kind="phone"),),
        ),
        Table(
            name="public.orders",
            kind=TableKind.LINKED,
            key=("id",),
            path=Path(column="customer_id", to="public.customer"),
        ),
    ),
    not_protected=("public.tariff",),
)
TOLD = AccessContext(
    source="log", namespace="crm", grade=Grade.D, keyer=SubjectKeyer(keys=KEYS, catalogue=CATALOGUE, region="FR")
)
ROW = {"id": "a1", "at": "2026-11-22T14:05:00Z", "agent": "c.martin", "action": "read"}


def mapped(policy=KEEPS, context=TOLD, **change):
    return map_access(Row({**ROW, **change}), context, policy, AT)


def refused(**change):
    with pytest.raises(FieldError) as caught:
        mapped(**change)
    return caught.value


def test_records_asked_for_are_predicate_and_make_no_link():
    """A log that knows the question only says so; two keys of one question are not two keys of one row."""
    found = mapped(records=["orders:7", "customer:2"], coverage="predicate")
    assert found.parts[0].coverage is CoverageClass.PREDICATE
    assert found.links == ()
    assert mapped(records=["orders:7", "customer:2"]).links != ()


@pytest.mark.parametrize("told", ["exact", "alternate", "everything"])
def test_a_row_never_claims_more(told):
    """`exact` and `alternate` follow from the keys of the row, they are not claimed."""
    error = refused(records=["customer:2"], coverage=told)
    assert error.field == "$.coverage"


def test_a_telephone_number_is_the_record_it_names():
    """The key is that of a contact's number; the class says that it is an alternate one."""
    found = mapped(identities=[{"kind": "phone", "value": "01 99 00 00 01"}]).parts[0]
    assert found.coverage is CoverageClass.ALTERNATE
    assert found.records[0].table == "public.customer"
    assert found.records[0].keys == (alternate_key(KEYS, "phone", "+33199000001"),)


def test_beside_record_keys_the_number_adds_nothing():
    """The record shown is the record, whatever it was found by."""
    found = mapped(records=["customer:2"], identities=[{"kind": "phone", "value": "0199000001"}]).parts[0]
    assert found.records[0].keys == (record_key(KEYS, "public.customer", "2"),)
    assert found.coverage is CoverageClass.EXACT


def test_a_hidden_number_names_nobody_and_the_table_stays():
    """`anonymous` is no error; the access is counted with its table."""
    found = mapped(table="customer", identities=[{"kind": "phone", "value": "anonymous"}]).parts[0]
    assert (found.coverage, found.tables, found.records) == (CoverageClass.COUNT_ONLY, ("public.customer",), ())


def test_wrong_identities_are_named_without_their_value():
    """A kind that the catalogue does not hold is refused."""
    error = refused(identities=[{"kind": "passport", "value": "X123"}])
    assert error.field == "$.identities[0].kind"
    assert "X123" not in str(error)


def test_forms_of_a_search_reach_the_rules():
    """Class and fixed characters are kept, and a wildcard is counted also in dry."""
    form = {"column": "customer.last_name", "class": "contains", "fixed_chars": 2}
    found = mapped(table="customer", patterns=[form])
    expected = Pattern(column="public.customer.last_name", pattern_class=PatternClass.CONTAINS, fixed_chars=2)
    assert found.parts[0].patterns == (expected,)
    assert mapped(policy=DRY_POLICY, table="customer", patterns=[form]).count.wildcards == 1
    assert refused(table="customer", patterns=[{**form, "column": "customer.last name"}]).field == (
        "$.patterns[0].column"
    )


def test_further_tables_are_counted_and_free_ones_are_not():
    """`tables` names what else was touched; tables without protection do not make an access."""
    assert mapped(tables=["orders", "tariff"]).parts[0].tables == ("public.orders",)
    assert mapped(tables=["tariff"]).parts == ()


def test_rows_as_before_are_unchanged():
    """A row without the new fields maps as ever."""
    assert map_access(Row({**ROW, "records": ["customer:2"]}), CONTEXT, KEEPS, AT).parts[0].coverage is (
        CoverageClass.EXACT
    )
