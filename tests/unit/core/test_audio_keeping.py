"""Recordings end with proof: plan, second person, removal, certificate; nothing else removes but an objection."""

import contextlib
import itertools
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))
from audio_centre import AudioCentre, Killed

from quivive.model.audio import AudioFailure, AudioHoldBody, HoldScope
from quivive.model.clock import DAY_US, HOUR_US, MINUTE_US
from quivive.model.entry import EntryKind
from quivive.model.errors import RefusedError
from quivive.model.purge import POLICY_PRINCIPAL, PurgeRule, removed_root
from quivive.privacy.pseudonym import contact_key
from quivive.recordings.audio import AudioUnreachableError
from quivive.recordings.audio_folder import FolderStore
from quivive.recordings.purge import Outcome
from quivive.settings import load_settings


@pytest.fixture
def centre(tmp_path):
    made = AudioCentre(tmp_path / "home")
    made.campaign()
    yield made
    made.close()


def backlog(centre):
    """Two past their limit, one inside it, one of another company."""
    for call, days in (("A-1", 31), ("A-2", 200), ("A-3", 5)):
        centre.call(call, days)
        centre.file(call)
    centre.call("B-1", 300, "boreal")
    centre.file("B-1")


def test_a_plan_is_carried_out_when_two_persons_agreed(centre):
    """What is past its limit goes, the rest stays; the certificate names both persons, rule, root and places."""
    backlog(centre)
    plan = centre.agreed()
    (outcome,) = centre.audio.carry_approved()
    assert (outcome.removed, outcome.left, outcome.whole) == (2, 0, True)
    assert centre.names() == ["0199000001-A-3.wav", "0199000001-B-1.wav"]
    (certificate,) = centre.writer.of("recording.purge")
    items = [item for part in centre.writer.of("recording.plan") for item in part.items]
    assert certificate.removed_root == removed_root(each.encode() for each in sorted(item.audio for item in items))
    assert (certificate.planned_by, certificate.approved_by) == ("eva-1", "dpo-1")
    assert (certificate.rule, certificate.count) == (PurgeRule.RECORDING_RETENTION_ENDED, 2)
    assert certificate.declared_days == 30
    assert certificate.backup_days_max == 5
    assert certificate.places[0].looked_at == 2
    assert not certificate.declared_by_vendor
    assert all(item.sha256 for item in items)
    assert centre.audio.carry_approved() == []
    with pytest.raises(RefusedError, match="plan_finished"):
        centre.audio.carry_out(plan)


def test_nothing_is_removed_by_one_person(centre):
    """Not agreed to, refused, agreed to by its own maker or by somebody in the same role."""
    backlog(centre)
    plan = centre.planned()
    with pytest.raises(RefusedError, match="plan_not_approved"):
        centre.audio.carry_out(plan)
    for principal, code in (
        (centre.person("dpo", "eva-1"), "approval_same_person"),
        (centre.person("evaluator", "eva-2"), "permission_refused"),
        (centre.person("dpo", controllers=("boreal",)), "controller_unknown"),
    ):
        with pytest.raises(RefusedError, match=code):
            centre.desk.decide(plan, principal, agreed=True)
    centre.desk.decide(plan, centre.person("dpo"), agreed=False)
    assert centre.audio.carry_approved() == []
    with pytest.raises(RefusedError, match="plan_not_approved"):
        centre.audio.carry_out(plan)
    assert len(centre.names()) == 4


def test_two_in_the_same_role_are_not_two(centre):
    """The role of who agrees differs from that of who planned."""
    backlog(centre)
    centre.desk.plan("aurore", centre.person("dpo", "dpo-2"))
    plan = centre.writer.of("recording.plan")[-1].plan
    with pytest.raises(RefusedError, match="approval_same_role"):
        centre.desk.decide(plan, centre.person("dpo"), agreed=True)


def test_no_entry_holds_a_name_of_a_file(centre):
    """Plans, steps and certificates know objects by their keys: no number, no call id, no path."""
    backlog(centre)
    centre.agreed()
    centre.audio.carry_approved()
    text = str([body for kind, body in centre.writer.written if kind.startswith(("recording.p", "recording.s"))])
    assert not [word for word in ("0199000001", "A-1", ".wav", "monitor") if word in text]


def test_a_removal_that_fails_half_way_is_reported_resumed_and_never_certified(centre, monkeypatch):
    """One refused by the system: no certificate, the reason counted; tried again an hour later, then certified."""
    backlog(centre)
    plan = centre.agreed()
    real = os.unlink

    def unlink(name, **more):
        if name == "0199000001-A-2.wav":
            raise PermissionError(1, "Operation not permitted")
        real(name, **more)

    monkeypatch.setattr(os, "unlink", unlink)
    (outcome,) = centre.audio.carry_approved()
    assert (outcome.removed, outcome.left, outcome.certificates) == (1, 1, ())
    assert [(each.failure, each.count) for each in outcome.failures] == [(AudioFailure.REFUSED, 1)]
    assert centre.writer.of("recording.purge") == []
    (row,) = centre.desk.figures()["plans"]
    assert (row["step"], row["left_over"]) == ("incomplete", 1)
    monkeypatch.undo()
    assert centre.audio.carry_approved() == []  # not at once
    centre.now += HOUR_US
    (outcome,) = centre.audio.carry_approved()
    assert outcome.whole
    assert [body.count for body in centre.writer.of("recording.purge")] == [2]
    assert [body.attempt for body in centre.writer.of("recording.step")] == [1, 1, 2, 2]
    assert plan == row["plan"]


def test_a_store_that_went_away_proves_nothing(centre):
    """An unmounted share lists nothing: incomplete, and no certificate."""
    backlog(centre)
    centre.agreed()
    (centre.home / "monitor").rename(centre.home / "away")
    (centre.home / "monitor").mkdir()
    (outcome,) = centre.audio.carry_approved()
    assert [(each.failure, each.count) for each in outcome.failures] == [(AudioFailure.UNREACHABLE, 2)]
    assert centre.writer.of("recording.purge") == []


def test_a_file_whose_content_changed_since_the_plan_is_not_removed(centre):
    """Two persons agreed to another content."""
    backlog(centre)
    centre.agreed()
    centre.file("A-2", b"something else entirely")
    (outcome,) = centre.audio.carry_approved()
    assert [(each.failure, each.count) for each in outcome.failures] == [(AudioFailure.CHANGED, 1)]
    assert "0199000001-A-2.wav" in centre.names()


@pytest.mark.parametrize("step", range(1, 10))
def test_a_kill_between_any_two_durable_steps_is_resumed(centre, step):
    """Ended after the n-th write since the plan: the next core resumes and ends with one certificate, as if nothing was."""
    backlog(centre)
    before = len(centre.writer.written)
    centre.writer.die_after = before + step
    with contextlib.suppress(Killed):
        centre.agreed()
        centre.audio.carry_approved()
    centre.writer.die_after = -1
    centre.audio = centre.keeping()
    centre.desk._audio = centre.audio
    if not centre.projection.query(_scope(centre), "audio_plans", {}):
        centre.agreed()
    elif not centre.desk.figures()["plans"][0]["state"]:
        centre.agreed()  # sealed, but never proposed: a new plan takes its place
    elif centre.desk.figures()["plans"][0]["state"] == "proposed":
        centre.desk.decide(centre.desk.figures()["plans"][0]["plan"], centre.person("dpo"), agreed=True)
    with contextlib.suppress(RefusedError):  # finished: the last run was ended right after its last word
        centre.audio.carry_approved()
    assert len({body.certificate for body in centre.writer.of("recording.purge")}) == 1
    assert len(centre.writer.of("recording.purge")) == 1
    assert centre.names() == ["0199000001-A-3.wav", "0199000001-B-1.wav"]


def _scope(centre):
    from quivive.projection.query import Scope

    return Scope(controllers=("aurore",), from_at=0, to_at=centre.now, purpose="test", principal="test")


def hold(centre, call, *, approved_by="dpo-1", until=30 * DAY_US, hold_id="1" * 32, released=False,
         controller="aurore"):  # fmt: skip
    body = AudioHoldBody(
        hold=hold_id, controller=controller, scope=HoldScope.CONTACT, object=contact_key(centre.keys(controller), call),
        reference="RG-7", from_at=centre.now, until_at=centre.now + until, asked_by="owner", approved_by=approved_by,
        approval="", released=released,
    )  # fmt: skip
    centre.writer.write(EntryKind.RECORDING_HOLD, body, controller=controller)


def test_a_hold_beats_a_purge_until_its_end(centre):
    """Placed before the plan it is no item; placed after the agreement it is kept, told, and the rest certified."""
    backlog(centre)
    centre.agreed()
    hold(centre, "A-2")
    (outcome,) = centre.audio.carry_approved()
    assert (outcome.removed, outcome.kept, outcome.whole) == (1, 1, True)
    assert "0199000001-A-2.wav" in centre.names()
    (certificate,) = centre.writer.of("recording.purge")
    assert certificate.count == 1
    with pytest.raises(RefusedError, match="plan_empty"):
        centre.planned()
    centre.now += 31 * DAY_US
    centre.agreed()
    centre.audio.carry_approved()
    assert "0199000001-A-2.wav" not in centre.names()


@pytest.mark.parametrize("marked", [True, False])
def test_nothing_is_removed_while_nobody_can_tell_what_is_held(centre, monkeypatch, marked):
    """A hold stands and the look for it fails, or does not show the object: nothing goes; told, tried again."""
    backlog(centre)
    centre.agreed()
    hold(centre, "A-2")
    real, count = FolderStore.scan, itertools.count(1)

    def scan(self, at, **more):
        if next(count) == 2:  # the first finds the objects of the plan, the second is the look for holds
            if marked:
                raise AudioUnreachableError("away")
            return replace(real(self, at, **more), objects=())
        return real(self, at, **more)

    monkeypatch.setattr(FolderStore, "scan", scan)
    (outcome,) = centre.audio.carry_approved()
    assert outcome.removed == 0
    assert (outcome.left, outcome.kept) == ((2, 0) if marked else (0, 2))
    assert len(centre.names()) == 4
    assert centre.writer.of("recording.purge") == []
    centre.now += HOUR_US
    assert [each.kept for each in centre.audio.carry_approved()] == ([1] if marked else [])
    assert "0199000001-A-2.wav" in centre.names()


def test_a_hold_keeps_what_a_call_learned_since_moved_to_another_company(centre):
    """The object of the operator's plan is known as boreal's now, and boreal holds that call."""
    centre.file("C-1")
    path = centre.home / "monitor" / "0199000001-C-1.wav"
    long_ago = centre.now / 1e6 - 300 * 86_400
    os.utime(path, (long_ago, long_ago))
    centre.desk.plan("operator", centre.person("evaluator", "eva-1"))
    plan = centre.writer.of("recording.plan")[-1].plan
    centre.desk.decide(plan, centre.person("dpo"), agreed=True)
    centre.call("C-1", 300, "boreal")
    hold(centre, "C-1", controller="boreal")
    (outcome,) = centre.audio.carry_approved()
    assert (outcome.removed, outcome.kept) == (0, 1)
    assert centre.names() == ["0199000001-C-1.wav"]


@pytest.mark.parametrize("a_step", [1_000, 1])
def test_what_a_hold_kept_of_a_finished_plan_needs_a_new_agreement(centre, monkeypatch, a_step):
    """The hold ends: the daily round neither takes it for something that came back, nor removes it; two persons may."""
    monkeypatch.setattr("quivive.recordings.purge.MAX_KEPT_IDS", a_step)
    backlog(centre)
    centre.call("A-4", 50)
    kept = [centre.file("A-2"), centre.file("A-4")]
    centre.agreed()
    hold(centre, "A-2")
    hold(centre, "A-4", hold_id="2" * 32)
    (outcome,) = centre.audio.carry_approved()
    assert (outcome.removed, outcome.kept, outcome.whole) == (1, 2, True)
    steps = centre.writer.of("recording.step")
    assert len({audio for step in steps for audio in step.kept}) == 2
    assert steps[-1].step == "finished"
    assert centre.audio.carry_approved() == []
    centre.now += 31 * DAY_US
    look = centre.audio.look("aurore")
    assert "found_again" not in {each.reason for each in look.judged}
    centre.audio.round()
    assert all(path.exists() for path in kept)
    assert len(centre.writer.of("recording.purge")) == 1
    (proposed,) = [part for part in centre.writer.of("recording.plan")[1:] if part.controller == "aurore"]
    assert not proposed.follows
    centre.desk.decide(proposed.plan, centre.person("dpo"), agreed=True)
    centre.audio.carry_approved()
    assert not any(path.exists() for path in kept)


def test_a_hold_of_one_person_lasts_a_week(centre):
    """Asked for, it keeps at once; without a second person it ends after seven days."""
    backlog(centre)
    hold(centre, "A-2", approved_by="", until=300 * DAY_US)
    assert [each.reason for each in centre.audio.look("aurore").judged].count("held") == 1
    centre.now += 8 * DAY_US
    assert [each.reason for each in centre.audio.look("aurore").judged].count("held") == 0


def test_a_restored_backup_is_found_and_removed_again_with_a_second_certificate(centre):
    """Same name or another: the content tells; under the agreement that removed it first."""
    backlog(centre)
    path = centre.home / "monitor" / "0199000001-A-2.wav"
    data, first = path.read_bytes(), centre.agreed()
    centre.audio.carry_approved()
    path.write_bytes(data)
    (centre.home / "monitor" / "restored").mkdir()
    (centre.home / "monitor" / "restored" / "copy of something.wav").write_bytes(data)
    centre.now += DAY_US
    centre.audio.round()
    assert centre.names() == ["0199000001-A-3.wav", "0199000001-B-1.wav"]
    certificate, *again = centre.writer.of("recording.purge")
    assert sum(each.count for each in again) == 2
    assert {(each.rule, each.approved_by) for each in again} == {(PurgeRule.RECORDING_FOUND_AGAIN, "dpo-1")}
    assert first in {part.follows for part in centre.writer.of("recording.plan")}
    assert certificate.certificate not in {each.certificate for each in again}


def test_nothing_goes_for_its_content_or_its_name_alone(centre):
    """A new recording as silent as a removed one, or under a name used before, stays while its own call says so."""
    for call, days in (("A-1", 31), ("A-2", 5)):
        centre.call(call, days)
        centre.file(call, b"silence" * 500)
    centre.agreed()
    centre.audio.carry_approved()
    assert centre.names() == ["0199000001-A-2.wav"]
    centre.now += DAY_US
    centre.audio.round()
    assert centre.names() == ["0199000001-A-2.wav"]


def test_a_callers_objection_removes_what_was_captured_on_that_call(centre):
    """At once, without a second person, with a certificate; what the recorder writes later goes too."""
    centre.call("A-9", 0)
    centre.file("A-9")
    centre.objects("A-9")
    centre.audio.round()
    assert centre.names() == []
    (certificate,) = centre.writer.of("recording.purge")
    assert (certificate.rule, certificate.planned_by, certificate.approved_by) == (
        PurgeRule.RECORDING_OBJECTION, "policy", "",
    )  # fmt: skip
    centre.file("A-9", folder="late", ending="mp3")
    centre.now += HOUR_US
    centre.audio.round()
    assert centre.names() == []
    assert len(centre.writer.of("recording.purge")) == 2


def test_declared_is_compared_with_the_oldest_every_day(centre):
    """By store, company and limit; what is held is not overdue."""
    backlog(centre)
    centre.audio.round()
    (check,) = centre.writer.of("retention.check")
    ages = {(age.controller, age.declared_days): (age.overdue, age.oldest_at) for age in check.stores}
    assert ages["aurore", 30][0] is True
    assert ages["boreal", 180][0] is True
    assert check.overdue == 2
    hold(centre, "A-1")
    hold(centre, "A-2", hold_id="2" * 32)
    body = centre.audio.check(centre.audio.look("aurore"))
    assert (body.overdue, body.held) == (0, 1)


def test_a_vendors_listing_is_certified_as_the_vendors_word(tmp_path):
    """Listed and past its limit: planned; certified when a later listing no longer has it, and marked as declared."""
    home = tmp_path / "home"
    centre = AudioCentre(home)
    (home / "quivive.toml").write_text(
        '[operator]\nname = "C"\norigin = "centre.example/quivive"\n'
        '[audio.cloud]\nkind = "listing"\npath = "listing"\ncontrollers = ["aurore"]\n'
    )
    (home / "listing").mkdir()
    centre.settings = load_settings(home)
    centre.audio = centre.keeping()
    centre.desk._audio = centre.audio
    head = "Recording;File;Call ID;Campaign;Started;Duration;Size\n"
    old, new = (
        "R-1;r1.wav;C-1;q;12/01/2026 14:04:50;00:02:10;100\n",
        "R-2;r2.wav;C-2;q;20/11/2026 09:00:00;00:00:40;90\n",
    )

    def listing(name, rows):
        path = home / "listing" / name
        path.write_text(head + rows)
        os.utime(path, (centre.now / 1e6, centre.now / 1e6))

    listing("1.csv", old + new)
    centre.agreed()
    (outcome,) = centre.audio.carry_approved()
    assert {each.failure for each in outcome.failures} == {AudioFailure.STILL_LISTED} or {
        each.failure for each in outcome.failures
    } == {AudioFailure.NO_NEWER_LISTING}
    assert centre.writer.of("recording.purge") == []
    centre.now += 2 * HOUR_US
    listing("2.csv", new)
    (outcome,) = centre.audio.carry_approved()
    assert outcome.whole
    (certificate,) = centre.writer.of("recording.purge")
    assert certificate.declared_by_vendor
    assert certificate.count == 1
    centre.close()


def test_an_outcome_with_something_left_is_not_whole():
    """The word that decides about a certificate."""
    assert not Outcome(removed=9, left=1, kept=0, failures=(), certificates=()).whole


def test_what_expires_is_proposed_by_the_daily_round_and_removed_by_nobody_alone(centre):
    """One plan a controller, sealed by the policy; not twice while it waits; a person agrees, or it lapses."""
    backlog(centre)
    centre.audio.daily()
    first = centre.writer.of("recording.plan")
    assert {(part.controller, part.planned_by, len(part.items)) for part in first} == {
        ("aurore", POLICY_PRINCIPAL, 2), ("boreal", POLICY_PRINCIPAL, 1),
    }  # fmt: skip
    centre.now += DAY_US
    centre.audio.daily()
    assert centre.audio.carry_approved() == []
    assert (len(centre.writer.of("recording.plan")), len(centre.names())) == (2, 4)
    plan = next(part.plan for part in first if part.controller == "aurore")
    centre.desk.decide(plan, centre.person("dpo"), agreed=True)
    (outcome,) = centre.audio.carry_approved()
    assert outcome.whole
    (certificate,) = centre.writer.of("recording.purge")
    assert (certificate.planned_by, certificate.approved_by) == (POLICY_PRINCIPAL, "dpo-1")
    centre.now += 7 * DAY_US  # boreal's proposal was never decided
    centre.audio.daily()
    assert [part.controller for part in centre.writer.of("recording.plan")[2:]] == ["boreal"]


def test_nothing_is_proposed_while_a_store_is_silent(centre):
    """A plan of a part would hide the rest; the round goes on."""
    backlog(centre)
    (centre.home / "monitor").rename(centre.home / "away")
    assert centre.audio.daily().silent
    assert centre.writer.of("recording.plan") == []


def test_a_store_taken_out_of_the_configuration_is_told_and_ends_nothing(centre):
    """An agreed plan of it is incomplete, no certificate; the round and its check go on."""
    backlog(centre)
    centre.agreed()
    (centre.home / "other").mkdir()
    text = (centre.home / "quivive.toml").read_text()
    (centre.home / "quivive.toml").write_text(text.replace("audio.recorder", "audio.other").replace("monitor", "other"))
    centre.settings = load_settings(centre.home)
    centre.audio = centre.keeping()
    hold(centre, "A-1")
    centre.audio.round()
    assert [(each.step, each.left) for each in centre.writer.of("recording.step")] == [("begun", 2), ("incomplete", 2)]
    assert centre.writer.of("recording.purge") == []
    assert centre.writer.of("retention.check")[-1].incomplete == 1
    assert len(centre.names()) == 4


def test_a_store_that_cannot_be_marked_is_told_and_the_round_goes_on(centre, monkeypatch):
    """A read-only mount: what a caller objected to stays there, and the check says that something is incomplete."""
    centre.call("A-9", 0)
    path = centre.file("A-9")
    centre.objects("A-9")

    def mark(self):
        raise AudioUnreachableError("read-only")

    monkeypatch.setattr(FolderStore, "mark", mark)
    centre.audio.round()
    assert path.exists()
    assert centre.writer.of("retention.check")[-1].incomplete == 1


def test_a_share_that_is_not_mounted_is_silent_and_spends_no_attempt(centre):
    """Once a plan was sealed an empty folder is no proof that nothing is overdue; an objection is tried again."""
    backlog(centre)
    centre.planned()
    centre.call("A-9", 0)
    centre.file("A-9")
    centre.objects("A-9")
    (centre.home / "monitor").rename(centre.home / "away")
    (centre.home / "monitor").mkdir()
    for _ in range(6):
        centre.audio.round()
        centre.now += MINUTE_US
    assert centre.audio.look().silent == ("recorder",)
    assert centre.writer.of("retention.check")[-1].incomplete == 1
    (centre.home / "monitor").rmdir()
    (centre.home / "away").rename(centre.home / "monitor")
    centre.audio.round()
    assert "0199000001-A-9.wav" not in centre.names()
