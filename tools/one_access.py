"""Lets one access happen in a folder: from a golden transcript through relay, spool, ledger, projection and judge.

Called by life_of_an_access.py. Uses the product's own functions; only instants and randomness are fixed. Must never
re-implement a station.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, Final

import msgspec

from quivive.capture.attribution import AttributionSettings
from quivive.capture.catalogue import RawCatalogue, build_snapshot
from quivive.capture.context import RelayContext, SourceFacts
from quivive.capture.encode import encode_body
from quivive.capture.recorder import Recorder
from quivive.contacts.directory import DirectoryContext
from quivive.core.database_jobs import batches
from quivive.core.writers import CoreWriter
from quivive.detection.judge import ControllerJudging, JudgeSettings, judge_live
from quivive.intake.batch import IntakeKind, map_batch
from quivive.intake.batch import SourceFacts as BatchFacts
from quivive.ledger.entry import decode_entry
from quivive.ledger.finding import Report
from quivive.ledger.frame import PREFIX_BYTES, frame_length
from quivive.ledger.log import InclusionProof, Ledger, LedgerEntry
from quivive.ledger.note import VerifierKey
from quivive.ledger.verify import verify_home
from quivive.model.access import CaptureMode, Grade, LinkBody
from quivive.model.catalogue import Catalogue, Table, TableKind
from quivive.model.catalogue import Path as KeyPath
from quivive.model.clock import MINUTE_US, SECOND_US, from_rfc3339, to_rfc3339
from quivive.model.contact import HeartbeatBody
from quivive.model.entry import EntryKind
from quivive.model.errors import StorageError
from quivive.model.gate import CapturePolicy, GateBody, GateState, Module
from quivive.privacy.keyring import Keyring
from quivive.privacy.pseudonym import agent_key
from quivive.privacy.subject import SubjectKeyer
from quivive.projection.projection import Projection
from quivive.projection.query import Scope
from quivive.rows import DecodedRow
from quivive.spool.reader import SpoolReader
from quivive.spool.record import SpoolCursor
from quivive.spool.writer import SpoolWriter
from quivive.wire.postgres.session import PgSession

ROOT: Final = Path(__file__).resolve().parent.parent
TRANSCRIPT: Final = ROOT / "tests" / "golden" / "postgres" / "attributed.bin"
CONTROLLER, SOURCE, FEED = "mercato", "mercato-db", "telephony"
SHARD: Final = f"{CONTROLLER}/202611"
CUSTOMER_OID, INT8, TEXT = 16_396, 20, 25  # as the transcript's RowDescription names them
AT: Final = from_rfc3339("2026-11-23T14:05:03Z")
EVE: Final = from_rfc3339("2026-11-22T20:00:00Z")
NOON: Final = from_rfc3339("2026-11-23T08:00:00Z")
END: Final = AT + 10 * MINUTE_US
CATALOGUE: Final = Catalogue(
    controller=CONTROLLER,
    version=1,
    tables=(
        Table(
            name="public.customer",
            kind=TableKind.PERSON,
            key=("id",),
            path=KeyPath(column="household_id", to="public.household"),
        ),
        Table(name="public.household", kind=TableKind.GROUP, key=("id",)),
    ),
    not_protected=(),
)
PERSON: Final = {
    "id": "hr-1042", "version": 1, "employer": "qualis", "establishment": "lyon", "country": "FR", "team": "orders",
    "controllers": [CONTROLLER], "informed_at": "2026-10-01T00:00:00Z",
    "accounts": [
        {"controller": CONTROLLER, "namespace": "crm", "login": "camille.r"},
        {"controller": CONTROLLER, "namespace": "telephony", "login": "3017"},
    ],
}  # fmt: skip
CALL: Final = {
    "id": "A-9917", "version": 1, "kind": "call", "controller": CONTROLLER, "direction": "inbound", "agent": "3017",
    "records": ["customer:2"], "offered_at": "2026-11-23T14:04:02Z", "started_at": "2026-11-23T14:04:10Z",
    "ended_at": "2026-11-23T14:09:00Z", "wrapped_at": "2026-11-23T14:09:20Z",
}  # fmt: skip


Batch = list[tuple[IntakeKind, dict[str, Any]]]


class OneSpool:
    """A relay's spool without its event loop: one connection, one thread."""

    failure: StorageError | None = None

    def __init__(self, writer: SpoolWriter) -> None:
        self._writer = writer
        self.append = writer.append

    @property
    def durable_seq(self) -> int:
        return self._writer.durable_seq

    async def durable(self, seq: int) -> None:
        raise NotImplementedError(f"nobody waits here for {seq}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What each station left."""

    reads: list[tuple[str, bytes]]
    context: RelayContext
    keyer: SubjectKeyer
    spooled: bytes
    tie: bytes
    frame: bytes
    frame_place: str
    proof: InclusionProof
    vkey: VerifierKey
    verified: Report
    row: dict[str, object]
    evidence: list[dict[str, object]]


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> int:
        return self.at


def fixed_random() -> Callable[[int], bytes]:
    """Stands in for os.urandom: the same keys, salts and nonces on every run. Only here."""
    number = count()

    def draw(size: int) -> bytes:
        start = f"life of an access {next(number)}".encode()
        blocks = [sha256(start + block.to_bytes(4)).digest() for block in range(-(-size // 32))]
        return b"".join(blocks)[:size]

    return draw


def read_transcript() -> list[tuple[str, bytes]]:
    """Reads of the golden transcript: "C" from the client or "S" from the server, and the bytes."""
    data, reads, at = TRANSCRIPT.read_bytes(), [], 0
    while at < len(data):
        size = int.from_bytes(data[at + 1 : at + 5])
        reads.append((data[at : at + 1].decode(), data[at + 5 : at + 5 + size]))
        at += 5 + size
    return reads


def relay(home: Path, keyring: Keyring, clock: Clock, reads: list[tuple[str, bytes]]) -> RelayContext:
    """Stations 1 to 5: what the relay does with the bytes of one connection."""
    keys = keyring.controller_keys(CONTROLLER)
    writer = SpoolWriter.open(home / "spool", SOURCE, NOON)
    raw = RawCatalogue(
        relations=[(str(CUSTOMER_OID), "public", "customer", "r", "p", str(CUSTOMER_OID), None, "1")],
        columns=[
            (str(CUSTOMER_OID), "1", "id", str(INT8)),
            (str(CUSTOMER_OID), "2", "household_id", str(INT8)),
            (str(CUSTOMER_OID), "4", "last_name", str(TEXT)),
        ],
        view_bases=[],
        view_fields={},
        functions=[],
        search_path=("public",),
    )
    informed = {agent_key(keys, "crm", "camille.r"): from_rfc3339(str(PERSON["informed_at"]))}
    context = RelayContext(
        facts=SourceFacts(
            name=SOURCE,
            controller=CONTROLLER,
            region="FR",
            mode=CaptureMode.OBSERVE,
            closed=False,
            grade=Grade.A,
            attribution=AttributionSettings(namespace="crm"),
        ),
        keys=keys,
        spool=OneSpool(writer),
        epoch=writer.epoch,
        clock=clock,
        snapshot=build_snapshot(raw, CATALOGUE),
        policy=CapturePolicy(active=True, informed=informed, keep_unknown=False, service_accounts=()),
        side=None,
        reload=None,
    )
    session = PgSession(Recorder(context, login="crm_app", startup={}))
    clock.at = AT
    for way, data in reads:
        if way == "C":
            session.client_bytes(data)
        else:
            clock.at += 1_400  # the database answers after 1.4 ms
            session.server_bytes(data)
    clock.at = END
    context.append(EntryKind.HEARTBEAT, encode_body(HeartbeatBody(complete_to=END)))
    writer.close()
    return context


def feed(home: Path, keyring: Keyring, keyer: SubjectKeyer, source: str, batch: Batch, now: int) -> None:
    """What the intake does with rows of the API, up to its spool."""
    facts = BatchFacts(
        name=source,
        namespace="telephony",
        grade=Grade.B,
        controllers={CONTROLLER: keyer},
        default=CONTROLLER,
        directory=DirectoryContext(operator_agent_key=keyring.operator_agent_key, controllers={CONTROLLER: keyer.keys}),
        operator_key_id="k1",
    )
    informed = {agent_key(keyer.keys, "telephony", "3017"): from_rfc3339(str(PERSON["informed_at"]))}
    policy = CapturePolicy(active=True, informed=informed, keep_unknown=False, service_accounts=())
    writer = SpoolWriter.open(home / "spool", source, now)
    for kind, row in batch:
        good, refused = map_batch(kind, facts, policy, [DecodedRow(number=0, value=row)], now)
        assert not refused, refused
        for event in good[0].events:
            writer.append(
                kind=event.kind,
                captured_at=event.captured_at,
                controller=event.controller,
                key_id=event.key_id,
                body=event.body,
            )
    writer.close()


def eve(home: Path, keyring: Keyring, keyer: SubjectKeyer) -> None:
    """The evening before: gate, catalogue, directory, and `quivive links sync` with the households."""
    core = CoreWriter(home, lambda: EVE)
    gate = GateBody(
        employer="qualis",
        establishment="lyon",
        module=Module.ACCESS,
        state=GateState.ACTIVE,
        reference="fictitious minutes",
        demonstration=True,
    )
    core.write(EntryKind.GATE_STATE, gate)
    core.write(EntryKind.CATALOGUE_VERSION, CATALOGUE, controller=CONTROLLER)
    core.close()
    feed(home, keyring, keyer, "people", [(IntakeKind.DIRECTORY, PERSON)], EVE)
    household = keyer.record("household:7").key
    links = [
        LinkBody(left=left, left_kind="record", right=household, right_table="public.household")
        for left in (keyer.record(f"customer:{n}").key for n in (1, 2, 3))
    ]
    writer = SpoolWriter.open(home / "spool", f"{SOURCE}-links", EVE)
    for body in batches(links):
        encoded = msgspec.json.encode(body, order="sorted")
        writer.append(
            kind=EntryKind.LINK_BATCH, captured_at=EVE, controller=CONTROLLER, key_id=keyer.keys.key_id, body=encoded
        )
    writer.close()


def take(home: Path, ledger: Ledger, source: str, now: int) -> None:
    """What the core does with a spool: everything after the cursor into the ledger."""
    events = SpoolReader(home / "spool", source).poll(SpoolCursor(source=source), 100)
    ledger.append(events, now)


def live(home: Path) -> Life:
    """Let the access happen."""
    reads = read_transcript()
    keyring = Keyring.create(home, [CONTROLLER])
    keyer = SubjectKeyer(keys=keyring.controller_keys(CONTROLLER), catalogue=CATALOGUE, region="FR")
    eve(home, keyring, keyer)
    context = relay(home, keyring, Clock(), reads)
    batch: Batch = [(IntakeKind.CONTACTS, CALL), (IntakeKind.HEARTBEATS, {"complete_to": to_rfc3339(END)})]
    feed(home, keyring, keyer, FEED, batch, END)
    (spool_file,) = (path for path in (home / "spool" / SOURCE).rglob("*") if path.is_file() and path.stat().st_size)
    spooled = spool_file.read_bytes()
    ledger = Ledger.open(home, keyring, {CONTROLLER: 1}, "qualis.example/quivive")
    for source in ("core", "people", f"{SOURCE}-links"):
        take(home, ledger, source, EVE + SECOND_US)
    take(home, ledger, SOURCE, AT + 60_000)
    take(home, ledger, FEED, END + SECOND_US)
    ledger.publish(END + 2 * SECOND_US, force=True)
    entries = ledger.read({}, 1_000)
    mine = next(each for each in entries if decode_entry(each.data).kind is EntryKind.ACCESS)
    tie = next(each for each in entries if decode_entry(each.data).kind is EntryKind.LINK_BATCH)
    row, evidence = explain(home, entries, keyer)
    proof, vkey = ledger.proof(mine.shard, mine.index), ledger.verifier_key(mine.shard)
    ledger.close()
    place = f"segments/{CONTROLLER}/trace/{mine.day}"
    held = (home / place).read_bytes()
    return Life(
        reads=reads,
        context=context,
        keyer=keyer,
        spooled=spooled,
        tie=tie.data,
        frame=held[: frame_length(held[:PREFIX_BYTES])],
        frame_place=place,
        proof=proof,
        vkey=vkey,
        verified=verify_home(home),
        row=row,
        evidence=evidence,
    )


def explain(
    home: Path, entries: list[LedgerEntry], keyer: SubjectKeyer
) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Project, judge, and ask as the subject search does."""
    projection = Projection.open(home / "projection")
    projection.apply(entries)
    judging = ControllerJudging(contact_sources=(FEED,), lateness_s=300)
    judge_live(projection, JudgeSettings(controllers={CONTROLLER: judging}), as_of=END + 3 * SECOND_US)
    scope = Scope(
        controllers=(CONTROLLER,), from_at=EVE, to_at=END + MINUTE_US, purpose="subject_request", principal="p1"
    )
    (row,) = projection.query(scope, "accesses_by_subject", {"keys": [keyer.record("customer:2").key], "limit": 10})
    evidence = projection.query(scope, "evidence", {"access": row["access"]})
    projection.close()
    return row, evidence
