"""A name means what the session's search path makes of it: told as the table really read, else opaque, never another."""

import asyncio

import asyncpg
import psycopg
import pytest
from relay_support import KEYS, Running, accesses, customer, make_home

from quivive.privacy.pseudonym import record_key

pytestmark = pytest.mark.integration
MODES = ["simple", "extended"]


def archived(number: int) -> str:
    """Pseudonym of an archived customer: the table is not declared, so its own name stands in no record."""
    return record_key(KEYS, "archive.customer", str(number))


@pytest.fixture(params=["pg18", "pg15"], scope="module")
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def database(server):
    """A second table of the same name and shape, in a schema that everybody may use."""
    name = server.customer_database()
    server.execute(
        f"""CREATE SCHEMA archive; CREATE TABLE archive.customer (LIKE public.customer INCLUDING ALL);
        INSERT INTO archive.customer SELECT * FROM public.customer WHERE id <= 20;
        GRANT USAGE ON SCHEMA archive TO PUBLIC; GRANT ALL ON archive.customer TO app_user;
        CREATE SCHEMA closed; CREATE TABLE closed.customer (LIKE public.customer INCLUDING ALL);
        INSERT INTO closed.customer SELECT * FROM public.customer WHERE id <= 20;
        GRANT TEMPORARY ON DATABASE "{name}" TO app_user""",
        name,
    )
    return name


@pytest.fixture
def told(server, database, tmp_path):
    """Run work through a relay (with a side connection or without); the accesses in order."""

    def run(work, *, side=True, user="app_user"):
        dsn = server.socket_dsn(database, user="side_user") if side else ""
        with Running(make_home(tmp_path, target=f"127.0.0.1:{server.port}", side_dsn=dsn)) as running:
            result = work(running.dsn(database, user))
            if asyncio.iscoroutine(result):
                asyncio.run(result)
            running.stop()
        return [(one["tables"], one["coverage"], one["records"]) for one in accesses(tmp_path)]

    return run


async def _twice(dsn, *between, read="select id, last_name from customer where id = $1"):
    """One prepared statement, executed before and after something else, never described again."""
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    statement = await connection.prepare(read)
    await statement.fetch(3)
    for sql in between:
        await connection.execute(sql)
    await statement.fetch(3)
    await connection.close()


def test_a_statement_planned_anew_is_told_as_what_it_read(told):
    """Parse and Describe in one path, Execute in another: the server plans again, and says nothing."""
    first, second = told(lambda dsn: _twice(dsn, "set search_path = archive, public"))
    assert first == (["public.customer"], "exact", {"public.customer": [customer(3)]})
    assert second[0] == ["archive.customer"]
    assert "public.customer" not in second[2]


def test_without_a_side_connection_it_is_never_the_wrong_one(told):
    """Nobody can be asked: no key is told rather than another's."""
    _, second = told(lambda dsn: _twice(dsn, "set search_path = archive, public"), side=False)
    assert second[2] == {}
    assert "public.customer" not in second[0]


@pytest.mark.parametrize(
    ("between", "archive"),
    [
        (["begin", "set local search_path = archive", "rollback"], False),
        (["begin", "set local search_path = archive"], True),
        (["begin", "savepoint a", "set search_path = archive", "rollback to a"], False),
        (["set search_path = archive", "discard all"], None),
        (["set search_path = archive", "reset all"], False),
        (["select set_config('search_path', 'archive, public', false)"], True),
        (["set schema 'archive'"], True),
        (["set search_path = public, archive"], False),
    ],
)
def test_every_way_to_set_and_to_take_back(told, between, archive):
    """Transactional, as every session variable."""
    if archive is None:  # DISCARD ALL ends the statement too

        async def work(dsn):
            connection = await asyncpg.connect(dsn)
            for sql in between:
                await connection.execute(sql)
            await connection.execute("update customer set phone = '' where id = 3")
            await connection.close()

        assert told(work) == [(["public.customer"], "predicate", {"public.customer": [customer(3)]})]
        return
    found = told(lambda dsn: _twice(dsn, *between))
    assert found[-1][0] == (["archive.customer"] if archive else ["public.customer"])
    assert ("public.customer" in found[-1][2]) is not archive


def test_writes_are_told_by_the_path_too(told):
    """No column comes back: the names of the statement are all there is."""

    def work(dsn):
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("update customer set phone = 'x' where id = 4")
            connection.execute("set search_path = archive; update customer set phone = 'x' where id = 4")
            connection.execute("delete from customer where id = 5")
            connection.execute("reset search_path")
            connection.execute("update customer set phone = 'y' where id = 9")

    found = told(work)
    assert [tables for tables, _, _ in found] == [
        ["public.customer"],
        ["archive.customer"],
        ["archive.customer"],
        ["public.customer"],
    ]
    assert found[0][2] == {"public.customer": [customer(4)]}
    assert found[1][2] == found[2][2] == {}


def test_start_up_options_and_role_settings(server, database, told):
    """A path that no statement of the session ever set."""
    server.execute(f'ALTER ROLE app_user IN DATABASE "{database}" SET search_path = archive, public', database)
    change = "update customer set phone = 'x' where id = 4"

    def work(dsn):
        for options in ("", "?options=-csearch_path%3Dpublic"):
            with psycopg.connect(dsn + options, autocommit=True) as connection:
                connection.execute(change)

    try:
        found = told(work)
    finally:
        server.execute(f'ALTER ROLE app_user IN DATABASE "{database}" RESET search_path', database)
    assert [tables for tables, _, _ in found] == [["archive.customer"], ["public.customer"]]


def test_a_schema_that_not_everybody_may_use(told):
    """The server passes over it for this account; told as neither, as the relay cannot know."""

    def work(dsn):
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("set search_path = closed, public; update customer set phone = 'x' where id = 4")

    ((tables, coverage, records),) = told(work)
    assert (tables, coverage, records) == (["?.customer"], "count_only", {})


def test_a_temporary_table_before_another(told):
    """A prepared statement reads the temporary table of its name from then on."""
    found = told(
        lambda dsn: _twice(dsn, "create temp table customer as select 3::bigint as id, 'x'::text as last_name")
    )
    assert found[0][2] == {"public.customer": [customer(3)]}
    assert found[-1][2] == {}
    assert found[-1][1] in {"opaque", "count_only"}


def test_a_table_renamed_by_another_session(server, database, told):
    """Tables swapped behind the relay's back: after the catalogue was read again no old column is believed."""

    async def work(dsn):
        connection = await asyncpg.connect(dsn)
        statement = await connection.prepare("select id, last_name from customer where id = $1")
        await statement.fetch(3)
        other = await asyncpg.connect(dsn.replace("app_user", "postgres"))
        await other.execute(
            "alter table customer rename to old_customer; alter index customer_pkey rename to old_key;"
            " alter index customer_customer_number_key rename to old_number; alter table archive.customer set schema public"
        )
        await other.close()
        await asyncio.sleep(0.5)
        await statement.fetch(3)
        await connection.close()

    found = told(work)
    assert found[-1] == (["public.customer"], "exact", {"public.customer": [customer(3)]})


def test_two_connections_do_not_share_a_path(told):
    """One session's path is nothing to another with the same text."""

    async def work(dsn):
        one, two = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
        await one.execute("set search_path = archive")
        for connection in (two, one, two):
            await connection.execute("update customer set phone = 'x' where id = 4")
        await one.close()
        await two.close()

    assert [tables[0] for tables, _, _ in told(work)] == ["public.customer", "archive.customer", "public.customer"]


def test_many_executions_by_the_short_way(told):
    """The relay's short way for a point read learns anew where names mean something else."""

    def work(dsn):
        with psycopg.connect(dsn, autocommit=True) as connection:
            for path in ("public", "archive", "public"):
                connection.execute(f"set search_path = {path}")
                for _ in range(12):
                    connection.execute("select last_name from customer where id = %s", (7,), prepare=True).fetchall()

    found = told(work)
    assert [tables for tables, _, _ in found] == [["public.customer"]] * 12 + [["archive.customer"]] * 12 + [
        ["public.customer"]
    ] * 12
    assert all(("public.customer" in records) == (tables == ["public.customer"]) for tables, _, records in found)


def test_what_no_statement_shows(told):
    """A path set inside a function: PostgreSQL 18 reports it, so the next statement is told by it."""

    def work(dsn):
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("do $$ begin perform set_config('search_path', 'archive', false); end $$")
            if connection.info.server_version >= 180000:
                connection.execute("update customer set phone = 'x' where id = 4")

    found = told(work)
    assert [tables for tables, _, _ in found[1:]] in ([], [["archive.customer"]])
