"""Claims on the opened intake: real spools, identities sealed before the vault, one writer for each source."""

import asyncio
import json

import pytest

from quivive.intake import Intake
from quivive.intake.opening import identity_key, identity_purpose
from quivive.model.errors import StorageError
from quivive.model.gate import CapturePolicy
from quivive.privacy.keyring import Keyring
from quivive.privacy.sealing import SealError, unseal
from quivive.spool import SpoolReader

PERSON = {
    "id": "hr-1", "version": 4, "name": "Camille Dupont", "employer": "q", "establishment": "l", "country": "FR",
}  # fmt: skip
AT = 1_795_356_300_000_000
KEEPS = CapturePolicy(active=True, informed={}, keep_unknown=True, service_accounts=())


@pytest.fixture
def keyring(tmp_path):
    return Keyring.create(tmp_path, ("aurore", "boreal"))


def open_intake(settings, keyring, vault):
    return Intake.open(
        settings,
        keyring,
        policies=lambda _source: KEEPS,
        seal=lambda person, version, blob: vault.__setitem__(person, (version, blob)),
        clock=lambda: AT,
    )


def test_an_identity_reaches_the_vault_sealed_to_its_person(settings, tmp_path, keyring):
    """The name is nowhere in the folder; the blob opens with the key and for this person only."""
    vault: dict = {}

    async def run():
        intake = open_intake(settings, keyring, vault)
        await intake.take(
            kind="directory", source="hr", content_type="application/json", body=json.dumps(PERSON).encode()
        )
        await intake.close()

    asyncio.run(run())
    ((person, (version, blob)),) = vault.items()
    key = identity_key(keyring.operator_agent_key)
    assert json.loads(unseal(key, purpose=identity_purpose(person), sealed=blob))["name"] == "Camille Dupont"
    assert version == 4
    with pytest.raises(SealError):
        unseal(key, purpose=identity_purpose("f" * 32), sealed=blob)
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"Dupont" not in everything
    assert b"Dupont" not in blob


def test_entries_are_in_the_spool_when_the_answer_comes(settings, tmp_path, keyring):
    """A reader of the folder finds them at once; after `close` a new intake may open."""

    async def run():
        intake = open_intake(settings, keyring, {})
        report = await intake.take(
            kind="directory", source="hr", content_type="application/json", body=json.dumps(PERSON).encode()
        )
        assert report.accepted == 1
        assert len(list((tmp_path / "spool" / "hr").rglob("*"))) >= 2
        with pytest.raises(StorageError):
            open_intake(settings, keyring, {})
        await intake.close()
        await open_intake(settings, keyring, {}).close()

    asyncio.run(run())
    assert SpoolReader(tmp_path / "spool", "hr") is not None
