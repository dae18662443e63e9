"""Claims about quivive.supervisor: children that die are started again, ends are orderly and bounded."""

import asyncio
import contextlib
import errno
import os
import signal
from types import SimpleNamespace

from quivive import supervisor as module
from quivive.settings import SourceKind
from quivive.supervisor import Supervisor


def settings(home, *sources):
    return SimpleNamespace(
        home=home, sources={name: SimpleNamespace(kind=SourceKind.POSTGRES, drain_s=0, workers=1) for name in sources}
    )


def children(supervisor):
    return [supervisor._core, *supervisor._relays]


async def reached(what):
    for _ in range(1_000):
        if what():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not in time")


def play(home, monkeypatch, scripts, work, *sources):
    """Run a supervisor whose children are small real programs: `scripts[name]` instead of `quivive …`."""
    original = asyncio.create_subprocess_exec

    async def instead(*words, **options):
        name = " ".join(words[5:])
        return await original("/bin/sh", "-c", scripts[name], **options)

    monkeypatch.setattr(module.asyncio, "create_subprocess_exec", instead)
    told = []

    async def run():
        supervisor = Supervisor(settings(home, *sources), told.append)
        monkeypatch.setattr(supervisor, "_wait_for_core", lambda: asyncio.sleep(0))
        running = asyncio.create_task(supervisor.run())
        try:
            await work(supervisor)
            supervisor.stop()
            return await asyncio.wait_for(running, 15)
        finally:
            for child in children(supervisor):
                if child.process is not None and child.process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        child.process.kill()

    return asyncio.run(run()), told


def test_a_killed_child_is_started_again_and_told(tmp_path, monkeypatch):
    """kill -9: one line, a new process, the others untouched."""

    async def work(supervisor):
        await reached(lambda: all(child.process for child in children(supervisor)))
        relay, core = supervisor._relays[0], supervisor._core
        before, other = relay.process.pid, core.process.pid
        os.kill(before, signal.SIGKILL)
        await reached(lambda: relay.process.pid != before)
        assert core.process.pid == other
        assert relay.restarts == 1

    scripts = {"core": "exec sleep 30", "relay db": "exec sleep 30"}
    code, told = play(tmp_path, monkeypatch, scripts, work, "db")
    assert code == 0
    assert [line for line in told if line.startswith("relay db: ended with -9; starting again in 0.1 s")]


def test_a_child_that_can_never_start_ends_everything(tmp_path, monkeypatch):
    """Exit code 2 is the configuration's: serve ends with it, and stops the others."""

    async def work(supervisor):
        await asyncio.wait_for(supervisor._stopping.wait(), 10)

    scripts = {"core": "exec sleep 30", "relay db": "exit 2"}
    code, told = play(tmp_path, monkeypatch, scripts, work, "db")
    assert code == 2
    assert told == ["relay db: cannot start; see the line above"]


def test_relays_end_before_the_core(tmp_path, monkeypatch):
    """So that the core takes in their last records."""
    order = tmp_path / "order"
    script = "trap 'echo {0} >> {1}; exit 0' TERM; while :; do sleep 0.05; done"
    scripts = {"core": script.format("core", order), "relay db": script.format("relay", order)}

    async def work(supervisor):
        await reached(lambda: all(child.process for child in children(supervisor)))
        await asyncio.sleep(0.2)

    code, _ = play(tmp_path, monkeypatch, scripts, work, "db")
    assert code == 0
    assert order.read_text().split() == ["relay", "core"]


def test_a_child_that_does_not_end_is_killed(tmp_path, monkeypatch):
    """Bounded: a stuck process holds nobody up for long."""
    monkeypatch.setattr(module, "STOP_S_MAX", 0.3)

    async def work(supervisor):
        await reached(lambda: supervisor._core.process)
        await asyncio.sleep(0.2)

    code, told = play(tmp_path, monkeypatch, {"core": "trap '' TERM; while :; do sleep 0.05; done"}, work)
    assert code == 0
    assert any("did not end" in line for line in told)


def test_each_worker_is_a_child(tmp_path):
    """`workers = 2`: two processes, the second by its number."""
    two = SimpleNamespace(kind=SourceKind.POSTGRES, drain_s=0, workers=2)
    supervisor = Supervisor(SimpleNamespace(home=tmp_path, sources={"db": two}), lambda _: None)
    assert [(child.name, child.arguments) for child in supervisor._relays] == [
        ("relay db", ("relay", "db")),
        ("relay db-w2", ("relay", "db", "--worker", "2")),
    ]


def test_stopping_while_a_child_starts_leaves_none_behind(tmp_path, monkeypatch):
    """A stop that falls between the decision to start and the started process still ends it."""
    started = []
    original = asyncio.create_subprocess_exec

    async def slow(*_words, **options):
        process = await original("/bin/sh", "-c", "exec sleep 30", **options)
        started.append(process)
        await asyncio.sleep(0.3)
        return process

    monkeypatch.setattr(module.asyncio, "create_subprocess_exec", slow)

    async def run():
        supervisor = Supervisor(settings(tmp_path), lambda _: None)
        monkeypatch.setattr(supervisor, "_wait_for_core", lambda: asyncio.sleep(0))
        running = asyncio.create_task(supervisor.run())
        await reached(lambda: started)
        supervisor.stop()
        try:
            return await asyncio.wait_for(running, 5), started[0].returncode
        finally:
            if started[0].returncode is None:
                started[0].kill()

    code, ended = asyncio.run(run())
    assert (code, ended) == (0, -signal.SIGTERM)


def test_a_spare_takes_the_place_of_a_killed_relay(tmp_path, monkeypatch):
    """It is told on its standard input which relay to be; another spare follows."""
    monkeypatch.setattr(module, "SPARE_AFTER_S", 0.01)
    monkeypatch.setattr(module, "SPARE_PERIOD_S", 0.01)
    told_to_spare = tmp_path / "order"

    async def work(supervisor):
        relay = supervisor._relays[0]
        await reached(lambda: relay.process is not None and supervisor._spare is not None)
        first, spare = relay.process.pid, supervisor._spare
        os.kill(first, signal.SIGKILL)
        await reached(lambda: relay.process is spare)
        await reached(lambda: told_to_spare.exists() and told_to_spare.read_text() == "db\t1\n")
        await reached(lambda: supervisor._spare is not None and supervisor._spare is not spare)
        assert spare.returncode is None

    scripts = {
        "core": "exec sleep 30",
        "relay db": "exec sleep 30",
        f"spare {module.SPARE_ROOM}": f"head -1 > {told_to_spare}.tmp; mv {told_to_spare}.tmp {told_to_spare}; exec sleep 30",
    }
    code, _ = play(tmp_path, monkeypatch, scripts, work, "db")
    assert code == 0


def test_without_a_spare_a_relay_starts_as_before(tmp_path, monkeypatch):
    """A spare that dies is no reason to be down."""
    monkeypatch.setattr(module, "SPARE_AFTER_S", 0.01)
    monkeypatch.setattr(module, "SPARE_PERIOD_S", 0.01)

    async def work(supervisor):
        relay = supervisor._relays[0]
        await reached(lambda: relay.process is not None)
        await asyncio.sleep(0.2)
        first = relay.process.pid
        os.kill(first, signal.SIGKILL)
        await reached(lambda: relay.process.pid != first)

    scripts = {"core": "exec sleep 30", "relay db": "exec sleep 30", f"spare {module.SPARE_ROOM}": "exit 1"}
    code, _ = play(tmp_path, monkeypatch, scripts, work, "db")
    assert code == 0


def test_a_child_that_the_machine_refuses_comes_back(tmp_path, monkeypatch):
    """EAGAIN or ENOMEM at a start, of a child or of the spare: told, tried again, nothing else ends."""
    monkeypatch.setattr(module, "SPARE_AFTER_S", 0.01)
    monkeypatch.setattr(module, "RESTART_DELAY_MAX_S", 0.05)
    refused = {"relay db": 2, f"spare {module.SPARE_ROOM}": 1}

    async def work(supervisor):
        start = supervisor._start
        await reached(lambda: all(child.process for child in children(supervisor)))

        async def refusing(*words, **options):
            if refused.get(" ".join(words), 0):
                refused[" ".join(words)] -= 1
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            return await start(*words, **options)

        monkeypatch.setattr(supervisor, "_start", refusing)
        relay = supervisor._relays[0]
        first = relay.process.pid
        os.kill(first, signal.SIGKILL)
        await reached(lambda: relay.process.pid != first and relay.process.returncode is None)
        await reached(lambda: not any(refused.values()))
        assert supervisor._core.restarts == 0

    scripts = {"core": "exec sleep 30", "relay db": "exec sleep 30", f"spare {module.SPARE_ROOM}": "exit 1"}
    code, told = play(tmp_path, monkeypatch, scripts, work, "db")
    assert code == 0
    assert len([line for line in told if line.startswith("relay db: did not start: Resource temporarily")]) == 2
