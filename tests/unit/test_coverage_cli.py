"""Claims about quivive.coverage_cli: the report as lines a person reads."""

from click.testing import CliRunner
from rich_click import RichGroup

from quivive.coverage_cli import add_coverage, lines

REPORT = {
    "strengths": {"strong": 710, "weak": 220},
    "fixes": [{"code": "calls_without_customer", "source": "pbx", "detail": "assistance", "permille": 220}],
    "sources": [{"source": "pbx", "median_s": 40, "p95_s": 200, "skew_ms": -1_200}],
}


def test_lines_tell_shares_what_to_do_and_delays():
    """Percentages with one decimal, codes, source and queue."""
    told = "\n".join(lines(REPORT))
    assert " 71.0 %  strong" in told
    assert " 22.0 %  calls_without_customer  pbx · assistance" in told
    assert "pbx  40 s  200 s  -1200 ms" in told


def test_the_command_asks_the_core():
    """Company and days go to the core; --json prints its answer."""
    asked, emitted = [], []
    group = RichGroup("quivive")

    def ask(_home, name, **fields):
        asked.append((name, fields))
        return REPORT

    add_coverage(group, ask, lambda answer, as_json: emitted.append((answer, as_json)))
    assert CliRunner().invoke(group, ["coverage-report", "aurore", "--days", "30"]).exit_code == 0
    assert CliRunner().invoke(group, ["coverage-report", "aurore", "--json"]).exit_code == 0
    assert asked == [("coverage-report", {"controller": "aurore", "days": days}) for days in (30, 7)]
    assert emitted == [(REPORT, True)]
