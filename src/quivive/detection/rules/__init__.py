"""Rules: Sigma files over flat views, with true time windows (DESIGN §9.3; docs/rules.md)."""

from quivive.detection.rules.load import load_rules, read_rule, rule_versions, shipped_rules
from quivive.detection.rules.model import Rule, RuleTexts
from quivive.detection.rules.run import hits

__all__ = ["Rule", "RuleTexts", "hits", "load_rules", "read_rule", "rule_versions", "shipped_rules"]
