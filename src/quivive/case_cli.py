"""Commands of cases: `quivive case-check`, for whoever receives a bundle. Works offline, without a data folder.

Called by `cli`. Must never write what it opened: it says whether the exhibits hold.
"""

from pathlib import Path

import rich_click as click

from quivive.language import said

EXIT_ALTERED = 40
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def add_cases(cli: click.Group) -> None:
    """Add the commands of this file."""
    cli.add_command(case_check)


@click.command("case-check")
@click.argument("bundle", type=_FILE)
@click.option(
    "--identity", type=_FILE, help="File with the age identity (AGE-SECRET-KEY-1…) that the bundle was sealed to."
)
@click.option(
    "--key",
    "keys",
    type=_FILE,
    multiple=True,
    help="Public key of a log (a line of its .vkey file), kept from elsewhere.",
)
@click.pass_context
def case_check(context: click.Context, bundle: Path, identity: Path | None, keys: tuple[Path, ...]) -> None:
    """Check a case's bundle: its files against its manifest, each exhibit against its proof. Exit code 40: altered."""
    from quivive.cases.bundle import check_bundle, open_bundle
    from quivive.cases.exhibits import ExhibitError

    try:
        archive = bundle.read_bytes()
        if identity is not None:
            archive = open_bundle(archive, identity.read_text(encoding="utf-8"))
        known = [
            line.strip() for path in keys for line in path.read_text(encoding="utf-8").splitlines() if line.strip()
        ]
        found = check_bundle(archive, known)
    except ExhibitError as error:
        click.echo(said(str(error)), err=True)
        context.exit(EXIT_ALTERED)
    click.echo(said(f"exhibits whose proof holds: {found}"))
    if not known:
        click.echo(said("who signed them was not checked: give --key with the public key that you kept"))
