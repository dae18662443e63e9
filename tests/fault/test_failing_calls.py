"""Errors of the operating system injected by strace into each call of one append and publication (faults 11, 14, 15).

A child is stopped, strace attaches and lets the n-th call of one name fail with one error; the child tries again once,
as the core does, and tells by its exit code what was acknowledged. Afterwards the folder must go on and verify.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ledger_support import BASE, LATER, LONG, WORK, event, make_base, open_ledger, settle

from quivive.model.errors import QuiviveError

pytestmark = [pytest.mark.integration, pytest.mark.fault, pytest.mark.timeout(3_000)]

CALLS = (
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "rename",
    "openat",
    "mkdir",
    "unlink",
    "link",
    "close",
    "read",
    "pread64",
)
ERRORS = ("EIO", "ENOSPC", "EROFS", "EDQUOT") if LONG else ("EIO",)
STRIDE = 1 if LONG else 11
MAX_CALLS = 400
ACKNOWLEDGED, REFUSED = 10, 11


def work(home):
    """What the core does: open, append, publish; a refusal is tried once more when the disk is back."""
    acknowledged = False
    for _ in range(2):
        with contextlib.suppress(QuiviveError, OSError):
            ledger = open_ledger(home)
            try:
                ledger.append([event(seq, LATER) for seq in range(BASE + 1, BASE + WORK + 1)], LATER)
                acknowledged = True
                ledger.publish(LATER)
            finally:
                ledger.close()
    return ACKNOWLEDGED if acknowledged else REFUSED


def run(home, call, error, number):
    """Exit code of the child, and whether the fault was injected."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            os.kill(os.getpid(), signal.SIGSTOP)
            code = work(home)
        os._exit(code)
    os.waitpid(child, os.WUNTRACED)
    trace = home.parent / "trace"
    inject = f"inject={call}:error={error}:when={number}"
    command = ["strace", "-e", f"trace={call}", "-e", inject, "-o", str(trace), "-p", str(child)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as tracer:
        for _ in range(400):
            if "TracerPid:\t0\n" not in Path(f"/proc/{child}/status").read_text():
                break
            time.sleep(0.005)
        os.kill(child, signal.SIGCONT)
        _, status = os.waitpid(child, 0)
        tracer.wait()
    return os.waitstatus_to_exitcode(status), "(INJECTED)" in trace.read_text(errors="replace")


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("call", CALLS)
def test_a_failing_call_corrupts_nothing(tmp_path, call, error):
    """For the n-th call of each name: no acknowledged entry lost, none doubled, whole verification afterwards."""
    make_base(tmp_path / "base")
    injected = 0
    for number in range(1, MAX_CALLS, STRIDE):
        home = tmp_path / "home"
        shutil.copytree(tmp_path / "base", home)
        code, hit = run(home, call, error, number)
        if not hit:
            break
        injected += 1
        assert code in (ACKNOWLEDGED, REFUSED), (call, error, number, code)
        settle(home, BASE + WORK if code == ACKNOWLEDGED else BASE)
        shutil.rmtree(home)
    else:
        pytest.fail("the child never came to its end")
    print(f"\n{call} {error}: {injected} failures injected")
    assert injected or call in ("mkdir", "unlink", "link")
