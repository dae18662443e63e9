"""Claims of notices: who is concerned, what is proof, who is still to be told, what a sheet says."""

from dataclasses import replace

import pytest
from register_bodies import ANNE, ANNE_LOGIN, ANNOUNCED, BEN, BEN_LOGIN, NOW, agent, notice

from quivive.model.clock import DAY_US
from quivive.model.recording_register import NoticeChannel, NoticeState
from quivive.recordings.notices import SheetLine, concerns, due, notice_id, progress, read_sheet, told
from quivive.rows import FieldError

PEOPLE = [agent(ANNE, ANNE_LOGIN), agent(BEN, BEN_LOGIN)]


def test_a_campaign_concerns_its_population_while_they_work_here():
    """Site, team, controller; not who left, not who comes after its end."""
    assert concerns(ANNOUNCED, PEOPLE[0], NOW)
    assert not concerns(replace(ANNOUNCED, sites=("sud",)), PEOPLE[0], NOW)
    assert not concerns(replace(ANNOUNCED, teams=("b",)), PEOPLE[0], NOW)
    assert not concerns(replace(ANNOUNCED, controller="boreal"), PEOPLE[0], NOW)
    assert not concerns(ANNOUNCED, agent(ANNE, ANNE_LOGIN, active_to=NOW), NOW)
    assert not concerns(ANNOUNCED, replace(PEOPLE[0], active_from=ANNOUNCED.to_at), NOW)


def test_the_best_state_is_shown_and_the_first_proof_counts():
    """Failed by e-mail, then delivered, then acknowledged; sent alone proves nothing."""
    states = [
        notice(ANNE, NoticeState.ACKNOWLEDGED, at=NOW + 5),
        notice(ANNE, NoticeState.DELIVERED, at=NOW + 1, channel=NoticeChannel.EMAIL),
        notice(ANNE, NoticeState.FAILED, at=NOW, channel=NoticeChannel.EMAIL),
        notice(BEN, NoticeState.SENT),
        notice(BEN, NoticeState.ACKNOWLEDGED, version=2),
    ]
    for ordered in (states, states[::-1]):
        found = told(ordered, ANNOUNCED)
        assert (found[ANNE].state, found[ANNE].proven_at) == (NoticeState.ACKNOWLEDGED, NOW + 1)
        assert (found[BEN].state, found[BEN].proven_at) == (NoticeState.SENT, 0)


def test_progress_counts_persons_never_who():
    """Two concerned, one has read; he may be recorded after the lead time only."""
    counted = progress(ANNOUNCED, PEOPLE, [notice(ANNE), notice(BEN, NoticeState.SENT)], NOW)
    assert (counted.concerned, counted.acknowledged, counted.sent, counted.outstanding) == (2, 1, 1, 1)
    assert counted.effective == 0
    assert progress(ANNOUNCED, PEOPLE, [notice(ANNE)], NOW + 7 * DAY_US).effective == 1
    refused = progress(ANNOUNCED, PEOPLE, [notice(BEN, NoticeState.REFUSED)], NOW)
    assert (refused.refused, refused.outstanding) == (1, 1)


def test_who_is_due_a_channel():
    """Not who was told by it, nor who has proof by another; who joins later is due, and everybody for a new version."""

    def people_due(campaign, people, notices, channel=NoticeChannel.EMAIL, at=NOW):
        return [person for _, person in due([campaign], people, notices, channel, at)]

    assert people_due(ANNOUNCED, PEOPLE, []) == [ANNE, BEN]
    assert people_due(ANNOUNCED, PEOPLE, [notice(ANNE)]) == [BEN]
    sent = notice(ANNE, NoticeState.SENT, channel=NoticeChannel.EMAIL)
    assert people_due(ANNOUNCED, PEOPLE, [sent]) == [BEN]
    assert people_due(ANNOUNCED, PEOPLE, [sent], NoticeChannel.CALENDAR) == [ANNE, BEN]
    newcomer = agent("e" * 32, "ee" * 16)
    assert people_due(ANNOUNCED, [*PEOPLE, newcomer], [notice(ANNE), notice(BEN)]) == ["e" * 32]
    assert people_due(replace(ANNOUNCED, version=2), PEOPLE, [notice(ANNE), notice(BEN)]) == [ANNE, BEN]
    assert people_due(ANNOUNCED, PEOPLE, [], at=ANNOUNCED.to_at) == []


def test_a_notice_is_the_same_each_time_it_is_told():
    """Campaign, version, person and channel make it."""
    one = notice_id("c", 1, ANNE, NoticeChannel.EMAIL)
    assert one == notice_id("c", 1, ANNE, NoticeChannel.EMAIL)
    assert len({one, notice_id("c", 2, ANNE, NoticeChannel.EMAIL), notice_id("c", 1, ANNE, NoticeChannel.SHEET)}) == 3


def test_a_sheet_says_who_signed_and_who_refused():
    """Either separator, either language, comments and blank lines left out."""
    lines = (
        SheetLine(number="A17", state=NoticeState.ACKNOWLEDGED),
        SheetLine(number="A18", state=NoticeState.REFUSED),
    )
    assert read_sheet("# feuille\nA17;signé\n\nA18;refusé\n".encode()) == lines
    assert read_sheet("A17;signé\n\nA18;refusé\n".encode("utf-8-sig")) == lines
    assert read_sheet(b"A17,signed\nA18, REFUSED\n# end\n") == lines


@pytest.mark.parametrize(
    ("data", "place"), [(b"A17;present\n", "line 1"), (b"A17,signed\n,\nx\n", "line 3"), (b"\xff\xfe", "line 1")]
)
def test_a_sheet_with_another_word_is_refused_by_its_line(data, place):
    """Presence is no proof of information: only signed or refused."""
    with pytest.raises(FieldError) as caught:
        read_sheet(data)
    assert caught.value.field == place
