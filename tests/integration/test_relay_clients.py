"""The relay is right for real clients: psql, psycopg (sync, async), asyncpg, SQLAlchemy, on PostgreSQL 18 and 15."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psycopg
import pytest
import sqlalchemy
from relay_support import Running, accesses, agent, customer, make_home

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def database(pg):  # type: ignore[no-untyped-def]
    """A customer database on each version."""
    return pg, pg.customer_database()


@pytest.fixture
def relay(database, tmp_path: Path) -> Iterator[tuple[Running, str, Path]]:  # type: ignore[no-untyped-def]
    """An observing relay in front of it."""
    server, name = database
    side = server.socket_dsn(name, user="side_user")
    settings = make_home(tmp_path, target=f"unix:{server.socket}", side_dsn=side)
    with Running(settings) as running:
        yield running, name, tmp_path


def test_psql(relay: tuple[Running, str, Path]) -> None:
    """The line of the issue: three customers by key, with agent, action, columns and coverage."""
    running, name, home = relay
    out = subprocess.run(
        [
            "psql",
            "-X",
            "-At",
            running.dsn(name),
            "-c",
            "set quivive.agent = 'a.martin'",
            "-c",
            "select id, last_name from customer where id in (1,2,3)",
        ],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert out == "SET\n1|Nom1\n2|Nom2\n3|Nom3\n"
    running.stop()
    (one,) = accesses(home)
    assert one["agent"] == agent("a.martin")
    assert one["action"] == "read"
    assert one["coverage"] == "exact"
    assert one["columns"] == ["public.customer.id", "public.customer.last_name"]
    assert one["records"] == {"public.customer": [customer(1), customer(2), customer(3)]}
    assert (one["rows"], one["distinct"], one["outcome"]) == (3, 3, "ok")


def test_psycopg_text_and_binary(relay: tuple[Running, str, Path]) -> None:
    """Text and binary results give the same keys; one prepared statement executed for two agents is attributed twice."""
    running, name, home = relay
    with psycopg.connect(running.dsn(name), autocommit=True) as connection:
        for login, key, binary in (("a.martin", 4, False), ("b.diallo", 5, True)):
            connection.execute("select set_config('quivive.agent', %s, false)", (login,))
            row = connection.execute(
                "select id, last_name from customer where id = %s", (key,), prepare=True, binary=binary
            ).fetchone()
            assert row == (key, f"Nom{key}")
    running.stop()
    reads = [one for one in accesses(home) if one["action"] == "read"]
    assert [(one["agent"], one["records"]) for one in reads] == [
        (agent("a.martin"), {"public.customer": [customer(4)]}),
        (agent("b.diallo"), {"public.customer": [customer(5)]}),
    ]


def test_psycopg_async_pipeline_and_error(relay: tuple[Running, str, Path]) -> None:
    """A pipeline with an error: what ran is traced, what was skipped is not."""
    running, name, home = relay

    async def work() -> None:
        connection = await psycopg.AsyncConnection.connect(running.dsn(name), autocommit=True)
        async with connection:
            with pytest.raises(psycopg.Error):  # noqa: PT012  # the pipeline raises where it likes
                async with connection.pipeline():
                    await connection.execute("select id from customer where id = %s", (6,))
                    await connection.execute("select 1 / (id - %s) from customer where id = 7", (7,))
                    await connection.execute("select id from customer where id = %s", (8,))
            cursor = await connection.execute("select id from customer where id = %s", (9,))
            assert await cursor.fetchall() == [(9,)]

    asyncio.run(work())
    running.stop()
    found = accesses(home)
    assert [one["outcome"] for one in found] == ["ok", "error", "ok"]
    assert [one["records"].get("public.customer") for one in (found[0], found[2])] == [[customer(6)], [customer(9)]]


def test_asyncpg_reuse_cursor_and_copy(relay: tuple[Running, str, Path]) -> None:
    """Re-executed without description, a cursor with row limits, and a binary COPY: the same keys."""
    running, name, home = relay

    async def work() -> None:
        connection = await asyncpg.connect(running.dsn(name))
        statement = await connection.prepare("select id, last_name from customer where id = $1")
        for key in (1, 2):
            assert (await statement.fetchrow(key))["last_name"] == f"Nom{key}"
        async with connection.transaction():
            cursor = await connection.cursor("select id from customer where id <= 7 order by id")
            assert len(await cursor.fetch(3)) == 3
            assert len(await cursor.fetch(10)) == 4
        sink = bytearray()

        async def write(data: bytes) -> None:
            sink.extend(data)

        await connection.copy_from_query("select id, phone from customer where id < 4", output=write, format="binary")
        await connection.copy_from_table("customer", columns=["last_name", "id"], output=write, format="csv")
        await connection.close()

    asyncio.run(work())
    running.stop()
    one, two, cursor, export, table = accesses(home)
    assert one["records"] == {"public.customer": [customer(1)]}
    assert two["records"] == {"public.customer": [customer(2)]}
    assert cursor["records"] == {"public.customer": [customer(n) for n in range(1, 8)]}
    assert cursor["rows"] == 7
    assert export["records"]["public.customer"] == [customer(n) for n in (1, 2, 3)]
    assert (export["action"], export["rows"]) == ("export", 3)
    assert len(table["records"]["public.customer"]) == table["rows"] == 1_000


def test_sqlalchemy(relay: tuple[Running, str, Path]) -> None:
    """Reads, changed columns, a rolled-back change and a deletion through SQLAlchemy."""
    running, name, home = relay
    engine = sqlalchemy.create_engine(running.dsn(name).replace("postgresql:", "postgresql+psycopg:"))
    text = sqlalchemy.text
    with engine.connect() as connection:
        connection.execute(text("set quivive.agent = 'c.roy'"))
        connection.execute(
            text("update customer set phone = :p, email = :e where id = :i"), {"p": "1", "e": "x", "i": 11}
        )
        connection.commit()
        connection.execute(text("update customer set last_name = :n where id = :i"), {"n": "Y", "i": 12})
        connection.rollback()
        connection.execute(text("delete from order_line where order_id = :o and line_no = 1"), {"o": 1_999})
        connection.commit()
        assert connection.execute(text("select count(*) from customer")).scalar() == 1_000
    engine.dispose()
    running.stop()
    first, second, third, count = [one for one in accesses(home) if one["tables"]]
    assert (first["action"], first["outcome"], first["rows"]) == ("update", "ok", 1)
    assert set(first["changed"]) == {"public.customer.phone", "public.customer.email"}
    assert first["records"] == {"public.customer": [customer(11)]}
    assert first["coverage"] == "predicate"
    assert second["outcome"] == "attempted"
    assert (third["action"], third["outcome"]) == ("delete", "ok")
    assert len(third["records"]["public.order_line"]) == 1
    assert (count["coverage"], count["records"]) == ("aggregate", {})


def test_scram_and_md5_are_relayed(database, relay: tuple[Running, str, Path]) -> None:  # type: ignore[no-untyped-def]
    """The relay holds no password: SCRAM, MD5 and clear passwords pass end to end; a wrong one is refused."""
    _running, name, home = relay
    server, _ = database
    settings = make_home(
        home / "tcp", target=f"{server.host}:{server.port}", side_dsn=server.socket_dsn(name, user="side_user")
    )
    with Running(settings) as tcp:
        for user, password in (
            ("scram_user", "scram-secret"),
            ("md5_user", "md5-secret"),
            ("password_user", "password-secret"),
        ):
            with psycopg.connect(tcp.dsn(name, user), password=password) as connection:
                assert connection.execute("select 1").fetchone() == (1,)
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(tcp.dsn(name, user), password="wrong")


def test_view_join_and_unprotected(relay: tuple[Running, str, Path]) -> None:
    """A view and a join resolve to customers; a reference table is only counted."""
    running, name, home = relay
    with psycopg.connect(running.dsn(name), autocommit=True) as connection:
        connection.execute("select id, last_name from customer_card where id = 3")
        connection.execute(
            "select o.id, c.id, c.last_name from orders o join customer c on c.id = o.customer_id where o.id = 5"
        )
        connection.execute("select * from reason_code")
    running.stop()
    view, join = accesses(home)
    assert view["records"] == {"public.customer": [customer(3)]}
    assert view["coverage"] == "exact"
    assert join["records"]["public.customer"] == [customer(6)]
    assert len(join["records"]["public.orders"]) == 1
