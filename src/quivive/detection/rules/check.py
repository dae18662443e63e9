"""What a detection may say: known fields, values of their type, the modifiers that mean something here.

Called by the parser for each detection. Pure. Must never let a comparison through that the type of its field
gives no meaning to.
"""

from collections.abc import Iterator
from typing import Any, Final

from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionNOT, ConditionOR
from sigma.types import (
    SigmaBool,
    SigmaCasedString,
    SigmaCompareExpression,
    SigmaExists,
    SigmaNull,
    SigmaNumber,
    SigmaString,
    SpecialChars,
)

from quivive.detection.rules.fields import FIELDS, Category, FieldType
from quivive.model.errors import ConfigurationError

_EXPECTED: Final[dict[FieldType, str]] = {
    FieldType.TEXT: "a text",
    FieldType.INTEGER: "a number, or gt, gte, lt, lte, neq with one",
    FieldType.FLAG: "true or false",
    FieldType.LIST: "a text without * or ? inside",
    FieldType.KEY: "only exists, or null: a pseudonym can be compared with nothing",
}
_GROUPS: Final = (ConditionAND, ConditionOR, ConditionNOT)


def fields_of(node: Any) -> Iterator[str]:
    """Names of the fields that a condition asks for."""
    if isinstance(node, _GROUPS):
        for each in node.args:
            yield from fields_of(each)
    else:
        yield node.field


def demanded_flags(node: Any) -> Iterator[str]:
    """Flags that must be true wherever a condition holds."""
    if isinstance(node, ConditionAND):
        for each in node.args:
            yield from demanded_flags(each)
    elif not isinstance(node, _GROUPS) and isinstance(node.value, SigmaBool) and node.value.boolean:
        yield node.field


def check_field(file: str, category: Category, name: str, key: str) -> FieldType:
    """Return the type of a field of a category.

    Raises:
        ConfigurationError: the view has no such field.
    """
    found = FIELDS[category].get(name)
    if found is None:
        raise ConfigurationError(file=file, key=key, expected=f"a field of the {category} view", found=name)
    return found


def check_condition(file: str, category: Category, node: Any) -> None:
    """Walk a parsed condition.

    Raises:
        ConfigurationError: a keyword search, an unknown field, a modifier or a value that has no meaning here.
    """
    if isinstance(node, _GROUPS):
        for each in node.args:
            check_condition(file, category, each)
        return
    if not isinstance(node, ConditionFieldEqualsValueExpression):
        expected = "conditions on fields (no keyword search)"
        raise ConfigurationError(file=file, key="detection", expected=expected, found=type(node).__name__)
    kind = check_field(file, category, node.field, "detection")
    if not _fits(kind, node.value):
        raise ConfigurationError(
            file=file, key=f"detection.{node.field}", expected=_EXPECTED[kind], found=type(node.value).__name__
        )


def _fits(kind: FieldType, value: Any) -> bool:
    if isinstance(value, SigmaExists | SigmaNull):
        return True
    if kind is FieldType.INTEGER:
        number = value.number if isinstance(value, SigmaCompareExpression) else value
        return isinstance(number, SigmaNumber) and isinstance(number.number, int)
    if kind is FieldType.FLAG:
        return isinstance(value, SigmaBool)
    if kind is FieldType.KEY or not isinstance(value, SigmaString) or isinstance(value, SigmaCasedString):
        return False
    if not all(isinstance(piece, str | SpecialChars) for piece in value.s):
        return False
    inner = value.s[1:-1]
    return kind is FieldType.TEXT or not any(isinstance(piece, SpecialChars) for piece in inner)
