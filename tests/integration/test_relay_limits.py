"""Limits on what one result and one agent may show: one clean error in the middle, and the session goes on."""

import asyncio
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import asyncpg
import psycopg
import pytest
from relay_support import Running, accesses, agent, customer, entries, make_home

from quivive.model.clock import HOUR_US, now_us
from quivive.model.gate import CapturePolicy
from quivive.privacy.policy_file import encode_policy

pytestmark = pytest.mark.integration

LIMIT = 100


@pytest.fixture(scope="module")
def database(pg18):  # type: ignore[no-untyped-def]
    """One customer database with 20,000 customers."""
    name = pg18.customer_database()
    pg18.execute("insert into customer (id, last_name) select g, 'Nom' || g from generate_series(1001, 20000) g", name)
    return pg18, name


def push(home: Path, **policy: object) -> None:
    """Write the policy as the core would."""
    base = CapturePolicy(active=True, informed={}, keep_unknown=True, service_accounts=("app_user",), limits=True)
    (home / "run" / "policy" / "db.json").write_bytes(encode_policy(replace(base, **policy)))  # type: ignore[arg-type]


def home_of(database, tmp_path: Path, *, instructed: bool = True, **source: object):  # type: ignore[no-untyped-def]
    server, name = database
    facts = {"max_records_per_result": LIMIT, **source}
    settings = make_home(
        tmp_path, target=f"unix:{server.socket}", side_dsn=server.socket_dsn(name, user="side_user"), **facts
    )
    push(tmp_path, limits=instructed)
    return settings


@pytest.mark.parametrize("mode", ["observe", "strict"])
def test_a_result_stops_at_its_limit(database, tmp_path: Path, mode: str) -> None:  # type: ignore[no-untyped-def]
    """Simple and extended: one error, the keys shown are recorded as denied, the session works on."""
    _, name = database
    with Running(home_of(database, tmp_path, mode=mode)) as running:
        with psycopg.connect(running.dsn(name), autocommit=True) as connection:
            with pytest.raises(psycopg.errors.ConfigurationLimitExceeded, match="more than 100 records"):
                connection.execute("select id, last_name from customer order by id")
            with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
                connection.execute("select id from customer where id > %s order by id", (0,), binary=True)
            for key in range(1, 30):  # no late cancel hits a statement after it
                assert connection.execute("select id from customer where id = %s", (key,)).fetchone() == (key,)
            assert len(connection.execute("select id from customer limit 100").fetchall()) == LIMIT
        running.stop()
    found = accesses(tmp_path)
    for stopped in found[:2]:
        assert (stopped["outcome"], stopped["rows"]) == ("denied", LIMIT)
        assert stopped["records"]["public.customer"] == [customer(n) for n in range(1, LIMIT + 1)]
    assert {one["outcome"] for one in found[2:]} == {"ok"}


def test_records_are_counted_once(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Many rows of few records pass; a row is a record only where no key is shown; figures are none."""
    _, name = database
    with Running(home_of(database, tmp_path)) as running:  # noqa: SIM117
        with psycopg.connect(running.dsn(name), autocommit=True) as connection:
            repeated = "select c.id from customer c cross join generate_series(1, 5000) where c.id <= 100"
            assert len(connection.execute(repeated).fetchall()) == 500_000
            assert connection.execute("select count(*) from customer").fetchone() == (20_000,)
            assert len(connection.execute("select code from reason_code, generate_series(1, 500)").fetchall()) == 1_000
            for hidden in (
                "select last_name from customer",
                "select phone from customer",
                "select id + 0 from customer",
            ):
                with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
                    connection.execute(hidden)


def test_psql_and_copy(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """psql shows one readable error; COPY in text, csv and binary, of a table and of a query, stops likewise."""
    _, name = database
    with Running(home_of(database, tmp_path)) as running:
        told = subprocess.run(
            ["psql", "-X", "-q", "-At", running.dsn(name), "-c", "select id from customer", "-c", "select 7"],
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert told.stdout.splitlines()[-1] == "7"
        assert told.stderr.count("ERROR") == 1
        assert "more than 100 records" in told.stderr
        with psycopg.connect(running.dsn(name), autocommit=True) as connection, connection.cursor() as cursor:
            for what in ("customer", "(select id, last_name from customer order by id)"):
                for form in ("text", "csv", "binary"):
                    with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):  # noqa: SIM117
                        with cursor.copy(f"copy {what} to stdout (format {form})") as copy:
                            assert 0 < sum(1 for _ in copy) <= LIMIT + 2
                    assert connection.execute("select 1").fetchone() == (1,)
        running.stop()
    denied = [one for one in accesses(tmp_path) if one["outcome"] == "denied"]
    assert [len(one["records"]["public.customer"]) for one in denied] == [LIMIT] * 7


def test_cursors_and_portals(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """A cursor counts all its FETCHes together, a portal all its Executes; both stay refused, the rest works."""
    _, name = database
    with Running(home_of(database, tmp_path)) as running:
        with psycopg.connect(running.dsn(name)) as connection:
            connection.execute("declare c cursor for select id from customer order by id")
            assert len(connection.execute("fetch 60 from c").fetchall()) == 60
            with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
                connection.execute("fetch 60 from c")
            connection.rollback()
            assert connection.execute("select id from customer where id = 3").fetchone() == (3,)

        async def portal() -> None:
            connection = await asyncpg.connect(running.dsn(name))
            seen = 0
            with pytest.raises(asyncpg.exceptions.ConfigurationLimitExceededError):  # noqa: PT012 - the loop stops
                async with connection.transaction():
                    async for _ in connection.cursor("select id from customer order by id", prefetch=40):
                        seen += 1
            assert seen == 80
            assert await connection.fetchval("select id from customer where id = $1", 5) == 5
            await connection.close()

        asyncio.run(portal())


def test_a_pipeline_is_skipped_to_its_sync(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """What stands behind a stopped result in its batch gives no answer; the next batch does."""
    _, name = database
    with Running(home_of(database, tmp_path)) as running:
        with psycopg.connect(running.dsn(name), autocommit=True) as connection:
            with (  # noqa: PT012 - one batch
                pytest.raises(psycopg.errors.ConfigurationLimitExceeded),
                connection.pipeline() as pipeline,
            ):
                first = connection.execute("select id from customer where id = 1")
                connection.execute("select id from customer")
                third = connection.execute("select id from customer where id = 2")
                pipeline.sync()
            assert first.fetchone() == (1,)
            with pytest.raises((psycopg.errors.PipelineAborted, psycopg.ProgrammingError)):
                third.fetchone()
            with connection.pipeline():
                cursor = connection.execute("select id from customer where id = 4")
            assert cursor.fetchone() == (4,)
        running.stop()
    shown = [(one["outcome"], len(one["records"].get("public.customer", ()))) for one in accesses(tmp_path)]
    assert shown[:2] == [("ok", 1), ("denied", LIMIT)]
    assert all(found == ("denied", 0) for found in shown[2:-1])


def test_a_transaction_and_a_change(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """In a transaction the error is like any other; a change that shows too much says what became of it."""
    server, name = database
    with Running(home_of(database, tmp_path)) as running:
        with psycopg.connect(running.dsn(name)) as connection:
            connection.execute("select 1")
            with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
                connection.execute("select * from customer")
            connection.rollback()
            with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
                connection.execute("update customer set phone = 'zz' where id between 3001 and 3400 returning id")
            connection.rollback()
        running.stop()
    with psycopg.connect(server.dsn(name)) as direct:
        assert direct.execute("select count(*) from customer where phone = 'zz'").fetchone() == (0,)
    read, change = accesses(tmp_path)
    assert read["outcome"] == "denied"
    assert change["outcome"] in {"denied", "attempted"}


def test_limits_wait_for_the_instruction(database, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    """Configured and not instructed: nothing is stopped, the start says so; the instruction works without restart."""
    _, name = database
    with Running(home_of(database, tmp_path, instructed=False, on_failure="closed")) as running:  # noqa: SIM117
        with psycopg.connect(running.dsn(name), autocommit=True) as connection:
            assert len(connection.execute("select id from customer").fetchall()) == 20_000
            push(tmp_path, limits=True)
            time.sleep(1.3)
            with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
                connection.execute("select id from customer")
    told = capfd.readouterr().err
    assert told.count("limits wait for the recorded instruction of aurore") == 1
    assert told.count('on_failure = "closed" waits for the recorded instruction of aurore') == 1


def test_a_denied_agent_is_refused_until_it_ends(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """New statements on protected tables, quick ones too; others pass; another agent passes; the denial ends by itself."""
    _, name = database
    with Running(home_of(database, tmp_path, max_records_per_result=1_000)) as running:
        with psycopg.connect(running.dsn(name), autocommit=True) as connection:
            connection.execute("set quivive.agent = 'a.martin'")
            for key in range(1, 20):
                connection.execute("select id from customer where id = %s", (key,), prepare=True)
            push(tmp_path, denied={agent("a.martin"): now_us() + 4_000_000, agent("b.other"): now_us() + HOUR_US})
            time.sleep(1.3)
            for sql in ("select id from customer where id = 21", "select last_name from customer"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege, match="hourly limit"):
                    connection.execute(sql)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("select id from customer where id = %s", (22,), prepare=True)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("update customer set phone = 'x' where id = 23")
            assert connection.execute("select code from reason_code where code = 'A'").fetchone() == ("A",)
            connection.execute("set quivive.agent = 'c.third'")
            assert connection.execute("select id from customer where id = 24").fetchone() == (24,)
            connection.execute("set quivive.agent = 'a.martin'")
            time.sleep(3)
            assert connection.execute("select id from customer where id = 25").fetchone() == (25,)
        running.stop()
    denied = [one for one in accesses(tmp_path) if one["outcome"] == "denied"]
    assert len(denied) == 4
    assert {(one["agent"], one["rows"], tuple(one["records"])) for one in denied} == {(agent("a.martin"), 0, ())}


def test_many_sessions_are_stopped_at_once(database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Each has its own error, and each goes on."""
    _, name = database
    told: list[str] = []

    def work(dsn: str) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            for _ in range(10):
                try:
                    connection.execute("select id, last_name from customer")
                except psycopg.errors.ConfigurationLimitExceeded as error:
                    told.append(error.sqlstate or "")
                connection.execute("select id from customer where id = 1")

    with Running(home_of(database, tmp_path)) as running:
        threads = [threading.Thread(target=work, args=(running.dsn(name),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        running.stop()
    assert told == ["53400"] * 40
    assert not [body for kind, body in entries(tmp_path) if kind == "gap"]
