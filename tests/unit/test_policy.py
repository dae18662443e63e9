"""Claims on the capture policy: never wider than directory and gate together, whole files only."""

import dataclasses
from pathlib import Path

import pytest

from quivive.model.catalogue import Catalogue
from quivive.model.contact import AccountRef, AgentBody
from quivive.model.errors import StorageError
from quivive.model.gate import DRY_POLICY, CapturePolicy, GateBody, GateState, Module
from quivive.policy import NEVER, controllers_of, policies, write_policies
from quivive.privacy.policy_file import decode_policy
from quivive.settings import ControllerSettings, OperatorSettings, Settings, SourceKind, SourceSettings

NOW = 1_000
ACCOUNT = AccountRef(controller="aurore", namespace="crm", agent="a" * 32, valid_from=0, valid_to=0)
PERSON = AgentBody(
    person="p1",
    version=1,
    employer="q",
    establishment="lille",
    country="FR",
    site="",
    team="",
    controllers=("aurore",),
    accounts=(ACCOUNT,),
    informed_at=100,
    active_from=0,
    active_to=0,
)
ACTIVE = GateBody(
    employer="q",
    establishment="lille",
    module=Module.ACCESS,
    state=GateState.ACTIVE,
    reference="r",
    demonstration=False,
)


def _controller(name: str, *sources: str) -> ControllerSettings:
    return ControllerSettings(
        id=name,
        name=name,
        slot=1,
        catalogue=Catalogue(controller=name, version=1, tables=(), not_protected=()),
        timezone="Europe/Paris",
        default_region="FR",
        lateness_s=30,
        contact_sources=sources,
        retention_days={},
    )


def _settings(**source) -> Settings:
    return Settings(
        home=Path("home"),
        operator=OperatorSettings(name="Q", origin="q.example/qv"),
        controllers={"aurore": _controller("aurore", "pbx"), "boreal": _controller("boreal")},
        sources={
            "db": SourceSettings(
                kind=SourceKind.POSTGRES, controller="aurore", namespace="crm", service_accounts=("crm",), **source
            ),
            "other": SourceSettings(kind=SourceKind.ACCESSES, controller="boreal", namespace="crm"),
            "pbx": SourceSettings(kind=SourceKind.CONTACTS, namespace="pbx"),
            "all": SourceSettings(kind=SourceKind.CONTACTS, namespace="pbx"),
            "hr": SourceSettings(kind=SourceKind.DIRECTORY),
        },
    )


def policy(people=(PERSON,), gates=(ACTIVE,), now=NOW, name="db", **source) -> CapturePolicy:
    return policies(_settings(**source), people, gates, now)[name]


def change(body, **fields):
    return dataclasses.replace(body, **fields)


def with_account(person=PERSON, **fields):
    return change(person, accounts=(change(ACCOUNT, **fields),))


def test_an_active_establishment_with_informed_people_is_captured():
    """Source active, account kept since he was informed, service accounts passed on."""
    assert policy() == CapturePolicy(
        active=True, informed={"a" * 32: 100}, keep_unknown=False, service_accounts=("crm",)
    )


@pytest.mark.parametrize("state", [s for s in GateState if s is not GateState.ACTIVE])
def test_any_other_state_is_dry(state):
    """Only ACTIVE captures; a later state replaces an earlier one."""
    found = policy(gates=(ACTIVE, change(ACTIVE, state=state)))
    assert not found.active
    assert found.informed == {"a" * 32: NEVER}


def test_without_gate_or_directory_everything_is_dry():
    """The default is never wider than dry; another module's state does not count."""
    assert not policy(gates=()).active
    assert not policy(people=()).active
    assert not policy(gates=(change(ACTIVE, module=Module.RECORDINGS),)).active
    assert not policy(gates=(change(ACTIVE, establishment="tours"),)).active


def test_the_demonstration_is_active_before_its_directory():
    """`keep_unknown` and one active establishment are enough; without the gate they are not."""
    assert policy(people=(), keep_unknown=True).active
    assert not policy(people=(), gates=(), keep_unknown=True).active


def test_a_person_not_informed_is_withheld_even_with_keep_unknown():
    """Known and not informed is not the same as unknown."""
    found = policy(people=(change(PERSON, informed_at=0),), keep_unknown=True)
    assert found.informed == {"a" * 32: NEVER}
    assert not found.agent_may_be_kept("a" * 32, NOW)


def test_a_person_of_an_establishment_in_dry_is_withheld_beside_active_ones():
    """One source, two establishments: each under its own gate."""
    other = change(with_account(agent="b" * 32), person="p2", establishment="tours")
    assert policy(people=(PERSON, other)).informed == {"a" * 32: 100, "b" * 32: NEVER}


def test_the_highest_version_counts():
    """Order of arrival does not matter."""
    withdrawn = change(PERSON, version=2, informed_at=0)
    for people in ((PERSON, withdrawn), (withdrawn, PERSON)):
        assert policy(people=people).informed == {"a" * 32: NEVER}


def test_an_account_counts_from_its_first_day():
    """A login given after the notice is his from that day only."""
    assert policy(people=(with_account(valid_from=500),)).informed == {"a" * 32: 500}


def test_a_closed_or_future_account_is_nobodys():
    """Before and after its interval nothing is kept."""
    assert policy(people=(with_account(valid_to=NOW),)).informed == {"a" * 32: NEVER}
    assert policy(people=(with_account(valid_from=NOW + 1),)).informed == {"a" * 32: NEVER}


def test_a_recycled_login_inherits_nothing():
    """The present holder's notice counts, from the day he got the login."""
    old = with_account(valid_to=900)
    new = change(with_account(valid_from=900), person="p2", informed_at=200)
    for people in ((old, new), (new, old)):
        assert policy(people=people).informed == {"a" * 32: 900}


def test_a_shared_login_needs_every_holder_informed():
    """The latest notice counts; one holder without notice withholds all."""
    second = change(PERSON, person="p2", informed_at=300)
    assert policy(people=(PERSON, second)).informed == {"a" * 32: 300}
    assert policy(people=(PERSON, change(second, informed_at=0))).informed == {"a" * 32: NEVER}


def test_a_source_sees_only_its_controllers():
    """An account of one controller is unknown to another's source; the directory itself has no policy."""
    found = policies(_settings(), (PERSON,), (ACTIVE,), NOW)
    assert found["other"] == CapturePolicy(active=False, informed={}, keep_unknown=False, service_accounts=())
    assert found["pbx"].active
    assert found["hr"] == DRY_POLICY


def test_controllers_of_a_source():
    """Its own, or those that list it, or all."""
    settings = _settings()
    assert controllers_of(settings, "db") == {"aurore"}
    assert controllers_of(settings, "pbx") == {"aurore"}
    assert controllers_of(settings, "all") == {"aurore", "boreal"}


def test_files_are_written_when_they_change(tmp_path):
    """Whole, for the owner alone, and not touched when nothing changed."""
    found = policies(_settings(), (PERSON,), (ACTIVE,), NOW)
    assert write_policies(tmp_path, found) == sorted(found)
    path = tmp_path / "run" / "policy" / "db.json"
    assert decode_policy(path.read_bytes()) == found["db"]
    assert path.stat().st_mode & 0o077 == 0
    assert write_policies(tmp_path, found) == []
    assert write_policies(tmp_path, {**found, "db": DRY_POLICY}) == ["db"]
    assert [p.name for p in path.parent.iterdir() if p.suffix != ".json"] == []


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    """The error names the folder, not the people."""
    (tmp_path / "run").write_text("a file")
    with pytest.raises(StorageError, match="run/policy"):
        write_policies(tmp_path, {"db": DRY_POLICY})
