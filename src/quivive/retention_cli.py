"""Commands of retention: `quivive purge`, `hold`, `erase`, `contract end`, `completeness`.

Added to the command line by `cli`. Thin like it: ask the core, print its answer. Must never take the word of one person
for two: who agrees gives a token or a one-time sign-in link of his own.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import rich_click as click

from quivive.model.entry import RetentionClass

Ask = Callable[..., dict[str, Any]]
Emit = Callable[[dict[str, Any], bool], None]
SIGN_IN_VARIABLE: Final = "QUIVIVE_SIGN_IN"
_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
_reference = click.option("--reference", required=True, help="Code of the request, order or minutes behind it.")
_class = click.Choice([each.value for each in RetentionClass])


def add_retention(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    """Add the commands of retention to the command line."""
    _purge(cli, ask, emit)
    _holds(cli, ask, emit)
    _orders(cli, ask, emit)
    _completeness(cli, ask, emit)


def _purge(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @cli.group()
    def purge() -> None:
        """Removal with a certificate; what is due goes by itself, anything else needs two persons."""

    _steps(purge, ask, emit)
    _looks(purge, ask, emit)


def _steps(purge: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @purge.command("plan")
    @click.argument("controller")
    @click.argument("retention_class", type=_class, metavar="CLASS")
    @click.argument("day", metavar="YYYYMMDD")
    @_reference
    @_json
    @click.pass_obj
    def plan(home: Path, controller: str, retention_class: str, day: str, reference: str, as_json: bool) -> None:
        """Propose to remove one day of one company."""
        told = {"controller": controller, "retention_class": retention_class, "day": day, "reference": reference}
        emit(ask(home, "removal-plan", act="purge", **told), as_json)

    @purge.command("approve")
    @click.argument("approval")
    @click.option(
        "--sign-in", "secret", envvar=SIGN_IN_VARIABLE, prompt=True, hide_input=True,
        help="Token or one-time sign-in link of the second person.",
    )  # fmt: skip
    @click.option("--refuse", is_flag=True, help="Do not agree.")
    @_json
    @click.pass_obj
    def approve(home: Path, approval: str, secret: str, refuse: bool, as_json: bool) -> None:
        """Agree, as a second person, to a removal, a hold or its end."""
        emit(ask(home, "removal-decide", approval=approval, secret=secret, agree=not refuse), as_json)

    @purge.command("run")
    @click.argument("approval")
    @click.option("--export", "target", default="", help="New folder for the company's evidence (end of contract).")
    @_json
    @click.pass_obj
    def run(home: Path, approval: str, target: str, as_json: bool) -> None:
        """Carry out what two persons agreed to, look everywhere, certify."""
        export = str(Path(target).absolute()) if target else ""
        emit(ask(home, "removal-run", approval=approval, export=export), as_json)


def _looks(purge: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @purge.command("status")
    @_json
    @click.pass_obj
    def status(home: Path, as_json: bool) -> None:
        """Show what waits for a second person, what is not complete, and the last certificates."""
        answer = ask(home, "removal-status")
        if as_json:
            emit(answer, as_json)
        else:
            _show_status(answer)

    @purge.command("check")
    @_json
    @click.pass_obj
    def check(home: Path, as_json: bool) -> None:
        """Compare what was declared with the oldest thing of every store; the comparison is sealed."""
        answer = ask(home, "retention-check")
        if as_json:
            emit(answer, as_json)
        else:
            for each in answer["stores"]:
                state = "held" if each["held"] else "overdue" if each["overdue"] else "ok"
                where = f"{each['controller']:<12} {each['retention_class']:<12} {each['store']:<9}"
                click.echo(f"{where} {each['declared_days']:>6} d  {each['oldest'][:10]}  {state}")
        if answer["overdue"] or answer["incomplete"]:
            raise SystemExit(1)


def _show_status(answer: dict[str, Any]) -> None:
    for each in answer["waiting"]:
        click.echo(f"{each['state']:<10} {each['act']:<13} {each['controller']}  {each['object']}  {each['approval']}")
    for each in answer["incomplete"]:
        click.echo(f"incomplete {each['what']:<13} {each['object']}  {each['state']}")
    for each in answer["certificates"]:
        what = "/".join(part for part in (each["controller"], each["retention_class"], each["day"]) if part)
        click.echo(f"certified  {each['what']:<13} {what}  {each['count']}  {each['at'][:19]}  {each['certificate']}")


def _holds(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @cli.group()
    def hold() -> None:
        """Keep a stretch of one company's record until a date, whatever its retention."""

    @hold.command("add")
    @click.argument("controller")
    @click.option("--from", "from_at", required=True, metavar="YYYY-MM-DD", help="First day or instant kept.")
    @click.option("--to", "to_at", required=True, metavar="YYYY-MM-DD", help="End of what is kept.")
    @click.option(
        "--until", required=True, metavar="YYYY-MM-DD", help="When the hold ends by itself, within two years."
    )
    @click.option("--class", "retention_class", type=_class, help="Only this class; all without it.")
    @_reference
    @_json
    @click.pass_obj
    def add(
        home: Path,
        *,
        controller: str,
        from_at: str,
        to_at: str,
        until: str,
        retention_class: str | None,
        reference: str,
        as_json: bool,
    ) -> None:
        """Ask for a hold; it keeps at once, and lapses after a week unless a second person agrees."""
        told = {"from": from_at, "to": to_at, "until": until, "retention_class": retention_class or ""}
        emit(ask(home, "hold-add", controller=controller, reference=reference, **told), as_json)

    @hold.command("release")
    @click.argument("hold")
    @_reference
    @_json
    @click.pass_obj
    def release(home: Path, hold: str, reference: str, as_json: bool) -> None:
        """Ask for a hold to end before its date; a second person agrees by quivive purge approve."""
        emit(ask(home, "hold-release", hold=hold, reference=reference), as_json)

    @hold.command("list")
    @_json
    @click.pass_obj
    def list_holds(home: Path, as_json: bool) -> None:
        """Show the holds in force."""
        answer = ask(home, "hold-list")
        if as_json:
            emit(answer, as_json)
            return
        for each in answer["holds"]:
            agreed = "agreed" if each["agreed"] else "asked"
            what = f"{each['controller']:<12} {each['retention_class']:<12} {each['from'][:10]}..{each['to'][:10]}"
            click.echo(f"{what}  {each['until'][:10]}  {agreed:<6} {each['hold']}")


def _orders(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @cli.command()
    @click.argument("controller")
    @click.argument("month", metavar="YYYYMM")
    @click.argument("index", type=click.IntRange(min=0))
    @_reference
    @_json
    @click.pass_obj
    def erase(home: Path, controller: str, month: str, index: int, reference: str, as_json: bool) -> None:
        """Propose to erase one entry; its commitment stays, every other proof stays the same."""
        told = {"controller": controller, "month": month, "index": index, "reference": reference}
        emit(ask(home, "removal-plan", act="erasure", **told), as_json)

    @cli.group()
    def contract() -> None:
        """End of the contract with a company."""

    @contract.command("end")
    @click.argument("controller")
    @_reference
    @_json
    @click.pass_obj
    def end(home: Path, controller: str, reference: str, as_json: bool) -> None:
        """Propose to export a company's evidence and then destroy everything of it."""
        emit(ask(home, "removal-plan", act="contract_end", controller=controller, reference=reference), as_json)


def _completeness(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @cli.command()
    @click.argument("controller")
    @click.argument("day", metavar="YYYYMMDD")
    @_json
    @click.pass_obj
    def completeness(home: Path, controller: str, day: str, as_json: bool) -> None:
        """Tell how complete one company's day is: numbers, signs of life, gaps, counts by statement shape."""
        answer = ask(home, "completeness", controller=controller, day=day)
        if as_json:
            emit(answer, as_json)
            return
        for each in answer["sources"]:
            numbers = f"{each['entries']} entries, {each['missing']} missing"
            click.echo(f"{each['source']:<20} {numbers}  {each['gaps']} gaps, {each['lost']} lost  {each['state']}")
        for each in answer["shapes"]:
            click.echo(f"  {each['coverage']:<10} {each['action']:<8} {each['statements']:>9}  {each['tables']}")
