"""From the text of a rule file to a Rule: pySigma parses, what our emitter cannot say is refused here.

Called by `load_rules` and `quivive rules test`. Pure. Must never accept a construct that would be evaluated
otherwise than Sigma means it: it is one ConfigurationError naming file, key, expected and found.
"""

import re
from hashlib import sha256
from typing import Any, Final

import yaml
from sigma.collection import SigmaCollection
from sigma.conditions import ConditionFieldEqualsValueExpression, ConditionItem
from sigma.correlations import SigmaCorrelationCondition, SigmaCorrelationConditionOperator, SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from quivive.detection.rules.check import check_condition, check_field, fields_of
from quivive.detection.rules.fields import JUDGED, Category, FieldType
from quivive.detection.rules.model import Correlation, CorrelationType, Part, Rule, RuleTexts
from quivive.model.alert import Severity, Switch
from quivive.model.clock import DAY_US, SECOND_US
from quivive.model.errors import ConfigurationError

MAX_SPAN_US: Final = 7 * DAY_US
"""The longest window: each run reads so far back."""
QUOTA_DEFAULT: Final = 5
LANGUAGES: Final = ("fr", "en")
_TEXTS: Final = ("title", "description", "runbook", "legal_note")
_CUSTOM: Final = {
    "certain", "quota", "enabled", "switch", "scenarios", *(f"{t}_{lang}" for t in _TEXTS for lang in LANGUAGES),
}  # fmt: skip
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{2,47}")
_SEVERITY: Final = {
    "informational": Severity.LOW,
    "low": Severity.LOW,
    "medium": Severity.MEDIUM,
    "high": Severity.HIGH,
    "critical": Severity.HIGH,
}
_COUNTS: Final = {CorrelationType.EVENT_COUNT, CorrelationType.VALUE_COUNT, CorrelationType.VALUE_SUM}


def parse_rule(file: str, text: str, *, shipped: bool) -> Rule:
    """Read one rule file: one or more YAML documents, the last of which is the reported one and has `custom`.

    Raises:
        ConfigurationError: file, key, expected, found.
    """
    try:
        documents = [each for each in yaml.safe_load_all(text) if each is not None]
    except yaml.YAMLError as error:
        raise _wrong(file, "(file)", "YAML", str(error).partition("\n")[0]) from None
    if not documents or not all(isinstance(each, dict) for each in documents):
        raise _wrong(file, "(file)", "mappings", "another form")
    try:
        read = SigmaCollection.from_yaml(text).rules
    except SigmaError as error:
        raise _wrong(file, "(file)", "a Sigma rule", str(error).partition("\n")[0]) from None
    last = read[-1]
    topic = _name(file, last)
    custom = documents[-1].get("custom")
    if not isinstance(custom, dict):
        raise _wrong(file, "custom", "a mapping in the last document", type(custom).__name__)
    for key in custom:
        if key not in _CUSTOM:
            raise _wrong(file, f"custom.{key}", "a known key", "another")
    parts = tuple(_part(file, each) for each in read if isinstance(each, SigmaRule))
    correlation = _correlation(file, last, read, parts) if isinstance(last, SigmaCorrelationRule) else None
    if correlation is None and len(read) != 1:
        raise _wrong(file, "correlation", "a last document that correlates the others", "none")
    certain = _flag(file, custom, "certain", default=False)
    judged = sorted({name for part in parts for name in fields_of(part.condition)} & JUDGED)
    if certain and judged:
        raise _wrong(file, "custom.certain", "false, as later evidence may change a field it asks for", judged[0])
    return Rule(
        topic=topic,
        version=sha256(text.encode()).hexdigest(),
        text=text,
        shipped=shipped,
        enabled=_flag(file, custom, "enabled", default=True),
        severity=_severity(file, last),
        certain=certain,
        quota=_integer(file, custom, "quota", QUOTA_DEFAULT),
        switch=_switch(file, custom),
        scenarios=tuple(_scenarios(file, custom)),
        texts={lang: _texts(file, custom, lang, required=shipped, title=last.title) for lang in LANGUAGES},
        parts=parts,
        correlation=correlation,
    )


def _name(file: str, rule: SigmaRule | SigmaCorrelationRule) -> str:
    name = rule.name or ""
    if not _NAME.fullmatch(name):
        raise _wrong(file, "name", "3 to 48 of a-z, 0-9, _", name or "nothing")
    return name


def _part(file: str, rule: SigmaRule) -> Part:
    source = rule.logsource
    if source.product != "quivive" or source.service or source.category not in set(Category):
        expected = "product quivive and category " + ", ".join(Category)
        raise _wrong(file, "logsource", expected, f"{source.product}/{source.category}/{source.service or ''}")
    if len(rule.detection.condition) != 1:
        raise _wrong(file, "detection.condition", "one condition", f"{len(rule.detection.condition)}")
    category = Category(source.category)
    try:
        condition = rule.detection.parsed_condition[0].parsed
    except SigmaError as error:
        raise _wrong(file, "detection", "a Sigma detection", str(error).partition("\n")[0]) from None
    if not isinstance(condition, ConditionItem | ConditionFieldEqualsValueExpression):
        raise _wrong(file, "detection", "conditions on fields", type(condition).__name__)
    check_condition(file, category, condition)
    return Part(name=rule.name or "", category=category, condition=condition)


def _correlation(file: str, rule: SigmaCorrelationRule, read: list[Any], parts: tuple[Part, ...]) -> Correlation:
    try:
        kind = CorrelationType(rule.type.name.lower())
    except ValueError:
        raise _wrong(file, "correlation.type", " | ".join(CorrelationType), rule.type.name.lower()) from None
    if rule.aliases.aliases:
        raise _wrong(file, "correlation.aliases", "no aliases: fields have one name", "aliases")
    named = [each.reference for each in rule.rules or ()]
    if named != [part.name for part in parts] or len(read) != len(parts) + 1:
        expected = "the names of the file's other documents, in their order"
        raise _wrong(file, "correlation.rules", expected, ", ".join(named) or "nothing")
    span_us = rule.timespan.seconds * SECOND_US
    if not 0 < span_us <= MAX_SPAN_US:
        raise _wrong(file, "correlation.timespan", "at most 7d", rule.timespan.spec)
    group_by = tuple(rule.group_by or ())
    for part in parts:
        for name in group_by:
            check_field(file, part.category, name, "correlation.group-by")
    at_least, value = _condition(file, rule, kind, parts)
    return Correlation(
        type=kind,
        group_by=tuple(name for name in group_by if name != "controller"),
        span_us=span_us,
        at_least=at_least,
        value=value,
    )


def _condition(
    file: str, rule: SigmaCorrelationRule, kind: CorrelationType, parts: tuple[Part, ...]
) -> tuple[int, str]:
    if kind not in _COUNTS:
        if len(parts) < 2 or "condition" in rule.custom_attributes.get("correlation", {}):
            raise _wrong(file, "correlation", "two rules or more and no condition", "another form")
        return len(parts), ""
    condition = rule.condition
    if not isinstance(condition, SigmaCorrelationCondition):
        raise _wrong(file, "correlation.condition", "gte or gt and a number", "another form")
    operators = {SigmaCorrelationConditionOperator.GTE: 0, SigmaCorrelationConditionOperator.GT: 1}
    if condition.op not in operators:
        raise _wrong(file, "correlation.condition", "gte or gt", condition.op.name.lower())
    value = condition.fieldref or ""
    if not isinstance(value, str):
        raise _wrong(file, "correlation.condition.field", "one field", "several")
    if kind is CorrelationType.EVENT_COUNT:
        value = ""
    for part in parts if value else ():
        found = check_field(file, part.category, value, "correlation.condition.field")
        if kind is CorrelationType.VALUE_SUM and found is not FieldType.INTEGER:
            raise _wrong(file, "correlation.condition.field", "an integer field", value)
    at_least = int(condition.count) + operators[condition.op]
    if at_least < 1:
        raise _wrong(file, "correlation.condition", "1 or more", str(condition.count))
    return at_least, value


def _severity(file: str, rule: SigmaRule | SigmaCorrelationRule) -> Severity:
    level = rule.level.name.lower() if rule.level else ""
    if level not in _SEVERITY:
        raise _wrong(file, "level", " | ".join(_SEVERITY), level or "nothing")
    return _SEVERITY[level]


def _texts(file: str, custom: dict[str, Any], lang: str, *, required: bool, title: str) -> RuleTexts:
    found = {}
    for each in _TEXTS:
        text = custom.get(f"{each}_{lang}", "" if not required else None)
        if not isinstance(text, str) or (required and not text.strip()):
            raise _wrong(file, f"custom.{each}_{lang}", "a text", type(text).__name__)
        found[each] = text.strip()
    found["title"] = found["title"] or title
    return RuleTexts(**found)


def _flag(file: str, custom: dict[str, Any], key: str, *, default: bool) -> bool:
    value = custom.get(key, default)
    if not isinstance(value, bool):
        raise _wrong(file, f"custom.{key}", "true or false", type(value).__name__)
    return value


def _integer(file: str, custom: dict[str, Any], key: str, default: int) -> int:
    value = custom.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _wrong(file, f"custom.{key}", "an integer of 1 or more", type(value).__name__)
    return value


def _switch(file: str, custom: dict[str, Any]) -> Switch | None:
    value = custom.get("switch")
    if value is None:
        return None
    try:
        return Switch(str(value))
    except ValueError:
        raise _wrong(file, "custom.switch", " | ".join(Switch), str(value)) from None


def _scenarios(file: str, custom: dict[str, Any]) -> list[int]:
    value = custom.get("scenarios", [])
    if not isinstance(value, list) or not all(isinstance(each, int) for each in value):
        raise _wrong(file, "custom.scenarios", "a list of numbers", type(value).__name__)
    return value


def _wrong(file: str, key: str, expected: str, found: str) -> ConfigurationError:
    return ConfigurationError(file=file, key=key, expected=expected, found=found)
