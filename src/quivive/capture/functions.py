"""Functions that a statement calls: what the controller declared of them, and under which name they are told.

Called by `capture.resolve`. Pure. What an undeclared function reads is hidden from any proxy: its statement stays
opaque, and its name stands among the tables so that a report can say what to declare.
"""

from quivive.capture.snapshot import CatalogueSnapshot
from quivive.model.catalogue import Function
from quivive.model.hint import FUNCTION_MARK
from quivive.wire.fields import Field
from quivive.wire.plan import StatementPlan


def declared_function(snapshot: CatalogueSnapshot, name: str) -> Function | None:
    """The declaration of a function as a statement names it (search path applied when unqualified)."""
    declared = {function.name: function for function in snapshot.declared.functions}
    if "." in name:
        return declared.get(name)
    found = (declared.get(f"{schema}.{name}") for schema in snapshot.search_path)
    return next((function for function in found if function is not None), None)


def hidden_functions(snapshot: CatalogueSnapshot, plan: StatementPlan) -> tuple[str, ...]:
    """Names, as told, of the undeclared functions a statement calls; declared ones it does not simply read from too."""
    hidden: dict[str, None] = {}
    for name in plan.functions:
        if name not in snapshot.functions:
            continue
        if declared_function(snapshot, name) is None or plan.called_from != name:
            hidden[_told(snapshot, name)] = None
    return tuple(hidden)


def _told(snapshot: CatalogueSnapshot, name: str) -> str:
    for schema in ("", *snapshot.search_path):
        full = f"{schema}.{name}" if schema else name
        if "." in full and full in snapshot.functions:
            return full + FUNCTION_MARK
    return name + FUNCTION_MARK


def called_function(snapshot: CatalogueSnapshot, plan: StatementPlan) -> Function | None:
    """The declared function whose rows the statement shows; None when it reads from none."""
    return declared_function(snapshot, plan.called_from) if plan.called_from else None


def key_field(function: Function, plan: StatementPlan, fields: tuple[Field, ...]) -> tuple[int, int] | None:
    """Index and type of the column that shows the declared key: a plain column, never an expression of that name."""
    names = [field.name for field in fields] if plan.called_columns == ("*",) else list(plan.called_columns)
    if len(names) != len(fields) or function.key_column not in names:
        return None
    index = names.index(function.key_column)
    return index, fields[index].type_oid
