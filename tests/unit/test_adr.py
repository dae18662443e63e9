"""Decisions: numbered without gaps, complete, and listed in the index."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "adr"
FILES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
PARTS = (
    "**Status** ", "**Date** ", "**Review** ", "**Context.**", "**Options.**", "**Decision.**", "**Consequences.**",
    "**Evidence format.**", "**Privacy.**", "**How we would reverse it.**",
)  # fmt: skip


def index_line(path):
    """The line of the index for one decision, from its own title and status."""
    title = path.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ")
    status = re.search(r"\*\*Status\*\* (\w+) · \*\*Date\*\* (\S+)", path.read_text(encoding="utf-8"))
    return f"| [{title[:4]}]({path.name}) | {title[5:]} | {status[1]} | {status[2]} |"


def test_numbers_have_no_gaps():
    """0001, 0002, …: a missing number is a decision nobody can find."""
    assert [path.name[:4] for path in FILES] == [f"{number:04d}" for number in range(1, len(FILES) + 1)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_decision_is_complete(path):
    """Title with its number, then every part of the template, at least two options."""
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {path.name[:4]} ")
    assert [part for part in PARTS if part not in text] == []
    assert "\n2. " in text


def test_the_index_lists_every_decision():
    """docs/adr/README.md holds exactly the lines that the decisions give."""
    lines = [line for line in (FOLDER / "README.md").read_text(encoding="utf-8").split("\n") if line.startswith("| [")]
    assert lines == [index_line(path) for path in FILES]
