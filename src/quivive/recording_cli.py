"""Commands of the register: `quivive recordings campaign|kiosk|sheet|neutralise|grid`.

Added to the command line by `cli`. Thin like it: ask the core, print its answer, in the same sentences as the console.
Must never take the word of one person for two, and never keep a file it was given.
"""

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import rich_click as click

from quivive.language import is_french, said
from quivive.recording_purge_cli import SIGN_IN_VARIABLE, recordings_group

Ask = Callable[..., dict[str, Any]]
Emit = Callable[[dict[str, Any], bool], None]
MAX_FILE_BYTES: Final = 700 << 10
"""Bytes of a draft, a grid or a sheet: what one line of the control socket carries, in base64."""
_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
_file = click.Path(path_type=Path, exists=True, dir_okay=False)


def add_recording_commands(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    """Add the register to `quivive recordings`."""
    recordings = recordings_group(cli)
    _campaigns(recordings, ask, emit)
    _notices(recordings, ask, emit)
    _grids(recordings, ask, emit)


def _campaigns(recordings: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @recordings.group("campaign")
    def campaign() -> None:
        """Campaigns of recording and listening: purpose, periods, share, listeners, retention."""

    @campaign.command("add")
    @click.argument("path", metavar="FILE", type=_file)
    @click.option("--demonstration", is_flag=True, help="Fictitious record.")
    @_json
    @click.pass_obj
    def add(home: Path, path: Path, demonstration: bool, as_json: bool) -> None:
        """Propose a campaign from its YAML; exit code 1 when a rule refuses it."""
        answer = ask(home, "campaign-add", draft=_text(path), demonstration=demonstration)
        _show(answer, as_json, emit)
        if answer["refusals"]:
            raise SystemExit(1)

    @campaign.command("list")
    @_json
    @click.pass_obj
    def list_campaigns(home: Path, as_json: bool) -> None:
        """List every version, newest first."""
        answer = ask(home, "campaign-list")
        if as_json:
            emit(answer, as_json)
            return
        for each in answer["campaigns"]:
            click.echo(
                f"{each['first_day']:<10} {each['last_day']:<10}  {each['state']:<9}  {each['controller']:<12}"
                f" {each['purpose']:<17} {each['campaign']}/{each['version']}"
            )

    @campaign.command("show")
    @click.argument("name")
    @click.option("--version", type=click.IntRange(1), help="This version; default the newest.")
    @_json
    @click.pass_obj
    def show(home: Path, name: str, version: int | None, as_json: bool) -> None:
        """Show one version: periods, and how many agents were told."""
        _show(ask(home, "campaign-show", campaign=name, version=version or 0), as_json, emit)

    @campaign.command("approve")
    @click.argument("name")
    @click.option("--version", type=click.IntRange(1), help="This version; default the newest.")
    @click.option("--refuse", is_flag=True, help="Do not agree.")
    @_json
    @click.pass_obj
    def approve(home: Path, name: str, version: int | None, refuse: bool, as_json: bool) -> None:
        """As a second person, announce a proposed campaign: a token or sign-in link of your own is asked for."""
        secret = os.environ.get(SIGN_IN_VARIABLE) or click.prompt("Your token or sign-in link", hide_input=True)
        answer = ask(
            home, "campaign-decide", campaign=name, version=version or 0, agree=not refuse, secret=secret
        )  # fmt: skip
        _show(answer, as_json, emit)

    @campaign.command("end")
    @click.argument("name")
    @_json
    @click.pass_obj
    def end(home: Path, name: str, as_json: bool) -> None:
        """End a campaign at once."""
        _show(ask(home, "campaign-end", campaign=name), as_json, emit)


def _notices(recordings: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @recordings.command("sheet")
    @click.argument("name")
    @click.argument("path", metavar="FILE", type=_file)
    @_json
    @click.pass_obj
    def sheet(home: Path, name: str, path: Path, as_json: bool) -> None:
        """Import a sign-in sheet (personnel number, then signed or refused); its hash is kept, the file is not."""
        emit(ask(home, "notices-sheet", campaign=name, sheet=base64.b64encode(_bytes(path)).decode()), as_json)

    @recordings.command("kiosk")
    @click.argument("name")
    @click.argument("path", metavar="FILE", type=_file)
    @_json
    @click.pass_obj
    def kiosk(home: Path, name: str, path: Path, as_json: bool) -> None:
        """Make one-time codes for personnel numbers, one a line; each is typed at /kiosk of the console."""
        numbers = [line.strip() for line in _text(path).splitlines() if line.strip()]
        answer = ask(home, "notices-kiosk", campaign=name, numbers=numbers)
        if as_json:
            emit(answer, as_json)
            return
        for each in answer["codes"]:
            click.echo(f"{each['number']};{each['code']}")

    @recordings.command("neutralise")
    @click.argument("person", required=False)
    @click.option("--line", default="", help="A line instead of a person.")
    @click.option("--controller", default="", help="Whose line it is.")
    @click.option("--days", type=click.IntRange(1, 3_650), help="For so long; default until it is put back.")
    @click.option("--back", is_flag=True, help="Put back.")
    @_json
    @click.pass_obj
    def neutralise(
        home: Path, *, person: str | None, line: str, controller: str, days: int | None, back: bool, as_json: bool
    ) -> None:
        """Take a person (personnel number) or a line out of recording and listening; nobody is told why."""
        if bool(person) == bool(line) or bool(line) != bool(controller):
            raise click.UsageError(said("expected a personnel number, or --line with --controller"))
        answer = ask(
            home,
            "recordings-neutralise",
            person=person or "",
            line=line,
            controller=controller,
            days=days or 0,
            removed=back,
        )
        emit(answer, as_json)


def _grids(recordings: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @recordings.group("grid")
    def grid() -> None:
        """Evaluation grids, announced before they are used."""

    @grid.command("add")
    @click.argument("path", metavar="FILE", type=_file)
    @_json
    @click.pass_obj
    def add(home: Path, path: Path, as_json: bool) -> None:
        """Register a grid from its YAML, or its next version."""
        emit(ask(home, "grid-add", grid=_text(path)), as_json)

    @grid.command("list")
    @_json
    @click.pass_obj
    def list_grids(home: Path, as_json: bool) -> None:
        """List the grids in force."""
        answer = ask(home, "grid-list")
        if as_json:
            emit(answer, as_json)
            return
        for each in answer["grids"]:
            click.echo(f"{each['grid']:<24} {each['version']:>3}  {each['purpose']:<12} {each['criteria']:>3}")


def _show(answer: dict[str, Any], as_json: bool, emit: Emit) -> None:
    """One campaign, then each refusal and warning as the console says it."""
    if as_json:
        emit(answer, as_json)
        return
    simple = {name: value for name, value in answer.items() if name not in {"refusals", "warnings", "periods"}}
    for name in ("media", "sites", "teams", "queues"):
        if name in simple:
            simple[name] = ", ".join(simple[name]) or "-"
    notices = simple.pop("notices", None)
    emit(simple, False)
    for begins, ends in answer.get("periods", ()):
        click.echo(f"  {begins[:16]} – {ends[:16]} UTC")
    if notices is not None:
        click.echo("  ".join(f"{name} {count}" for name, count in notices.items()))
    for line in _sentences(answer):
        click.echo(line)


def _sentences(answer: dict[str, Any]) -> list[str]:
    from quivive.model.recording_register import (  # noqa: PLC0415 - the commands answer at once
        Refusal,
        RefusalCode,
        WarningCode,
    )
    from quivive.recordings.rules import Warned  # noqa: PLC0415
    from quivive.web import recording_sentences as sentences  # noqa: PLC0415
    from quivive.web.i18n import load_texts  # noqa: PLC0415

    texts = load_texts("UTC")["fr" if is_french() else "en"]
    found = []
    for each in answer.get("refusals", ()):
        refused = Refusal(code=RefusalCode(each["code"]), found=each["found"], limit=each["limit"])
        found.append(f"✖ {sentences.clause(refused)}  {sentences.refusal(texts, refused)}")
    for each in answer.get("warnings", ()):
        warned = Warned(code=WarningCode(each["code"]), found=each["found"], usual=each["usual"])
        found.append(f"!  {sentences.warning(texts, warned)}")
    return found


def _bytes(path: Path) -> bytes:
    data = path.read_bytes()
    if len(data) > MAX_FILE_BYTES:
        raise click.UsageError(said(f"{path.name}: expected at most {MAX_FILE_BYTES} bytes"))
    return data


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise click.UsageError(said(f"{path.name}: expected text in UTF-8")) from None
