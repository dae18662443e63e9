"""Reads Wazo's published CEL tables and the call logs their authors expect, from the source text of their tests.

Only literals are read; nothing of the file is run. Used by test_wazo_cel.py.
"""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ABSENT = "absent"
TIMES = ("date", "date_answer", "date_end")
SIDES = {"source_line_identity": "XIVO_INCALL", "destination_line_identity": "XIVO_OUTCALL"}
PLAIN = ("direction", "source_exten", "destination_exten", *SIDES)


@dataclass(slots=True)
class Table:
    """One published table: its events by column name, the lines of the users, and what is expected of the call."""

    name: str
    rows: list[dict[str, str]]
    lines: dict[str, str] = field(default_factory=dict)  # user → line
    expected: dict[str, Any] = field(default_factory=dict)
    participants: list[dict[str, Any]] = field(default_factory=list)

    def telephones(self) -> set[str]:
        """Lines that are people's: those of users, and those expected at a side where no trunk is."""
        told = {row.get("eventtype") for row in self.rows}
        named = {
            str(self.expected[side]) for side, trunk in SIDES.items() if side in self.expected and trunk not in told
        }
        return {*self.lines.values(), *(identity.partition("/")[2] for identity in named if "/" in identity)}


def read_tables(path: Path) -> list[Table]:
    functions = (n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.FunctionDef))
    return [
        _table(function, decorator.args[0])
        for function in functions
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "raw_cels"
    ]


def _table(function: ast.FunctionDef, text: ast.expr) -> Table:
    names = {
        target.id: each.value
        for each in ast.walk(function)
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    table = Table(name=function.name, rows=_rows(_text(text)))
    for call in (each for each in ast.walk(function) if isinstance(each, ast.Call)):
        called = getattr(call.func, "id", "")
        if called == "MockLine":
            keywords = {keyword.arg: keyword.value for keyword in call.keywords}
            line = keywords.get("name") or (call.args[1] if len(call.args) > 1 else None)
            if isinstance(line, ast.Constant):
                users = keywords.get("users")
                owners = _owners(users, names) if users is not None else []
                table.lines.update((owner, str(line.value)) for owner in owners or [str(line.value)])
        elif called == "has_properties":
            _expect(table, _pairs(call), names)
    return table


def _pairs(call: ast.Call) -> dict[str, ast.expr]:
    pairs = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    for argument in call.args:
        if isinstance(argument, ast.Dict):
            pairs.update(
                (str(key.value), value)
                for key, value in zip(argument.keys, argument.values, strict=True)
                if isinstance(key, ast.Constant)
            )
    return pairs


def _expect(table: Table, pairs: dict[str, ast.expr], names: dict[str, ast.expr]) -> None:
    if "role" in pairs:
        table.participants.append(
            {
                "role": _value(pairs["role"], names),
                "user": _value(pairs["user_uuid"], names) if "user_uuid" in pairs else "",
                "answered": _value(pairs["answered"], names) if "answered" in pairs else None,
            }
        )
        return
    for key in (*TIMES, *PLAIN):
        if key in pairs:
            table.expected[key] = _value(pairs[key], names)


def _owners(users: ast.expr, names: dict[str, ast.expr]) -> list[str]:
    return [
        _value(value, names)
        for each in ast.walk(users)
        if isinstance(each, ast.Dict)
        for key, value in zip(each.keys, each.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "uuid"
    ]


def _value(node: ast.expr, names: dict[str, ast.expr]) -> Any:
    """Read a literal, a date, or the identity of a user, whatever wraps it."""
    if isinstance(node, ast.Name) and node.id in names:
        return _value(names[node.id], names)
    if isinstance(node, ast.Constant):
        return ABSENT if node.value is None else node.value
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("fromisoformat", "datetime_close_to", "UUID", "str") and node.args:
            return _value(node.args[0], names)
        if called == "none":
            return ABSENT
    return ast.unparse(node)


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "interpolated" for part in node.values)
    return str(ast.literal_eval(node))


def _rows(text: str) -> list[dict[str, str]]:
    lines = [line for line in text.strip().splitlines() if line.strip() and not re.fullmatch(r"[\s+-]+", line)]
    header = [name.strip() for name in lines[0].split("|")]
    rows = []
    for line in lines[1:]:
        cells = [cell.strip() for cell in line.split("|")]
        rows.append(dict(zip(header, cells, strict=False)))
    return rows
