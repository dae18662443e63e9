"""Who acts now, in this thread or task.

Used by the framework modules. Must never outlive its `with` block: a pool thread serves the next person next.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple


class Actor(NamedTuple):
    """`agent` is the login as the directory knows it; `contact` the reference of the call or ticket on the screen."""

    agent: str = ""
    contact: str = ""


NOBODY: Final = Actor()
_current: ContextVar[Actor] = ContextVar("quivive_actor", default=NOBODY)


def current_actor() -> Actor:
    """Return who acts in this thread or task; NOBODY outside `acting_as`."""
    return _current.get()


@contextmanager
def acting_as(agent: str, *, contact: str = "") -> Iterator[Actor]:
    """Attribute the statements of this block, in this thread or task alone, to an agent."""
    actor = Actor(agent=agent, contact=contact)
    token = _current.set(actor)
    try:
        yield actor
    finally:
        _current.reset(token)
