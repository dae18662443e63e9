"""`quivive coverage` and `quivive reconcile`: what each application lets be told, and what goes past the relay.

Added to the command line by `cli`. Thin like it: ask the core, print its answer. Must never print an agent.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import rich_click as click

from quivive.language import said

Ask = Callable[..., dict[str, Any]]
Emit = Callable[[dict[str, Any], bool], None]

EXIT_FAILED: Final = 1
CLASSES: Final = ("exact", "alternate", "predicate", "count_only", "aggregate", "opaque")
SECOND_US: Final = 1_000_000

HINTS: Final = {
    "": "",
    "select_key": "add the key column to this SELECT",
    "select_key_bare": "select the key as a plain column, without cast, expression, UNION or json",
    "returning_key": "use RETURNING with the key, or the key in the WHERE clause",
    "declare_table": "declare the table in the company's file, or list it in not_protected",
    "declare_function": "declare the function, or call the statement that it holds",
    "temporary_table": "read the source itself rather than a copy of it",
    "server_side": "nothing passes the wire: withdraw the right, or read pgAudit's log",
    "grant_usage": "give the side account CONNECT and USAGE on the schema",
    "use_relay": "only a relay sees which rows came back: lead the application through one",
}
FINDINGS: Final = {
    "bypass": "statements that only the log tells: somebody connected past the relay",
    "relay_gap": "statements that only the log tells, while the relay had recorded a gap",
    "relay_only": "statements that only the relay tells: the log has holes",
    "log_gap": "statements that only the relay tells, while the log's source had recorded a gap",
    "clock_skew": "the clocks of the two sources differ",
}


def add_applications(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    """Add the commands."""

    @cli.command("coverage")
    @click.argument("source")
    @click.option("--days", type=click.IntRange(1, 90), default=7, show_default=True, help="Days up to now.")
    @click.option("--worst", type=click.IntRange(0, 500), default=10, show_default=True, help="Statements to show.")
    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
    @click.pass_obj
    def coverage(home: Path, source: str, days: int, worst: int, as_json: bool) -> None:
        """Tell per application whose records can be told, the worst statements first, each with its hint."""
        answer = ask(home, "coverage", source=source, days=days, worst=worst)
        if as_json:
            emit(answer, True)
            return
        for line in coverage_lines(answer):
            click.echo(line)

    @cli.command("reconcile")
    @click.argument("source_a")
    @click.argument("source_b")
    @click.option("--from", "from_at", required=True, help="RFC 3339 instant, inclusive.")
    @click.option("--to", "to_at", required=True, help="RFC 3339 instant, exclusive.")
    @click.option(
        "--tolerance",
        type=click.FloatRange(0.001, 600),
        default=2,
        show_default=True,
        help="Seconds between two tellings.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
    @click.pass_obj
    def reconcile(
        home: Path, source_a: str, source_b: str, from_at: str, to_at: str, tolerance: float, as_json: bool
    ) -> None:
        """Compare a relay with the server's own log, statement by statement. Exit 1 when something went past it."""
        from quivive.model.clock import from_rfc3339  # noqa: PLC0415 - heavy imports stay inside the commands

        try:
            bounds = from_rfc3339(from_at), from_rfc3339(to_at)
        except ValueError as error:
            raise click.UsageError(said(error)) from None
        answer = ask(
            home,
            "reconcile",
            first=source_a,
            second=source_b,
            from_at=bounds[0],
            to_at=bounds[1],
            tolerance_us=round(tolerance * SECOND_US),
        )
        if as_json:
            emit(answer, True)
        else:
            for line in reconcile_lines(answer):
                click.echo(line)
        sys.exit(EXIT_FAILED if any(each["code"] == "bypass" for each in answer["findings"]) else 0)


def coverage_lines(report: dict[str, Any]) -> Iterator[str]:
    """Shares of rows and of statements by class, per application; then what leaves the most rows untold."""
    for each in report["applications"]:
        rows, statements = sum(each["rows"].values()), sum(each["statements"].values())
        yield f"{_place(each)}: {rows} {said('rows')}, {statements} {said('statements')}"
        for name in CLASSES:
            if each["statements"].get(name):
                shares = _percent(each["rows"].get(name, 0), rows), _percent(each["statements"][name], statements)
                yield f"  {shares[0]} {said('rows')}  {shares[1]} {said('statements')}  {name}"
    if report["worst"]:
        yield said("Statements that leave the most rows untold:")
    for each in report["worst"]:
        touched = ", ".join(each["tables"]) or "?"
        yield (
            f"  {each['shape']}  {each['rows']} {said('rows')}  {each['statements']} {said('statements')}"
            f"  {each['coverage']}  {each['action']} {touched}  ({_place(each)})"
        )
        if each["hint"]:
            yield f"      {each['hint']}: {said(HINTS[each['hint']])}"


def reconcile_lines(report: dict[str, Any]) -> Iterator[str]:
    """Totals, findings with the tables touched, then the hours that are not whole."""
    from quivive.model.clock import Micros, to_rfc3339  # noqa: PLC0415

    yield f"{report['first']}: {report['first_statements']} {said('statements')}"
    yield f"{report['second']}: {report['second_statements']} {said('statements')}"
    yield f"{_permille(report['matched_permille'])} {said('told by both')}"
    if report["skew_pairs"]:
        yield f"{report['skew_ms']} ms {said('between the clocks')} ({report['skew_pairs']})"
    for each in report["findings"]:
        number = each["statements"] or f"{report['skew_ms']} ms"
        yield f"{each['code']}: {number} · {said(FINDINGS[each['code']])}"
        for touched in each["touched"]:
            yield f"  {touched['statements']}  {touched['action']} {', '.join(touched['tables'])}"
    for hour in report["hours"]:
        if hour["bypass"] or hour["relay_only"] or hour["in_gaps"]:
            yield f"{to_rfc3339(Micros(hour['at']))}  {_permille(hour['matched_permille'])}"


def _place(each: dict[str, Any]) -> str:
    named = " · ".join(part for part in (each["program"], each["account"]) if part)
    return named or said("no application named")


def _percent(part: int, total: int) -> str:
    return _permille(1_000 * part // total if total else 0)


def _permille(permille: int) -> str:
    return f"{permille / 10:5.1f} %"
