"""Commands of instructions and of the way around a relay: `quivive instruction`, `quivive bypass`.

Added to the command line by `cli`. Thin like it. Must never send the text of an instruction: it is hashed here.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rich_click as click

from quivive.language import said
from quivive.model.errors import RefusedError

Ask = Callable[..., dict[str, Any]]
Emit = Callable[[dict[str, Any], bool], None]


def add_instructions(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    """Add the commands to the command line."""
    _instructions(cli, ask, emit)
    _bypass(cli)


def _instructions(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    as_json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")

    @cli.group()
    def instruction() -> None:
        """What a company has instructed before limits or a closed relay may stop anybody's work."""

    @instruction.command("record")
    @click.argument("controller")
    @click.option("--limits", is_flag=True, help="Limits on the records that one result or one agent may show.")
    @click.option("--closed", is_flag=True, help="Refuse what cannot be recorded.")
    @click.option("--withdraw", is_flag=True, help="Nothing is instructed any more.")
    @click.option("--reference", required=True, help="Contract, amendment or letter that holds the instruction.")
    @click.option(
        "--text", "path", type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="The document: its hash is kept.",
    )  # fmt: skip
    @click.option("--demonstration", is_flag=True, help="Fictitious record.")
    @as_json_option
    @click.pass_obj
    def record(
        home: Path,
        *,
        controller: str,
        limits: bool,
        closed: bool,
        withdraw: bool,
        reference: str,
        path: Path | None,
        demonstration: bool,
        as_json: bool,
    ) -> None:
        """Seal all that a company instructs from now on."""
        instructed = [name for name, given in (("limits", limits), ("closed", closed)) if given]
        if bool(instructed) == withdraw:
            raise RefusedError("instruction_empty", "expected --limits, --closed or both, or --withdraw alone")
        answer = ask(
            home,
            "instruction-record",
            controller=controller,
            instructed=instructed,
            reference=reference,
            text_sha256=hashlib.sha256(path.read_bytes()).hexdigest() if path is not None else "",
            demonstration=demonstration,
        )
        emit(answer, as_json)

    @instruction.command("show")
    @as_json_option
    @click.pass_obj
    def show(home: Path, *, as_json: bool) -> None:
        """Show the last instruction of each company."""
        answer = ask(home, "instruction-show")
        if as_json:
            emit(answer, as_json)
            return
        for each in answer["instructions"]:
            click.echo(f"{each['controller']:<16} {','.join(each['instructed']) or '-':<16} {each['reference']}")


def _bypass(cli: click.RichGroup) -> None:
    @cli.command()
    @click.argument("source")
    @click.pass_obj
    def bypass(home: Path, source: str) -> None:
        """Print where to connect without the relay, should it ever have to be taken out of the way."""
        from quivive.addresses import parse_address  # noqa: PLC0415 - heavy, as in cli
        from quivive.settings import SourceKind, load_settings  # noqa: PLC0415 - heavy, as in cli

        found = load_settings(home).sources.get(source)
        if found is None or found.kind is not SourceKind.POSTGRES:
            raise RefusedError("source_unknown", "quivive.toml names no source of kind postgres with this name")
        address = parse_address(found.target, f"sources.{source}.target")
        dsn = f"host={Path(address).parent}" if isinstance(address, str) else f"host={address[0]} port={address[1]}"
        if isinstance(address, str):
            dsn += f" port={address.rpartition('.')[2]}"
        click.echo(said(f"{dsn}: directly to the database, unrecorded by the relay; reconciliation will show it"))
