"""Commands of kept sound: `quivive recordings adopt`, `purge plan|approve|run|status`, `check`, `hold add|approve|…`.

Added to the command line by `cli`. Thin like it: ask the core, print its answer. Must never take the word of one person
for two: who agrees gives a token or a one-time sign-in link of his own.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import rich_click as click

from quivive.language import said
from quivive.model.audio import HoldScope

Ask = Callable[..., dict[str, Any]]
Emit = Callable[[dict[str, Any], bool], None]
SIGN_IN_VARIABLE: Final = "QUIVIVE_SIGN_IN"
_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
_controller = click.option("--controller", required=True, help="Whose recordings.")


def recordings_group(cli: click.RichGroup) -> click.RichGroup:
    """Find `quivive recordings`, or make it: several rooms add to it."""
    found = cli.commands.get("recordings")
    if isinstance(found, click.RichGroup):
        return found

    @cli.group("recordings")
    def recordings() -> None:
        """Recordings and listening: register, removal with proof, holds."""

    return recordings


def add_audio_commands(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    """Add the commands of kept sound to `quivive recordings`."""
    recordings = recordings_group(cli)
    _adopt(recordings, ask, emit)
    _purge(recordings, ask, emit)
    _holds(recordings, ask, emit)


def _adopt(recordings: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @recordings.command("adopt")
    @click.option("--dry-run", is_flag=True, help="Look and propose; seal nothing.")
    @click.option("--controller", default="", help="Only this controller's; needed to seal.")
    @click.option("--csv", "path", type=click.Path(path_type=Path, dir_okay=False), help="Write every object to a CSV.")
    @click.option("--names", is_flag=True, help="With the file names, which may name persons; recorded as an export.")
    @_json
    @click.pass_obj
    def adopt(home: Path, dry_run: bool, controller: str, path: Path | None, names: bool, as_json: bool) -> None:
        """Turn a backlog of recordings into a plan: hold or purge, and why."""
        answer = ask(home, "recordings-look", controller=controller, csv=path is not None, names=names)
        handle = str(answer.pop("csv"))
        if path is not None:
            _write_csv(path, lambda start: ask(home, "recordings-look-lines", csv=handle, start=start))
        _look(answer, as_json, emit)
        if not dry_run:
            emit(ask(home, "recordings-plan", controller=controller), as_json)

    @recordings.command("check")
    @_json
    @click.pass_obj
    def check(home: Path, as_json: bool) -> None:
        """Compare what was declared with the oldest recording found; the comparison is sealed."""
        answer = ask(home, "recordings-check")
        if as_json:
            emit(answer, as_json)
            return
        for each in answer["stores"]:
            state = "held" if each["held"] else "overdue" if each["overdue"] else "ok"
            where = f"{each['store']:<24} {each['controller']:<12}"
            click.echo(f"{where} {each['declared_days']:>5} d  {each['oldest'][:10]:<10}  {state}")
        if answer["overdue"]:
            raise SystemExit(1)


def _write_csv(path: Path, page: Callable[[int], dict[str, Any]]) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "w", encoding="utf-8", newline="") as file:
        following = 0
        while True:
            answer = page(following)
            file.write(answer["lines"])
            following = int(answer["next"])
            if not following:
                return


def _look(answer: dict[str, Any], as_json: bool, emit: Emit) -> None:
    if as_json:
        emit(answer, as_json)
        return
    for each in answer["counts"]:
        click.echo(
            f"{each['controller']:<12} {each['campaign'] or '-':<20} {each['proposal']:<6} {each['reason']:<16} "
            f"{each['count']:>8}"
        )
    click.echo(said(f"{answer['objects']} recordings, {answer['others']} other files"))
    if answer["silent"]:
        click.echo(said(f"stores that did not answer: {', '.join(answer['silent'])}"))


def _purge(recordings: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @recordings.group("purge")
    def purge() -> None:
        """Removal with proof: plan, agreement of a second person, removal, certificate."""

    @purge.command("plan")
    @_controller
    @_json
    @click.pass_obj
    def plan(home: Path, controller: str, as_json: bool) -> None:
        """Seal a plan of what is to be removed and propose it."""
        emit(ask(home, "recordings-plan", controller=controller), as_json)

    @purge.command("approve")
    @click.argument("plan")
    @click.option("--refuse", is_flag=True, help="Do not agree.")
    @click.option(
        "--sign-in", "secret", prompt="Token or sign-in link of the person who decides", hide_input=True,
        envvar=SIGN_IN_VARIABLE, help="Token or one-time sign-in link of the second person.",
    )  # fmt: skip
    @_json
    @click.pass_obj
    def approve(home: Path, plan: str, refuse: bool, secret: str, as_json: bool) -> None:
        """Agree to a plan as a second person, in another role; it is then carried out at once."""
        emit(ask(home, "recordings-approve", subject=plan, agree=not refuse, secret=secret), as_json)

    @purge.command("run")
    @click.argument("plan")
    @_json
    @click.pass_obj
    def run(home: Path, plan: str, as_json: bool) -> None:
        """Carry out an agreed plan now, or resume one that was incomplete."""
        answer = ask(home, "recordings-run", plan=plan)
        emit(answer, as_json)
        if not answer["certified"]:
            raise SystemExit(1)

    @purge.command("status")
    @_json
    @click.pass_obj
    def status(home: Path, as_json: bool) -> None:
        """Show plans with their agreement and last attempt, and certificates."""
        answer = ask(home, "recordings-status")
        if as_json:
            emit(answer, as_json)
            return
        for each in answer["plans"]:
            click.echo(
                f"{each['plan']}  {each['planned_at'][:16]}  {each['controller']:<12} {each['items']:>7}  "
                f"{each['agreement']:<9} {each['step']:<10} -{each['removed']} ={each['left']}"
            )
        for each in answer["certificates"]:
            click.echo(
                f"  {each['certificate']}  {each['verified_absent_at'][:16]}  {each['controller']:<12} "
                f"{each['removed']:>7}  {each['rule']}{' (vendor)' if each['declared_by_vendor'] else ''}"
            )


def _holds(recordings: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @recordings.group("hold")
    def hold() -> None:
        """Recordings that must not be removed before a date; two persons decide."""

    @hold.command("add")
    @_controller
    @click.option("--call", default="", help="Native id of a call: everything of it is kept.")
    @click.option("--audio", default="", help="One object, by the id of the CSV.")
    @click.option("--campaign", default="", help="Everything of a campaign.")
    @click.option("--until", required=True, help="When it ends, for example 2027-03-31T00:00:00Z; a year at most.")
    @click.option("--reference", required=True, help="Code of the request or proceedings behind it.")
    @_json
    @click.pass_obj
    def add(
        home: Path, controller: str, call: str, audio: str, campaign: str, until: str, reference: str, as_json: bool
    ) -> None:
        """Ask for a hold; it keeps at once, and ends after a week unless a second person agrees."""
        named = {HoldScope.CONTACT: call, HoldScope.AUDIO: audio, HoldScope.CAMPAIGN: campaign}
        given = [(scope, text) for scope, text in named.items() if text]
        if len(given) != 1:
            raise click.UsageError(said("expected one of --call, --audio, --campaign"))
        scope, text = given[0]
        told = {"controller": controller, "scope": scope, "object": text, "until": until, "reference": reference}
        emit(ask(home, "recordings-hold-add", **told), as_json)

    @hold.command("approve")
    @click.argument("hold_id", metavar="HOLD")
    @click.option("--refuse", is_flag=True, help="Do not agree.")
    @click.option(
        "--sign-in", "secret", prompt="Token or sign-in link of the person who decides", hide_input=True,
        envvar=SIGN_IN_VARIABLE, help="Token or one-time sign-in link of the second person.",
    )  # fmt: skip
    @_json
    @click.pass_obj
    def approve(home: Path, hold_id: str, refuse: bool, secret: str, as_json: bool) -> None:
        """Agree to a hold, or to its release, as a second person."""
        emit(ask(home, "recordings-approve", subject=hold_id, agree=not refuse, secret=secret), as_json)

    @hold.command("release")
    @click.argument("hold_id", metavar="HOLD")
    @_json
    @click.pass_obj
    def release(home: Path, hold_id: str, as_json: bool) -> None:
        """Ask that a hold end before its date; a second person agrees."""
        emit(ask(home, "recordings-hold-release", hold=hold_id), as_json)

    @hold.command("list")
    @_json
    @click.pass_obj
    def listed(home: Path, as_json: bool) -> None:
        """Show the holds in force and those asked for."""
        answer = ask(home, "recordings-hold-list")
        if as_json:
            emit(answer, as_json)
            return
        for each in answer["holds"]:
            click.echo(
                f"{each['hold']}  {each['controller']:<12} {each['scope']:<8} {each['until'][:10]}  "
                f"{each['reference']}  {'agreed' if each['approved_by'] else 'asked for'}"
            )
