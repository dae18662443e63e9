"""The coverage report: shares, and what to repair next, ranked by what it would gain."""

import pytest
from traces import CUSTOMER, PHONE, SECOND, T0, Shards, access, call, catalogue, contact, gate, heartbeat, person

from quivive.detection.coverage import FixCode, coverage_report
from quivive.detection.judge import ControllerJudging, JudgeSettings, judge_live
from quivive.model.access import AttributionSource, CoverageClass
from quivive.model.contact import ContactKind
from quivive.projection.query import Scope

SETTINGS = JudgeSettings(
    controllers={"aurore": ControllerJudging(contact_sources=(PHONE,), lateness_s=30, silent_after_s=120)}
)
MINUTE = 60 * SECOND
END = T0 + 60 * MINUTE


def report(projection, *events, as_of=END):
    projection.apply(Shards().durable([catalogue(), gate(), person("anna", ["login-a"]), *events]))
    judge_live(projection, SETTINGS, as_of=as_of)
    scope = Scope(controllers=("aurore",), from_at=T0 - MINUTE, to_at=as_of, purpose="test", principal="p1")
    return coverage_report("aurore", projection.query(scope, "coverage_reasons", {}))


def looks(count, customer="c", start=T0, **changes):
    return [
        access(f"{customer}{n}", start + n * SECOND, [(CUSTOMER, f"{customer}{n}")], **changes) for n in range(count)
    ]


def test_shares_and_the_first_thing_to_repair(projection):
    """Weak because calls of a queue carry no customer number: told with source, queue and share."""
    found = report(
        projection,
        *looks(2),
        *looks(1, "x", T0 + 10 * MINUTE),
        *looks(1, "y", T0 + 20 * MINUTE, agent="", attribution=AttributionSource.NONE),
        call("k", T0, T0 + 5 * MINUTE, queue="assistance"),
        call("k2", T0 + 10 * MINUTE, T0 + 11 * MINUTE, subjects=[("record", "x0")]),
        heartbeat(END, at=END),
    )
    assert found.exposures == 4
    assert found.strengths == {"strong": 250, "unknown": 250, "weak": 500}
    assert [(fix.code, fix.source, fix.detail, fix.permille) for fix in found.fixes] == [
        (FixCode.CALLS_WITHOUT_CUSTOMER, PHONE, "assistance", 500),
        (FixCode.ACCESSES_UNATTRIBUTED, "db", "", 250),
    ]
    (source,) = found.sources
    assert (source.source, source.explained, source.silent) == (PHONE, 1, False)
    assert source.median_s == source.p95_s == (END - T0 - 10 * MINUTE) // SECOND


@pytest.mark.parametrize(
    ("made", "code", "detail"),
    [
        (access("a", T0, [("public.mystery", "m")]), FixCode.TABLE_UNMAPPED, "public.mystery"),
        (access("a", T0, coverage=CoverageClass.OPAQUE), FixCode.RECORDS_NOT_TOLD, ""),
        (access("a", T0, [(CUSTOMER, "c")], agent="", attribution=AttributionSource.NOT_INFORMED),
         FixCode.AGENTS_NOT_INFORMED, ""),
        (access("a", T0, [(CUSTOMER, "c")], agent="", attribution=AttributionSource.ACCOUNT),
         FixCode.RUNS_NOT_DECLARED, ""),
    ],
)  # fmt: skip
def test_what_the_access_does_not_tell(projection, made, code, detail):
    """Unmapped tables, records that could not be told, runs and agents nobody declared."""
    (fix,) = report(projection, made, heartbeat(END, at=END)).fixes
    assert (fix.code, fix.detail, fix.permille) == (code, detail, 1_000)


def test_a_silent_source_is_named(projection):
    """Its share is nobody's behaviour."""
    (fix,) = report(projection, *looks(3), heartbeat(T0 - MINUTE, at=T0 - MINUTE)).fixes
    assert (fix.code, fix.source, fix.exposures) == (FixCode.SOURCE_SILENT, PHONE, 3)


def test_tickets_without_customer(projection):
    """Unexplained while a ticket without a customer is open: the ticket system should tell the customer."""
    ticket = contact("t", ContactKind.TICKET, assigned_at=T0 - MINUTE, queue="moves")
    (fix,) = report(projection, *looks(2), ticket, heartbeat(END, at=END)).fixes
    assert (fix.code, fix.detail, fix.exposures) == (FixCode.TICKETS_WITHOUT_CUSTOMER, "moves", 2)
