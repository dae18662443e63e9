"""Commands of identity: `quivive account`, `quivive inspection`, `quivive token list`.

Added to the command line by `cli`. Thin like it. Must never take a password as an argument: every account of the
machine reads arguments.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import rich_click as click

from quivive.language import said

Ask = Callable[..., dict[str, Any]]
Emit = Callable[[dict[str, Any], bool], None]

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_LOCAL_ROLES = ("security", "dpo", "administrator", "evaluator", "auditor")


def add_identity(cli: click.RichGroup, token: click.Group, ask: Ask, emit: Emit) -> None:
    """Add the commands."""
    _accounts(cli, ask, emit)
    _inspections(cli, ask, emit)

    @token.command("list")
    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
    @click.pass_obj
    def token_list(home: Path, *, as_json: bool) -> None:
        """List the tokens: name, sources, roles, end; never a secret."""
        answer = ask(home, "token-list")
        if as_json:
            emit(answer, as_json)
            return
        for each in answer["tokens"]:
            places = ",".join(each["sources"]) or "-"
            click.echo(f"{each['name']:<24} {places:<24} {','.join(each['roles']):<16} {each['until'] or '-'}")


def _accounts(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    as_json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")

    @cli.group()
    def account() -> None:
        """Local accounts, for the day the identity provider is gone."""

    @account.command("add")
    @click.argument("name")
    @click.option("--role", "roles", multiple=True, required=True, type=click.Choice(_LOCAL_ROLES))
    @click.option("--controller", "controllers", multiple=True, help="Controllers to be seen; default: all.")
    @click.option("--password-file", type=_FILE, help="File whose first line is the password; otherwise it is asked.")
    @as_json_option
    @click.pass_obj
    def add(home: Path, /, *, name: str, password_file: Path | None, as_json: bool, **fields: Any) -> None:
        """Add an account with a password and codes of an authenticator application; their secret is shown once."""
        if password_file is not None:
            password = password_file.read_text(encoding="utf-8").partition("\n")[0]
        else:
            password = click.prompt(said("Password"), hide_input=True, confirmation_prompt=True)
        emit(ask(home, "account-add", name=name, password=password, **fields), as_json)

    @account.command("list")
    @as_json_option
    @click.pass_obj
    def list_(home: Path, *, as_json: bool) -> None:
        """List the accounts: roles, last use, passkeys, disabled since."""
        answer = ask(home, "account-list")
        if as_json:
            emit(answer, as_json)
            return
        for each in answer["accounts"]:
            state = f"{said('disabled')} {each['disabled_at']}" if each["disabled_at"] else each["used_at"] or "-"
            click.echo(f"{each['name']:<24} {','.join(each['roles']):<24} {each['passkeys']:>2}  {state}")

    @account.command("disable")
    @click.argument("name")
    @as_json_option
    @click.pass_obj
    def disable(home: Path, *, name: str, as_json: bool) -> None:
        """Disable an account at once, with its sessions and passkeys."""
        emit(ask(home, "account-disable", name=name), as_json)


def _inspections(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    as_json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")

    @cli.group()
    def inspection() -> None:
        """Sessions of an inspector of the authority: read only, with an end, every look recorded."""

    @inspection.command("open")
    @click.option("--until", required=True, help="RFC 3339 instant; seven days from now at most.")
    @click.option("--controller", "controllers", multiple=True, required=True, help="Controllers to be seen.")
    @as_json_option
    @click.pass_obj
    def open_(home: Path, *, until: str, controllers: tuple[str, ...], as_json: bool) -> None:
        """Open an inspection and print its first one-time sign-in link."""
        from quivive.model.clock import from_rfc3339  # noqa: PLC0415 - heavy imports stay inside the commands

        try:
            ends_at = from_rfc3339(until)
        except ValueError as error:
            raise click.UsageError(said(error)) from None
        emit(ask(home, "inspection-open", ends_at=ends_at, controllers=controllers), as_json)

    @inspection.command("list")
    @as_json_option
    @click.pass_obj
    def list_(home: Path, *, as_json: bool) -> None:
        """List the inspections."""
        answer = ask(home, "inspection-list")
        if as_json:
            emit(answer, as_json)
            return
        for each in answer["inspections"]:
            state = said("open") if each["open"] else said("closed")
            click.echo(f"{each['inspection']:<12} {','.join(each['controllers']):<32} {each['until']}  {state}")

    @inspection.command("end")
    @click.argument("inspection")
    @as_json_option
    @click.pass_obj
    def end(home: Path, *, inspection: str, as_json: bool) -> None:
        """End an inspection at once, with its sessions."""
        emit(ask(home, "inspection-end", inspection=inspection), as_json)
