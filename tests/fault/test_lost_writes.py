"""Power loss: every prefix of the system calls of one append and publication, with un-synced effects lost (fault 12).

The calls are recorded with strace. Data of a file counts as durable once that file was synced, a name once its folder
was; SQLite's own calls are among them. For each point of the recording the states are: everything un-synced lost, all
of it kept, each effect alone lost, each alone kept, and random subsets. Prints how many states were explored.
"""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ledger_support import BASE, LATER, LONG, WORK, event, make_base, open_ledger, settle

pytestmark = [pytest.mark.integration, pytest.mark.fault, pytest.mark.timeout(3_000)]

CALLS = "write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,openat,ftruncate,link,linkat"
SEED = 20261123
RANDOM_SUBSETS = 80 if LONG else 1
MAX_STATES = 5_000 if LONG else 70
"""Distinct crash states that are tried; which ones of those enumerated, the seed decides."""
TOLD_EVERY = 500
LINE = re.compile(r"^(\d+ +)?(\w+)\((.*)\)\s+= (-?\d+)(?:<(.*)>)?", re.DOTALL)
FD = re.compile(r"^\d+<([^>]*)>")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(slots=True)
class Effect:
    """One thing a call changes: bytes of an inode, or a name of a folder."""

    step: int
    kind: str
    inode: int = 0
    path: str = ""
    old: str = ""
    at: int = 0
    data: bytes = b""
    durable_from: int = field(default=1 << 60)


class Recording:
    """The calls of one run as effects, each with the step from which it is durable."""

    def __init__(self, base: Path) -> None:
        self.base = {str(path.relative_to(base)): path.read_bytes() for path in base.rglob("*") if path.is_file()}
        self.folders = {str(path.relative_to(base)) for path in base.rglob("*") if path.is_dir()}
        self.names = {name: number for number, name in enumerate(self.base)}
        self.contents = {number: bytearray(self.base[name]) for name, number in self.names.items()}
        self.effects: list[Effect] = []
        self.acknowledged_from = 1 << 60
        self.step = 0

    def take(self, call: str, arguments: str, result: str, root: str) -> None:
        self.step += 1
        texts = [bytes.fromhex(text.replace("\\x", "")) for text in TEXT.findall(arguments)]
        found = FD.match(arguments)
        place = found[1] if found else ""
        if place.startswith("\\x"):  # -xx writes the places of descriptors so as well
            place = bytes.fromhex(place.replace("\\x", "")).decode()
        name = os.path.relpath(place, root) if place.startswith(root + "/") else ("" if place != root else ".")
        if place.endswith("/acknowledged") and call == "write":
            self.acknowledged_from = min(self.acknowledged_from, self.step)
        elif call in ("write", "pwrite64") and name in self.names:
            inode = self.names[name]
            at = len(self.contents[inode]) if call == "write" else int(arguments.rpartition(",")[2])
            self.write(inode, at, texts[0][: int(result)])
        elif call in ("fsync", "fdatasync") and name:
            self.sync(name)
        elif call == "ftruncate" and name in self.names:
            length = int(arguments.rpartition(",")[2])
            inode = self.names[name]
            self.add(Effect(self.step, "cut", inode=inode, at=length))
            del self.contents[inode][length:]
        elif texts and call not in ("write", "pwrite64"):
            self.names_change(call, arguments, [text.decode() for text in texts], root)

    def names_change(self, call, arguments, paths, root):
        inside = [os.path.relpath(path, root) if path.startswith(root + "/") else "" for path in paths]
        if not inside[0]:
            return
        if call == "openat" and "O_CREAT" in arguments and inside[0] not in self.names:
            self.names[inside[0]] = len(self.contents)
            self.contents[self.names[inside[0]]] = bytearray()
            self.add(Effect(self.step, "name", inode=self.names[inside[0]], path=inside[0]))
        elif call == "openat" and "O_TRUNC" in arguments:
            self.add(Effect(self.step, "cut", inode=self.names[inside[0]], at=0))
            self.contents[self.names[inside[0]]].clear()
        elif call.startswith("rename"):
            inode = self.names.pop(inside[0])
            self.names[inside[1]] = inode
            self.add(Effect(self.step, "name", inode=inode, path=inside[1], old=inside[0]))
        elif call.startswith("link"):
            self.names[inside[1]] = self.names[inside[0]]
            self.add(Effect(self.step, "name", inode=self.names[inside[1]], path=inside[1]))
        elif call.startswith("unlink") and inside[0] in self.names:
            del self.names[inside[0]]
            self.add(Effect(self.step, "gone", path=inside[0]))
        elif call.startswith("mkdir"):
            self.folders.add(inside[0])
            self.add(Effect(self.step, "folder", path=inside[0]))

    def write(self, inode, at, data):
        content = self.contents[inode]
        content[len(content) :] = bytes(max(0, at - len(content)))
        content[at : at + len(data)] = data
        self.add(Effect(self.step, "data", inode=inode, at=at, data=data))

    def add(self, effect):
        self.effects.append(effect)

    def sync(self, name):
        inode = self.names.get(name, -1)
        for effect in self.effects:
            data = effect.kind in ("data", "cut") and effect.inode == inode
            named = effect.kind in ("name", "gone", "folder") and str(Path(effect.path).parent) == name
            if data or named:
                effect.durable_from = min(effect.durable_from, self.step)

    def state(self, step: int, kept) -> tuple[set[str], dict[str, bytes]]:
        """Folders and files after a crash at `step`, with the un-synced effects of `kept` (their numbers)."""
        names = {name: number for number, name in enumerate(self.base)}
        contents = {number: bytearray(data) for number, data in enumerate(self.base.values())}
        folders = set()
        for number, effect in enumerate(self.effects):
            if effect.step > step or (effect.durable_from > step and number not in kept):
                continue
            content = contents.setdefault(effect.inode, bytearray())
            if effect.kind == "data":
                content[len(content) :] = bytes(max(0, effect.at - len(content)))
                content[effect.at : effect.at + len(effect.data)] = effect.data
            elif effect.kind == "cut":
                del content[effect.at :]
            elif effect.kind == "name":
                names.pop(effect.old, None)
                names[effect.path] = effect.inode
            elif effect.kind == "gone":
                names.pop(effect.path, None)
            else:
                folders.add(effect.path)
        return folders, {name: bytes(contents.get(inode, b"")) for name, inode in names.items()}

    def volatile(self, step):
        return [n for n, effect in enumerate(self.effects) if effect.step <= step < effect.durable_from]


def record(base: Path, work: Path) -> Recording:
    """Trace a child that appends, is told that it is durable, and publishes."""
    shutil.copytree(base, work)
    trace, mark = work.parent / "trace", work.parent / "acknowledged"
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os.kill(os.getpid(), signal.SIGSTOP)
            ledger = open_ledger(work)
            ledger.append([event(seq, LATER) for seq in range(BASE + 1, BASE + WORK + 1)], LATER)
            mark.write_text("durable")
            ledger.publish(LATER)
            ledger.close()
            os._exit(0)
        os._exit(1)
    os.waitpid(child, os.WUNTRACED)
    command = ["strace", "-y", "-xx", "-s", "20000000", "-e", f"trace={CALLS}", "-o", str(trace), "-p", str(child)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as tracer:
        wait_traced(child)
        os.kill(child, signal.SIGCONT)
        _, status = os.waitpid(child, 0)
        tracer.wait()
    assert os.waitstatus_to_exitcode(status) == 0
    recording = Recording(base)
    for line in trace.read_text().split("\n"):
        match = LINE.match(line)
        if match and int(match[4]) >= 0:
            recording.take(match[2], match[3], match[4], str(work))
    return recording


def wait_traced(pid):
    for _ in range(400):
        if "TracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text():
            return
        time.sleep(0.01)
    pytest.fail("strace did not attach")


def subsets(volatile, chance):
    """Which un-synced effects survive: none, all, all but one, one alone, random ones."""
    seen = set()
    every = frozenset(volatile)
    singles = [frozenset([one]) for one in volatile]
    for kept in (
        frozenset(), every, *(every - one for one in singles), *singles,
        *(frozenset(n for n in volatile if chance.random() < 0.5) for _ in range(RANDOM_SUBSETS)),
    ):  # fmt: skip
        if kept not in seen:
            seen.add(kept)
            yield kept


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_every_legal_loss_leaves_a_ledger_that_goes_on(tmp_path):
    """Acknowledged entries stand once, heads never go back, and the folder verifies after the next publication."""
    make_base(tmp_path / "base")
    recording = record(tmp_path / "base", tmp_path / "work")
    assert recording.acknowledged_from < recording.step
    assert len(recording.effects) > 60
    chance = random.Random(SEED)
    states = {
        (step, kept) for step in range(recording.step + 1) for kept in subsets(recording.volatile(step), chance)
    }  # fmt: skip
    chosen = sorted(states, key=lambda state: (state[0], sorted(state[1])))
    chance.shuffle(chosen)
    distinct = set()
    for step, kept in chosen:
        folders, files = recording.state(step, kept)
        print_of = hash((frozenset(folders), frozenset(files.items())))
        if print_of in distinct:
            continue
        if len(distinct) == MAX_STATES:
            break
        distinct.add(print_of)
        home = tmp_path / "crash"
        materialise(home, recording.base, folders, files, tmp_path / "base")
        acknowledged = BASE + WORK if step >= recording.acknowledged_from else BASE
        try:
            settle(home, acknowledged)
        except BaseException:
            print(f"step {step} of {recording.step}, kept {sorted(kept)}")
            print([recording.effects[n].path or recording.effects[n].inode for n in recording.volatile(step)])
            raise
        shutil.rmtree(home)
        if len(distinct) % TOLD_EVERY == 0:
            print(f"{len(distinct)} states", flush=True)
    print(f"\n{len(distinct)} distinct crash states explored of {len(states)} enumerated, {recording.step} calls")


def materialise(home, base_files, folders, files, base):
    shutil.copytree(base, home, ignore=lambda *_: [])
    for name in base_files:
        if name not in files:
            (home / name).unlink()
    for folder in sorted(folders):
        (home / folder).mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        if name.endswith("-shm"):
            (home / name).unlink(missing_ok=True)  # shared memory: SQLite makes it anew
            continue
        if not (home / name).parent.is_dir():
            continue  # a file whose folder was lost is lost with it
        (home / name).write_bytes(data)
