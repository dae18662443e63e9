"""Command of the blast radius: `quivive resolve --case CASE --keys FILE --out FILE`.

Called by `cli`. The controller's own keys go to the core in batches and come back as line numbers; the matching lines
are written to the output file and nowhere else, readable by its owner alone. Must never print a key.
"""

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import rich_click as click

from quivive.language import said

Ask = Callable[..., dict[str, Any]]
MAX_KEYS: Final = 100_000
"""Lines of one list; a longer one is resolved in parts."""
MAX_KEY: Final = 256
"""Characters of one line; keys are short, and a batch fits a line of the control socket."""
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def add_resolve(cli: click.Group, ask: Ask) -> None:
    """Add the command."""

    @cli.command("resolve")
    @click.option("--case", required=True, help="Case decided as a breach, 32 hex digits.")
    @click.option("--keys", type=_FILE, required=True, help="The company's own record keys, one a line: customer:2")
    @click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="New CSV file.")
    @click.pass_obj
    def resolve(home: Path, case: str, keys: Path, out: Path) -> None:
        """List the company's records that a breach touched. Needs the approval of two persons, asked on the case."""
        from quivive.model.clock import Micros, to_rfc3339
        from quivive.reports.breach import write_forms

        lines = _read(keys)
        places = {language: out.with_name(f"{out.name}.article33.{language}.md") for language in ("fr", "en")}
        for path in (out, *places.values()):
            if path.exists():
                raise click.ClickException(said(f"{path} exists already"))
        opened = ask(home, "resolve-open", case=case)
        handle, batch, unreadable = opened["handle"], int(opened["batch"]), 0
        with _private(out) as file:
            writer = csv.writer(file)
            writer.writerow(("record", "accesses", "unexplained", "first_at", "last_at"))
            for start in range(0, len(lines), batch):
                answer = ask(home, "resolve-match", handle=handle, keys=lines[start : start + batch])
                unreadable += len(answer["unreadable"])
                for number, accesses, unexplained, first_at, last_at in answer["found"]:
                    when = (to_rfc3339(Micros(first_at)), to_rfc3339(Micros(last_at)))
                    writer.writerow((lines[start + number], accesses, unexplained, *when))
        told = ask(home, "resolve-close", handle=handle)
        for language, text in write_forms({**told, "listed": len(lines), "unreadable": unreadable}).items():
            with _private(places[language]) as file:
                file.write(text)
        click.echo(said(f"records shown: {told['records']}, resolved: {told['resolved']}"))
        click.echo(said(f"unresolved: {told['unresolved']}, accesses without keys: {told['accesses_without_keys']}"))
        if unreadable:
            click.echo(said(f"unreadable lines: {unreadable}"), err=True)


def _read(path: Path) -> list[str]:
    """The lines that hold something, once each, in order."""
    lines = list(dict.fromkeys(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()))
    if not lines or len(lines) > MAX_KEYS or max(map(len, lines)) > MAX_KEY:
        raise click.ClickException(said(f"expected 1 to {MAX_KEYS} lines of at most {MAX_KEY} characters"))
    return lines


def _private(path: Path) -> Any:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")
