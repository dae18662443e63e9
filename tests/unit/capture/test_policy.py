"""The relay's policy never widens by accident."""

import os
from pathlib import Path

from quivive.capture.policy import PolicyFile
from quivive.model.gate import DRY_POLICY, CapturePolicy
from quivive.privacy.policy_file import encode_policy

ACTIVE = CapturePolicy(active=True, informed={"a" * 32: 5}, keep_unknown=False, service_accounts=("app",))


def write(home: Path, data: bytes, at: int) -> None:
    path = home / "run" / "policy" / "db.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, ns=(at, at))


def test_missing_is_dry_and_a_file_is_followed(tmp_path: Path) -> None:
    """No file: dry. A file: what it says. Gone again: dry again."""
    policy = PolicyFile(tmp_path, "db")
    assert not policy.refresh()
    assert policy.current == DRY_POLICY
    write(tmp_path, encode_policy(ACTIVE), 1_000)
    assert policy.refresh()
    assert policy.current == ACTIVE
    assert not policy.refresh()
    (tmp_path / "run" / "policy" / "db.json").unlink()
    assert policy.refresh()
    assert policy.current == DRY_POLICY


def test_damage_falls_back_to_dry(tmp_path: Path) -> None:
    """A damaged file: dry, and the reason is told."""
    policy = PolicyFile(tmp_path, "db")
    write(tmp_path, encode_policy(ACTIVE), 1_000)
    policy.refresh()
    write(tmp_path, b"{", 2_000)
    policy.refresh()
    assert policy.current == DRY_POLICY
    assert policy.problem
