"""Session variables with PostgreSQL's transactional semantics (SET, SET LOCAL, savepoints; manual, SET).

Called by `capture.attribution` only. Pure. Only tracked names are kept: the values of all other settings are
none of our business.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Final, NamedTuple

from quivive.wire.plan import Operand, OperandKind, SetVariable, StatementPlan, Verb
from quivive.wire.setting import SEARCH_PATH
from quivive.wire.shape import Literal

UNREAD: Final = "?"
"""Value of a search path that was set and cannot be read."""
MAX_SAVEPOINTS: Final = 1_024
"""Savepoints remembered in one transaction; beyond, the state is unknown until it ends and names nobody."""
_TRUE: Final = frozenset({"t", "true", "on", "yes", "y", "1", "\x01"})


class _Kind(Enum):
    SET = 0
    RESET_ALL = 1
    VERB = 2
    ABORT = 3


class Change(NamedTuple):
    """One effect of a statement on the session: a variable (`value` None: back to its start), or a transaction verb."""

    kind: _Kind
    name: str = ""
    value: str | None = None
    local: bool = False
    verb: Verb = Verb.NONE

    @classmethod
    def abort(cls) -> "Change":
        """The statement failed."""
        return cls(_Kind.ABORT)


def changes_of(
    plan: StatementPlan,
    slots: Sequence[Sequence[Literal]],
    binds: Sequence[bytes | None],
    tracked: frozenset[str],
) -> Iterator[Change]:
    """Effects of one statement on tracked variables and on the transaction."""
    if plan.verb:
        yield Change(_Kind.VERB, name=plan.name, verb=plan.verb)
    for variable in plan.variables:
        if variable.name == "" and variable.name_operand is None:
            yield Change(_Kind.RESET_ALL)
            continue
        name = variable.name or (operand_text(variable.name_operand, slots, binds) or "").lower()
        if name in tracked:
            yield _assignment(name, variable, slots, binds)


def _assignment(
    name: str, variable: SetVariable, slots: Sequence[Sequence[Literal]], binds: Sequence[bytes | None]
) -> Change:
    local = variable.local
    if variable.local_operand is not None:
        local = (operand_text(variable.local_operand, slots, binds) or "").lower() in _TRUE
    if variable.value is None:
        return Change(_Kind.SET, name=name, value=None, local=local)
    if name == SEARCH_PATH:
        return Change(_Kind.SET, name=name, value=_path(variable, slots, binds), local=local)
    # A value that cannot be read (an expression) names nobody: "" rather than the agent before.
    return Change(_Kind.SET, name=name, value=operand_text(variable.value, slots, binds) or "", local=local)


def _path(variable: SetVariable, slots: Sequence[Sequence[Literal]], binds: Sequence[bytes | None]) -> str:
    """A search path as the server would show it: SET takes names, set_config() the whole text."""
    if not variable.names:
        text = operand_text(variable.value, slots, binds)
        return UNREAD if text is None else text or '""'
    names = [operand_text(one, slots, binds) for one in variable.names]
    return (
        UNREAD
        if None in names
        else ", ".join('"' + name.replace('"', '""') + '"' for name in names if name is not None)
    )


def operand_text(
    operand: Operand | None, slots: Sequence[Sequence[Literal]], binds: Sequence[bytes | None]
) -> str | None:
    """Text of one operand; None when it has none. Text binds are the same bytes in both wire formats."""
    if operand is None:
        return None
    if operand.kind is OperandKind.WORD:
        return operand.word
    if operand.kind is OperandKind.SLOT and operand.index < len(slots) and slots[operand.index]:
        return ("-" if operand.negative else "") + slots[operand.index][0].text
    if operand.kind is OperandKind.BIND and 0 < operand.index <= len(binds):
        raw = binds[operand.index - 1]
        return None if raw is None else raw.decode("utf-8", "replace")
    return None


class Variables:
    """Current values, and what a rollback would restore."""

    __slots__ = ("_failed", "_in_block", "_local", "_points", "_start", "_unknown", "_values", "tracked")

    def __init__(self, tracked: set[str] | frozenset[str], startup: Mapping[str, str]) -> None:
        self.tracked = frozenset(tracked)
        self._start = {name: startup[name] for name in self.tracked if name in startup}
        self._values = dict(self._start)  # session values, as they would be after COMMIT
        self._local: dict[str, str | None] = {}  # SET LOCAL and SET inside the transaction, what is visible
        self._points: list[tuple[str, dict[str, str], dict[str, str | None]]] = []  # ("" opens the transaction)
        self._in_block = False
        self._failed = False
        self._unknown = False

    @property
    def differs(self) -> bool:
        """True when a transaction is open or something would be undone."""
        return self._in_block or bool(self._points) or bool(self._local)

    def copy(self) -> "Variables":
        """An independent copy."""
        other = Variables(self.tracked, self._start)
        other._values = dict(self._values)
        other._local = dict(self._local)
        other._points = list(self._points)  # its dictionaries are never changed once stored
        other._in_block, other._failed, other._unknown = self._in_block, self._failed, self._unknown
        return other

    def get(self, name: str) -> str:
        """Value visible now, "" when unset."""
        if self._unknown:
            return ""
        local = self._local.get(name)
        return local if local is not None else self._values.get(name, "")

    def path(self) -> str:
        """Search path that the session has set, "" for its default, UNREAD when that cannot be told."""
        return UNREAD if self._unknown else self.get(SEARCH_PATH)

    def apply(self, change: Change) -> None:
        """Apply one effect, in order."""
        if change.kind is _Kind.ABORT:
            self._abort()
        elif change.kind is _Kind.VERB:
            self._verb(change.verb, change.name)
        elif self._failed:
            return  # the server refuses it until the transaction ends
        else:
            self._open()
            if change.kind is _Kind.RESET_ALL:
                self._values = dict(self._start)
                self._local = {}
            else:
                self._assign(change)

    def _assign(self, change: Change) -> None:
        value = self._start.get(change.name, "") if change.value is None else change.value
        if change.local:
            self._local = {**self._local, change.name: value}
            return
        self._values = {**self._values, change.name: value}
        self._local = {name: kept for name, kept in self._local.items() if name != change.name}

    def _open(self) -> None:
        """Remember the state before the transaction, explicit or implicit, changes it."""
        if not self._points:
            self._points.append(("", self._values, self._local))

    def _verb(self, verb: Verb, name: str) -> None:
        if verb is Verb.BEGIN:
            self._open()
            self._in_block = True
        elif verb in {Verb.COMMIT, Verb.COMMIT_CHAIN}:
            self._finish(keep=not self._failed)
            self._in_block = verb is Verb.COMMIT_CHAIN
        elif verb in {Verb.ROLLBACK, Verb.ROLLBACK_CHAIN, Verb.PREPARE}:  # its settings end as with a rollback
            self._finish(keep=False)
            self._in_block = verb is Verb.ROLLBACK_CHAIN
        elif verb is Verb.SAVEPOINT and not self._failed:
            self._open()
            if len(self._points) >= MAX_SAVEPOINTS:
                self._unknown = True
            else:
                self._points.append((name, self._values, self._local))
        elif verb is Verb.RELEASE and not self._failed:
            at = self._find(name)
            if at:
                del self._points[at:]
        elif verb is Verb.ROLLBACK_TO:
            at = self._find(name)
            if at:
                _, self._values, self._local = self._points[at]
                del self._points[at + 1 :]
                self._failed = False

    def _find(self, name: str) -> int:
        """Index of the newest savepoint of that name; 0 when there is none."""
        for at in range(len(self._points) - 1, 0, -1):
            if self._points[at][0] == name:
                return at
        return 0

    def _finish(self, *, keep: bool) -> None:
        if self._points and not keep:
            self._values = self._points[0][1]
        self._local = {}
        self._points = []
        self._failed = self._unknown = False

    def _abort(self) -> None:
        if self._in_block:
            self._failed = True
        else:
            self._finish(keep=False)

    def end_of_implicit(self) -> None:
        """A Sync outside BEGIN … COMMIT ends the implicit transaction."""
        if not self._in_block:
            self._finish(keep=True)

    def end_of_batch(self, status: str) -> None:
        """The server's word after a batch: `I` idle, `T` in a transaction, `E` in a failed one."""
        if status == "I":
            self._in_block = False
            self._finish(keep=not self._failed)
        elif status == "T":
            self._open()
            self._in_block, self._failed = True, False
        else:
            self._open()
            self._in_block = self._failed = True
