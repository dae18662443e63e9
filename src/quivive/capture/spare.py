"""A relay process that is not yet one: everything imported, waiting on standard input to be told which relay to be.

Started by the supervisor beside the relays; when one dies, its place is taken without the half second (several on a
loaded machine) that a new interpreter needs. Must never open a socket, a key or a spool before it is told.
"""

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from quivive.capture.relay import EXIT_CONFIGURATION, run_relay
from quivive.language import said
from quivive.model.errors import QuiviveError
from quivive.settings import Settings
from quivive.wire.sql import plan_of

WARM_UP: Final = "select a.id, b.name from a join b on a.id = b.id where a.id = $1 and b.name like 'x%'"
"""Parsed once while waiting: the parser builds its tables at its first statement."""
_ARGUMENTS_AT: Final = 45  # fields of /proc/self/stat after the name: arg_start and arg_end are 48 and 49 (proc(5))


def run_spare(load: Callable[[], Settings], room: str) -> int:
    """Wait for an order (`NAME<tab>WORKER`), then be that relay; 0 when standard input ends without one.

    `room` is the last argument of this process, of no other use than to make room in its command line.
    """
    plan_of(WARM_UP)
    line = sys.stdin.buffer.readline()
    if not line:
        return 0
    name, _, worker = line.decode().strip().partition("\t")
    _say_who(room, "relay", name, *(() if worker == "1" else ("--worker", worker)))
    try:
        settings = load()
    except QuiviveError as error:
        sys.stderr.write(f"quivive relay {name}: {said(str(error))}\n")
        return EXIT_CONFIGURATION
    return run_relay(settings, name, int(worker))


def _say_who(room: str, *words: str) -> None:
    """Let `ps` show the relay that this process has become; where that cannot be told, nothing happens."""
    if sys.platform != "linux":
        return
    arguments = Path("/proc/self/cmdline").read_bytes()
    at = arguments.rfind(b"\0spare\0" + room.encode() + b"\0") + 1
    text = "\0".join(words).encode()
    size = len(arguments) - at
    if at == 0 or len(text) >= size:
        return
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start = int(fields[_ARGUMENTS_AT])
    ctypes.memmove(start + at, text.ljust(size, b"\0"), size)
