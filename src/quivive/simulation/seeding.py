"""Loads the invented customer files into a running PostgreSQL, each company in a thread of its own.

Called by `demo.py` on a first start. The accounts are those a careful administrator would make: the
application's may work on rows, the relay's side account may only connect, the links account may read key
columns only. Must never run against a database that holds anything else.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from quivive.simulation.configuration import LINK_COLUMNS
from quivive.simulation.schema import Company

COPY_BLOCK_BYTES: Final = 1 << 18
"""Bytes handed to COPY at once; bounds what libpq buffers."""
SEED: Final = 20_091_123
"""The seed of every demonstration, so that all tell the same story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passwords:
    """Of one company's two password accounts; the side account is admitted on the Unix socket without one."""

    application: str
    links: str


def application_role(company: str) -> str:
    """Account of the company's application."""
    return f"{company}_app"


def side_role(company: str) -> str:
    """Account of the relay's side connection: CONNECT and USAGE, nothing else."""
    return f"{company}_side"


def links_role(company: str) -> str:
    """Account of `quivive links sync`: SELECT on declared key columns."""
    return f"{company}_links"


def seed_all(
    admin_dsn: Callable[[str], str],
    companies: Sequence[Company],
    passwords: dict[str, Passwords],
    tell: Callable[[Company], None],
) -> None:
    """Create and fill every company's database, side by side.

    Raises:
        psycopg.Error: the first failure of any of them.
    """
    failures: list[BaseException] = []

    def work(company: Company) -> None:
        try:
            seed_company(admin_dsn, company, passwords[company.id])
            tell(company)
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(company,), daemon=True) for company in companies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def seed_company(admin_dsn: Callable[[str], str], company: Company, passwords: Passwords) -> None:
    """Create one database under a working name, fill it, and name it only when it is whole."""
    building = f"{company.id}_building"
    with psycopg.connect(admin_dsn("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(building)))
        connection.execute(sql.SQL("CREATE DATABASE {} STRATEGY file_copy").format(sql.Identifier(building)))
        _roles(connection, company.id, passwords)
    before, after = company.ddl
    with psycopg.connect(admin_dsn(building)) as connection:
        connection.execute(before.encode())
        for table in company.rows(SEED + company.slot):
            text = table.copy_text()
            statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
                sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, table.columns))
            )
            with connection.cursor() as cursor, cursor.copy(statement) as copy:
                for start in range(0, len(text), COPY_BLOCK_BYTES):
                    copy.write(text[start : start + COPY_BLOCK_BYTES])
        connection.execute(after.encode())
        _grants(connection, company.id)
        connection.commit()
        connection.autocommit = True
        connection.execute("ANALYZE")
    with psycopg.connect(admin_dsn("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(building), sql.Identifier(company.id))
        )
        connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(sql.Identifier(company.id)))
        for role in (application_role(company.id), side_role(company.id), links_role(company.id)):
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(company.id), sql.Identifier(role))
            )


def seeded(admin_dsn: Callable[[str], str], companies: Sequence[Company]) -> bool:
    """Tell whether every company's database is whole."""
    with psycopg.connect(admin_dsn("postgres"), autocommit=True) as connection:
        rows = connection.execute("SELECT datname FROM pg_database").fetchall()
    return {company.id for company in companies} <= {name for (name,) in rows}


def _roles(connection: psycopg.Connection, company: str, passwords: Passwords) -> None:
    secrets = {
        application_role(company): passwords.application,
        links_role(company): passwords.links,
        side_role(company): None,
    }
    for role, secret in secrets.items():
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))
        statement = sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role))
        if secret is not None:
            statement += sql.SQL(" PASSWORD {}").format(sql.Literal(secret))
        connection.execute(statement)


def _grants(connection: psycopg.Connection, company: str) -> None:
    application, side, links = (
        sql.Identifier(role) for role in (application_role(company), side_role(company), links_role(company))
    )
    connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}, {}, {}").format(application, side, links))
    connection.execute(
        sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}").format(application)
    )
    for table, columns in LINK_COLUMNS[company].items():
        connection.execute(
            sql.SQL("GRANT SELECT ({}) ON {} TO {}").format(
                sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(table), links
            )
        )
