"""psycopg 3: connections whose statements are attributed to `acting_as`.

    import quivive.sdk.psycopg as attributed
    connection = attributed.Connection.connect(dsn)          # or AsyncConnection; connection_class= of a pool

Must never change a statement: one short `select set_config(…)` goes before it when the actor has changed.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from quivive.sdk.actor import current_actor
from quivive.sdk.announcer import TELL, Announcer


class _Told:
    """What both kinds of connection keep."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.announcer = Announcer()


def _open(connection: Any) -> bool:
    return bool(connection.pgconn.transaction_status != TransactionStatus.IDLE)


def _usable(connection: Any) -> bool:
    return bool(connection.pgconn.transaction_status != TransactionStatus.INERROR)


class _Attributed:
    """Cursor methods that send a statement, preceded by the announcement."""

    connection: Any

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        _announce(self.connection)
        return super().execute(*args, **kwargs)  # type: ignore[misc]

    def executemany(self, *args: Any, **kwargs: Any) -> Any:
        _announce(self.connection)
        return super().executemany(*args, **kwargs)  # type: ignore[misc]

    def stream(self, *args: Any, **kwargs: Any) -> Any:
        _announce(self.connection)
        return super().stream(*args, **kwargs)  # type: ignore[misc]

    def copy(self, *args: Any, **kwargs: Any) -> Any:
        _announce(self.connection)
        return super().copy(*args, **kwargs)  # type: ignore[misc]


class Cursor(_Attributed, psycopg.Cursor[Any]):
    """A cursor of an attributed connection."""


class ServerCursor(_Attributed, psycopg.ServerCursor[Any]):
    """A named cursor of an attributed connection."""


class Connection(_Told, psycopg.Connection[Any]):
    """psycopg.Connection whose cursors announce the actor."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cursor_factory = Cursor
        self.server_cursor_factory = ServerCursor

    @contextmanager
    def transaction(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """As psycopg's; a block that ends may have taken back what was told inside it."""
        try:
            with super().transaction(*args, **kwargs) as transaction:
                yield transaction
        finally:
            self.announcer.forget()


def _announce(connection: Any) -> None:
    actor, inside = current_actor(), _open(connection)
    if _usable(connection) and connection.announcer.due(actor, in_transaction=inside):
        psycopg.Cursor(connection).execute(TELL, actor)
        connection.announcer.told(actor, in_transaction=inside or not connection.autocommit)


class _AttributedAsync:
    """The same for asyncio."""

    connection: Any

    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        await _announce_async(self.connection)
        return await super().execute(*args, **kwargs)  # type: ignore[misc]

    async def executemany(self, *args: Any, **kwargs: Any) -> Any:
        await _announce_async(self.connection)
        return await super().executemany(*args, **kwargs)  # type: ignore[misc]

    async def stream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        await _announce_async(self.connection)
        async for row in super().stream(*args, **kwargs):  # type: ignore[misc]
            yield row

    @asynccontextmanager
    async def copy(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        await _announce_async(self.connection)
        async with super().copy(*args, **kwargs) as copy:  # type: ignore[misc]
            yield copy


class AsyncCursor(_AttributedAsync, psycopg.AsyncCursor[Any]):
    """A cursor of an attributed asyncio connection."""


class AsyncServerCursor(_AttributedAsync, psycopg.AsyncServerCursor[Any]):
    """A named cursor of an attributed asyncio connection."""


class AsyncConnection(_Told, psycopg.AsyncConnection[Any]):
    """psycopg.AsyncConnection whose cursors announce the actor."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cursor_factory = AsyncCursor
        self.server_cursor_factory = AsyncServerCursor

    @asynccontextmanager
    async def transaction(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """As psycopg's; a block that ends may have taken back what was told inside it."""
        try:
            async with super().transaction(*args, **kwargs) as transaction:
                yield transaction
        finally:
            self.announcer.forget()


async def _announce_async(connection: Any) -> None:
    actor, inside = current_actor(), _open(connection)
    if _usable(connection) and connection.announcer.due(actor, in_transaction=inside):
        await psycopg.AsyncCursor(connection).execute(TELL, actor)
        connection.announcer.told(actor, in_transaction=inside or not connection.autocommit)
