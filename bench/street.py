"""On the wire → judged and visible: synthetic accesses posted at rising rates, probes that wait for their verdict.

A real `quivive serve` without databases takes batches over POST /v1/accesses, with a call for every tenth access.
At each rate, probes are rows of their own whose person is asked for over GET /v1/accesses until a verdict stands
there: the time from the send to that answer is what is measured (DESIGN §13: 2,000/s, p99 3 s). Each look is an
act, durable before its answer, as for anyone who asks; sender and probes share the machine with the core.

    python bench/street.py [--rates 50,500,2000] [--probes 4] [--seconds 6] [--profile FILE]
"""

import argparse
import contextlib
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "integration"))

from street_support import Street, until

from quivive.model.clock import now_us, to_rfc3339

BATCH_S = 0.05
POLL_S = 0.1
"""A look is a query and an act: pollers that look more often measure themselves."""
PROBE_LIMIT_S = 20.0
AGENTS = ("anna", "boris", "carla")
RECORDS = 50_000


class Api:
    """One kept connection."""

    def __init__(self, street, token):
        self.connection = http.client.HTTPConnection("127.0.0.1", street.web, timeout=30)
        self.headers = {"Authorization": f"Bearer {street.tokens[token]}", "Content-Type": "application/json"}

    def call(self, method, path, body=None):
        self.connection.request(method, path, None if body is None else json.dumps(body), self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:200]!r}")
        return json.loads(text)


def access(identifier, number):
    return {
        "id": identifier,
        "at": to_rfc3339(now_us()),
        "controller": "aurore",
        "agent": AGENTS[number % len(AGENTS)],
        "action": "read",
        "records": [f"customer:{number}"],
        "columns": ["customer.last_name"],
    }


def call_of(identifier, number):
    at = to_rfc3339(now_us() - 1_000_000)
    agent = AGENTS[number % len(AGENTS)]
    return {
        "id": identifier,
        "version": 1,
        "kind": "call",
        "controller": "aurore",
        "direction": "inbound",
        "agent": agent,
        "records": [f"customer:{number}"],
        "started_at": at,
        "legs": [{"agent": agent, "from": at, "to": None}],
    }


def send(street, rate, until_at, tag, out):
    """Post batches on time; what the core could not take in time is sent late, never skipped."""
    accesses, contacts = Api(street, "api"), Api(street, "telephony")
    began, sent, delays = time.monotonic(), 0, []
    while (now := time.monotonic()) < until_at:
        due = int((now - began) * rate) - sent
        if due > 0:
            rows = [access(f"{tag}-{sent + n}", (sent + n) * 7_919 % RECORDS) for n in range(due)]
            at = time.monotonic()
            accesses.call("POST", "/v1/accesses", rows)
            delays.append(time.monotonic() - at)
            calls = [call_of(f"{tag}-{sent + n}", (sent + n) * 7_919 % RECORDS) for n in range(0, due, 10)]
            contacts.call("POST", "/v1/contacts", calls)
            contacts.call("POST", "/v1/heartbeats", {"complete_to": to_rfc3339(now_us())})
            sent += due
        time.sleep(max(0.0, BATCH_S - (time.monotonic() - now)))
    out["sent"], out["send_s"], out["acknowledged"] = sent, time.monotonic() - began, delays


def probe(street, until_at, numbers, found):
    """One row after the other, each followed until its verdict is visible."""
    writer, reader = Api(street, "api"), Api(street, "reader")
    for number in numbers:
        if time.monotonic() >= until_at:
            return
        search = reader.call("POST", "/v1/subject-searches", {"controller": "aurore", "record": f"customer:{number}"})
        began = time.monotonic()
        writer.call("POST", "/v1/accesses", [access(f"probe-{number}", number)])
        while time.monotonic() - began < PROBE_LIMIT_S:
            items = reader.call("GET", f"/v1/accesses?subject={search['id']}")["items"]
            if items and items[0]["verdict"]:
                break
            time.sleep(POLL_S)
        found.append(time.monotonic() - began)
        time.sleep(POLL_S)


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def cpu_s(pid):
    """Processor seconds of one process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(street, rate, seconds, first, probes):
    out, found, core = {}, [], street.child("core")
    before, at = cpu_s(core), time.monotonic()
    until_at = at + seconds
    threads = [threading.Thread(target=send, args=(street, rate, until_at, f"r{rate}-{first}", out))]
    for number in range(probes):
        numbers = range(first + number, first + 10_000, probes)
        threads.append(threading.Thread(target=probe, args=(street, until_at, numbers, found)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    used = (cpu_s(core) - before) / (time.monotonic() - at)
    until(lambda: street.ask("status")["entries_behind"] == 0, 60)
    return {
        "rate_asked": rate,
        "rate_sent": round(out["sent"] / out["send_s"]),
        "accesses": out["sent"],
        "acknowledged_p50_ms": round(1_000 * statistics.median(out["acknowledged"]), 1),
        "acknowledged_p99_ms": round(1_000 * quantile(out["acknowledged"], 0.99), 1),
        "probes": len(found),
        "visible_p50_s": round(statistics.median(found), 3) if found else None,
        "visible_p99_s": round(quantile(found, 0.99), 3) if found else None,
        "visible_max_s": round(max(found), 3) if found else None,
        "core_processors": round(used, 2),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rates", default="50,500,1000,2000")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--probes", type=int, default=4, help="Under way at once; 0 shows what the core alone needs")
    parser.add_argument("--profile", help="Prefix of py-spy profiles of the core, one for each rate (needs py-spy)")
    options = parser.parse_args()
    with Street() as street:
        street.write().start().activate()
        steps, first = [], 1_000_000
        for rate in (int(text) for text in options.rates.split(",")):
            with profiled(options.profile, street.child("core"), rate, options.seconds):
                steps.append(measure(street, rate, options.seconds, first, options.probes))
            first += 10_000
        print(
            json.dumps({"bench": "street", "floor": "p99 3 s at 2,000/s", "seconds": options.seconds, "steps": steps})
        )


@contextlib.contextmanager
def profiled(prefix, pid, rate, seconds):
    """Record the core with py-spy, in collapsed stacks."""
    if not prefix:
        yield
        return
    program = Path(sys.executable).with_name("py-spy")
    words = [program, "record", "--nonblocking", "-t", "-f", "raw", "-r", "50", "-d", str(int(seconds)), "-p", str(pid)]
    with subprocess.Popen(
        [*words, "-o", f"{prefix}-{rate}.txt"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
