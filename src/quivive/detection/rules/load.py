"""The rule pack that ships, and a user's own rules beside it.

Called by the core at its start, by the commands and by the benchmark. Must never skip a file in silence: a rule that
cannot be read is one ConfigurationError.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from quivive.detection.rules.model import Rule
from quivive.detection.rules.parse import parse_rule
from quivive.model.alert import RuleVersionBody
from quivive.model.errors import ConfigurationError


def load_rules(folders: Sequence[Path] = ()) -> tuple[Rule, ...]:
    """Read the shipped pack, then `*.yml` of each folder: a rule of the same name takes the shipped one's place.

    `custom.enabled: false` switches a rule off: it stays in the list and does not run.

    Raises:
        ConfigurationError: file, key, expected, found.
    """
    found = {rule.topic: rule for rule in shipped_rules()}
    own: dict[str, str] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.yml")):
            rule = read_rule(path)
            if rule.topic in own:
                raise ConfigurationError(
                    file=path.name,
                    key="name",
                    expected="a name of its own",
                    found=f"{rule.topic}, of {own[rule.topic]}",
                )
            own[rule.topic] = path.name
            found[rule.topic] = rule
    return tuple(found[topic] for topic in sorted(found))


def read_rule(path: Path) -> Rule:
    """Read one rule file of a user.

    Raises:
        ConfigurationError: it cannot be read, or is no rule.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(
            file=path.name, key="(file)", expected="a readable file in UTF-8", found="none"
        ) from None
    return parse_rule(path.name, text, shipped=False)


@cache
def shipped_rules() -> tuple[Rule, ...]:
    """Read the rules that ship with this version."""
    folder = files("quivive.detection").joinpath("rulepack")
    entries = sorted((each for each in folder.iterdir() if each.name.endswith(".yml")), key=lambda each: each.name)
    return tuple(parse_rule(each.name, each.read_text(encoding="utf-8"), shipped=True) for each in entries)


def rule_versions(rules: Iterable[Rule]) -> tuple[RuleVersionBody, ...]:
    """Bodies of `rule.version` entries: the rules in force, to be sealed when they change."""
    return tuple(
        RuleVersionBody(rule=rule.topic, rule_version=rule.version, shipped=rule.shipped, enabled=rule.enabled)
        for rule in rules
    )
