"""The modules of a relay's hot path that may be compiled (`make compiled`), and whether they are.

Called by `tools/compile_hot.py` and `quivive doctor`. Pure Python runs all of them; compiling changes speed alone. Must
never import what it names.
"""

import importlib.machinery
from enum import StrEnum
from pathlib import Path
from typing import Final

MODULES: Final = (
    "quivive.capture.encode",
    "quivive.capture.holding",
    "quivive.capture.key_reader",
    "quivive.capture.keys",
    "quivive.capture.leg",
    "quivive.capture.parts",
    "quivive.capture.postgres_proxy",
    "quivive.capture.quick",
    "quivive.capture.recorder",
    "quivive.capture.run",
    "quivive.privacy.hasher",
    "quivive.spool.group",
    "quivive.spool.record",
    "quivive.spool.writer",
    "quivive.wire.framing",
    "quivive.wire.postgres.backend",
    "quivive.wire.postgres.frontend",
    "quivive.wire.postgres.lane",
    "quivive.wire.postgres.messages",
    "quivive.wire.postgres.rows",
    "quivive.wire.postgres.scan",
    "quivive.wire.postgres.session",
    "quivive.wire.postgres.state",
)
_SOURCE: Final = Path(__file__).resolve().parents[1]


class Compiled(StrEnum):
    NO = "no"
    YES = "yes"
    PARTLY = "partly"
    STALE = "stale"
    """Older than its source: what runs is not what stands there."""


def source_file(module: str) -> Path:
    """The Python of a module."""
    return _SOURCE / (module.replace(".", "/") + ".py")


def compiled_file(module: str) -> Path:
    """Where its compiled form stands, if it does: the name that this interpreter looks for first."""
    return source_file(module).with_suffix(importlib.machinery.EXTENSION_SUFFIXES[0])


def compiled() -> Compiled:
    """Whether the hot modules of this installation are compiled for this interpreter."""
    found = [module for module in MODULES if compiled_file(module).exists()]
    if not found:
        return Compiled.NO
    for module in found:
        made_at = compiled_file(module).stat().st_mtime
        types = source_file(module).with_suffix(".pxd")
        if any(file.exists() and file.stat().st_mtime > made_at for file in (source_file(module), types)):
            return Compiled.STALE
    return Compiled.YES if len(found) == len(MODULES) else Compiled.PARTLY
