"""Commands of evidence: a controller's bundle, single proofs, the witness, the keys of the logs.

Called by `cli`. Each is thin; heavy imports stay inside. Must never print a key but a public one.
"""

import os
import sys
from pathlib import Path

import rich_click as click

from quivive.language import said
from quivive.model.errors import ConfigurationError

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def add_evidence(cli: click.Group) -> None:
    """Add the commands of this file."""
    for command in (bundle, prove, witness, key):
        cli.add_command(command)


@click.command()
@click.argument("controller")
@click.argument("target", type=click.Path(path_type=Path))
@click.pass_obj
def bundle(home: Path, controller: str, target: Path) -> None:
    """Write everything that proves one controller's entries into the new folder TARGET; nothing of another is in it."""
    from quivive.ledger.bundle import write_bundle

    click.echo(said(f"{write_bundle(home, controller, target)} entries written; check them: quivive verify {target}"))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("month")
@click.argument("index", type=click.IntRange(min=0), nargs=-1, required=True)
def prove(folder: Path, month: str, index: tuple[int, ...]) -> None:
    """Write single proofs (c2sp.org/tlog-proof), each with its event, from the bundle in FOLDER."""
    from quivive.ledger.bundle import write_proofs

    for number, text in write_proofs(folder, month, index):
        path = Path(f"{month}-{number}.tlog-proof")
        path.write_text(text, encoding="utf-8")
        click.echo(path)


@click.command()
@click.option("--name", required=True, help="Name of this witness: a domain you hold, then a path.")
@click.option("--log", "logs", multiple=True, required=True, type=_FILE, help="Public key to cosign: spine/vkey.")
@click.option("--listen", default="127.0.0.1:8460", show_default=True, help="Address of this witness.")
@click.pass_obj
def witness(home: Path, name: str, logs: tuple[Path, ...], listen: str) -> None:
    """Cosign an operator's log for somebody else (c2sp.org/tlog-witness); prints the public keys to hand out.

    Its key and what it saw stand in the data folder (--home). It refuses every log that goes back or differs.
    """
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigurationError(file="(command line)", key="--listen", expected="host:port", found="another text")
    module = ["-m", "quivive.ledger.witness", str(home), name, listen, *(str(path.absolute()) for path in logs)]
    small = {**os.environ, "MALLOC_ARENA_MAX": "1"}  # threads share one heap
    os.execve(sys.executable, [sys.executable, *module], small)  # noqa: S606 - a process without the parser of commands


@click.group()
def key() -> None:
    """Signing keys of the logs: replace one in time, or at once when it is known to others."""


def _replace(home: Path, log: str, event: str, reason: str) -> None:
    from quivive.ledger.rotation import KeyEvent, replace_key

    done = replace_key(home, log, KeyEvent(event), reason=reason)
    click.echo(said(f"{done.logs} logs signed again; new public key: {done.vkey}"))


@key.command("rotate")
@click.argument("log")
@click.option("--reason", default="", help="Stands in the key event.")
@click.pass_obj
def key_rotate(home: Path, log: str, reason: str) -> None:
    """Replace the signing key of LOG (a controller, or `spine`). The core must be stopped."""
    _replace(home, log, "rotated", reason)


@key.command("compromise")
@click.argument("log")
@click.option("--reason", required=True, help="Stands in the key event.")
@click.pass_obj
def key_compromise(home: Path, log: str, reason: str) -> None:
    """Revoke the signing key of LOG (a controller, or `spine`) and replace it. The core must be stopped."""
    _replace(home, log, "compromised", reason)
