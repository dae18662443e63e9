"""docs/conformance.md names every case and its tests, and nothing that is not there."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "conformance.md").read_text(encoding="utf-8")
ROWS = {
    int(cells[0]): cells[1:]
    for line in PAGE.splitlines()
    if re.match(r"\| \d", line)
    for cells in [[cell.strip() for cell in line.strip("| ").split(" | ")]]
}
NAMED = {case: re.findall(r"`([\w./]+)::(\w+)`", cells[-1]) for case, cells in ROWS.items()}


def functions(path: Path) -> set[str]:
    """Names of the test functions of a file."""
    return {
        node.name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def test_every_case_has_its_row() -> None:
    """Cases 1 to 44, each with what, result and at least one test."""
    assert sorted(ROWS) == list(range(1, 45))
    assert [case for case, cells in ROWS.items() if len(cells) != 3 or not NAMED[case]] == []


def test_every_test_named_is_there() -> None:
    """A test that was renamed or removed leaves the page."""
    found: dict[str, set[str]] = {}
    missing = []
    for path, name in [one for tests in NAMED.values() for one in tests]:
        file = (TESTS / "integration" / path).resolve()
        if path not in found:
            found[path] = functions(file) if file.is_file() else set()
        if name not in found[path]:
            missing.append(f"{path}::{name}")
    assert missing == []


def test_every_conformance_test_is_on_the_page() -> None:
    """A new test of a case stands in the row of its case."""
    for file in (TESTS / "integration" / "conformance").glob("test_*.py"):
        for name in functions(file):
            case = re.match(r"test_case_(\d+)_", name)
            if case is None:
                assert name in PAGE
            else:
                assert (f"conformance/{file.name}", name) in NAMED[int(case[1])]
