"""Conditions of a parsed statement, read into predicates with operands and into join equalities.

Called by `wire.dml` only. Pure; an expression that is not understood yields OTHER operands or no predicate:
never a wrong key.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from sqlglot import exp

from quivive.wire.plan import Comparison, JoinEquality, Operand, OperandKind, Predicate, SetVariable

SLOT_BASE: Final = 7_770_000_000_000
BIND_BASE: Final = 8_880_000_000_000
_SLOT: Final = re.compile(r"\?(\d+)")
_KEEPING_CASTS: Final = frozenset(
    {"TEXT", "VARCHAR", "CHAR", "BPCHAR", "NCHAR", "INT", "BIGINT", "SMALLINT", "UUID", "DECIMAL", "NAME"}
)
_WRAPPERS: Final = (exp.Lower, exp.Upper, exp.Trim)
_WRAPPER_NAMES: Final = frozenset({"unaccent", "btrim", "ltrim", "rtrim", "f_unaccent", "immutable_unaccent"})
_RANGES: Final = (exp.GT, exp.GTE, exp.LT, exp.LTE)
_LIKES: Final = (exp.Like, exp.ILike, exp.SimilarTo)
_REGEXES: Final = (exp.RegexpLike, exp.RegexpILike)
OTHER: Final = Operand(kind=OperandKind.OTHER)


class Reference(NamedTuple):
    """A base column: index of its source, and name."""

    source: int
    column: str


Resolver = Callable[[exp.Column], tuple[list[Reference], bool]]
Constants = Callable[[exp.Column], tuple[Operand, ...] | None]
"""Values of a column that the statement makes up itself, None for any other column."""


def read_condition(
    condition: exp.Expr,
    restricts: bool,
    resolver: Resolver,
    predicates: list[Predicate],
    joins: list[JoinEquality],
    constants: Constants = lambda _: None,
) -> None:
    """Read a WHERE or ON condition; AND keeps `restricts`, OR and NOT lose it."""
    stack = [(condition, restricts)]
    while stack:
        node, certain = stack.pop()
        if isinstance(node, exp.Paren):
            stack.append((node.this, certain))
        elif isinstance(node, exp.And):
            stack += [(node.expression, certain), (node.this, certain)]
        elif isinstance(node, exp.Or):
            merged = _same_column(node, resolver, certain)
            if merged:
                predicates += merged
            else:
                stack += [(node.expression, False), (node.this, False)]
        elif isinstance(node, exp.Not):
            stack.append((node.this, False))
        elif isinstance(node, exp.EQ) and (found := _made_up(node, certain, resolver, constants)):
            predicates += found
        elif isinstance(node, exp.EQ) and _join(node, resolver, joins):
            continue
        else:
            predicates += _leaf(node, certain and not node.args.get("negate"), resolver)


def _made_up(node: exp.EQ, certain: bool, resolver: Resolver, constants: Constants) -> list[Predicate]:
    """`c.id = v.id` where v is a list of values: a list on c.id."""
    for column, other in ((node.this, node.expression), (node.expression, node.this)):
        given, wrapped = _column(other)
        values = constants(given) if given is not None and not wrapped else None
        if values is not None:
            return _compared(column, Comparison.IN, values, certain, resolver)
    return []


def _same_column(node: exp.Or, resolver: Resolver, certain: bool) -> list[Predicate]:
    """`id = 1 OR id = 2 OR id IN (3)` is a list on one column."""
    leaves: list[Predicate] = []
    stack: list[exp.Expr] = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, exp.Paren):
            stack.append(one.this)
        elif isinstance(one, exp.Or):
            stack += [one.expression, one.this]
        else:
            read = _leaf(one, certain, resolver)
            if len(read) != 1 or read[0].comparison not in {Comparison.EQUALS, Comparison.IN} or read[0].paired:
                return []
            leaves += read
    first = leaves[0]
    if any((p.sources, p.column) != (first.sources, first.column) for p in leaves):
        return []
    return [
        Predicate(
            sources=first.sources,
            column=first.column,
            comparison=Comparison.IN,
            operands=tuple(operand for p in leaves for operand in p.operands),
            restricts=all(p.restricts for p in leaves),
            wrapped=any(p.wrapped for p in leaves),
        )
    ]


def _join(node: exp.EQ, resolver: Resolver, joins: list[JoinEquality]) -> bool:
    left, _ = _column(node.this)
    right, _ = _column(node.expression)
    if left is None or right is None:
        return False
    lefts, _ = resolver(left)
    rights, _ = resolver(right)
    if len(lefts) == 1 and len(rights) == 1 and lefts[0].source != rights[0].source:
        (a, b), (c, d) = lefts[0], rights[0]
        joins.append(JoinEquality(left=a, left_column=b, right=c, right_column=d))
    elif left.table == right.table == "" or len(lefts) > 1 or len(rights) > 1:
        joins += [
            JoinEquality(left=a.source, left_column=a.column, right=b.source, right_column=b.column)
            for a in lefts
            for b in rights
            if a.source != b.source
        ]
    return True


def _leaf(node: exp.Expr, certain: bool, resolver: Resolver) -> list[Predicate]:
    if isinstance(node, (exp.EQ, exp.NullSafeEQ)):
        lefts, rights = _parts(node.this), _parts(node.expression)
        if lefts is not None and rights is not None and len(lefts) == len(rights):
            pairs = zip(lefts, rights, strict=True)
            return [p for a, b in pairs for p in _compared(a, Comparison.EQUALS, operands(b), certain, resolver)]
        return _equals(node, certain, resolver)
    if isinstance(node, exp.In):
        row = _parts(node.this) is not None
        return _row_in(node, certain, resolver) if row else _compared(node.this, *_in_operands(node), certain, resolver)
    if isinstance(node, exp.Between):
        both = operands(node.args["low"]) + operands(node.args["high"])
        return _compared(node.this, Comparison.RANGE, both, certain, resolver)
    if isinstance(node, _RANGES):
        mirrored = _column(node.this)[0] is None
        column, value = (node.expression, node.this) if mirrored else (node.this, node.expression)
        return _compared(column, Comparison.RANGE, operands(value), certain, resolver)
    return _pattern(node, certain, resolver)


def _pattern(node: exp.Expr, certain: bool, resolver: Resolver) -> list[Predicate]:
    if isinstance(node, exp.Escape):
        return _pattern(node.this, certain, resolver)
    if isinstance(node, _LIKES):
        return _compared(node.this, Comparison.LIKE, concatenated(node.expression), certain, resolver)
    if isinstance(node, _REGEXES):
        return _compared(node.this, Comparison.REGEX, concatenated(node.expression), certain, resolver)
    if isinstance(node, exp.StartsWith):
        return _compared(node.this, Comparison.PREFIX, concatenated(node.expression), certain, resolver)
    if isinstance(node, exp.Operator):
        operator = str(node.args.get("operator", "")).rsplit(".", 1)[-1]
        comparison = {"=": Comparison.EQUALS, "~~": Comparison.LIKE, "~~*": Comparison.LIKE}.get(operator)
        if operator in {"~", "~*"}:
            comparison = Comparison.REGEX
        if comparison is not None:
            return _compared(node.this, comparison, concatenated(node.expression), certain, resolver)
    return []


def _equals(node: exp.Expr, certain: bool, resolver: Resolver) -> list[Predicate]:
    left, right = node.this, node.expression
    if _column(left)[0] is None:
        left, right = right, left
    if isinstance(right, exp.Any):
        inner = right.this
        while isinstance(inner, (exp.Paren, exp.Cast)):
            inner = inner.this
        if isinstance(inner, exp.Array):
            return _compared(left, Comparison.IN, _each(inner.expressions), certain, resolver)
        if isinstance(inner, exp.Query):
            return _compared(left, Comparison.IN, (OTHER,), certain, resolver)
        return _compared(left, Comparison.ANY, operands(inner), certain, resolver)
    return _compared(left, Comparison.EQUALS, operands(right), certain, resolver, folded=_folded(right))


def _folded(value: exp.Expr) -> bool:
    """True when the value compared is not the literal or bind itself, but lower(…) or trim(…) of it."""
    return value.find(*_WRAPPERS, exp.Anonymous) is not None


def _in_operands(node: exp.In) -> tuple[Comparison, tuple[Operand, ...]]:
    if node.args.get("query") is None and node.args.get("unnest") is None:
        return Comparison.IN, _each(node.expressions)
    unnest = node.find(exp.Unnest, exp.Explode)
    if unnest is not None and node.find(exp.Table) is None:  # IN (SELECT unnest($1))
        array = unnest.expressions[0] if unnest.expressions else unnest.this
        return Comparison.ANY, operands(array)
    return Comparison.IN, (OTHER,)


def _row_in(node: exp.In, certain: bool, resolver: Resolver) -> list[Predicate]:
    columns = _parts(node.this) or []
    rows = [_parts(row) for row in node.expressions]
    if not rows or any(row is None or len(row) != len(columns) for row in rows):
        return []
    read: list[Predicate] = []
    for position, column in enumerate(columns):
        values = tuple(one_operand(row[position]) for row in rows if row is not None)
        read += _compared(column, Comparison.IN, values, certain, resolver, paired=True)
    return read


def _compared(
    column: exp.Expr,
    comparison: Comparison,
    values: tuple[Operand, ...],
    certain: bool,
    resolver: Resolver,
    *,
    paired: bool = False,
    folded: bool = False,
) -> list[Predicate]:
    found, wrapped = _column(column)
    wrapped = wrapped or folded or any(o.kind is OperandKind.OTHER for o in values)
    if found is None:
        return []
    references, restricts = resolver(found)
    by_column: dict[str, list[int]] = {}
    for reference in references:
        by_column.setdefault(reference.column, []).append(reference.source)
    return [
        Predicate(
            sources=tuple(sources),
            column=name,
            comparison=comparison,
            operands=values,
            restricts=certain and restricts,
            paired=paired,
            wrapped=wrapped,
        )
        for name, sources in by_column.items()
    ]


def _column(node: exp.Expr) -> tuple[exp.Column | None, bool]:
    """The column under casts and foldings, and whether it is wrapped in a way that changes its value."""
    wrapped = False
    while True:
        if isinstance(node, exp.Column):
            return (None, wrapped) if isinstance(node.this, exp.Star) else (node, wrapped)
        if isinstance(node, exp.Cast):
            wrapped = wrapped or node.to.this.name not in _KEEPING_CASTS
        elif isinstance(node, _WRAPPERS):
            wrapped = True
        elif isinstance(node, exp.Anonymous) and node.name.lower() in _WRAPPER_NAMES and node.expressions:
            wrapped, node = True, node.expressions[0]
            continue
        elif not isinstance(node, (exp.Paren, exp.Collate)):
            return None, wrapped
        node = node.this


def _parts(node: exp.Expr) -> list[exp.Expr] | None:
    """Parts of a row constructor `(a, b)` or `ROW(a, b)`; None when it is none."""
    if isinstance(node, exp.Tuple) or (isinstance(node, exp.Anonymous) and node.name.lower() == "row"):
        return list(node.expressions)
    return None


def _each(nodes: list[exp.Expr]) -> tuple[Operand, ...]:
    return tuple(OTHER if _folded(node) else operand for node in nodes for operand in operands(node))


def one_operand(node: exp.Expr) -> Operand:
    """The one operand an expression is; OTHER when it is none or several."""
    read = () if _folded(node) else operands(node)
    return read[0] if len(read) == 1 else OTHER


def operands(node: exp.Expr) -> tuple[Operand, ...]:
    """Operand behind an expression; casts and foldings are looked through."""
    negative = False
    while True:
        if isinstance(node, exp.Literal):
            return (_literal(node, negative),)
        if isinstance(node, exp.Neg):
            negative = not negative
        elif isinstance(node, exp.Null) or (isinstance(node, exp.Var) and node.name.upper() == "DEFAULT"):
            return (Operand(kind=OperandKind.NULL),)
        elif isinstance(node, exp.Boolean):
            return (Operand(kind=OperandKind.WORD, word="true" if node.this else "false"),)
        elif isinstance(node, exp.Array):
            return _each(node.expressions)
        elif isinstance(node, exp.Anonymous) and node.name.lower() in _WRAPPER_NAMES and node.expressions:
            node = node.expressions[0]
            continue
        elif not isinstance(node, (exp.Paren, exp.Cast, *_WRAPPERS)):
            return (OTHER,)
        node = node.this


def concatenated(node: exp.Expr) -> tuple[Operand, ...]:
    """Parts of `'%' || $1 || '%'` or concat(…), in order."""
    if isinstance(node, exp.DPipe):
        return concatenated(node.this) + concatenated(node.expression)
    if isinstance(node, exp.Concat):
        return tuple(operand for part in node.expressions for operand in concatenated(part))
    if isinstance(node, (exp.Paren, exp.Cast, *_WRAPPERS)):
        return concatenated(node.this)
    return operands(node)


def _literal(node: exp.Literal, negative: bool) -> Operand:
    text = str(node.this)
    if node.is_string:
        match = _SLOT.fullmatch(text)
        return OTHER if match is None else Operand(kind=OperandKind.SLOT, index=int(match[1]), negative=negative)
    if text.isdigit():
        number = int(text)
        if number >= BIND_BASE:
            return Operand(kind=OperandKind.BIND, index=number - BIND_BASE, negative=negative)
        if number >= SLOT_BASE:
            return Operand(kind=OperandKind.SLOT, index=number - SLOT_BASE, negative=negative)
    return OTHER


def inserted(write: exp.Insert, target: int) -> list[Predicate]:
    """Values of an INSERT by column: they name the records created."""
    rows = _inserted_rows(write)
    if not rows:
        return []
    named = isinstance(write.this, exp.Schema)
    columns = [e.name for e in write.this.expressions] if named else [f"#{n + 1}" for n in range(len(rows[0]))]
    if any(len(row) < len(columns) for row in rows):
        return []
    return [
        Predicate(
            sources=(target,),
            column=name,
            comparison=Comparison.ASSIGNED,
            operands=tuple(one_operand(row[position]) for row in rows),
            restricts=True,
            paired=True,
        )
        for position, name in enumerate(columns)
    ]


def _inserted_rows(write: exp.Insert) -> list[list[exp.Expr]]:
    source = write.expression
    if isinstance(source, exp.Values):
        return [list(row.expressions) if isinstance(row, exp.Tuple) else [row] for row in source.expressions]
    if isinstance(source, exp.Select) and source.args.get("from_") is None:
        return [[e.this if isinstance(e, exp.Alias) else e for e in source.expressions]]
    return []


def set_config_variables(tree: exp.Expr) -> Iterator[SetVariable]:
    """Session variables set by set_config(name, value, local) anywhere in a statement."""
    for call in tree.find_all(exp.Anonymous):
        if call.name.lower() != "set_config" or len(call.expressions) != 3:
            continue
        name, value, local = call.expressions
        yield SetVariable(
            name="",
            name_operand=one_operand(name),
            value=one_operand(value),
            local=isinstance(local, exp.Boolean) and bool(local.this),
            local_operand=None if isinstance(local, exp.Boolean) else one_operand(local),
        )
