"""Size ceilings: a file has at most 600 lines, a function at most 70 (style: 400 and 40 are the aim).

Called by `make check`. Exceptions stand in tools/size_exceptions.txt, which may only shrink: an entry
that is no longer needed fails as well.
"""

import ast
import sys
from pathlib import Path

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
ROOT = Path(__file__).resolve().parent.parent


def findings() -> dict[str, str]:
    """Map `path` or `path:function` to what is too long."""
    found = {}
    for path in sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "tools").glob("*.py")]):
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8")
        lines = text.count("\n")
        if lines > FILE_LINES_MAX:
            found[name] = f"{lines} lines (at most {FILE_LINES_MAX})"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    found[f"{name}:{node.name}"] = f"{length} lines (at most {FUNCTION_LINES_MAX})"
    return found


def main() -> int:
    """Print what is too long and what is excused without need; 1 when there is anything."""
    listed = (ROOT / "tools" / "size_exceptions.txt").read_text(encoding="utf-8").split("\n")
    excused = {line.strip() for line in listed if line.strip() and not line.startswith("#")}
    found = findings()
    failures = [f"{place}: {what}" for place, what in found.items() if place not in excused]
    failures += [f"{place}: excused, but no longer too long: remove it" for place in excused if place not in found]
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
