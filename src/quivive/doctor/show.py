"""Findings as lines for a person, or as JSON.

Called by the command. Pure but for the reader's language.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Final

from quivive.doctor.finding import Finding, Level
from quivive.language import said

_SIGN: Final = {Level.OK: "✓", Level.NOTE: "·", Level.WARN: "!", Level.FAIL: "✗"}


def shown(findings: Sequence[Finding], *, as_json: bool) -> Iterator[str]:
    """One finding in up to three lines: found, expected, what to do."""
    if as_json:
        yield json.dumps([asdict(finding) for finding in findings], sort_keys=True)
        return
    for finding in findings:
        place = f"{finding.check} ({finding.about})" if finding.about else finding.check
        yield f"{_SIGN[finding.level]} {place}: {said(finding.found)}"
        if finding.level is Level.OK:
            continue
        if finding.expected:
            yield f"    {said('expected')}: {said(finding.expected)}"
        if finding.advice:
            yield f"    {said('do')}: {said(finding.advice)}"
