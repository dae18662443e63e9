"""One operator, two controllers, a source of each kind; spools in memory that may be told to fail."""

import asyncio
import json
from pathlib import Path

import pytest

from quivive.intake import Acceptor, IntakePorts, SeenTable
from quivive.model.access import Grade
from quivive.model.catalogue import Catalogue, Table, TableKind
from quivive.model.catalogue import Path as KeyPath
from quivive.model.errors import StorageError
from quivive.model.gate import CapturePolicy
from quivive.privacy.pseudonym import ControllerKeys, derive_controller_agent_key
from quivive.settings import ControllerSettings, OperatorSettings, Settings, SourceKind, SourceSettings

AT = 1_795_356_300_000_000  # 2026-11-22T14:05:00Z
OPERATOR_KEY = b"o" * 32


def _controller(name: str, slot: int, sources: tuple[str, ...]) -> ControllerSettings:
    tables = (
        Table(name="public.customer", kind=TableKind.PERSON, key=("id",)),
        Table(name="public.orders", kind=TableKind.LINKED, key=("id",), path=KeyPath(column="c", to="public.customer")),
    )
    return ControllerSettings(
        id=name,
        name=name.title(),
        slot=slot,
        catalogue=Catalogue(controller=name, version=1, tables=tables, not_protected=("public.tariff",)),
        timezone="Europe/Paris",
        default_region="FR",
        lateness_s=30,
        contact_sources=sources,
        retention_days={"trace": 365},
    )


def make_settings(home: Path) -> Settings:
    """Build the configuration without files."""
    return Settings(
        home=home,
        operator=OperatorSettings(name="Qualis", origin="qualis.example/qv"),
        controllers={c.id: c for c in (_controller("aurore", 1, ("pbx",)), _controller("boreal", 2, ("pbx",)))},
        sources={
            "aurore-crm": SourceSettings(kind=SourceKind.ACCESSES, controller="aurore", namespace="crm"),
            "aurore-file": SourceSettings(
                kind=SourceKind.ACCESS_FILE, controller="aurore", namespace="crm", path="a.log", grade=Grade.B
            ),
            "aurore-db": SourceSettings(kind=SourceKind.POSTGRES, controller="aurore", namespace="db"),
            "pbx": SourceSettings(kind=SourceKind.CONTACTS, namespace="pbx"),
            "hr": SourceSettings(kind=SourceKind.DIRECTORY),
            "wfm": SourceSettings(kind=SourceKind.ROSTER),
        },
    )


def make_keys(controller: str) -> ControllerKeys:
    """Keys that depend on the controller alone."""
    agent = derive_controller_agent_key(OPERATOR_KEY, controller)
    return ControllerKeys(key_id="k1", record=controller.encode().ljust(32, b"."), agent=agent)


class MemorySpool:
    """Keeps events; `failing` makes the disk refuse; `hold` delays durability until set."""

    def __init__(self) -> None:
        self.events: list[dict] = []
        self.failing = False
        self.hold: asyncio.Event | None = None

    def append(self, *, kind, captured_at, controller, key_id, body):
        self.events.append(
            {"kind": kind, "at": captured_at, "controller": controller, "key_id": key_id, "body": json.loads(body)}
        )
        return len(self.events)

    async def durable(self, seq):
        assert seq <= len(self.events)
        if self.hold is not None:
            await self.hold.wait()
        if self.failing:
            raise StorageError("disk full")


class Bench:
    """An acceptor with everything it needs in reach."""

    def __init__(self, home: Path) -> None:
        self.settings = make_settings(home)
        self.spools = {name: MemorySpool() for name in self.settings.sources}
        self.policy = CapturePolicy(active=True, informed={}, keep_unknown=True, service_accounts=())
        self.sealed: list = []
        self.now = AT
        self.seen = SeenTable.open(home / "intake.db")
        ports = IntakePorts(
            operator_agent_key=OPERATOR_KEY,
            controller_keys=make_keys,
            spool=self.spools.__getitem__,
            policy=lambda _source: self.policy,
            seal=self._seal,
            clock=lambda: self.now,
        )
        self.intake = Acceptor(self.settings, ports, self.seen)

    async def _seal(self, identities):
        self.sealed.extend(identities)

    def take(self, kind, source, rows, **more):
        """Send rows as a JSON array and wait for the report."""
        return asyncio.run(self.take_async(kind, source, rows, **more))

    async def take_async(self, kind, source, rows, **more):
        return await self.intake.take(
            kind=kind, source=source, content_type="application/json", body=json.dumps(rows).encode(), **more
        )

    def kinds(self, source):
        return [str(event["kind"]) for event in self.spools[source].events]


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.seen.close()


@pytest.fixture
def settings(tmp_path):
    return make_settings(tmp_path)
