"""From a parsed condition to a SQL expression over one flat view, the same on DuckDB and Spark.

Called by `run`. Pure. Must never put a text of a rule into SQL unquoted. Unknown is never a hit: a flag or a value
that is not known gives NULL, and so does its negation.
"""

from typing import Any, Final

from sigma.conditions import ConditionAND, ConditionNOT, ConditionOR
from sigma.types import CompareOperators, SigmaBool, SigmaCompareExpression, SigmaExists, SigmaNull, SpecialChars

from quivive.detection.rules.fields import FIELDS, Category, FieldType

_ESCAPE: Final = "!"
_OPERATORS: Final = {
    CompareOperators.LT: "<",
    CompareOperators.LTE: "<=",
    CompareOperators.GT: ">",
    CompareOperators.GTE: ">=",
    CompareOperators.NEQ: "<>",
}


def condition_sql(category: Category, node: Any) -> str:
    """SQL of a condition that `check_condition` has accepted."""
    if isinstance(node, ConditionNOT):
        return f"NOT ({condition_sql(category, node.args[0])})"
    if isinstance(node, ConditionAND | ConditionOR):
        joint = " AND " if isinstance(node, ConditionAND) else " OR "
        return "(" + joint.join(condition_sql(category, each) for each in node.args) + ")"
    return _comparison(node.field, FIELDS[category][node.field], node.value)


def _comparison(column: str, kind: FieldType, value: Any) -> str:
    if isinstance(value, SigmaExists | SigmaNull):
        there = _present(column, kind)
        return there if isinstance(value, SigmaExists) and value.exists else f"NOT ({there})"
    if isinstance(value, SigmaCompareExpression):
        return f"{column} {_OPERATORS[value.op]} {int(value.number.number)}"
    if kind is FieldType.INTEGER:
        return f"{column} = {int(value.number)}"
    if isinstance(value, SigmaBool):
        return column if value.boolean else f"NOT {column}"
    return _text(column, kind, value.s)


def _text(column: str, kind: FieldType, pieces: tuple[Any, ...]) -> str:
    if kind is FieldType.LIST:
        return f"{column} LIKE {_quoted('%,' + _like(pieces) + ',%')} ESCAPE '{_ESCAPE}'"
    if any(isinstance(piece, SpecialChars) for piece in pieces):
        return f"LOWER({column}) LIKE {_quoted(_like(pieces))} ESCAPE '{_ESCAPE}'"
    return f"LOWER({column}) = {_quoted(''.join(pieces).lower())}"


def _present(column: str, kind: FieldType) -> str:
    if kind in (FieldType.INTEGER, FieldType.FLAG):
        return f"{column} IS NOT NULL"
    return f"{column} <> ''"


def _like(pieces: tuple[Any, ...]) -> str:
    text = ""
    for piece in pieces:
        if piece is SpecialChars.WILDCARD_MULTI:
            text += "%"
        elif piece is SpecialChars.WILDCARD_SINGLE:
            text += "_"
        else:
            for each in str(piece).lower():
                text += _ESCAPE + each if each in (_ESCAPE, "%", "_") else each
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
