"""Verdicts (DESIGN §9). "Unexplained" is neutral until a person has been heard."""

from enum import StrEnum


class Verdict(StrEnum):
    PENDING = "pending"
    EXPLAINED = "explained"
    UNEXPLAINED = "unexplained"
    UNKNOWN = "unknown"


class Strength(StrEnum):
    STRONG = "strong"
    MEDIUM = "medium"
    WEAK = "weak"
    NONE = "none"


class UnknownCause(StrEnum):
    SOURCE_SILENT = "source_silent"
    UNATTRIBUTED = "unattributed"
    KEY_UNRESOLVED = "key_unresolved"
    NONE = "none"


class Template(StrEnum):
    """Explanation templates of detection reference §5 that this version ships."""

    E1 = "E1"
    E2 = "E2"
    E3 = "E3"
    E6 = "E6"
    E7 = "E7"
    E15 = "E15"
    E18 = "E18"
    NONE = "none"
