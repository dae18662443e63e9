"""Claims on the applications: each names its agent in its own way, and no statement carries a value."""

import asyncio
import re
from contextlib import asynccontextmanager

import pytest

from quivive.simulation.applications import AURORE, MERCATO, SERENI, MercatoDesk, SereniDesk


class Cursor:
    description = None


class Connection:
    """Remembers what psycopg would send."""

    def __init__(self):
        self.sent, self.closed = [], False

    async def execute(self, text, values=(), prepare=None):
        self.sent.append((text, values))
        return Cursor()

    @asynccontextmanager
    async def transaction(self):
        self.sent.append(("begin", ()))
        yield
        self.sent.append(("commit", ()))

    async def close(self):
        self.closed = True


def sent_by(desk, *call, agent, contact):
    connection = Connection()
    desk._free.put_nowait(connection)
    asyncio.run(desk.run(*call, agent=agent, contact=contact))
    return connection.sent


def test_the_shop_writes_a_sqlcommenter_comment():
    """Keys sorted, values percent-encoded; the percent sign is doubled for psycopg."""
    ((text, values),) = sent_by(MercatoDesk(""), "card", 7, agent="lil-020", contact="A1/7")
    assert text.endswith(" /*agent='lil-020',contact='A1%%2F7'*/")
    assert values == (7,)


def test_the_insurer_sets_variables_in_its_transaction():
    """set_config(…, true) between begin and commit."""
    sent = sent_by(SereniDesk(""), "card", 7, agent="tou-040", contact="A1-00001")
    assert sent[0][0] == "begin"
    assert sent[1] == ("select set_config('quivive.agent', %s, true)", ("tou-040",))
    assert sent[2][1] == ("A1-00001",)
    assert sent[-1][0] == "commit"


def test_a_broken_connection_is_replaced():
    """An error closes the connection and gives its place in the pool back."""
    desk = SereniDesk("")
    connection = Connection()

    async def fail(*_, **__):
        raise ConnectionError

    connection.execute = fail
    desk._free.put_nowait(connection)
    with pytest.raises(ConnectionError):
        asyncio.run(desk.run("card", 7, agent="x"))
    assert connection.closed
    assert desk._free.get_nowait() is None


def test_statements_hold_no_personal_literal():
    """Every value is bound: quotes occur in no statement."""
    for statement in (*AURORE.values(), *MERCATO.values(), *SERENI.values()):
        assert not re.search(r"'", statement)
