"""Commands of the activation gate's papers: `quivive gate draft`, `record`, `papers`.

Called by `cli`. Thin: ask the core, print or write its answer. Must never send a document: its hash alone leaves.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import rich_click as click

Ask = Callable[..., dict[str, Any]]
Emit = Callable[[dict[str, Any], bool], None]
_MODULES = click.Choice(["access", "recordings", "residual"])
_RECORDS = click.Choice(
    [
        "council_note", "council_opinion", "impact_assessment", "register_controller", "register_processor",
        "agent_notice", "charter", "contract_annex",
    ]
)  # fmt: skip
_PURPOSES = click.Choice(["security", "consultation_control", "misconduct_proof", "recording_governance"])


def add_gate_papers(gate: click.Group, ask: Ask, emit: Emit) -> None:
    """Add the commands to the group of the gate."""

    @gate.command("draft")
    @click.option("--employer", required=True)
    @click.option("--establishment", required=True)
    @click.option("--module", type=_MODULES, default="access", show_default=True)
    @click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="New folder.")
    @click.pass_obj
    def draft(home: Path, employer: str, establishment: str, module: str, out: Path) -> None:
        """Draft the gate's papers, in French and English, from the live configuration, to be edited and adopted."""
        from quivive.model.gate import Module
        from quivive.reports.drafting import write_drafts

        facts = ask(home, "gate-draft")
        made = write_drafts(
            facts,
            employer=employer,
            establishment=establishment,
            module=Module(module),
            day=datetime.now(tz=UTC).date().isoformat(),
        )
        out.mkdir(parents=True, exist_ok=False)
        for each in made:
            (out / each.name).write_text(each.text, encoding="utf-8")
            click.echo(f"{each.digest}  {out / each.name}")

    @gate.command("record")
    @click.option("--employer", required=True)
    @click.option("--establishment", required=True)
    @click.option("--module", type=_MODULES, default="access", show_default=True)
    @click.option("--record", type=_RECORDS, required=True, help="Which document was adopted.")
    @click.option("--dated", required=True, metavar="YYYY-MM-DD", help="Its own date.")
    @click.option("--reference", required=True, help="Where it can be found, for example the number of the minutes.")
    @click.option(
        "--file",
        "document",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Its text; only the hash leaves.",
    )
    @click.option("--purpose", "purposes", type=_PURPOSES, multiple=True, help="A purpose it declares.")
    @click.option("--demonstration", is_flag=True, help="Fictitious record.")
    @click.pass_obj
    def record(home: Path, /, document: Path | None, **fields: Any) -> None:
        """Record an adopted document; the entry is sealed."""
        digest = sha256(document.read_bytes()).hexdigest() if document else ""
        emit(ask(home, "gate-record", text_sha256=digest, **fields), False)

    @gate.command("papers")
    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
    @click.pass_obj
    def papers(home: Path, as_json: bool) -> None:
        """Show every recorded document."""
        answer = ask(home, "gate-papers")
        if as_json:
            emit(answer, True)
            return
        for each in answer["papers"]:
            day = datetime.fromtimestamp(each["dated_at"] // 1_000_000, tz=UTC).date().isoformat()
            place = f"{each['employer']}/{each['establishment']}/{each['module']}"
            click.echo(f"{day}  {place}  {each['record']}  {each['reference']}")
