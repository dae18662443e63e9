"""`[retention]` of a controller's file, checked against `defaults.toml`: what may be declared, and the text behind it.

Called by `settings` while it decodes. Must never accept a period outside the rule: it is refused with the rule.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from quivive.model.entry import RetentionClass
from quivive.model.errors import ConfigurationError

MIN_JUSTIFICATION: Final = 40
"""Characters: a sentence that a controller and an inspector can read, not a word."""


class RetentionRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One class in `defaults.toml`: days kept, least and most allowed, from when on a reason is needed, the text."""

    days: int
    least: int
    most: int
    justified_above: int
    rule: str


class RetentionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[retention]` as declared."""

    trace_days: int = 365
    alert_days: int = 90
    governance_days: int = 1_826
    consent_days: int = 1_095
    certificate_days: int = 3_653
    justification: str = ""

    @property
    def days(self) -> dict[str, int]:
        """Days by retention class."""
        return {each.value: getattr(self, f"{each.value}_days") for each in RetentionClass}


@cache
def retention_rules() -> dict[str, RetentionRule]:
    """Read the rules that ship with the program, by retention class."""
    raw: dict[str, Any] = tomllib.loads(files("quivive").joinpath("defaults.toml").read_text(encoding="utf-8"))
    return msgspec.convert(raw["retention"], dict[str, RetentionRule])


def check_retention(retention: RetentionSettings, shown: str) -> None:
    """Refuse what the rule does not allow.

    Raises:
        ConfigurationError: a period out of range, with the rule; or a longer one without a reason.
    """
    for name, days in retention.days.items():
        rule = retention_rules()[name]
        key = f"retention.{name}_days"
        if not rule.least <= days <= rule.most:
            raise ConfigurationError(
                file=shown, key=key, expected=f"{rule.least} to {rule.most} days: {rule.rule}", found=str(days)
            )
        if days > rule.justified_above and len(retention.justification.strip()) < MIN_JUSTIFICATION:
            raise ConfigurationError(
                file=shown,
                key="retention.justification",
                expected=f"at least {MIN_JUSTIFICATION} characters when {name}_days is above {rule.justified_above}",
                found=f"{len(retention.justification.strip())} characters",
            )
