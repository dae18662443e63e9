"""Applications that use `quivive.sdk` are attributed statement by statement: pools, rollbacks, savepoints, tasks."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from relay_support import KEYS, Running, accesses, agent, make_home
from sqlalchemy.ext.asyncio import create_async_engine

import quivive.sdk.psycopg as attributed
from quivive.privacy.pseudonym import contact_key
from quivive.sdk import acting_as
from quivive.sdk.sqlalchemy import attribute

pytestmark = pytest.mark.integration
READ = "select id, last_name from customer where id = {}"


@pytest.fixture(scope="module")
def database(pg):
    """A customer database on each version."""
    return pg, pg.customer_database()


@pytest.fixture
def relay(database, tmp_path: Path) -> Iterator[tuple[Running, str, Path]]:
    """An observing relay in front of it."""
    server, name = database
    settings = make_home(tmp_path, target=f"unix:{server.socket}", side_dsn=server.socket_dsn(name, user="side_user"))
    with Running(settings) as running:
        yield running, name, tmp_path


def agents(running: Running, home: Path) -> list[str]:
    """Agents of the reads of customers, in order."""
    running.stop()
    return [one["agent"] for one in accesses(home) if one["records"].get("public.customer")]


def told(*logins: str) -> list[str]:
    """Their pseudonyms; nobody is ""."""
    return [agent(login) if login else "" for login in logins]


def test_psycopg_follows_rollbacks_and_savepoints(relay):
    """What a rollback takes back is told again, and without an actor nobody inherits the one before."""
    running, name, home = relay
    with attributed.Connection.connect(running.dsn(name)) as connection:
        with acting_as("a.martin"):
            connection.execute(READ.format(1))
            connection.rollback()
            connection.execute(READ.format(2))
            with connection.transaction():
                with acting_as("b.diallo"), connection.transaction(force_rollback=True):
                    connection.execute(READ.format(3))
                connection.execute(READ.format(4))
        connection.execute(READ.format(5))
        connection.commit()
        with connection.cursor("named") as cursor, acting_as("c.ro"):
            cursor.execute(READ.format(6))
            assert cursor.fetchall() == [(6, "Nom6")]
    assert agents(running, home) == told("a.martin", "a.martin", "b.diallo", "a.martin", "", "c.ro")


def test_psycopg_asyncio_tasks_do_not_mix(relay):
    """Two tasks on two connections act as two persons; autocommit is told once."""
    running, name, home = relay

    async def work(login: str, first: int) -> None:
        connection = await attributed.AsyncConnection.connect(running.dsn(name), autocommit=True)
        async with connection:
            with acting_as(login, contact=f"A-{first}"):
                for key in range(first, first + 3):
                    await connection.execute(READ.format(key))
                    await asyncio.sleep(0)

    async def both() -> None:
        await asyncio.gather(work("a.martin", 10), work("b.diallo", 20))

    asyncio.run(both())
    running.stop()
    reads = [one for one in accesses(home) if one["records"].get("public.customer")]

    found = {(one["agent"], one["contact"]) for one in reads}
    assert found == {(agent("a.martin"), contact_key(KEYS, "A-10")), (agent("b.diallo"), contact_key(KEYS, "A-20"))}
    assert len(reads) == 6


def test_sqlalchemy_pool_of_one(relay):
    """Persons who share one pooled connection are told apart, through rollbacks and savepoints too."""
    running, name, home = relay
    url = running.dsn(name).replace("postgresql://", "postgresql+psycopg://")
    engine = sqlalchemy.create_engine(url, pool_size=1, max_overflow=0)
    attribute(engine)

    def read(connection, key):
        return connection.execute(sqlalchemy.text(READ.format(":key")), {"key": key}).one()

    with acting_as("a.martin"), engine.begin() as connection:
        assert read(connection, 1) == (1, "Nom1")
        read(connection, 2)
    with acting_as("b.diallo"), engine.connect() as connection:
        read(connection, 3)
        connection.rollback()
        read(connection, 4)
        savepoint = connection.begin_nested()
        with acting_as("c.ro"):
            read(connection, 5)
        savepoint.rollback()
        read(connection, 6)
    with engine.connect() as connection:
        read(connection, 7)
    engine.dispose()
    expected = told("a.martin", "a.martin", "b.diallo", "b.diallo", "c.ro", "b.diallo", "")
    assert agents(running, home) == expected


def test_sqlalchemy_asyncpg(relay):
    """The asyncio engine is attributed through its sync engine; prepared statements are told apart."""
    running, name, home = relay
    url = running.dsn(name).replace("postgresql://", "postgresql+asyncpg://")

    async def work() -> None:
        engine = create_async_engine(url, pool_size=1, max_overflow=0)
        attribute(engine.sync_engine)
        for login in ("a.martin", "b.diallo", "a.martin"):
            with acting_as(login):
                async with engine.connect() as connection:
                    await connection.execute(sqlalchemy.text(READ.format(":key")), {"key": 1})
        await engine.dispose()

    asyncio.run(work())
    assert agents(running, home) == told("a.martin", "b.diallo", "a.martin")


DJANGO = """
import sys
from types import SimpleNamespace
import django
from django.conf import settings
from django.db import connection, models, transaction
from django.http import HttpResponse
from django.urls import path

host, port, name = sys.argv[1:]

def sign_in(get_response):
    def respond(request):
        login = request.headers.get("X-Login", "")
        request.user = SimpleNamespace(is_authenticated=bool(login), get_username=lambda: login)
        return get_response(request)
    return respond

settings.configure(
    ROOT_URLCONF=__name__, SECRET_KEY="x", ALLOWED_HOSTS=["*"], INSTALLED_APPS=["quivive.sdk.django.Attribution"],
    MIDDLEWARE=["__main__.sign_in", "quivive.sdk.django.attribute_request"], QUIVIVE_CONTACT_HEADER="X-Contact",
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "HOST": host, "PORT": port, "NAME": name,
                           "USER": "app_user", "CONN_MAX_AGE": None}},
)
django.setup()

class Customer(models.Model):
    id = models.IntegerField(primary_key=True)
    last_name = models.TextField()
    class Meta:
        app_label, db_table, managed = "crm", "customer", False

def show(request, key):
    return HttpResponse(Customer.objects.get(id=key).last_name)

def nested(request, key):
    with transaction.atomic():
        try:
            with transaction.atomic():
                list(Customer.objects.filter(id=key))
                raise ValueError
        except ValueError:
            pass
        list(Customer.objects.filter(id=key))
    for customer in Customer.objects.filter(id=key).iterator():
        pass
    return HttpResponse("")

urlpatterns = [path("show/<int:key>", show), path("nested/<int:key>", nested)]

from django.test import Client
client = Client()
for login, url in (("a.martin", "/show/1"), ("b.diallo", "/show/2"), ("", "/show/3"), ("c.ro", "/nested/4")):
    answer = client.get(url, headers={"X-Login": login, "X-Contact": "A-7"} if login else {})
    assert answer.status_code == 200, answer.content
connection.close()
"""


def test_django_requests(relay):
    """Each request is its user's on one kept connection; a nested rollback and a server cursor change nothing."""
    running, name, home = relay
    host, port = "127.0.0.1", str(running.relay.port)
    subprocess.run([sys.executable, "-c", DJANGO, host, port, name], check=True, timeout=60)
    assert agents(running, home) == told("a.martin", "b.diallo", "", "c.ro", "c.ro", "c.ro")
