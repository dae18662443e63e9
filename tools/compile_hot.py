"""Compiles the hot modules of `quivive.hot` in place with Cython: `make compiled`; `--remove` (`make plain`) undoes it.

Every one of them stays plain Python that runs uncompiled; a `.pxd` beside it only adds C types. Needs a C compiler and
Python's headers, which nothing else of Quivive does. What is compiled is of that moment: after an edit, run it again
(`quivive doctor` tells when it is older than its source).
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src"
sys.path.insert(0, str(SOURCE))

from quivive.hot import MODULES, compiled_file  # noqa: E402

DIRECTIVES = {
    "annotation_typing": False,  # an annotation stays what it is in Python: a hint
    "embedsignature": False,
    "language_level": "3",
}
TYPED = {"boundscheck": False, "wraparound": False, "initializedcheck": False, "cdivision": True}
"""For modules with a `.pxd`: their loops check their own bounds and index nothing from its end."""


def build(module: str, folder: Path) -> None:
    """One module to C, one C file to a shared library beside its source."""
    python = SOURCE / (module.replace(".", "/") + ".py")
    c_file = folder / f"{module}.c"
    directives = {**DIRECTIVES, **(TYPED if python.with_suffix(".pxd").exists() else {})}
    options = [text for name, value in directives.items() for text in ("-X", f"{name}={value}")]
    subprocess.run([sys.executable, "-m", "cython", *options, "-o", str(c_file), str(python)], check=True)
    include = sysconfig.get_paths()["include"]
    compiler = os.environ.get("CC", "cc")
    unfinished = folder / f"{module}.so"
    flags = ["-shared", "-fPIC", "-O3", "-march=native", "-fno-strict-aliasing", "-DNDEBUG", "-w", f"-I{include}"]
    subprocess.run([compiler, *flags, str(c_file), "-o", str(unfinished)], check=True)
    ready = compiled_file(module)
    beside = ready.with_suffix(".tmp")
    beside.write_bytes(unfinished.read_bytes())
    beside.replace(ready)


def main() -> None:
    """Build or remove all."""
    if "--remove" in sys.argv:
        for module in MODULES:
            compiled_file(module).unlink(missing_ok=True)
        return
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda module: build(module, Path(folder)), MODULES))
    print(f"{len(MODULES)} modules compiled")


if __name__ == "__main__":
    main()
