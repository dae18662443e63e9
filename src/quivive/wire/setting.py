"""SET and RESET: which session variable a statement changes, a search path as the names it is made of.

Used by `sql`. Pure. Must never guess a value: what cannot be read is OTHER.
"""

import re
from dataclasses import replace
from typing import Final

from quivive.model.access import Action
from quivive.wire.dml import identifier
from quivive.wire.plan import Operand, OperandKind, PlanKind, SetVariable, StatementPlan

NAME: Final = r'(?:"(?:[^"]|"")+"|[\w$]+)'
DOTTED: Final = rf"{NAME}(?:\s*\.\s*{NAME})*"
SEARCH_PATH: Final = "search_path"
ROLE: Final = "role"
VALUE: Final = re.compile(
    rf"(?P<negative>-)?\s*(?:'\?(?P<text>\d+)'|\?(?P<number>\d+)|\$(?P<bind>\d+)|(?P<word>{NAME}))"
)
_NAMES: Final = re.compile(r'(?:"(?:[^"]|"")*+"|[^,"])++')


def one_value(text: str) -> Operand | None:
    match = VALUE.match(text.strip())
    if match is None:
        return None
    negative = match["negative"] is not None
    if match["bind"] is not None:
        return Operand(kind=OperandKind.BIND, index=int(match["bind"]), negative=negative)
    if match["word"] is not None:
        if match["word"] in {"null", "default"}:
            return Operand(kind=OperandKind.NULL)
        return Operand(kind=OperandKind.WORD, word=identifier(match["word"]))
    return Operand(kind=OperandKind.SLOT, index=int(match["text"] or match["number"]), negative=negative)


def set_plan(text: str, _depth: int) -> StatementPlan | None:
    match = re.match(r"set\s+(?:(session|local)\s+)?(.*)", text, re.DOTALL)
    if match is None:
        return None
    scope, rest = match.groups()
    other = StatementPlan(kind=PlanKind.SET, action=Action.QUERY)
    worded = _worded(rest, local=scope == "local")
    if worded is not None:
        return replace(other, variables=(worded,))
    if re.match(r"(transaction|characteristics|constraints|time zone|names|xml option)\b", rest):
        return other  # none of these is a variable that names an agent
    assigned = re.match(rf"({DOTTED})\s*(?:=|\bto\b)\s*(.*)", rest, re.DOTALL)
    if assigned is None:
        return None
    operand = one_value(assigned[2])
    value = None if operand is None or operand.kind is OperandKind.NULL else operand
    name = identifier(re.sub(r"\s*\.\s*", ".", assigned[1])).lower()
    if name == SEARCH_PATH:
        return replace(other, variables=(_path(assigned[2], local=scope == "local"),))
    return replace(other, variables=(SetVariable(name=name, value=value, local=scope == "local"),))


def _worded(rest: str, *, local: bool) -> SetVariable | None:
    """SET SCHEMA, ROLE and SESSION AUTHORIZATION, which the standard writes without a sign between."""
    schema = re.match(r"schema\s+(.*)", rest, re.DOTALL)  # a path of one
    if schema is not None:
        return _path(schema[1], local=local)
    role = re.match(r"(?:role|authorization)\s+(.*)", rest, re.DOTALL)  # `"$user"` of the path follows it
    if role is None:
        return None
    who = one_value(role[1])
    kept = who is not None and who.kind is not OperandKind.NULL and who.word != "none"
    return SetVariable(name=ROLE, value=who if kept else None, local=local)


def _path(text: str, *, local: bool) -> SetVariable:
    """A search path: names one by one; `value` None for DEFAULT, and no names where one cannot be read."""
    operands = [one_value(part) for part in _NAMES.findall(text)]
    first = operands[0] if operands else None
    if first is not None and first.kind is OperandKind.NULL and len(operands) == 1:
        return SetVariable(name=SEARCH_PATH, value=None, local=local)
    read = tuple(one for one in operands if one is not None and one.kind is not OperandKind.NULL)
    names = read if read and len(read) == len(operands) else ()
    return SetVariable(name=SEARCH_PATH, value=Operand(kind=OperandKind.OTHER), local=local, names=names)


def reset_plan(text: str, _depth: int) -> StatementPlan | None:
    match = re.match(rf"reset\s+({DOTTED})", text)
    if match is None:
        return None
    name = identifier(re.sub(r"\s*\.\s*", ".", match[1])).lower()
    name = ROLE if name == "session" else name  # RESET SESSION AUTHORIZATION
    variable = SetVariable(name="" if name == "all" else name, value=None, local=False)
    return StatementPlan(kind=PlanKind.SET, action=Action.QUERY, variables=(variable,))
