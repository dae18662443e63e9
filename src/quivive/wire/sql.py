"""Plan of a statement shape: what it does, to which tables, restricted by which operands (DESIGN §6).

Called once per shape by the relay, which caches plans by fingerprint. Pure; must never raise: what is not
understood is an opaque plan, visible and counted. sqlglot sees DML only (`wire.dml`); the rest is read here by hand.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from quivive.model.access import Action
from quivive.wire.dml import MAX_PARSED, identifier, plan_dml
from quivive.wire.plan import (
    Aggregate,
    Comparison,
    CopyPlan,
    JoinEquality,
    Operand,
    OperandKind,
    PlanKind,
    Predicate,
    SetVariable,
    StatementPlan,
    Verb,
)
from quivive.wire.setting import DOTTED, NAME, VALUE, one_value, reset_plan, set_plan

__all__ = [
    "Aggregate",
    "Comparison",
    "CopyPlan",
    "JoinEquality",
    "Operand",
    "OperandKind",
    "PlanKind",
    "Predicate",
    "SetVariable",
    "StatementPlan",
    "Verb",
    "copy_query",
    "plan_of",
]

MAX_STATEMENTS: Final = 1_000
"""Statements of one text that are planned; the rest is one opaque plan."""
MAX_NESTING: Final = 4
"""PREPARE, EXPLAIN, DECLARE and COPY inside one another."""

_FUNCTION: Final = re.compile(r'(?<![\w$"])((?:"[^"]++"|[\w$]++)(?:\.(?:"[^"]++"|[\w$]++))?+)\s*+\(')
_MADE: Final = re.compile(r"create\s+(?:(?:global|local|temporary|temp|unlogged)\s+)*+(?:table|materialized\s+view)\s")
_FED: Final = re.compile(r"\bas\s*+\(*+\s*+(?:select|with|table|values|execute)\b")
_WORD: Final = re.compile(r"[a-z_]+")

_DML_WORDS: Final = frozenset({"select", "with", "insert", "update", "delete", "merge", "values", "table"})
_DDL_WORDS: Final = frozenset(
    {"create", "alter", "drop", "comment", "grant", "revoke", "refresh", "reassign", "import", "security", "reindex"}
)
_UTILITY_WORDS: Final = frozenset(
    {"show", "listen", "notify", "unlisten", "vacuum", "analyze", "analyse", "checkpoint", "lock", "load", "cluster"}
)


def plan_of(shape_text: str) -> tuple[StatementPlan, ...]:
    """Plan each statement of a shape (`Shaped.text`), one per statement that the server answers. Never raises."""
    statements = [text for text in _split(shape_text) if text]
    if not statements:
        return (StatementPlan(kind=PlanKind.EMPTY, action=Action.QUERY),)
    plans = [_plan(text, MAX_NESTING) for text in statements[:MAX_STATEMENTS]]
    if len(statements) > MAX_STATEMENTS:
        plans += [_opaque("too_many_statements")] * (len(statements) - MAX_STATEMENTS)
    return tuple(plans)


def copy_query(sql: str) -> str | None:
    """Return the query inside `COPY (query) TO …` of an original text; None when there is none.

    To be described on the side connection of the same database, never stored.
    """
    match = re.match(r"(?:\s|--[^\n]*\n|/\*(?:[^*]|\*(?!/))*\*/)*copy\s*\(", sql, re.IGNORECASE)
    close = -1 if match is None else sql.lower().rfind(")", 0, _last_to(sql))
    return None if match is None or close <= match.end() else sql[match.end() : close].strip()


def _last_to(sql: str) -> int:
    found = [m.start() for m in re.finditer(r"\)\s*to\b", sql, re.IGNORECASE)]
    return found[-1] + 1 if found else len(sql)


def _split(text: str) -> list[str]:
    """Split at semicolons outside quoted identifiers (the shape has no other quotes and no comments)."""
    if ";" not in text:
        return [text.strip()]
    parts: list[str] = []
    start, quoted = 0, False
    for match in re.finditer(r'[";]', text):
        if match[0] == '"':
            quoted = not quoted
        elif not quoted:
            parts.append(text[start : match.start()].strip())
            start = match.end()
    parts.append(text[start:].strip())
    return parts


def _opaque(why: str, **more: object) -> StatementPlan:
    return replace(StatementPlan(kind=PlanKind.OPAQUE, action=Action.QUERY, opaque=why), **more)  # type: ignore[arg-type]


def _plan(text: str, depth: int) -> StatementPlan:
    text = text.strip()
    if depth <= 0:
        return _opaque("too_deep")
    match = _WORD.match(text)
    word = match[0] if match is not None else ""
    if text.startswith("(") or word in _DML_WORDS:
        return _dml(text)
    if len(text) > MAX_PARSED:
        return _opaque("too_long", ddl=word in _DDL_WORDS)
    reader = _READERS.get(word)
    if reader is not None:
        plan = reader(text, depth)
        return plan if plan is not None else _opaque("unread")
    if word in _DDL_WORDS or word in _UTILITY_WORDS:
        return _ddl(text) if word in _DDL_WORDS else StatementPlan(kind=PlanKind.UTILITY, action=Action.QUERY)
    return _opaque("unread", functions=_functions(text))


def _functions(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(identifier(match[1]) for match in _FUNCTION.finditer(text[:MAX_PARSED])))


def _dml(text: str) -> StatementPlan:
    return replace(plan_dml(text), functions=_functions(text))


def _ddl(text: str) -> StatementPlan:
    made = _MADE.match(text)
    if made is not None and _FED.search(text, made.end()) is None:
        made = None
    if made is not None:
        plan = _dml(re.sub(r"^create (?:(?:global|local) )?(?:temporary|temp|unlogged) ", "create ", text))
        return replace(plan, ddl=True, action=Action.EXPORT)
    match = re.match(
        rf"(?:alter|drop)\s+(?:foreign |materialized )?(?:table|view)\s+(?:if exists )?(?:only )?({DOTTED})", text
    )
    tables = (identifier(match[1]),) if match is not None else ()
    return StatementPlan(kind=PlanKind.DDL, action=Action.QUERY, sources=tables, ddl=True)


# Session variables and transactions ---------------------------------------------------------------------------


def _discard(text: str, _depth: int) -> StatementPlan | None:
    everything = bool(re.match(r"discard\s+all\b", text))
    variables = (SetVariable(name="", value=None, local=False),) if everything else ()
    return StatementPlan(kind=PlanKind.DISCARD, action=Action.QUERY, variables=variables, all_names=everything)


def _verb(verb: Verb, name: str = "") -> StatementPlan:
    return StatementPlan(kind=PlanKind.TRANSACTION, action=Action.QUERY, verb=verb, name=name)


def _transaction(text: str, _depth: int) -> StatementPlan | None:
    if re.match(r"(begin|start\s+transaction)\b", text):
        return _verb(Verb.BEGIN)
    to = re.match(rf"rollback\b(?:\s+(?:work|transaction))?\s+to\s+(?:savepoint\s+)?({NAME})", text)
    if to is not None:
        return _verb(Verb.ROLLBACK_TO, identifier(to[1]))
    prepared = re.match(r"(commit|rollback)\s+prepared\s+(.*)", text)
    if prepared is not None:
        return _two_phase(Verb.COMMIT_PREPARED if prepared[1] == "commit" else Verb.ROLLBACK_PREPARED, prepared[2])
    chain = bool(re.search(r"\band\s+chain\b", text))
    ends = re.match(r"(?:(commit|end)|rollback|abort)\b", text)
    if ends is not None and ends[1]:
        return _verb(Verb.COMMIT_CHAIN if chain else Verb.COMMIT)
    return _verb(Verb.ROLLBACK_CHAIN if chain else Verb.ROLLBACK) if ends is not None else _point(text)


def _two_phase(verb: Verb, name: str) -> StatementPlan:
    operand = one_value(name)
    return replace(_verb(verb), arguments=(operand,) if operand is not None else ())


def _point(text: str) -> StatementPlan | None:
    point = re.match(rf"(savepoint|release)\s+(?:savepoint\s+)?({NAME})", text)
    if point is None:
        return None
    return _verb(Verb.SAVEPOINT if point[1] == "savepoint" else Verb.RELEASE, identifier(point[2]))


# Statements that hold statements --------------------------------------------------------------------------------


def _prepare(text: str, depth: int) -> StatementPlan | None:
    two_phase = re.match(r"prepare\s+transaction\s+(.*)", text)
    if two_phase is not None:
        return _two_phase(Verb.PREPARE, two_phase[1])
    match = re.match(rf"prepare\s+({NAME})\s*(?:\((?:[^()]|\([^()]*\))*\)\s*)?as\s+(.*)", text, re.DOTALL)
    if match is None:
        return None
    inner = _plan(match[2], depth - 1)
    return StatementPlan(
        kind=PlanKind.PREPARE, action=Action.QUERY, name=identifier(match[1]), inner=inner, executes=False
    )


def _execute(text: str, _depth: int) -> StatementPlan | None:
    match = re.match(rf"execute\s+({NAME})\s*(?:\((.*)\))?\s*$", text, re.DOTALL)
    if match is None:
        return None
    arguments = tuple(_argument(part) for part in _arguments(match[2] or ""))
    return StatementPlan(kind=PlanKind.EXECUTE, action=Action.QUERY, name=identifier(match[1]), arguments=arguments)


def _argument(text: str) -> Operand:
    match = VALUE.match(text.strip())
    rest = text.strip()[match.end() :].strip() if match is not None else ""
    if match is None or (rest and not rest.startswith("::")):
        return Operand(kind=OperandKind.OTHER)
    return one_value(text) or Operand(kind=OperandKind.OTHER)


def _arguments(text: str) -> list[str]:
    parts: list[str] = []
    start, depth = 0, 0
    for position, letter in enumerate(text):
        if letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]] if text.strip() else []


def _deallocate(text: str, _depth: int) -> StatementPlan | None:
    return _named(PlanKind.DEALLOCATE, rf"deallocate\s+(?:prepare\s+)?({NAME})", text)


def _close(text: str, _depth: int) -> StatementPlan | None:
    return _named(PlanKind.CLOSE, rf"close\s+({NAME})", text)


def _named(kind: PlanKind, pattern: str, text: str) -> StatementPlan | None:
    match = re.match(pattern, text)
    if match is None:
        return None
    if match[1] == "all":
        return StatementPlan(kind=kind, action=Action.QUERY, all_names=True)
    return StatementPlan(kind=kind, action=Action.QUERY, name=identifier(match[1]))


def _declare(text: str, depth: int) -> StatementPlan | None:
    match = re.match(
        rf"declare\s+({NAME})\s+(?:[a-z]+\s+)*?cursor\b(?:\s+with(?:out)?\s+hold)?\s+for\s+(.*)", text, re.DOTALL
    )
    if match is None:
        return None
    inner = _plan(match[2], depth - 1)
    return StatementPlan(
        kind=PlanKind.DECLARE, action=Action.QUERY, name=identifier(match[1]), inner=inner, executes=False
    )


def _fetch(text: str, _depth: int) -> StatementPlan | None:
    start = text.rfind('"', 0, len(text) - 1) if text.endswith('"') else text.rfind(" ")
    name, shows = text[start:].strip(), text.startswith("fetch")
    if start < 0:
        return None
    return StatementPlan(kind=PlanKind.FETCH, action=Action.LIST, name=identifier(name), executes=shows)


def _explain(text: str, depth: int) -> StatementPlan | None:
    match = re.match(r"explain\s*(?:\(([^)]*)\))?\s*((?:analy[sz]e\b|verbose\b|\s)*)(.*)", text, re.DOTALL)
    if match is None:
        return None
    options, words, rest = match[1] or "", match[2], match[3]
    analyze = re.search(r"\banaly[sz]e\b(?!\s*(?:off|false|'?\?))", options) is not None or "analy" in words
    inner = _plan(rest, depth - 1)
    plan = StatementPlan(
        kind=PlanKind.EXPLAIN,
        action=Action.QUERY,
        inner=inner,
        executes=analyze,
        sources=inner.sources,
        shown=inner.shown,
        functions=inner.functions,
    )
    if analyze and inner.writes:  # it writes, and shows no row
        plan = replace(inner, kind=PlanKind.EXPLAIN, inner=inner, returning=False)
    return plan


def _copy(text: str, depth: int) -> StatementPlan | None:
    query = re.match(r"copy\s*\((.*)\)\s*to\s+(stdout|program|'\?\d+')(.*)", text, re.DOTALL)
    if query is not None:
        copied = _plan(query[1], depth - 1)
        spec = _copy_options(
            CopyPlan(outbound=True, server_side=query[2] != "stdout", table="", columns=(), format="text"), query[3]
        )
        return replace(copied, kind=PlanKind.COPY, action=Action.EXPORT, inner=copied, copy=spec, returning=False)
    table = re.match(
        rf"copy\s+(?:binary\s+)?({DOTTED})\s*(?:\(([^)]*)\))?\s*(to|from)\s+(stdout|stdin|program|'\?\d+')(.*)",
        text,
        re.DOTALL,
    )
    if table is None:
        return None
    name = identifier(re.sub(r"\s*\.\s*", ".", table[1]))
    columns = tuple(identifier(part.strip()) for part in (table[2] or "").split(",") if part.strip())
    outbound = table[3] == "to"
    spec = CopyPlan(
        outbound=outbound,
        server_side=table[4] not in {"stdout", "stdin"},
        table=name,
        columns=columns,
        format="binary" if text.startswith("copy binary") else "text",
    )
    return StatementPlan(
        kind=PlanKind.COPY,
        action=Action.EXPORT if outbound else Action.CREATE,
        sources=(name,),
        shown=(0,),
        target=-1 if outbound else 0,
        changed=() if outbound else columns or ("*",),
        copy=_copy_options(spec, table[5]),
    )


def _copy_options(spec: CopyPlan, text: str) -> CopyPlan:
    word = re.search(r"\b(?:format\s+)?(binary|csv)\b", text)
    header = re.search(r"\bheader\b(?!\s*(?:false|off))", text) is not None
    found = {
        option: one_value(match[1])
        for option in ("delimiter", "null", "quote", "escape")
        if (match := re.search(rf"\b{option}s?\s+(?:as\s+)?('\?\d+')", text)) is not None
    }
    return replace(
        spec,
        format=word[1] if word is not None else spec.format,
        header=header,
        filtered=not spec.outbound and re.search(r"\bwhere\b", text) is not None,
        delimiter=found.get("delimiter"),
        null=found.get("null"),
        quote=found.get("quote"),
        escape=found.get("escape"),
    )


def _truncate(text: str, _depth: int) -> StatementPlan | None:
    match = re.match(rf"truncate\s+(?:table\s+)?(?:only\s+)?({DOTTED}(?:\s*,\s*{DOTTED})*)", text)
    if match is None:
        return None
    names = tuple(identifier(part.strip()) for part in match[1].split(","))
    return StatementPlan(kind=PlanKind.DML, action=Action.DELETE, sources=names, target=0)


def _call(text: str, _depth: int) -> StatementPlan | None:
    why = "do" if text.startswith("do") else "call"
    return _opaque(why, functions=_functions(text))


_READERS: Final[dict[str, Callable[[str, int], StatementPlan | None]]] = {
    "set": set_plan,
    "reset": reset_plan,
    "discard": _discard,
    "begin": _transaction,
    "start": _transaction,
    "commit": _transaction,
    "end": _transaction,
    "rollback": _transaction,
    "abort": _transaction,
    "savepoint": _transaction,
    "release": _transaction,
    "prepare": _prepare,
    "execute": _execute,
    "deallocate": _deallocate,
    "close": _close,
    "declare": _declare,
    "fetch": _fetch,
    "move": _fetch,
    "explain": _explain,
    "copy": _copy,
    "truncate": _truncate,
    "do": _call,
    "call": _call,
}
