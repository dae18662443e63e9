"""Shape of a statement: literals out, placeholders in (DESIGN §6). A hand lexer, linear in the text.

Called by the relay for each new statement text; the shape is the cache key of plans. Must never raise,
whatever the text, and never let a literal into the shape: shapes are hashed, literals are forgotten.

In the shape a string literal of slot n stands as `'?n'`, a number as `?n`; binds stay `$n`. A list of literals
(`IN (1, 2, 3)`, `ARRAY[…]`, rows of `VALUES`) collapses to the slots of its first row: one slot holds many literals.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple


class LiteralKind(IntEnum):
    TEXT = 0
    NUMBER = 1


class Literal(NamedTuple):
    """One literal: its decoded text (quotes and escapes resolved)."""

    kind: LiteralKind
    text: str


class Shaped(NamedTuple):
    """A statement text without its values.

    `slots[n]` holds the literals of placeholder n, in order; `tags` the sqlcommenter tags of its comments
    (never of a literal); `fingerprint` 16 hex digits of the SHA-256 of `text`.
    """

    text: str
    fingerprint: str
    slots: tuple[tuple[Literal, ...], ...]
    tags: Mapping[str, str]

    @property
    def literals(self) -> tuple[Literal, ...]:
        """All literals, slot by slot."""
        return tuple(literal for slot in self.slots for literal in slot)


def shape_of(sql: str) -> Shaped:
    """Return the shape of one statement text (which may hold several statements). Linear time; never raises."""
    raise NotImplementedError
