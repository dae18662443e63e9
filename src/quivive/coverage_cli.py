"""`quivive coverage-report`: how a controller's accesses are explained, and what to connect or repair next.

Added to the command line by `cli`. Thin like it: ask the core, print its answer. Must never print an agent.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import rich_click as click

from quivive.language import said

Ask = Callable[..., dict[str, Any]]
Emit = Callable[[dict[str, Any], bool], None]


def add_coverage(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    """Add the command."""

    @cli.command("coverage-report")
    @click.argument("controller")
    @click.option("--days", type=click.IntRange(1, 90), default=7, show_default=True, help="Days up to now.")
    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
    @click.pass_obj
    def coverage_report(home: Path, controller: str, days: int, as_json: bool) -> None:
        """Tell how a company's accesses are explained, and what to connect or repair next."""
        answer = ask(home, "coverage-report", controller=controller, days=days)
        if as_json:
            emit(answer, True)
            return
        for line in lines(answer):
            click.echo(line)


def lines(report: dict[str, Any]) -> list[str]:
    """The report as text: shares, then what to do by what it would gain, then sources. Codes are those of the docs."""
    told = [f"{_percent(permille)}  {name}" for name, permille in report["strengths"].items()]
    if report["fixes"]:
        told.append(said("What to connect or repair next, and the share it would explain better:"))
    for fix in report["fixes"]:
        place = " · ".join(part for part in (fix["source"], fix["detail"]) if part)
        told.append(f"{_percent(fix['permille'])}  {fix['code']}  {place}".rstrip())
    if report["sources"]:
        told.append(said("Sources: median and 95th of a hundred from an access to its reason, skew of the clock:"))
    told += [
        f"{each['source']}  {each['median_s']} s  {each['p95_s']} s  {each['skew_ms']} ms" for each in report["sources"]
    ]
    return told


def _percent(permille: int) -> str:
    return f"{permille / 10:5.1f} %"
