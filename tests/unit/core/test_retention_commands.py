"""Commands of retention: two persons, two roles; refusals are entries; the controller receives its evidence first."""

import json
import shutil
import time

import pytest
from decoding import find_keys
from retention_support import DAY_US, NOW, OLD_DAY, key, keys, room_of, story, until, written

from quivive.core.retention_commands import retention_commands
from quivive.core.retention_room import refuse_ended
from quivive.ledger.entry import decode_entry
from quivive.model.approval import ApprovalRefusal
from quivive.model.clock import Micros, now_us, to_rfc3339, utc_day
from quivive.model.entry import EntryKind
from quivive.model.errors import ConfigurationError, RefusedError, StorageError
from quivive.model.permission import Role
from quivive.model.purge import CheckedPlace, PurgePlace
from quivive.settings import load_settings

TODAY = utc_day(Micros(NOW))


class Desk:
    """A core with its commands; `call` runs one, `token` makes a second person."""

    def __init__(self, core):
        core.writer.write(EntryKind.CONFIGURATION, {"operator": "Centre"})
        written(core, story())
        core.start()
        self.core, self.room = core, room_of(core)
        until(self.room.ready)
        until(lambda: not core.pipeline._behind())

    def call(self, name, **request):
        until(self.room.ready)

        async def work(parts):
            told = type(parts)(**{each: getattr(parts, each) for each in parts.__slots__} | {"retention": self.room})
            return await retention_commands(told, self.core.writer)[name](request)

        return self.core.parts(work)

    def token(self, role, controllers=("aurore",)):
        return self.core.vault.issue_token(
            name=f"{role}-{time.monotonic_ns()}", sources=(), roles=(role,), controllers=controllers, expires_at=0
        )

    def acts(self):
        until(self.settled)
        entries = [decode_entry(e.data) for e in self.core.ledger.read({}, 1_000) if b'"kind":"act"' in e.data]
        return [entry.body["act"] for entry in entries]

    def settled(self):
        time.sleep(0.3)
        return self.room.ready()


@pytest.fixture
def desk(core):
    return Desk(core)


def plan(desk, **request):
    told = {"act": "purge", "controller": "aurore", "retention_class": "trace", "day": OLD_DAY, "reference": "DPO-4"}
    return desk.call("removal-plan", **{**told, **request})


def test_a_purge_by_hand_needs_a_second_person(desk):
    """Proposed by one, run by one: refused and logged (fault 43); agreed by a second: done and certified."""
    proposed = plan(desk)
    assert proposed["entries"] == 31
    with pytest.raises(RefusedError) as refused:
        desk.call("removal-run", approval=proposed["approval"])
    assert refused.value.code == ApprovalRefusal.NOT_APPROVED
    decided = desk.call("removal-decide", approval=proposed["approval"], secret=desk.token(Role.DPO))
    assert decided["state"] == "approved"
    done = desk.call("removal-run", approval=proposed["approval"])
    assert (len(done["certificates"]), done["incomplete"]) == (1, 0)
    assert find_keys(desk.core.home, keys("old")) == {}
    with pytest.raises(RefusedError):
        desk.call("removal-run", approval=proposed["approval"])
    told = desk.acts()
    assert told.count("removal_refused") >= 1
    assert {"propose_removal", "decide_removal", "carry_out_removal"} <= set(told)
    status = desk.call("removal-status")
    assert [each["certificate"] for each in status["certificates"]] == done["certificates"]


def test_an_administrator_may_not_be_the_second_person(desk):
    """Not by role, not without the permission; another company's person neither."""
    proposed = plan(desk)
    with pytest.raises(RefusedError, match="permission_refused"):
        desk.call("removal-decide", approval=proposed["approval"], secret=desk.token(Role.ADMINISTRATOR))
    with pytest.raises(RefusedError, match="controller_unknown"):
        desk.call("removal-decide", approval=proposed["approval"], secret=desk.token(Role.DPO, ("boreal",)))


def test_what_changed_since_is_another_plan(desk):
    """Two persons agreed to so many entries, not to more."""
    proposed = plan(desk, day=utc_day(Micros(NOW - DAY_US)))
    desk.call("removal-decide", approval=proposed["approval"], secret=desk.token(Role.DPO))
    written(desk.core, [each for each in story() if each.body.__class__.__name__ == "ContactBody"], source="other")
    until(lambda: desk.core.ledger.cursor("other").seq == 2)
    with pytest.raises(RefusedError) as refused:
        desk.call("removal-run", approval=proposed["approval"])
    assert refused.value.code == ApprovalRefusal.OTHER_PLAN


def test_a_hold_keeps_at_once_and_is_agreed_or_not(desk):
    """Placed by one, agreed by a second; its release needs two persons again."""
    day = to_rfc3339(Micros(NOW - 400 * DAY_US))[:10]
    end = to_rfc3339(Micros(NOW + 30 * DAY_US))[:10]
    told = {"controller": "aurore", "from": day, "to": to_rfc3339(Micros(NOW - 399 * DAY_US))[:10], "until": end}
    placed = desk.call("hold-add", **told, reference="TJ-9")
    assert desk.room.round(NOW).held == 1
    assert [each["agreed"] for each in desk.call("hold-list")["holds"]] == [False]
    desk.call("removal-decide", approval=placed["approval"], secret=desk.token(Role.DPO))
    assert [each["agreed"] for each in desk.call("hold-list")["holds"]] == [True]
    proposed = plan(desk)
    desk.call("removal-decide", approval=proposed["approval"], secret=desk.token(Role.DPO))
    with pytest.raises(RefusedError, match="removal_held"):
        desk.call("removal-run", approval=proposed["approval"])
    released = desk.call("hold-release", hold=placed["hold"], reference="TJ-10")
    assert desk.call("hold-list")["holds"]
    desk.call("removal-decide", approval=released["approval"], secret=desk.token(Role.SECURITY))
    assert desk.call("hold-list")["holds"] == []
    assert desk.call("removal-run", approval=proposed["approval"])["incomplete"] == 0
    with pytest.raises(RefusedError, match="hold_period"):
        desk.call("hold-add", **{**told, "until": "2999-01-01"}, reference="TJ-9")


def test_one_entry_is_erased_by_order(desk):
    """The order is an entry before it is carried out."""
    shard = f"aurore/{TODAY[:6]}"
    desk.core.ledger.publish(now_us() + 5_000_000, force=True)
    found = next(e for e in desk.core.ledger.read({}, 500) if e.shard == shard and key("new-3").encode() in e.data)
    proposed = plan(desk, act="erasure", month=TODAY[:6], index=found.index)
    desk.call("removal-decide", approval=proposed["approval"], secret=desk.token(Role.DPO))
    done = desk.call("removal-run", approval=proposed["approval"])
    assert len(done["certificates"]) == 1
    assert find_keys(desk.core.home, [key("new-3")]) == {}
    desk.acts()
    assert [e for e in desk.core.ledger.read({}, 1_000) if b'"kind":"erasure"' in e.data]


def test_the_end_of_a_contract_hands_over_then_destroys(desk, tmp_path):
    """The bundle verifies on its own; nothing of the controller is left; its file may not bring it back."""
    proposed = plan(desk, act="contract_end")
    desk.call("removal-decide", approval=proposed["approval"], secret=desk.token(Role.DPO))
    with pytest.raises(RefusedError, match="export_missing"):
        desk.call("removal-run", approval=proposed["approval"])
    target = tmp_path / "handed-over"
    done = desk.call("removal-run", approval=proposed["approval"], export=str(target))
    assert done["exported"] >= 62
    assert len(done["certificates"]) == 1
    (certificate,) = json.loads((target / "certificate.json").read_text())
    assert (certificate["what"], certificate["controller"]) == ("controller", "aurore")
    assert find_keys(desk.core.home, [*keys("old"), *keys("new")]) == {}
    with pytest.raises(ConfigurationError, match="contract ended"):
        refuse_ended(desk.core.home, desk.core.settings)
    shutil.move(desk.core.home / "controllers" / "aurore.toml", tmp_path)
    assert "aurore" not in load_settings_without_sources(desk.core.home)


def test_a_certificate_that_is_not_there_yet_is_told_and_follows(desk, tmp_path, monkeypatch):
    """Something of it is found after all: the answer says so, no empty file stands for it, the next round writes it."""
    proposed = plan(desk, act="contract_end")
    desk.call("removal-decide", approval=proposed["approval"], secret=desk.token(Role.DPO))
    found = (CheckedPlace(place=PurgePlace.HOT, looked_at=1, found=1),)
    monkeypatch.setattr("quivive.core.retention_room.search", lambda *_, **__: found)
    target = tmp_path / "handed-over"
    told = desk.call("removal-run", approval=proposed["approval"], export=str(target))
    assert (told["certificates"], told["incomplete"], told["certificate_file"]) == ([], 1, "waits")
    assert not (target / "certificate.json").exists()
    monkeypatch.undo()
    (certificate,) = desk.room.finish(NOW)
    (written_later,) = json.loads((target / "certificate.json").read_text())
    assert written_later["certificate"] == certificate
    assert written_later["executed_at"] > 0


def test_what_was_not_carried_out_is_not_called_done(desk, tmp_path, monkeypatch):
    """The disk refuses before the removal: the approval still stands, and no certificate file is written."""
    proposed = plan(desk, act="contract_end")
    desk.call("removal-decide", approval=proposed["approval"], secret=desk.token(Role.DPO))

    def refuse(*_):
        raise StorageError("no space")

    monkeypatch.setattr(desk.room, "end_controller", refuse)
    with pytest.raises(StorageError):
        desk.call("removal-run", approval=proposed["approval"], export=str(tmp_path / "first"))
    monkeypatch.undo()
    assert not (tmp_path / "first" / "certificate.json").exists()
    assert [each["state"] for each in desk.call("removal-status")["waiting"]] == ["approved"]
    told = desk.call("removal-run", approval=proposed["approval"], export=str(tmp_path / "second"))
    assert (len(told["certificates"]), told["certificate_file"]) == (1, "written")
    assert (tmp_path / "second" / "certificate.json").exists()
    until(desk.settled)
    approvals = [decode_entry(e.data) for e in desk.core.ledger.read({}, 1_000) if b'"kind":"approval"' in e.data]
    assert [each.body["state"] for each in approvals] == ["proposed", "approved", "done"]


def load_settings_without_sources(home):
    text = (home / "quivive.toml").read_text()
    (home / "quivive.toml").write_text(text.split("[sources.api]")[0])
    loaded = load_settings(home)
    refuse_ended(home, loaded)
    return loaded.controllers


def test_completeness_tells_numbers_gaps_and_silence(desk):
    """Entries by source, none missing; a source without a sign of life is not called complete."""
    told = desk.call("completeness", controller="aurore", day=utc_day(Micros(NOW - DAY_US)))
    (source,) = [each for each in told["sources"] if each["source"] == "api"]
    assert (source["entries"], source["missing"], source["accesses"], source["state"]) == (31, 0, 30, "no_sign_of_life")
    assert sum(each["statements"] for each in told["shapes"]) == 30
    told = desk.call("completeness", controller="aurore", day=OLD_DAY)
    assert [each["entries"] for each in told["sources"] if each["source"] == "api"] == [31]


def test_the_check_tells_every_store(desk):
    """Overdue before, none after the round."""
    assert desk.call("retention-check")["overdue"] > 0
    desk.room.round(NOW)
    assert desk.call("retention-check")["overdue"] == 0
