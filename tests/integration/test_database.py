"""The PostgreSQL servers that the integration tests and the demonstration stand on."""

import asyncio
import os
import shutil

import asyncpg
import pytest

from quivive.simulation.database import PostgresServer, server_account, wheel_programs

pytestmark = pytest.mark.integration


async def _one(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def test_pg18_answers_on_port_and_socket(pg18):
    """The wheel gives PostgreSQL 18, reachable by TCP and by Unix socket, also when the tests run as root."""
    version = int(asyncio.run(_one(pg18.dsn(), "show server_version_num")))
    assert version // 10_000 == 18
    assert asyncio.run(_one(pg18.socket_dsn(), "select 1")) == 1
    assert pg18.socket.exists()


def test_pg15_answers(pg15):
    """The system's PostgreSQL 15 starts the same way."""
    assert int(asyncio.run(_one(pg15.dsn(), "show server_version_num"))) // 10_000 == 15


def test_customer_database_and_passwords(pg, pg18):
    """A customer database is there, and password users authenticate by SCRAM and MD5."""
    name = pg.customer_database()
    for user in ("scram_user", "md5_user", "password_user"):
        dsn = pg.dsn(name, user=user, password=f"{user.removesuffix('_user')}-secret")
        assert asyncio.run(_one(dsn, "select count(*) from customer")) == 1_000
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(_one(pg.dsn(name, user="scram_user", password="no"), "select 1"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        asyncio.run(_one(pg.dsn(name, user="side_user"), "select last_name from customer limit 1"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server under another account")
def test_programs_and_data_in_a_private_folder(tmp_path):
    """As root, with everything below a folder of mode 0700: programs and data are placed where the server can reach them."""
    private = tmp_path / "private"
    package = wheel_programs().parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(wheel_programs().parent, private / "site" / package.name / "pg")
    shutil.copytree(libraries, private / "site" / libraries.name)
    private.chmod(0o700)
    server = PostgresServer(folder=private / "home", programs=private / "site" / package.name / "pg" / "bin")
    assert server_account() is not None
    try:
        server.start()
        assert not server.data.is_relative_to(private)
        assert asyncio.run(_one(server.dsn(), "select 1")) == 1
        server.stop()
        server.start()
        assert asyncio.run(_one(server.dsn(), "select 2")) == 2
    finally:
        server.destroy()
    assert not server.data.exists()
