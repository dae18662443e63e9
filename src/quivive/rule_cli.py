"""Commands of the rules: `quivive rules list | check | test`, `quivive watch`.

Added to the command line by `cli`. Thin like it. `check` needs no core: it runs a rule's own examples.
"""

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import rich_click as click

from quivive.core.control import CoreUnreachableError
from quivive.language import is_french, said
from quivive.model.errors import StorageError

Ask = Callable[..., dict[str, Any]]
Emit = Callable[[dict[str, Any], bool], None]
_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


def add_rule_commands(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    """Add the commands of the rules to the command line."""

    @cli.group()
    def rules() -> None:
        """Rules over the accesses: the shipped pack, and your own files in rules/ of the data folder."""

    _list(rules, ask, emit)
    _check(rules)
    _test(rules, ask, emit)
    _watch(cli, ask, emit)


def _list(rules: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @rules.command("list")
    @_json
    @click.pass_obj
    def rules_list(home: Path, as_json: bool) -> None:
        """List the rules in force; * looks live, the others once verdicts are final."""
        answer = ask(home, "rules-list")
        if as_json:
            emit(answer, as_json)
            return
        language = "fr" if is_french() else "en"
        for each in answer["rules"]:
            mark = "*" if each["live"] else " "
            state = "on" if each["runs"] else "off"
            click.echo(f"{mark} {each['rule']:<28} {each['severity']:<6} {state:<3} {each[f'title_{language}']}")


def _check(rules: click.RichGroup) -> None:
    @rules.command("check")
    @click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
    def rules_check(files: tuple[Path, ...]) -> None:
        """Read rules and run their examples (tests/ beside the file); without a file the shipped pack."""
        from quivive.detection.rules.examples import examples_beside, satisfied, shipped_examples
        from quivive.detection.rules.load import read_rule, shipped_rules

        found = [read_rule(path) for path in files] if files else list(shipped_rules())
        examples = [each for path in files for each in examples_beside(path)] if files else list(shipped_examples())
        by_topic = {rule.topic: rule for rule in found}
        wrong = 0
        for example in examples:
            rule = by_topic.get(example.topic)
            if rule is None or satisfied(rule, example.events) is not example.hit:
                wrong += 1
                click.echo(f"✗ {example.topic}: {example.title}")
        click.echo(said(f"{len(found)} rules read, {len(examples)} examples run, {wrong} wrong"))
        sys.exit(1 if wrong else 0)


def _test(rules: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @rules.command("test")
    @click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
    @click.option("--from", "from_at", required=True, type=click.DateTime(), help="Start of the period, UTC.")
    @click.option("--to", "to_at", required=True, type=click.DateTime(), help="End of the period, UTC.")
    @_json
    @click.pass_obj
    def rules_test(home: Path, file: Path | None, from_at: datetime, to_at: datetime, as_json: bool) -> None:
        """Replay a period: what the rules find; with a file, what would appear or vanish. The core may be stopped."""
        told = {"text": file.read_text(encoding="utf-8"), "file": file.name} if file else {}
        wanted = {"from_at": _micros(from_at), "to_at": _micros(to_at), **told}
        try:
            answer = ask(home, "rules-test", **wanted)
        except CoreUnreachableError:
            answer = _at_rest(home, wanted)
        if as_json:
            emit(answer, as_json)
            return
        for sign, part in ((" ", "hits"), ("+", "appear"), ("-", "vanish")):
            for topic, days in answer[part].items():
                for day, count in days.items():
                    click.echo(f"{sign} {day} {topic:<28} {count}")


def _at_rest(home: Path, wanted: dict[str, Any]) -> dict[str, Any]:
    """Without a core the projection it left is read; where there is none, the core is asked for."""
    import duckdb

    from quivive.core.rule_commands import replay
    from quivive.model.clock import now_us
    from quivive.projection.projection import Projection
    from quivive.projection.store import HOT_FILE
    from quivive.settings import load_settings

    settings = load_settings(home)
    if not (home / "projection" / HOT_FILE).exists():
        raise StorageError("no projection in this data folder yet: start the core once")
    try:
        projection = Projection.open(home / "projection")
    except duckdb.IOException:
        raise StorageError("the projection is held by a core that does not answer: ask again in a moment") from None
    try:
        return replay(projection, settings, wanted, as_of=now_us())
    finally:
        projection.close()


def _watch(cli: click.RichGroup, ask: Ask, emit: Emit) -> None:
    @cli.group()
    def watch() -> None:
        """Records whose every access is noticed, as the controller asked."""

    reason = click.option("--reason", required=True, help="Code of the request behind it, e.g. DPO-2026-14; no name.")

    @watch.command("add")
    @click.argument("controller")
    @click.argument("record")
    @reason
    @click.option("--own", default="", help="Directory id of the agent who declared it as his own record.")
    @_json
    @click.pass_obj
    def watch_add(home: Path, controller: str, record: str, reason: str, own: str, as_json: bool) -> None:
        """Notice a record, e.g. customer:42; only its key is kept."""
        emit(ask(home, "watch-add", controller=controller, record=record, reference=reason, own=own), as_json)

    @watch.command("remove")
    @click.argument("controller")
    @click.argument("record")
    @reason
    @_json
    @click.pass_obj
    def watch_remove(home: Path, controller: str, record: str, reason: str, as_json: bool) -> None:
        """Notice it no longer."""
        emit(ask(home, "watch-remove", controller=controller, record=record, reference=reason), as_json)


def _micros(moment: datetime) -> int:
    """Microseconds of a naive UTC instant."""
    delta = moment - datetime(1970, 1, 1)  # noqa: DTZ001 - both are UTC by definition of the option
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
