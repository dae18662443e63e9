"""Claims of the gate's snapshot: default deny, notice and lead time per person and version, doubt leaves out."""

from dataclasses import replace

import pytest
from register_bodies import ACTIVE, ANNE, ANNE_LOGIN, ANNOUNCED, BEN, BEN_LOGIN, CAMPAIGN, LISTENER, NOW, agent, notice

from quivive.model.clock import DAY_US, HOUR_US
from quivive.model.errors import StorageError
from quivive.model.gate import GateState
from quivive.model.recording_register import CampaignState, NeutralisedBody, NeutralisedScope, NoticeState
from quivive.recordings.policy import NOTHING, decode_policy, encode_policy, in_force, snapshot

PEOPLE = (agent(ANNE, ANNE_LOGIN), agent(BEN, BEN_LOGIN))


def test_nothing_is_in_force_before_a_second_person_announced_it():
    """A proposed or refused campaign is not in the snapshot, an announced one is."""
    for state in (CampaignState.PROPOSED, CampaignState.REFUSED):
        assert snapshot([replace(CAMPAIGN, state=state)], [], [], NOW).campaigns == ()
    assert [c.campaign for c in snapshot([ANNOUNCED], [], [], NOW).campaigns] == ["formation-aurore"]


def test_an_ended_campaign_stops_and_a_new_version_replaces_the_old():
    """The end counts whatever the order of the entries; a proposed next version changes nothing yet."""
    ended = replace(ANNOUNCED, state=CampaignState.ENDED)
    assert in_force([ended, ANNOUNCED]) == in_force([ANNOUNCED, ended]) == []
    second = replace(ANNOUNCED, version=2)
    assert in_force([second, ANNOUNCED]) == [second]
    assert in_force([ANNOUNCED, replace(CAMPAIGN, version=2)]) == [ANNOUNCED]


def test_only_proof_of_notice_of_this_version_counts_and_only_after_the_lead_time():
    """Sent is no proof, a refusal to sign is; the notice of version 1 says nothing of version 2."""
    told = snapshot([ANNOUNCED], [notice(ANNE), notice(BEN, NoticeState.SENT)], [], NOW).campaigns[0].informed
    assert told == {ANNE: NOW + 7 * DAY_US}
    refused = snapshot([ANNOUNCED], [notice(BEN, NoticeState.REFUSED)], [], NOW).campaigns[0]
    assert refused.informed == {BEN: NOW + 7 * DAY_US}
    changed = snapshot([replace(ANNOUNCED, version=2)], [notice(ANNE)], [], NOW).campaigns[0]
    assert changed.informed == {}


def test_the_first_proof_of_several_counts():
    """Delivered by e-mail, acknowledged three days later: the lead time runs from the delivery."""
    notices = [notice(ANNE, at=NOW + 3 * DAY_US), notice(ANNE, NoticeState.DELIVERED)]
    assert snapshot([ANNOUNCED], notices, [], NOW).campaigns[0].informed == {ANNE: NOW + 7 * DAY_US}


def test_no_establishment_is_active_before_its_gate_says_so():
    """Without an active recordings module the person is there and not active."""
    assert not snapshot([], [], [], NOW, people=PEOPLE).people[ANNE].active
    assert snapshot([], [], [], NOW, people=PEOPLE, gates=[ACTIVE]).people[ANNE].active
    back = [ACTIVE, replace(ACTIVE, state=GateState.ASSESSED)]
    assert not snapshot([], [], [], NOW, people=PEOPLE, gates=back).people[ANNE].active


def test_an_account_of_two_people_names_nobody():
    """A shared login cannot be told apart: it is left out; people who left as well."""
    shared = (agent(ANNE, ANNE_LOGIN), agent(BEN, ANNE_LOGIN))
    assert snapshot([], [], [], NOW, people=shared).accounts == {}
    gone = (agent(ANNE, ANNE_LOGIN, active_to=NOW), agent(BEN, ANNE_LOGIN))
    policy = snapshot([], [], [], NOW, people=gone)
    assert policy.accounts == {ANNE_LOGIN: BEN}
    assert ANNE not in policy.people


def test_neutralised_tokens_hold_until_they_are_put_back_or_expire():
    """The last word on a token counts."""
    token = NeutralisedBody(token=ANNE, scope=NeutralisedScope.PERSON, from_at=NOW - 1, to_at=0, removed=False)
    line = replace(token, token="d" * 32, scope=NeutralisedScope.LINE)
    policy = snapshot([], [], [token, line], NOW)
    assert (policy.neutralised_people, policy.neutralised_lines) == ((ANNE,), ("d" * 32,))
    assert snapshot([], [], [token, replace(token, removed=True)], NOW).neutralised_people == ()
    assert snapshot([], [], [replace(token, to_at=NOW)], NOW).neutralised_people == ()


def test_a_campaign_knows_its_periods_population_and_listeners():
    """The end of a period is outside; empty lists are everybody; a listener is one by either name."""
    campaign = snapshot([ANNOUNCED], [], [], NOW, people=PEOPLE).campaigns[0]
    start = ANNOUNCED.periods[0].from_at
    assert [campaign.within(start + shift) for shift in (-1, 0, 3 * HOUR_US - 1, 3 * HOUR_US)] == [
        False, True, True, False,
    ]  # fmt: skip
    person = snapshot([], [], [], NOW, people=PEOPLE).people[ANNE]
    assert campaign.concerns(person, "queue-7")
    assert not replace(campaign, queues=("sales",)).concerns(person, "queue-7")
    assert not replace(campaign, sites=("sud",)).concerns(person, "")
    assert campaign.may_listen(principal="evaluator-1")
    assert campaign.may_listen(person=LISTENER)
    assert not campaign.may_listen(principal="evaluator-2", person=ANNE)
    assert not campaign.may_listen()


def test_what_was_over_for_a_day_leaves_the_snapshot():
    """One more day, so that the gate can say why; then gone."""
    assert snapshot([ANNOUNCED], [], [], ANNOUNCED.to_at + DAY_US - 1).campaigns
    assert not snapshot([ANNOUNCED], [], [], ANNOUNCED.to_at + DAY_US).campaigns


def test_the_file_comes_back_as_it_was_and_damage_is_refused():
    """Round trip; anything else is an error, never a wider policy."""
    policy = snapshot([ANNOUNCED], [notice(ANNE)], [], NOW, people=PEOPLE, gates=[ACTIVE])
    assert decode_policy(encode_policy(policy)) == policy
    assert NOTHING.campaigns == ()
    assert NOTHING.good_until == 0
    for damaged in (b"", b"{}x", b'{"format":2}', encode_policy(policy)[:-5]):
        with pytest.raises(StorageError):
            decode_policy(damaged)
