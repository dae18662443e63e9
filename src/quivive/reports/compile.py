"""From a document to PDF/A-3a and PDF/UA-1, with its data attached: the same document gives the same bytes.

Called by `office`. Pure: the instant of the document is the instant of the file. Must never read a font or a file of
the machine. Conformance is what the compiler (typst) claims; no validator ran here (docs/reports.md says so).
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Final, Literal

import typst

from quivive.model.clock import SECOND_US
from quivive.model.errors import QuiviveError
from quivive.reports.document import Document
from quivive.reports.render import csv_files, page_data
from quivive.texts import Texts

PDF_STANDARDS: Final[list[Literal["a-3a", "ua-1"]]] = ["a-3a", "ua-1"]
"""Long-term archive with attachments (ISO 19005-3, level a) and accessible to a screen reader (ISO 14289-1)."""
MAX_ATTACHED_BYTES: Final = 8 << 20
"""Data attached to the PDF itself; larger tables stay beside it in the archive, named with their hash all the same."""


class ReportError(QuiviveError):
    """The template refused the document: a defect of ours."""


def compile_pdf(document: Document, texts: Texts, operator: str) -> bytes:
    """Make the PDF of a document in one language.

    Raises:
        ReportError: the template refuses.
    """
    found = csv_files(document)
    hashes = {name: sha256(data).hexdigest() for name, data in found.items()}
    data = page_data(document, texts, hashes, operator)
    inputs = {"data": _json(data), "files": _json(_attached(found))}
    template = files("quivive.reports").joinpath("templates/report.typ").read_bytes()
    try:
        made = typst.compile(
            template,
            format="pdf",
            pdf_standards=[*PDF_STANDARDS],
            timestamp=document.as_of // SECOND_US,
            ignore_system_fonts=True,
            sys_inputs=inputs,
        )
    except (RuntimeError, typst.TypstError) as error:
        raise ReportError(f"report {document.code}: {type(error).__name__}") from error
    return bytes(made)


def _attached(found: Mapping[str, bytes]) -> dict[str, str]:
    """The files that fit, in the order of their names."""
    kept: dict[str, str] = {}
    room = MAX_ATTACHED_BYTES
    for name, data in sorted(found.items()):
        if len(data) <= room:
            kept[name] = data.decode()
            room -= len(data)
    return kept


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
