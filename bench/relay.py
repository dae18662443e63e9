"""Relay against direct and pgbouncer (session mode), in one run: interleaved rounds, medians, JSON on standard output.

`python bench/relay.py [--seconds 3] [--rounds 3] [--clients 1,8,32] [--rows 300000] [--strict] [--workers N]
[--beside DIR]`

pgbench select-only, prepared, by key of a protected table, so that every statement is recorded. Needs pgbench and, for
the ratio, pgbouncer; starts everything by itself in a temporary folder (TMPDIR), on loopback ports. `cpu_us` is the CPU
time of the process between, per statement or row: it hardly moves with what else the machine does. `beside` measures
the relay of another checkout (one that is compiled, say) in the same rounds; `workers`, as many processes on one port.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
sys.path.insert(0, str(ROOT / "src"))

from quivive.model.catalogue import Catalogue, Table, TableKind  # noqa: E402
from quivive.simulation.database import PostgresServer, wheel_programs  # noqa: E402

PGBENCH = Catalogue(
    controller="aurore",
    version=1,
    tables=(Table(name="public.pgbench_accounts", kind=TableKind.PERSON, key=("aid",)),),
    not_protected=(),
)
TPS = re.compile(r"tps = ([0-9.]+)")
LATENCY = re.compile(r"latency average = ([0-9.]+) ms")


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on {port}")


def run_relay_child(home: str, target: str, side: str, port: str, mode: str, workers: str, worker: str) -> None:
    """The relay process of the benchmark (this file, started again with `--relay`)."""
    import relay_support  # noqa: PLC0415  # the parent needs none of it

    from quivive.capture.relay import run_relay  # noqa: PLC0415

    relay_support.CATALOGUE = PGBENCH
    facts = {"target": target, "side_dsn": side, "listen": f"127.0.0.1:{port}", "mode": mode, "workers": int(workers)}
    settings = relay_support.make_home(Path(home), **facts)
    profile = os.environ.get("QUIVIVE_PROFILE")
    if not profile:
        sys.exit(run_relay(settings, "db", int(worker)))
    import cProfile  # noqa: PLC0415
    import pstats  # noqa: PLC0415

    profiler = cProfile.Profile()
    code = profiler.runcall(run_relay, settings, "db")
    with Path(profile).open("w") as stream:
        pstats.Stats(profiler, stream=stream).sort_stats("tottime").print_stats(45)
    sys.exit(code)


def start_relay(
    folder: Path,
    server: PostgresServer,
    mode: str,
    *,
    name: str = "",
    checkout: Path = ROOT,
    port: int = 0,
    workers: int = 1,
    worker: int = 1,
) -> tuple[subprocess.Popen[bytes], int]:
    port = port or free_port()
    home = folder / f"home-{name or mode}"
    arguments = [str(home), f"unix:{server.socket}", server.socket_dsn("bench"), str(port), mode]
    program = checkout / "bench" / "relay.py"
    command = [sys.executable, str(program), "--relay", *arguments, str(workers), str(worker)]
    environment = {**os.environ, "PYTHONPATH": str(checkout / "src")}
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    wait_for(port)
    return child, port


def start_workers(folder: Path, server: PostgresServer, workers: int) -> list[tuple[subprocess.Popen[bytes], int]]:
    """One relay of several processes."""
    first = start_relay(folder, server, "observe", name="workers", workers=workers)
    return [first] + [
        start_relay(folder, server, "observe", name="workers", port=first[1], workers=workers, worker=number)
        for number in range(2, workers + 1)
    ]


def start_pgbouncer(folder: Path, server: PostgresServer) -> tuple[subprocess.Popen[bytes], int] | None:
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    if not Path(program).exists():
        return None
    port = free_port()
    (folder / "users.txt").write_text('"postgres" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\nbench = host={server.socket_folder} port={server.socket.name.rpartition('.')[2]} dbname=bench\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\npool_mode = session\nauth_type = trust\n"
        f"auth_file = {folder}/users.txt\ndefault_pool_size = 64\nunix_socket_dir =\nlogfile = {folder}/pgbouncer.log\n"
    )
    folder.chmod(0o777)
    for file in (folder / "users.txt", folder / "pgbouncer.ini"):
        file.chmod(0o666)
    command = [program, "-q", "-u", "nobody", str(folder / "pgbouncer.ini")]
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_for(port)
    return child, port


def pgbench(port: int, clients: int, seconds: float) -> dict[str, float]:
    """One round of select-only, prepared."""
    done = subprocess.run(
        [
            "pgbench",
            "-n",
            "-S",
            "-M",
            "prepared",
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-U",
            "postgres",
            "-c",
            str(clients),
            "-j",
            str(min(clients, 2)),
            "-T",
            str(int(seconds)),
            "bench",
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PGSSLMODE": "disable"},
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    out = done.stdout
    tps, latency = TPS.search(out), LATENCY.search(out)
    assert tps is not None
    assert latency is not None
    return {"tps": float(tps[1]), "latency_ms": float(latency[1])}


def listing(port: int, rows: int) -> float:
    """Seconds for one client to take a result of `rows` rows with its keys."""
    started = time.monotonic()
    subprocess.run(
        [
            "psql",
            "-X",
            "-qAt",
            "-o",
            "/dev/null",
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-U",
            "postgres",
            "bench",
            "-c",
            f"select aid, bid, abalance from pgbench_accounts limit {rows}",
        ],
        check=True,
        env={**os.environ, "PGSSLMODE": "disable"},
    )
    return time.monotonic() - started


def fdatasync_ms(folder: Path) -> float:
    """Median milliseconds to make one appended trace durable here: what `strict` can never be faster than."""
    descriptor = os.open(folder / "probe", os.O_WRONLY | os.O_CREAT)
    times = []
    try:
        for _ in range(200):
            os.write(descriptor, bytes(900))
            started = time.perf_counter()
            os.fdatasync(descriptor)
            times.append(time.perf_counter() - started)
    finally:
        os.close(descriptor)
    return round(1_000 * statistics.median(times), 3)


def cpu_seconds(*pids: int) -> float:
    """CPU time that processes have used, user and system."""
    used = 0.0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


def measure(ports: dict[str, int], pids: dict[str, list[int]], options: argparse.Namespace) -> dict[str, object]:
    result: dict[str, object] = {}
    for clients in [int(text) for text in options.clients.split(",")]:
        rounds: dict[str, list[dict[str, float]]] = {name: [] for name in ports}
        for _ in range(options.rounds):
            for name, port in ports.items():
                before = cpu_seconds(*pids.get(name, []))
                found = pgbench(port, clients, options.seconds)
                used = cpu_seconds(*pids.get(name, [])) - before
                rounds[name].append({**found, "cpu_us": 1e6 * used / (found["tps"] * int(options.seconds))})
        medians = {name: statistics.median(one["tps"] for one in found) for name, found in rounds.items()}
        latencies = {name: statistics.median(one["latency_ms"] for one in found) for name, found in rounds.items()}
        result[f"clients_{clients}"] = {
            "tps": {name: round(value) for name, value in medians.items()},
            "latency_ms": {name: round(value, 3) for name, value in latencies.items()},
            "cpu_us": {name: round(statistics.median(one["cpu_us"] for one in rounds[name]), 1) for name in pids},
            "against_pgbouncer": {
                name: round(value / medians["pgbouncer"], 3)
                for name, value in medians.items()
                if "pgbouncer" in medians
            },
        }
    if options.rows:
        times: dict[str, list[float]] = {name: [] for name in ports}
        used: dict[str, list[float]] = {name: [] for name in pids}
        for _ in range(options.rounds):
            for name, port in ports.items():
                before = cpu_seconds(*pids.get(name, []))
                times[name].append(listing(port, options.rows))
                if name in pids:
                    used[name].append(1e6 * (cpu_seconds(*pids[name]) - before) / options.rows)
        seconds = {name: statistics.median(found) for name, found in times.items()}
        result[f"rows_{options.rows}"] = {
            "seconds": {name: round(value, 3) for name, value in seconds.items()},
            "cpu_us": {name: round(statistics.median(found), 2) for name, found in used.items()},
            "against_direct": {name: round(value / seconds["direct"], 2) for name, value in seconds.items()},
        }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", default="1,8,32")
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--strict", action="store_true", help="measure strict mode too")
    parser.add_argument("--beside", type=Path, help="another checkout whose relay is measured too")
    parser.add_argument("--workers", type=int, default=0, help="measure a relay of so many processes too")
    parser.add_argument("--relay", nargs=7, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.relay:
        run_relay_child(*options.relay)
        return
    folder = Path(tempfile.mkdtemp(prefix="quivive-bench-"))
    folder.chmod(0o755)
    server = PostgresServer(folder=folder / "pg", programs=wheel_programs())
    children: list[subprocess.Popen[bytes]] = []
    try:
        server.start()
        base = ["-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres"]
        subprocess.run(["psql", "-X", "-q", *base, "postgres", "-c", "create database bench"], check=True)
        scale = max(1, -(-options.rows // 100_000))
        subprocess.run(["pgbench", "-i", "-q", "-s", str(scale), *base, "bench"], check=True, capture_output=True)
        ports, pids = {"direct": server.port}, dict[str, list[int]]()
        for name, started in (
            ("pgbouncer", start_pgbouncer(folder, server)),
            ("relay", start_relay(folder, server, "observe")),
            ("strict", start_relay(folder, server, "strict") if options.strict else None),
            (
                "beside",
                start_relay(folder, server, "observe", name="beside", checkout=options.beside)
                if options.beside
                else None,
            ),
        ):
            if started is not None:
                children.append(started[0])
                ports[name] = started[1]
                pids[name] = [started[0].pid]
        for child, port in start_workers(folder, server, options.workers) if options.workers else []:
            children.append(child)
            ports["workers"] = port
            pids.setdefault("workers", []).append(child.pid)
        facts = {"load": os.getloadavg()[0], "fdatasync_ms": fdatasync_ms(folder)}
        print(json.dumps({**facts, **measure(ports, pids, options)}, indent=2))
    finally:
        for child in children:
            child.send_signal(signal.SIGTERM)
            child.wait(20)
        server.destroy()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
