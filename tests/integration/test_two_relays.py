"""Two relay processes before one database: what one of them cannot know is left open, never told wrongly."""

import psycopg
import pytest
from relay_support import Running, accesses, customer, entries, make_home

pytestmark = pytest.mark.integration


@pytest.fixture(params=["pg18", "pg15"])
def two(request, tmp_path):
    """Two relays, each with a home of its own, and the database."""
    server = request.getfixturevalue(request.param)
    name = server.customer_database()
    server.execute(f'GRANT CREATE ON SCHEMA public TO app_user; GRANT TEMPORARY ON DATABASE "{name}" TO app_user', name)
    homes = [tmp_path / "a", tmp_path / "b"]
    for home in homes:
        home.mkdir()
    settings = [
        make_home(home, target=f"127.0.0.1:{server.port}", side_dsn=server.socket_dsn(name, user="side_user"))
        for home in homes
    ]
    with Running(settings[0]) as one, Running(settings[1]) as other:
        yield one, other, name


def test_a_transaction_prepared_here_and_ended_there(two):
    """The first part stands and no end is invented; who ended it tells the commit of what it had prepared itself."""
    one, other, name = two
    with psycopg.connect(one.dsn(name), autocommit=True) as first:
        first.execute("begin")
        first.execute("update customer set phone = 'x' where id = 31")
        first.execute("prepare transaction 'across'")
    with psycopg.connect(other.dsn(name), autocommit=True) as second:
        second.execute("rollback prepared 'across'")
    one.stop()
    other.stop()
    parts = [body for kind, body in entries(one.home) if kind == "access"]
    assert [(part["final"], part["records"][0]["keys"]) for part in parts] == [(False, [customer(31)])]
    assert accesses(other.home) == []


def test_a_table_filled_here_and_read_there(two):
    """The other relay does not know what it was made of: the table itself is told, and no record of another."""
    one, other, name = two
    with psycopg.connect(one.dsn(name), autocommit=True) as first:
        first.execute("create table copied as select * from customer where id < 4")
    with psycopg.connect(other.dsn(name), autocommit=True) as second:
        assert len(second.execute("select last_name from copied").fetchall()) == 3
    other.stop()
    (read,) = accesses(other.home)
    assert read["tables"] in (["public.copied"], ["?.copied"])  # unknown until the catalogue is read again
    assert read["coverage"] in {"count_only", "opaque"}
    assert (read["records"], read["rows"]) == ({}, 3)
