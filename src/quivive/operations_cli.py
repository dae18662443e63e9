"""Commands of operations: `quivive backup`, `quivive restore`.

Added to the command line by `cli`. Thin like it. Must never print a key.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rich_click as click

from quivive.language import said

Emit = Callable[[dict[str, Any], bool], None]
_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


def add_operations(cli: click.RichGroup, emit: Emit) -> None:
    """Add the commands of operations to the command line."""
    _backup(cli, emit)
    _restore(cli, emit)


def _backup(cli: click.RichGroup, emit: Emit) -> None:
    @cli.command("backup")
    @click.argument("target", type=click.Path(path_type=Path))
    @_json
    @click.pass_obj
    def backup(home: Path, target: Path, as_json: bool) -> None:
        """Copy the data folder, without keys/, to a new folder; everything may run meanwhile.

        keys/ has its own backup, at most 7 days deep, kept apart from this one.
        """
        emit(_backed_up(home, target.absolute()), as_json)


def _backed_up(home: Path, target: Path) -> dict[str, Any]:
    import msgspec  # noqa: PLC0415 - so that `--help` answers at once

    from quivive.core.backup import back_up, evidence_of  # noqa: PLC0415
    from quivive.core.control import CoreUnreachableError, ask, core_socket  # noqa: PLC0415
    from quivive.model.clock import now_us  # noqa: PLC0415
    from quivive.settings import load_settings  # noqa: PLC0415

    settings = load_settings(home)
    try:
        return asyncio.run(ask(core_socket(home), "backup", target=str(target)))
    except CoreUnreachableError:
        return dict(msgspec.to_builtins(back_up(settings, target, evidence_of(settings), now_us())))


def _restore(cli: click.RichGroup, emit: Emit) -> None:
    @cli.command("restore")
    @click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False))
    @click.option("--verify/--no-verify", default=True, show_default=True, help="Verify the evidence afterwards.")
    @click.option(
        "--held",
        multiple=True,
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Checkpoint of the operator's log kept elsewhere: an older backup is refused.",
    )
    @_json
    @click.pass_obj
    def restore(home: Path, source: Path, verify: bool, held: tuple[Path, ...], as_json: bool) -> None:
        """Put a backup into an empty data folder, beside keys/ from their own backup.

        Exit codes of `quivive verify`; 50 when keys are missing: nothing is wrong, and not everything was checked.
        """
        from quivive.core.restoring import restore as put  # noqa: PLC0415
        from quivive.model.clock import Micros, to_rfc3339  # noqa: PLC0415

        restored, report = put(home, source.absolute(), held=held, verify=verify)
        answer: dict[str, Any] = {
            "files": restored.files,
            "made_at": to_rfc3339(Micros(restored.made_at)),
            "spine_size": restored.spine_size,
            "checkpoint_sha256": restored.checkpoint_sha256,
            "keys_missing": restored.keys_missing,
        }
        if restored.outcome is not None:
            answer["outcome"] = restored.outcome.name.lower()
            answer["findings"] = len(report.findings)
        emit(answer, as_json)
        if not as_json and restored.keys_missing:
            click.echo(said(f"{restored.keys_missing} keys of days are missing: put them back from their own backup"))
        sys.exit(int(restored.outcome or 0))
