"""Rows that a statement makes up itself: `(VALUES …) v(id)`, `(SELECT $1 AS id) s`, and functions read as tables.

Called by `wire.dml` only. Pure; what is not plainly a value or a column yields nothing, never a wrong key.
"""

from typing import Final

from sqlglot import exp

from quivive.wire.plan import Operand
from quivive.wire.predicate import one_operand

ALL_COLUMNS: Final = ("*",)


def column_values(query: exp.Expr, name: str) -> tuple[Operand, ...] | None:
    """Values of one column of a VALUES list or of a SELECT without FROM; None when it has no such column."""
    while isinstance(query, exp.Subquery):
        query = query.this
    if isinstance(query, exp.Values):
        names = values_columns(query)
        if name not in names:
            return None
        at = names.index(name)
        rows = [list(row.expressions) if isinstance(row, exp.Tuple) else [row] for row in query.expressions]
        return tuple(one_operand(row[at]) for row in rows) if all(at < len(row) for row in rows) else None
    if isinstance(query, exp.Select) and query.args.get("from_") is None and query.args.get("where") is None:
        for output in query.expressions:
            if output.alias_or_name == name:
                return (one_operand(output.this if isinstance(output, exp.Alias) else output),)
    return None


def values_columns(values: exp.Values) -> tuple[str, ...]:
    """Names of the columns of a VALUES list: declared, or column1, column2 and so on."""
    alias = values.args.get("alias")
    named = tuple(column.name for column in alias.columns) if alias is not None else ()
    first = values.expressions[0] if values.expressions else None
    width = len(first.expressions) if isinstance(first, exp.Tuple) else 1
    return named + tuple(f"column{n + 1}" for n in range(len(named), width))


def merge_is_bound(merge: exp.Merge) -> bool:
    """True when every row a MERGE touches satisfies its ON: nothing BY SOURCE, inserted keys are those compared."""
    compared: dict[str, str] = {}
    target = merge.this.alias_or_name
    for equality in merge.args["on"].find_all(exp.EQ):
        for mine, other in ((equality.this, equality.expression), (equality.expression, equality.this)):
            if isinstance(mine, exp.Column) and mine.table == target:
                compared[mine.name] = other.sql()
    whens = merge.find_all(exp.When)
    return merge.args["on"].find(exp.Or, exp.Not) is None and all(_bound(when, compared) for when in whens)


def _bound(when: exp.When, compared: dict[str, str]) -> bool:
    if when.args.get("source"):
        return False
    insert = when.args.get("then")
    if not isinstance(insert, exp.Insert):
        return True
    names, values = insert.this, insert.expression
    if not isinstance(names, exp.Tuple) or not isinstance(values, exp.Tuple):
        return False
    given = {name.name: value.sql() for name, value in zip(names.expressions, values.expressions, strict=False)}
    return all(given.get(name) == value for name, value in compared.items())


def called(top: exp.Expr | None, tree: exp.Expr) -> tuple[str, tuple[str, ...]]:
    """The function that is the only source of a SELECT and called once, and its columns by output position."""
    table = _only_function(top)
    if table is None or top is None:
        return "", ()
    bare = table.this.name.lower()
    if sum(call.name.lower() == bare for call in tree.find_all(exp.Anonymous)) != 1:
        return "", ()
    name = f"{table.db}.{bare}" if table.db else bare
    if len(top.expressions) == 1 and isinstance(top.expressions[0], exp.Star):
        return name, ALL_COLUMNS
    return name, tuple(_column_of(output, table.alias or bare) for output in top.expressions)


def _only_function(top: exp.Expr | None) -> exp.Table | None:
    if not isinstance(top, exp.Select) or top.args.get("joins") or top.args.get("laterals"):
        return None
    from_ = top.args.get("from_")
    table = from_.this if from_ is not None else None
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Anonymous):
        return None
    alias = table.args.get("alias")
    renamed = (alias is not None and alias.columns) or table.args.get("ordinality") or table.args.get("joins")
    return None if renamed else table


def _column_of(output: exp.Expr, source: str) -> str:
    """Name of the column an output simply shows; "" for an expression, and for `f.*`, which is several."""
    column = output.this if isinstance(output, exp.Alias) else output
    mine = isinstance(column, exp.Column) and not isinstance(column.this, exp.Star) and column.table in {"", source}
    return column.name if mine else ""
