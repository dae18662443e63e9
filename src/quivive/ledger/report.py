"""`quivive verify` on a terminal: one line per finding, then the outcome, as text or JSON.

Called by the command. Must never print a key or an event.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quivive.ledger.evidence import BUNDLE_FILE, Evidence
from quivive.ledger.finding import Exit, Report
from quivive.ledger.note import KeyType, parse_verifier_key
from quivive.ledger.policy import Policy, parse_policy
from quivive.ledger.verify import verify_home
from quivive.model.errors import StorageError

_OUTCOMES: Final = {
    Exit.VERIFIED: "verified: every entry, tile and signature is whole",
    Exit.ERASED: "verified, with erasures under certificate",
    Exit.STALE: "verified as far as it goes; something is unfinished or out of date",
    Exit.INCONSISTENT: "INCONSISTENT with a head that was signed earlier",
    Exit.TAMPERED: "TAMPERED or damaged: see the places above",
    Exit.CANNOT_CHECK: "NOT CHECKED in full: see above; nothing that could be checked is wrong",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Files that the reader kept from elsewhere: public keys, checkpoints, a trust policy."""

    vkeys: tuple[Path, ...] = ()
    checkpoints: tuple[Path, ...] = ()
    policy: Path | None = None


NOTHING_HELD: Final = Held()


def check(path: Path, *, controller: str | None = None, held: Held = NOTHING_HELD) -> Report:
    """Check a data folder, a bundle or a single proof.

    Raises:
        PolicyError, NoteError: a file that was given as held is not one.
        StorageError: it cannot be read.
    """
    try:
        keys = [parse_verifier_key(path.read_text(encoding="utf-8").strip()) for path in held.vkeys]
        policy = parse_policy(held.policy.read_text(encoding="utf-8")) if held.policy else Policy()
        notes = [path.read_bytes() for path in held.checkpoints]
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"cannot read what was given as held: {error}") from error
    evidence = Evidence(
        keys=[*keys, *policy.logs],
        held=notes,
        witnesses=[key for key, _ in policy.witnesses.values()],
        enough=policy.met,
    )
    if path.is_file():
        return evidence.proof(path)
    if (path / BUNDLE_FILE).is_file():
        return evidence.bundle(path)
    spine = [key.text for key in (*keys, *policy.logs) if key.name.endswith("/spine") and key.type is KeyType.ED25519]
    return verify_home(
        path, controller=controller, spine_vkey=spine[0] if spine else None, held=held.checkpoints, policy=policy
    )


def verify_and_print(
    path: Path, *, controller: str | None, as_json: bool, tell: Callable[[str], None], held: Held = NOTHING_HELD
) -> int:
    """Check and say so; return the exit code."""
    report = check(path, controller=controller, held=held)
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
