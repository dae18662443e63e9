"""Periods: what defaults.toml allows is allowed, anything else is refused with its rule."""

import pytest

from quivive.model.entry import RetentionClass
from quivive.model.errors import ConfigurationError
from quivive.retention_settings import RetentionSettings, check_retention, retention_rules

REASON = "Internal control: diversion of tariffs was shown by the audit of June."


def test_the_defaults_are_those_of_the_file():
    """One place holds every default with its reason; the settings agree with it."""
    rules = retention_rules()
    assert set(rules) == set(RetentionClass)
    assert RetentionSettings().days == {name: rule.days for name, rule in rules.items()}
    assert all(rule.rule and rule.least <= rule.days <= rule.most for rule in rules.values())
    check_retention(RetentionSettings(), "controllers/shop.toml")


@pytest.mark.parametrize("name", list(RetentionClass))
def test_out_of_range_is_refused_with_the_rule(name):
    """Too short and too long, for every class; a reason does not help."""
    rule = retention_rules()[name]
    for days in (rule.least - 1, rule.most + 1):
        with pytest.raises(ConfigurationError) as refused:
            check_retention(RetentionSettings(**{f"{name}_days": days}, justification=REASON), "x.toml")
        assert rule.rule in refused.value.expected


def test_a_longer_period_needs_a_reason():
    """Spaces are no reason; forty characters are."""
    with pytest.raises(ConfigurationError):
        check_retention(RetentionSettings(trace_days=1_095, justification=" " * 60), "x.toml")
    check_retention(RetentionSettings(trace_days=1_095, justification=REASON), "x.toml")
