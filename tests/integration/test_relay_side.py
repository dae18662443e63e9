"""The side connection: logs in by every method, describes what it may not execute, heals itself."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from quivive.capture.address import parse_side_dsn
from quivive.capture.side import SideConnection, SideError

pytestmark = pytest.mark.integration


def run(dsn: str, work: Callable[[SideConnection], Awaitable[Any]]) -> Any:
    async def whole() -> Any:
        side = SideConnection(parse_side_dsn(dsn))
        try:
            return await work(side)
        finally:
            await side.close()

    return asyncio.run(whole())


@pytest.mark.parametrize(
    ("user", "password"),
    [("scram_user", "scram-secret"), ("md5_user", "md5-secret"), ("password_user", "password-secret")],
)
def test_logs_in(pg18, customer_db: str, user: str, password: str) -> None:  # type: ignore[no-untyped-def]
    """SCRAM, MD5 and clear passwords, over TCP."""
    dsn = pg18.dsn(customer_db, user=user, password=password)
    assert run(dsn, lambda side: side.query("select 1, null")) == [("1", None)]


def test_wrong_password_is_a_side_error_without_it(pg18, customer_db: str) -> None:  # type: ignore[no-untyped-def]
    """The error names the SQLSTATE and never the password."""
    dsn = pg18.dsn(customer_db, user="scram_user", password="not-the-secret")
    with pytest.raises(SideError) as refused:
        run(dsn, lambda side: side.query("select 1"))
    assert refused.value.state == "28P01"
    assert "not-the-secret" not in str(refused.value)


def test_describes_what_it_may_not_execute(pg18, customer_db: str) -> None:  # type: ignore[no-untyped-def]
    """A role with CONNECT and USAGE alone describes a statement and is refused its execution."""
    dsn = pg18.socket_dsn(customer_db, user="side_user")

    async def work(side: SideConnection) -> None:
        fields = await side.describe("select id, last_name from customer where id = $1")
        assert [(field.name, field.attnum) for field in fields] == [("id", 1), ("last_name", 4)]
        with pytest.raises(SideError) as refused:
            await side.query("select id from customer")
        assert refused.value.state == "42501"
        with pytest.raises(SideError):
            await side.describe("select nonsense from nowhere")
        assert await side.query("select 2") == [("2",)]

    run(dsn, work)


def test_heals_after_the_server_closed(pg18, customer_db: str) -> None:  # type: ignore[no-untyped-def]
    """A connection that the server ended is opened again."""
    dsn = pg18.socket_dsn(customer_db, user="side_user")

    async def work(side: SideConnection) -> None:
        ((pid,),) = await side.query("select pg_backend_pid()")
        await asyncio.to_thread(pg18.execute, f"select pg_terminate_backend({pid})")
        await asyncio.sleep(0.1)
        assert await side.query("select 3") == [("3",)]

    run(dsn, work)
