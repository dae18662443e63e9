"""Changes are settled by the fate of their transaction."""

from typing import Any, cast

from quivive.capture.run import Run
from quivive.capture.settling import MAX_UNSETTLED, Settling
from quivive.model.access import Outcome
from quivive.wire.plan import Verb

IDLE, OPEN, FAILED = 0x49, 0x54, 0x45


class Ledger:
    """Runs by name, and how each was settled."""

    def __init__(self) -> None:
        self.settled: dict[str, str] = {}
        self.settling = Settling(lambda run, outcome: self.settled.__setitem__(cast("Any", run), outcome.value))

    def change(self, name: str) -> None:
        self.settling.add(cast("Run", name))

    def verb(self, verb: Verb, name: str = "", tag: bytes = b"") -> None:
        self.settling.verb(verb, name, tag)


def test_autocommit_is_done() -> None:
    """A change alone is done at ReadyForQuery."""
    ledger = Ledger()
    ledger.change("a")
    assert ledger.settling.ready(IDLE) == []
    assert ledger.settled == {"a": Outcome.OK}


def test_open_transaction_shows_each_change_once() -> None:
    """While the transaction is open each change is shown once; COMMIT settles all."""
    ledger = Ledger()
    ledger.change("a")
    assert ledger.settling.ready(OPEN) == ["a"]
    ledger.change("b")
    assert ledger.settling.ready(OPEN) == ["b"]
    ledger.verb(Verb.COMMIT, tag=b"COMMIT")
    assert ledger.settled == {"a": "ok", "b": "ok"}


def test_rollback_and_failed_commit_are_attempted() -> None:
    """ROLLBACK, and a COMMIT answered by ROLLBACK, leave attempts."""
    for verb, tag in ((Verb.ROLLBACK, b"ROLLBACK"), (Verb.COMMIT, b"ROLLBACK")):
        ledger = Ledger()
        ledger.change("a")
        ledger.settling.ready(OPEN)
        ledger.verb(verb, tag=tag)
        assert ledger.settled == {"a": "attempted"}


def test_savepoint() -> None:
    """ROLLBACK TO undoes what came after the savepoint, and only that."""
    ledger = Ledger()
    ledger.change("a")
    ledger.settling.ready(OPEN)
    ledger.verb(Verb.SAVEPOINT, "s")
    ledger.change("b")
    ledger.settling.ready(OPEN)
    ledger.verb(Verb.ROLLBACK_TO, "s")
    ledger.change("c")
    assert ledger.settling.ready(OPEN) == ["c"]
    ledger.verb(Verb.COMMIT, tag=b"COMMIT")
    assert ledger.settled == {"b": "attempted", "a": "ok", "c": "ok"}


def test_error_in_an_implicit_transaction() -> None:
    """An error in the batch rolls its earlier changes back."""
    ledger = Ledger()
    ledger.change("a")
    ledger.settling.failed()
    ledger.settling.ready(IDLE)
    assert ledger.settled == {"a": "attempted"}


def test_lost_connection() -> None:
    """A transaction open when the connection dies was rolled back by the server."""
    ledger = Ledger()
    ledger.change("a")
    ledger.settling.ready(OPEN)
    ledger.settling.lost()
    assert ledger.settled == {"a": "attempted"}


def test_bounded() -> None:
    """A transaction of very many changes is settled as it goes."""
    ledger = Ledger()
    for number in range(MAX_UNSETTLED + 3):
        ledger.change(str(number))
    assert len(ledger.settled) == 3


def test_prepared_transaction_is_settled_by_its_name() -> None:
    """PREPARE TRANSACTION leaves the fate open; COMMIT PREPARED of any connection, or ROLLBACK PREPARED, ends it."""
    for verb, outcome in ((Verb.COMMIT_PREPARED, "ok"), (Verb.ROLLBACK_PREPARED, "attempted")):
        ledger = Ledger()
        ledger.change("a")
        ledger.settling.ready(OPEN)
        ledger.verb(Verb.PREPARE, "one", b"PREPARE TRANSACTION")
        assert ledger.settling.ready(IDLE) == []
        ledger.verb(Verb.COMMIT_PREPARED, "another")
        assert ledger.settled == {}
        ledger.verb(verb, "one")
        assert ledger.settled == {"a": outcome}


def test_prepare_of_a_failed_transaction_is_a_rollback() -> None:
    """The server answers ROLLBACK: the changes were attempts."""
    ledger = Ledger()
    ledger.change("a")
    ledger.verb(Verb.PREPARE, "one", b"ROLLBACK")
    assert ledger.settled == {"a": "attempted"}
