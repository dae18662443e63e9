"""The retention room: due days go with a certificate, holds keep them, a kill is resumed, nothing decodable is left."""

import json
import shutil
import time

import pytest
from decoding import find_keys, found_keys
from retention_support import NOW, OLD_DAY, key, keys, room_of, story, until, written
from traces import CUSTOMER, access

from quivive.ledger.entry import decode_entry
from quivive.ledger.finding import Exit
from quivive.ledger.purge import Order
from quivive.ledger.verify import verify_home
from quivive.model.clock import DAY_US, Micros, now_us, utc_day
from quivive.model.entry import EntryKind, RetentionClass
from quivive.model.errors import RefusedError
from quivive.model.purge import POLICY_PRINCIPAL, PurgeRule
from quivive.model.retention import Hold
from quivive.privacy.retention import SegmentDay, day_start

ORDER = Order(rule=PurgeRule.ERASURE_ORDERED, planned_by="p-1", approved_by="p-2", approval="ab" * 16, at=NOW)


@pytest.fixture
def room(core):
    core.writer.write(EntryKind.CONFIGURATION, {"operator": "Centre"})
    written(core, story())
    core.start()
    made = room_of(core)
    until(lambda: made.ready() and core.ledger.head("aurore/" + utc_day(Micros(NOW))[:6]).entries >= 62)
    until(lambda: not core.pipeline._behind())
    return made


def verified(core, room):
    """Exit code and findings on a copy, as an auditor gets it."""
    until(room.ready)
    core.ledger.publish(now_us() + 5_000_000, force=True)
    copy = core.home.parent / f"copy-{time.monotonic_ns()}"
    core.ledger.snapshot(copy)
    report = verify_home(copy)
    shutil.rmtree(copy)
    return report


def test_a_due_day_goes_with_its_certificate(core, room):
    """Found everywhere by decoding before, nowhere after; verify says erased under certificate; the rest is whole."""
    wanted = [*keys("old"), key("old-phone")]
    assert set(found_keys(core.home, wanted)) >= set(wanted)
    assert verified(core, room).exit_code is Exit.VERIFIED
    report = room.round(NOW)
    (certificate,) = report.certificates
    assert (report.held, report.incomplete) == (0, 0)
    assert find_keys(core.home, wanted) == {}
    assert set(found_keys(core.home, keys("new"))) >= set(keys("new"))
    until(lambda: room.query("certificates"))
    (told,) = room.query("certificates")
    assert told["certificate"] == certificate
    assert (told["day"], told["count"], told["declared_days"], told["planned_by"]) == (
        OLD_DAY,
        31,
        365,
        POLICY_PRINCIPAL,
    )
    places = {place["place"]: place["found"] for place in json.loads(told["places"])}
    assert places == {"keys": 0, "segments": 0, "hot": 0, "sealed": 0, "spools": 0}
    found = verified(core, room)
    assert found.exit_code is Exit.ERASED, found.findings
    assert room.round(NOW).certificates == ()


def test_a_late_event_for_a_purged_day_is_refused_and_counted(core, room):
    """It becomes a gap of cause purged_day; what its spool still held is blanked with the next round."""
    room.round(NOW)
    late = access("late", day_start(OLD_DAY) + 9, [(CUSTOMER, "late-0")], source="feed")
    written(core, [late], source="feed")
    until(lambda: core.ledger.cursor("feed").seq == 1)
    until(room.ready)
    until(lambda: [r for r in room.query("gaps") if r["cause"] == "purged_day"])
    (gap,) = [r for r in room.query("gaps") if r["cause"] == "purged_day"]
    assert (gap["source"], gap["lost"]) == ("feed", 1)
    room.round(NOW)
    assert find_keys(core.home, [key("late-0")]) == {}


def test_a_hold_keeps_a_day_and_refuses_an_order(core, room):
    """Fault 43: refused while it stands; removed once it is over."""
    hold = Hold(
        hold="cd" * 16, controller="aurore", retention_class="", from_at=day_start(OLD_DAY),
        to_at=day_start(OLD_DAY) + DAY_US, until_at=NOW + DAY_US, order="TJ-7", approval="", placed_by="p-1",
        approved_by="p-2",
    )  # fmt: skip
    room.place_hold(hold)
    report = room.round(NOW)
    assert (report.certificates, report.held) == ((), 1)
    place = SegmentDay(controller="aurore", retention_class="trace", day=OLD_DAY)
    with pytest.raises(RefusedError) as refused:
        room.remove_day(place, ORDER)
    assert refused.value.code == "removal_held"
    with pytest.raises(RefusedError):
        room.end_controller("aurore", ORDER)
    until(lambda: room.query("holds"))
    fresh = room_of(core)  # after a restart the ledger tells
    assert [each.hold for each in fresh.holds(NOW)] == [hold.hold]
    assert len(fresh.round(NOW + 2 * DAY_US).certificates) == 1


def test_an_order_waits_for_what_is_still_in_the_spool(core, monkeypatch):
    """Fault 43 after a restart: a hold that is durable and not yet projected is not overlooked."""
    hold = Hold(
        hold="ce" * 16, controller="aurore", retention_class="", from_at=day_start(OLD_DAY),
        to_at=day_start(OLD_DAY) + DAY_US, until_at=NOW + DAY_US, order="TJ-7", approval="", placed_by="p-1",
        approved_by="p-2",
    )  # fmt: skip
    core.writer.write(EntryKind.CONFIGURATION, {"operator": "Centre"})
    core.writer.write(EntryKind.HOLD, hold)
    written(core, story())
    fresh, place = room_of(core), SegmentDay(controller="aurore", retention_class="trace", day=OLD_DAY)
    monkeypatch.setattr("quivive.core.retention_room.READY_WITHIN_S", 0.1)
    for removal in (lambda: fresh.remove_day(place, ORDER), lambda: fresh.end_controller("aurore", ORDER)):
        with pytest.raises(RefusedError) as refused:
            removal()
        assert refused.value.code == "not_ready"
    monkeypatch.undo()
    core.start()
    with pytest.raises(RefusedError) as refused:
        fresh.remove_day(place, ORDER)
    assert (refused.value.code, refused.value.detail) == ("removal_held", hold.hold)
    until(lambda: fresh.ready() and core.ledger.removing.segment_days())
    shard = "aurore/" + utc_day(Micros(NOW))[:6]
    until(lambda: core.ledger.head(shard).entries >= 62)
    old = next(e for e in core.ledger.read({}, 500) if key("old-7").encode() in e.data)
    monkeypatch.setattr("quivive.core.retention_room.READY_WITHIN_S", 0.1)
    monkeypatch.setattr(fresh, "_caught_up", lambda: False)
    with pytest.raises(RefusedError, match="not_ready"):
        fresh.erase_event(old.shard, old.index, ORDER)
    assert core.ledger.removals.records() == []


def test_a_hold_that_nobody_agreed_to_lapses(core, room):
    """One person keeps for a week; two persons keep until the date."""
    alone = Hold(
        hold="ef" * 16, controller="aurore", retention_class="", from_at=0, to_at=NOW, until_at=NOW + 300 * DAY_US,
        order="TJ-8", approval="", placed_by="p-1", approved_by="",
    )  # fmt: skip
    room.place_hold(alone)
    until(lambda: room.query("holds"))
    fresh = room_of(core)
    assert fresh.holds(NOW)
    assert fresh.holds(NOW + 8 * DAY_US) == []


def test_a_purge_killed_after_the_ledger_is_finished_later(core, room):
    """No certificate before the search: the record waits, a new room certifies; twice the same certificate is one."""
    core.ledger.removing.purge_day("aurore", "trace", OLD_DAY, ORDER)
    assert find_keys(core.home / "projection", keys("old"))
    assert core.ledger.removals.incomplete()
    check = room.check(NOW)
    assert check.incomplete == 1
    (certificate,) = room_of(core).finish(NOW)
    assert find_keys(core.home, keys("old")) == {}
    assert core.ledger.removals.incomplete() == []
    until(lambda: room.query("certificates"))
    assert [row["certificate"] for row in room.query("certificates")] == [certificate]


def test_what_comes_back_is_not_certified(core, room):
    """Fault 42: a key put back is found, removed again, and certified only when it is gone."""
    path = core.home / "keys" / "days" / "aurore" / "trace" / f"{OLD_DAY}.json"
    saved = path.read_bytes()
    core.ledger.removing.purge_day("aurore", "trace", OLD_DAY, ORDER)
    path.write_bytes(saved)
    assert room.finish(NOW) == []
    assert not path.exists()
    assert len(room.finish(NOW)) == 1


def test_one_event_is_erased_everywhere(core, room, monkeypatch):
    """Its keys are nowhere; every other access of the day is still shown and proved."""
    shard = "aurore/" + utc_day(Micros(NOW))[:6]
    core.ledger.publish(now_us() + 5_000_000, force=True)
    found = [e for e in core.ledger.read({}, 500) if e.shard == shard and key("new-7").encode() in e.data]
    assert decode_entry(found[0].data).kind is EntryKind.ACCESS
    projection, forget = core.projection, core.projection.forget_access
    left = []
    monkeypatch.setattr(projection, "forget_access", lambda *told: (left.append(told), forget(*told)))
    room.erase_event(shard, found[0].index, ORDER)
    assert projection.left_of_access(*left[0]) == (0, 0)
    monkeypatch.setattr(projection, "left_of_access", lambda *told: (int(told == left[0]), 0))
    assert room.finish(NOW) == []  # still hot: looked for by its id, not certified
    monkeypatch.undo()
    fresh = room_of(core)
    assert fresh.finish(NOW) == []  # after a restart its id is not known: not before the projection is rebuilt
    until(lambda: not core.pipeline.rebuilding)
    (certificate,) = fresh.finish(NOW)
    assert find_keys(core.home, [key("new-7")]) == {}
    others = [each for each in keys("new") if each != key("new-7")]
    assert set(found_keys(core.home, others)) >= set(others)
    assert certificate == core.ledger.removals.records()[0].id
    assert verified(core, room).exit_code is Exit.ERASED


def test_the_end_of_a_contract_leaves_nothing_of_it(core, room, monkeypatch):
    """Keys, logs, rows, searches, what stood ready for relays; the certificate is in the operator's log."""
    relay = core.keyring.export_relay("api", "aurore")
    core.vault.save_search(principal="p", controller="aurore", keys=tuple(keys("new")), now=NOW)
    end = Order(rule=PurgeRule.CONTRACT_ENDED, planned_by="p-1", approved_by="p-2", approval="ab" * 16, at=NOW)
    case = core.home / "cases" / "aurore" / "c-1" / "d.sealed"
    case.parent.mkdir(parents=True)
    case.write_bytes(b"sealed")
    room.end_controller("aurore", end)
    with monkeypatch.context() as stuck:
        stuck.setattr("quivive.core.retention_room.shutil.rmtree", lambda *_, **__: None)
        assert room.finish(NOW) == []
    (certificate,) = room.finish(NOW)
    assert find_keys(core.home, [*keys("old"), *keys("new")]) == {}
    assert not relay.exists()
    assert not case.exists()
    assert not list((core.home / "log").rglob("aurore*"))
    until(room.ready)
    told = [decode_entry(e.data) for e in core.ledger.read({}, 500) if b'"kind":"purge"' in e.data]
    assert [(e.controller, e.body["what"], e.body["certificate"]) for e in told] == [
        ("operator", "controller", certificate)
    ]
    assert core.ledger.shards() == [name for name in core.ledger.shards() if name.startswith("operator/")]


def test_a_row_edited_by_hand_costs_a_rebuild(core, room):
    """Fault 53: found by the nightly comparison, and put right from the ledger."""
    day = utc_day(Micros(NOW - DAY_US))
    assert room.reconcile(day) == []
    cursor = core.projection.cursor()
    cursor.execute("UPDATE access SET row_count = 77 WHERE started_at >= $1", [NOW - 2 * DAY_US])
    cursor.close()
    assert {each.table for each in room.reconcile(day)} == {"access"}
    until(lambda: not core.pipeline.rebuilding)
    until(room.ready)
    until(lambda: not core.pipeline._behind())
    assert room.reconcile(day) == []


def test_every_store_is_compared_with_what_was_declared(core, room):
    """Red before the purge, green after: the check is an entry, each store by its oldest thing."""
    before = room.check(NOW)
    late = {(each.store, each.retention_class) for each in before.stores if each.overdue}
    assert late >= {("segments", "trace"), ("keys", "trace"), ("hot", "trace"), ("spools", "trace")}
    room.round(NOW)
    after = room.check(NOW)
    assert (after.overdue, after.incomplete) == (0, 0)
    assert {each.retention_class for each in after.stores} >= {RetentionClass.TRACE, RetentionClass.GOVERNANCE}
    until(lambda: any(row["checked_at"] for row in room.query("retention")))
