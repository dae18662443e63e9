"""Every preset shipped: it loads, its sample gives rows that the real mappers take."""

import os

import pytest
from mapping_support import NOW, POLICY, preset, rows_of

from quivive.connectors.dry_run import dry_run
from quivive.connectors.registry import CODED, Context, describe_presets, load_preset, open_translator, preset_names
from quivive.contacts.directory import DirectoryContext
from quivive.intake.batch import SourceFacts
from quivive.model.access import Grade
from quivive.model.catalogue import Alternate, Catalogue, Table, TableKind
from quivive.model.errors import ConfigurationError
from quivive.privacy.pseudonym import ControllerKeys
from quivive.privacy.subject import SubjectKeyer

SHIPPED = [name for name in preset_names() if name not in CODED]
SAMPLED = [name for name in SHIPPED if load_preset(name).sample]
SKIPPED = {
    "queue-calls": {"no agent answered": 1},
    "roster": {"no shift that day": 1},
    "wfm-schedule": {"not at work": 1},
    "vicidial-recording-access": {"nothing was played": 1},
}


def facts():
    """Facts of a source with throw-away keys and one catalogue."""
    keys = ControllerKeys(key_id="k", record=os.urandom(32), agent=os.urandom(32))
    table = Table(
        name="public.customer",
        kind=TableKind.PERSON,
        key=("id",),
        alternates=(Alternate(column="number", kind="customer_number"),),
        path=None,
    )
    catalogue = Catalogue(controller="aurore", version=1, tables=(table,), not_protected=())
    return SourceFacts(
        name="calls",
        namespace="telephony",
        grade=Grade.D,
        controllers={"aurore": SubjectKeyer(keys=keys, catalogue=catalogue, region="FR")},
        default="aurore",
        directory=DirectoryContext(operator_agent_key=os.urandom(32), controllers={"aurore": keys}),
        operator_key_id="k",
    )


def test_every_preset_has_a_title_in_both_languages():
    """`quivive source presets` lists them all."""
    for language in ("fr", "en"):
        assert all(title for _, _, title in describe_presets(language))


@pytest.mark.parametrize("name", SAMPLED)
def test_the_sample_of_a_preset_is_taken(name):
    """Its rows pass the mappers of the intake itself; what is skipped is skipped on purpose."""
    result = dry_run(preset(name), load_preset(name).sample.encode(), NOW, facts())
    assert result.refused == ()
    assert (result.problem, result.accepted > 0) == ("", True)
    assert result.skipped == SKIPPED.get(name, {})
    assert POLICY.active


def test_a_dialler_list_carries_the_proof_of_consent():
    """Reference and expiry; both are what a rule asks for."""
    rows, _ = rows_of(preset("dialler-list"), load_preset("dialler-list").sample.encode())
    assert rows[0]["consent"] == "web-2026-0042"
    assert rows[0]["consent_expires_at"] == "2027-03-30T22:00:00.000000Z"
    assert rows[0]["kind"] == "list_member"


def test_a_schedule_keeps_the_span_of_a_day_and_no_activity():
    """First start to last end; a night shift ends on the next day."""
    rows, _ = rows_of(preset("wfm-schedule"), load_preset("wfm-schedule").sample.encode())
    spans = {row["agent"]: (row["from"], row["to"]) for row in rows}
    assert spans["RH-0007"] == ("2026-11-22T07:00:00.000000Z", "2026-11-22T15:00:00.000000Z")
    assert spans["RH-0008"] == ("2026-11-22T21:00:00.000000Z", "2026-11-23T05:00:00.000000Z")
    assert not any("Open" in str(row) for row in rows)


def test_a_directory_joins_the_accounts_of_a_person():
    """One row an account, one person."""
    (row,), _ = rows_of(preset("directory"), load_preset("directory").sample.encode())
    assert [account["login"] for account in row["accounts"]] == ["4105", "c.martin"]


@pytest.mark.parametrize("name", ["nowhere", "../registry", "queue-calls.yml"])
def test_a_mapping_that_is_not_there_is_one_sentence(name, tmp_path):
    """With what there is."""
    with pytest.raises(ConfigurationError):
        open_translator(name, Context(source="calls", home=tmp_path))
