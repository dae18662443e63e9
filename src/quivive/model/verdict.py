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
    """Explanation templates of detection reference §5."""

    E1 = "E1"
    E2 = "E2"
    E3 = "E3"
    E4 = "E4"
    E5 = "E5"
    E6 = "E6"
    E7 = "E7"
    E8 = "E8"
    E9 = "E9"
    E10 = "E10"
    E11 = "E11"
    E12 = "E12"
    E13 = "E13"
    E14 = "E14"
    E15 = "E15"
    E16 = "E16"
    E17 = "E17"
    E18 = "E18"
    E19 = "E19"
    E20 = "E20"
    E21 = "E21"
    E22 = "E22"
    NONE = "none"
