"""Limits of recording and listening, from `defaults.toml`, each with the text behind it.

Read by `rules`, the commands and the console. Must never be widened by a setting: a controller may only ask for less.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

DEFAULTS_FILE: Final = "defaults.toml"


class _Limit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    value: int
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Figures of the rules; days, calls, thousandths or characters as the name says."""

    retention_days: int
    buffer_days: int
    analysis_days: int
    evidence_days: int
    duty_days: int
    share_permille: int
    share_warn_permille: int
    share_most_permille: int
    cap_month: int
    campaign_days: int
    announced_permille: int
    lead_days: int
    necessity_chars: int


@cache
def _read() -> dict[str, _Limit]:
    raw: dict[str, Any] = tomllib.loads(files("quivive").joinpath(DEFAULTS_FILE).read_text(encoding="utf-8"))
    return msgspec.convert(raw["recordings"], dict[str, _Limit])


@cache
def limits() -> Limits:
    """The limits that ship with the program."""
    return Limits(**{name: limit.value for name, limit in _read().items()})


def reason(name: str) -> str:
    """The text behind a limit, as `defaults.toml` tells it."""
    return _read()[name].rule
