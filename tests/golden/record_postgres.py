"""Records the golden transcripts of the PostgreSQL codec: real clients against a real server, synthetic data.

Run by hand when a scenario is added: `python tests/golden/record_postgres.py <port> <database>` against a server that trusts
local users and holds CUSTOMER_SCHEMA of tests/integration/conftest.py. Writes tests/golden/postgres/<scenario>.bin.

A transcript is a list of reads after authentication: direction (b"C" or b"S"), length u32 big-endian, bytes.
"""

import asyncio
import contextlib
import io
import subprocess
import sys
from pathlib import Path

import asyncpg
import psycopg

FOLDER = Path(__file__).parent / "postgres"


class Tap:
    """Forwards one connection at a time and keeps what passes after the first ReadyForQuery."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.out = io.BytesIO()
        self.ready = False
        self.port = 0

    async def start(self) -> None:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self.ready = False

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: bytes) -> None:
            while data := await source.read(65536):
                if self.ready:  # before it is sent on: an answer must not stand before its request
                    self.out.write(way + len(data).to_bytes(4, "big") + data)
                elif way == b"S" and data[-6:-1] == b"Z\x00\x00\x00\x05":
                    self.ready = True
                sink.write(data)
                await sink.drain()
            sink.close()

        await asyncio.gather(pump(reader, up_writer, b"C"), pump(up_reader, writer, b"S"))

    def save(self, name: str) -> None:
        data, self.out = self.out.getvalue(), io.BytesIO()
        (FOLDER / f"{name}.bin").write_bytes(data)
        sys.stdout.write(f"{name}: {len(data)} bytes\n")


def psql(port: int, database: str, script: str) -> None:
    subprocess.run(
        ["psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "app_user", database],
        input=script.encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )


PSQL = {
    "attributed": "set quivive.agent = 'camille.r';\nselect id, last_name from customer where id in (1, 2, 3);\n",
    "simple": "select id, last_name from customer where id in (1, 2, 3);\n",
    "simple_several": "begin\\; select id from customer where id < 3\\; update customer set phone = 'x' where id = 1\\; rollback;\n",
    "simple_error": "select 1\\; select 1/0\\; select 2;\nselect 3;\n;\n",
    "mid_result_error": "select 10 / (5 - g) from generate_series(1, 8) g;\n",
    "copy_text": "copy (select id, last_name from customer where id < 6) to stdout;\ncopy reason_code to stdout;\n",
    "copy_csv": "copy (select id, last_name || ',\"' || chr(10) from customer where id < 6) to stdout csv header;\n",
    "copy_binary": "copy (select id, last_name from customer where id < 6) to stdout binary;\n",
    "copy_from": "create temp table t (a int, b text);\ncopy t from stdin;\n1\tx\n2\ty\n\\.\nselect * from t;\n",
    "copy_from_error": "create temp table t (a int);\ncopy t from stdin;\nx\n2\n\\.\nselect 1;\n",
    "cursor": "begin;\ndeclare c cursor for select id from customer order by id;\nfetch 3 from c;\nfetch 2 from c;\ncommit;\n",
    "sql_prepare": "prepare p(int) as select id, last_name from customer where id = $1;\nexecute p(4);\nexecute p(5);\n",
    "notify": "listen x;\nnotify x, 'hello';\nset client_min_messages = debug1;\nselect 1;\n",
}


async def asyncpg_scenarios(tap: Tap, database: str) -> None:
    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(host="127.0.0.1", port=tap.port, user="app_user", database=database)

    connection = await connect()
    statement = await connection.prepare("select id, last_name from customer where id = $1")
    for key in (1, 2, 3):
        await statement.fetch(key)
    await connection.execute("select 1")
    await connection.close()
    tap.save("asyncpg_reuse")
    connection = await connect()
    async with connection.transaction():
        cursor = await connection.cursor("select id from customer order by id")
        await cursor.fetch(5)
        await cursor.fetch(5)
    await connection.close()
    tap.save("asyncpg_cursor")
    connection = await connect()
    await connection.executemany("update customer set phone = $2 where id = $1", [(1, "a"), (2, "b")])
    with contextlib.suppress(asyncpg.UniqueViolationError):
        await connection.execute("insert into customer (id, last_name) values ($1, $2)", 1, "dup")
    await connection.copy_from_query("select id from customer where id < 4", output=io.BytesIO(), format="binary")
    await connection.close()
    tap.save("asyncpg_writes")


def psycopg_scenarios(tap: Tap, database: str) -> None:
    dsn = f"host=127.0.0.1 port={tap.port} user=app_user dbname={database}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        with contextlib.suppress(psycopg.Error), connection.pipeline():
            connection.execute("select id from customer where id = %s", (1,))
            connection.execute("select 1 / %s", (0,))
            connection.execute("select id from customer where id = %s", (2,))
        connection.execute("select id from customer where id = %s", (3,), prepare=True, binary=True)
    tap.save("psycopg_pipeline_error")
    with psycopg.connect(dsn) as connection:
        connection.execute("select set_config('quivive.agent', %s, false)", ("a.martin",))
        connection.execute("select id, last_name from customer where id = %s", (7,), prepare=True)
        connection.execute("select id, last_name from customer where id = %s", (8,), prepare=True)
        connection.execute("update customer set phone = %s where id = %s", ("x", 8))
        connection.rollback()
        with connection.cursor(name="c") as cursor:
            cursor.execute("select id from customer order by id")
            cursor.fetchmany(4)
    tap.save("psycopg_session")


async def main(port: int, database: str) -> None:
    tap = Tap(port)
    await tap.start()
    for name, script in PSQL.items():
        await asyncio.to_thread(psql, tap.port, database, script)
        await asyncio.sleep(0.05)
        tap.save(name)
    await asyncpg_scenarios(tap, database)
    await asyncio.to_thread(psycopg_scenarios, tap, database)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
