"""Remedies: one per access, the one that helps most."""

import pytest

from quivive.model.access import Action, CoverageClass
from quivive.model.hint import CoverageHint, hint_of

DECLARED = {"public.customer"}
CUSTOMER = ("public.customer",)


@pytest.mark.parametrize(
    ("coverage", "action", "tables", "passed", "hint"),
    [
        ("exact", "read", CUSTOMER, True, CoverageHint.NONE),
        ("aggregate", "query", CUSTOMER, True, CoverageHint.NONE),
        ("count_only", "list", CUSTOMER, True, CoverageHint.SELECT_KEY),
        ("opaque", "list", CUSTOMER, True, CoverageHint.SELECT_KEY_BARE),
        ("count_only", "update", CUSTOMER, False, CoverageHint.RETURNING_KEY),
        ("opaque", "export", CUSTOMER, False, CoverageHint.SERVER_SIDE),
        ("opaque", "query", (), True, CoverageHint.SERVER_SIDE),
        ("opaque", "query", ("public.f()", *CUSTOMER), True, CoverageHint.DECLARE_FUNCTION),
        ("opaque", "list", ("pg_temp_3.t", *CUSTOMER), True, CoverageHint.TEMPORARY_TABLE),
        ("count_only", "read", ("public.paper",), True, CoverageHint.DECLARE_TABLE),
    ],
)
def test_hint(coverage, action, tables, passed, hint):
    """Each class and action has its remedy, as enum or as read from an entry."""
    assert hint_of(CoverageClass(coverage), Action(action), tables, DECLARED, passed=passed) is hint
    assert hint_of(coverage, action, tables, DECLARED, passed=passed) is hint
