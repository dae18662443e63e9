"""The guided story's proof: verify a copy of the log, then the same with one byte changed (console, first page).

Called by the console through Services. Works on a copy below `run/`, always removed. Must never touch
the data folder itself.
"""

import shlex
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from quivive.ledger.finding import Report
from quivive.ledger.log import Ledger
from quivive.ledger.verify import verify_home
from quivive.web.services import LedgerHead, StoryFinding, StoryResult

_PREFIX: Final = "story-"
FINDINGS_MAX: Final = 20
SEGMENT_HEAD_BYTES: Final = 256  # past the first frame's header, so that the change hits sealed content


def prove(ledger: Ledger, home: Path, heads: Sequence[LedgerHead], *, tamper: bool) -> StoryResult:
    """Copy, change one byte when `tamper`, verify, remove the copy. Blocking: call from a worker thread."""
    started = time.monotonic()
    (home / "run").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=home / "run") as folder:
        copy = Path(folder)
        ledger.snapshot(copy)
        changed, offset = _change_one_byte(copy) if tamper else ("", 0)
        report = verify_home(copy)
    return _result(
        home, report, heads, changed=changed, offset=offset, elapsed_ms=int((time.monotonic() - started) * 1000)
    )


def remove_leftovers(home: Path) -> None:
    """Remove copies that a kill left behind: they hold keys. Called by the core at its start."""
    for folder in (home / "run").glob(f"{_PREFIX}*"):
        shutil.rmtree(folder)


def _change_one_byte(copy: Path) -> tuple[str, int]:
    """Flip one bit in the middle of the largest sealed segment of a controller."""
    segments = [path for path in (copy / "segments").rglob("*") if path.is_file()]
    target = max(segments, key=lambda path: path.stat().st_size)
    data = bytearray(target.read_bytes())
    offset = max(min(SEGMENT_HEAD_BYTES, len(data) - 1), len(data) // 2)
    data[offset] ^= 1
    target.write_bytes(data)
    return target.relative_to(copy).as_posix(), offset


def _result(
    home: Path, report: Report, heads: Sequence[LedgerHead], *, changed: str, offset: int, elapsed_ms: int
) -> StoryResult:
    return StoryResult(
        exit_code=int(report.exit_code),
        entries=report.entries,
        checkpoints=report.checkpoints,
        findings=tuple(StoryFinding(code=f.code, place=f.place) for f in report.findings[:FINDINGS_MAX]),
        changed_file=changed,
        changed_offset=offset,
        elapsed_ms=elapsed_ms,
        heads=tuple(heads),
        command=f"quivive --home {shlex.quote(str(home))} verify",
    )
