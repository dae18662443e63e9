"""How long a killed relay is away: `quivive serve`, pgbench at work, kill -9 again and again. JSON on standard output.

`python bench/continuity.py [--kills 5] [--pause 6] [--clients 8]`

`answering_s`: from the kill to the first statement answered on a new connection. A kill sooner than `pause` after the
last may find no spare ready; its return is then that of a new interpreter.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
sys.path.insert(0, str(ROOT / "src"))

import psycopg  # noqa: E402
from street_support import Street, until  # noqa: E402

from conftest import CUSTOMER_SCHEMA  # noqa: E402
from quivive.simulation.database import PostgresServer, wheel_programs  # noqa: E402

SCRIPT = "\\set id random(1, 1000)\nselect id, last_name from customer where id = :id;\n"


def answered(dsn: str, since: float) -> float:
    """Seconds until a statement is answered."""
    while True:
        try:
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute("select id from customer where id = 7")
                return time.monotonic() - since
        except psycopg.OperationalError:
            time.sleep(0.002)


def measure(street: Street, options: argparse.Namespace) -> dict[str, object]:
    dsn = f"host=127.0.0.1 port={street.ports['db']} user=app_user dbname={street.database} sslmode=disable"
    script = street.folder / "read.sql"
    script.write_text(SCRIPT)
    answering = []
    for _ in range(options.kills):
        command = ["pgbench", "-n", "-M", "prepared", "-c", str(options.clients), "-T", "4", "-f", str(script), dsn]
        bench = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)
        pid = street.child("relay", "db")
        since = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        answering.append(answered(dsn, since))
        bench.wait()
        time.sleep(options.pause)
    gaps = until(lambda: [g for g in street.api("GET", "/v1/gaps")[1]["items"] if g["cause"] == "source_killed"])
    return {
        "answering_s": [round(one, 3) for one in answering],
        "median_answering_s": round(statistics.median(answering), 3),
        "gaps_recorded": len(gaps),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--pause", type=float, default=6)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args()
    loads = [os.getloadavg()[0]]
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    folder.chmod(0o755)
    server = PostgresServer(folder=folder / "pg", programs=wheel_programs())
    try:
        server.start()
        base = ["psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres"]
        subprocess.run([*base, "postgres", "-c", "create database bench"], check=True)
        roles = "create role app_user login superuser; create role side_user login superuser;"
        subprocess.run([*base, "bench", "-c", roles + CUSTOMER_SCHEMA], check=True)
        with Street(server, "bench") as street:
            street.source("db").write().start().activate()
            time.sleep(options.pause)
            found = measure(street, options)
        print(json.dumps({"load": [*loads, os.getloadavg()[0]], **found}, indent=2))
    finally:
        server.destroy()
        subprocess.run(["rm", "-rf", str(folder)], check=False)


if __name__ == "__main__":
    main()
