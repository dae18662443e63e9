"""Memory of one relay while a slow client takes ten million rows. JSON on standard output.

`python bench/memory.py [--rows 10000000] [--pause-ms 1]`

The client reads 64 KiB, pauses, and never keeps anything. `peak_kib` is what the relay's resident memory grew by
at its highest over what it was when the connection was open and idle; DESIGN §13 allows 1 MiB and one message.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import relay as bench
from quivive.simulation.database import PostgresServer, wheel_programs

ACCOUNTS = 100_000
READ_BYTES = 1 << 16


def resident(pid: int, what: str = "VmRSS") -> int:
    """KiB of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition(what + ":")[2].split()[0])


def connected(port: int) -> socket.socket:
    """An open session, in the protocol's own words."""
    client = socket.create_connection(("127.0.0.1", port))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READ_BYTES)
    body = struct.pack("!I", 3 << 16) + b"user\0postgres\0database\0bench\0\0"
    client.sendall(struct.pack("!I", len(body) + 4) + body)
    read_until_ready(client)
    return client


def read_until_ready(client: socket.socket, pause_s: float = 0.0) -> int:
    """Take bytes until ReadyForQuery; how many."""
    total, tail = 0, b""
    while True:
        data = client.recv(READ_BYTES)
        total += len(data)
        tail = (tail + data)[-6:]
        if not data or tail[:5] == b"Z\x00\x00\x00\x05":
            return total
        if pause_s:
            time.sleep(pause_s)


def query(client: socket.socket, sql: str, pause_s: float = 0.0) -> int:
    """One simple query; bytes of its answer."""
    body = sql.encode() + b"\0"
    client.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)
    return read_until_ready(client, pause_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--pause-ms", type=float, default=1.0)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="quivive-bench-"))
    folder.chmod(0o755)
    server = PostgresServer(folder=folder / "pg", programs=wheel_programs())
    child: subprocess.Popen[bytes] | None = None
    try:
        server.start()
        base = ["-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres"]
        subprocess.run(["psql", "-X", "-q", *base, "postgres", "-c", "create database bench"], check=True)
        subprocess.run(["pgbench", "-i", "-q", "-s", "1", *base, "bench"], check=True, capture_output=True)
        child, port = bench.start_relay(folder, server, "observe")
        client = connected(port)
        times = -(-options.rows // ACCOUNTS)
        query(client, "select aid, bid, abalance from pgbench_accounts limit 20000")  # everything made once
        time.sleep(1)
        before = resident(child.pid)
        Path(f"/proc/{child.pid}/clear_refs").write_text("5")  # forget the peak so far
        started = time.monotonic()
        sql = f"select aid, bid, abalance from pgbench_accounts, generate_series(1, {times})"
        taken = query(client, sql, options.pause_ms / 1_000)
        seconds = time.monotonic() - started
        print(
            json.dumps(
                {
                    "load": os.getloadavg()[0],
                    "rows": times * ACCOUNTS,
                    "mib": taken >> 20,
                    "seconds": round(seconds, 1),
                    "resident_kib": before,
                    "peak_kib": resident(child.pid, "VmHWM") - before,
                    "after_kib": resident(child.pid) - before,
                },
                indent=2,
            )
        )
    finally:
        if child is not None:
            child.send_signal(signal.SIGTERM)
            child.wait(20)
        server.destroy()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
