"""The recording gate against a bare peer, in one run: questions at a fixed rate, each on a kept connection.

A real `quivive gate` process with a policy of 200 agents and three campaigns, its spool on this disk, asked as an
exchange asks; beside it, in the same rounds, a bare uvicorn that answers three lines to anything. Half of the calls are
sampled, so half of the answers wait for their trace on the disk (DESIGN §13: p99 20 ms at 500/s).

    python bench/gate.py [--rate 500] [--seconds 10] [--rounds 2] [--connections 16]
"""

import argparse
import asyncio
import json
import os
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

from quivive.model.clock import DAY_US, now_us, utc_day, utc_month
from quivive.model.recording import Medium, Purpose
from quivive.model.recording_register import Listener, Payment, Period, Trigger
from quivive.privacy.keyring import Keyring
from quivive.privacy.pseudonym import agent_key
from quivive.recordings.gate.lent import Lent, encode_lent, seed_name
from quivive.recordings.gate.run import exported
from quivive.recordings.policy import GateCampaign, GatePerson, GatePolicy, encode_policy
from quivive.simulation.database import free_port

AGENTS = 200
TOKEN = "a-token-of-the-bench"
PEER = """
import uvicorn
async def app(scope, receive, send):
    while (await receive())["more_body"]: pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"17")]})
    await send({"type": "http.response.body", "body": b"deny\\nnot_sampled\\n"})
uvicorn.run(app, host="127.0.0.1", port=%d, log_level="critical", access_log=False, lifespan="off")
"""


def installation(home, port):
    """A data folder with keys, policy and loan, as the core writes them."""
    (home / "controllers").mkdir(parents=True)
    (home / "quivive.toml").write_text(
        f'[operator]\nname = "Bench"\norigin = "bench.example/quivive"\n[sources.pbx]\nkind = "gate"\n'
        f'controller = "aurore"\nnamespace = "telephony"\nlisten = "127.0.0.1:{port}"\n'
    )
    (home / "controllers" / "aurore.toml").write_text('name = "Aurore"\nslot = 1\n')
    keyring = Keyring.create(home)
    keyring.ensure_controller("aurore")
    (home / "run" / "relay").mkdir(parents=True, exist_ok=True)
    keyring.export_relay(exported("pbx", "aurore"), "aurore")
    keys, now = keyring.controller_keys("aurore"), now_us()
    people = {secrets.token_hex(16): str(4_000 + number) for number in range(AGENTS)}
    campaigns = tuple(
        GateCampaign(
            campaign=name, version=1, controller="aurore", purpose=Purpose.TRAINING, media=(Medium.RECORDING,),
            trigger=Trigger.SAMPLE, sites=(), teams=(), queues=(queue,), from_at=now - DAY_US, to_at=now + DAY_US,
            periods=(Period(from_at=now - DAY_US, to_at=now + DAY_US),), share_permille=500, cap_month=100_000,
            listeners=(Listener(principal="e1"),), announcement="v3", payment=Payment.NONE,
            informed=dict.fromkeys(people, now - DAY_US),
        )
        for name, queue in (("a", "ventes"), ("b", "retours"), ("coaching", "assistance"))
    )  # fmt: skip
    policy = GatePolicy(
        made_at=now, good_until=now + DAY_US, campaigns=campaigns,
        people={person: GatePerson(site="lille", team="t", active=True) for person in people},
        accounts={agent_key(keys, "telephony", login): person for person, login in people.items()},
    )  # fmt: skip
    days = {utc_day(now), utc_day(now + DAY_US)}
    lent = Lent(
        tokens={"pbx": (sha256(TOKEN.encode()).hexdigest(),)},
        seeds={seed_name("aurore", each.campaign, day): secrets.token_hex(32) for each in campaigns for day in days},
        month=utc_month(now),
    )
    (home / "run" / "gate.json").write_bytes(encode_policy(policy))
    (home / "run" / "gate-lent.json").write_bytes(encode_lent(lent))


async def asker(port, times, latencies, yes):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    loop = asyncio.get_running_loop()
    for at, number in times:
        await asyncio.sleep(max(0, at - loop.time()))
        call = f"{number}.{secrets.randbits(32)}"
        body = f"agent={4_000 + number % AGENTS}&queue=assistance&announced=v3&call={call}".encode()
        began = time.perf_counter()
        writer.write(
            b"POST /may_record HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer " + TOKEN.encode()
            + b"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
            + str(len(body)).encode() + b"\r\n\r\n" + body
        )  # fmt: skip
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        answer = await reader.readexactly(length)
        latencies.append(time.perf_counter() - began)
        yes.append(answer.startswith(b"allow"))
    writer.close()


async def load(port, rate, seconds, connections):
    """Questions spread evenly over the connections; latency from the send to the whole answer."""
    loop, latencies, yes = asyncio.get_running_loop(), [], []
    begin = loop.time() + 0.5
    plan = [(begin + number / rate, number) for number in range(rate * seconds)]
    await asyncio.gather(*(asker(port, plan[each::connections], latencies, yes) for each in range(connections)))
    cut = statistics.quantiles(latencies, n=1_000)
    return {
        "p50_ms": round(cut[499] * 1e3, 3), "p99_ms": round(cut[989] * 1e3, 3),
        "max_ms": round(max(latencies) * 1e3, 3),
        "asked": len(latencies), "allowed": sum(yes), "per_s": round(len(latencies) / (loop.time() - begin), 1),
    }  # fmt: skip


async def listening(port):
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        return
    raise RuntimeError("not listening")


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("rate", 500), ("seconds", 10), ("rounds", 2), ("connections", 16)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="quivive-gate-"))
    gate_port, peer_port = free_port(), free_port()
    installation(folder / "home", gate_port)
    programs = {
        "gate": [sys.executable, "-m", "quivive", "--home", str(folder / "home"), "gate"],
        "peer": [sys.executable, "-c", PEER % peer_port],
    }
    running = {name: subprocess.Popen(words, stderr=subprocess.DEVNULL) for name, words in programs.items()}
    results = {"gate": [], "peer": []}
    try:
        for port in (gate_port, peer_port):
            asyncio.run(listening(port))
        time.sleep(1.5)  # the gate looks at its policy each second
        for _ in range(options.rounds):
            for name, port in (("peer", peer_port), ("gate", gate_port)):
                before = cpu_s(running[name].pid)
                found = asyncio.run(load(port, options.rate, options.seconds, options.connections))
                found["cpu_us"] = round((cpu_s(running[name].pid) - before) / found["asked"] * 1e6)
                results[name].append(found)
    finally:
        for process in running.values():
            process.send_signal(signal.SIGTERM)
            process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)
    ratio = statistics.median(r["p99_ms"] for r in results["gate"]) / statistics.median(
        r["p99_ms"] for r in results["peer"]
    )
    print(
        json.dumps(
            {"bench": "gate", "load": os.getloadavg()[0], "rate": options.rate, **results, "p99_ratio": round(ratio, 2)}
        )
    )


if __name__ == "__main__":
    main()
