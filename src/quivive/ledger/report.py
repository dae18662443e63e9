"""`quivive verify` on a terminal: one line per finding, then the outcome, as text or JSON.

Called by the command. Must never print a key or an event.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from quivive.ledger.finding import Exit, Report
from quivive.ledger.verify import verify_home

_OUTCOMES: Final = {
    Exit.VERIFIED: "verified: every entry, tile and signature is whole",
    Exit.ERASED: "verified, with erasures under certificate",
    Exit.STALE: "verified as far as it goes; something is unfinished or out of date",
    Exit.INCONSISTENT: "INCONSISTENT with a head that was signed earlier",
    Exit.TAMPERED: "TAMPERED or damaged: see the places above",
    Exit.CANNOT_CHECK: "NOT CHECKED in full: see above; nothing that could be checked is wrong",
}


def verify_and_print(folder: Path, *, controller: str | None, as_json: bool, tell: Callable[[str], None]) -> int:
    """Check a folder and say so; return the exit code."""
    report = verify_home(folder, controller=controller)
    if as_json:
        tell(json.dumps(_document(report), sort_keys=True))
    else:
        for finding in report.findings:
            tell(f"{int(finding.exit)} {finding.code} {finding.place}: {finding.detail}")
        counts = f"{report.entries} entries, {report.checkpoints} checkpoints"
        waiting = f", {report.unpublished} not yet published" if report.unpublished else ""
        tell(f"{_OUTCOMES[report.exit_code]} ({counts}{waiting})")
    return int(report.exit_code)


def _document(report: Report) -> dict[str, object]:
    return {
        "exit_code": int(report.exit_code),
        "entries": report.entries,
        "checkpoints": report.checkpoints,
        "unpublished": report.unpublished,
        "findings": [
            {"code": found.code, "exit": int(found.exit), "place": found.place, "detail": found.detail}
            for found in report.findings
        ],
    }
