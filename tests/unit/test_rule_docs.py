"""docs/rules.md follows the pack and the views; its example is a rule."""

import re
from pathlib import Path

from quivive.detection.rules.fields import FIELDS
from quivive.detection.rules.load import shipped_rules
from quivive.detection.rules.parse import parse_rule

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")


def test_every_shipped_rule_is_told():
    """Name, title, scenarios and whether it runs live."""
    for rule in shipped_rules():
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{rule.topic}` |"))
        assert rule.texts["en"].title in row
        assert f"| {', '.join(map(str, rule.scenarios))} | {'yes' if rule.certain else ''} |" in row


def test_every_field_is_told():
    """A rule's author needs no code."""
    for category, fields in FIELDS.items():
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{category}` |"))
        assert re.findall(r"`(\w+)`", row)[1:] == list(fields)


def test_the_example_is_a_rule():
    """What the page shows can be typed."""
    text = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL).group(1)
    assert parse_rule("orders.yml", text, shipped=False).topic == "orders_at_night"
