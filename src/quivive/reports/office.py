"""The office of reports: reads inside a scope, compiles in every language, signs, packs (DESIGN §11).

Called by the console. Must never answer before the caller has written the act of the export, nor read outside the scope
that the caller narrowed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from quivive.reports.archive import pack
from quivive.reports.compile import compile_pdf
from quivive.reports.document import Document
from quivive.reports.dossier import compile_dossier, read_all
from quivive.reports.evidence import compile_evidence
from quivive.reports.facts import Installation, Period, Read
from quivive.reports.render import csv_files
from quivive.reports.signing import ReportSigner
from quivive.texts import Texts

REASON: Final = "Quivive"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPorts:
    """What the office works with.

    Fields:
        installation: facts beside the tables, of the given controllers alone. notes: signed checkpoints and public
            keys of their logs, by file name. signer: opened at the first report.
    """

    installation: Callable[[tuple[str, ...]], Awaitable[Installation]]
    notes: Callable[[tuple[str, ...]], Mapping[str, bytes]]
    signer: Callable[[], ReportSigner]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Outcome of a verification that ran just before."""

    exit_code: int
    at: int
    entries: int


class ReportOffice:
    """See the module's docstring. One per core."""

    def __init__(self, ports: ReportPorts) -> None:
        self._ports = ports

    async def dossier(
        self, read: Read, controllers: tuple[str, ...], period: Period, texts: Mapping[str, Texts],
        verified: Verified | None = None,
    ) -> bytes:  # fmt: skip
        """The inspection dossier as an archive: one signed PDF a language, every table whole, the signed heads."""
        installation = await self._installation(controllers, verified)
        document = compile_dossier(await read_all(read), installation, period)
        return await asyncio.to_thread(self._pack, document, installation, controllers, texts)

    async def evidence(self, read: Read, controller: str, period: Period, texts: Mapping[str, Texts]) -> bytes:
        """The evidence pack of one company, as an archive."""
        installation = await self._installation((controller,), None)
        document = compile_evidence(await read_all(read), installation, period)
        return await asyncio.to_thread(self._pack, document, installation, (controller,), texts)

    async def signed(self, document: Document, controller: str, texts: Texts) -> bytes:
        """One document as one signed PDF."""
        installation = await self._installation((controller,), None)
        return await asyncio.to_thread(self._one, document, texts, installation.operator)

    async def installation(self, controller: str) -> Installation:
        """Facts of one company."""
        return await self._installation((controller,), None)

    async def _installation(self, controllers: tuple[str, ...], verified: Verified | None) -> Installation:
        found = await self._ports.installation(controllers)
        if verified is None:
            return found
        return replace(
            found, verified=verified.exit_code, verified_at=verified.at, verified_entries=verified.entries
        )  # fmt: skip

    def _one(self, document: Document, texts: Texts, operator: str) -> bytes:
        return self._ports.signer().sign(compile_pdf(document, texts, operator), REASON)

    def _pack(
        self, document: Document, installation: Installation, controllers: tuple[str, ...], texts: Mapping[str, Texts]
    ) -> bytes:
        files = {
            f"{document.code}-{language}.pdf": self._one(document, each, installation.operator)
            for language, each in texts.items()
        }
        files |= {f"data/{name}": data for name, data in csv_files(document).items()}
        files |= {f"heads/{name}": data for name, data in self._ports.notes(controllers).items()}
        files["certificate.der"] = self._ports.signer().certificate
        for language, each in texts.items():
            files[f"README-{language}.txt"] = each.say("report.readme").encode()
        about = {"report": document.code, "as_of_us": str(document.as_of), "operator": installation.operator}
        return pack(files, about)
