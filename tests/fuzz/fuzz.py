"""`make fuzz`: atheris over all targets in one process, guided by coverage; findings are written into the corpus.

    python tests/fuzz/fuzz.py [--seconds N] [--only TARGET] [--work FOLDER] [--go-on]

The first byte of an input picks its target. A finding is stored as tests/fuzz/corpus/<target>/finding-<hash>: mend it, and
its replay is a test from then on. Without atheris (`pip install atheris`) it says so and ends.
"""

import argparse
import hashlib
import os
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
sys.path[:0] = [str(HERE), str(HERE.parents[0] / "unit" / "capture")]


STATS_EACH = 10_000
"""Runs between two notes of how far it is."""


class Findings:
    """Stores what was found, each kind once: its input, and where it came from."""

    def __init__(self, work: Path, *, go_on: bool) -> None:
        self.runs = 0
        self._work, self._go_on = work, go_on
        self._began = time.monotonic()
        self._kinds: dict[str, int] = {}

    def found(self, name: str, data: bytes, error: BaseException) -> bool:
        """Store one; True when fuzzing must stop here."""
        frames = [
            f for f in traceback.extract_tb(error.__traceback__) if "quivive" in f.filename or "fuzz" in f.filename
        ]
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
        words = str(error)[:80] if isinstance(error, AssertionError) else ""
        kind = f"{name}: {type(error).__name__} at {place} {words}"
        self._kinds[kind] = self._kinds.get(kind, 0) + 1
        if self._kinds[kind] == 1:
            path = CORPUS / name / f"finding-{hashlib.sha256(data).hexdigest()[:12]}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
            sys.stderr.write(f"\nfinding: {path.relative_to(HERE)}: {kind}, run {self.runs}\n")
            self.tell()
        return not self._go_on

    def tell(self) -> None:
        """Write how far it is."""
        seconds = time.monotonic() - self._began
        lines = [f"{self.runs} runs in {seconds:.0f} s", *(f"{count} x {kind}" for kind, count in self._kinds.items())]
        (self._work / "stats.txt").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Start libFuzzer, which never returns."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--only", default="")
    parser.add_argument("--go-on", action="store_true", help="store findings, each kind once, and go on")
    parser.add_argument("--work", type=Path, default=Path("var/fuzz"))
    asked = parser.parse_args()
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is missing: .venv/bin/pip install 'atheris>=3,<4'")
    with atheris.instrument_imports(include=["quivive"]):
        import targets
    names = sorted(targets.TARGETS)
    chosen = [asked.only] if asked.only else names
    work: Path = asked.work
    grown, artifacts = work / "corpus", work / "artifacts"
    for folder in (grown, artifacts):
        folder.mkdir(parents=True, exist_ok=True)
    for name in chosen:
        for path in sorted((CORPUS / name).glob("*")):
            data = bytes((names.index(name),)) + path.read_bytes()
            (grown / hashlib.sha256(data).hexdigest()[:20]).write_bytes(data)
    kept = Findings(work, go_on=asked.go_on)

    def one(data: bytes) -> None:
        kept.runs += 1
        if kept.runs % STATS_EACH == 0:
            kept.tell()
        if not data:
            return
        name = asked.only or names[data[0] % len(names)]
        try:
            targets.TARGETS[name](data[1:])
        except BaseException as error:
            if kept.found(name, data[1:], error):
                raise

    arguments = [
        sys.argv[0],
        str(grown),
        f"-max_total_time={asked.seconds}",
        f"-artifact_prefix={artifacts}/",
        "-rss_limit_mb=1536",
        "-timeout=20",
        "-max_len=4096",
        "-print_final_stats=1",
        f"-seed={int.from_bytes(os.urandom(3), 'big') or 1}",
    ]
    atheris.Setup(arguments, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
