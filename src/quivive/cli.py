"""The commands. Each is thin: read the configuration, call one function, give an exit code.

Exit codes: 0 done, 1 refused or failed, 2 the configuration or the command line is wrong; `verify` has
its own (docs/verify.md). Must never print a personal value or a traceback for what a person can mend.
Heavy imports stay inside the commands, so that `--help` answers at once.
"""

import asyncio
import json
import os
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import rich_click as click

from quivive.alert_cli import add_commands
from quivive.application_cli import add_applications
from quivive.bench_cli import add_bench_commands
from quivive.case_cli import add_cases
from quivive.coverage_cli import add_coverage
from quivive.evidence_cli import add_evidence
from quivive.exchange_cli import add_exchange
from quivive.gate_paper_cli import add_gate_papers
from quivive.identity_cli import add_identity
from quivive.instruction_cli import add_instructions
from quivive.language import said, speak
from quivive.model.errors import ConfigurationError, QuiviveError
from quivive.operations_cli import add_operations
from quivive.recording_cli import add_recording_commands
from quivive.recording_purge_cli import add_audio_commands
from quivive.register_cli import add_registers
from quivive.resolve_cli import add_resolve
from quivive.retention_cli import add_retention
from quivive.rule_cli import add_rule_commands

EXIT_FAILED: Final = 1
EXIT_CONFIGURATION: Final = 2
PRIVATE_UMASK: Final = 0o077  # whatever a process of ours writes is its owner's alone (DuckDB's files too)
HOME_DEFAULT: Final = "./var/quivive"
DEMO_HOME_DEFAULT: Final = "./var/demo"

T = TypeVar("T")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="QUIVIVE_HOME",
    help=f"Data folder (quivive.toml stands in it); default {HOME_DEFAULT}, for demo {DEMO_HOME_DEFAULT}.",
)
@click.version_option(package_name=None, version=__import__("quivive").__version__, prog_name="quivive")
@click.pass_context
def cli(context: click.Context, home: Path | None) -> None:
    """Who had access to what, who changed what, when, and for what reason, with proof."""
    demonstration = context.invoked_subcommand == "demo"
    if not demonstration:  # whose database, of an account of its own, must reach its folder
        os.umask(PRIVATE_UMASK)
    default = DEMO_HOME_DEFAULT if demonstration else HOME_DEFAULT
    context.obj = (home or Path(default)).absolute()


def _settings(home: Path) -> Any:
    from quivive.settings import load_settings

    return load_settings(home)


def _tell(line: str) -> None:
    click.echo(said(line), err=True)


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def _emit(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(answer, sort_keys=True))
        return
    for key, value in answer.items():
        click.echo(f"{key}: {value}")


READABLE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
as_json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@cli.command()
@click.option("--operator", prompt="Name of the operator", help="Shown on the pages.")
@click.option(
    "--origin", prompt="Origin of the logs (a domain you hold, then a path)", help="Example: example.fr/centre"
)
@click.option("--language", type=click.Choice(["fr", "en"]), default="fr", show_default=True)
@click.pass_obj
def init(home: Path, operator: str, origin: str, language: str) -> None:
    """Make a new data folder with a commented configuration."""
    from quivive.core.init import initialise

    initialise(home, operator=operator, origin=origin, language=language)
    click.echo(said(f"{home / 'quivive.toml'} written. Next: quivive serve"))


@cli.command()
@click.pass_obj
def serve(home: Path) -> None:
    """Run everything this configuration names: the core and the relays."""
    from quivive.supervisor import serve as run

    sys.exit(_run(run(_settings(home), _tell)))


@cli.command()
@click.pass_obj
def core(home: Path) -> None:
    """Run the core alone: ledger, projection, verdicts, console and API."""
    from quivive.core.main import run_core
    from quivive.logs import configure_logging

    configure_logging()
    sys.exit(run_core(_settings(home)))


@cli.command()
@click.argument("source")
@click.option("--worker", default=1, hidden=True)
@click.pass_obj
def relay(home: Path, source: str, worker: int) -> None:
    """Run the relay of one source alone."""
    from quivive.capture.relay import run_relay
    from quivive.logs import configure_logging

    configure_logging()
    sys.exit(run_relay(_settings(home), source, worker))


@cli.command(hidden=True)
@click.argument("room")
@click.pass_obj
def spare(home: Path, room: str) -> None:
    """Be the next relay that is needed: `serve` starts it."""
    from quivive.capture.spare import run_spare
    from quivive.logs import configure_logging

    configure_logging()
    sys.exit(run_spare(lambda: _settings(home), room))


@cli.command()
@click.pass_obj
def demo(home: Path) -> None:
    """Run the demonstration centre: a real database, simulated agents, a live console."""
    from quivive.simulation.demo import run_demo

    sys.exit(run_demo(home))


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True), required=False)
@click.option("--controller", help="Check only this controller's log.")
@click.option("--vkey", "vkeys", multiple=True, type=READABLE, help="File with a log's public key, from elsewhere.")
@click.option("--held", "held", multiple=True, type=READABLE, help="Checkpoint kept from earlier: it must be inside.")
@click.option("--policy", type=READABLE, help="Trust policy (c2sp.org/tlog-policy): logs, witnesses, quorum.")
@as_json_option
@click.pass_obj
def verify(
    home: Path,
    folder: Path | None,
    controller: str | None,
    vkeys: tuple[Path, ...],
    held: tuple[Path, ...],
    policy: Path | None,
    as_json: bool,
) -> None:
    """Check offline that nothing was altered: a data folder, a controller's bundle, or one .tlog-proof.

    Exit 0 whole, 10 erased under certificate, 20 stale, 30 inconsistent, 40 altered, 50 cannot check.
    """
    from quivive.ledger.report import Held, verify_and_print

    def tell(line: str) -> None:
        click.echo(line if as_json else said(line))

    kept = Held(vkeys=vkeys, checkpoints=held, policy=policy)
    path = (folder or home).absolute()
    sys.exit(verify_and_print(path, controller=controller, as_json=as_json, tell=tell, held=kept))


@cli.command()
@click.option("--from", "from_at", required=True, help="RFC 3339 instant, inclusive.")
@click.option("--to", "to_at", required=True, help="RFC 3339 instant, exclusive.")
@as_json_option
@click.pass_obj
def judge(home: Path, from_at: str, to_at: str, as_json: bool) -> None:
    """Judge a past period again with the text used live; prints how many verdicts changed."""
    from quivive.model.clock import from_rfc3339

    try:
        bounds = from_rfc3339(from_at), from_rfc3339(to_at)
    except ValueError as error:
        raise click.UsageError(said(error)) from None
    _emit(_ask(home, "judge", from_at=bounds[0], to_at=bounds[1]), as_json)


@cli.command()
@as_json_option
@click.pass_obj
def rebuild(home: Path, as_json: bool) -> None:
    """Throw the projection away and build it again from the ledger."""
    _emit(_ask(home, "rebuild"), as_json)


@cli.command()
@as_json_option
@click.pass_obj
def status(home: Path, as_json: bool) -> None:
    """What the core is doing: sizes, delays, failures."""
    _emit(_ask(home, "status"), as_json)


@cli.command()
@click.option("--controller", help="Only this controller.")
@click.pass_obj
def tail(home: Path, controller: str | None) -> None:
    """Follow new entries as they become durable: kind, source, sequence, never a key."""
    from quivive.core.control import ask_lines, core_socket

    async def follow() -> None:
        async for line in ask_lines(core_socket(home), "tail", controller=controller or ""):
            click.echo(json.dumps(line, sort_keys=True))

    try:
        _run(follow())
    except KeyboardInterrupt:
        sys.exit(0)


@cli.group(invoke_without_command=True)
@as_json_option
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Look at everything: what was found, what was expected, what to do. Exit 1 when something hurts now."""
    if context.invoked_subcommand is None:
        from quivive.doctor.run import examine
        from quivive.model.clock import now_us

        _tell_findings(_run(examine(_settings(context.obj), now_us())), as_json=as_json)


@doctor.command("attribution")
@click.option("--days", type=click.IntRange(1, 90), default=7, show_default=True, help="Days up to now.")
@as_json_option
@click.pass_obj
def doctor_attribution(home: Path, days: int, as_json: bool) -> None:
    """Per source and application: by what means agents are named, and the cheapest way to name more."""
    from quivive.doctor.attribution import check_attribution

    _tell_findings(_run(check_attribution(_settings(home), days)), as_json=as_json)


def _tell_findings(findings: Sequence[Any], *, as_json: bool) -> NoReturn:
    from quivive.doctor.show import shown

    for line in shown(findings, as_json=as_json):
        click.echo(line)
    sys.exit(EXIT_FAILED if any(finding.level == "fail" for finding in findings) else 0)


@cli.group(invoke_without_command=True)
@click.pass_context
def gate(context: click.Context) -> None:
    """Alone: run the recording gate, which exchanges ask. With a command: the activation gate.

    The activation gate holds one state per employer, establishment and module.
    """
    if context.invoked_subcommand is None:
        from quivive.logs import configure_logging
        from quivive.recordings.gate.run import run_gate

        configure_logging()
        sys.exit(run_gate(_settings(context.obj)))


@gate.command("set")
@click.option("--employer", required=True)
@click.option("--establishment", required=True)
@click.option("--module", type=click.Choice(["access", "recordings", "residual"]), default="access", show_default=True)
@click.option(
    "--state",
    type=click.Choice(["installed", "dry", "assessed", "consulted", "informed", "active"]),
    required=True,
)
@click.option("--reference", required=True, help="Minutes, assessment or notice that supports this state.")
@click.option("--demonstration", is_flag=True, help="Fictitious record.")
@click.pass_obj
def gate_set(home: Path, /, **fields: Any) -> None:
    """Seal a new state."""
    _emit(_ask(home, "gate-set", **fields), as_json=False)


@gate.command("show")
@click.option("--employer", required=True)
@click.option("--establishment", required=True)
@click.option("--module", type=click.Choice(["access", "recordings", "residual"]), default="access", show_default=True)
@as_json_option
@click.pass_obj
def gate_show(home: Path, /, as_json: bool, **fields: Any) -> None:
    """Show the state in force."""
    _emit(_ask(home, "gate-show", **fields), as_json)


@cli.group()
def token() -> None:
    """Tokens of the API, one per source and purpose."""


@token.command("issue")
@click.argument("name")
@click.option("--source", "sources", multiple=True, help="Source of quivive.toml that this token may write.")
@click.option("--role", "roles", multiple=True, default=("integration",), show_default=True)
@click.option("--controller", "controllers", multiple=True, help="Controllers it may read; default: all.")
@click.option("--days", type=click.IntRange(0, 3_650), default=365, show_default=True, help="Days; 0: until revoked.")
@as_json_option
@click.pass_obj
def token_issue(home: Path, /, days: int, as_json: bool, **fields: Any) -> None:
    """Issue a token; it is shown once."""
    from quivive.model.clock import DAY_US, now_us

    _emit(_ask(home, "token-issue", **fields, expires_at=now_us() + days * DAY_US if days else 0), as_json)


@token.command("revoke")
@click.argument("name")
@as_json_option
@click.pass_obj
def token_revoke(home: Path, name: str, as_json: bool) -> None:
    """Revoke a token at once."""
    _emit(_ask(home, "token-revoke", name=name), as_json)


@cli.command("sign-in-link")
@click.option("--principal", default="", help="Who signs in: a name of the operator's staff register.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(["security", "dpo", "administrator", "agent", "evaluator", "auditor"]),
)
@click.option("--agent-id", default="", help="With --role agent: the person's id in the directory, e.g. RH-0007.")
@click.option("--controller", "controllers", multiple=True, help="Controllers to be seen; default: all.")
@as_json_option
@click.pass_obj
def sign_in_link(
    home: Path, principal: str, roles: tuple[str, ...], agent_id: str, controllers: tuple[str, ...], as_json: bool
) -> None:
    """Print a one-time sign-in link (single use, 15 minutes)."""
    asked = {"principal": principal, "roles": list(roles), "agent_id": agent_id, "controllers": list(controllers)}
    _emit(_ask(home, "sign-in-link", **asked), as_json)


@cli.group()
def source() -> None:
    """Sources of accesses and contacts."""


@source.command("map")
@click.argument("name")
@click.pass_obj
def source_map(home: Path, name: str) -> None:
    """Propose a catalogue from the keys and names of a database, as TOML to be confirmed by a person."""
    from quivive.core.database_jobs import propose_catalogue

    click.echo(_run(propose_catalogue(_settings(home), name)))


@source.command("presets")
@as_json_option
def source_presets(as_json: bool) -> None:
    """List the mappings that are shipped, for `mapping` of a source."""
    from quivive.connectors.registry import describe_presets
    from quivive.language import is_french

    described = describe_presets("fr" if is_french() else "en")
    if as_json:
        click.echo(json.dumps([{"name": n, "rows": k, "title": t} for n, k, t in described], ensure_ascii=False))
        return
    for name, kind, title in described:
        click.echo(f"{name:<28} {kind:<10} {title}")


@source.command("test")
@click.argument("name", required=False)
@click.option("--mapping", help="A preset or a .yml file, instead of the source's own.")
@click.option("--file", "path", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--controller", default="", help="With --mapping: the controller the rows are for.")
@as_json_option
@click.pass_obj
def source_test(home: Path, name: str | None, mapping: str | None, path: Path, controller: str, as_json: bool) -> None:
    """Try a file: what would be accepted, refused and why. Nothing is written.

    Exit 0 when every record is taken or skipped on purpose, 1 otherwise.
    """
    from quivive.connectors.dry_run import as_json as encoded
    from quivive.connectors.dry_run import told
    from quivive.connectors.trial import try_file

    result = try_file(home, name=name or "", mapping=mapping or "", controller=controller, path=path)
    if as_json:
        click.echo(json.dumps(encoded(result), sort_keys=True, ensure_ascii=False))
    else:
        for line in told(result):
            click.echo(said(line))
    sys.exit(0 if result.good else EXIT_FAILED)


@cli.group()
def links() -> None:
    """Links from rows to persons."""


@links.command("sync")
@click.argument("name")
@click.option("--dsn", help="Connection with SELECT on the declared key columns; default: side_dsn of the source.")
@click.pass_obj
def links_sync(home: Path, name: str, dsn: str | None) -> None:
    """Read the declared key columns of a source's database, nothing else, and write their hashed links."""
    from quivive.core.database_jobs import sync_links
    from quivive.settings import refuse_password

    refuse_password(dsn or "", file="(command line)", key="--dsn")  # every account of the machine reads arguments
    click.echo(said(f"{_run(sync_links(_settings(home), name, dsn))} links written"))


def _ask(home: Path, command: str, **params: Any) -> dict[str, Any]:
    from quivive.core.control import ask, core_socket

    return _run(ask(core_socket(home), command, **params))


def _fail(error: QuiviveError) -> NoReturn:
    _tell(f"quivive: {said(error)}")
    sys.exit(EXIT_CONFIGURATION if isinstance(error, ConfigurationError) else EXIT_FAILED)


add_commands(cli, _ask, _emit)
add_coverage(cli, _ask, _emit)
add_exchange(cli, _ask)
add_instructions(cli, _ask, _emit)
add_identity(cli, token, _ask, _emit)
add_applications(cli, _ask, _emit)
add_rule_commands(cli, _ask, _emit)
add_bench_commands(cli)
add_gate_papers(gate, _ask, _emit)
add_registers(cli, _ask, _emit)
add_evidence(cli)
add_cases(cli)
add_resolve(cli, _ask)
add_audio_commands(cli, _ask, _emit)
add_retention(cli, _ask, _emit)
add_recording_commands(cli, _ask, _emit)
add_operations(cli, _emit)


def main() -> None:
    """Entry point: one clear sentence for what a person can mend."""
    if sys.flags.optimize:
        _tell("quivive: python -O would drop the checks before durable writes; start without it")
        sys.exit(EXIT_CONFIGURATION)
    speak(cli, click.rich_click)
    try:
        cli(standalone_mode=True)
    except QuiviveError as error:
        _fail(error)


if __name__ == "__main__":
    main()
