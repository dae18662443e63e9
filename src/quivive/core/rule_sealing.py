"""The rules in force are entries: which rule, by the hash of its text, since when (DESIGN §2).

Called once by the alert loop, when the projection has caught up. Must never write what stands already.
"""

from collections.abc import Sequence

from quivive.core.writers import CoreWriter
from quivive.detection.rules import rule_versions
from quivive.detection.rules.model import Rule
from quivive.model.entry import EntryKind
from quivive.projection.projection import Projection


def seal_rules(projection: Projection, rules: Sequence[Rule], writer: CoreWriter) -> int:
    """Write a `rule.version` entry for each rule whose version is not the one in force; how many."""
    with projection.reading() as cursor:
        rows = cursor.execute("SELECT rule, rule_version, enabled FROM rule_version").fetchall()
    standing = {(str(rule), str(version), bool(enabled)) for rule, version, enabled in rows}
    changed = [each for each in rule_versions(rules) if (each.rule, each.rule_version, each.enabled) not in standing]
    for body in changed:
        writer.write(EntryKind.RULE_VERSION, body)
    return len(changed)
