"""Commands of detection: `quivive switch`, `alerts`, `canary`, `exposure-search`.

Added to the command line by `cli`. Thin like it: ask the core, print its answer. Must never print a name or a key,
and never keep the list of victims: it goes to the core, which keys each line and forgets it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import rich_click as click

Ask = Callable[..., dict[str, Any]]
Emit = Callable[[dict[str, Any], bool], None]
SWITCHES: Final = (
    "residual", "low_and_slow", "random_audit", "exposure_search", "canaries", "agent_word", "own_record",
)  # fmt: skip
_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


def add_commands(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    """Add the commands of detection to the command line."""
    _switches(cli, ask, emit)
    _alerts(cli, ask, emit)
    _canaries(cli, ask, emit)
    _exposure(cli, ask, emit)


def _switches(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @cli.group()
    def switch() -> None:
        """Parts of detection that are off until somebody turns them on."""

    @switch.command("set")
    @click.argument("name", type=click.Choice(SWITCHES))
    @click.argument("state", type=click.Choice(["on", "off"]))
    @click.option("--reference", default="", help="Assessment or minutes that cover it; needed for on.")
    @click.option("--demonstration", is_flag=True, help="Fictitious record.")
    @_json
    @click.pass_obj
    def switch_set(home: Path, name: str, state: str, reference: str, demonstration: bool, as_json: bool) -> None:
        """Turn one part on or off; the entry is sealed."""
        told = {"switch": name, "on": state == "on", "reference": reference, "demonstration": demonstration}
        emit(ask(home, "switch-set", **told), as_json)

    @switch.command("show")
    @_json
    @click.pass_obj
    def switch_show(home: Path, as_json: bool) -> None:
        """Show every switch."""
        answer = ask(home, "switch-show")
        if as_json:
            emit(answer, as_json)
            return
        for each in answer["switches"]:
            click.echo(f"{each['switch']:<16} {'on' if each['on'] else 'off':<4} {each['reference']}")


def _alerts(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @cli.group()
    def alerts() -> None:
        """Alerts within the budget; agents as neutral codes."""

    @alerts.command("list")
    @click.option("--state", type=click.Choice(["open", "explained", "reviewed"]), help="Only these.")
    @click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
    @_json
    @click.pass_obj
    def alerts_list(home: Path, state: str | None, limit: int, as_json: bool) -> None:
        """List alerts, newest first."""
        answer = ask(home, "alerts-list", state=state or "", limit=limit)
        if as_json:
            emit(answer, as_json)
            return
        for each in answer["alerts"]:
            click.echo(
                f"{each['opened_at']}  {each['state']:<9} {each['severity']:<6} {each['controller']:<10} "
                f"{each['agent_code'] or '-':<6} {each['topic']:<28} {each['alert']}"
            )

    @alerts.command("show")
    @click.argument("alert")
    @_json
    @click.pass_obj
    def alerts_show(home: Path, alert: str, as_json: bool) -> None:
        """Show one alert with its accesses."""
        answer = ask(home, "alerts-show", alert=alert)
        if as_json:
            emit(answer, as_json)
            return
        emit(answer["alert"], False)
        for each in answer["accesses"]:
            click.echo(f"  {each['at']}  {','.join(each['tables']):<40} {each['verdict']:<12} {each['template']}")


def _canaries(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @cli.group()
    def canary() -> None:
        """Records that no work needs: whoever opens one is noticed."""

    @canary.command("add")
    @click.argument("controller")
    @click.argument("record")
    @click.option("--contact", "contacts", multiple=True, help="What would reach it, e.g. phone:+33199001234.")
    @_json
    @click.pass_obj
    def canary_add(home: Path, controller: str, record: str, contacts: tuple[str, ...], as_json: bool) -> None:
        """Register a record, e.g. customer:900001; only its key is kept."""
        emit(ask(home, "canary-add", controller=controller, record=record, contacts=list(contacts)), as_json)

    @canary.command("remove")
    @click.argument("controller")
    @click.argument("record")
    @_json
    @click.pass_obj
    def canary_remove(home: Path, controller: str, record: str, as_json: bool) -> None:
        """Forget a record."""
        emit(ask(home, "canary-remove", controller=controller, record=record), as_json)

    @canary.command("list")
    @_json
    @click.pass_obj
    def canary_list(home: Path, as_json: bool) -> None:
        """Count canaries by controller."""
        answer = ask(home, "canary-list")
        emit(answer if as_json else answer["canaries"], as_json)


def _exposure(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @cli.command("exposure-search")
    @click.argument("controller")
    @click.option(
        "--file", "path", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Victims, one record a line, e.g. customer:2.",
    )  # fmt: skip
    @click.option("--days", type=click.IntRange(1, 366), default=28, show_default=True, help="How far back.")
    @_json
    @click.pass_obj
    def exposure_search(home: Path, controller: str, path: Path, days: int, as_json: bool) -> None:
        """From a list of victims to agents who opened more of them than their work explains."""
        victims = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        answer = ask(home, "exposure-search", controller=controller, victims=victims, days=days)
        if as_json:
            emit(answer, as_json)
            return
        for each in answer["agents"]:
            click.echo(
                f"{each['agent']}  {each['opened']}/{answer['victims']}  x{each['lift_milli'] / 1000:.1f}  "
                f"{each['first_at']}  {each['last_at']}"
            )
