"""The examples of docs/access-api.md and docs/access-file.md are run: every row of them is accepted."""

import asyncio
import re
import shlex
from pathlib import Path

import pytest

from quivive.intake import Acceptor, IntakePorts, SeenTable
from quivive.intake.batch import IntakeKind
from quivive.model.access import Action, Outcome
from quivive.model.catalogue import Catalogue, Table, TableKind
from quivive.model.contact import ContactKind, Direction, LegRole
from quivive.model.gate import CapturePolicy
from quivive.model.recording import ListeningKind, ListeningReason, SegmentState
from quivive.privacy.pseudonym import ControllerKeys
from quivive.rows import MAX_BATCH_BYTES, MAX_ROW_BYTES, MAX_ROWS
from quivive.settings import ControllerSettings, OperatorSettings, Settings, SourceKind, SourceSettings

DOCS = Path(__file__).parents[2] / "docs"
API, FILE = ((DOCS / name).read_text(encoding="utf-8") for name in ("access-api.md", "access-file.md"))
NOW = 1_795_356_300_000_000  # 2026-11-22T14:05:00Z
SOURCES = {
    "accesses": SourceSettings(kind=SourceKind.ACCESSES, controller="aurore", namespace="crm"),
    "contacts": SourceSettings(kind=SourceKind.CONTACTS, controller="aurore", namespace="telephony"),
    "directory": SourceSettings(kind=SourceKind.DIRECTORY),
    "roster": SourceSettings(kind=SourceKind.ROSTER),
}


class Spool:
    def __init__(self):
        self.count = 0

    def append(self, **_event):
        self.count += 1
        return self.count

    async def durable(self, seq):
        assert seq <= self.count


@pytest.fixture
def take(tmp_path):
    customer = Table(name="public.customer", kind=TableKind.PERSON, key=("id",))
    controller = ControllerSettings(
        id="aurore", name="Aurore", slot=1, timezone="Europe/Paris", default_region="FR", lateness_s=30,
        catalogue=Catalogue(controller="aurore", version=1, tables=(customer,), not_protected=()),
        contact_sources=(), retention_days={},
    )  # fmt: skip
    settings = Settings(
        home=tmp_path,
        operator=OperatorSettings(name="Q", origin="q.example/qv"),
        controllers={"aurore": controller},
        sources=SOURCES,
    )
    spools = {name: Spool() for name in SOURCES}
    seen = SeenTable.open(tmp_path / "intake.db")

    async def seal(_identities):
        pass

    ports = IntakePorts(
        operator_agent_key=b"o" * 32,
        controller_keys=lambda _name: ControllerKeys(key_id="k1", record=b"r" * 32, agent=b"a" * 32),
        spool=spools.__getitem__,
        policy=lambda _source: CapturePolicy(active=True, informed={}, keep_unknown=True, service_accounts=()),
        seal=seal,
        clock=lambda: NOW,
    )
    intake = Acceptor(settings, ports, seen)

    def send(kind, media, body):
        source = "contacts" if kind in ("heartbeats", "recordings", "listenings") else kind
        return asyncio.run(intake.take(kind=kind, source=source, content_type=media, body=body.encode()))

    yield send
    seen.close()


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def commands():
    for block in blocks(API, "sh"):
        words = shlex.split(block.replace("\\\n", " "))
        media = next(w.partition(": ")[2] for w in words if w.startswith("Content-Type"))
        body = words[max(words.index(flag) for flag in ("-d", "--data-binary") if flag in words) + 1]
        yield pytest.param(words[1].rpartition("/")[2], media, body, id=words[1].rpartition("/")[2])


@pytest.mark.parametrize(("kind", "media", "body"), list(commands()))
def test_each_curl_example_is_accepted(take, kind, media, body):
    """What a developer copies from the page works, and works only once."""
    first, again = take(kind, media, body), take(kind, media, body)
    assert first.refused == ()
    assert first.accepted >= 1
    assert first.accepted == 2 or kind != "accesses"
    assert again.accepted == 0 or kind == "heartbeats"


def test_every_route_has_an_example():
    """Each kind of batch has its command."""
    assert {c.id for c in commands()} == set(IntakeKind)


def test_the_lines_of_the_file_page_are_accepted(take):
    """The two lines of docs/access-file.md."""
    (block,) = blocks(FILE, "ndjson")
    report = take("accesses", "application/x-ndjson", block)
    assert (report.accepted, report.refused) == (2, ())


def test_closed_sets_and_limits_are_those_of_the_code():
    """Each member and limit stands in the page."""
    for member in (
        *Action,
        *Outcome,
        *ContactKind,
        *Direction,
        *LegRole,
        *ListeningKind,
        *ListeningReason,
        *SegmentState,
    ):
        assert f"`{member}`" in API
    assert (MAX_BATCH_BYTES, MAX_ROWS, MAX_ROW_BYTES) == (8 << 20, 10_000, 1 << 20)
    assert "At most 8 MiB and 10,000 rows; a row at most 1 MiB" in API
