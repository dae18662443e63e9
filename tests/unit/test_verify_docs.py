"""docs/verify.md names every finding and exit code, with the exit code it gives."""

import re
from pathlib import Path

from quivive.ledger.finding import Exit, Finding, FindingCode

PAGE = (Path(__file__).parents[2] / "docs" / "verify.md").read_text(encoding="utf-8")


def test_every_finding_stands_with_its_exit_code():
    """The table agrees with finding.py, nothing more and nothing less."""
    told = dict(re.findall(r"^\| `([a-z_]+)` \| (\d+) \|", PAGE, re.MULTILINE))
    assert told == {code.value: str(int(Finding(code=code, place="", detail="").exit)) for code in FindingCode}


def test_every_exit_code_is_explained():
    """0, 10, 20, 30, 40, 50."""
    assert set(re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)) == {str(int(code)) for code in Exit}
