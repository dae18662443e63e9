"""The relay's copy of what it may keep: `run/policy/<source>.json`, read again each second when it changed.

Called by the relay's timer. Must never widen what it keeps on a missing, damaged or newer file: it falls
back to DRY_POLICY (DESIGN §11).
"""

from pathlib import Path

from quivive.model.errors import StorageError
from quivive.model.gate import DRY_POLICY, CapturePolicy
from quivive.privacy.policy_file import decode_policy


class PolicyFile:
    """Follows one policy file. `current` is always safe to apply."""

    def __init__(self, home: Path, source: str) -> None:
        self._path = home / "run" / "policy" / f"{source}.json"
        self._stamp: tuple[int, int, int] | None = None
        self.current: CapturePolicy = DRY_POLICY
        self.problem = ""
        """Why the file was refused, "" when it was taken or is missing."""

    def refresh(self) -> bool:
        """Read the file again if it changed; True when `current` may be another policy now."""
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp == self._stamp:
                return False
            policy, problem = decode_policy(self._path.read_bytes()), ""
        except FileNotFoundError:
            stamp, policy, problem = (0, 0, 0), DRY_POLICY, ""
        except OSError as error:
            stamp, policy, problem = (0, 0, 0), DRY_POLICY, error.strerror or "unreadable"
        except StorageError as error:
            policy, problem = DRY_POLICY, str(error)
        changed = policy != self.current
        self._stamp, self.current, self.problem = stamp, policy, problem
        return changed
