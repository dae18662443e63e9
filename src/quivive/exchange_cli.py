"""Commands about exchanges that ask the recording gate: `quivive recordings sampling-proof`, `quivive gate pieces`.

Registered by `cli`. Thin: one question to the core, or a copy of shipped files. Must never print a key.
"""

import json
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import rich_click as click

from quivive.language import said
from quivive.recording_purge_cli import recordings_group

EXIT_FAILED: Final = 1
Ask = Callable[..., dict[str, Any]]


def add_exchange(cli: click.RichGroup, ask: Ask) -> None:
    """Add the commands."""
    recordings = recordings_group(cli)

    @recordings.command("sampling-proof")
    @click.argument("day")
    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
    @click.pass_obj
    def sampling_proof(home: Path, day: str, as_json: bool) -> None:
        """Recompute the draws of a finished UTC day (yyyymmdd). Exit 1 when one does not follow from its seed."""
        answer = ask(home, "recordings-sampling-proof", day=day)
        if as_json:
            click.echo(json.dumps(answer, sort_keys=True))
        for each in () if as_json else answer["campaigns"]:
            verdict = "proven" if each["good"] else "NOT PROVEN"
            click.echo(
                said(f"{each['campaign']}: {verdict}, {each['sampled']} of {each['drawn']} calls drawn were sampled")
            )
        sys.exit(0 if all(each["good"] for each in answer["campaigns"]) else EXIT_FAILED)

    gate = cli.commands["gate"]
    assert isinstance(gate, click.RichGroup)

    @gate.command("pieces")
    @click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
    def pieces(folder: Path) -> None:
        """Copy the ready pieces for Asterisk and FreeSWITCH into a folder; nothing is overwritten."""
        folder.mkdir(parents=True, exist_ok=True)
        for piece in sorted(files("quivive.recordings.gate").joinpath("pieces").iterdir(), key=lambda each: each.name):
            target = folder / piece.name
            if target.exists():
                click.echo(said(f"{target} is there already"))
                continue
            target.write_bytes(piece.read_bytes())
            if piece.name.endswith(".agi"):
                target.chmod(0o755)
            click.echo(said(f"{target} written"))
