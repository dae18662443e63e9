"""What a verification finds: a code, the place, and what it means for the exit code (DESIGN §7; reference ledger §5.9).

Made by the checks, shown by `quivive verify` and the console. Pure. A finding never holds a key or an event.
"""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final


class Exit(IntEnum):
    """Exit codes of `quivive verify`."""

    VERIFIED = 0
    ERASED = 10
    STALE = 20
    INCONSISTENT = 30
    TAMPERED = 40
    CANNOT_CHECK = 50


class FindingCode(StrEnum):
    SEGMENT_DAMAGED = "segment_damaged"
    SEGMENT_TAIL = "segment_tail"
    SEGMENT_MOVED = "segment_moved"
    PAYLOAD_ALTERED = "payload_altered"
    PAYLOAD_MISSING = "payload_missing"
    PAYLOAD_NOT_CHECKED = "payload_not_checked"
    INDEX_DOUBLED = "index_doubled"
    EVENT_DOUBLED = "event_doubled"
    TILE_ALTERED = "tile_altered"
    TILE_MISSING = "tile_missing"
    ROOT_DIFFERS = "root_differs"
    ENTRY_MALFORMED = "entry_malformed"
    CHECKPOINT_ALTERED = "checkpoint_altered"
    CHECKPOINT_MISSING = "checkpoint_missing"
    KEY_DIFFERS = "key_differs"
    JOURNAL_ALTERED = "journal_altered"
    JOURNAL_AHEAD = "journal_ahead"
    JOURNAL_MISSING = "journal_missing"
    HEAD_DIFFERS = "head_differs"
    SLOTS_DIFFER = "slots_differ"
    SLOTS_NOT_CHECKED = "slots_not_checked"
    SIGNATURE_MISSING = "signature_missing"
    ANCHOR_ALTERED = "anchor_altered"
    ERASED = "erased"
    UNEXPECTED_FILE = "unexpected_file"
    UNREADABLE = "unreadable"


_EXITS: Final = {
    FindingCode.SEGMENT_TAIL: Exit.STALE,  # an append that never returned; what is published and missing says more
    FindingCode.JOURNAL_MISSING: Exit.STALE,
    FindingCode.SLOTS_NOT_CHECKED: Exit.STALE,
    FindingCode.SIGNATURE_MISSING: Exit.STALE,
    FindingCode.ERASED: Exit.ERASED,
    FindingCode.JOURNAL_AHEAD: Exit.INCONSISTENT,
    FindingCode.HEAD_DIFFERS: Exit.INCONSISTENT,
    FindingCode.PAYLOAD_NOT_CHECKED: Exit.CANNOT_CHECK,
    FindingCode.UNREADABLE: Exit.CANNOT_CHECK,
}
_GRAVITY: Final = (Exit.TAMPERED, Exit.INCONSISTENT, Exit.CANNOT_CHECK, Exit.STALE, Exit.ERASED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`place`: file below the folder, with shard, index or offset where it helps. `detail`: for a terminal."""

    code: FindingCode
    place: str
    detail: str

    @property
    def exit(self) -> Exit:
        """What this finding alone would give."""
        return _EXITS.get(self.code, Exit.TAMPERED)


def exit_code(findings: list[Finding]) -> Exit:
    """Gravest exit code of many findings."""
    found = {finding.exit for finding in findings}
    return next((code for code in _GRAVITY if code in found), Exit.VERIFIED)


@dataclass(slots=True, kw_only=True)
class Report:
    """Outcome. `entries` and `checkpoints` count what was checked; `unpublished` what no checkpoint covers yet."""

    findings: list[Finding] = field(default_factory=list)
    entries: int = 0
    checkpoints: int = 0
    unpublished: int = 0

    @property
    def exit_code(self) -> Exit:
        """Exit code of the command."""
        return exit_code(self.findings)
