"""What a third party must read to trust a verdict: at most 600 lines of code, one signature library, no signing."""

import ast
import io
import sys
import tokenize
from pathlib import Path

import quivive

SOURCE = Path(quivive.__file__).parent.parent
MAX_LINES = 600
"""Lines of code: blank lines, comments and docstrings not counted (with them about 900)."""
QUIET = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def closure(module):
    """Files of ours that a module imports, itself included; and every foreign name."""
    files, foreign, todo = {}, set(), [module]
    while todo:
        name = todo.pop()
        path = SOURCE / (name.replace(".", "/") + ".py")
        if name in files or not path.exists():
            continue
        files[name] = path
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            todo += [each for each in names if each.startswith("quivive")]
            foreign |= {each for each in names if each and not each.startswith("quivive")}
    return files, foreign


def code_lines(path):
    text = path.read_text(encoding="utf-8")
    documented = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            documented |= set(range(node.lineno, node.end_lineno + 1))
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in QUIET:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - documented)


def test_the_verifier_of_evidence_is_read_in_an_hour():
    """`evidence` and everything of ours it imports, and `cryptography` as its only foreign library."""
    files, foreign = closure("quivive.ledger.evidence")
    total = {name: code_lines(path) for name, path in files.items()}
    assert sum(total.values()) <= MAX_LINES, total
    libraries = {name.partition(".")[0] for name in foreign} - set(sys.stdlib_module_names)
    assert libraries == {"cryptography"}
    private = [path for path in files.values() if "PrivateKey" in path.read_text(encoding="utf-8")]
    assert not private
    assert not {"socket", "urllib", "http", "subprocess", "time"} & {name.partition(".")[0] for name in foreign}
