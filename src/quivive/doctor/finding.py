"""One line of the doctor: what was looked at, what was found, what was expected, what to do.

Made by the checks, printed by the command. Must never hold a secret, a DSN, a name or a login.
"""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """OK needs nothing; NOTE is worth knowing; WARN will hurt; FAIL hurts now."""

    OK = "ok"
    NOTE = "note"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`check` is a stable code; `about` a source or file, "" for the whole; `advice` "" when nothing is to be done."""

    check: str
    level: Level
    about: str = ""
    found: str
    expected: str = ""
    advice: str = ""
