"""The modules of a relay's hot path that are worth compiling (`make compiled`), and whether they are.

Called by `tools/compile_hot.py` and `quivive doctor`. Pure Python runs all of them; compiling changes speed alone. Must
never import what it names.
"""

import importlib.machinery
from enum import StrEnum
from pathlib import Path
from typing import Final

MODULES: Final = ("quivive.privacy.many", "quivive.wire.postgres.scan")
"""Only what gains: compiling the other modules of the path unchanged gave 4 % at most (bench/README.md)."""
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
