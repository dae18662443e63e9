"""The doctor finds what was broken on purpose in a data folder, and is content with a whole one."""

import os

import pytest

from quivive.core.init import initialise
from quivive.doctor.finding import Finding, Level
from quivive.doctor.folder import check_folder
from quivive.doctor.show import shown
from quivive.model.clock import now_us
from quivive.model.gate import CapturePolicy
from quivive.privacy.keyring import Keyring
from quivive.privacy.policy_file import encode_policy
from quivive.settings import load_settings


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder as `quivive init` and a first start leave it."""
    monkeypatch.delenv("QUIVIVE_MASTER_KEY_FILE", raising=False)
    old = os.umask(0o077)
    try:
        folder = tmp_path / "home"
        initialise(folder, operator="Centre", origin="centre.example/q", language="en")
        Keyring.create(folder)
        yield folder
    finally:
        os.umask(old)


def levels(home, check):
    """Levels of one check, with what it is about."""
    found = check_folder(load_settings(home), now_us())
    return {each.about: each.level for each in found if each.check == check}


def test_a_whole_folder(home):
    """Nothing hurts; a master key beside its data is worth knowing."""
    assert levels(home, "rights") == {"": Level.OK}
    assert levels(home, "clock") == {"": Level.OK}
    assert levels(home, "keys") == {"": Level.NOTE}


def test_rights_that_are_too_wide(home):
    """A folder that others can read is told, keys that they can read hurt."""
    (home / "quivive.toml").chmod(0o644)
    assert levels(home, "rights") == {"": Level.WARN}
    next(p for p in (home / "keys").rglob("*") if p.is_file()).chmod(0o640)
    assert levels(home, "keys") == {"": Level.FAIL}


def test_a_file_of_tomorrow(home):
    """A clock that went back is told before it spoils the matching."""
    later = now_us() / 1e6 + 86_400
    os.utime(home / "quivive.toml", (later, later))
    assert levels(home, "clock") == {"": Level.FAIL}


def test_a_spool_nobody_reads(home):
    """A source without a name, and one that waits."""
    (home / "spool" / "old-db").mkdir(parents=True)
    (home / "spool" / "core").mkdir()
    with (home / "quivive.toml").open("a") as file:
        file.write('\n[sources.api]\nkind = "accesses"\nnamespace = "crm"\n')
    for known in ("api", "api-links", "api-w2"):
        (home / "spool" / known).mkdir()
    with (home / "spool" / "core" / "1").open("wb") as file:
        file.truncate(65 << 20)
    assert levels(home, "spool") == {"core": Level.WARN, "old-db": Level.NOTE}


def test_what_the_gate_lets_a_source_keep(home):
    """No policy, dry, active without anybody informed, active."""
    with (home / "quivive.toml").open("a") as file:
        file.write('\n[sources.api]\nkind = "accesses"\nnamespace = "crm"\n')
    (home / "run" / "policy").mkdir(parents=True, exist_ok=True)
    path = home / "run" / "policy" / "api.json"
    assert levels(home, "gate")["api"] is Level.NOTE
    for informed, active, expected in (
        ({}, False, Level.NOTE),
        ({}, True, Level.WARN),
        ({"a" * 32: 1}, True, Level.OK),
    ):
        policy = CapturePolicy(active=active, informed=informed, keep_unknown=False, service_accounts=())
        path.write_bytes(encode_policy(policy))
        assert levels(home, "gate")["api"] is expected


def test_how_it_is_said(monkeypatch):
    """What is well takes a line; what is not says what to do, in the reader's language."""
    well = Finding(
        check="core", level=Level.OK, found="the core answers", expected="a running core", advice="Start the core."
    )
    ill = Finding(check="keys", level=Level.FAIL, found="no keys", expected="mode 0600", advice="Start the core.")
    monkeypatch.setenv("LC_ALL", "C")
    assert list(shown([well], as_json=False)) == ["✓ core: the core answers"]
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    assert list(shown([ill], as_json=False)) == [
        "✗ keys: aucune clé",
        "    attendu: le mode 0600",
        "    à faire: Démarrez le cœur.",
    ]
