"""Claims about quivive.application_cli: reports as lines a person reads, exit codes a job reads."""

from click.testing import CliRunner
from rich_click import RichGroup

from quivive.application_cli import FINDINGS, HINTS, add_applications, coverage_lines, reconcile_lines
from quivive.detection.reconciliation import Divergence
from quivive.model.hint import CoverageHint

COVERAGE = {
    "source": "db",
    "applications": [
        {"program": "crm", "account": "pool", "statements": {"exact": 90, "opaque": 10}, "rows": {"exact": 750, "opaque": 250}},
        {"program": "", "account": "", "statements": {"exact": 1}, "rows": {}},
    ],
    "worst": [
        {
            "program": "crm", "account": "pool", "shape": "00aa", "tables": ["public.customer"], "action": "list",
            "coverage": "opaque", "statements": 10, "rows": 250, "hint": "select_key",
        }
    ],
}  # fmt: skip
COMPARED = {
    "first": "db", "second": "audit", "from_at": 0, "to_at": 10, "first_statements": 99, "second_statements": 102,
    "not_expected": 0, "matched_permille": 970, "skew_ms": 12, "skew_pairs": 40,
    "findings": [
        {
            "code": "bypass", "statements": 3, "from_at": 0, "to_at": 10,
            "touched": [{"tables": ["public.customer"], "action": "read", "statements": 3}],
        }
    ],
    "hours": [
        {"at": 0, "first": 9, "second": 12, "bypass": 3, "relay_only": 0, "in_gaps": 0, "matched_permille": 750},
        {"at": 3_600_000_000, "first": 90, "second": 90, "bypass": 0, "relay_only": 0, "in_gaps": 0, "matched_permille": 1000},
    ],
}  # fmt: skip


def test_coverage_as_lines():
    """Per application rows and statements by class; each untold statement with its hint in words."""
    told = "\n".join(coverage_lines(COVERAGE))
    assert "crm · pool: 1000 rows, 100 statements" in told
    assert " 25.0 % rows   10.0 % statements  opaque" in told
    assert "no application named: 0 rows, 1 statements" in told
    assert "00aa  250 rows  10 statements  opaque  list public.customer  (crm · pool)" in told
    assert "select_key: add the key column to this SELECT" in told


def test_a_comparison_as_lines():
    """Totals, findings with their tables, and only the hours that are not whole."""
    told = list(reconcile_lines(COMPARED))
    assert "bypass: 3 · statements that only the log tells: somebody connected past the relay" in told
    assert "  3  read public.customer" in told
    assert "12 ms between the clocks (40)" in told
    assert [line for line in told if line.startswith("1970")] == ["1970-01-01T00:00:00.000000Z   75.0 %"]


def test_every_code_has_its_sentence():
    """A new hint or finding without words is no help."""
    assert set(HINTS) == set(CoverageHint)
    assert set(FINDINGS) == set(Divergence)


def run(*words, answer):
    asked, emitted = [], []
    group = RichGroup("quivive")

    def ask(_home, name, **fields):
        asked.append((name, fields))
        return answer

    add_applications(group, ask, lambda told, as_json: emitted.append((told, as_json)))
    return CliRunner().invoke(group, words), asked, emitted


def test_the_commands_ask_the_core():
    """What was typed goes to the core; --json prints its answer; a bypass is exit 1."""
    done, asked, emitted = run("coverage", "db", "--worst", "3", "--json", answer=COVERAGE)
    assert (done.exit_code, asked) == (0, [("coverage", {"source": "db", "days": 7, "worst": 3})])
    assert emitted == [(COVERAGE, True)]
    period = ("--from", "1970-01-01T00:00:00Z", "--to", "1970-01-01T00:00:01Z")
    done, asked, _ = run("reconcile", "db", "audit", *period, "--tolerance", "0.5", answer=COMPARED)
    assert done.exit_code == 1
    assert asked == [
        ("reconcile", {"first": "db", "second": "audit", "from_at": 0, "to_at": 1_000_000, "tolerance_us": 500_000})
    ]
    assert run("reconcile", "db", "audit", *period, answer={**COMPARED, "findings": []})[0].exit_code == 0
    assert run("reconcile", "db", "audit", "--from", "today", "--to", "now", answer=COMPARED)[0].exit_code == 2
