"""What a connection was told is told again whenever a rollback may have taken it back."""

import threading

from quivive.sdk import NOBODY, Actor, acting_as, current_actor
from quivive.sdk.announcer import Announcer

ANNE, BEN = Actor("anne"), Actor("ben", "A-1")


def test_nobody_is_told_too():
    """A connection that comes from a pool may hold the person before: silence would inherit him."""
    assert Announcer().due(NOBODY, in_transaction=False)


def test_outside_a_transaction_once_is_enough():
    """A session-level value that was committed holds for transactions to come, rolled back or not."""
    announcer = Announcer()
    announcer.told(ANNE, in_transaction=False)
    assert not announcer.due(ANNE, in_transaction=False)
    assert not announcer.due(ANNE, in_transaction=True)
    assert not announcer.due(ANNE, in_transaction=False)
    assert announcer.due(BEN, in_transaction=False)


def test_told_inside_a_transaction_is_told_again_after_it():
    """Whether it was committed is not seen from here."""
    announcer = Announcer()
    announcer.told(ANNE, in_transaction=True)
    assert not announcer.due(ANNE, in_transaction=True)
    assert announcer.due(ANNE, in_transaction=False)
    assert announcer.due(ANNE, in_transaction=True)


def test_told_under_a_savepoint_is_told_again_when_it_ended():
    """Another savepoint at the same depth is another one."""
    announcer = Announcer()
    announcer.told(ANNE, in_transaction=True, savepoints=("a",))
    assert not announcer.due(ANNE, in_transaction=True, savepoints=("a", "b"))
    assert announcer.due(ANNE, in_transaction=True, savepoints=("c",))


def test_a_thread_has_its_own_actor():
    """Who acts in one thread acts in no other."""
    seen = []
    with acting_as("anne", contact="A-1"):
        other = threading.Thread(target=lambda: seen.append(current_actor()))
        other.start()
        other.join()
        assert current_actor() == Actor("anne", "A-1")
    assert (seen, current_actor()) == ([NOBODY], NOBODY)
