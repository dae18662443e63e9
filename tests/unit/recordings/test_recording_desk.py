"""Claims of the desk: four eyes, every deed an entry first, notices with proof, codes and tokens, neutralised tokens."""

import asyncio

import pytest
from desk_place import DRAFT, Place
from register_bodies import ANNE, BEN, NOW

from quivive.model.clock import DAY_US
from quivive.model.entry import EntryKind
from quivive.model.errors import RefusedError, StorageError
from quivive.model.recording_register import CampaignState, NoticeChannel, NoticeState
from quivive.recordings.register import Register
from quivive.rows import FieldError
from quivive.vault import Vault


@pytest.fixture
def place(tmp_path):
    place = Place(Vault.open(tmp_path / "vault.db"))
    yield place
    place.vault.close()


def run(work):
    return asyncio.run(work)


def decide(place, *asked, controllers=("aurore",), **more):
    return place.desk.decide(*asked, controllers=controllers, **more)


def propose(place, *, role="evaluator", principal="evaluator-1", **changed):
    return run(place.desk.propose(DRAFT | changed, principal=principal, role=role))


def test_a_lawful_draft_waits_for_a_second_person(place):
    """Proposed, with an approval that says what was proposed; nothing is in force."""
    found = propose(place)
    assert found.body.state is CampaignState.PROPOSED
    assert place.kinds() == [EntryKind.RECORDING_CAMPAIGN, EntryKind.APPROVAL]
    assert place.entries[0][1] == "aurore"  # in its controller's log
    assert place.register.in_force() == []
    assert [warned.code for warned in found.warnings] == []


def test_a_refused_draft_is_kept_with_its_rules_and_cannot_be_announced(place):
    """The refusal is an entry; no approval exists."""
    found = propose(place, trigger="all")
    assert found.body.state is CampaignState.REFUSED
    assert [refused.code for refused in found.body.refusals] == ["permanent"]
    assert place.kinds() == [EntryKind.RECORDING_CAMPAIGN]
    with pytest.raises(RefusedError, match="campaign_unknown"):
        run(decide(place, "formation-aurore", 1, agree=True, principal="dpo-1", role="dpo"))


@pytest.mark.parametrize(
    ("principal", "role", "code"),
    [
        ("evaluator-1", "dpo", "approval_same_person"),
        ("evaluator-2", "evaluator", "approval_same_role"),
        ("security-1", "security", "approval_role_may_not"),
    ],
)
def test_only_another_person_who_is_the_dpo_announces(place, principal, role, code):
    """Nobody announces what he proposed, and no other role does."""
    propose(place)
    with pytest.raises(RefusedError, match=code):
        run(decide(place, "formation-aurore", 1, agree=True, principal=principal, role=role))
    assert place.register.in_force() == []


@pytest.mark.parametrize("agree", [True, False])
def test_nobody_decides_on_the_campaign_of_another_company(place, agree):
    """The DPO of one company neither announces nor refuses another's; nothing is written."""
    propose(place)
    before = place.kinds()
    asked = {"agree": agree, "principal": "dpo-1", "role": "dpo"}
    with pytest.raises(RefusedError, match="controller_unknown"):
        run(decide(place, "formation-aurore", 1, controllers=("boreal",), **asked))
    assert place.kinds() == before
    assert run(decide(place, "formation-aurore", 1, **asked)).version == 1


def test_a_dpo_does_not_propose_what_only_he_could_announce(place):
    """Otherwise one role would do both halves."""
    with pytest.raises(RefusedError, match="campaign_dpo_announces"):
        propose(place, role="dpo", principal="dpo-1")


def test_announced_it_is_told_on_the_own_page_of_each_agent_concerned(place):
    """Two agents of the site, two notices; the second person may also refuse."""
    body = run(place.announce())
    assert (body.state, body.approved_by) == (CampaignState.ANNOUNCED, "dpo-1")
    counted = place.desk.progress(body)
    assert (counted.concerned, counted.sent, counted.outstanding) == (2, 2, 2)
    propose(place, share_percent=5)
    refused = run(decide(place, "formation-aurore", 2, agree=False, principal="dpo-1", role="dpo"))
    assert refused.state is CampaignState.REFUSED
    assert [each.version for each in place.register.in_force()] == [1]


def test_a_changed_campaign_is_a_new_version_with_new_notices(place):
    """What was acknowledged for version 1 says nothing of version 2."""
    run(place.announce())
    run(place.desk.acknowledge(ANNE, "formation-aurore", 1))
    changed = run(place.announce(share_percent=5))
    assert changed.version == 2
    assert place.desk.progress(changed).outstanding == 2


def test_an_end_takes_effect_at_once_and_one_person_may(place):
    """Ending only narrows."""
    run(place.announce())
    run(place.desk.end("formation-aurore", principal="evaluator-1"))
    assert place.register.in_force() == []
    with pytest.raises(RefusedError, match="campaign_unknown"):
        run(place.desk.end("formation-aurore", principal="evaluator-1"))


def test_shown_is_delivered_once_and_a_tap_acknowledges(place):
    """The lead time runs from the page that was shown."""
    run(place.announce())
    assert run(place.desk.delivered(ANNE, NoticeChannel.CONSOLE, "own_space")) == 1
    assert run(place.desk.delivered(ANNE, NoticeChannel.CONSOLE, "own_space")) == 0
    place.now += DAY_US
    run(place.desk.acknowledge(ANNE, "formation-aurore", 1))
    (own,) = place.desk.own(ANNE)
    assert own.told.state is NoticeState.ACKNOWLEDGED
    assert own.may_from == NOW + 7 * DAY_US
    assert place.desk.own("9" * 32) == []


def test_nobody_acknowledges_what_does_not_concern_him(place):
    """Another site's campaign, an unknown version."""
    run(place.announce(sites=["sud"]))
    for version in (1, 2):
        with pytest.raises(RefusedError, match="campaign_unknown"):
            run(place.desk.acknowledge(ANNE, "formation-aurore", version))


def test_a_sheet_proves_by_its_hash_and_counts_who_is_unknown(place):
    """Signed, refused, nobody of ours; refusal to sign is a delivery."""
    run(place.announce())
    found = run(
        place.desk.import_sheet("formation-aurore", b"A17;signed\nA18;refused\nX;signed\n", principal="evaluator-1")
    )
    assert (found.signed, found.refused, found.unknown) == (1, 1, 1)
    proofs = {body.proof for kind, _, body in place.entries if kind is EntryKind.RECORDING_NOTICE and body.proof}
    assert proofs == {found.sha256}
    assert place.desk.progress(place.register.campaign("formation-aurore")).outstanding == 0
    with pytest.raises(FieldError):
        run(place.desk.import_sheet("formation-aurore", b"A17;present\n", principal="evaluator-1"))


def test_a_kiosk_code_acknowledges_once(place):
    """The code was handed out by number; typed, it shows the campaign, then it is used up."""
    run(place.announce())
    ((number, code),) = run(place.desk.kiosk_codes("formation-aurore", ["A17"], principal="evaluator-1"))
    assert number == "A17"
    assert place.desk.kiosk_campaign(code).campaign == "formation-aurore"
    run(place.desk.kiosk_acknowledge(code))
    assert place.desk.own(ANNE)[0].told.channel is NoticeChannel.KIOSK
    with pytest.raises(RefusedError, match="kiosk_code_unknown"):
        run(place.desk.kiosk_acknowledge(code))
    with pytest.raises(RefusedError, match="line 2"):
        run(place.desk.kiosk_codes("formation-aurore", ["A17", "X"], principal="evaluator-1"))


def test_a_code_of_an_ended_campaign_shows_nothing(place):
    """The campaign is over, the code with it."""
    run(place.announce())
    ((_, code),) = run(place.desk.kiosk_codes("formation-aurore", ["A17"], principal="evaluator-1"))
    run(place.desk.end("formation-aurore", principal="evaluator-1"))
    with pytest.raises(RefusedError, match="kiosk_code_unknown"):
        place.desk.kiosk_campaign(code)


def test_a_fetched_calendar_is_a_delivery(place):
    """Of the campaigns in it; nobody's token is not found."""
    run(place.announce())
    secret = place.desk.calendar_link(BEN)
    (found,) = run(place.desk.calendar(secret))
    assert found.body.campaign == "formation-aurore"
    assert place.desk.own(BEN)[0].told.channel is NoticeChannel.CALENDAR
    with pytest.raises(RefusedError, match="not_found"):
        run(place.desk.calendar("guess"))


def test_who_joins_in_the_middle_is_told_too(place):
    """The next round publishes the notice."""
    from register_bodies import agent

    run(place.announce())
    place.register.put(EntryKind.DIRECTORY_AGENT, agent("e" * 32, "ee" * 16))
    assert run(place.desk.tell(NoticeChannel.CONSOLE)) == 1
    assert run(place.desk.tell(NoticeChannel.CONSOLE)) == 0


def test_a_neutralised_person_reaches_the_gate_without_a_reason(place):
    """An opaque token, and back."""
    run(place.desk.neutralise_person("A17", removed=False))
    run(place.desk.neutralise_line("aurore", "0199001234", removed=False))
    policy = place.register.policy(place.now)
    assert policy.neutralised_people == (ANNE,)
    assert len(policy.neutralised_lines) == 1
    run(place.desk.neutralise_person("A17", removed=True))
    assert place.register.policy(place.now).neutralised_people == ()


def test_what_cannot_be_written_did_not_happen(place):
    """The disk refuses: the register does not know it either."""
    place.broken = True
    with pytest.raises(StorageError):
        propose(place)
    assert place.register.campaigns() == []


def test_the_register_is_folded_from_entries_in_any_order(place):
    """Every entry twice and backwards gives the same."""
    run(place.announce())
    run(place.desk.acknowledge(ANNE, "formation-aurore", 1))
    run(place.desk.end("formation-aurore", principal="evaluator-1"))
    again = Register()
    for kind, _, body in [*reversed(place.entries), *place.entries]:
        again.put(kind, body)
    assert again.campaigns() == place.register.campaigns()
    assert sorted(again.notices(), key=repr) == sorted(place.register.notices(), key=repr)
