"""Commands of the registers: `quivive register import FILE`, `quivive register export`.

Called by `cli`. Must never take half a file, and never quote a cell in an error.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import rich_click as click

from quivive.language import said

Ask = Callable[..., dict[str, Any]]
Emit = Callable[[dict[str, Any], bool], None]
EXIT_REFUSED: Final = 1
_REGISTERS = click.Choice(
    [
        "contract", "instruction", "sub_processor", "breach", "rights_request", "charter", "announcement",
        "contract_end",
    ]
)  # fmt: skip


def add_registers(cli: click.Group, ask: Ask, emit: Emit) -> None:
    """Add the commands to the command line."""

    @cli.group()
    def register() -> None:
        """Registers that people keep: contracts, sub-processors, breaches, requests, charters."""

    @register.command("import")
    @click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
    @click.pass_obj
    def take(home: Path, path: Path, as_json: bool) -> None:
        """Take the lines of a CSV file, all or none; each new line is an entry."""
        import msgspec

        from quivive.reports.registers import RegisterError, read_register

        try:
            rows = read_register(path.read_bytes(), ask(home, "register-controllers")["controllers"])
        except RegisterError as error:
            for line in str(error).splitlines():
                click.echo(f"{path.name}: {said(line)}", err=True)
            sys.exit(EXIT_REFUSED)
        emit(ask(home, "register-import", rows=msgspec.to_builtins(rows)), as_json)

    @register.command("export")
    @click.option("--register", "which", type=_REGISTERS, help="One register; all without it.")
    @click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="New CSV file.")
    @click.pass_obj
    def give(home: Path, which: str | None, out: Path) -> None:
        """Write the lines as a CSV file that can be edited and taken in again."""
        from quivive.reports.registers import write_register

        rows = ask(home, "register-export", register=which or "")["rows"]
        with out.open("xb") as file:
            file.write(write_register(rows))
        click.echo(said(f"{out}: {len(rows)} lines"))
