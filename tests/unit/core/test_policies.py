"""Claims about quivive.core.policies: each source's policy follows directory and gate."""

import json
from types import SimpleNamespace

from quivive.core.policies import PolicyKeeper
from quivive.ledger.entry import encode_entry
from quivive.model.entry import EntryKind, SpoolEvent
from quivive.model.gate import DRY_POLICY

NOW = 1_795_000_000_000_000
AGENT = "ab" * 16


def entry(kind, body, shard="operator/202611"):
    event = SpoolEvent(
        kind=kind, source="core", epoch=1, seq=1, captured_at=NOW, controller="operator", key_id="",
        body=json.dumps(body, sort_keys=True).encode(),
    )  # fmt: skip
    return SimpleNamespace(shard=shard, data=encode_entry(event, NOW))


def gate(state):
    return entry(
        EntryKind.GATE_STATE,
        {"employer": "q", "establishment": "lille", "module": "access", "state": state, "reference": "PV", "demonstration": False},
    )  # fmt: skip


def keeper(core):
    return PolicyKeeper(core.settings, lambda: NOW)


def test_before_anything_every_source_is_dry(core):
    """No gate, no directory: nothing may be kept."""
    policies = keeper(core)
    assert policies.current("api") == DRY_POLICY
    policies.refresh()
    assert not policies.current("api").active
    assert not json.loads((core.home / "run" / "policy" / "api.json").read_bytes())["active"]


def test_only_the_operators_log_governs(core):
    """A gate entry in a controller's shard changes nothing."""
    policies = keeper(core)
    shadow = gate("active")
    shadow.shard = "aurore/202611"
    assert policies.take([shadow]) is False
    assert policies.take([gate("active")]) is True


def test_other_entries_change_nothing(core):
    """Parameters, acts and the rest are skipped without being decoded."""
    assert keeper(core).take([entry(EntryKind.PARAMETERS, {"a": 1})]) is False


def test_a_real_directory_and_gate_open_a_source(core):
    """Through the street: a person sent to the intake, a gate set, a policy written; a lost gate closes it again."""
    people = [
        {
            "id": "rh-1", "version": 1, "name": "A", "employer": "q", "establishment": "lille", "country": "FR",
            "controllers": ["aurore"], "informed_at": "2026-01-01T00:00:00Z",
            "accounts": [{"controller": "aurore", "namespace": "crm", "login": "anna"}],
        }
    ]  # fmt: skip

    async def send(parts):
        return await parts.intake.take(
            kind="directory", source="people", content_type="application/json", body=json.dumps(people).encode()
        )

    assert core.parts(send).accepted == 1
    core.pipeline._ingest_once()
    core.pipeline._project_once()
    core.pipeline._refresh_policies()
    assert not core.policies.current("api").active
    core.policies.take([gate("active")])
    core.policies.refresh()
    assert core.policies.current("api").active
    assert len(core.policies.current("api").informed) == 1
    core.policies.take([gate("assessed")])
    core.policies.refresh()
    assert not core.policies.current("api").active
