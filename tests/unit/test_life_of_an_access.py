"""docs/life-of-an-access.md is what the code gives."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_code_gives():
    """One access through the product's own functions writes the page byte for byte; else run the tool again."""
    tool = [sys.executable, str(ROOT / "tools" / "life_of_an_access.py"), "--check"]
    done = subprocess.run(tool, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
