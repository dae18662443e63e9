"""Drafts of the papers that the activation gate needs, written from the live configuration (issue 6 §1; DESIGN §11).

Called by `quivive gate draft`. Pure. The drafts are Markdown to be edited and adopted by people: Quivive writes what it
does, not what was decided. Must never claim that a document was adopted, nor call anything compliant.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

import jinja2

from quivive.model.gate import Module
from quivive.model.gate_record import GateRecordKind

LANGUAGES: Final = ("fr", "en")
DRAFTED: Final = (
    GateRecordKind.COUNCIL_NOTE, GateRecordKind.IMPACT_ASSESSMENT, GateRecordKind.REGISTER_CONTROLLER,
    GateRecordKind.REGISTER_PROCESSOR, GateRecordKind.AGENT_NOTICE, GateRecordKind.CHARTER,
    GateRecordKind.CONTRACT_ANNEX,
)  # fmt: skip
"""What can be drafted; the council's opinion is the council's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One paper in one language."""

    record: GateRecordKind
    language: str
    text: str

    @property
    def name(self) -> str:
        """File name."""
        return f"{self.record}.{self.language}.md"

    @property
    def digest(self) -> str:
        """SHA-256 of the text as drafted; an edited one has another."""
        return sha256(self.text.encode()).hexdigest()


def write_drafts(
    facts: Mapping[str, Any], *, employer: str, establishment: str, module: Module, day: str
) -> list[Draft]:
    """Write every draft in every language. `facts` as the core tells them (`gate-draft`); `day` ISO 8601."""
    environment = drafts_environment()
    values = {**facts, "employer": employer, "establishment": establishment, "module": module, "day": day}
    return [
        Draft(
            record=record,
            language=language,
            text=environment.get_template(f"{language}/{record}.md").render(values, language=language),
        )
        for record in DRAFTED
        for language in LANGUAGES
    ]


def drafts_environment() -> jinja2.Environment:
    """Templates of `drafts/`; a value that is missing is an error, never a blank."""
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown for people, not HTML
    )


def _source(name: str) -> str:
    return files("quivive.reports").joinpath("drafts", name).read_text(encoding="utf-8")
