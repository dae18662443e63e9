"""Claims on the edge of the intake: durable before the answer, once only, in the right log, under the policy."""

import asyncio

import pytest

from quivive.intake import IntakeKind
from quivive.intake.accept import MAX_INLINE_BYTES
from quivive.model.access import GapBody, GapCause
from quivive.model.errors import RefusedError, StorageError
from quivive.model.gate import DRY_POLICY

ACCESS = {"id": "a1", "at": "2026-11-22T14:05:00Z", "agent": "c.martin", "action": "read", "records": ["customer:2"]}
CALL = {
    "id": "A-1", "version": 1, "kind": "call", "controller": "aurore", "direction": "inbound",
    "agent": "c.martin", "started_at": "2026-11-22T14:05:00Z", "records": ["customer:2"], "phone": "0199000001",
}  # fmt: skip
PERSON = {
    "id": "hr-1", "version": 1, "name": "Camille Dupont", "employer": "q", "establishment": "l", "country": "FR",
}  # fmt: skip


def test_a_row_sent_twice_is_written_once(bench):
    """In one batch, in two batches: accepted once, a duplicate after that."""
    first = bench.take("accesses", "aurore-crm", [ACCESS, ACCESS])
    again = bench.take("accesses", "aurore-crm", [ACCESS])
    assert (first.accepted, first.duplicates, again.accepted, again.duplicates) == (1, 1, 0, 1)
    assert bench.kinds("aurore-crm") == ["access"]


def test_two_batches_at_once_write_a_row_once_and_both_wait_for_the_disk(bench):
    """The second is not answered before the first one's row is durable."""

    async def both():
        spool = bench.spools["aurore-crm"]
        spool.hold = asyncio.Event()
        first = asyncio.create_task(bench.take_async("accesses", "aurore-crm", [ACCESS]))
        await asyncio.sleep(0)
        second = asyncio.create_task(bench.take_async("accesses", "aurore-crm", [ACCESS]))
        await asyncio.sleep(0.01)
        assert not first.done()
        assert not second.done()
        spool.hold.set()
        return await first, await second

    first, second = asyncio.run(both())
    assert (first.accepted, second.duplicates) == (1, 1)
    assert bench.kinds("aurore-crm") == ["access"]


def test_nothing_is_acknowledged_when_the_disk_refuses(bench):
    """The sender gets an error and sends again; the row keeps its identifier, so a double is recognised."""
    spool = bench.spools["aurore-crm"]
    spool.failing = True
    with pytest.raises(StorageError):
        bench.take("accesses", "aurore-crm", [ACCESS])
    spool.failing = False
    assert bench.take("accesses", "aurore-crm", [ACCESS]).accepted == 1
    assert len({event["body"]["access"] for event in spool.events}) == 1


def test_bad_rows_are_reported_good_ones_written(bench):
    """One report, both sides."""
    report = bench.take("accesses", "aurore-crm", [ACCESS, {**ACCESS, "id": "a2", "action": "browse"}, 3])
    assert report.accepted == 1
    assert [(e.row, e.field, e.found) for e in report.refused] == [(1, "$.action", "string"), (2, "$", "integer")]


def test_a_large_batch_is_taken_like_a_small_one(bench):
    """Mapped in a worker thread, same result."""
    rows = [{**ACCESS, "id": f"row-{number}"} for number in range(400)]
    assert len(str(rows)) > MAX_INLINE_BYTES
    report = bench.take("accesses", "aurore-crm", rows)
    assert (report.accepted, report.duplicates) == (400, 0)
    assert bench.take("accesses", "aurore-crm", rows).duplicates == 400


def test_links_are_written_once_a_day(bench):
    """The second call of the same customer adds a contact, not a link; another day adds it again."""
    bench.take("contacts", "pbx", [CALL])
    bench.take("contacts", "pbx", [{**CALL, "id": "A-2"}])
    assert bench.kinds("pbx") == ["contact", "link", "contact"]
    bench.take("contacts", "pbx", [{**CALL, "id": "A-3", "started_at": "2026-11-21T14:05:00Z"}])
    assert bench.kinds("pbx")[3:] == ["contact", "link"]


def test_dry_writes_counts_alone(bench):
    """No access, no link, no pseudonym of anyone in the spool."""
    bench.policy = DRY_POLICY
    report = bench.take("accesses", "aurore-crm", [ACCESS, {**ACCESS, "id": "a2"}])
    assert report.accepted == 2
    (event,) = bench.spools["aurore-crm"].events
    assert (str(event["kind"]), event["body"]["statements"]) == ("access.count", 2)


def test_a_shared_source_writes_into_the_log_of_each_row(bench):
    """One switchboard, two controllers: the row names its own; keys differ; a heartbeat goes to both."""
    bench.take("contacts", "pbx", [CALL, {**CALL, "controller": "boreal"}])
    one, two = (e for e in bench.spools["pbx"].events if e["kind"] == "contact")
    assert (one["controller"], two["controller"]) == ("aurore", "boreal")
    assert one["body"]["contact"] != two["body"]["contact"]
    bench.take("heartbeats", "pbx", [{"complete_to": "2026-11-22T14:05:00Z"}])
    beats = [e["controller"] for e in bench.spools["pbx"].events if e["kind"] == "heartbeat"]
    assert beats == ["aurore", "boreal"]


def test_a_row_of_a_shared_source_must_name_its_controller(bench):
    """Nobody guesses whose customer it was."""
    report = bench.take("contacts", "pbx", [{**CALL, "controller": None}])
    assert [(e.field, e.found) for e in report.refused] == [("$.controller", "null")]


def test_a_token_narrows_the_controllers(bench):
    """What the token may not write for is refused row by row."""
    rows = [CALL, {**CALL, "id": "A-2", "controller": "boreal"}]
    report = bench.take("contacts", "pbx", rows, controllers=("boreal",))
    assert (report.accepted, [e.row for e in report.refused]) == (1, [0])


def test_names_go_to_the_vault_after_the_spool(bench):
    """The entry holds no name; the sealing gets it once, and not for a duplicate."""
    bench.take("directory", "hr", [PERSON])
    bench.take("directory", "hr", [PERSON])
    (event,) = bench.spools["hr"].events
    assert event["controller"] == "operator"
    assert "Dupont" not in str(event)
    assert [identity.version for identity in bench.sealed] == [1]


def test_grade_a_is_the_wires_alone(bench):
    """A log told by an application is at best B, a file D, whatever the settings say."""
    bench.take("accesses", "aurore-crm", [ACCESS])
    bench.take("accesses", "aurore-file", [ACCESS])
    grades = [bench.spools[name].events[0]["body"]["grade"] for name in ("aurore-crm", "aurore-file")]
    assert grades == ["B", "D"]


@pytest.mark.parametrize(
    ("kind", "source", "code"),
    [
        ("accesses", "nobody", "source_unknown"),
        ("accesses", "pbx", "source_kind"),
        ("contacts", "hr", "source_kind"),
        ("heartbeats", "aurore-db", "source_kind"),
    ],
)
def test_a_source_takes_its_own_kind_only(bench, kind, source, code):
    """A telephony token cannot write accesses."""
    with pytest.raises(RefusedError) as caught:
        bench.take(kind, source, [])
    assert caught.value.code == code


def test_a_wrong_body_is_refused_whole(bench):
    """No media type we read."""
    with pytest.raises(RefusedError) as caught:
        asyncio.run(
            bench.intake.take(kind=IntakeKind.ACCESSES, source="aurore-crm", content_type="text/csv", body=b"a;b")
        )
    assert caught.value.code == "content_type"


def test_a_gap_is_written_for_each_controller(bench):
    """Losing sight of a shared source concerns every log it writes to."""
    gap = GapBody(from_at=1, to_at=2, cause=GapCause.CODEC, lost=3)
    asyncio.run(bench.intake.record_gap("pbx", gap))
    assert [(str(e["kind"]), e["controller"], e["body"]["lost"]) for e in bench.spools["pbx"].events] == [
        ("gap", "aurore", 3),
        ("gap", "boreal", 3),
    ]
