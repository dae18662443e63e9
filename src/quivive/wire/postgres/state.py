"""What one PostgreSQL connection is in the middle of: statements, portals, executions, answers still due.

Owned by `session`. Must never outlive its connection, and never keep bind values once an execution was reported.
"""

from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from quivive.wire.fields import Field
from quivive.wire.framing import MAX_FRAME_KEPT, MAX_FRAME_LENGTH, FrameBuffer

if TYPE_CHECKING:
    from quivive.wire.postgres.observer import Observer

MAX_STATEMENTS: Final = 8_192
"""Prepared statements remembered per connection; beyond, the oldest is forgotten and its execution is opaque."""
MAX_PORTALS: Final = 1_024
"""Open portals remembered per connection."""
MAX_DUE: Final = 65_536
"""Answers awaited in a pipeline; a deeper one turns the session opaque, with a gap."""
MAX_STATEMENTS_PER_QUERY: Final = 4_096
"""Statements told apart in one simple Query; the rest share the last one's execution."""


class Due(IntEnum):
    """What the next answers of the server belong to."""

    PARSE = 0
    BIND = 1
    DESCRIBE_STATEMENT = 2
    DESCRIBE_PORTAL = 3
    EXECUTE = 4
    CLOSE_STATEMENT = 5
    CLOSE_PORTAL = 6
    SYNC = 7
    SIMPLE = 8
    FUNCTION = 9
    COPY_END = 10
    DENIED_SYNC = 11
    LANE = 12


class Lane(NamedTuple):
    """The bytes that stay the same when a driver executes a statement with one bind again and again.

    Request: Bind, `head`, the bind's length and value, `tail` (result formats, Describe if any, Execute, Sync).
    Answer: `answer` (BindComplete, RowDescription), rows, CommandComplete, ReadyForQuery.
    """

    head: bytes
    tail: bytes
    results: int  # bytes of `tail` that belong to Bind
    describes: bool
    answer: bytes


class Statement:
    """A prepared statement, or the text of one simple Query. `known` is the observer's analysis of the text."""

    __slots__ = ("described", "fields", "fresh", "known", "lane", "place", "quick", "quick_place", "types")

    def __init__(self, known: Any, types: tuple[int, ...] = ()) -> None:
        self.known = known
        self.types = types
        self.quick: Any = None
        """The observer's short way for executions of this statement, None until it has learned one."""
        self.quick_place: Any = None
        """Where names meant what `quick` has learned."""
        self.lane: Lane | None = None
        self.fresh = True
        """Not executed since its text was sent."""
        self.fields: tuple[Field, ...] | None = None
        self.place: Any = None
        """The observer's word for what names meant when `fields` were asked for: elsewhere they are another table's."""
        self.described = False
        """A Describe was sent: the columns will be known before the first row."""


class Portal:
    """A bound statement. `formats` None: the Bind was too long to read to its end, so rows cannot be cut."""

    __slots__ = ("bind_formats", "binds", "execution", "formats", "place", "statement")

    def __init__(
        self,
        statement: Statement,
        bind_formats: tuple[int, ...],
        binds: list[bytes | None],
        formats: tuple[int, ...] | None,
        place: Any = None,
    ) -> None:
        self.place = place
        """What names mean to it: the server plans at Bind, not at Execute."""
        self.statement = statement
        self.bind_formats = bind_formats
        self.binds = binds
        self.formats = formats
        self.execution: Execution | None = None


class Execution:
    """One statement running: an Execute, or one statement of a simple Query. `state` is the observer's own."""

    __slots__ = (
        "at",
        "bind_formats",
        "binds",
        "copy_in",
        "fields",
        "formats",
        "fresh_text",
        "index",
        "place",
        "refusal",
        "state",
        "statement",
        "withheld",
    )

    def __init__(self, statement: Statement, *, index: int = 0, fresh_text: bool = False) -> None:
        self.statement = statement
        self.index = index
        self.fresh_text = fresh_text
        """The text was sent with this execution: its comments may name the agent (never a re-executed one's)."""
        self.fields: tuple[Field, ...] | None = None
        self.place: Any = None
        """Of its portal; None in a simple Query, which is planned as it is executed."""
        self.formats: tuple[int, ...] | None = ()
        self.binds: list[bytes | None] = []
        self.bind_formats: tuple[int, ...] = ()
        self.copy_in = False
        self.at = 0
        """When it was sent, if that was noted earlier than now; else 0."""
        self.refusal = b""
        """What the client is told instead, if the observer has its own words for refusing or stopping this one."""
        self.withheld = False
        """An execution before it in the same batch was stopped: nothing of its answer reaches the client."""
        self.state: Any = None


@dataclass(slots=True)
class Simple:
    """One simple Query under way; `at` is the statement whose answers come now."""

    executions: list[Execution]
    at: int = 0

    def current(self) -> Execution:
        """The execution that the next answer belongs to (the last one when the server answers more often)."""
        return self.executions[min(self.at, len(self.executions) - 1)]


@dataclass(slots=True)
class Undo:
    """How a name stood before a client message, should the server refuse or skip that message."""

    name: bytes
    before: Any
    after: Any = None


class SessionState:
    """Shared by the two halves of a PgSession."""

    def __init__(self, observer: "Observer", *, guarded: bool, refusal: bytes) -> None:
        self._observer = observer
        self._guarded = guarded
        self._refusal = refusal
        limit = MAX_FRAME_LENGTH if guarded else MAX_FRAME_KEPT
        self._from_client = FrameBuffer(limit)
        self._from_server = FrameBuffer(limit)
        self._statements: dict[bytes, Statement] = {}
        self._portals: dict[bytes, Portal] = {}
        self._due: deque[tuple[int, Any]] = deque()
        self._skipping = False
        """An error came before the client's Sync: what it still sends is ignored by the server."""
        self._refusing = False
        """An Execute was refused, or a result stopped: swallow up to Sync."""
        self._refused_with = b""
        self._muted = False
        """A result was stopped: what the server still answers up to ReadyForQuery is followed, and not passed."""
        self.stopping = False
        """ReadyForQuery waits: set with each stop, taken back by the caller once its cancel request has arrived."""
        self._copying: Execution | None = None
        self._suspended: list[Execution] = []
        self._lesson: tuple[Statement, bytes] | None = None
        """A request whose answer may teach a Lane."""
        self.blocked = False
        """The observer is not ready for the next answer: call `server_bytes(b"")` when it is."""
