"""The round of recordings by a clock that is moved: seeds committed, revealed, proven; a person closes a finding."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))
from audio_centre import AudioCentre
from hearing_bodies import ANSWER, FOUND

from quivive.core.recording_round import RecordingRound
from quivive.model.clock import DAY_US, HOUR_US, Micros, from_rfc3339, utc_day
from quivive.model.entry import EntryKind
from quivive.model.errors import RefusedError
from quivive.model.recording import GateReason
from quivive.recordings.sampling import draw, seed_of
from quivive.vault import Vault

KEY = b"k" * 32
SHARE = 30


class FakeRegister:
    """The campaigns that were written, and nobody else."""

    def __init__(self, writer):
        self._writer = writer

    def campaigns(self):
        return self._writer.of("recording.campaign")

    def in_force(self):
        return self.campaigns()

    def notices(self):
        return []

    def neutralised(self):
        return []

    def people(self):
        return []


@pytest.fixture
def centre(tmp_path):
    made = AudioCentre(tmp_path / "home")
    made.campaign()
    made.vault = Vault.open(made.home / "vault.db")
    made.round = RecordingRound(
        settings=made.settings, register=FakeRegister(made.writer), projection=made.projection, writer=made.writer,
        vault=made.vault, key=KEY, clock=made.clock, ready=lambda: True,
    )  # fmt: skip
    yield made
    made.vault.close()
    made.close()


def answers(centre, day, wrong=False):
    """What a gate answers to two hundred calls of a day, by the day's seed."""
    seed, at = seed_of(KEY, "aurore", "quality", day), from_rfc3339(f"{day[:4]}-{day[4:6]}-{day[6:]}T10:00:00Z")
    for number in range(200):
        contact = f"{number + 1:032x}"
        found = draw(seed, contact)
        allowed = (found < SHARE) is not (wrong and number == 7)
        reason = GateReason.PERMITTED if allowed else GateReason.NOT_SAMPLED
        body = replace(
            ANSWER, answer=contact, contact=contact, campaign="quality", allowed=allowed, reason=reason, asked_at=at,
            draw=found, day=day,
        )  # fmt: skip
        centre.writer.write(EntryKind.RECORDING_ANSWER, body, controller="aurore", at=at)


@pytest.mark.parametrize("wrong", [False, True])
def test_a_finished_day_is_recomputed_from_its_revealed_seed(centre, wrong):
    """Committed the day before, revealed an hour after midnight, not sooner; one answer against the draw shows."""
    today = centre.now // DAY_US * DAY_US
    centre.now = today - 6 * HOUR_US
    centre.round.lend()
    day = utc_day(Micros(today))
    seeds = [body for body in centre.writer.of("recording.seed") if body.day == day]
    assert [each.seed for each in seeds] == [""]
    answers(centre, day, wrong)
    centre.now = today + 23 * HOUR_US
    with pytest.raises(RefusedError, match="day_not_over"):
        centre.round.prove(day)
    centre.now = today + DAY_US + HOUR_US // 2
    centre.round.lend()
    assert not any(body.seed for body in centre.writer.of("recording.seed") if body.day == day)
    centre.now = today + DAY_US + 2 * HOUR_US
    centre.round.lend()
    (proof,) = centre.round.prove(day)
    assert (proof.drawn, proof.committed_before, proof.commitment_holds) == (200, True, True)
    assert (proof.good, proof.wrong_answers) == (not wrong, int(wrong))
    assert proof.sampled > 0


def found(centre):
    body = replace(FOUND, happened_at=centre.now - HOUR_US, found_at=centre.now, aimed_at="boss-1")
    centre.writer.write(EntryKind.NONCONFORMITY, body, controller="aurore")
    return body


def test_a_person_closes_a_finding_with_a_reference(centre):
    """Its next version names who and by what; it stays closed, and is not closed twice."""
    body = found(centre)
    close = {"principal": "dpo-1", "controllers": ("aurore",), "reference": " CR-2026-11-24 "}
    centre.round.close(body.nonconformity, **close)
    last = centre.writer.of("nonconformity")[-1]
    assert (last.version, last.closed_by, last.closing_reference) == (2, "dpo-1", "CR-2026-11-24")
    assert (last.nonconformity_kind, last.person, last.happened_at) == (
        body.nonconformity_kind, body.person, body.happened_at,
    )  # fmt: skip
    centre.round.compare()
    assert len(centre.writer.of("nonconformity")) == 2
    with pytest.raises(RefusedError, match="nonconformity_unknown"):
        centre.round.close(body.nonconformity, **close)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"principal": "boss-1"}, "nonconformity_own"),
        ({"controllers": ("boreal",)}, "nonconformity_unknown"),
        ({"reference": "  "}, "nonconformity_reference"),
        ({"reference": "x" * 81}, "nonconformity_reference"),
        ({"name": "f" * 32}, "nonconformity_unknown"),
        ({"name": "' OR 1=1"}, "nonconformity_unknown"),
    ],
)
def test_what_is_not_closed(centre, change, code):
    """Nobody closes what is put to himself; another company's, an unknown one, one without reference: refused."""
    body = found(centre)
    asked = {"name": body.nonconformity, "principal": "dpo-1", "controllers": ("aurore",), "reference": "CR-1"} | change
    with pytest.raises(RefusedError, match=code):
        centre.round.close(asked.pop("name"), **asked)
    assert len(centre.writer.of("nonconformity")) == 1
