"""Claims of the register's commands on a real core: refused, proposed, announced by another, kept over a restart."""

import base64
from dataclasses import replace

import pytest
import yaml

from quivive.core.main import _load_policies
from quivive.core.recording_commands import recording_commands
from quivive.core.recording_desk import address_of, open_desk
from quivive.core.recording_keeper import RecordingKeeper
from quivive.model.clock import now_us
from quivive.model.errors import RefusedError
from quivive.model.permission import Role
from quivive.recordings.policy import decode_policy

DRAFT = {
    "campaign": "formation-aurore",
    "controller": "aurore",
    "purpose": "training",
    "basis": "legitimate_interest",
    "sites": ["nord"],
    "from": "2026-10-19",
    "to": "2027-01-30",
    "periods": [{"weekly": ["mon", "wed"], "from": "09:00", "to": "12:00"}],
    "listeners": [{"principal": "evaluator-1", "person": "A17"}],
    "retention_days": 30,
    "announcement": "aurore-2026-3",
    "objection": True,
    "neutralisation": True,
    "payment": "none",
}


@pytest.fixture
def keeper(core):
    keeper = RecordingKeeper(core.home, now_us)
    core.policies._beside = (keeper,)
    return keeper


def handlers(core, keeper, parts):
    """Commands over the parts of this core, with its desk."""
    desk = open_desk(
        core.settings, core.keyring, core.vault, keeper.register, core.projection, parts.record_entry, now_us
    )
    return recording_commands(replace(parts, desk=desk))


def test_two_persons_by_command_and_the_gate_follows(core, keeper):
    """Proposed by the owner, announced by a token of the DPO; `run/gate.json` holds it; a wrong secret does not."""
    core.start()
    token = core.vault.issue_token(name="dpo", sources=(), roles=(Role.DPO,), controllers=("aurore",), expires_at=0)
    other = core.vault.issue_token(name="x", sources=(), roles=(Role.SECURITY,), controllers=("aurore",), expires_at=0)
    boreal = core.vault.issue_token(name="b", sources=(), roles=(Role.DPO,), controllers=("boreal",), expires_at=0)

    async def work(parts):
        table = handlers(core, keeper, parts)
        added = await table["campaign-add"]({"draft": yaml.safe_dump(DRAFT)})
        assert (added["state"], added["first_day"], added["last_day"]) == ("proposed", "2026-10-19", "2027-01-30")
        for secret in (other, boreal, "guess"):
            with pytest.raises(RefusedError):
                await table["campaign-decide"]({"campaign": "formation-aurore", "secret": secret})
        decided = await table["campaign-decide"]({"campaign": "formation-aurore", "secret": token})
        assert decided["state"] == "announced"
        listed = (await table["campaign-list"]({}))["campaigns"]
        assert [each["state"] for each in listed] == ["announced"]
        shown = await table["campaign-show"]({"campaign": "formation-aurore"})
        assert shown["notices"]["concerned"] == 0
        assert len(shown["periods"]) == 30

    core.parts(work)
    keeper.refresh()
    policy = decode_policy((core.home / "run" / "gate.json").read_bytes())
    assert [campaign.campaign for campaign in policy.campaigns] == ["formation-aurore"]
    assert "A17" not in (core.home / "run" / "gate.json").read_text()


def test_a_refused_draft_says_each_rule_and_an_unreadable_one_its_place(core, keeper):
    """Codes with figures; one sentence with place, expected, found."""

    async def work(parts):
        table = handlers(core, keeper, parts)
        refused = await table["campaign-add"]({"draft": DRAFT | {"retention_days": 400, "trigger": "all"}})
        assert refused["state"] == "refused"
        assert [(each["code"], each["found"], each["limit"]) for each in refused["refusals"]] == [
            ("permanent", 0, 0),
            ("retention_too_long", 400, 180),
        ]
        for draft in ("- a", yaml.safe_dump(DRAFT | {"share_percent": "many"})):
            with pytest.raises(RefusedError, match="campaign_unreadable"):
                await table["campaign-add"]({"draft": draft})

    core.parts(work)


def test_sheet_kiosk_neutralise_and_grid_answer_without_a_person(core, keeper):
    """Unknown numbers, damaged base64, a line of another company; a demonstration's date only in one."""

    async def work(parts):
        table = handlers(core, keeper, parts)
        with pytest.raises(RefusedError, match="campaign_unknown"):
            await table["notices-sheet"]({"campaign": "x", "sheet": base64.b64encode(b"A17;signed").decode()})
        with pytest.raises(RefusedError, match="gate_demonstration"):
            await table["notices-sheet"]({"campaign": "x", "sheet": "", "signed_at": 5})
        with pytest.raises(RefusedError, match="body_unreadable"):
            await table["notices-sheet"]({"campaign": "x", "sheet": "%%%"})
        with pytest.raises(RefusedError, match="controller_unknown"):
            await table["recordings-neutralise"]({"line": "4217", "controller": "mallory"})
        assert await table["recordings-neutralise"]({"person": "A17"}) == {"neutralised": True}
        grid = {"grid": "accueil", "purpose": "training", "criteria": [{"code": "a", "fr": "A", "en": "A"}]}
        assert (await table["grid-add"]({"grid": yaml.safe_dump(grid)}))["version"] == 1
        assert len((await table["grid-list"]({}))["grids"]) == 1
        with pytest.raises(RefusedError, match="campaign_unreadable"):
            await table["grid-add"]({"grid": "grid: X"})

    core.parts(work)
    assert len(keeper.register.policy(now_us()).neutralised_people) == 1


def test_the_register_is_there_again_after_a_restart(core, keeper):
    """Campaigns from the projection, the rest from the operator's log: the same as before."""
    core.start()
    token = core.vault.issue_token(name="dpo", sources=(), roles=(Role.DPO,), controllers=("aurore",), expires_at=0)

    async def work(parts):
        table = handlers(core, keeper, parts)
        await table["campaign-add"]({"draft": DRAFT})
        await table["campaign-decide"]({"campaign": "formation-aurore", "secret": token})
        await table["recordings-neutralise"]({"person": "A17"})

    core.parts(work)
    core.pipeline.stop()
    core.started = False
    again = RecordingKeeper(core.home, now_us)
    again.load(core.projection)
    core.policies._beside = (again,)
    _load_policies(core.policies, core.ledger)
    assert again.register.campaigns() == keeper.register.campaigns()
    assert again.register.neutralised() == keeper.register.neutralised()


def test_an_unknown_person_has_no_address(core):
    """ "" for who gave none: no mail, no error."""
    assert address_of(core.keyring, core.vault)("a" * 32) == ""
