"""Which clients cannot tell the relay from the server: each runs directly and through a relay (docs/compatibility.md).

`make compatibility`, or `make compatibility SUITES="--psycopg DIR --asyncpg DIR --suite-python PYTHON"`: the two
folders are checkouts of the drivers' own test suites that the tester provides, the interpreter has what they need.
Programs that are not installed are listed as not run. Exit 1 when a client behaves differently.
"""

import argparse
import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = ROOT / "tests" / "clients"
PAGE = ROOT / "docs" / "compatibility.md"
sys.path[:0] = [str(ROOT / "tests" / "integration"), str(ROOT / "src")]

from relay_support import Running, accesses, agent, customer, entries, make_home  # noqa: E402

from conftest import HBA, PG15_PROGRAMS, TestServer  # noqa: E402
from quivive.simulation.database import PostgresServer  # noqa: E402

GO = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(Path(tempfile.gettempdir()) / "quivive-go")}
SUITE_TIMEOUT_S = 1_800


@dataclass
class Row:
    """One client: what it is, and what was seen."""

    name: str
    version: str
    same: str
    recorded: str
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Program:
    """A program of tests/clients: command before `host port database`, the agent it names, how its version is asked."""

    name: str
    command: tuple[str, ...]
    agent: str
    version: tuple[str, ...]


PROGRAMS = (
    Program("pgJDBC", ("java", "-cp", "/usr/share/java/postgresql.jar", str(CLIENTS / "java/Main.java")), "java.agent",
            ("dpkg-query", "-W", "-f", "${Version}", "libpostgresql-jdbc-java")),
    Program("PHP PDO", ("php", str(CLIENTS / "php/main.php")), "php.agent", ("php", "-r", "echo PHP_VERSION;")),
    Program("Go pgx", ("go", "run", str(CLIENTS / "go/pgx/main.go")), "pgx.agent",
            ("dpkg-query", "-W", "-f", "${Version}", "golang-github-jackc-pgx-v4-dev")),
    Program("Go lib/pq", ("go", "run", str(CLIENTS / "go/pq/main.go")), "pq.agent",
            ("dpkg-query", "-W", "-f", "${Version}", "golang-github-lib-pq-dev")),
    Program("Perl DBD::Pg", ("perl", str(CLIENTS / "perl/main.pl")), "perl.agent",
            ("perl", "-MDBD::Pg", "-e", "print $DBD::Pg::VERSION")),
    Program("Ruby pg", ("ruby", str(CLIENTS / "ruby/main.rb")), "ruby.agent",
            ("ruby", "-rpg", "-e", "print PG::VERSION")),
)  # fmt: skip


class Bench:
    """A server, its customer database, and a fresh relay for each client."""

    def __init__(self, folder: Path, server: TestServer) -> None:
        self._folder, self.server = folder, server
        self.name = server.customer_database()
        self._count = 0

    def relayed(self, work: Callable[[int], str]) -> tuple[str, Path]:
        """Run `work(port)` against a relay of its own; its answer and the home with what was written."""
        self._count += 1
        home = self._folder / f"home{self._count}"
        side = self.server.socket_dsn(self.name, user="side_user")
        settings = make_home(home, target=f"127.0.0.1:{self.server.port}", side_dsn=side)
        with Running(settings) as running:
            answer = work(running.relay.port)
            running.stop()
        return answer, home


def run(command: list[str] | tuple[str, ...], **environment: str) -> str:
    """Output of a command, its exit code in the last line."""
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=300, env={**os.environ, **GO, **environment}
    )
    return f"{done.stdout}{done.stderr}\nexit {done.returncode}"


def of_program(bench: Bench, program: Program) -> Row:
    """Run a driver's program both ways and look at what the relay wrote."""
    place = lambda port: (*program.command, "127.0.0.1", str(port), bench.name)  # noqa: E731
    direct = run(place(bench.server.port))
    through, home = bench.relayed(lambda port: run(place(port)))
    found = accesses(home)
    shown = {key for one in found for key in one["records"].get("public.customer", ()) if one["outcome"] == "ok"}
    attempted = {
        key for one in found if one["outcome"] == "attempted" for key in one["records"].get("public.customer", ())
    }
    whole = shown >= {customer(n) for n in (*range(1, 6), *range(10, 30))}
    changed = attempted == {customer(n) for n in (30, 31, 32)}
    named = all(one["agent"] == agent(program.agent) and one["contact"] for one in found if one["records"])
    gaps = sum(kind == "gap" for kind, _ in entries(home))
    recorded = (
        "every record shown, the change attempted, the agent" if whole and changed and named and not gaps else "no"
    )
    row = Row(
        program.name, run(program.version).splitlines()[0], "same" if direct == through else "DIFFERENT", recorded
    )
    if not direct.endswith("exit 0"):
        row.same = "failed directly"
    if row.same != "same" or recorded == "no":
        row.notes += [
            f"direct: {direct[-300:]!r}",
            f"relay: {through[-300:]!r}",
            f"{whole=} {changed=} {named=} {gaps=}",
        ]
    return row


def of_tools(bench: Bench) -> list[Row]:
    """Run psql, pg_dump and pgbench."""
    programs = PG15_PROGRAMS
    rows = []
    describe = (
        "\\d customer\n\\dv\n\\dt+\nselect * from customer_card where id = 4;\n"
        "\\copy (select id from customer where id < 4) to stdout\n"
    )

    def psql(port: int) -> str:
        command = [str(programs / "psql"), "-X", "-h", "127.0.0.1", "-p", str(port), "-U", "app_user", bench.name]
        done = subprocess.run(command, check=False, input=describe, capture_output=True, text=True, timeout=60)
        return f"{done.stdout}{done.stderr}exit {done.returncode}"

    def dump(port: int) -> str:
        command = [str(programs / "pg_dump"), "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", bench.name]
        said = run(command)
        return "\n".join(line for line in said.splitlines() if not line.startswith("\\") and "restrict" not in line)

    for name, work, table in (("psql", psql, "public.customer"), ("pg_dump", dump, "public.orders")):
        direct = work(bench.server.port)
        through, home = bench.relayed(work)
        keys = {key for one in accesses(home) for key in one["records"].get(table, ())}
        recorded = f"{len(keys)} records of {table}"
        rows.append(
            Row(name, "15", "same" if direct == through and direct.endswith("exit 0") else "DIFFERENT", recorded)
        )

    def bench_once(port: int) -> str:
        common = ["-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "bench"]
        codes = [
            run(["pgbench", "-n", "-t", "50", "-c", "4", "-M", mode, *common])[-6:]
            for mode in ("simple", "extended", "prepared")
        ]
        return " ".join(codes)

    bench.server.create_database("bench")
    run(["pgbench", "-q", "-i", "-h", "127.0.0.1", "-p", str(bench.server.port), "-U", "postgres", "bench"])
    direct = bench_once(bench.server.port)
    through, _ = bench.relayed(bench_once)
    rows.append(Row("pgbench (simple, extended, prepared)", "15", "same" if direct == through else "DIFFERENT", ""))
    return rows


def of_suite(
    bench: Bench, name: str, folder: Path, python: str, command: Callable[[int, str], tuple[list[str], dict[str, str]]]
) -> Row:
    """Run a driver's own test suite both ways and compare test by test."""

    def outcome(port: int, tag: str) -> dict[str, str]:
        bench.server.execute(f"DROP DATABASE IF EXISTS suite_{tag}")
        bench.server.create_database(f"suite_{tag}")
        report = bench._folder / f"{tag}.xml"  # noqa: SLF001
        arguments, environment = command(port, f"suite_{tag}")
        subprocess.run(
            [python, "-m", "pytest", "-q", "--timeout", "120",
             f"--junitxml={report}", "-o", f"cache_dir={report}.cache", *arguments],
            check=False, cwd=folder, capture_output=True, timeout=SUITE_TIMEOUT_S, env={**os.environ, **environment},
        )  # fmt: skip
        return _outcomes(report)

    direct = outcome(bench.server.port, f"{name}_direct")
    found: dict[str, str] = {}

    def work(port: int) -> str:
        found.update(outcome(port, f"{name}_relay"))
        return ""

    _, home = bench.relayed(work)
    gaps = sum(kind == "gap" for kind, _ in entries(home))
    differ = sorted(test for test in direct | found if direct.get(test) != found.get(test))
    passed = sum(each == "passed" for each in found.values())
    summary = f"{passed:,} passed, {len(differ)} otherwise than directly" if found else "not run"
    row = Row(
        f"{name}'s own test suite",
        _version(python, name),
        "same" if not differ and found else summary,
        f"{summary}; {gaps} gaps",
    )
    row.notes += [f"{test}: directly {direct.get(test)}, through the relay {found.get(test)}" for test in differ]
    return row


def _outcomes(report: Path) -> dict[str, str]:
    if not report.exists():
        return {}
    found = {}
    for case in ET.parse(report).iter("testcase"):
        states = {child.tag for child in case} & {"failure", "error", "skipped"}
        found[f"{case.get('classname')}::{case.get('name')}"] = min(states, default="passed")
    return found


def _version(python: str, name: str) -> str:
    return run([python, "-c", f"import {name}; print({name}.__version__)"]).splitlines()[0]


def psycopg_command(port: int, database: str) -> tuple[list[str], dict[str, str]]:
    """psycopg takes a DSN; tests of time, name servers and proxies say nothing of a relay, slow ones take an hour."""
    left_out = [f"--ignore=tests/{each}" for each in ("pool", "test_typing.py", "test_gevent.py")]
    dsn = f"host=127.0.0.1 port={port} user=postgres dbname={database}"
    return ["tests", f"--test-dsn={dsn}", "-m", "not slow and not timing and not dns and not proxy", *left_out], {}


def asyncpg_command(port: int, database: str) -> tuple[list[str], dict[str, str]]:
    """asyncpg takes the environment; tests that start servers of their own are left out."""
    left_out = [f"--ignore=tests/{each}.py" for each in ("test__sourcecode", "test_connect", "test_subinterpreters")]
    return ["tests", *left_out], {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(port),
        "PGUSER": "postgres",
        "PGDATABASE": database,
    }


def page(rows: list[Row], absent: list[str]) -> str:
    """The page of the documentation."""
    lines = [
        "# Compatibility: which clients cannot tell the relay from the server",
        "",
        f"Generated by `make compatibility` on {dt.datetime.now(dt.UTC):%Y-%m-%d}, PostgreSQL 15, relay in `observe`.",
        "Each client ran directly and through a relay; *same* means that it printed the same,",
        "error codes included. The programs stand in [tests/clients](../tests/clients/README.md): they name an agent",
        "and a call as an application would.",
        "",
        "| Client | Version | Against the server itself | What the relay wrote |",
        "|---|---|---|---|",
    ]
    lines += [f"| {row.name} | {row.version} | {row.same} | {row.recorded} |" for row in rows]
    notes = [f"- {row.name}: {note}" for row in rows for note in row.notes]
    if notes:
        lines += ["", "Differences:", "", *notes]
    if absent:
        lines += ["", f"Not run here: {', '.join(absent)}."]
    lines += [
        "",
        "Also part of `make test`, on PostgreSQL 15 and 18: psql, psycopg (sync and async), asyncpg, SQLAlchemy,",
        "Django (`tests/integration/test_relay_clients.py`, `test_sdk.py`).",
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    """Run what is installed, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--psycopg", type=Path)
    parser.add_argument("--asyncpg", type=Path)
    parser.add_argument("--suite-python", default=sys.executable)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="quivive-compatibility-"))
    database = PostgresServer(
        folder=folder, programs=PG15_PROGRAMS, hba=HBA, settings=("max_prepared_transactions=10",)
    )
    absent = [p.name for p in PROGRAMS if not shutil.which(p.command[0])]
    try:
        database.start()
        server = TestServer(database)
        for role in ("scram_user", "md5_user", "password_user"):
            server.execute(f"CREATE ROLE {role} LOGIN")
        bench = Bench(folder, server)
        server.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO app_user", bench.name)
        rows = [of_program(bench, program) for program in PROGRAMS if program.name not in absent]
        rows += of_tools(bench)
        for name, place, command in (
            ("psycopg", asked.psycopg, psycopg_command),
            ("asyncpg", asked.asyncpg, asyncpg_command),
        ):
            if place is None:
                absent.append(f"{name}'s own test suite (no checkout given)")
            else:
                rows.append(of_suite(bench, name, place, asked.suite_python, command))
    finally:
        database.destroy()
        shutil.rmtree(folder, ignore_errors=True)
    PAGE.write_text(page(rows, absent), encoding="utf-8")
    print(page(rows, absent))
    return int(any(row.same != "same" or row.recorded == "no" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
