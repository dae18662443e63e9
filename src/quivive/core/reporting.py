"""What reports know of this installation: companies, sources, heads of the logs, measures in force.

Called by `core.compose`. Must never put a secret into a fact, nor a company outside the report's own.
"""

import asyncio
from collections.abc import Callable, Mapping

from quivive import __version__
from quivive.ledger.log import Ledger
from quivive.model.ids import OPERATOR
from quivive.privacy.keyring import Keyring
from quivive.reports.facts import ControllerFact, HeadFact, Installation, SourceFact
from quivive.reports.office import ReportPorts
from quivive.reports.signing import ReportSigner
from quivive.settings import Settings


def report_ports(settings: Settings, keyring: Keyring, ledger: Ledger, clock: Callable[[], int]) -> ReportPorts:
    """What the office of reports works with."""
    opened: list[ReportSigner] = []

    def signer() -> ReportSigner:
        if not opened:
            opened.append(ReportSigner.open(keyring, settings.operator.name, clock()))
        return opened[0]

    async def installation(controllers: tuple[str, ...]) -> Installation:
        return await asyncio.to_thread(_installation, settings, ledger, controllers)

    def notes(controllers: tuple[str, ...]) -> Mapping[str, bytes]:
        return _notes(ledger, controllers)

    return ReportPorts(installation=installation, notes=notes, signer=signer)


def _installation(settings: Settings, ledger: Ledger, controllers: tuple[str, ...]) -> Installation:
    companies = [settings.controllers[each] for each in controllers]
    shown = {OPERATOR, *controllers}
    return Installation(
        operator=settings.operator.name,
        contact=settings.operator.contact,
        version=__version__,
        controllers=tuple(
            ControllerFact(id=each.id, name=each.name, retention_days=dict(each.retention_days)) for each in companies
        ),
        sources=tuple(
            SourceFact(name=name, kind=source.kind, controller=source.controller, grade=source.grade)
            for name, source in sorted(settings.sources.items())
            if source.controller in shown
        ),
        heads=tuple(_head(ledger, shard) for shard in ledger.shards() if shard.split("/", maxsplit=1)[0] in shown),
        measures=(
            ("tls_console", settings.operator.console_url.startswith("https://")),
            ("keys_apart", True),  # `quivive backup` leaves keys/ out (DESIGN §3)
            ("traces_sealed", True),  # frames under a day key (ADR 0003)
            ("values_absent", True),  # test_no_personal_data
        ),
        protected_tables={each.id: tuple(table.name for table in each.catalogue.tables) for each in companies},
    )


def _head(ledger: Ledger, shard: str) -> HeadFact:
    head = ledger.head(shard)
    return HeadFact(
        controller=shard.split("/", maxsplit=1)[0],
        shard=shard,
        entries=head.entries,
        published=head.published,
        root=head.root,
        signed_at=head.signed_at,
    )


def _notes(ledger: Ledger, controllers: tuple[str, ...]) -> dict[str, bytes]:
    """Signed checkpoints and public keys of the companies' logs, by file name."""
    found: dict[str, bytes] = {}
    for shard in ledger.shards():
        if shard.split("/", maxsplit=1)[0] not in controllers or not ledger.published_size(shard):
            continue
        proof = ledger.proof(shard, ledger.published_size(shard) - 1)
        name = shard.replace("/", "-")
        found[f"{name}.checkpoint"] = proof.note.encode()
        found[f"{name}.vkey"] = ledger.verifier_key(shard).text.encode() + b"\n"
    return found
